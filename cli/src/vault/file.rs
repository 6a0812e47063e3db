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

#![expect(clippy::disallowed_methods, reason = "a program that writes in place is given a moment to finish")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::LIMIT;
use super::custodian::{Cost, Custodian};
use super::document::{Document, Entry, Malformed, State};
use super::error::VaultError;
use crate::secret::Secret;
use crate::sys::disk::{self, Locked, SharedFile};
use crate::sys::environment::Environment;
use crate::sys::lock::LockPolicy;
use crate::sys::private::{PrivateError, PrivateFile, Stamp};
use crate::sys::steps::{Disk, Steps};

/// The file's name below the home.
const NAME: &str = "secrets.json";
/// How a temporary sibling's name begins. One that a killed process left is swept by the next change.
const TEMPORARY: &str = ".secrets-";
/// How long the lock is waited for. vault.md §5.
pub const WAIT: Duration = Duration::from_secs(5);
/// How often a change is begun again because another program changed the file meanwhile.
const ATTEMPTS: usize = 20;
/// Longer than any file system's clock stands still.
const TICK: Duration = Duration::from_secs(2);
/// How long a writer that writes in place is given to finish.
const SETTLING: Duration = Duration::from_millis(50);

/// `secrets.json` of one user.
#[derive(Clone)]
pub struct VaultFile {
    file: SharedFile,
    cost: Cost,
}

/// The file at one moment, for who reads it again and again.
pub struct Snapshot {
    reading: Reading,
}

impl Snapshot {
    /// What it holds; `None` where there is no file.
    pub fn document(&self) -> Option<&Document> {
        self.reading.document.as_ref()
    }
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
        let waiting = LockPolicy { wait: WAIT, ..LockPolicy::default() };
        VaultFile { file: SharedFile::at(path, TEMPORARY).on(steps).waiting(waiting), cost }
    }

    /// The same file, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> VaultFile {
        VaultFile { file: self.file.waiting(waiting), ..self }
    }

    /// Where it is, as it was named.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads it; `None` where there is none. Needs no key, and no lock.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`], [`VaultError::NotPrivate`], [`VaultError::Unreadable`].
    pub fn read(&self) -> Result<Option<Document>, VaultError> {
        Ok(self.look()?.document)
    }

    /// The same, unless the file is still as it was `before`, which is then given back. One that was changed less than
    /// [`TICK`] before `now` is read: a second change within one tick of the file system's clock leaves no mark.
    ///
    /// # Errors
    /// As [`VaultFile::read`].
    pub fn snapshot(&self, before: Option<Arc<Snapshot>>, now: SystemTime) -> Result<Arc<Snapshot>, VaultError> {
        if let Some(known) = before
            && let Some(stamp) = &known.reading.stamp
            && now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|now| now > stamp.changed() + TICK)
            && let Some(file) = PrivateFile::open(self.path())?
            && file.stamp()?.as_ref() == Some(stamp)
        {
            return Ok(known);
        }
        Ok(Arc::new(Snapshot { reading: self.look()? }))
    }

    /// Takes the permissions of group and others away, if they have any. `true` where they had. vault.md §1.
    pub fn tighten(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let Ok(Some(file)) = PrivateFile::open(self.path()).map(|file| file.map(PrivateFile::into_file)) else {
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
        let exists = || VaultError::Exists(self.path().to_owned());
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

    /// Reads the file, lets `change` work on it, and writes it. Other users of the lock wait; when a program that
    /// takes none writes meanwhile, it begins again, so `change` may be called several times.
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
        self.exists()?;
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

    /// Gives the vault another passphrase: a new salt, a new key, every entry sealed again. All or nothing.
    ///
    /// # Errors
    /// [`VaultError::Entry`] for an entry that does not open; those of [`VaultFile::change`].
    pub fn rekey(&self, old: &Custodian, passphrase: &Secret) -> Result<Custodian, VaultError> {
        self.exists()?;
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
        let locked = self.lock()?;
        Ok(self.file.remove(&locked)?)
    }

    /// Whether it could be written now: before something is asked of the user or of a provider that would be lost otherwise.
    ///
    /// # Errors
    /// What the disk or the lock says.
    pub fn check_writable(&self) -> Result<(), VaultError> {
        self.lock().map(drop)
    }

    /// Keeps other processes from renewing the tokens of this binding at the same time, until it is dropped. The vault can be
    /// read and changed meanwhile. vault.md §12.
    ///
    /// # Errors
    /// [`VaultError::Missing`]; what the disk or the lock says.
    pub fn lock_binding(&self, name: &str, waiting: LockPolicy) -> Result<Locked, VaultError> {
        self.exists()?;
        // `+` is in no name of a binding, so no two bindings have one lock.
        let name = name.replace('/', "+");
        self.file.clone().waiting(waiting).lock_beside(|_| format!(".refresh-{name}.lock"))
    }

    /// Where there is no vault, nothing is made beside it either.
    fn exists(&self) -> Result<(), VaultError> {
        match disk::is_there(self.path()).map_err(VaultError::Unreadable)? {
            true => Ok(()),
            false => Err(VaultError::Missing(self.path().to_owned())),
        }
    }

    /// A document that has entries to work on, and a salt.
    fn usable(&self, document: Option<Document>) -> Result<Document, VaultError> {
        let missing = || VaultError::Missing(self.path().to_owned());
        let document = document.ok_or_else(missing)?;
        match document.state() {
            State::Ready | State::Legacy => Ok(document),
            State::Uninitialised => Err(missing()),
            State::Broken(why) => Err(self.corrupt(Malformed::Salt(why))),
        }
    }

    fn corrupt(&self, why: Malformed) -> VaultError {
        VaultError::Corrupt { path: self.path().to_owned(), why }
    }

    /// Reads the file and its stamp. The existing runtime writes in place: what cannot be read may be half written, so it
    /// is looked at once more when it has changed since.
    fn look(&self) -> Result<Reading, VaultError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let Some(mut file) = PrivateFile::open(self.path())? else {
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
            match Document::read(bytes) {
                Ok(document) if is_settled => return Ok(Reading { document: Some(document), stamp }),
                Err(why) if is_settled && last == Some(stamp.clone()) => return Err(self.corrupt(why)),
                _ => {
                    last = Some(stamp);
                    std::thread::sleep(SETTLING);
                }
            }
        }
        Err(VaultError::Unsettled(self.path().to_owned()))
    }

    /// The walk of the drawing above.
    fn replace<T>(
        &self,
        change: impl Fn(Option<Document>) -> Result<(Document, T), VaultError>,
    ) -> Result<T, VaultError> {
        let locked = self.lock()?;
        for _ in 0..ATTEMPTS {
            let Reading { document, stamp } = self.look()?;
            let (document, answer) = change(document)?;
            let text = document.render();
            if text.len() as u64 > LIMIT {
                return Err(VaultError::TooLong { path: self.path().to_owned() });
            }
            let is_as_read = || -> Result<bool, VaultError> {
                let found = PrivateFile::open(locked.target())?.map(|file| file.stamp()).transpose()?.flatten();
                Ok(found == stamp)
            };
            if self.file.put_if(text.as_bytes(), &locked, is_as_read)? {
                return Ok(answer);
            }
        }
        Err(VaultError::Unsettled(self.path().to_owned()))
    }

    /// Keeps other commands out until it is dropped.
    fn lock(&self) -> Result<Locked, VaultError> {
        self.file.lock(|name| format!("{name}.lock"))
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

#[cfg(all(test, unix))]
mod tests;
