//! `vault init`.

use clap::Args;
use serde_json::json;

use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::unlocking::{Wording, create, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Make the vault, with a passphrase of your choice.
///
/// The passphrase is typed twice, unseen. It cannot be recovered.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron vault init", "aileron vault init --passphrase-file passphrase.txt"))]
pub(crate) struct Init {
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Init {
    fn run(self, context: &Context) -> Answer {
        let vault = vault(context)?;
        create(&vault, &self.passphrase, Wording::OwnVerb, context)?;
        let path = vault.path().display().to_string();
        Ok(Outcome::new(format!("Vault created at {path}\n"), json!({"path": path})))
    }
}
