//! Why `aileron launch` does not serve, or why a running one was not made use of.

use std::io;

use aileron_verifier::problem::Class;

use crate::sys::disk::DiskError;
use crate::sys::http::HttpError;
use crate::sys::lock::LockError;
use crate::sys::private::PrivateError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No port can be listened on.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(io::Error),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    NoRandom(getrandom::Error),
    /// Another one is found by other terminals already.
    #[error("aileron launch runs already{}", by(*.0))]
    Running(Option<u32>),
    /// `launch.json` is not this user's alone.
    #[error("cannot write launch.json: {0}")]
    NotPrivate(PrivateError),
    /// `launch.json` cannot be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// `launch.json` cannot be locked.
    #[error(transparent)]
    Lock(LockError),
    /// The address is not one of this machine: the token would be sent elsewhere.
    #[error("AILERON_API_URL must be http://127.0.0.1:PORT/v1 or another loopback address: the token is sent there")]
    Elsewhere,
    /// It does not answer, or not whole.
    #[error("aileron launch does not answer: {0}")]
    Unreachable(HttpError),
    /// It answers, and not as `aileron launch` does.
    #[error("unexpected response of aileron launch: HTTP {0}")]
    Unexpected(u16),
    /// It does not accept the token.
    #[error("aileron launch refused the token")]
    Refused,
}

fn by(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(", as process {process}"))
}

impl LaunchError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            LaunchError::Elsewhere => Class::UsageError,
            LaunchError::Listen(_)
            | LaunchError::NoRandom(_)
            | LaunchError::Running(_)
            | LaunchError::Unreachable(_)
            | LaunchError::Unexpected(_)
            | LaunchError::Refused => Class::VaultUnavailable,
            LaunchError::NotPrivate(error) => error.class(),
            LaunchError::Disk(error) => error.class(),
            LaunchError::Lock(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            LaunchError::Listen(_) | LaunchError::Unreachable(_) => true,
            LaunchError::Elsewhere
            | LaunchError::NoRandom(_)
            | LaunchError::Running(_)
            | LaunchError::Unexpected(_)
            | LaunchError::Refused => false,
            LaunchError::NotPrivate(error) => error.is_retriable(),
            LaunchError::Disk(error) => error.is_retriable(),
            LaunchError::Lock(error) => error.is_retriable(),
        }
    }
}

impl From<PrivateError> for LaunchError {
    fn from(error: PrivateError) -> LaunchError {
        LaunchError::NotPrivate(error)
    }
}

impl From<LockError> for LaunchError {
    fn from(error: LockError) -> LaunchError {
        match error {
            LockError::Busy { holder, .. } => LaunchError::Running(holder),
            error => LaunchError::Lock(error),
        }
    }
}
