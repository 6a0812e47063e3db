//! A publisher's key, from where the publisher keeps it: `keys/publisher.pub` on the default branch. keyring.md §5.1.

use std::path::Path;

use aileron_verifier::fqn::{Fqn, Scheme};
use aileron_verifier::key::{PublicKey, PublicKeyError};
use aileron_verifier::problem::Class;

use super::fetch::Origin;
use super::trust::{self, TrustError};
use crate::sys::disk::{self, DiskError};
use crate::sys::http::{self, HttpError};

/// Most bytes of an answer that are looked at. keyring.md §5.1.
const LIMIT: u64 = 65_536;

/// Why there is no key. The messages are keyring.md's.
#[derive(Debug, thiserror::Error)]
pub enum KeyFetchError {
    /// Only GitHub has a place for keys.
    #[error("auto-fetch supports github:// authorities only (got {}://)", .0.as_str())]
    Scheme(Scheme),
    /// The server has no such file.
    #[error("{0} (publisher must commit keys/publisher.pub on the default branch)")]
    Absent(HttpError),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Http(HttpError),
    /// A mirror directory could not be read, or has no such file.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What was fetched is no key.
    #[error("parse {at}: {why}")]
    NotAKey {
        /// Where it came from.
        at: String,
        /// What it is instead.
        why: PublicKeyError,
    },
    /// A named key file could not be used.
    #[error(transparent)]
    File(#[from] TrustError),
}

impl KeyFetchError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            KeyFetchError::Scheme(_) | KeyFetchError::NotAKey { .. } => Class::ValidationError,
            KeyFetchError::Absent(_) | KeyFetchError::Http(_) | KeyFetchError::Disk(_) => Class::FetchFailed,
            KeyFetchError::File(error) => error.class(),
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        matches!(self, KeyFetchError::Http(error) if error.is_retriable())
    }
}

/// A key, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The key.
    pub key: PublicKey,
    /// The address or path.
    pub at: String,
}

/// Fetches the key of a repository's publisher, anonymously and once. A key that would verify forgeries is refused.
///
/// # Errors
/// [`KeyFetchError`].
pub fn fetch(repository: &Fqn, origin: &Origin) -> Result<Fetched, KeyFetchError> {
    let (at, bytes) = match origin {
        Origin::Directory(root) => {
            let path = root.join(repository.key_path());
            (path.display().to_string(), disk::read(&path, LIMIT)?)
        }
        Origin::Server(base) => from_server(format!("{}/{}", base.trim_end_matches('/'), repository.key_path()))?,
        Origin::Scheme if repository.scheme() == Scheme::Github => {
            from_server(format!("https://raw.githubusercontent.com/{}", repository.key_path()))?
        }
        Origin::Scheme => return Err(KeyFetchError::Scheme(repository.scheme())),
    };
    let key = PublicKey::from_text(&bytes).and_then(PublicKey::refusing_small_order);
    match key {
        Ok(key) => Ok(Fetched { key, at }),
        Err(why) => Err(KeyFetchError::NotAKey { at, why }),
    }
}

fn from_server(url: String) -> Result<(String, Vec<u8>), KeyFetchError> {
    match http::get(&url, LIMIT, http::SMALL) {
        Ok(bytes) => Ok((url, bytes)),
        Err(error @ HttpError::Absent { .. }) => Err(KeyFetchError::Absent(error)),
        Err(error) => Err(KeyFetchError::Http(error)),
    }
}

/// Reads a key file that the user names. keyring.md §6.1.
///
/// # Errors
/// [`KeyFetchError::File`].
pub fn from_file(path: &Path) -> Result<PublicKey, KeyFetchError> {
    Ok(trust::key(path)?)
}
