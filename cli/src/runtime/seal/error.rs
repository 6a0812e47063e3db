//! Why a session cannot begin.

use std::io;

use aileron_verifier::problem::Class;

use crate::sys::disk::DiskError;

/// Why not. No program was started.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No port can be listened on.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(io::Error),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    NoRandom(getrandom::Error),
    /// A key or a certificate of this run cannot be made.
    #[error("cannot make a certificate for this run: {0}")]
    Certificate(String),
    /// Servers could not be verified.
    #[error("cannot use the certificates that this system trusts: {0}")]
    Roots(String),
    /// The files for the program, or the log, cannot be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl SessionError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            SessionError::Listen(_)
            | SessionError::NoRandom(_)
            | SessionError::Certificate(_)
            | SessionError::Roots(_) => Class::ConnectorRuntimeError,
            SessionError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            SessionError::Listen(_) => true,
            SessionError::NoRandom(_) | SessionError::Certificate(_) | SessionError::Roots(_) => false,
            SessionError::Disk(error) => error.is_retriable(),
        }
    }
}
