//! Who holds the key: derived from the passphrase once, kept in one place, used through two doors. vault.md §3.
//!
//! Everything else in the program knows blobs only, so that an enclave or a browser can take the custodian's place over the
//! same file.

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::aead::array::Array;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use super::blob::{Blob, NONCE, OpenError, TAG};
use super::document::{Document, Header, State};
use super::error::VaultError;
use crate::secret::Secret;

/// What the verifier holds. vault.md §3.3.
const VERIFIER: &[u8] = b"aileron-vault-v1";
/// Bytes of a new salt.
pub const SALT: usize = 16;
/// Bytes of a key.
const KEY: usize = 32;

/// What deriving a key costs. Version 1 has one cost, and a file does not name it. vault.md §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    passes: u32,
    kibibytes: u32,
    lanes: u32,
}

impl Cost {
    /// Version 1's: 3 passes over 64 MiB in 4 lanes.
    pub const VERSION_1: Cost = Cost { passes: 3, kibibytes: 64 << 10, lanes: 4 };
    /// For tests that derive often. No shipped program can reach it.
    #[cfg(test)]
    pub(crate) const CHEAP: Cost = Cost { passes: 1, kibibytes: 64, lanes: 1 };
}

/// Holds the key. No `Debug`, no `Clone`, and no way to the key; wiped on drop.
pub struct Custodian {
    // Boxed, so that moving it leaves no copy of the key behind.
    cipher: Box<Aes256Gcm>,
    /// What the key belongs to. A file with another salt or verifier is another vault.
    header: Header,
}

impl Custodian {
    /// A key for a new vault, with a fresh salt and the verifier that proves it.
    ///
    /// # Errors
    /// [`VaultError::EmptyPassphrase`], [`VaultError::NoMemory`], [`VaultError::NoRandom`].
    pub fn create(passphrase: &Secret, cost: Cost) -> Result<Custodian, VaultError> {
        let mut salt = vec![0; SALT];
        getrandom::fill(&mut salt).map_err(VaultError::NoRandom)?;
        Custodian::create_with(salt, passphrase, cost)
    }

    /// The same with the salt of an older file that has nothing else: a salt never changes. vault.md §3.1.
    ///
    /// # Errors
    /// As [`Custodian::create`].
    pub fn create_with(salt: Vec<u8>, passphrase: &Secret, cost: Cost) -> Result<Custodian, VaultError> {
        let cipher = cipher(&*derive(passphrase, &salt, cost)?);
        let verification = Some(seal(&cipher, VERIFIER)?);
        Ok(Custodian { cipher, header: Header { salt, verification } })
    }

    /// The key of this vault, proven by the verifier; in a vault of before there was one, by an entry that opens.
    ///
    /// # Errors
    /// [`VaultError::Rejected`], [`VaultError::Tampered`], [`VaultError::EmptyPassphrase`], [`VaultError::NoMemory`].
    pub fn unlock(document: &Document, passphrase: &Secret, cost: Cost) -> Result<Custodian, VaultError> {
        Custodian::prove(document, &*derive(passphrase, &document.header().salt, cost)?)
    }

    fn prove(document: &Document, key: &[u8; KEY]) -> Result<Custodian, VaultError> {
        let header = document.header();
        let cipher = cipher(key);
        let verification = match &header.verification {
            Some(verification) => {
                let proof = open(&cipher, verification).map_err(|_| VaultError::Rejected)?;
                if !is_same(proof.expose(), VERIFIER) {
                    return Err(VaultError::Tampered);
                }
                verification.clone()
            }
            None => {
                let mut blobs = document.entries().filter_map(|(_, entry)| entry.blob().ok());
                if !blobs.any(|blob| open(&cipher, blob).is_ok()) {
                    return Err(VaultError::Rejected);
                }
                // Written with the next change, so that the next unlock has something better to go by. vault.md §4.3.
                seal(&cipher, VERIFIER)?
            }
        };
        let header = Header { salt: header.salt.clone(), verification: Some(verification) };
        Ok(Custodian { cipher, header })
    }

    /// Whether the document is still the vault of this key: the same salt, and the same verifier or none yet.
    pub fn is_of(&self, document: &Document) -> bool {
        let found = document.header();
        match document.state() {
            State::Ready => *found == self.header,
            State::Legacy => found.salt == self.header.salt,
            State::Uninitialised | State::Broken(_) => false,
        }
    }

    /// Salt and verifier, to be written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The first door: a value becomes a blob, with a nonce of its own.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn seal(&self, value: &Secret) -> Result<Blob, VaultError> {
        seal(&self.cipher, value.expose())
    }

    /// The second door: a blob becomes its value.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, blob: &Blob) -> Result<Secret, OpenError> {
        open(&self.cipher, blob)
    }
}

fn cipher(key: &[u8; KEY]) -> Box<Aes256Gcm> {
    Box::new(Aes256Gcm::new(key.into()))
}

/// Derives the key. The memory it was derived in is wiped, and so is the key when it goes. vault.md §3.1.
fn derive(passphrase: &Secret, salt: &[u8], cost: Cost) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    if passphrase.expose().is_empty() {
        return Err(VaultError::EmptyPassphrase);
    }
    let Cost { passes, kibibytes, lanes } = cost;
    let no_memory = || VaultError::NoMemory(kibibytes >> 10);
    let params = Params::new(kibibytes, passes, lanes, Some(KEY)).map_err(|_| no_memory())?;
    let mut memory = WipedMemory::of(params.block_count()).ok_or_else(no_memory)?;
    let mut key = Zeroizing::new([0; KEY]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // Fails for lengths only: a passphrase of 4 GiB, or a salt that is refused when the file is read.
    argon2
        .hash_password_into_with_memory(passphrase.expose(), salt, key.as_mut_slice(), &mut memory.0)
        .map_err(|_| VaultError::Rejected)?;
    Ok(key)
}

/// What a key is derived in. argon2 frees the memory it allocates itself without wiping it.
struct WipedMemory(Vec<Block>);

impl WipedMemory {
    /// So many blocks; `None` where there is no such memory.
    fn of(blocks: usize) -> Option<WipedMemory> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).ok()?;
        // On every core: a page that is written for the first time has to be found by the system, which takes one core a
        // quarter as long as the derivation.
        memory.par_extend((0..blocks).into_par_iter().with_min_len(1024).map(|_| Block::new()));
        Some(WipedMemory(memory))
    }
}

impl Drop for WipedMemory {
    /// By the threads that derived the key: one alone takes as long as a twentieth of the derivation.
    fn drop(&mut self) {
        self.0.par_iter_mut().with_min_len(1024).for_each(Zeroize::zeroize);
    }
}

fn seal(cipher: &Aes256Gcm, value: &[u8]) -> Result<Blob, VaultError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(VaultError::NoRandom)?;
    // Encrypted where it will stay. The plaintext is in this buffer until then, which never grows.
    let mut blob = Zeroizing::new(Vec::with_capacity(NONCE + value.len() + TAG));
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(value);
    let tag = cipher.encrypt_inout_detached(&Array(nonce), &[], (&mut blob[NONCE..]).into());
    // Fails for a value of 64 GiB only.
    let tag = tag.map_err(|_| VaultError::NoMemory(u32::MAX))?;
    blob.extend_from_slice(&tag);
    Ok(Blob::from(std::mem::take(&mut *blob)))
}

fn open(cipher: &Aes256Gcm, blob: &Blob) -> Result<Secret, OpenError> {
    let (nonce, rest) = blob.as_bytes().split_first_chunk::<NONCE>().ok_or(OpenError::TooShort)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError::Authentication)?;
    let mut value = Zeroizing::new(sealed.to_vec());
    cipher
        .decrypt_inout_detached(&Array(*nonce), &[], value.as_mut_slice().into(), &Array(*tag))
        .map_err(|_| OpenError::Authentication)?;
    Ok(Secret::from(value))
}

/// Compared without saying by its time where two texts differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |differing, (one, other)| differing | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests;
