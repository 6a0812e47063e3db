//! `connector list`.

use clap::Args;
use serde_json::json;

use crate::consumer::install::installed::pinned_by;
use crate::event::counted;
use crate::store::Pinned;
use crate::ui::args::examples;
use crate::ui::commands::installing::home;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::table::{short, table};

/// List the installed connectors, and the actions that pin them.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron connector list", "aileron connector list --json"))]
pub(crate) struct List {}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let store = home(context, None)?.store;
        let (installed, actions) = (store.installed()?, store.actions()?);
        let row = |pinned: &Pinned| {
            let by = pinned_by(&actions, pinned.content);
            let by = if by.is_empty() { "-".to_owned() } else { counted(by.len(), "action") };
            vec![pinned.reference.name.to_string(), pinned.reference.version.to_string(), short(pinned.content), by]
        };
        let text = match installed.is_empty() {
            true => "No connectors are installed.\n  Install one with `aileron connector install <name>`.\n".to_owned(),
            false => {
                table(&["connector", "version", "content", "pinned by"], &installed.iter().map(row).collect::<Vec<_>>())
            }
        };
        let document = |pinned: &Pinned| {
            json!({
                "reference": pinned.reference,
                "content_hash": pinned.content,
                "pinned_by": pinned_by(&actions, pinned.content),
            })
        };
        Ok(Outcome::new(text, json!({"connectors": installed.iter().map(document).collect::<Vec<_>>()})))
    }
}
