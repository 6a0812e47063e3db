//! `action list`.

use aileron_verifier::text::printable;
use aileron_verifier::text::printable::LISTED;
use clap::Args;
use serde_json::json;

use crate::store::{ActionFile, Pinned};
use crate::ui::args::examples;
use crate::ui::commands::installing::home;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::table::table;

/// List the installed actions.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron action list", "aileron action list --json"))]
pub(crate) struct List {}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let files = home(context, None)?.store.actions()?;
        let row = |file: &ActionFile| {
            let (version, source) = match &file.reference {
                Some(reference) => (reference.version.to_string(), reference.name.to_string()),
                None => ("-".to_owned(), "(cannot be read)".to_owned()),
            };
            vec![file.name.clone(), version, source, if file.signed { "yes" } else { "NO" }.to_owned()]
        };
        let text = match files.is_empty() {
            true => "No actions are installed.\n  Install one with `aileron action add <name>`.\n".to_owned(),
            false => {
                let table =
                    table(&["action", "version", "source", "signed"], &files.iter().map(row).collect::<Vec<_>>());
                format!("{table}{}", unsigned(&files))
            }
        };
        let document = |file: &ActionFile| {
            let needs = |needs: &Pinned| json!({"reference": needs.reference, "content_hash": needs.content});
            json!({
                "name": file.name,
                "reference": file.reference,
                "signed": file.signed,
                "requires": file.needs.iter().map(needs).collect::<Vec<_>>(),
            })
        };
        Ok(Outcome::new(text, json!({"actions": files.iter().map(document).collect::<Vec<_>>()})))
    }
}

/// What to do about actions without a signature, where there are any.
fn unsigned(files: &[ActionFile]) -> String {
    let without: Vec<&ActionFile> = files.iter().filter(|file| !file.signed).collect();
    if without.is_empty() {
        return String::new();
    }
    let mut text =
        "\nInstalled without a signature (by the existing runtime); none of these runs until it is added again:\n"
            .to_owned();
    for file in without.iter().take(LISTED) {
        match &file.reference {
            Some(reference) => text.push_str(&format!("  aileron action add {reference}\n")),
            None => text.push_str(&format!("  {}: its text cannot be read\n", printable(&file.name))),
        }
    }
    if without.len() > LISTED {
        text.push_str(&format!("  … and {} more (--json lists them all)\n", without.len() - LISTED));
    }
    text
}
