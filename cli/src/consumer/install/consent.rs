//! The end of an install: show the plan, ask, commit. artifacts.md §10.

use std::io;

use crate::consumer::install::plan::{InstallPlan, InstallReceipt};
use crate::consumer::trust::prompt::{Console, consents};
use crate::store::{Store, StoreError};
use aileron_verifier::problem::Class;

/// How a plan is shown, and what was answered beforehand.
pub struct Consent<'a> {
    /// The plan as a person reads it.
    pub shown: &'a dyn Fn(&InstallPlan) -> String,
    /// `--yes`.
    pub yes: bool,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--force`: other content, another name's place, a downgrade.
    pub force: bool,
}

/// What an install came to.
#[derive(Debug)]
pub enum Installation {
    /// Everything is installed already.
    Unchanged,
    /// The plan was shown, and nothing else was asked for.
    DryRun,
    /// The answer was no.
    Cancelled,
    /// The plan was committed.
    Installed(InstallReceipt),
}

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The question could not be asked; nothing was installed.
    #[error("cannot ask whether to install: {0}")]
    Console(io::Error),
    /// The store refused it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsentError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            ConsentError::Store(error) => error.class(),
            ConsentError::Console(_) => Class::StoreUnwritable,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ConsentError::Store(error) => error.is_retriable(),
            ConsentError::Console(_) => false,
        }
    }
}

impl InstallPlan {
    /// Shows this plan, asks, and commits it.
    ///
    /// # Errors
    /// [`ConsentError`].
    pub fn carry_out(
        &self,
        store: &Store,
        console: &mut dyn Console,
        consent: &Consent<'_>,
    ) -> Result<Installation, ConsentError> {
        if self.is_empty() {
            return Ok(Installation::Unchanged);
        }
        console.say(&(consent.shown)(self)).map_err(ConsentError::Console)?;
        if consent.dry_run {
            return Ok(Installation::DryRun);
        }
        let question = match self.connectors.len() + self.actions.len() {
            1 => "Install it? [y/N]: ",
            _ => "Install all of this? [y/N]: ",
        };
        if !consent.yes && !consents(console, question).map_err(ConsentError::Console)? {
            return Ok(Installation::Cancelled);
        }
        Ok(Installation::Installed(self.commit(store, consent.force)?))
    }
}
