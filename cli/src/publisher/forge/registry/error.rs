//! Why something was not pushed to or read from a registry. Absent, refused and unreachable are three answers.

use aileron_verifier::problem::Class;

use super::plan::Taken;
use super::reference::NotAReference;
use crate::sys::disk::DiskError;
use crate::sys::lock::LockError;
use crate::sys::process::ProcessError;

/// Why something was not pushed to or read from a registry, or not in an image layout.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Class `usage_error`.
    #[error(transparent)]
    Reference(#[from] NotAReference),
    /// Class `usage_error`.
    #[error("{0} is not this machine: plain http is for a registry on localhost only")]
    PlainHttp(String),
    /// Class `usage_error`. Credentials that are incomplete or cannot be read.
    #[error("{0}")]
    Credential(String),
    /// Class `usage_error`. A credential helper that docker's configuration names.
    #[error("the credential helper of docker's configuration: {0}")]
    Helper(ProcessError),
    /// Class `fetch_failed`. The registry says there is no such thing.
    #[error("{asked}: not found")]
    Absent {
        /// What was asked for.
        asked: String,
    },
    /// Class `publish_failed`. The registry wants a login, or another one.
    #[error("{asked}: {why}")]
    Login {
        /// What was asked for.
        asked: String,
        /// What it said.
        why: String,
        /// Whether credentials were sent.
        had_credential: bool,
    },
    /// Class `publish_failed`. The registry answered no.
    #[error("{asked}: HTTP {status}{why}")]
    Refused {
        /// What was asked for.
        asked: String,
        /// The status.
        status: u16,
        /// Its own words; empty, or after a colon.
        why: String,
    },
    /// Class `publish_failed`. An answer that does not fit what was asked.
    #[error("{asked}: {why}")]
    Unexpected {
        /// What was asked for.
        asked: String,
        /// What came instead.
        why: String,
    },
    /// Class `incomplete`. The registry asks to wait longer than this run may.
    #[error("{asked}: the registry asks to wait until {until}")]
    Paused {
        /// What was asked for.
        asked: String,
        /// When to ask again.
        until: String,
    },
    /// Class `incomplete`. No answer, or one that broke off, or a server's own failure, several times.
    #[error("{asked}: {why}")]
    Unreachable {
        /// What was asked for.
        asked: String,
        /// The last failure.
        why: String,
    },
    /// Class `incomplete`.
    #[error("interrupted; nothing was sent after that")]
    Interrupted,
    /// Class `publish_failed`. The exact tag is never changed.
    #[error(transparent)]
    Taken(#[from] Taken),
    /// Class `publish_failed`. Somebody else pushed at the same time.
    #[error("{tag} was changed meanwhile: it names {there}, not {expected}")]
    Moved {
        /// The tag.
        tag: String,
        /// What it names now.
        there: String,
        /// What was seen before, or pushed.
        expected: String,
    },
    /// Class `hash_mismatch`. What came back is not what was sent, or not what its digest says.
    #[error("{what}: expected {expected}, got {found}")]
    Differs {
        /// Which bytes.
        what: String,
        /// The digest or size that was to be there.
        expected: String,
        /// The one that is.
        found: String,
    },
    /// Class `store_unwritable`. Another push into the same directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Class: what could not be done.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl RegistryError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            RegistryError::Reference(_)
            | RegistryError::PlainHttp(_)
            | RegistryError::Credential(_)
            | RegistryError::Helper(_) => Class::UsageError,
            RegistryError::Absent { .. } => Class::FetchFailed,
            RegistryError::Login { .. }
            | RegistryError::Refused { .. }
            | RegistryError::Unexpected { .. }
            | RegistryError::Taken(_)
            | RegistryError::Moved { .. } => Class::PublishFailed,
            RegistryError::Paused { .. } | RegistryError::Unreachable { .. } | RegistryError::Interrupted => {
                Class::Incomplete
            }
            RegistryError::Differs { .. } => Class::HashMismatch,
            RegistryError::Lock(error) => error.class(),
            RegistryError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            RegistryError::Paused { .. }
            | RegistryError::Unreachable { .. }
            | RegistryError::Interrupted
            | RegistryError::Moved { .. } => true,
            RegistryError::Helper(error) => error.is_retriable(),
            RegistryError::Lock(error) => error.is_retriable(),
            RegistryError::Disk(error) => error.is_retriable(),
            RegistryError::Reference(_)
            | RegistryError::PlainHttp(_)
            | RegistryError::Credential(_)
            | RegistryError::Absent { .. }
            | RegistryError::Login { .. }
            | RegistryError::Refused { .. }
            | RegistryError::Unexpected { .. }
            | RegistryError::Taken(_)
            | RegistryError::Differs { .. } => false,
        }
    }
}
