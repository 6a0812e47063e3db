//! Why there is no credential. Nothing was stored.

use aileron_verifier::problem::Class;

use crate::sys::disk::DiskError;
use crate::sys::process::ProcessError;
use crate::sys::process::foreground::ForegroundError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Neither docker nor podman is here.
    #[error("neither docker nor podman was found in PATH")]
    NoRuntime,
    /// Nothing says which image the container is made from.
    #[error("{0} names no image to run its login in")]
    NoImage(String),
    /// The container runtime did not start the container. Its own words.
    #[error("{runtime} did not start {container}: {said}")]
    Start {
        /// Which one.
        runtime: &'static str,
        /// The container.
        container: String,
        /// Its words.
        said: String,
    },
    /// The login ended with this exit code.
    #[error("the login ended with exit code {0}")]
    Login(u8),
    /// The command that prints the token failed. Its own words.
    #[error("{command} failed: {said}")]
    Token {
        /// The command.
        command: String,
        /// Its words.
        said: String,
    },
    /// It printed nothing, or blanks. The text is pinned: sealing.md §1.
    #[error("capture: token read returned an empty value; login did not complete")]
    Empty,
    /// It printed several lines.
    #[error("the token command printed more than one line")]
    SeveralLines,
    /// It printed bytes that are no text.
    #[error("the token command printed something that is not text")]
    Binary,
    /// It printed more than any token is.
    #[error("the token command printed more than 64 KiB")]
    TooLong,
    /// The descriptor's `config_dir` is no `NAME=value`.
    #[error("config_dir {0:?} is not NAME=value")]
    ConfigDir(String),
    /// It names a directory that is not below the private home of `--here`.
    #[error("config_dir {0:?} leads out of the private home that --here gives the login")]
    ConfigDirOutside(String),
    /// The user ended it.
    #[error("interrupted; nothing was stored")]
    Interrupted,
    /// A command could not be run.
    #[error(transparent)]
    Process(ProcessError),
    /// The login could not be run.
    #[error(transparent)]
    Foreground(#[from] ForegroundError),
    /// The private home could not be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<ProcessError> for CaptureError {
    fn from(error: ProcessError) -> CaptureError {
        match error {
            ProcessError::Interrupted { .. } => CaptureError::Interrupted,
            error => CaptureError::Process(error),
        }
    }
}

impl CaptureError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            CaptureError::NoRuntime | CaptureError::NoImage(_) => Class::UsageError,
            CaptureError::Interrupted => Class::Incomplete,
            CaptureError::ConfigDir(_) | CaptureError::ConfigDirOutside(_) => Class::ValidationError,
            CaptureError::Start { .. }
            | CaptureError::Login(_)
            | CaptureError::Token { .. }
            | CaptureError::Empty
            | CaptureError::SeveralLines
            | CaptureError::Binary
            | CaptureError::TooLong
            | CaptureError::Process(_) => Class::BindingFailed,
            CaptureError::Foreground(error) => error.class(),
            CaptureError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            CaptureError::Interrupted | CaptureError::Login(_) | CaptureError::Empty => true,
            CaptureError::NoRuntime
            | CaptureError::NoImage(_)
            | CaptureError::ConfigDir(_)
            | CaptureError::ConfigDirOutside(_)
            | CaptureError::Start { .. }
            | CaptureError::Token { .. }
            | CaptureError::SeveralLines
            | CaptureError::Binary
            | CaptureError::TooLong => false,
            CaptureError::Process(error) => error.is_retriable(),
            CaptureError::Foreground(error) => error.is_retriable(),
            CaptureError::Disk(error) => error.is_retriable(),
        }
    }
}
