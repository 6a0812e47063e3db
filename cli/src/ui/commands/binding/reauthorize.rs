//! `binding reauthorize`.

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use super::browser::{self, BrowserFlags};
use super::{NewValue, absent, found, manifest, vault_for};
use crate::runtime::oauth::{Client, Purpose};
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::installing::home;
use crate::ui::commands::unlocking::{Wording, unlock};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};

/// Get new OAuth tokens for a binding: when they have ended, or when the connector wants more than was granted.
///
/// The provider asks again, for what the installed connector wants now. Name, service and account stay.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron binding reauthorize oauth2/google/work"))]
pub(crate) struct Reauthorize {
    /// The binding, as `binding list` names it.
    name: String,
    /// The way through a browser.
    #[command(flatten)]
    browser: BrowserFlags,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Reauthorize {
    fn run(self, context: &Context) -> Answer {
        let Reauthorize { name, browser: flags, passphrase } = self;
        let vault = vault_for(&passphrase, context)?;
        let document = vault.read()?.unwrap_or_default();
        let binding = found(&document, &name)?;
        let refused = |why: String| Failure::new(Class::ValidationError, Exit::Failure, why);
        let manifest = match (binding.kind, &binding.connector) {
            ("oauth2", Some(connector)) => manifest(connector, &home(context, None)?)?,
            ("oauth2", None) => return Err(refused(format!("{name} names no connector")).next("aileron binding setup")),
            (kind, _) => {
                let failure = refused(format!("{name} is of kind {}", printable(kind)));
                return Err(failure.next(format!("aileron binding rebind {name}")));
            }
        };
        let Some(settings) = manifest.credential.as_ref().and_then(|credential| credential.oauth2.as_ref()) else {
            let connector = &manifest.name.value;
            let failure = refused(format!("{connector} does not want oauth2 any more"));
            return Err(failure.next(format!("aileron binding revoke {name}, then aileron binding setup {connector}")));
        };
        let client = Client::of(settings)?;
        let custodian = unlock(&vault, &passphrase, Wording::OnTheWay, context)?;
        vault.check_writable()?;
        let NewValue { secret, labels } = browser::tokens(&client, Purpose::Reauthorize, &flags, context)?;
        // vault.md §8.4: a successful reauthorization ends what was stale.
        let fresh = [("status", "active"), ("stale_reason", ""), ("missing_scopes", "")];
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(label, text)| (*label, text.as_str())).chain(fresh).collect();
        let changed = vault.change(Some(&custodian), |document| {
            let Some(entry) = document.entry(&name).cloned() else { return Ok(false) };
            let entry = entry.with_blob(custodian.seal(&secret)?);
            document.put(name.clone(), labels.iter().fold(entry, |entry, (label, text)| entry.with_label(label, text)));
            Ok(true)
        })?;
        match changed {
            true => Ok(Outcome::new(format!("Reauthorized: {name}\n"), json!({"name": name}))),
            false => Err(absent(&name)),
        }
    }
}
