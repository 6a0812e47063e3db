//! Why a child gave no answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use aileron_verifier::problem::Class;

/// Why there is no [`Finished`](super::Finished) child.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProcessError {
    /// No directory of `PATH` holds the program.
    #[error("{program} was not found in PATH")]
    NotFound {
        /// The program.
        program: &'static str,
    },
    /// The run was interrupted; the child and what it had started were ended.
    #[error("{program} was stopped: the run was interrupted")]
    Interrupted {
        /// The program.
        program: &'static str,
    },
    /// The directory it was to run in is not there.
    #[error("cannot run {program} in {}: there is no such directory", .directory.display())]
    NoDirectory {
        /// The program.
        program: &'static str,
        /// The directory.
        directory: PathBuf,
    },
    /// It wrote more than its caller allows. The answer is not used: a part of it could mean something else.
    #[error("the answer of {program} is longer than {cap} bytes, so it was not used")]
    TooLong {
        /// The program.
        program: &'static str,
        /// Bytes allowed.
        cap: usize,
    },
    /// It ended, and a process it started still holds its standard output: whether the answer is whole cannot be known.
    #[error("{program} ended, but a process it started keeps its output open, so the answer was not used")]
    Held {
        /// The program.
        program: &'static str,
    },
    /// The system would not start it or wait for it.
    #[error("cannot run {}: {source}", .path.display())]
    Run {
        /// The program, as found.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
}

impl ProcessError {
    /// The failure class of a child that was to build something. A caller that asked a child for something else (git, the
    /// skeleton's first commit) has a class of its own for it.
    pub fn class(&self) -> Class {
        match self {
            ProcessError::Interrupted { .. } => Class::Incomplete,
            ProcessError::NotFound { .. }
            | ProcessError::NoDirectory { .. }
            | ProcessError::TooLong { .. }
            | ProcessError::Held { .. }
            | ProcessError::Run { .. } => Class::BuildFailed,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ProcessError::Interrupted { .. } => true,
            ProcessError::NotFound { .. }
            | ProcessError::NoDirectory { .. }
            | ProcessError::TooLong { .. }
            | ProcessError::Held { .. }
            | ProcessError::Run { .. } => false,
        }
    }
}
