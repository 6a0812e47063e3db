//! `verify --installed`: everything on disk, verified with the keyring of today.

use aileron_verifier::artifact::verify::Verified;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::event::Event;
use crate::store::{CheckedWhen, Pinned, Store, StoreError};
use crate::ui::commands::installing::home;
use crate::ui::commands::{Answer, Context};
use crate::ui::report::table::table;
use crate::ui::report::{Exit, Failure, Outcome};

/// The verdict on one installed thing.
struct Row {
    kind: &'static str,
    name: String,
    verdict: Result<CheckedWhen, StoreError>,
    details: Value,
}

pub(super) fn run(ring: &Keyring, full: bool, context: &Context) -> Answer {
    let store = home(context, None)?.store;
    let take = |event| context.progress.take(event);
    let installed = store.installed()?;
    take(Event::Begin { step: "verifying".to_owned(), total: 0 });
    let connectors: Vec<Row> = installed.par_iter().map(|pinned| connector(&store, pinned, ring, full)).collect();
    let mut rows = connectors;
    for (content, _) in
        store.entries()?.into_iter().filter(|(content, _)| installed.iter().all(|one| one.content != *content))
    {
        // No name in the index leads to it: its manifest cannot be read, or another entry has the same name and version.
        let name = content.to_string();
        let verdict = Err(StoreError::UnreadableEntry(content));
        rows.push(Row { kind: "connector", name, verdict, details: json!({"content_hash": content}) });
    }
    for (file, verdict) in store.judge_actions(ring, full)? {
        let missing = file.needs.iter().find(|needs| installed.iter().all(|one| one != *needs));
        let (name, details) = match &file.reference {
            Some(reference) => (reference.to_string(), json!({"reference": reference})),
            None => (file.name.clone(), json!({"reference": null})),
        };
        let signer = verdict.as_ref().ok().map(|judged| judged.signer);
        let verdict = match (verdict, missing, file.reference) {
            (Ok(_), Some(needs), Some(action)) => Err(StoreError::ConnectorMissing { action, needs: needs.clone() }),
            (verdict, ..) => verdict.map(|judged| judged.check),
        };
        let mut details = details;
        details["name"] = json!(file.name);
        details["signer"] = json!(signer);
        rows.push(Row { kind: "action", name, verdict, details });
    }
    let refused = rows.iter().filter(|row| row.verdict.is_err()).count();
    take(Event::End { outcome: format!("{} verified, {refused} refused", rows.len() - refused) });
    let documents: Vec<Value> = rows.iter().map(Row::json).collect();
    let text = match rows.is_empty() {
        true => "Nothing is installed.\n".to_owned(),
        false => table(&["artifact", "kind", "verdict"], &rows.iter().map(Row::shown).collect::<Vec<_>>()),
    };
    let fields = json!({"verified": rows.len() - refused, "refused": refused, "artifacts": documents});
    let first = rows.into_iter().find_map(|row| row.verdict.err()).map(Failure::from);
    let failure = first.map(|failure| match (refused, failure.class) {
        (1, _) => failure,
        _ => failure.evidence(format!("  the first of {refused} that are refused")),
    });
    // Whatever is wrong with what is installed is a refusal: nothing of it may run.
    let failure = failure.map(|failure| match failure.class {
        Class::StoreUnwritable => failure,
        _ => Failure { exit: Exit::Refused, ..failure },
    });
    Ok(Outcome::new(text, fields).with_failure(failure))
}

fn connector(store: &Store, pinned: &Pinned, ring: &Keyring, full: bool) -> Row {
    let (verdict, signer) = if full {
        match store.verify(pinned, ring) {
            Ok(verified) => (Ok(CheckedWhen::Now), Some(*Verified::signer(&verified))),
            Err(error) => (Err(error), None),
        }
    } else {
        match store.open(pinned, ring) {
            Ok(opened) => (Ok(opened.check), Some(opened.signer)),
            Err(error) => (Err(error), None),
        }
    };
    let details = json!({"reference": pinned.reference, "content_hash": pinned.content, "signer": signer});
    Row { kind: "connector", name: pinned.reference.to_string(), verdict, details }
}

impl Row {
    fn shown(&self) -> Vec<String> {
        let verdict = match &self.verdict {
            Ok(CheckedWhen::Now) => "verified".to_owned(),
            Ok(CheckedWhen::Before) => "unchanged since it was verified".to_owned(),
            Err(StoreError::Refused { why, .. }) => format!("refused: {}: {why}", why.class()),
            Err(error) => format!("refused: {}: {error}", error.class()),
        };
        vec![self.name.clone(), self.kind.to_owned(), verdict]
    }

    fn json(&self) -> Value {
        let mut document = json!({"kind": self.kind});
        if let (Value::Object(document), Value::Object(details)) = (&mut document, &self.details) {
            document.extend(details.clone());
        }
        document["verdict"] = json!(if self.verdict.is_ok() { "verified" } else { "refused" });
        match &self.verdict {
            Ok(check) => document["checked"] = json!(if *check == CheckedWhen::Now { "now" } else { "before" }),
            Err(error) => {
                document["error"] = json!({"class": error.class().as_str(), "message": error.to_string()});
            }
        }
        document
    }
}
