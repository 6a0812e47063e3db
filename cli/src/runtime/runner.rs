//! How an op runs: one connector opened, one network made, one op invoked. The walk is drawn in [`super`].
//!
//! Two things are the caller's to decide, and are ports: where a credential comes from ([`CredentialSource`]), and who
//! approves an action ([`Approver`]). Not here: flags, prompts, exit codes; which connector a name means.

use std::io;
use std::sync::Arc;

use aileron_sandbox::engine::{Connector, LocalBuild};
use aileron_sandbox::failure::Failure;
use aileron_sandbox::host::http::{Network, Proxies};
use aileron_sandbox::invoke::{Done, Limits};
use aileron_sandbox::outcome::Output;
use aileron_verifier::artifact::action::{Action, Pin, Requirement};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::text::Json;
use aileron_verifier::trust::keyring::Keyring;

use super::arguments::Arguments;
use super::credential_source::{CredentialError, CredentialSource};
use super::public::of_runtime;
use super::session::{PREVIEW, RunOptions, Session};
use super::steps::{self, Call, Executed, Preview, Stopped};
use crate::store::{Opened, Pinned, Store, StoreError};

/// What is asked before an action runs.
pub struct ApprovalRequest<'a> {
    /// The action.
    pub action: &'a Action,
    /// What it would run with.
    pub arguments: &'a Arguments,
    /// What its connector says would happen; `None` where the action has no preview.
    pub preview: Option<&'a Preview>,
}

/// The answer to an [`ApprovalRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Run it.
    Approved,
    /// Run nothing.
    Denied,
}

/// Who approves: a person at a prompt, or later the host of an agent.
pub trait Approver {
    /// Shows the request and returns the decision.
    ///
    /// # Errors
    /// The question could not be asked. Nothing is run then.
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> io::Result<Decision>;
}

/// Where an approval comes from, for an action that needs one.
pub enum Approval<'a> {
    /// Given before the run (`--approve`): no preview, no question.
    Given,
    /// Asked for, after the preview.
    Ask(&'a mut dyn Approver),
    /// No person can be asked.
    Unattended,
}

/// What runs may reach beside the hosts of the manifest, and through which proxies.
#[derive(Clone, Default)]
pub struct NetworkOptions {
    /// Granted names that may lead to private addresses.
    pub allow_private: Vec<String>,
    /// Proxies of this machine.
    pub proxies: Proxies,
}

/// Installed artifacts, and whose signatures count for them.
#[derive(Clone, Copy)]
pub struct Installed<'a> {
    /// Where they are.
    pub store: &'a Store,
    /// The trusted keys.
    pub ring: &'a Keyring,
}

impl Installed<'_> {
    /// The manifests of the connectors that these actions pin, each once, as far as they are installed and may be used.
    pub fn manifests<'a>(&self, actions: impl IntoIterator<Item = &'a Action>) -> Vec<ConnectorManifest> {
        let mut found = Vec::new();
        for pinned in actions.into_iter().flat_map(|action| action.requires.iter().filter_map(pinned)) {
            if !found.contains(&pinned) {
                found.push(pinned);
            }
        }
        let open = |pinned: &Pinned| self.store.open(pinned, self.ring).ok().map(|opened| opened.manifest);
        found.iter().filter_map(open).collect()
    }
}

/// A connector as code, with the manifest it was verified with.
pub struct OpenConnector {
    connector: Connector,
    manifest: ConnectorManifest,
}

impl OpenConnector {
    /// Its manifest.
    pub fn manifest(&self) -> &ConnectorManifest {
        &self.manifest
    }
}

/// Why an op was not started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The connector is not installed, or refused as it is installed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connector cannot be compiled or loaded here.
    #[error("{0}")]
    Load(Failure),
    /// The credential that was named cannot be used.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

impl RunError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            RunError::Store(error) => error.class(),
            RunError::Load(failure) => failure.class(),
            RunError::Credential(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            RunError::Store(error) => error.is_retriable(),
            RunError::Load(failure) => failure.is_retriable(),
            RunError::Credential(error) => error.is_retriable(),
        }
    }
}

/// Why an action gave no output.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Its approval was asked for and denied. Nothing was run.
    #[error("{0} was not approved; nothing was run")]
    Denied(String),
    /// It needs an approval, and no person can be asked for it. Nothing was run.
    #[error("{0} needs a person's approval, and no one can be asked here; nothing was run")]
    Unattended(String),
    /// Its approval could not be asked for. Nothing was run.
    #[error("cannot ask for approval: {0}")]
    NotAsked(io::Error),
    /// A step failed; the ones before it did run.
    #[error("step {}: {}", .0.step, .0.failure)]
    Stopped(Stopped),
}

impl ActionError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            ActionError::Denied(_) | ActionError::Unattended(_) => Class::ApprovalDenied,
            ActionError::NotAsked(_) => Class::StoreUnwritable,
            ActionError::Stopped(stopped) => stopped.failure.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ActionError::Denied(_) | ActionError::Unattended(_) | ActionError::NotAsked(_) => false,
            ActionError::Stopped(stopped) => stopped.failure.is_retriable(),
        }
    }
}

/// Runs ops in one process: one engine, one set of limits, one source of credentials.
pub struct Runner<'a> {
    /// Compiles and invokes.
    pub session: Session<'a>,
    /// Limits, clock profile, log.
    pub options: RunOptions,
    /// Proxies and private names.
    pub network: NetworkOptions,
    /// Where credentials come from.
    pub credentials: &'a dyn CredentialSource,
}

impl Runner<'_> {
    /// Opens an installed connector, and loads it.
    ///
    /// # Errors
    /// [`RunError::Store`], [`RunError::Load`].
    pub fn installed(&self, pinned: &Pinned, installed: Installed<'_>) -> Result<OpenConnector, RunError> {
        self.load(installed.store.open(pinned, installed.ring)?, installed)
    }

    /// Loads an entry that was opened: compiled code from the cache, else the module is verified again and compiled.
    ///
    /// # Errors
    /// [`RunError::Store`], [`RunError::Load`].
    pub fn load(&self, opened: Opened, installed: Installed<'_>) -> Result<OpenConnector, RunError> {
        let Opened { pinned, manifest, .. } = opened;
        if let Some(connector) = self.session.recall(pinned.content, &manifest) {
            return Ok(OpenConnector { connector, manifest });
        }
        let verified = installed.store.verify(&pinned, installed.ring)?;
        let connector = self.session.compile(&verified).map_err(RunError::Load)?;
        Ok(OpenConnector { connector, manifest })
    }

    /// Opens a publisher's own build, which has no signature.
    ///
    /// # Errors
    /// [`RunError::Load`].
    pub fn local(&self, build: &LocalBuild) -> Result<OpenConnector, RunError> {
        let connector = self.session.local(build).map_err(RunError::Load)?;
        Ok(OpenConnector { connector, manifest: build.manifest().clone() })
    }

    /// The network that the connector's manifest grants, with its credential.
    ///
    /// # Errors
    /// [`RunError::Credential`].
    pub fn network(&self, connector: &OpenConnector) -> Result<Network, RunError> {
        let credentials = self.credentials.for_connector(&connector.manifest)?;
        let network = Network::of(&connector.manifest)
            .allowing_private(self.network.allow_private.iter().cloned())
            .through(self.network.proxies.clone());
        Ok(match credentials {
            Some(credentials) => network.with_credentials(credentials),
            None => network,
        })
    }

    /// Runs one op on this network, to its end.
    pub fn run(&self, connector: &OpenConnector, op: &str, arguments: &Arguments, network: Network) -> Done {
        self.session.invoke(&connector.connector, op, arguments, Arc::new(network), &self.options)
    }

    /// Runs an action: approval where it needs one, then its steps in order.
    ///
    /// # Errors
    /// [`ActionError`].
    pub fn run_action(
        &self,
        action: &Action,
        arguments: &Arguments,
        installed: Installed<'_>,
        approval: Approval<'_>,
    ) -> Result<Executed, ActionError> {
        if matches!(approval, Approval::Unattended) && action.needs_approval() {
            return Err(ActionError::Unattended(action.name.value.clone()));
        }
        let mut open = Vec::new();
        let mut invoke = |call: &Call<'_>| self.run_call(call, installed, &mut open);
        if let Approval::Ask(approver) = approval
            && action.needs_approval()
        {
            let preview = steps::preview(action, arguments, &mut invoke);
            let request = ApprovalRequest { action, arguments, preview: preview.as_ref() };
            match approver.decide(&request).map_err(ActionError::NotAsked)? {
                Decision::Approved => {}
                Decision::Denied => return Err(ActionError::Denied(action.name.value.clone())),
            }
        }
        steps::execute(action, arguments, &mut invoke).map_err(ActionError::Stopped)
    }

    /// Runs one call of an action. Steps on the same connector open it once. sandbox.md §13 E5.
    fn run_call(
        &self,
        call: &Call<'_>,
        installed: Installed<'_>,
        open: &mut Vec<(Pinned, OpenConnector)>,
    ) -> Result<Json, Failure> {
        let pinned = pinned(call.connector).ok_or_else(|| of_runtime("the action pins no content"))?;
        if !open.iter().any(|(found, _)| *found == pinned) {
            let connector = self.installed(&pinned, installed).map_err(as_step_failure)?;
            open.push((pinned.clone(), connector));
        }
        let found = open.iter().find(|(found, _)| *found == pinned);
        let (_, connector) = found.ok_or_else(|| of_runtime("the connector is not open"))?;
        let network = self.network(connector).map_err(as_step_failure)?;
        let mut options = self.options.clone();
        if call.is_preview {
            options.limits = Limits::new(options.limits.memory(), options.limits.wall_time().min(PREVIEW));
        }
        let (code, network) = (&connector.connector, Arc::new(network));
        let done = self.session.invoke(code, call.op, &call.arguments, network, &options);
        done.result.map(|output| as_json(output.as_ref()))
    }
}

/// What an op gave as JSON, digit for digit; `null` where it gave nothing.
pub fn as_json(output: Option<&Output>) -> Json {
    output.and_then(|output| Json::read(output.text()).ok()).unwrap_or_else(Json::null)
}

fn pinned(requirement: &Requirement) -> Option<Pinned> {
    let Pin::Hash(content) = requirement.hash.value else { return None };
    let reference = Ref { name: requirement.name.value.clone(), version: requirement.version.value.clone() };
    Some(Pinned { reference, content })
}

/// Why a step's connector did not run, as a failure of the step: boundary `runtime`. sandbox.md §10.5.
fn as_step_failure(error: RunError) -> Failure {
    match error {
        RunError::Load(failure) => failure,
        RunError::Credential(error) => of_runtime(error.to_string()),
        RunError::Store(error) => {
            let failure = of_runtime(match &error {
                StoreError::Refused { why, .. } => why.to_string(),
                error => error.to_string(),
            });
            match error.class() {
                class @ (Class::HashMismatch | Class::SignatureFailure) => Failure { class, ..failure },
                class => failure.with("connector_class", class.as_str()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
