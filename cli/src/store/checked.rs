//! What was checked before, and is unchanged since. artifacts.md §9, "Warm opens".
//!
//! A file that was written, touched, moved or replaced differs in device, inode, size, mtime or ctime; ctime cannot be set
//! back by the one who changed it. Two changes within one tick of the clock would look like one, so nothing is remembered
//! before its stamps are older than that. The ring is part of the memory: whoever trusts others checks again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use aileron_verifier::fqn::Ref;
use aileron_verifier::key::Fingerprint;
use aileron_verifier::keyring::Keyring;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::sys::disk::{self, DiskError};

/// Changes closer together than this may have one time stamp. File systems with whole seconds exist.
const TICK: Duration = Duration::from_secs(2);
/// A longer memory is none of ours.
const LIMIT: u64 = 16 * 1024 * 1024;

/// How something came to count as verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It was hashed and its signature verified just now.
    Now,
    /// It was before, by the same ring, and nothing about its files changed.
    Before,
}

/// What tells a file from any other state of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
    mode: u32,
}

/// One thing that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) reference: Ref,
    pub(super) signer: Fingerprint,
    ring: String,
    stamps: Vec<Stamp>,
}

/// By a connector's content hash, or an action's name.
pub(super) type Memories = BTreeMap<String, Memory>;

impl Stamp {
    /// Stamps of these files, after making sure that nobody else may write them.
    #[cfg(unix)]
    pub(super) fn all(paths: &[&Path]) -> Result<Vec<Stamp>, StoreError> {
        use std::os::unix::fs::MetadataExt as _;
        let stamp = |path: &&Path| {
            let found = fs::symlink_metadata(path).map_err(DiskError::at("inspect", path))?;
            if found.mode() & 0o022 != 0 && !found.is_symlink() {
                return Err(StoreError::Exposed(path.to_path_buf()));
            }
            Ok(Stamp {
                device: found.dev(),
                inode: found.ino(),
                size: found.size(),
                mtime: (found.mtime(), found.mtime_nsec()),
                ctime: (found.ctime(), found.ctime_nsec()),
                mode: found.mode(),
            })
        };
        paths.iter().map(stamp).collect()
    }

    /// Nothing here tells two states of a file apart reliably, so nothing is remembered.
    #[cfg(not(unix))]
    pub(super) fn all(_: &[&Path]) -> Result<Vec<Stamp>, StoreError> {
        Ok(Vec::new())
    }

    /// Whether the file has been as it is for longer than a tick.
    fn is_old(&self, now: Duration) -> bool {
        let latest = self.mtime.max(self.ctime);
        let latest = Duration::new(u64::try_from(latest.0).unwrap_or(0), u32::try_from(latest.1).unwrap_or(0));
        now > latest + TICK
    }
}

impl Memory {
    /// A memory of `stamps`, which were taken before the check and are still the same after it. `None` where a later change
    /// could look the same.
    pub(super) fn of(
        store: &Store,
        reference: &Ref,
        signer: &Fingerprint,
        ring: &Keyring,
        stamps: Vec<Stamp>,
    ) -> Option<Memory> {
        let now = store.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let lasting = !stamps.is_empty() && stamps.iter().all(|stamp| stamp.is_old(now));
        lasting.then(|| Memory { reference: reference.clone(), signer: *signer, ring: ring.digest(), stamps })
    }

    /// Whether this is what was checked, by the same ring.
    pub(super) fn holds(&self, ring: &str, stamps: &[Stamp]) -> bool {
        self.ring == ring && !stamps.is_empty() && self.stamps == stamps
    }
}

impl Store {
    /// What was remembered under this name. Whatever cannot be read, or could have been written by somebody else, is
    /// forgotten.
    pub(super) fn recall(&self, name: &str) -> Memories {
        let path = self.home.join("cache/checked").join(format!("{name}.json"));
        if !is_private(&path) || !path.parent().is_some_and(is_private) {
            return Memories::new();
        }
        let bytes = disk::read_if_there(&path, LIMIT).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Remembers. Not durable and best effort: whoever forgets checks again.
    pub(super) fn remember(&self, name: &str, memories: &Memories) {
        let directory = self.home.join("cache/checked");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        if builder.create(&directory).is_err() {
            return;
        }
        let path = directory.join(format!("{name}.json"));
        if let Ok(bytes) = serde_json::to_vec(memories) {
            let _ = disk::write(&path, &bytes);
        }
    }

    /// Forgets what was remembered under this name.
    pub(super) fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.home.join("cache/checked").join(format!("{name}.json")));
    }
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}
