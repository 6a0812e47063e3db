//! A publisher's key, from where the publisher keeps it: `keys/publisher.pub` on the default branch. keyring.md §5.1.

use std::io::ErrorKind;
use std::path::Path;

use aileron_verifier::layout::{KEY_LIMIT, PUBLISHER_KEY, SIGNATURE_SUFFIX};
use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::problem::Class;
use aileron_verifier::statement::{Document, SIGNATURE_LIMIT, UnverifiedStatement};
use aileron_verifier::trust::key::{PublicKey, PublicKeyError};

use crate::consumer::fetch::origin::{Origin, OriginPlace, must_exist};
use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::grant;
use crate::sys::address::Address;
use crate::sys::disk::{self, DiskError};
use crate::sys::http::{self, HttpError};

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
        at: Address,
        /// What it is instead.
        why: PublicKeyError,
    },
    /// A named key file could not be used. keyring.md §6.1.
    #[error("{}", key_file(.0))]
    File(#[from] TrustError),
}

fn key_file(why: &TrustError) -> String {
    match why {
        TrustError::Disk(why) => format!("read key file {}: {}", why.path.display(), why.cause),
        TrustError::Key { path, why } => format!("parse key file {}: {why}", path.display()),
        why => why.to_string(),
    }
}

impl KeyFetchError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            KeyFetchError::Scheme(_) | KeyFetchError::NotAKey { .. } => Class::ValidationError,
            KeyFetchError::Absent(error) | KeyFetchError::Http(error) => error.class(),
            KeyFetchError::Disk(error) => error.class(),
            KeyFetchError::File(error) => error.class(),
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            KeyFetchError::Absent(error) | KeyFetchError::Http(error) => error.is_retriable(),
            KeyFetchError::Disk(error) => error.is_retriable(),
            KeyFetchError::File(error) => error.is_retriable(),
            KeyFetchError::Scheme(_) | KeyFetchError::NotAKey { .. } => false,
        }
    }
}

/// A key, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The key.
    pub key: PublicKey,
    /// The address or path.
    pub at: Address,
}

/// Fetches the key of a repository's publisher, once: anonymously, and where GitHub says 404 again with the token, if there
/// is one. A key that would verify forgeries is refused.
///
/// # Errors
/// [`KeyFetchError`].
pub fn fetch(repository: &Fqn, origin: &Origin) -> Result<Fetched, KeyFetchError> {
    let (at, bytes) = file(repository, PUBLISHER_KEY, KEY_LIMIT, origin)?;
    parse(at, &bytes)
}

/// A small file of the publisher's repository, as its default branch has it, and where it was read.
///
/// # Errors
/// [`KeyFetchError`].
fn file(repository: &Fqn, path: &str, limit: u64, origin: &Origin) -> Result<(Address, Vec<u8>), KeyFetchError> {
    let below = repository.head_path(path);
    match &origin.place {
        OriginPlace::Directory(root) => {
            must_exist(root)?;
            let path = root.join(below);
            Ok((Address::of_path(&path), disk::read(&path, limit)?))
        }
        OriginPlace::Server(base) => public(format!("{}/{below}", base.raw().trim_end_matches('/')), limit, origin),
        OriginPlace::Scheme if repository.scheme() != Scheme::Github => Err(KeyFetchError::Scheme(repository.scheme())),
        OriginPlace::Scheme => {
            let (at, bytes) = origin.github.file(repository, path, limit).map_err(absent_or_other)?;
            Ok((Address::of(at), bytes))
        }
    }
}

/// A statement about keys that lies beside the publisher's key; `None` where there is none. That one could not be asked for
/// is an error, not `None`.
///
/// # Errors
/// [`KeyFetchError`].
pub(super) fn statement<D: Document>(
    repository: &Fqn,
    path: &str,
    origin: &Origin,
) -> Result<Option<UnverifiedStatement<'static, D>>, KeyFetchError> {
    if let OriginPlace::Directory(root) = &origin.place {
        must_exist(root)?;
    }
    let read = |path: &str, limit| match file(repository, path, limit, origin) {
        Err(KeyFetchError::Absent(_)) => Ok(None),
        Err(KeyFetchError::Disk(error)) if error.cause.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(|(_, bytes)| Some(bytes)),
    };
    let Some(bytes) = read(path, D::KIND.limit)? else { return Ok(None) };
    let signature = read(&format!("{path}{SIGNATURE_SUFFIX}"), SIGNATURE_LIMIT)?;
    Ok(Some(UnverifiedStatement::new(bytes, signature.unwrap_or_default())))
}

/// Fetches the key a catalog entry points to: anonymously, from wherever it says. keyring.md §5.3.
///
/// # Errors
/// [`KeyFetchError`].
pub fn fetch_from(url: &str, origin: &Origin) -> Result<Fetched, KeyFetchError> {
    let (at, bytes) = public(url.to_owned(), KEY_LIMIT, origin)?;
    parse(at, &bytes)
}

fn parse(at: Address, bytes: &[u8]) -> Result<Fetched, KeyFetchError> {
    match PublicKey::from_text(bytes).and_then(PublicKey::refusing_small_order) {
        Ok(key) => Ok(Fetched { key, at }),
        Err(why) => Err(KeyFetchError::NotAKey { at, why }),
    }
}

fn public(url: String, limit: u64, origin: &Origin) -> Result<(Address, Vec<u8>), KeyFetchError> {
    let asked = origin.github.public(&url, limit, http::SMALL);
    Ok((Address::of(url), asked.map_err(absent_or_other)?))
}

fn absent_or_other(error: HttpError) -> KeyFetchError {
    match error {
        HttpError::Absent { .. } => KeyFetchError::Absent(error),
        error => KeyFetchError::Http(error),
    }
}

/// Reads a key file that the user names. keyring.md §6.1.
///
/// # Errors
/// [`KeyFetchError::File`].
pub fn from_file(path: &Path) -> Result<PublicKey, KeyFetchError> {
    Ok(grant::key(path)?)
}
