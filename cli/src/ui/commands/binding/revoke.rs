//! `binding revoke`.

use clap::Args;
use serde_json::json;

use super::{absent, found};
use crate::ui::args::examples;
use crate::ui::commands::unlocking::{confirms, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Remove a binding and its credential from the vault. Needs no passphrase.
///
/// Nothing is sent to the provider: where the credential was issued it stays good until you revoke it there.
#[derive(Debug, Args)]
#[command(visible_alias = "remove", after_help = examples!("aileron binding revoke oauth2/slack/work"))]
pub(crate) struct Revoke {
    /// The binding, as `binding list` names it.
    name: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Verb for Revoke {
    fn run(self, context: &Context) -> Answer {
        let Revoke { name, yes } = self;
        let vault = vault(context)?;
        found(&vault.read()?.unwrap_or_default(), &name)?;
        if !yes && !confirms(&format!("Revoke {name}? [y/N]: "), context)? {
            return Ok(Outcome::new("cancelled\n", json!({"name": name, "outcome": "cancelled"})));
        }
        match vault.change(None, |document| Ok(document.remove(&name)))? {
            true => Ok(Outcome::new(format!("Revoked: {name}\n"), json!({"name": name, "outcome": "revoked"}))),
            false => Err(absent(&name)),
        }
    }
}
