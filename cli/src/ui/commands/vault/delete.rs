//! `vault delete`.

use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use crate::ui::args::examples;
use crate::ui::commands::unlocking::{confirms, refused, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};
use crate::vault::error::VaultError;
use crate::vault::name::Namespace;

/// Remove one entry from the vault. Needs no passphrase. Nothing is revoked where the credential was issued.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron vault delete user/github", "aileron vault delete secret/bot-token --yes"))]
pub(crate) struct Delete {
    /// The entry.
    #[arg(value_name = "PATH")]
    path: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Verb for Delete {
    fn run(self, context: &Context) -> Answer {
        let Delete { path, yes } = self;
        let shown = printable(&path);
        let vault = vault(context)?;
        let document = vault.read()?.ok_or_else(|| VaultError::Missing(vault.path().to_owned()))?;
        let kind = document.entry(&path).map(|entry| entry.kind().to_owned());
        match Namespace::of(&path) {
            Namespace::Agent | Namespace::User | Namespace::Secret | Namespace::Binding => {}
            // Older builds store secrets under their bare names.
            Namespace::Other if kind.as_deref() == Some("secret") => {}
            Namespace::Other | Namespace::ControlPlane => {
                return Err(refused(&format!("error: {shown} is not an entry that is deleted here"))
                    .next("aileron vault list shows what is there"));
            }
        }
        if kind.is_none() {
            return Err(absent(&path));
        }
        if !yes && !confirms(&format!("Delete {shown}? [y/N]: "), context)? {
            return Ok(Outcome::new("cancelled\n", json!({"name": path, "outcome": "cancelled"})));
        }
        match vault.change(None, |document| Ok(document.remove(&path)))? {
            true => Ok(Outcome::new(format!("Deleted {shown}\n"), json!({"name": path, "outcome": "deleted"}))),
            false => Err(absent(&path)),
        }
    }
}

fn absent(path: &str) -> Failure {
    let failure = Failure::from(VaultError::NoEntry(path.to_owned()));
    Failure { exit: Exit::NotFound, ..failure }.with_text(format!("error: no credential entry for {}", printable(path)))
}
