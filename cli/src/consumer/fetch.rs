//! Where archives come from. Absent, refused and unreachable are three answers.

use std::path::PathBuf;

use aileron_verifier::fqn::Ref;
use aileron_verifier::problem::Class;

use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;
use crate::sys::http::{self, HttpError};

/// The archive cap. artifacts.md §7.
pub const ARCHIVE_LIMIT: u64 = 64 * 1024 * 1024;

/// A place archives are fetched from. A mirror is not trusted: every verdict still rests on the ring. artifacts.md §1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The download address of the name's own scheme.
    Scheme,
    /// A server laid out like GitHub's download addresses.
    Server(String),
    /// A directory laid out the same way.
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
        /// The path or address that was looked at.
        at: String,
    },
    /// The disk could not be asked.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Http(HttpError),
    /// The name's scheme is served nowhere.
    #[error("{0} exists on the machine it was written on only")]
    Nowhere(Ref),
}

impl FetchError {
    /// The failure class: always `fetch_failed`.
    pub fn class(&self) -> Class {
        Class::FetchFailed
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        matches!(self, FetchError::Http(error) if error.is_retriable())
    }
}

impl Origin {
    /// `--from`, else `AILERON_MIRROR`, else the name's own scheme. What starts like a URL is a server.
    pub fn choose(from: Option<&str>, environment: &Environment) -> Origin {
        let mirror = || environment.var("AILERON_MIRROR")?.to_str().map(str::to_owned);
        match from.map(str::to_owned).or_else(mirror) {
            None => Origin::Scheme,
            Some(base) if base.starts_with("https://") || base.starts_with("http://") => Origin::Server(base),
            Some(path) => Origin::Directory(PathBuf::from(path)),
        }
    }

    /// Whether somebody else's copy is asked instead of the publisher's own place.
    pub fn is_mirror(&self) -> bool {
        *self != Origin::Scheme
    }

    /// Fetches an archive's bytes, without any credential.
    ///
    /// # Errors
    /// [`FetchError::Absent`] when it is not there; the other variants when that could not be found out.
    pub fn fetch(&self, reference: &Ref) -> Result<Vec<u8>, FetchError> {
        match self {
            Origin::Directory(root) => from_directory(root, reference),
            Origin::Server(base) => from_server(reference.url_below(base), reference),
            Origin::Scheme => {
                let url = reference.url().ok_or_else(|| FetchError::Nowhere(reference.clone()))?;
                from_server(url, reference)
            }
        }
    }
}

fn from_directory(root: &std::path::Path, reference: &Ref) -> Result<Vec<u8>, FetchError> {
    if !root.is_dir() {
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such directory");
        return Err(DiskError { doing: "open the mirror", path: root.to_owned(), cause }.into());
    }
    let path = root.join(reference.mirror_path());
    let absent = || FetchError::Absent { reference: reference.clone(), at: path.display().to_string() };
    disk::read_if_there(&path, ARCHIVE_LIMIT)?.ok_or_else(absent)
}

fn from_server(url: String, reference: &Ref) -> Result<Vec<u8>, FetchError> {
    http::get(&url, ARCHIVE_LIMIT, http::LARGE).map_err(|error| match error {
        HttpError::Absent { url, .. } => FetchError::Absent { reference: reference.clone(), at: url },
        other => FetchError::Http(other),
    })
}
