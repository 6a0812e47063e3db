//! `connector check`.

use std::time::Duration;

use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::{Value, json};

use crate::consumer::fetch::origin::Origin;
use crate::consumer::install::check::{CheckReport, CheckedConnector, Published, check};
use crate::store::{Pinned, StoreError};
use crate::ui::args::{duration, examples};
use crate::ui::commands::installing::{home, installed_name};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::{short, table};
use crate::ui::report::{Exit, Failure, Outcome};

/// Verify installed connectors again, compare them with what is published now, and repair the index.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron connector check",
    "aileron connector check github://acme/aileron-connector-x --offline"
))]
pub(crate) struct Check {
    /// Which, by Ref or name [default: every installed connector].
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Verify what is on disk only; do not ask what is published.
    #[arg(long)]
    offline: bool,
    /// Compare with this mirror [default: AILERON_MIRROR, else where the name's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait_lock: Option<Duration>,
}

impl Verb for Check {
    fn run(self, context: &Context) -> Answer {
        let home = home(context, self.wait_lock)?;
        let ring = home.ring.load()?;
        let names = self.names.iter().map(|text| installed_name(text)).collect::<Result<Vec<_>, _>>()?;
        let origin = Origin::choose(self.from.as_deref(), &context.environment);
        let CheckReport { index_rebuilt, connectors, unreadable } =
            check(&home.store, &ring, &names, (!self.offline).then_some(&origin))?;
        let mut rows: Vec<Vec<String>> = connectors.iter().map(row).collect();
        let mut documents: Vec<Value> = connectors.iter().map(document).collect();
        let mut failure = connectors.into_iter().find_map(failure);
        for content in &unreadable {
            rows.push(vec![content.to_string(), "unreadable".to_owned(), "-".to_owned(), "-".to_owned()]);
            documents.push(json!({"reference": null, "content_hash": content, "verdict": "refused"}));
            failure = failure.or_else(|| Some(StoreError::UnreadableEntry(*content).into()));
        }
        let mut text = match rows.is_empty() {
            true => "No connectors are installed.\n".to_owned(),
            false => table(&["connector", "on disk", "published", "newer"], &rows),
        };
        if index_rebuilt {
            text.push_str("The index did not match the manifests; it was rebuilt.\n");
        }
        let fields = json!({"connectors": documents, "index": if index_rebuilt { "rebuilt" } else { "sound" }});
        Ok(Outcome::new(text, fields).with_failure(failure))
    }
}

fn row(checked: &CheckedConnector) -> Vec<String> {
    let verdict = match &checked.verdict {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("refused: {}", error.class()),
    };
    let newer = checked.newer.as_ref().map_or("-".to_owned(), ToString::to_string);
    vec![checked.pinned.reference.to_string(), verdict, published_text(&checked.published), newer]
}

fn document(checked: &CheckedConnector) -> Value {
    let error = |error: &StoreError| json!({"class": error.class().as_str(), "message": error.to_string()});
    json!({
        "reference": checked.pinned.reference,
        "content_hash": checked.pinned.content,
        "verdict": if checked.verdict.is_ok() { "verified" } else { "refused" },
        "signer": checked.verdict.as_ref().ok(),
        "error": checked.verdict.as_ref().err().map(error),
        "published": published_json(&checked.published),
        "newer": checked.newer,
    })
}

fn failure(checked: CheckedConnector) -> Option<Failure> {
    let refused = checked.verdict.err().map(Failure::from);
    refused.or_else(|| published_failure(&checked.published, &checked.pinned))
}

fn published_text(published: &Published) -> String {
    match published {
        Published::NotAsked => "-".to_owned(),
        Published::Same => "the same".to_owned(),
        Published::Other(content) => format!("differs: {}", short(content)),
        Published::Gone => "gone".to_owned(),
        Published::Unknown(why) => format!("unknown: {why}"),
    }
}

fn published_json(published: &Published) -> Value {
    match published {
        Published::NotAsked => Value::Null,
        Published::Same => json!({"state": "same"}),
        Published::Other(content) => json!({"state": "other", "content_hash": content}),
        Published::Gone => json!({"state": "gone"}),
        Published::Unknown(why) => json!({"state": "unknown", "why": why}),
    }
}

fn published_failure(published: &Published, pinned: &Pinned) -> Option<Failure> {
    let reference = &pinned.reference;
    match published {
        Published::NotAsked | Published::Same => None,
        Published::Other(content) => {
            let message = format!("{reference} is installed with content {}, published is {content}", pinned.content);
            Some(
                Failure::new(Class::HashMismatch, Exit::Refused, message)
                    .details(json!({"installed": pinned.content, "published": content}))
                    .next("a published version never changes: ask its publisher what happened"),
            )
        }
        Published::Gone => {
            let message = format!("{reference} is not published any more");
            Some(
                Failure::new(Class::FetchFailed, Exit::NotFound, message)
                    .next("what is installed works on; ask its publisher why it was withdrawn"),
            )
        }
        Published::Unknown(why) => {
            let message = format!("what is published as {reference} is not known: {why}");
            Some(Failure::new(Class::FetchFailed, Exit::NotFound, message).next("--offline checks only the disk"))
        }
    }
}
