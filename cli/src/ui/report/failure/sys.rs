//! Failures of the machine: the disk, locks, git.

use super::{Exit, Failure, classified};
use crate::sys::disk::DiskError;
use crate::sys::git::GitError;
use crate::sys::http::HttpError;
use crate::sys::lock::LockError;
use crate::sys::process::ProcessError;
use crate::sys::process::foreground::ForegroundError;

classified!(DiskError, ForegroundError, GitError, HttpError, LockError, ProcessError);

/// The command line names a program that cannot be run.
impl From<ForegroundError> for Failure {
    fn from(error: ForegroundError) -> Failure {
        Failure::of(&error, Exit::Usage)
    }
}

impl From<&DiskError> for Failure {
    fn from(error: &DiskError) -> Failure {
        Failure::of(error, Exit::Failure)
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Failure {
        (&error).into()
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        match error {
            LockError::Busy { .. } => Failure::of(&error, Exit::Failure).next(LOCKED),
            LockError::Interrupted(_) => Failure::of(&error, Exit::Interrupted),
            LockError::Disk(error) => error.into(),
        }
    }
}

/// What to do about a lock that another process has.
pub(super) const LOCKED: &str = "run the same command again when the other one is done; --wait-lock TIME waits longer";

/// git's first line is part of the message, the others are evidence.
impl From<&GitError> for Failure {
    fn from(error: &GitError) -> Failure {
        let failure = Failure::of(error, Exit::Policy).with_lines_as_evidence(&error.to_string());
        match error {
            GitError::NoCommit => {
                failure.next("git add -A && git commit -m \"first commit\", in the repository's root")
            }
            GitError::NotARepository(_) => {
                failure.next("git init && git add -A && git commit -m \"first commit\", in the repository's root")
            }
            GitError::NoObject { .. } => failure
                .next("git fetch --refetch --no-filter, in the repository; it downloads what a partial clone left out"),
            GitError::Process(ProcessError::NotFound { .. }) => failure.next("install git 2.38 or newer"),
            GitError::Failed { .. } | GitError::Process(_) => failure,
        }
    }
}
