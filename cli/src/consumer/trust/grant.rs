//! Whose signatures count: the ring on disk, or exactly the keys a command names.

use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::{PublicKey, PublicKeyError};
use aileron_verifier::trust::keyring::{Keyring, KeyringError};

use crate::consumer::trust::ring::RingFile;
use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;
use crate::sys::private::{NotPrivate, PrivateError, PrivateFile};

/// A ring longer than this is not one.
const RING_LIMIT: u64 = 16 * 1024 * 1024;
/// A public key file longer than this is not one. keyring.md §5.1.
const KEY_LIMIT: u64 = 64 * 1024;

/// Where the trusted keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// `keyring.json` below `AILERON_HOME`.
    Home,
    /// This ring file instead.
    File(PathBuf),
    /// Exactly these public keys, for whatever they sign.
    Keys(Vec<PathBuf>),
}

/// Why there is no ring to judge with.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The ring is malformed.
    #[error(transparent)]
    Ring(#[from] KeyringError),
    /// Not a public key.
    #[error("{}: {why}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// Another user could have added keys.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// No home directory.
    #[error("cannot determine home directory; set $HOME or $AILERON_HOME, or name the keys with --key")]
    NoHome,
}

impl TrustError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            TrustError::Disk(_) => Class::FetchFailed,
            TrustError::Ring(error) => error.class(),
            TrustError::Key { .. } | TrustError::NotPrivate(_) | TrustError::NoHome => Class::ValidationError,
        }
    }
}

impl Trust {
    /// Reads the ring. A ring at home that does not exist is empty; a file that was named must exist.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn ring(&self, environment: &Environment) -> Result<Keyring, TrustError> {
        match self {
            Trust::Keys(paths) => {
                let keys: Vec<PublicKey> = paths.iter().map(|path| key(path)).collect::<Result<_, _>>()?;
                Ok(Keyring::of_keys(keys))
            }
            Trust::File(path) => named(path),
            Trust::Home => RingFile::at_home(environment).ok_or(TrustError::NoHome)?.load(),
        }
    }
}

/// The ring at `path`; empty where there is none. Read from the handle that was found to be private, so that nobody adds a
/// key in between. artifacts.md §10.
pub(in crate::consumer) fn ring_at(path: &Path) -> Result<Keyring, TrustError> {
    match private(path)? {
        Some(bytes) => parse(path, &bytes),
        None => Ok(Keyring::default()),
    }
}

/// A ring file that a command names: it must exist.
fn named(path: &Path) -> Result<Keyring, TrustError> {
    let bytes = match disk::is_handed_over(path) {
        // The caller's shell opened it.
        true => disk::read(path, RING_LIMIT)?,
        false => private(path)?.ok_or_else(|| {
            DiskError::at("read", path)(std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such file"))
        })?,
    };
    parse(path, &bytes)
}

fn private(path: &Path) -> Result<Option<Vec<u8>>, TrustError> {
    let read = || PrivateFile::open(path)?.map(|mut file| file.read(RING_LIMIT)).transpose();
    read().map_err(|error| match error {
        PrivateError::NotPrivate(why) => TrustError::NotPrivate(why),
        PrivateError::Io { path, cause } => TrustError::Disk(DiskError { doing: "read", path, cause }),
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Keyring, TrustError> {
    Ok(Keyring::parse(bytes, &path.display().to_string())?)
}

/// A public key file, PEM or base64. A key that would verify forgeries is refused. keyring.md §4.2, §2.5.
pub(in crate::consumer) fn key(path: &Path) -> Result<PublicKey, TrustError> {
    let bytes = disk::read(path, KEY_LIMIT)?;
    let fault = |error: PublicKeyError| TrustError::Key { path: path.to_owned(), why: error.to_string() };
    PublicKey::from_text(&bytes).and_then(PublicKey::refusing_small_order).map_err(fault)
}
