//! Where the credentials of a run come from: given by hand, else from the vault. Chosen and unlocked before anything runs.
//! vault.md §8.2.

use std::sync::Arc;

use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};
use aileron_verifier::text::printable;

use super::Context;
use super::binding::offer::{can_ask, offer, skipped};
use super::binding::setup::SetupFlags;
use super::unlocking::{Questions, Wording, ask, say, unlock, vault};
use crate::event::Event;
use crate::runtime::credential_source::{CredentialSource, NoCredentials};
use crate::runtime::vault_credential::{Selection, UnlockedVault, VaultCredentialSource};
use crate::sys::http::Web;
use crate::ui::args::{BindingFlags, RunFlags};
use crate::ui::report::Failure;
use crate::vault::binding::{Binding, candidates};
use crate::vault::custodian::Custodian;

/// The credentials for the connectors of these manifests. The vault is read only when one of them declares a credential
/// and none was given by hand, and its passphrase is asked for only when one of its bindings will be used.
pub(super) fn credentials(
    run: &RunFlags,
    flags: &BindingFlags,
    manifests: &[ConnectorManifest],
    context: &Context,
) -> Result<Box<dyn CredentialSource>, Failure> {
    if run.credential_env.is_some() || run.credential_file.is_some() {
        return Ok(Box::new(run.credential(&context.environment)));
    }
    if manifests.iter().all(|manifest| manifest.credential.is_none()) && flags.binding.is_none() {
        return Ok(Box::new(NoCredentials));
    }
    let vault = vault(context)?;
    let document = vault.read()?.unwrap_or_default();
    let mut selection = Selection::default();
    let mut open: Option<Custodian> = None;
    for manifest in manifests {
        let Some(credential) = &manifest.credential else { continue };
        let (connector, kind) = (&manifest.name.value, credential.kind.value);
        if selection.chosen.contains_key(&connector.to_string()) {
            continue; // another version of it, which has the same bindings
        }
        let found = candidates(&document, connector, kind.as_str());
        let names = || found.iter().map(|binding| binding.name.clone()).collect::<Vec<_>>();
        let named = flags.binding.as_ref().filter(|name| found.iter().any(|binding| binding.name == **name));
        let chosen = match (named, found.as_slice()) {
            (None, []) => match first_use(manifest, run, flags, &mut open, context)? {
                Some(name) => Some(vec![name]),
                None => continue,
            },
            (Some(name), _) => Some(vec![name.clone()]),
            (None, [one]) => Some(vec![one.name.clone()]),
            (None, several) if kind == CredentialKind::AwsSigv4 && differ_in_region(several) => Some(names()),
            (None, several) => which(&connector.to_string(), several, run, context).map(|name| vec![name]),
        };
        match chosen {
            Some(chosen) => drop(selection.chosen.insert(connector.to_string(), chosen)),
            None => drop(selection.ambiguous.insert(connector.to_string(), names())),
        }
    }
    if let Some(name) = &flags.binding
        && !selection.chosen.values().flatten().any(|chosen| chosen == name)
    {
        let message = format!("--binding {name}: no binding of that name is for a connector that runs here");
        return Err(Failure::usage(message).next("aileron binding list shows which binding is for which connector"));
    }
    if selection.chosen.is_empty() {
        return Ok(Box::new(VaultCredentialSource::new(selection, None)));
    }
    let custodian = match open {
        Some(custodian) => custodian,
        None => unlock(&vault, &flags.passphrase, Wording::OnTheWay, context)?,
    };
    for (connector, names) in &selection.chosen {
        context.progress.take(Event::Note(format!("using {} of the vault for {connector}", names.join(", "))));
    }
    let unlocked = UnlockedVault::new(vault, Arc::new(custodian), Web::default(), context.waiting(None));
    Ok(Box::new(VaultCredentialSource::new(selection, Some(unlocked))))
}

/// Whether the region of a request can choose among them. vault.md §14.
fn differ_in_region(bindings: &[Binding]) -> bool {
    let mut regions: Vec<_> = bindings.iter().map(|binding| binding.region.as_deref()).collect();
    regions.sort_unstable();
    regions.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether there is somebody to ask: a terminal, and standard input is not taken for something else.
fn is_attended(run: &RunFlags) -> bool {
    can_ask() && run.args.as_deref() != Some("-")
}

/// No binding yet: sets one up where the user can be asked and wants it. vault.md §8.3.
fn first_use(
    manifest: &ConnectorManifest,
    run: &RunFlags,
    flags: &BindingFlags,
    open: &mut Option<Custodian>,
    context: &Context,
) -> Result<Option<String>, Failure> {
    if flags.binding.is_some() || flags.passphrase.takes_standard_input() || !is_attended(run) {
        return Ok(None);
    }
    let setup = SetupFlags::unlocked_by(&flags.passphrase);
    match offer(("This run", manifest), &setup, Questions::Beside, open.take(), context)? {
        None => {
            say(context, &skipped(manifest));
            Ok(None)
        }
        Some(done) => {
            say(context, &done.text());
            *open = done.custodian;
            Ok(Some(done.name))
        }
    }
}

/// Asks which of several bindings is meant, where somebody can be asked. There is no default. vault.md §8.2.
fn which(connector: &str, bindings: &[Binding], run: &RunFlags, context: &Context) -> Option<String> {
    if !is_attended(run) {
        return None;
    }
    let row = |(at, binding): (usize, &Binding)| {
        let account = binding.account.as_ref().map(|account| format!("  {}", printable(account))).unwrap_or_default();
        format!("  {}  {}{account}\n", at + 1, binding.name)
    };
    let rows: String = bindings.iter().enumerate().map(row).collect();
    let question = format!("Several credentials are for {connector}:\n{rows}Which one? [1-{}]: ", bindings.len());
    let answer = ask(&question, Questions::Beside, context).ok()??;
    let at: usize = answer.trim().parse().ok()?;
    bindings.get(at.checked_sub(1)?).map(|binding| binding.name.clone())
}
