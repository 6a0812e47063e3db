//! Whose signatures count: the ring on disk, or exactly the keys a command names.

use std::path::{Path, PathBuf};

use aileron_verifier::key::{PublicKey, PublicKeyError};
use aileron_verifier::keyring::{Keyring, KeyringError};
use aileron_verifier::problem::Class;

use super::ring::RingFile;
use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;

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
    #[error("{} can be written by other users", .0.display())]
    WritableByOthers(PathBuf),
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
            TrustError::Key { .. } | TrustError::WritableByOthers(_) | TrustError::NoHome => Class::ValidationError,
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
            Trust::File(path) => parse(path, &disk::read(path, RING_LIMIT)?),
            Trust::Home => RingFile::at_home(environment).ok_or(TrustError::NoHome)?.load(),
        }
    }
}

/// The ring at `path`; empty where there is none.
pub(super) fn ring_at(path: &Path) -> Result<Keyring, TrustError> {
    match disk::read_if_there(path, RING_LIMIT)? {
        Some(bytes) => parse(path, &bytes),
        None => Ok(Keyring::default()),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Keyring, TrustError> {
    refuse_writable_by_others(path)?;
    Ok(Keyring::parse(bytes, &path.display().to_string())?)
}

#[cfg(unix)]
fn refuse_writable_by_others(path: &Path) -> Result<(), TrustError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_err(DiskError::at("inspect", path))?.permissions().mode();
    if mode & 0o022 == 0 { Ok(()) } else { Err(TrustError::WritableByOthers(path.to_owned())) }
}

#[cfg(not(unix))]
fn refuse_writable_by_others(_: &Path) -> Result<(), TrustError> {
    Ok(())
}

/// A public key file, PEM or base64. A key that would verify forgeries is refused. keyring.md §4.2, §2.5.
pub(super) fn key(path: &Path) -> Result<PublicKey, TrustError> {
    let bytes = disk::read(path, KEY_LIMIT)?;
    let fault = |error: PublicKeyError| TrustError::Key { path: path.to_owned(), why: error.to_string() };
    PublicKey::from_text(&bytes).and_then(PublicKey::refusing_small_order).map_err(fault)
}
