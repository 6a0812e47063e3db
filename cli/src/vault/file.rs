//! The vault's file: read as it is, changed under a lock, written whole. vault.md §1, §5.
//!
//! ```text
//! change   lock ─► read ─► the caller's change ─► temporary file, flushed ─► still as it was read? ─► rename ─► flush names
//!                    ▲                                                              │ no: another program takes no lock
//!                    └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! What cannot be read is never written, and never replaced by a new vault. Not here: what the file means (`document`),
//! the key (`custodian`), who is asked for a passphrase.

#![expect(
    clippy::disallowed_methods,
    reason = "links to the vault are followed by hand, and what a killed write left is swept"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::LIMIT;
use super::custodian::{Cost, Custodian};
use super::document::{Document, Entry, Malformed, State};
use super::error::VaultError;
use crate::secret::Secret;
use crate::sys::disk::{DiskError, Operation};
use crate::sys::environment::Environment;
use crate::sys::lock::{self, Lock, LockPolicy};
use crate::sys::private::{Directory, PrivateError, PrivateFile, Stamp};
use crate::sys::steps::{Disk, Steps};

/// The file's name below the home.
const NAME: &str = "secrets.json";
/// How a temporary sibling's name begins. One that a killed process left is swept by the next change.
const TEMPORARY: &str = ".secrets-";
/// How long the lock is waited for. vault.md §5.
pub const WAIT: Duration = Duration::from_secs(5);
/// Links that are followed before a circle is suspected.
const LINKS: usize = 40;
/// How often a change is begun anew because another program changed the file meanwhile.
const ATTEMPTS: usize = 20;
/// How long a writer that writes in place is given to finish.
const SETTLING: Duration = Duration::from_millis(50);

/// `secrets.json` of one user.
#[derive(Clone)]
pub struct VaultFile {
    path: PathBuf,
    waiting: LockPolicy,
    steps: Arc<dyn Steps>,
    cost: Cost,
}

/// The file as it was read: an absent one has neither.
struct Reading {
    document: Option<Document>,
    stamp: Option<Stamp>,
}

impl VaultFile {
    /// Below `AILERON_HOME`, else `~/.aileron`; `None` without a home. vault.md §1.
    pub fn at_home(environment: &Environment) -> Option<VaultFile> {
        Some(VaultFile::at(environment.aileron_home()?.join(NAME)))
    }

    /// A vault somewhere else.
    pub fn at(path: PathBuf) -> VaultFile {
        VaultFile::with(path, Arc::new(Disk), Cost::VERSION_1)
    }

    /// The same with another disk, and another cost of deriving a key.
    pub fn with(path: PathBuf, steps: Arc<dyn Steps>, cost: Cost) -> VaultFile {
        VaultFile { path, waiting: LockPolicy { wait: WAIT, ..LockPolicy::default() }, steps, cost }
    }

    /// The same file, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> VaultFile {
        VaultFile { waiting, ..self }
    }

    /// Where it is, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` where there is none. Needs no key, and no lock.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`], [`VaultError::NotPrivate`], [`VaultError::Unreadable`].
    pub fn read(&self) -> Result<Option<Document>, VaultError> {
        Ok(self.look()?.document)
    }

    /// Takes the permissions of group and others away, if they have any. `true` where they had. vault.md §1.
    pub fn tighten(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let Ok(Some(file)) = PrivateFile::open(&self.path).map(|file| file.map(PrivateFile::into_file)) else {
                return false;
            };
            let is_wide = |mode: u32| mode & 0o077 != 0;
            let wide = file.metadata().is_ok_and(|found| is_wide(found.permissions().mode()));
            wide && file.set_permissions(fs::Permissions::from_mode(0o600)).is_ok()
        }
        #[cfg(not(unix))]
        false
    }

    /// Reads a vault that can be unlocked: what is asked before anybody is asked for a passphrase.
    ///
    /// # Errors
    /// Those of [`VaultFile::read`]; [`VaultError::Missing`] where there is no vault yet.
    pub fn lockable(&self) -> Result<Document, VaultError> {
        self.usable(self.read()?)
    }

    /// Derives the key, and proves it.
    ///
    /// # Errors
    /// Those of [`VaultFile::read`] and [`Custodian::unlock`]; [`VaultError::Missing`] where there is no vault yet.
    pub fn unlock(&self, passphrase: &Secret) -> Result<Custodian, VaultError> {
        let document = self.lockable()?;
        Custodian::unlock(&document, passphrase, self.cost)
    }

    /// Makes a vault. An older file without a verifier gets one, with the passphrase that opens its entries.
    ///
    /// # Errors
    /// [`VaultError::Exists`]; those of [`VaultFile::read`], [`Custodian::unlock`] and [`VaultFile::change`].
    pub fn create(&self, passphrase: &Secret) -> Result<Custodian, VaultError> {
        let exists = || VaultError::Exists(self.path.clone());
        let found = self.read()?.unwrap_or_default();
        // Derived before the lock is taken: others need not wait for it.
        let custodian = match found.state() {
            State::Ready => return Err(exists()),
            State::Broken(why) => return Err(self.corrupt(Malformed::Salt(why))),
            State::Uninitialised => Custodian::create(passphrase, self.cost)?,
            State::Legacy if found.entries().next().is_none() => {
                Custodian::create_with(found.header().salt.clone(), passphrase, self.cost)?
            }
            State::Legacy => Custodian::unlock(&found, passphrase, self.cost)?,
        };
        self.replace(|document| {
            let mut document = document.unwrap_or_default();
            if document.state() != found.state() || document.header() != found.header() {
                return Err(exists());
            }
            document.set_header(custodian.header().clone());
            Ok((document, ()))
        })?;
        Ok(custodian)
    }

    /// Reads the file, lets `change` work on it, and writes it. Nobody who takes the lock comes in between; when somebody
    /// who takes none does, it begins anew, so `change` may be called several times.
    ///
    /// With a custodian the file has to be still of its key. Without one only what needs no key can be changed: labels, and
    /// which entries there are.
    ///
    /// # Errors
    /// What `change` says; [`VaultError::Unavailable`]; those of [`VaultFile::read`]; what the disk or the lock says.
    pub fn change<T>(
        &self,
        custodian: Option<&Custodian>,
        change: impl Fn(&mut Document) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        self.replace(|document| {
            let mut document = self.usable(document)?;
            if let Some(custodian) = custodian {
                if !custodian.is_of(&document) {
                    return Err(VaultError::Unavailable);
                }
                document.set_header(custodian.header().clone());
            }
            let answer = change(&mut document)?;
            Ok((document, answer))
        })
    }

    /// Gives the vault another passphrase: a new salt, a new key, every entry sealed anew. All or nothing.
    ///
    /// # Errors
    /// [`VaultError::Entry`] for an entry that does not open; those of [`VaultFile::change`].
    pub fn rekey(&self, old: &Custodian, passphrase: &Secret) -> Result<Custodian, VaultError> {
        let new = Custodian::create(passphrase, self.cost)?;
        self.replace(|document| {
            let mut document = self.usable(document)?;
            if !old.is_of(&document) {
                return Err(VaultError::Unavailable);
            }
            let names: Vec<String> = document.entries().map(|(name, _)| name.to_owned()).collect();
            for name in names {
                let Some(entry) = document.entry(&name).cloned() else { continue };
                let value = value(&name, &entry, old)?;
                document.put(name, entry.with_blob(new.seal(&value)?));
            }
            document.set_header(new.header().clone());
            Ok((document, ()))
        })?;
        Ok(new)
    }

    /// Removes the file, and the link to it where it is one. Nothing is kept.
    ///
    /// # Errors
    /// What the disk or the lock says.
    pub fn remove(&self) -> Result<(), VaultError> {
        let target = self.target();
        let _lock = self.lock(&target)?;
        self.sweep(&target);
        for path in [&target, &self.path] {
            match self.steps.remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(DiskError::at(Operation::Remove, path))?,
            }
            let directory = parent(path);
            self.steps.sync(directory).map_err(DiskError::at(Operation::Flush, directory))?;
        }
        Ok(())
    }

    /// A document that has entries to work on, and a salt.
    fn usable(&self, document: Option<Document>) -> Result<Document, VaultError> {
        let missing = || VaultError::Missing(self.path.clone());
        let document = document.ok_or_else(missing)?;
        match document.state() {
            State::Ready | State::Legacy => Ok(document),
            State::Uninitialised => Err(missing()),
            State::Broken(why) => Err(self.corrupt(Malformed::Salt(why))),
        }
    }

    fn corrupt(&self, why: Malformed) -> VaultError {
        VaultError::Corrupt { path: self.path.clone(), why }
    }

    /// Reads the file and its stamp. The existing runtime writes in place: what cannot be read may be half written, so it
    /// is looked at once more when it has changed since.
    fn look(&self) -> Result<Reading, VaultError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let Some(mut file) = PrivateFile::open(&self.path)? else {
                return Ok(Reading { document: None, stamp: None });
            };
            let before = file.stamp()?;
            let bytes = match file.read(LIMIT) {
                Err(PrivateError::Io { cause, .. }) if cause.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(self.corrupt(Malformed::TooLong));
                }
                bytes => bytes?,
            };
            let stamp = file.stamp()?;
            let is_settled = before == stamp;
            match Document::read(&bytes) {
                Ok(document) if is_settled => return Ok(Reading { document: Some(document), stamp }),
                Err(why) if is_settled && last == Some(stamp.clone()) => return Err(self.corrupt(why)),
                _ => {
                    last = Some(stamp);
                    std::thread::sleep(SETTLING);
                }
            }
        }
        Err(VaultError::Unsettled(self.path.clone()))
    }

    /// The walk of the drawing above.
    fn replace<T>(
        &self,
        change: impl Fn(Option<Document>) -> Result<(Document, T), VaultError>,
    ) -> Result<T, VaultError> {
        // Refused as it stands before anything is made beside it.
        self.look()?;
        let target = self.target();
        let _lock = self.lock(&target)?;
        self.sweep(&target);
        for _ in 0..ATTEMPTS {
            let Reading { document, stamp } = self.look()?;
            let (document, answer) = change(document)?;
            let text = document.render();
            if text.len() as u64 > LIMIT {
                return Err(VaultError::TooLong { path: self.path.clone() });
            }
            if self.put(&target, text.as_bytes(), &stamp)? {
                return Ok(answer);
            }
        }
        Err(VaultError::Unsettled(self.path.clone()))
    }

    /// A sibling first, 0600 from its first moment, flushed, then renamed over the target, unless that is not as it was
    /// read: then `false`.
    fn put(&self, target: &Path, bytes: &[u8], expected: &Option<Stamp>) -> Result<bool, VaultError> {
        let directory = parent(target);
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(VaultError::NoRandom)?;
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let temporary = directory.join(format!("{TEMPORARY}{hex}"));
        let written = self.steps.write_private(&temporary, bytes).and_then(|()| self.steps.sync(&temporary));
        let is_expected = || -> Result<bool, PrivateError> {
            let found = PrivateFile::open(target)?.map(|file| file.stamp()).transpose()?.flatten();
            Ok(found == *expected)
        };
        let moved =
            written.map_err(|cause| VaultError::from(DiskError::at(Operation::Write, target)(cause))).and_then(|()| {
                let is_expected = is_expected()?;
                if is_expected {
                    self.steps.rename(&temporary, target).map_err(DiskError::at(Operation::Write, target))?;
                }
                Ok(is_expected)
            });
        if !matches!(moved, Ok(true)) {
            // Best effort: what stays is swept by the next change.
            let _ = self.steps.remove_file(&temporary);
            return moved;
        }
        self.steps.sync(directory).map_err(DiskError::at(Operation::Flush, directory))?;
        Ok(true)
    }

    /// Keeps other commands out until it is dropped. The lock is beside where the file really is, so that two links to one
    /// vault exclude each other too. Missing parents are made for this user only; a directory in which others could replace
    /// the file is refused.
    fn lock(&self, target: &Path) -> Result<Lock, VaultError> {
        let directory = parent(target);
        self.steps.make_directory(directory).map_err(DiskError::at(Operation::CreateDirectory, directory))?;
        Directory::open(directory)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Ok(lock::take(&directory.join(format!("{name}.lock")), &self.waiting)?)
    }

    /// Removes what killed processes left: whoever holds the lock is the only one who writes.
    fn sweep(&self, target: &Path) {
        for entry in fs::read_dir(parent(target)).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
                let _ = self.steps.remove_file(&entry.path()); // in nobody's way
            }
        }
    }

    /// Where the file really is: behind every link, also one whose target is not there yet. vault.md §5.
    fn target(&self) -> PathBuf {
        let mut target = self.path.clone();
        for _ in 0..LINKS {
            let Ok(next) = fs::read_link(&target) else { break };
            target = parent(&target).join(next);
        }
        target
    }
}

/// An entry's value, opened by this custodian.
///
/// # Errors
/// [`VaultError::Entry`].
pub fn value(name: &str, entry: &Entry, custodian: &Custodian) -> Result<Secret, VaultError> {
    let flawed = |why| VaultError::Entry { name: name.to_owned(), why };
    let blob = entry.blob().map_err(|why| flawed(why.into()))?;
    custodian.open(blob).map_err(|why| flawed(why.into()))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests;
