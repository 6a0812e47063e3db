//! Where the credentials of a run come from: given by hand, else from the vault. Chosen and unlocked before anything runs.
//! vault.md §8.2.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};
use aileron_verifier::text::printable;

use super::Context;
use super::unlocking::{Wording, say, unlock, vault};
use crate::consumer::trust::prompt::Console as _;
use crate::event::Event;
use crate::runtime::credential_source::{CredentialSource, NoCredentials};
use crate::runtime::launch::client::Remote;
use crate::runtime::vault_credential::{Selection, UnlockedVault, VaultCredentialSource};
use crate::sys::http::Web;
use crate::ui::args::{BindingFlags, RunFlags};
use crate::ui::report::Failure;
use crate::ui::report::console::Terminal;
use crate::vault::binding::{Binding, candidates};
use crate::vault::document::Document;

/// Where the credentials of a run are.
pub(super) enum CredentialPlace {
    /// In this process.
    Here(Box<dyn CredentialSource>),
    /// In another one that holds the vault's key, which runs the action with these bindings where several are for a connector.
    There(Remote, Vec<String>),
}

/// The credentials for the connectors of these manifests. The vault is read only when one of them declares a credential
/// and none was given by hand, and its passphrase is asked for only when one of its bindings will be used.
pub(super) fn credentials(
    run: &RunFlags,
    flags: &BindingFlags,
    manifests: &[ConnectorManifest],
    context: &Context,
) -> Result<Box<dyn CredentialSource>, Failure> {
    match here_or_there(run, flags, manifests, |_| Ok(None), context)? {
        CredentialPlace::Here(source) => Ok(source),
        CredentialPlace::There(..) => Ok(Box::new(NoCredentials)),
    }
}

/// [`credentials`], or the process that has them: it is looked for where the passphrase would be asked for.
pub(super) fn here_or_there(
    run: &RunFlags,
    flags: &BindingFlags,
    manifests: &[ConnectorManifest],
    launched: impl FnOnce(&Context) -> Result<Option<Remote>, Failure>,
    context: &Context,
) -> Result<CredentialPlace, Failure> {
    let here = |source| Ok(CredentialPlace::Here(source));
    if run.credential_env.is_some() || run.credential_file.is_some() {
        return here(Box::new(run.credential(&context.environment)));
    }
    if manifests.iter().all(|manifest| manifest.credential.is_none()) && flags.binding.is_none() {
        return here(Box::new(NoCredentials));
    }
    let vault = vault(context)?;
    let document = vault.read()?.unwrap_or_default();
    let named = flags.binding.as_slice();
    let selection = select(&document, manifests, named, |connector, found| which(connector, found, run, context));
    if let Some(name) = &flags.binding {
        must_be_chosen(name, &selection)?;
    }
    if selection.chosen.is_empty() {
        return here(Box::new(VaultCredentialSource::new(selection, None)));
    }
    let launched = if flags.passphrase.is_given(&context.environment) { None } else { launched(context)? };
    if let Some(remote) = launched {
        note_used(&selection, context);
        let one_each = selection.chosen.into_values().filter(|names| names.len() == 1).flatten().collect();
        return Ok(CredentialPlace::There(remote, one_each));
    }
    let custodian = Arc::new(unlock(&vault, &flags.passphrase, Wording::OnTheWay, context)?);
    note_used(&selection, context);
    let unlocked = UnlockedVault::new(vault, custodian, Web::default(), context.waiting(None));
    here(Box::new(VaultCredentialSource::new(selection, Some(unlocked))))
}

/// Says which bindings a run uses.
pub(super) fn note_used(selection: &Selection, context: &Context) {
    for (connector, names) in &selection.chosen {
        context.progress.take(Event::Note(format!("using {} of the vault for {connector}", names.join(", "))));
    }
}

/// `--binding` names one that is used, or nothing is run.
pub(super) fn must_be_chosen(name: &str, selection: &Selection) -> Result<(), Failure> {
    if selection.chosen.values().flatten().any(|chosen| chosen == name) {
        return Ok(());
    }
    let message = format!("--binding {name}: no binding of that name is for a connector that runs here");
    Err(Failure::usage(message).next("aileron binding list shows which binding is for which connector"))
}

/// The bindings for these connectors: the named one, the only one, those among which a region chooses; `which` is asked about
/// several. vault.md §8.2.
pub(super) fn select(
    document: &Document,
    manifests: &[ConnectorManifest],
    named: &[String],
    which: impl Fn(&str, &[Binding]) -> Option<String>,
) -> Selection {
    let mut selection = Selection::default();
    for manifest in manifests {
        let Some(credential) = &manifest.credential else { continue };
        let (connector, kind) = (&manifest.name.value, credential.kind.value);
        let found = candidates(document, connector, kind.as_str());
        let names = || found.iter().map(|binding| binding.name.clone()).collect::<Vec<_>>();
        let named = named.iter().find(|name| found.iter().any(|binding| binding.name == **name));
        let chosen = match (named, found.as_slice()) {
            (_, []) => continue,
            (Some(name), _) => Some(vec![name.clone()]),
            (None, [one]) => Some(vec![one.name.clone()]),
            (None, several) if kind == CredentialKind::AwsSigv4 && differ_in_region(several) => Some(names()),
            (None, several) => which(&connector.to_string(), several).map(|name| vec![name]),
        };
        match chosen {
            Some(chosen) => drop(selection.chosen.insert(connector.to_string(), chosen)),
            None => drop(selection.ambiguous.insert(connector.to_string(), names())),
        }
    }
    selection
}

/// Whether the region of a request can choose among them. vault.md §14.
fn differ_in_region(bindings: &[Binding]) -> bool {
    let mut regions: Vec<_> = bindings.iter().map(|binding| binding.region.as_deref()).collect();
    regions.sort_unstable();
    regions.windows(2).all(|pair| pair[0] != pair[1])
}

/// Asks which of several bindings is meant, where somebody can be asked. There is no default. vault.md §8.2.
fn which(connector: &str, bindings: &[Binding], run: &RunFlags, context: &Context) -> Option<String> {
    if !io::stdin().is_terminal() || run.args.as_deref() == Some("-") {
        return None;
    }
    let row = |(at, binding): (usize, &Binding)| {
        let account = binding.account.as_ref().map(|account| format!("  {}", printable(account))).unwrap_or_default();
        format!("  {}  {}{account}\n", at + 1, binding.name)
    };
    let rows: String = bindings.iter().enumerate().map(row).collect();
    // The result is on standard output, one document: what is asked goes beside it.
    let question = format!("Several credentials are for {connector}:\n{rows}Which one? [1-{}]: ", bindings.len());
    say(context, &question);
    let answer = Terminal { json: context.output.json }.ask("").ok()??;
    let at: usize = answer.trim().parse().ok()?;
    bindings.get(at.checked_sub(1)?).map(|binding| binding.name.clone())
}
