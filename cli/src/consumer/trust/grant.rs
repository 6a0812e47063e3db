//! Whose signatures count: the ring on disk, or exactly the keys a command names.

use std::path::{Path, PathBuf};

use aileron_verifier::layout::KEY_LIMIT;
use aileron_verifier::trust::key::{PublicKey, PublicKeyError};
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::ring::RingFile;
use crate::sys::disk;
use crate::sys::environment::Environment;

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
            Trust::File(path) => RingFile::at(path.clone()).load_named(),
            Trust::Home => RingFile::at_home(environment).ok_or(TrustError::NoHome)?.load(),
        }
    }
}

/// A public key file, PEM or base64. A key that would verify forgeries is refused. keyring.md §4.2, §2.5.
pub(in crate::consumer) fn key(path: &Path) -> Result<PublicKey, TrustError> {
    let bytes = disk::read(path, KEY_LIMIT)?;
    let fault = |error: PublicKeyError| TrustError::Key { path: path.to_owned(), why: error.to_string() };
    PublicKey::from_text(&bytes).and_then(PublicKey::refusing_small_order).map_err(fault)
}
