//! A private file that several processes change: read by anyone, changed by one at a time, always whole.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::{self, Lock, LockError, LockPolicy};
use super::{Disk, DiskError, Operation, Readers, Replace, Steps};
use crate::sys::private::{Directory, PrivateError};

/// Links that are followed before a circle is suspected.
const LINKS: usize = 40;

/// One such file. What it means, and whether what is there may be believed, is its owner's business.
#[derive(Clone)]
pub struct SharedFile {
    path: PathBuf,
    temporary: &'static str,
    steps: Arc<dyn Steps>,
    waiting: LockPolicy,
}

impl fmt::Debug for SharedFile {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("SharedFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The right to change the file, until it is dropped.
#[derive(Debug)]
pub struct Locked {
    target: PathBuf,
    _lock: Lock,
}

impl Locked {
    /// Where the file really is: behind every link.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

impl SharedFile {
    /// The file at this path. The names of its temporary siblings begin with `temporary`, and no other file's do.
    pub fn at(path: PathBuf, temporary: &'static str) -> SharedFile {
        SharedFile { path, temporary, steps: Arc::new(Disk), waiting: LockPolicy::default() }
    }

    /// The same on another disk.
    pub fn on(self, steps: Arc<dyn Steps>) -> SharedFile {
        SharedFile { steps, ..self }
    }

    /// The same file, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> SharedFile {
        SharedFile { waiting, ..self }
    }

    /// Where it is, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps other processes out until it is dropped. The lock, of this name, is beside where the file really is, so that
    /// two links to one file exclude each other too. Missing parents are made for this user alone; a directory in which
    /// others could replace the file is refused before anything is written. What killed writers left is removed.
    ///
    /// # Errors
    /// [`LockError`], [`PrivateError`] or what the disk says.
    pub fn lock<E>(&self, name: impl FnOnce(&str) -> String) -> Result<Locked, E>
    where
        E: From<DiskError> + From<PrivateError> + From<LockError>,
    {
        let locked = self.lock_beside::<E>(name)?;
        self.replace().sweep(directory_of(&locked.target));
        Ok(locked)
    }

    /// Another lock beside the file, under which it is not written: it keeps out only who takes this one too.
    ///
    /// # Errors
    /// As [`SharedFile::lock`].
    pub fn lock_beside<E>(&self, name: impl FnOnce(&str) -> String) -> Result<Locked, E>
    where
        E: From<DiskError> + From<PrivateError> + From<LockError>,
    {
        let target = self.target();
        let directory = directory_of(&target);
        self.steps.make_directory(directory).map_err(DiskError::at(Operation::CreateDirectory, directory))?;
        Directory::open(directory)?;
        let name = name(&target.file_name().unwrap_or_default().to_string_lossy());
        let lock = lock::take(&directory.join(name), &self.waiting)?;
        Ok(Locked { target, _lock: lock })
    }

    /// Replaces the file whole, 0600 from its first moment, through a link in its place. Durable.
    ///
    /// # Errors
    /// [`DiskError`]; it is then as it was.
    pub fn put(&self, bytes: &[u8], locked: &Locked) -> Result<(), DiskError> {
        self.replace().put(&locked.target, bytes)
    }

    /// [`SharedFile::put`], unless `still` says no just before the rename: then `false`, and it is as it was. For a file that
    /// programs without this lock change too.
    ///
    /// # Errors
    /// [`DiskError`], and what `still` says.
    pub fn put_if<E: From<DiskError>>(
        &self,
        bytes: &[u8],
        locked: &Locked,
        still: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.replace().put_if(&locked.target, bytes, still)
    }

    /// Removes the file, and the link to it where it is one. Durable; one that is not there is fine.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn remove(&self, locked: &Locked) -> Result<(), DiskError> {
        for path in [&locked.target, &self.path] {
            match self.steps.remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(DiskError::at(Operation::Remove, path))?,
            }
            let directory = directory_of(path);
            self.steps.sync(directory).map_err(DiskError::at(Operation::Flush, directory))?;
        }
        Ok(())
    }

    fn replace(&self) -> Replace<'_> {
        Replace { steps: &*self.steps, temporary: self.temporary, readers: Readers::User, durable: true }
    }

    /// Where the file really is: behind every link, also one whose target is not there yet.
    fn target(&self) -> PathBuf {
        let mut target = self.path.clone();
        for _ in 0..LINKS {
            let Ok(next) = fs::read_link(&target) else { break };
            target = directory_of(&target).join(next);
        }
        target
    }
}

/// The directory a path lies in, as a path that can be opened.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
