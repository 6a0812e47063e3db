//! Why it is not known which units hold.

use std::path::PathBuf;

use aileron_verifier::problem::Class;

use crate::sys::disk::{DiskError, Operation};
use crate::sys::lock::LockError;
use crate::sys::private::{NotPrivate, PrivateError};

/// Why it is not known which units hold, or why one was not accepted. What was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// No home directory.
    #[error("cannot determine home directory; set $HOME or $AILERON_HOME")]
    NoHome,
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another user could have changed it: it decides where credentials go.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// Another process changes it, and did not finish in time.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The list of accepted units is not one.
    #[error("{}: not a list of accepted units: {why}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// A file the user wrote does not read. The text is cli-unit.md §9.4's.
    #[error("{document}: load user layer \"{}\": {why}", .path.display())]
    Layer {
        /// `capture` or `proxybinding`.
        document: &'static str,
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What its reader says.
        why: String,
    },
}

impl UnitsError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            UnitsError::Disk(error) => error.class(),
            UnitsError::Locked(error) => error.class(),
            UnitsError::NoHome
            | UnitsError::NotPrivate(_)
            | UnitsError::Malformed { .. }
            | UnitsError::Layer { .. } => Class::ValidationError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            UnitsError::Disk(error) => error.is_retriable(),
            UnitsError::Locked(error) => error.is_retriable(),
            UnitsError::NoHome
            | UnitsError::NotPrivate(_)
            | UnitsError::Malformed { .. }
            | UnitsError::Layer { .. } => false,
        }
    }
}

impl From<PrivateError> for UnitsError {
    fn from(error: PrivateError) -> UnitsError {
        match error {
            PrivateError::NotPrivate(why) => UnitsError::NotPrivate(why),
            PrivateError::Io { path, cause } => DiskError::at(Operation::Read, &path)(cause).into(),
        }
    }
}
