//! An offer to set up a credential that is missing: on the first use, and after actions were installed. vault.md §8.3, §10.6.

use std::io::{self, IsTerminal as _};

use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::text::Untrusted;
use serde_json::{Value, json};

use super::setup::{SetUp, SetupFlags, set_up};
use crate::ui::commands::Context;
use crate::ui::commands::unlocking::{Questions, ask};
use crate::ui::report::{Exit, Failure};
use crate::vault::binding::candidates;
use crate::vault::custodian::Custodian;
use crate::vault::document::Document;

/// Whether the user can be asked and answer.
pub(in crate::ui::commands) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// The connectors that declare a credential and have no binding for it, each need once.
pub(in crate::ui::commands) fn unbound<'m>(
    manifests: &'m [ConnectorManifest],
    document: &Document,
) -> Vec<&'m ConnectorManifest> {
    let mut found: Vec<&ConnectorManifest> = Vec::new();
    for manifest in manifests {
        let Some(credential) = &manifest.credential else { continue };
        let is_bound = !candidates(document, &manifest.name.value, credential.kind.value.as_str()).is_empty();
        if !is_bound && !found.iter().any(|known| need(known) == need(manifest)) {
            found.push(manifest);
        }
    }
    found
}

/// What a connector needs: `oauth2 — read mail access for github://acme/aileron-connector-mail`.
fn need(manifest: &ConnectorManifest) -> String {
    let (kind, scope) = match &manifest.credential {
        Some(credential) => (credential.kind.value.as_str(), credential.scope.as_deref().unwrap_or_default()),
        None => ("no credential", ""),
    };
    let connector = &manifest.name.value;
    match scope.trim() {
        "" => format!("{kind} access for {connector}"),
        scope => format!("{kind} — {} access for {connector}", Untrusted(scope)),
    }
}

/// One need for scripts.
pub(in crate::ui::commands) fn need_json(manifest: &ConnectorManifest) -> Value {
    let credential = manifest.credential.as_ref();
    let mut fields = json!({
        "connector_fqn": manifest.name.value.to_string(),
        "kind": credential.map(|credential| credential.kind.value.as_str()),
    });
    if let Some(scope) = credential.and_then(|credential| credential.scope.as_ref()) {
        fields["scope"] = json!(scope);
    }
    fields
}

/// The needs as a list, where nothing is asked. vault.md §10.6.
pub(in crate::ui::commands) fn listed(unbound: &[&ConnectorManifest]) -> String {
    let line = |manifest: &&ConnectorManifest| {
        let kind = manifest.credential.as_ref().map_or("", |credential| credential.kind.value.as_str());
        format!("- {} ({kind})\n", manifest.name.value)
    };
    let mut lines: Vec<String> = unbound.iter().map(line).collect();
    lines.dedup();
    match lines.is_empty() {
        true => String::new(),
        false => format!(
            "Action has unbound credential capabilities:\n{}Set one up with `aileron binding setup <name>`.\n",
            lines.concat()
        ),
    }
}

/// Asks whether to set up what `subject` needs, and does so. `None` where the user does not want it.
pub(in crate::ui::commands) fn offer(
    (subject, manifest): (&str, &ConnectorManifest),
    flags: &SetupFlags,
    questions: Questions,
    open: Option<Custodian>,
    context: &Context,
) -> Result<Option<SetUp>, Failure> {
    let question = format!("{subject} needs {}.\nSet up now? [y/N]: ", need(manifest));
    let answer = ask(&question, questions, context)?.unwrap_or_default();
    match matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        true => set_up(manifest, flags, questions, open, context).map(Some),
        false => Ok(None),
    }
}

/// What is said where the offer was declined.
pub(in crate::ui::commands) fn skipped(manifest: &ConnectorManifest) -> String {
    format!("Skipped. Run `aileron binding setup {}` later.\n", manifest.name.value)
}

/// Offers what each of these connectors needs, one after the other. A setup that fails is said and ends nothing: what was
/// installed is installed.
pub(in crate::ui::commands) fn offer_all(unbound: &[&ConnectorManifest], context: &Context) -> Result<String, Failure> {
    let mut text = String::new();
    let (mut open, mut bound): (Option<Custodian>, Vec<String>) = (None, Vec::new());
    for manifest in unbound {
        let connector = manifest.name.value.to_string();
        // Two versions may want different scopes of one credential; one binding serves both.
        if bound.contains(&connector) {
            continue;
        }
        match offer(("It", manifest), &SetupFlags::default(), Questions::OnOutput, open.take(), context) {
            Ok(None) => text.push_str(&skipped(manifest)),
            Ok(Some(done)) => {
                text.push_str(&done.text());
                open = done.custodian;
                bound.push(connector);
            }
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
            Err(failure) => {
                text.push_str(&format!(
                    "Not set up: {}. Run `aileron binding setup {connector}` later.\n",
                    failure.message
                ));
            }
        }
    }
    Ok(text)
}
