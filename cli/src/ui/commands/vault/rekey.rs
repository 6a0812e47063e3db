//! `vault rekey`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::ui::args::vault::passphrase;
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::unlocking::{Wording, choose, refused, short, unlock, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Failure, Outcome};

/// Give the vault another passphrase: every entry is sealed again, all or none.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron vault rekey",
    "aileron vault rekey --passphrase-file old.txt --new-passphrase-file new.txt"
))]
pub(crate) struct Rekey {
    /// File that holds the new passphrase; `-` is standard input [default: asked for].
    #[arg(long, value_name = "FILE", help_heading = "Vault")]
    new_passphrase_file: Option<PathBuf>,
    /// The passphrase so far.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Rekey {
    fn run(self, context: &Context) -> Answer {
        let Rekey { new_passphrase_file, passphrase: flags } = self;
        if flags.takes_standard_input() && new_passphrase_file.as_deref().is_some_and(|file| file.as_os_str() == "-") {
            return Err(Failure::usage("--passphrase-file - and --new-passphrase-file - both take standard input"));
        }
        let vault = vault(context)?;
        let old = unlock(&vault, &flags, Wording::OnTheWay, context)?;
        let new = match &new_passphrase_file {
            Some(file) => passphrase(file)?,
            None => choose("New passphrase: ", Wording::OnTheWay, context)?,
        };
        if new.expose().is_empty() {
            return Err(refused("vault passphrase cannot be empty"));
        }
        short(&new, context);
        vault.rekey(&old, &new)?;
        let entries = vault.read()?.map_or(0, |document| document.entries().count());
        let path = vault.path().display().to_string();
        let sealed = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        let text = format!(
            "Passphrase changed for {path}\n  {sealed} sealed again. Older copies of the file still open with the old one.\n"
        );
        Ok(Outcome::new(text, json!({"path": path, "entries": entries})))
    }
}
