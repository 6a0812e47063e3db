//! Where archives come from. Absent and unreachable are two answers.

use std::path::{Path, PathBuf};

use aileron_verifier::fqn::Ref;
use aileron_verifier::problem::Class;

use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;

/// The archive cap. artifacts.md §7.
pub const ARCHIVE_LIMIT: u64 = 64 * 1024 * 1024;

/// A place archives are fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A directory laid out like download URLs. artifacts.md §1.
    Directory(PathBuf),
}

/// Why there are no bytes. Class `fetch_failed`.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The place was asked and has nothing there.
    #[error("{reference} is not at {at}")]
    Absent {
        /// What was wanted.
        reference: Ref,
        /// The path that was looked at.
        at: String,
    },
    /// The place could not be asked.
    #[error(transparent)]
    Unreachable(#[from] DiskError),
    /// No place was named.
    #[error("there is nowhere to fetch {0} from")]
    NoOrigin(Ref),
}

impl FetchError {
    /// The failure class: always `fetch_failed`, but `usage_error` where no place was named.
    pub fn class(&self) -> Class {
        match self {
            FetchError::Absent { .. } | FetchError::Unreachable(_) => Class::FetchFailed,
            FetchError::NoOrigin(_) => Class::UsageError,
        }
    }
}

impl Origin {
    /// `--from`, else `AILERON_MIRROR`. artifacts.md §1.
    pub fn choose(from: Option<&Path>, environment: &Environment) -> Option<Origin> {
        let mirror = || environment.var("AILERON_MIRROR").map(PathBuf::from);
        from.map(Path::to_owned).or_else(mirror).map(Origin::Directory)
    }

    /// Fetches an archive's bytes.
    ///
    /// # Errors
    /// [`FetchError::Absent`] when it is not there, [`FetchError::Unreachable`] when that could not be found out.
    pub fn fetch(&self, reference: &Ref) -> Result<Vec<u8>, FetchError> {
        let Origin::Directory(root) = self;
        if !root.is_dir() {
            let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such directory");
            return Err(DiskError { doing: "open the mirror", path: root.clone(), cause }.into());
        }
        let path = root.join(reference.mirror_path());
        let absent = || FetchError::Absent { reference: reference.clone(), at: path.display().to_string() };
        disk::read_if_there(&path, ARCHIVE_LIMIT)?.ok_or_else(absent)
    }
}
