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
use crate::vault::document::Document;
use crate::vault::file::VaultFile;

/// Where the credentials of a run come from.
pub(super) enum Chosen {
    /// They are at hand, or there are none.
    Ready(Box<dyn CredentialSource>),
    /// From bindings of the vault, which is still to be unlocked.
    Bound(ChosenBindings),
}

/// Bindings that a run uses, before the vault is unlocked for them.
pub(super) struct ChosenBindings {
    vault: VaultFile,
    selection: Selection,
    /// The key, where a binding was set up on the way.
    open: Option<Custodian>,
}

/// Chooses for the connectors of these manifests. The vault is read only when one of them declares a credential and none was
/// given by hand.
pub(super) fn choose(
    run: &RunFlags,
    flags: &BindingFlags,
    manifests: &[ConnectorManifest],
    context: &Context,
) -> Result<Chosen, Failure> {
    if run.credential_env.is_some() || run.credential_file.is_some() {
        return Ok(Chosen::Ready(Box::new(run.credential(&context.environment))));
    }
    if manifests.iter().all(|manifest| manifest.credential.is_none()) && flags.binding.is_none() {
        return Ok(Chosen::Ready(Box::new(NoCredentials)));
    }
    let vault = vault(context)?;
    let document = vault.read()?.unwrap_or_default();
    let mut user = ThisUser { run, flags, context, open: None };
    let selection = select(&document, manifests, flags.binding.as_slice(), &mut user)?;
    if let Some(name) = &flags.binding {
        must_be_chosen(name, &selection)?;
    }
    Ok(match selection.chosen.is_empty() {
        true => Chosen::Ready(Box::new(VaultCredentialSource::new(selection, None))),
        false => Chosen::Bound(ChosenBindings { vault, selection, open: user.open }),
    })
}

impl ChosenBindings {
    /// Whether unlocking would ask for the passphrase.
    pub(super) fn must_ask(&self, flags: &BindingFlags, context: &Context) -> bool {
        self.open.is_none() && !flags.passphrase.is_given(&context.environment)
    }

    /// Their names, one for each connector where a region need not choose.
    pub(super) fn names(&self) -> Vec<String> {
        let one_each = self.selection.chosen.values().filter(|names| names.len() == 1);
        one_each.flatten().cloned().collect()
    }

    /// Says which bindings are used.
    pub(super) fn note(&self, context: &Context) {
        note_used(&self.selection, context);
    }

    /// Unlocks the vault.
    pub(super) fn unlock(self, flags: &BindingFlags, context: &Context) -> Result<Box<dyn CredentialSource>, Failure> {
        let custodian = match self.open {
            Some(custodian) => custodian,
            None => unlock(&self.vault, &flags.passphrase, Wording::OnTheWay, context)?,
        };
        note_used(&self.selection, context);
        let unlocked = UnlockedVault::new(self.vault, Arc::new(custodian), Web::default(), context.waiting(None));
        Ok(Box::new(VaultCredentialSource::new(self.selection, Some(unlocked))))
    }
}

/// Says which bindings a run uses.
pub(super) fn note_used(selection: &Selection, context: &Context) {
    for (connector, names) in &selection.chosen {
        context.progress.take(Event::Note(format!("using {} of the vault for {connector}", names.join(", "))));
    }
}

/// `--binding` names one that is used, or nothing is run.
fn must_be_chosen(name: &str, selection: &Selection) -> Result<(), Failure> {
    if selection.chosen.values().flatten().any(|chosen| chosen == name) {
        return Ok(());
    }
    let message = format!("--binding {name}: no binding of that name is for a connector that runs here");
    Err(Failure::usage(message).next("aileron binding list shows which binding is for which connector"))
}

/// Who is asked while bindings are chosen.
pub(super) trait Chooser {
    /// A binding for a connector that has none yet. vault.md §8.3.
    ///
    /// # Errors
    /// It could not be set up.
    fn first_use(&mut self, manifest: &ConnectorManifest) -> Result<Option<String>, Failure>;

    /// Which of several is meant. There is no default. vault.md §8.2.
    fn which(&mut self, connector: &str, bindings: &[Binding<'_>]) -> Option<String>;
}

/// No person can be asked.
pub(super) struct Unattended;

impl Chooser for Unattended {
    fn first_use(&mut self, _: &ConnectorManifest) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    fn which(&mut self, _: &str, _: &[Binding<'_>]) -> Option<String> {
        None
    }
}

/// The bindings for these connectors: the named one, the only one, those among which a region chooses, or what is answered.
/// vault.md §8.2.
///
/// # Errors
/// [`Chooser::first_use`]'s.
pub(super) fn select(
    document: &Document,
    manifests: &[ConnectorManifest],
    named: &[String],
    chooser: &mut dyn Chooser,
) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    for manifest in manifests {
        let Some(credential) = &manifest.credential else { continue };
        let (connector, kind) = (&manifest.name.value, credential.kind.value);
        if selection.chosen.contains_key(&connector.to_string()) {
            continue; // another version of it, which has the same bindings
        }
        let found = candidates(document, connector, kind.as_str());
        let names = || found.iter().map(|binding| binding.name.to_owned()).collect::<Vec<_>>();
        let named = named.iter().find(|name| found.iter().any(|binding| binding.name == *name));
        let chosen = match (named, found.as_slice()) {
            (None, []) => match chooser.first_use(manifest)? {
                Some(name) => Some(vec![name]),
                None => continue,
            },
            (Some(name), _) => Some(vec![name.clone()]),
            (None, [one]) => Some(vec![one.name.to_owned()]),
            (None, several) if kind == CredentialKind::AwsSigv4 && differ_in_region(several) => Some(names()),
            (None, several) => chooser.which(&connector.to_string(), several).map(|name| vec![name]),
        };
        match chosen {
            Some(chosen) => drop(selection.chosen.insert(connector.to_string(), chosen)),
            None => drop(selection.ambiguous.insert(connector.to_string(), names())),
        }
    }
    Ok(selection)
}

/// Whether the region of a request can choose among them. vault.md §14.
fn differ_in_region(bindings: &[Binding<'_>]) -> bool {
    let mut regions: Vec<_> = bindings.iter().map(|binding| binding.region).collect();
    regions.sort_unstable();
    regions.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether there is somebody to ask: a terminal, and standard input is not taken for something else.
fn is_attended(run: &RunFlags) -> bool {
    can_ask() && run.args.as_deref() != Some("-")
}

/// The user at this terminal.
struct ThisUser<'a> {
    run: &'a RunFlags,
    flags: &'a BindingFlags,
    context: &'a Context,
    /// The key, once a binding was set up.
    open: Option<Custodian>,
}

impl Chooser for ThisUser<'_> {
    fn first_use(&mut self, manifest: &ConnectorManifest) -> Result<Option<String>, Failure> {
        let ThisUser { run, flags, context, .. } = *self;
        if flags.binding.is_some() || flags.passphrase.takes_standard_input() || !is_attended(run) {
            return Ok(None);
        }
        let setup = SetupFlags::unlocked_by(&flags.passphrase);
        match offer(("This run", manifest), &setup, Questions::Beside, self.open.take(), context)? {
            None => {
                say(context, &skipped(manifest));
                Ok(None)
            }
            Some(done) => {
                say(context, &done.text());
                self.open = done.custodian;
                Ok(Some(done.name))
            }
        }
    }

    fn which(&mut self, connector: &str, bindings: &[Binding<'_>]) -> Option<String> {
        if !is_attended(self.run) {
            return None;
        }
        let row = |(at, binding): (usize, &Binding<'_>)| {
            let account = binding.account.map(|account| format!("  {}", printable(account))).unwrap_or_default();
            format!("  {}  {}{account}\n", at + 1, binding.name)
        };
        let rows: String = bindings.iter().enumerate().map(row).collect();
        let question = format!("Several credentials are for {connector}:\n{rows}Which one? [1-{}]: ", bindings.len());
        let answer = ask(&question, Questions::Beside, self.context).ok()??;
        let at: usize = answer.trim().parse().ok()?;
        bindings.get(at.checked_sub(1)?).map(|binding| binding.name.to_owned())
    }
}
