//! `secret set`.

use clap::Args;
use serde_json::json;

use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::unlocking::{Wording, refused, typed_value, unlock_or_create, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Failure, Outcome};
use crate::vault::document::Entry;
use crate::vault::name::is_secret_name;

/// Store a secret under a name. One that is there is replaced.
///
/// The value is typed, unseen, or taken from standard input where that is not a terminal, without one line break at its end.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron secret set bot-token", "aileron secret set bot-token < token.txt"))]
pub(crate) struct Set {
    /// The secret's name: letters, digits, `.`, `_` and `-`.
    name: String,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Set {
    fn run(self, context: &Context) -> Answer {
        let Set { name, passphrase } = self;
        if !is_secret_name(&name) {
            let message = "the name of a secret is letters, digits, `.`, `_` and `-`, the first a letter or a digit";
            return Err(Failure::usage(message));
        }
        let vault = vault(context)?;
        let custodian = unlock_or_create(&vault, &passphrase, Wording::OwnVerb, context)?;
        let value = typed_value(&format!("Value for new secret, \"{name}\": "), &passphrase, context)?;
        if value.expose().is_empty() {
            return Err(refused("error: value cannot be empty"));
        }
        let path = format!("secret/{name}");
        vault.change(Some(&custodian), |document| {
            let blob = custodian.seal(&value)?;
            let entry = document.entry(&path).cloned().map(|entry| entry.with_blob(blob.clone()));
            document.put(path.clone(), entry.unwrap_or_else(|| Entry::new("secret", blob)));
            Ok(())
        })?;
        let text = format!("Stored secret \"{name}\"\nA configuration refers to it as vault:{path}\n");
        Ok(Outcome::new(text, json!({"name": name, "reference": format!("vault:{path}")})))
    }
}
