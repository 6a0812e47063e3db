//! `binding setup`, and the same within another command that offers it.

use std::time::UNIX_EPOCH;

use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};
use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::json;

use super::browser::{self, BrowserFlags};
use super::{NewValue, manifest, value_of, vault_for};
use crate::runtime::oauth::{Client, Purpose};
use crate::sys::clock::{Clock as _, Machine};
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::commands::installing::home;
use crate::ui::commands::unlocking::{Questions, Wording, ask, refused, unlock_or_create};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};
use crate::vault::binding::default_service;
use crate::vault::custodian::Custodian;
use crate::vault::document::Entry;
use crate::vault::error::VaultError;
use crate::vault::name::BindingName;

/// Give an installed connector the credential it wants: an API key, an AWS secret access key, or OAuth tokens.
///
/// The binding is named KIND/SERVICE/IDENTITY. A key is typed, unseen, or is a line of standard input where that is not a
/// terminal. For oauth2 a page opens in your browser: agree there. Over SSH and without a display its address is shown
/// instead. Where the browser cannot reach this machine, paste the address that it ends at.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron binding setup github://acme/aileron-connector-linear",
    "aileron binding setup github://acme/aileron-connector-linear --identity team < key.txt"
))]
pub(crate) struct Setup {
    /// The connector, as a name (its newest installed version), or as a Ref.
    #[arg(value_name = "CONNECTOR")]
    connector: String,
    /// What the binding will be.
    #[command(flatten)]
    flags: SetupFlags,
}

/// What setting up asks for, unless it is given beforehand.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::ui::commands) struct SetupFlags {
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
    /// The way through a browser.
    #[command(flatten)]
    browser: BrowserFlags,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Setup {
    fn run(self, context: &Context) -> Answer {
        let manifest = manifest(&self.connector, &home(context, None)?)?;
        let done = set_up(&manifest, &self.flags, Questions::OnOutput, None, context)?;
        let (text, name) = (done.text(), done.name);
        let fields = match done.custodian {
            Some(_) => json!({"created": [name], "skipped": []}),
            None => json!({"created": [], "skipped": [name]}),
        };
        Ok(Outcome::new(text, fields))
    }
}

/// A binding that is there now.
pub(in crate::ui::commands) struct SetUp {
    /// Its name.
    pub(in crate::ui::commands) name: String,
    /// The open vault; `None` where the binding was there already and nothing was asked.
    pub(in crate::ui::commands) custodian: Option<Custodian>,
    kind: CredentialKind,
}

impl SetUp {
    /// One line that says what was done. vault.md §10.4.
    pub(in crate::ui::commands) fn text(&self) -> String {
        let name = &self.name;
        match (&self.custodian, self.kind) {
            (None, _) => format!("Skipped (already bound): {name}\n"),
            (Some(_), CredentialKind::Oauth2) => format!("Bound: {name}\n"),
            (Some(_), CredentialKind::ApiKey | CredentialKind::AwsSigv4) => format!("Created: {name}\n"),
        }
    }
}

/// Makes a binding for the connector of this verified manifest. A vault that is open already is not asked for again.
pub(in crate::ui::commands) fn set_up(
    manifest: &ConnectorManifest,
    flags: &SetupFlags,
    questions: Questions,
    open: Option<Custodian>,
    context: &Context,
) -> Result<SetUp, Failure> {
    let wanted = Wanted::of(manifest)?;
    let kind = wanted.kind();
    let parts = flags.name(manifest, kind, questions, context)?;
    let name = parts.to_string();
    let vault = vault_for(&flags.passphrase, context)?;
    if vault.read()?.is_some_and(|document| document.entry(&name).is_some()) {
        return Ok(SetUp { name, custodian: None, kind });
    }
    // Open, writable, and the name is free: nothing is asked of a provider that could not be kept.
    let custodian = match open {
        Some(custodian) => custodian,
        None => unlock_or_create(&vault, &flags.passphrase, Wording::OnTheWay, context)?,
    };
    vault.check_writable()?;
    let NewValue { secret, labels } = match &wanted {
        Wanted::Typed(kind) => flags.typed(*kind, manifest, questions, context)?,
        Wanted::Browser(client) => browser::tokens(client, Purpose::Setup, &flags.browser, context)?,
    };
    let created = Machine.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let connector = manifest.name.value.to_string();
    let common = [
        ("service", parts.service.as_str()),
        ("identity", &parts.identity),
        ("connector_fqn", &connector),
        ("status", "active"),
        ("created_at", &created),
        ("account", flags.account.as_deref().unwrap_or_default()),
    ];
    let labels = labels.iter().map(|(label, text)| (*label, text.as_str())).chain(common);
    let labels: Vec<(&str, &str)> = labels.collect();
    vault.change(Some(&custodian), |document| {
        if document.entry(&name).is_some() {
            return Err(VaultError::EntryExists(name.clone()));
        }
        let entry = Entry::new(kind.as_str(), custodian.seal(&secret)?);
        document.put(name.clone(), labels.iter().fold(entry, |entry, (label, text)| entry.with_label(label, text)));
        Ok(())
    })?;
    Ok(SetUp { name, custodian: Some(custodian), kind })
}

impl SetupFlags {
    /// Everything is asked for, but what these flags say of the passphrase.
    pub(in crate::ui::commands) fn unlocked_by(passphrase: &PassphraseFlags) -> SetupFlags {
        SetupFlags { passphrase: passphrase.clone(), ..SetupFlags::default() }
    }

    /// The binding's name: KIND/SERVICE/IDENTITY. Whose it is is asked for, if no flag says it.
    fn name(
        &self,
        manifest: &ConnectorManifest,
        kind: CredentialKind,
        questions: Questions,
        context: &Context,
    ) -> Result<BindingName, Failure> {
        let identity = match &self.identity {
            Some(identity) => identity.clone(),
            None => ask("Identity (e.g. work, personal): ", questions, context)?.unwrap_or_default().trim().to_owned(),
        };
        if identity.is_empty() {
            return Err(refused("identity is required"));
        }
        let service = self.service.clone().unwrap_or_else(|| default_service(&manifest.name.value));
        let name = BindingName { kind: kind.as_str().to_owned(), service, identity }.to_string();
        BindingName::parse(&name).ok_or_else(|| {
            Failure::usage(format!("{name} is not the name of a binding"))
                .next("services and identities are lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit")
        })
    }

    /// A value that the user types.
    fn typed(
        &self,
        kind: CredentialKind,
        manifest: &ConnectorManifest,
        questions: Questions,
        context: &Context,
    ) -> Result<NewValue, Failure> {
        let is_aws = kind == CredentialKind::AwsSigv4;
        let access_key_id = match (&self.access_key_id, is_aws) {
            (Some(id), _) => id.clone(),
            (None, false) => String::new(),
            (None, true) => ask("AWS access key id: ", questions, context)?.unwrap_or_default().trim().to_owned(),
        };
        if is_aws && access_key_id.is_empty() {
            return Err(refused("value is required"));
        }
        let question = if is_aws { "AWS secret access key: " } else { "API key value: " };
        let secret = value_of(question, context)?;
        let scope = manifest.credential.as_ref().and_then(|credential| credential.scope.clone()).unwrap_or_default();
        let region = self.region.clone().unwrap_or_default();
        Ok(NewValue { secret, labels: vec![("scope", scope), ("region", region), ("access_key_id", access_key_id)] })
    }
}

/// How the connector's credential comes to the vault.
enum Wanted {
    /// The user types it.
    Typed(CredentialKind),
    /// The provider gives it, after the user has agreed in a browser.
    Browser(Client),
}

impl Wanted {
    fn of(manifest: &ConnectorManifest) -> Result<Wanted, Failure> {
        let Some(credential) = &manifest.credential else {
            let message = format!("{} declares no credential", manifest.name.value);
            return Err(Failure::new(Class::ValidationError, Exit::Failure, message).next("it runs without one"));
        };
        match (credential.kind.value, &credential.oauth2) {
            // The table is there for this kind: a manifest without it is refused when it is read.
            (CredentialKind::Oauth2, Some(settings)) => Ok(Wanted::Browser(Client::of(settings)?)),
            (kind, _) => Ok(Wanted::Typed(kind)),
        }
    }

    fn kind(&self) -> CredentialKind {
        match self {
            Wanted::Typed(kind) => *kind,
            Wanted::Browser(_) => CredentialKind::Oauth2,
        }
    }
}
