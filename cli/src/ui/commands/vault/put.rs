//! `vault put`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::ui::args::vault::file;
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::unlocking::{Wording, refused, typed_value, unlock_or_create, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Failure, Outcome};
use crate::vault::document::Entry;
use crate::vault::name::{Namespace, is_storable};

/// Store a credential that you have already: user/SERVICE, or agents/NAME/PURPOSE from a file.
///
/// Without --from-file the value is typed, unseen, or taken from standard input where that is not a terminal. One that is
/// there is replaced.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron vault put user/github",
    "aileron vault put user/github --from-file token.txt",
    "aileron vault put agents/claude/oauth --from-file credentials.json"
))]
pub(crate) struct Put {
    /// The entry.
    #[arg(value_name = "PATH")]
    path: String,
    /// Take the value from this file, byte for byte; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Put {
    fn run(self, context: &Context) -> Answer {
        let Put { path, from_file, passphrase } = self;
        if !is_storable(&path) {
            return Err(refused("error: vault put takes user/<service> and agents/<name>/<purpose> only")
                .next("bindings are made with aileron binding setup; everything else with aileron secret set"));
        }
        let kind = match Namespace::of(&path) {
            Namespace::Agent => "agent",
            _ => "user",
        };
        if kind == "agent" && from_file.is_none() {
            return Err(Failure::usage("agents/<name>/<purpose> needs --from-file FILE"));
        }
        if passphrase.takes_standard_input() && from_file.as_deref().is_some_and(|file| file.as_os_str() == "-") {
            return Err(Failure::usage("--passphrase-file - and --from-file - both take standard input"));
        }
        let vault = vault(context)?;
        let custodian = unlock_or_create(&vault, &passphrase, Wording::OnTheWay, context)?;
        let value = match &from_file {
            Some(from) => file(from)?,
            None => typed_value(&format!("Value for {path}: "), &passphrase, context)?,
        };
        if value.expose().is_empty() {
            return Err(refused("error: value cannot be empty"));
        }
        vault.change(Some(&custodian), |document| {
            let blob = custodian.seal(&value)?;
            let entry = document.entry(&path).cloned().map(|entry| entry.with_blob(blob.clone()));
            document.put(path.clone(), entry.unwrap_or_else(|| Entry::new(kind, blob)));
            Ok(())
        })?;
        Ok(Outcome::new(format!("Stored {path}\n"), json!({"name": path})))
    }
}
