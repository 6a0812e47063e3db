//! `binding`: which credential a connector gets. vault.md §10.

mod browser;
mod inspect;
mod list;
pub(super) mod offer;
mod reauthorize;
mod rebind;
mod revoke;
pub(super) mod setup;

use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::verify::Payload;
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use serde_json::{Value, json};

use super::Context;
use super::installing::installed_name;
use super::unlocking::{line_of_input, refused, vault};
use super::verb::verbs;
use crate::consumer::home::Home;
use crate::consumer::install::installed::find;
use crate::secret::Secret;
use crate::store::StoreError;
use crate::sys::calendar::date_and_time;
use crate::ui::args::PassphraseFlags;
use crate::ui::report::{Exit, Failure};
use crate::vault::binding::Binding as Bound;
use crate::vault::document::Document;
use crate::vault::file::VaultFile;

verbs! {
    /// Give connectors the credentials of the vault, and see which has which.
    Binding, on_interrupt: Exit {
        List(list::List),
        Inspect(inspect::Inspect),
        Setup(setup::Setup),
        Rebind(rebind::Rebind),
        Reauthorize(reauthorize::Reauthorize),
        Revoke(revoke::Revoke),
    }
}

/// What goes into the vault for a new binding, and what is known of it without a key.
struct NewValue {
    secret: Secret,
    labels: Vec<(&'static str, String)>,
}

/// A binding for scripts. vault.md §10.2.
fn binding_json(binding: &Bound<'_>) -> Value {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let created = binding.created_at.and_then(date_and_time).map(|(day, time)| format!("{day}T{time}Z"));
    let mut fields = json!({
        "name": binding.name,
        "kind": binding.kind,
        "service": binding.service,
        "identity": binding.identity,
        "scope": text(binding.scope),
        "connector_fqn": text(binding.connector),
        "account": text(binding.account),
        "created_at": created,
        "status": binding.status,
    });
    if !binding.granted_scopes.is_empty() {
        fields["granted_scopes"] = json!(binding.granted_scopes);
    }
    if let Some(reason) = binding.stale_reason {
        fields["stale_reason"] = json!(reason);
    }
    if !binding.missing_scopes.is_empty() {
        fields["missing_scopes"] = json!(binding.missing_scopes);
    }
    fields
}

/// The vault, for a verb that asks on standard input: the passphrase cannot come from there too.
fn vault_for(passphrase: &PassphraseFlags, context: &Context) -> Result<VaultFile, Failure> {
    if passphrase.takes_standard_input() {
        return Err(Failure::usage("--passphrase-file - takes standard input, where the value is read from"));
    }
    vault(context)
}

/// A value for a header: not empty, and one line. sandbox.md §7.3.
fn value_of(question: &str, context: &Context) -> Result<Secret, Failure> {
    let value = line_of_input(question, context)?;
    if value.expose().is_empty() {
        return Err(refused("value is required"));
    }
    match value.expose().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        true => Err(refused("the value holds a line break or NUL: no header may")),
        false => Ok(value),
    }
}

/// A binding that is there.
fn found<'a>(document: &'a Document, name: &'a str) -> Result<Bound<'a>, Failure> {
    document.entry(name).and_then(|entry| Bound::of(name, entry)).ok_or_else(|| absent(name))
}

/// vault.md §10.3.
fn absent(name: &str) -> Failure {
    let message = format!("binding not found: {}", printable(name));
    Failure::new(Class::FetchFailed, Exit::NotFound, message.clone()).with_text(message).next("aileron binding list")
}

/// The manifest of an installed connector, verified again. A name without a version is its newest installed one: a binding
/// serves all of them, and the newest says what is wanted now.
pub(super) fn manifest(connector: &str, home: &Home) -> Result<ConnectorManifest, Failure> {
    let named = installed_name(connector)?;
    let found = find(&home.store, std::slice::from_ref(&named))?.pop();
    let pinned = found.ok_or_else(|| StoreError::NoConnector(connector.to_owned()))?;
    let verified = home.store.verify(&pinned, &home.ring.load()?)?;
    match verified.payload() {
        Payload::Connector { manifest, .. } => Ok(manifest.as_ref().clone()),
        _ => Err(StoreError::NotAConnector(verified.reference().clone()).into()),
    }
}
