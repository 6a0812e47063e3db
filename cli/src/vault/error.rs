//! Why the vault did not do what it was asked. The texts are vault.md §4.1's.

use std::path::PathBuf;

use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;

use super::blob::OpenError;
use super::document::{Malformed, Unreadable};
use crate::sys::disk::{DiskError, Operation};
use crate::sys::lock::LockError;
use crate::sys::private::{NotPrivate, PrivateError};

/// Why not. What was to be changed is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The passphrase is wrong, or the verifier is damaged: one cannot be told from the other.
    #[error("vault: passphrase rejected")]
    Rejected,
    /// The verifier opens with the key and holds something else.
    #[error("vault: tampered (verification blob mismatch)")]
    Tampered,
    /// There is one already.
    #[error("vault: already exists")]
    Exists(PathBuf),
    /// There is no vault.
    #[error("vault: not initialised")]
    Missing(PathBuf),
    /// The key is not that of the file any more: somebody made a new vault, or changed the passphrase, meanwhile.
    #[error("vault: credential unavailable")]
    Unavailable,
    /// A passphrase of no bytes.
    #[error("vault: passphrase cannot be empty")]
    EmptyPassphrase,
    /// No such entry.
    #[error("vault: secret not found: {0}")]
    NoEntry(String),
    /// An entry that was to be made is there.
    #[error("vault: {0} already exists")]
    EntryExists(String),
    /// The file is not a vault. It is never written.
    #[error("vault: parsing {}: {why}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Malformed,
    },
    /// An entry's value cannot be had.
    #[error("vault: decrypting secret at {}: {why}", Quoted(.name))]
    Entry {
        /// The entry.
        name: String,
        /// Why not.
        why: EntryFlaw,
    },
    /// There is not enough memory to derive the key.
    #[error("vault: cannot reserve {0} MiB of memory to derive the key")]
    NoMemory(u32),
    /// The operating system gives no random numbers.
    #[error("vault: no random numbers: {0}")]
    NoRandom(getrandom::Error),
    /// The file would be longer than any vault is read.
    #[error("vault: {} would become longer than {} MiB", .path.display(), super::LIMIT >> 20)]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A writer that takes no lock changed the file again and again.
    #[error("vault: {} keeps being changed by another program", .0.display())]
    Unsettled(PathBuf),
    /// Another user could change it.
    #[error("vault: {0}")]
    NotPrivate(NotPrivate),
    /// It cannot be read.
    #[error("vault: {0}")]
    Unreadable(DiskError),
    /// It cannot be written.
    #[error("vault: {0}")]
    Disk(#[from] DiskError),
    /// Another process changes it, and did not finish in time.
    #[error("vault: {0}")]
    Locked(#[from] LockError),
}

/// Why one entry gives no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFlaw {
    /// It has no blob, or two.
    #[error(transparent)]
    Stored(#[from] Unreadable),
    /// The blob does not open.
    #[error(transparent)]
    Blob(#[from] OpenError),
}

impl VaultError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            VaultError::Rejected => Class::WrongPassphrase,
            VaultError::Tampered => Class::VaultTampered,
            VaultError::Missing(_) => Class::NoLocalVaultFile,
            VaultError::Unavailable => Class::VaultLocked,
            VaultError::Corrupt { .. } | VaultError::NoMemory(_) | VaultError::NoRandom(_) => Class::VaultUnlockFailed,
            VaultError::Unreadable(_) => Class::VaultUnavailable,
            VaultError::Entry { .. } => Class::BindingFailed,
            VaultError::NoEntry(_) => Class::FetchFailed,
            VaultError::Exists(_)
            | VaultError::EntryExists(_)
            | VaultError::EmptyPassphrase
            | VaultError::TooLong { .. }
            | VaultError::NotPrivate(_) => Class::ValidationError,
            VaultError::Unsettled(_) | VaultError::Disk(_) | VaultError::Locked(_) => Class::StoreUnwritable,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            VaultError::Unsettled(_) | VaultError::Unavailable => true,
            VaultError::Locked(error) => error.is_retriable(),
            VaultError::Unreadable(error) | VaultError::Disk(error) => error.is_retriable(),
            VaultError::Rejected
            | VaultError::Tampered
            | VaultError::Exists(_)
            | VaultError::Missing(_)
            | VaultError::EmptyPassphrase
            | VaultError::NoEntry(_)
            | VaultError::EntryExists(_)
            | VaultError::Corrupt { .. }
            | VaultError::Entry { .. }
            | VaultError::NoMemory(_)
            | VaultError::NoRandom(_)
            | VaultError::TooLong { .. }
            | VaultError::NotPrivate(_) => false,
        }
    }
}

impl From<PrivateError> for VaultError {
    fn from(error: PrivateError) -> VaultError {
        match error {
            PrivateError::NotPrivate(why) => VaultError::NotPrivate(why),
            PrivateError::Io { path, cause } => VaultError::Unreadable(DiskError::at(Operation::Read, &path)(cause)),
        }
    }
}
