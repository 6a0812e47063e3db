//! `unit try`: what a sealing proxy would do with one request. Nothing is sent. sealing.md §4.

use std::path::PathBuf;

use aileron_verifier::text::printable;
use aileron_verifier::unit::host;
use aileron_verifier::unit::seal::{HeaderForm, Injection, Outcome as Decision, Refusal, carrier, decide};
use aileron_verifier::unit::{BindingEntry, Unit};
use clap::Args;
use serde_json::{Value, json};

use crate::consumer::unit::reach::described;
use crate::ui::args::examples;
use crate::ui::commands::unit_document::{UnitDocument, below};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// What stands for a credential.
const MASK: &str = "********";

/// Show what a sealing proxy would send for one request, and why.
///
/// Nothing is sent, and no credential is read: where it would stand there are asterisks.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub unit try gh --host api.github.com",
    "aileron-pub unit try gh --host api.github.com --header 'Authorization: Bearer ghp_example'"
))]
pub(crate) struct Try {
    /// A Feature's folder, its manifest, or a unit.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The host the request goes to.
    #[arg(long, value_name = "HOST")]
    host: String,
    /// A header the tool sends. Repeatable.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// What stands behind `?` in the request.
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_token) {
        true => Ok((name.to_owned(), value.trim().to_owned())),
        false => Err("the part before the colon is not a header name".to_owned()),
    }
}

/// One entry of the unit, and whether it is the one.
struct Considered {
    entry: BindingEntry,
    why: String,
    decides: bool,
}

impl Verb for Try {
    fn run(self, context: &Context) -> Answer {
        let document = UnitDocument::open(&below(context, &self.file))?;
        let considered = considered(document.unit()?, &self.host);
        let decided = considered.iter().find(|one| one.decides).map(|one| self.decided(&one.entry));
        let (outcome, headers, query) = match &decided {
            None => ("tunnel", self.header.clone(), self.query.clone()),
            Some(decided) => (decided.outcome, decided.headers.clone(), decided.query.clone()),
        };
        let mut text = format!("{}\n", printable(&self.host));
        for one in &considered {
            let mark = if one.decides { "*" } else { " " };
            text.push_str(&format!(
                "{mark} {}  {}: {}\n",
                printable(&one.entry.host),
                one.entry.scheme,
                printable(&one.why)
            ));
        }
        let said = match &decided {
            None => "no entry matches: a blind tunnel, nothing is decrypted and nothing is added",
            Some(decided) => decided.said,
        };
        text.push_str(&format!("{outcome}: {said}\n"));
        if let Some(one) = considered.iter().find(|one| one.decides).filter(|_| outcome == "inject") {
            text.push_str(&format!("  {}\n", printable(&described(&one.entry))));
        }
        if outcome != "refuse" {
            headers.iter().for_each(|(name, value)| text.push_str(&format!("  > {name}: {}\n", printable(value))));
            if let Some(query) = &query {
                text.push_str(&format!("  > ?{}\n", printable(query)));
            }
        }
        let rows: Vec<Value> = considered
            .iter()
            .map(|one| json!({"host": one.entry.host, "scheme": one.entry.scheme, "why": one.why, "decides": one.decides}))
            .collect();
        let listed: Vec<Value> = headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let status = decided.as_ref().and_then(|decided| decided.status);
        let fields = json!({
            "host": self.host, "outcome": outcome, "entries": rows, "headers": listed, "query": query, "status": status,
        });
        Ok(Outcome::new(text, fields))
    }
}

/// What happens to a request that an entry decides about.
struct Decided {
    outcome: &'static str,
    said: &'static str,
    headers: Vec<(String, String)>,
    query: Option<String>,
    status: Option<u16>,
}

impl Try {
    fn decided(&self, entry: &BindingEntry) -> Decided {
        let headers = self.header.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let as_sent = |outcome, said, status| Decided {
            outcome,
            said,
            headers: self.header.clone(),
            query: self.query.clone(),
            status,
        };
        match decide(entry, headers, self.query.as_deref()) {
            Decision::Inject => self.injected(entry),
            Decision::Forward => as_sent(
                "forward",
                "the tool sent a credential of its own: it passes unchanged, nothing is injected",
                None,
            ),
            Decision::Refuse(why) => {
                let said = match why {
                    Refusal::TwoCarriers => "the request carries two credentials of one kind: it is answered with 400",
                    Refusal::UnsupportedScheme => "the entry's scheme cannot be injected: it is answered with 500",
                };
                as_sent("refuse", said, Some(why.status()))
            }
        }
    }

    fn injected(&self, entry: &BindingEntry) -> Decided {
        let carried = carrier(entry);
        let mut headers: Vec<(String, String)> = self.header.clone();
        let mut query = self.query.clone();
        match Injection::of(entry, self.query.as_deref()) {
            Some(Injection::Header { name, value }) => {
                headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                let value = match value {
                    HeaderForm::Template(template) => template.replace("{token}", MASK),
                    // Encoded, the mask would be no mask.
                    HeaderForm::Basic { username } => format!("Basic base64({username}:{MASK})"),
                };
                headers.push((name.to_owned(), value));
            }
            Some(injection @ Injection::Query { .. }) => {
                let mut bytes = Vec::new();
                // A word of letters is not escaped, so it can be found again.
                if injection.write(b"MASKEDCREDENTIAL", &mut bytes).is_ok() {
                    query = Some(String::from_utf8_lossy(&bytes).replace("MASKEDCREDENTIAL", MASK));
                }
            }
            None => debug_assert!(carried.is_none()),
        }
        let said = "the credential is put in; what the tool sent there is removed";
        Decided { outcome: "inject", said, headers, query, status: None }
    }
}

/// Every entry, and why it decides or does not.
fn considered(unit: &Unit, wanted: &str) -> Vec<Considered> {
    let entries = unit.entries();
    // Of two entries for one host the later one counts, as when layers are merged.
    let is_last = |index: usize, entry: &BindingEntry| {
        !entries[index + 1..].iter().any(|later| later.override_key() == entry.override_key())
    };
    let matched = |(index, entry): (usize, &BindingEntry)| {
        is_last(index, entry).then(|| Some((host::matches(&entry.host, wanted)?, index)))?
    };
    let best = host::best(entries.iter().enumerate().filter_map(matched));
    let why = |index: usize, entry: &BindingEntry| match (host::matches(&entry.host, wanted), best) {
        (None, _) => "does not match".to_owned(),
        (Some(_), Some(best)) if best == index => format!("matches, and decides ({})", entry.mechanism()),
        (Some(_), _) if !is_last(index, entry) => "matches, but a later entry for the same host replaces it".to_owned(),
        (Some(_), Some(best)) => format!("matches, but {} fits better", entries[best].host),
        (Some(_), None) => "matches".to_owned(),
    };
    let one = |(index, entry): (usize, &BindingEntry)| Considered {
        entry: entry.clone(),
        why: why(index, entry),
        decides: best == Some(index),
    };
    entries.iter().enumerate().map(one).collect()
}
