//! `binding setup`.

use std::time::UNIX_EPOCH;

use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};
use aileron_verifier::artifact::verify::Payload;
use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::json;

use super::{value_of, vault_for};
use crate::consumer::home::Home;
use crate::consumer::install::installed::{InstalledError, one};
use crate::store::StoreError;
use crate::sys::clock::{Clock as _, Machine};
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::installing::{home, installed_name};
use crate::ui::commands::unlocking::{Wording, ask, refused, unlock_or_create};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};
use crate::vault::binding::default_service;
use crate::vault::document::Entry;
use crate::vault::error::VaultError;
use crate::vault::name::BindingName;

/// Give an installed connector the credential it wants: an API key, or an AWS secret access key.
///
/// The binding is named KIND/SERVICE/IDENTITY. The value is typed, unseen, or is a line of standard input where that is not
/// a terminal.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron binding setup github://acme/aileron-connector-linear",
    "aileron binding setup github://acme/aileron-connector-linear --identity team < key.txt"
))]
pub(crate) struct Setup {
    /// The connector, as a name, or as a Ref where several versions are installed.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
    /// Whose credential it is: work, personal [default: asked for].
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// The service [default: the connector's repository, without aileron-connector-].
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// A note on which account it is, shown where bindings are listed.
    #[arg(long, value_name = "TEXT")]
    account: Option<String>,
    /// AWS access key id, which is not secret [default: asked for].
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// AWS region, where the host does not name one, or to choose among several bindings.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Setup {
    fn run(self, context: &Context) -> Answer {
        let manifest = manifest(&self.connector, &home(context, None)?)?;
        let kind = kind(&manifest)?;
        let identity = match &self.identity {
            Some(identity) => identity.clone(),
            None => ask("Identity (e.g. work, personal): ", context)?.unwrap_or_default().trim().to_owned(),
        };
        if identity.is_empty() {
            return Err(refused("identity is required"));
        }
        let connector = &manifest.name.value;
        let service = self.service.clone().unwrap_or_else(|| default_service(connector));
        let name = BindingName { kind: kind.as_str().to_owned(), service, identity }.to_string();
        let Some(parsed) = BindingName::parse(&name) else {
            return Err(Failure::usage(format!("{name} is not the name of a binding"))
                .next("services and identities are lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit"));
        };
        let vault = vault_for(&self.passphrase, context)?;
        if vault.read()?.is_some_and(|document| document.entry(&name).is_some()) {
            let fields = json!({"created": [], "skipped": [name]});
            return Ok(Outcome::new(format!("Skipped (already bound): {name}\n"), fields));
        }
        let custodian = unlock_or_create(&vault, &self.passphrase, Wording::OnTheWay, context)?;
        let is_aws = kind == CredentialKind::AwsSigv4;
        let access_key_id = match (&self.access_key_id, is_aws) {
            (Some(id), _) => id.clone(),
            (None, false) => String::new(),
            (None, true) => ask("AWS access key id: ", context)?.unwrap_or_default().trim().to_owned(),
        };
        if is_aws && access_key_id.is_empty() {
            return Err(refused("value is required"));
        }
        let question = if is_aws { "AWS secret access key: " } else { "API key value: " };
        let value = value_of(question, context)?;
        let created = Machine.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let scope = manifest.credential.as_ref().and_then(|credential| credential.scope.clone()).unwrap_or_default();
        let labels = [
            ("service", parsed.service.as_str()),
            ("identity", &parsed.identity),
            ("connector_fqn", &connector.to_string()),
            ("status", "active"),
            ("created_at", &created),
            ("scope", &scope),
            ("account", self.account.as_deref().unwrap_or_default()),
            ("region", self.region.as_deref().unwrap_or_default()),
            ("access_key_id", &access_key_id),
        ];
        vault.change(Some(&custodian), |document| {
            if document.entry(&name).is_some() {
                return Err(VaultError::EntryExists(name.clone()));
            }
            let entry = Entry::new(kind.as_str(), custodian.seal(&value)?);
            document.put(name.clone(), labels.iter().fold(entry, |entry, (label, text)| entry.with_label(label, text)));
            Ok(())
        })?;
        Ok(Outcome::new(format!("Created: {name}\n"), json!({"created": [name], "skipped": []})))
    }
}

/// The manifest of an installed connector, verified again.
fn manifest(connector: &str, home: &Home) -> Result<ConnectorManifest, Failure> {
    let pinned = one(&home.store, &installed_name(connector)?).map_err(|error| match error {
        InstalledError::SeveralVersions { .. } => Failure::from(error).next("name the version whose manifest counts"),
        error => error.into(),
    })?;
    let verified = home.store.verify(&pinned, &home.ring.load()?)?;
    match verified.payload() {
        Payload::Connector { manifest, .. } => Ok(manifest.as_ref().clone()),
        _ => Err(StoreError::NotAConnector(verified.reference().clone()).into()),
    }
}

/// The kind the connector wants, if it is one that is set up by typing a value.
fn kind(manifest: &ConnectorManifest) -> Result<CredentialKind, Failure> {
    let refused = |message: String| Failure::new(Class::ValidationError, Exit::Failure, message);
    let name = &manifest.name.value;
    match manifest.credential.as_ref().map(|credential| credential.kind.value) {
        None => Err(refused(format!("{name} declares no credential")).next("it runs without one")),
        Some(CredentialKind::Oauth2) => {
            let failure =
                refused(format!("{name} wants oauth2, which is set up in a browser: not yet by this version"));
            Err(failure
                .next("run it with an access token of your own: --credential-env NAME or --credential-file FILE"))
        }
        Some(kind @ (CredentialKind::ApiKey | CredentialKind::AwsSigv4)) => Ok(kind),
    }
}
