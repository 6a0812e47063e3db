//! `secret list`.

use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use crate::ui::args::examples;
use crate::ui::commands::unlocking::{listed, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::vault::document::Document;
use crate::vault::name::Namespace;

/// List the names of the secrets. Needs no passphrase.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron secret list", "aileron secret list --json"))]
pub(crate) struct List {}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let names = names(&listed(&vault(context)?)?);
        let text = match names.is_empty() {
            true => "No secrets stored.\n  Store one with `aileron secret set <name>`.\n".to_owned(),
            false => names.iter().map(|name| format!("{}\n", printable(name))).collect(),
        };
        Ok(Outcome::new(text, json!({"secrets": names})))
    }
}

/// Names as a configuration writes them after `vault:`; older builds store secrets under their bare names.
fn names(document: &Document) -> Vec<String> {
    let is_bare = |name: &str, kind: &str| Namespace::of(name) == Namespace::Other && kind == "secret";
    let entries = document.entries().map(|(name, entry)| (name, entry.kind()));
    let name = |(name, kind): (&str, &str)| match name.strip_prefix("secret/") {
        Some(short) => Some(short.to_owned()),
        None => is_bare(name, kind).then(|| name.to_owned()),
    };
    entries.filter_map(name).collect()
}
