//! Verified artifacts on disk. artifacts.md §9.
//!
//! ```text
//! <home>/store/connectors/sha256/<hex>/{connector.wasm,manifest.toml,signature.sig}
//! <home>/store/connectors/tmp/install-<24 hex>/       renamed into place, or swept when its maker is gone
//! <home>/store/index/connectors.json                  a cache: rebuilt from the manifests whenever they disagree
//! <home>/actions/<name>.md, <name>.sig                .batches/ while a batch is being moved into place
//! <home>/cache/checked/                               what was checked, by stamps; never a reason to skip a changed byte
//! ```
//!
//! Only a [`Verified`](aileron_verifier::artifact::verify::Verified) goes in. What comes out was verified against the ring of today:
//! now, or before and unchanged since. Every change is one rename that either happened or did not; what a killed process
//! leaves is finished or swept by the next one. One lock, `store/.lock`, orders all commits and removals.
//!
//! All of it must be private ([`crate::sys::private`]): what another user could have changed is refused, and nothing is
//! written where others could replace it.
//!
//! May not come in: the network, prompts, clap, the publisher wing.

#![expect(clippy::disallowed_methods, reason = "the store is a directory, with a layout and checks of its own")]

mod action;
mod checked;
mod connector;
mod index;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;

use crate::sys::clock::{self, Clock};
use crate::sys::disk::{DiskError, Operation};
use crate::sys::environment::Environment;
use crate::sys::lock::{self, Lock, LockError, LockPolicy};
use crate::sys::private::{Directory, NotPrivate, PrivateError};
use crate::sys::steps::{Disk, Steps};

pub(crate) use self::action::pins;
pub use self::action::{Abilities, ActionFile, InstalledAction, Judged};
pub use self::checked::CheckedWhen;
pub use self::connector::{Opened, StoreEntry};

/// What a commit or a removal holds, in the store's directory.
const LOCK: &str = ".lock";

/// The store below one home directory.
#[derive(Clone)]
pub struct Store {
    home: PathBuf,
    steps: Arc<dyn Steps>,
    clock: Arc<dyn Clock + Send + Sync>,
    waiting: LockPolicy,
}

/// A connector by name, version and content together: what an action pins, and what the index says is installed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pinned {
    /// Name and version.
    pub reference: Ref,
    /// The content hash.
    pub content: ContentHash,
}

/// Why the store did not do what it was asked. It is then as it was before, or whole with the change.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk would not.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What lies there is refused: it was changed, or its publisher is not trusted any more.
    #[error("{what} is refused: {why}")]
    Refused {
        /// A Ref, a content hash or a file.
        what: String,
        /// The verdict.
        why: VerifyError,
    },
    /// The existing runtime installs actions without their signatures.
    #[error("{}", unsigned(.name, .installed.as_ref()))]
    Unsigned {
        /// Short name of the action.
        name: String,
        /// What its text says it is; `None` when it cannot be read.
        installed: Option<Ref>,
    },
    /// Another user could change what was verified.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// Another process changes the store, and did not finish in time.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// No such connector.
    #[error("{0} is not installed")]
    NoConnector(String),
    /// No such action.
    #[error("no action {0} is installed")]
    NoAction(String),
    /// A published version never changes, and this one has.
    #[error("{reference} is installed with content {installed}; this one has {offered}")]
    OtherContent {
        /// The connector.
        reference: Ref,
        /// What is installed.
        installed: ContentHash,
        /// What was to be put in its place.
        offered: ContentHash,
    },
    /// The name belongs to something else, or to something newer.
    #[error("{}", taken(.installed, .offered))]
    Taken {
        /// What has the name now; `None` when its text cannot be read.
        installed: Option<Ref>,
        /// What was to get it.
        offered: Ref,
    },
    /// Installed actions need it.
    #[error("{reference} is pinned by {}", .by.join(", "))]
    Pinned {
        /// The connector.
        reference: Ref,
        /// Names of actions.
        by: Vec<String>,
    },
    /// An action's connector is not there with exactly the pinned name, version and content.
    #[error("{action} needs {} with content {}, which is not installed", .needs.reference, .needs.content)]
    ConnectorMissing {
        /// The action.
        action: Ref,
        /// What it pins.
        needs: Pinned,
    },
    /// An entry that no name and version lead to.
    #[error("{0} in the store has no manifest that can be read, or the name and version of another")]
    UnreadableEntry(ContentHash),
    /// A connector where an action belongs.
    #[error("{0} is a connector, not an action")]
    NotAnAction(Ref),
    /// An action where a connector belongs.
    #[error("{0} is an action, not a connector")]
    NotAConnector(Ref),
}

impl StoreError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            StoreError::Disk(error) => error.class(),
            StoreError::Locked(error) => error.class(),
            StoreError::Refused { why, .. } => why.class(),
            StoreError::Unsigned { .. } => Class::MalformedTarball,
            StoreError::NotPrivate(_)
            | StoreError::Taken { .. }
            | StoreError::NotAnAction(_)
            | StoreError::NotAConnector(_) => Class::ValidationError,
            StoreError::NoConnector(_) | StoreError::ConnectorMissing { .. } | StoreError::Pinned { .. } => {
                Class::ConnectorsMissing
            }
            StoreError::NoAction(_) => Class::FetchFailed,
            StoreError::OtherContent { .. } => Class::HashMismatch,
            StoreError::UnreadableEntry(_) => Class::MalformedTarball,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            StoreError::Disk(error) => error.is_retriable(),
            StoreError::Locked(error) => error.is_retriable(),
            StoreError::Refused { .. }
            | StoreError::Unsigned { .. }
            | StoreError::NotPrivate(_)
            | StoreError::NoConnector(_)
            | StoreError::NoAction(_)
            | StoreError::OtherContent { .. }
            | StoreError::Taken { .. }
            | StoreError::Pinned { .. }
            | StoreError::ConnectorMissing { .. }
            | StoreError::UnreadableEntry(_)
            | StoreError::NotAnAction(_)
            | StoreError::NotAConnector(_) => false,
        }
    }
}

impl From<PrivateError> for StoreError {
    fn from(error: PrivateError) -> StoreError {
        match error {
            PrivateError::NotPrivate(why) => StoreError::NotPrivate(why),
            PrivateError::Io { path, cause } => StoreError::Disk(DiskError::at(Operation::Read, &path)(cause)),
        }
    }
}

fn unsigned(name: &str, installed: Option<&Ref>) -> String {
    let what = installed.map_or_else(|| format!("action {name}"), Ref::to_string);
    format!("{what} was installed without its signature (by the existing runtime); add it again")
}

fn taken(installed: &Option<Ref>, offered: &Ref) -> String {
    match installed {
        None => format!("{offered}: a file that is no action has its place"),
        Some(installed) if installed.name != offered.name => format!("{offered}: {installed} has its place"),
        Some(installed) if installed.version == offered.version => {
            format!("{offered} is installed with other bytes")
        }
        Some(installed) => format!("{installed} is installed, which is newer than {}", offered.version),
    }
}

/// Held while something is committed or removed; let go when dropped, by a killed process too.
struct LockedStore {
    _lock: Lock,
}

impl Store {
    /// The store below `AILERON_HOME`, else `~/.aileron`; `None` without a home. artifacts.md §9.
    pub fn at_home(environment: &Environment) -> Option<Store> {
        Some(Store::at(environment.aileron_home()?))
    }

    /// The store below this directory, which need not exist.
    pub fn at(home: PathBuf) -> Store {
        Store::with(home, Arc::new(Disk), Arc::new(clock::Machine))
    }

    /// The same with another disk and another clock.
    pub fn with(home: PathBuf, steps: Arc<dyn Steps>, clock: Arc<dyn Clock + Send + Sync>) -> Store {
        let waiting = LockPolicy { clock: Arc::clone(&clock), ..LockPolicy::default() };
        Store { home, steps, clock, waiting }
    }

    /// The same store, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> Store {
        Store { waiting, ..self }
    }

    /// The directory everything is below.
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn connectors(&self) -> PathBuf {
        self.home.join("store/connectors")
    }

    fn entry_directory(&self, content: ContentHash) -> PathBuf {
        self.connectors().join("sha256").join(content.hex())
    }

    fn actions_directory(&self) -> PathBuf {
        self.home.join("actions")
    }

    /// Waits until no other process commits or removes. Makes the store's directory, and refuses one that is not private.
    fn lock(&self) -> Result<LockedStore, StoreError> {
        let directory = self.home.join("store");
        self.make(&directory)?;
        Ok(LockedStore { _lock: lock::take(&directory.join(LOCK), &self.waiting)? })
    }

    /// Makes a directory in which something is going to be written, and refuses one that others can write.
    fn make(&self, directory: &Path) -> Result<(), StoreError> {
        self.steps.make_directory(directory).map_err(DiskError::at(Operation::CreateDirectory, directory))?;
        Directory::open(directory)?;
        Ok(())
    }

    /// A fresh directory `<parent>/<prefix><24 hex>`, locked by this process so that no other one sweeps it.
    fn staging(&self, parent: &Path, prefix: &str) -> Result<StagingDir<'_>, StoreError> {
        let mut random = [0; 12];
        getrandom::fill(&mut random)
            .map_err(|error| DiskError::about(Operation::CreateDirectory, "in", parent)(io::Error::other(error)))?;
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = parent.join(format!("{prefix}{hex}"));
        // Sweeping needs the same lock, so that no one finds the directory before it is held.
        let _locked = self.lock()?;
        self.make(&path)?;
        #[cfg(unix)]
        let held = {
            // Only this user can open it, so it is free.
            let held = open_directory(&path).map_err(DiskError::at(Operation::Open, &path))?;
            held.try_lock().map_err(|error| DiskError::at(Operation::Lock, &path)(error.into()))?;
            Some(held)
        };
        #[cfg(not(unix))]
        let held = None;
        Ok(StagingDir { store: self, path, held })
    }

    /// Removes what killed processes left below `parent` under names with this prefix. Best effort: what cannot be removed
    /// does no harm.
    fn sweep(&self, parent: &Path, prefix: &str, _: &LockedStore) {
        if cfg!(not(unix)) {
            return; // a directory cannot be held there, so it is not known whose it is
        }
        for name in names(parent).unwrap_or_default().iter().filter(|name| name.starts_with(prefix)) {
            let path = parent.join(name);
            if open_directory(&path).is_ok_and(|opened| opened.try_lock().is_ok()) {
                let _ = self.steps.remove_directory(&path);
            }
        }
    }
}

/// A directory in which something is made ready. It is gone when dropped, unless it was renamed away.
struct StagingDir<'a> {
    store: &'a Store,
    path: PathBuf,
    held: Option<File>,
}

impl StagingDir<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let path = self.path.join(name);
        self.store.steps.write(&path, bytes).map_err(DiskError::at(Operation::Write, &path))
    }
}

impl Drop for StagingDir<'_> {
    fn drop(&mut self) {
        if self.path.is_dir() {
            // What stays behind is swept by the next commit.
            let _ = self.store.steps.remove_directory(&self.path);
        }
        // Closing does not end the lock while a program that another thread starts just now has the handle too.
        let _ = self.held.as_ref().map(File::unlock);
    }
}

/// Opens a directory and nothing else.
#[cfg(unix)]
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW;
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    options.read(true).open(path)
}

#[cfg(not(unix))]
fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Names in a directory, sorted; none where there is no directory.
fn names(directory: &Path) -> Result<Vec<String>, DiskError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(DiskError::at(Operation::List, directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        // A name that is not Unicode is none of ours.
        names.extend(entry.map_err(DiskError::at(Operation::List, directory))?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}
