//! What `launch` and `mcp` share: the installed actions, run for somebody else with the vault of this process.

use std::sync::{Arc, Mutex, PoisonError};

use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::invoke::Limits;
use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::trust::keyring::Keyring;

use super::credentials::{Unattended, note_used, select};
use super::installing::home;
use super::running::{command_line, render_action, render_denied, runner_with};
use super::unlocking::vault;
use super::{Answer, Context};
use crate::consumer::home::Home;
use crate::runtime::arguments::{self, Arguments};
use crate::runtime::credential_source::{CredentialSource, NoCredentials};
use crate::runtime::runner::{ActionError, Approval, Approver, Installed, NetworkOptions};
use crate::runtime::session::proxies;
use crate::runtime::vault_credential::{UnlockedVault, VaultCredentialSource};
use crate::store::StoreError;
use crate::sys::http::Web;
use crate::ui::report::Failure;
use crate::ui::report::progress::{Progress, Style};
use crate::vault::custodian::Custodian;
use crate::vault::document::Document;
use crate::vault::error::VaultError;
use crate::vault::file::VaultFile;

/// The vault's key while this process has it. It is dropped once the file is another vault's.
pub(super) struct HeldKey(Mutex<Option<Arc<Custodian>>>);

impl HeldKey {
    pub(super) fn new(custodian: Option<Arc<Custodian>>) -> HeldKey {
        HeldKey(Mutex::new(custodian))
    }

    /// Whether there is one.
    pub(super) fn is_held(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The key of this document. `unlock` is asked where there is none, one asker at a time.
    pub(super) fn of(
        &self,
        document: &Document,
        unlock: impl FnOnce() -> Result<Custodian, Failure>,
    ) -> Result<Arc<Custodian>, Failure> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|custodian| !custodian.is_of(document)) {
            *held = None;
        }
        let custodian = match &*held {
            Some(custodian) => Arc::clone(custodian),
            None => Arc::new(unlock()?),
        };
        *held = Some(Arc::clone(&custodian));
        Ok(custodian)
    }
}

/// One run for somebody else.
pub(super) struct RunOrder<'a> {
    /// The action, verified.
    pub(super) action: &'a Action,
    /// What with.
    pub(super) arguments: &'a Arguments,
    /// Bindings that were named, where several are for a connector.
    pub(super) bindings: &'a [String],
    pub(super) limits: Limits,
    pub(super) profile: Profile,
}

/// The installed actions.
pub(super) struct ActionService {
    /// What this process says goes to standard error, or nowhere where the terminal is another program's.
    pub(super) context: Context,
    pub(super) vault: VaultFile,
    /// A token that could not be stored is said even where a program has the terminal.
    warnings: Context,
    home: Home,
    is_silent: bool,
}

impl ActionService {
    /// The actions of this user. A silent service says nothing on the way.
    pub(super) fn open(context: &Context, is_silent: bool) -> Result<ActionService, Failure> {
        let warnings = context.within(context.repository.clone());
        let mut context = context.within(context.repository.clone());
        if is_silent {
            context.progress = Arc::new(Progress::new(Style::Quiet));
        }
        let (vault, home) = (vault(&context)?, home(&context, None)?);
        Ok(ActionService { context, vault, warnings, home, is_silent })
    }

    /// Whose signatures count, at this moment.
    pub(super) fn ring(&self) -> Result<Keyring, Failure> {
        Ok(self.home.ring.load()?)
    }

    /// Every installed action that may be run, by name.
    pub(super) fn actions(&self) -> Result<Vec<String>, Failure> {
        let files = self.home.store.actions()?;
        Ok(files.into_iter().filter(|file| file.signed).map(|file| file.name).collect())
    }

    /// One of them, verified again.
    pub(super) fn verified(&self, name: &str, ring: &Keyring) -> Result<Verified, Failure> {
        Ok(self.home.store.verify_action(name, ring)?)
    }

    /// The manifests of its connectors.
    pub(super) fn manifests(&self, action: &Action, ring: &Keyring) -> Vec<ConnectorManifest> {
        Installed { store: &self.home.store, ring }.manifests([action])
    }

    /// Runs an action. `unlock` gives the key where one of its connectors has a binding; no one approves without an
    /// `approver`.
    pub(super) fn run(
        &self,
        order: &RunOrder<'_>,
        ring: &Keyring,
        unlock: impl FnOnce(&Document) -> Result<Arc<Custodian>, Failure>,
        approver: Option<&mut dyn Approver>,
    ) -> Answer {
        let RunOrder { action, arguments, .. } = order;
        let credentials = self.credentials(order, ring, unlock)?;
        let network = NetworkOptions { allow_private: Vec::new(), proxies: proxies(&self.context.environment) };
        let mut runner = runner_with(order.profile, order.limits, network, credentials.as_ref(), &self.context)?;
        if self.is_silent {
            runner.options.log = None;
        }
        let approval = approver.map_or(Approval::Unattended, Approval::Ask);
        let installed = Installed { store: &self.home.store, ring };
        match runner.run_action(action, arguments, installed, approval) {
            Err(error @ ActionError::Unattended(_)) => {
                Ok(render_denied(error, Some(command_line(&action.name.value, arguments))))
            }
            ended => render_action(ended),
        }
    }

    fn credentials(
        &self,
        order: &RunOrder<'_>,
        ring: &Keyring,
        unlock: impl FnOnce(&Document) -> Result<Arc<Custodian>, Failure>,
    ) -> Result<Box<dyn CredentialSource>, Failure> {
        let manifests = self.manifests(order.action, ring);
        let document = self.vault.read()?.unwrap_or_default();
        let selection = select(&document, &manifests, order.bindings, &mut Unattended)?;
        let is_chosen = |name: &&String| !selection.chosen.values().flatten().any(|chosen| chosen == *name);
        if let Some(unknown) = order.bindings.iter().find(is_chosen) {
            return Err(Failure::usage(format!("no binding {unknown} is for a connector that runs here")));
        }
        if manifests.iter().all(|manifest| manifest.credential.is_none()) {
            return Ok(Box::new(NoCredentials));
        }
        if selection.chosen.is_empty() {
            return Ok(Box::new(VaultCredentialSource::new(selection, None)));
        }
        let custodian = unlock(&document)?;
        note_used(&selection, &self.context);
        let waiting = self.warnings.waiting(None);
        let unlocked = UnlockedVault::new(self.vault.clone(), custodian, Web::default(), waiting);
        Ok(Box::new(VaultCredentialSource::new(selection, Some(unlocked))))
    }
}

/// The action that was verified.
pub(super) fn action_of(verified: &Verified) -> Result<&Action, Failure> {
    match verified.payload() {
        Payload::Action(action) => Ok(action),
        _ => Err(StoreError::NotAnAction(verified.reference().clone()).into()),
    }
}

/// Arguments of an action, of the types it declares.
pub(super) fn arguments_of(action: &Action, object: Option<&str>) -> Result<Arguments, Failure> {
    Ok(arguments::typed(&action.inputs, object, &[])?)
}

/// The vault is not the one whose key is here.
pub(super) fn locked() -> Failure {
    Failure::from(VaultError::Unavailable).next("end aileron launch, and start it again")
}
