//! Why there are no trusted keys to verify with.

use std::path::PathBuf;

use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::KeyringError;

use crate::sys::disk::DiskError;
use crate::sys::private::NotPrivate;

/// Why there are no keys to verify with.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The ring is malformed.
    #[error(transparent)]
    Ring(#[from] KeyringError),
    /// Not a public key.
    #[error("{}: {why}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// Another user could have added keys.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// No home directory.
    #[error("cannot determine home directory; set $HOME or $AILERON_HOME, or name the keys with --key")]
    NoHome,
}

impl TrustError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            TrustError::Disk(error) => error.class(),
            TrustError::Ring(error) => error.class(),
            TrustError::Key { .. } | TrustError::NotPrivate(_) | TrustError::NoHome => Class::ValidationError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            TrustError::Disk(error) => error.is_retriable(),
            TrustError::Ring(_) | TrustError::Key { .. } | TrustError::NotPrivate(_) | TrustError::NoHome => false,
        }
    }
}
