//! `connector remove`.

use clap::Args;
use serde_json::{Value, json};

use crate::consumer::install::installed::{InstalledError, removable};
use crate::store::Pinned;
use crate::ui::args::{RemoveFlags, examples};
use crate::ui::commands::installing::{confirms_removal, home, installed_name};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::short;
use crate::ui::report::{Failure, Outcome};

/// Remove a connector that no installed action pins.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron connector remove github://acme/aileron-connector-x@0.1.0"
))]
pub(crate) struct Remove {
    /// What to remove, and how.
    #[command(flatten)]
    remove: RemoveFlags,
}

impl Verb for Remove {
    fn run(self, context: &Context) -> Answer {
        let RemoveFlags { names, yes, dry_run, wait_lock } = self.remove;
        let store = home(context, wait_lock)?.store;
        let names = names.iter().map(|text| installed_name(text)).collect::<Result<Vec<_>, _>>()?;
        let pinned = removable(&store, &names).map_err(|error| match error {
            InstalledError::SeveralVersions { .. } => Failure::from(error).next("name the versions to remove"),
            error => error.into(),
        })?;
        let row = |one: &Pinned| format!("  {}  {}\n", one.reference, short(one.content));
        let listed: String = pinned.iter().map(row).collect();
        let fields = |outcome: &str| json!({"outcome": outcome, "connectors": pinned_json(&pinned)});
        if dry_run {
            return Ok(Outcome::new(format!("Would remove:\n{listed}"), fields("dry-run")));
        }
        if !yes && !confirms_removal(context, &format!("Remove:\n{listed}"))? {
            return Ok(Outcome::new("Cancelled.\n", fields("cancelled")));
        }
        for one in &pinned {
            store.remove(one)?;
        }
        let removed: String = pinned.iter().map(|one| format!("Removed: {}\n", one.reference)).collect();
        Ok(Outcome::new(removed, fields("removed")))
    }
}

fn pinned_json(pinned: &[Pinned]) -> Value {
    pinned.iter().map(|one| json!({"reference": one.reference, "content_hash": one.content})).collect()
}
