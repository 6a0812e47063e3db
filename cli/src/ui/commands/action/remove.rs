//! `action remove`.

use clap::Args;
use serde_json::json;

use crate::store::ActionFile;
use crate::ui::args::{RemoveFlags, examples};
use crate::ui::commands::installing::{confirms_removal, home};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Remove actions; their connectors stay.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron action remove get-item"))]
pub(crate) struct Remove {
    /// What to remove, and how.
    #[command(flatten)]
    remove: RemoveFlags,
}

impl Verb for Remove {
    fn run(self, context: &Context) -> Answer {
        let RemoveFlags { names, yes, dry_run, wait_lock } = self.remove;
        let store = home(context, wait_lock)?.store;
        let files = names.iter().map(|name| store.action(name)).collect::<Result<Vec<_>, _>>()?;
        let shown = |file: &ActionFile| match &file.reference {
            Some(reference) => reference.to_string(),
            None => file.name.clone(),
        };
        let listed: String = files.iter().map(|file| format!("  {}\n", shown(file))).collect();
        let short: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let fields = |outcome: &str| json!({"outcome": outcome, "actions": short});
        if dry_run {
            return Ok(Outcome::new(format!("Would remove:\n{listed}"), fields("dry-run")));
        }
        if !yes && !confirms_removal(context, &format!("Remove:\n{listed}"))? {
            return Ok(Outcome::new("Cancelled.\n", fields("cancelled")));
        }
        for file in &files {
            store.remove_action(&file.name)?;
        }
        Ok(Outcome::new(
            files.iter().map(|file| format!("Removed: {}\n", shown(file))).collect::<String>(),
            fields("removed"),
        ))
    }
}
