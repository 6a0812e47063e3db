//! `binding rebind`.

use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::json;

use super::{absent, found, value_of, vault_for};
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::unlocking::{Wording, unlock};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};

/// Give a binding a new value: an API key that was exchanged, a new AWS secret access key. Everything else stays.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron binding rebind api_key/linear/team",
    "aileron binding rebind aws_sigv4/athena/prod --access-key-id AKIA2"
))]
pub(crate) struct Rebind {
    /// The binding, as `binding list` names it.
    name: String,
    /// AWS access key id [default: the one it has].
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Rebind {
    fn run(self, context: &Context) -> Answer {
        let Rebind { name, access_key_id, passphrase } = self;
        let vault = vault_for(&passphrase, context)?;
        let document = vault.read()?.unwrap_or_default();
        let binding = found(&document, &name)?;
        let question = match binding.kind {
            "api_key" => "New API key value: ",
            "aws_sigv4" => "New AWS secret access key: ",
            kind => {
                let failure = Failure::new(Class::ValidationError, Exit::Failure, format!("{name} is of kind {kind}"));
                return Err(match kind {
                    "oauth2" => failure.next(format!("aileron binding reauthorize {name}")),
                    _ => failure.next("only api_key and aws_sigv4 have a value that is typed"),
                });
            }
        };
        let custodian = unlock(&vault, &passphrase, Wording::OnTheWay, context)?;
        let value = value_of(question, context)?;
        let changed = vault.change(Some(&custodian), |document| {
            let Some(entry) = document.entry(&name).cloned() else { return Ok(false) };
            let entry = entry.with_blob(custodian.seal(&value)?);
            document.put(
                name.clone(),
                match &access_key_id {
                    Some(id) => entry.with_label("access_key_id", id),
                    None => entry,
                },
            );
            Ok(true)
        })?;
        match changed {
            true => Ok(Outcome::new(format!("Rebound: {name}\n"), json!({"name": name}))),
            false => Err(absent(&name)),
        }
    }
}
