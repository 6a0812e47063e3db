//! What was checked before, and is unchanged since. artifacts.md §9, "Warm opens"; §10, "Private".
//!
//! A file that was written, touched, moved or replaced differs in device, inode, size, mtime or ctime; ctime cannot be set
//! back by the one who changed it. Two changes within one tick of the clock would look like one, so nothing is remembered
//! before its stamps are older than that. The ring is part of the memory: with another ring everything is checked again.
//!
//! Stamps are taken from the open files the bytes are read from, never from a path, so what is used is what was judged. A
//! process that has a file mapped can change it without a new stamp; documents are therefore compared by digest as well.
//! The module is not: it is not read on a warm open, and compiled code has a digest of its own.
//!
//! Nothing is remembered, and nothing remembered is used, below a directory that others could have changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::trust::key::Fingerprint;
use aileron_verifier::trust::keyring::Keyring;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::sys::disk::{Readers, Replace, TEMPORARY};
use crate::sys::private::{Directory, PrivateFile, Stamp};

/// Changes closer together than this may have one time stamp. File systems with whole seconds exist.
const TICK: Duration = Duration::from_secs(2);
/// A longer memory is none of ours.
const LIMIT: u64 = 16 * 1024 * 1024;

/// How something came to count as verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedWhen {
    /// It was hashed and its signature verified just now.
    Now,
    /// It was before, by the same ring, and nothing about its files changed.
    Before,
}

/// One thing that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) reference: Ref,
    pub(super) signer: Fingerprint,
    ring: String,
    stamps: Vec<Stamp>,
    documents: ContentHash,
}

/// By a connector's content hash, or an action's name.
pub(super) type Memories = BTreeMap<String, Memory>;

/// Open files that are private: what is installed, or a part of it.
pub(super) struct Held<const FILES: usize> {
    directory: Arc<Directory>,
    files: [PrivateFile; FILES],
}

/// What identifies the state of held files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckedState {
    /// Of the files, and of their directory where it is theirs alone; none where the system gives none.
    stamps: Vec<Stamp>,
    /// Digest of the bytes of all documents, one after the other.
    documents: ContentHash,
}

impl<const FILES: usize> Held<FILES> {
    /// Opens the files of these names. `Err` in the answer holds the first name that is not there.
    ///
    /// # Errors
    /// [`StoreError::NotPrivate`], also for a link; [`StoreError::Disk`].
    pub(super) fn open(
        directory: Arc<Directory>,
        names: [&str; FILES],
    ) -> Result<Result<Held<FILES>, &str>, StoreError> {
        let mut files = Vec::with_capacity(FILES);
        for name in names {
            match directory.file(name)? {
                Some(file) => files.push(file),
                None => return Ok(Err(name)),
            }
        }
        match files.try_into() {
            Ok(files) => Ok(Ok(Held { directory, files })),
            Err(_) => unreachable!("a file for each name"),
        }
    }

    /// Reads one of the files whole.
    ///
    /// # Errors
    /// [`StoreError::Disk`], also for a file longer than `limit`.
    pub(super) fn read(&mut self, number: usize, limit: u64) -> Result<Vec<u8>, StoreError> {
        Ok(self.files[number].read(limit)?)
    }

    /// Where the files are.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The stamps of the files as they are now.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub(super) fn stamps(&self) -> Result<Vec<Stamp>, StoreError> {
        let mut stamps = Vec::with_capacity(FILES);
        for file in &self.files {
            stamps.extend(file.stamp()?);
        }
        Ok(stamps)
    }
}

impl CheckedState {
    /// `stamps` were taken before `documents` were read from the same handles.
    pub(super) fn new(stamps: Vec<Stamp>, documents: &[&[u8]]) -> CheckedState {
        CheckedState { stamps, documents: ContentHash::of(documents) }
    }

    /// Whether these are the stamps it was made with, so that nothing changed between.
    pub(super) fn still(&self, stamps: &[Stamp]) -> bool {
        self.stamps == stamps
    }

    /// Whether all files have been as they are for longer than a tick.
    fn is_old(&self, now: Duration) -> bool {
        !self.stamps.is_empty() && self.stamps.iter().all(|stamp| now > stamp.changed() + TICK)
    }
}

impl Memory {
    /// A memory of files that were in this state before the check and still are after it. `None` where a later change could
    /// look the same.
    pub(super) fn of(
        store: &Store,
        reference: &Ref,
        signer: &Fingerprint,
        ring: &Keyring,
        state: CheckedState,
    ) -> Option<Memory> {
        let now = store.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let CheckedState { stamps, documents } = state.is_old(now).then_some(state)?;
        Some(Memory { reference: reference.clone(), signer: *signer, ring: ring.digest(), stamps, documents })
    }

    /// Whether this is what was checked, by the same ring.
    pub(super) fn holds(&self, ring: &str, state: &CheckedState) -> bool {
        self.ring == ring
            && !state.stamps.is_empty()
            && self.stamps == state.stamps
            && self.documents == state.documents
    }
}

impl Store {
    fn memories(&self) -> PathBuf {
        self.home.join("cache/checked")
    }

    /// What was remembered under this name. Whatever cannot be read, or could have been written by another user, is
    /// forgotten.
    pub(super) fn recall(&self, name: &str) -> Memories {
        let read = |directory: &Path| -> Option<Memories> {
            let mut file = Directory::open(directory).ok()??.file(&format!("{name}.json")).ok()??;
            serde_json::from_slice(&file.read(LIMIT).ok()?).ok()
        };
        read(&self.memories()).unwrap_or_default()
    }

    /// Remembers. Not durable and best effort: what is forgotten is checked again.
    pub(super) fn remember(&self, name: &str, memories: &Memories) {
        let directory = self.memories();
        // Only where no other user could change it later.
        if self.steps.make_directory(&directory).is_err() || !matches!(Directory::open(&directory), Ok(Some(_))) {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(memories) {
            let replace = Replace { steps: &*self.steps, temporary: TEMPORARY, readers: Readers::User, durable: false };
            let _ = replace.put(&directory.join(format!("{name}.json")), &bytes);
            replace.sweep_abandoned(&directory, self.clock.now());
        }
    }

    /// Forgets what was remembered under this name.
    pub(super) fn forget(&self, name: &str) {
        let _ = self.steps.remove_file(&self.memories().join(format!("{name}.json")));
    }
}
