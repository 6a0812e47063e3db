//! Files that only this user can change: opened first, judged by the open handle. artifacts.md §10, "Private".
//!
//! The keyring, the store, everything remembered and compiled code decide what is trusted and what runs. A file counts as
//! private when it is a regular file of this user or of root, writable by no one else, below directories of which the same
//! holds up to the root: a user who can write a directory can put another file in the place of any name in it. The path is
//! walked one directory at a time, each opened relative to the handle of the one before, and what is handed out is the
//! handle that was judged. So nothing can be exchanged between the look and the use.
//!
//! A sticky directory such as `/tmp` may be writable by all: a name in it that belongs to this user or to root cannot be
//! renamed or removed by others. Links on the way are followed when this user or root made them; their targets are judged
//! like any other path.
//!
//! May not come in: where the home is, what a file means, what a caller does about a refusal.

#![expect(clippy::disallowed_methods, reason = "the one room for files that must be of this user alone")]

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aileron_verifier::problem::Class;
use serde::{Deserialize, Serialize};

/// What makes a file or directory one that others could have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It belongs to the user with this number, which is neither this user nor root.
    OtherOwner(u32),
    /// Its mode lets group or others write.
    WritableByOthers,
    /// It is a link where none is followed.
    Link,
    /// It has more than one name, in a directory to which others can add names.
    SecondName,
    /// It is something that is not read as a file: "a FIFO", "a socket", "a device".
    NotAFile(&'static str),
    /// A directory was expected.
    NotADirectory,
}

impl fmt::Display for Flaw {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::OtherOwner(user) => write!(to, "belongs to another user (uid {user})"),
            Flaw::WritableByOthers => to.write_str("can be written by other users"),
            Flaw::Link => to.write_str("is a link, not a file"),
            Flaw::SecondName => to.write_str("has more than one name, in a directory that other users can write"),
            Flaw::NotAFile(kind) => write!(to, "is {kind}, not a file"),
            Flaw::NotADirectory => to.write_str("is not a directory"),
        }
    }
}

/// A file that is refused because others could have changed it, or could replace it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {flaw}{}", .at.display(), below(.file, .at))]
pub struct NotPrivate {
    /// What was to be opened, spelled as the caller did.
    pub file: PathBuf,
    /// What is wrong: the file itself, or a directory or link on the way to it.
    pub at: PathBuf,
    /// What is wrong with it.
    pub flaw: Flaw,
}

impl NotPrivate {
    /// The failure class: always `validation_error`.
    pub fn class(&self) -> Class {
        Class::ValidationError
    }

    /// Never: whose a file is does not change by itself.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

fn below(file: &Path, at: &Path) -> String {
    if file == at { String::new() } else { format!("; other users could replace {}", file.display()) }
}

/// Why a private file was not opened. A file that does not exist is not an error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// Others could have changed it.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// The system refused.
    #[error("cannot read {}: {cause}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
}

impl PrivateError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            PrivateError::NotPrivate(flaw) => flaw.class(),
            PrivateError::Io { .. } => Class::FetchFailed,
        }
    }

    /// Never: whose a file is does not change by itself.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl PrivateError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> PrivateError {
        let path = path.to_owned();
        move |cause| PrivateError::Io { path, cause }
    }
}

/// What tells one state of a file from another. Two equal stamps mean the same bytes, unless they were changed within one
/// tick of the file system's clock or through a memory mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mode: u32,
    /// Seconds and nanoseconds since 1970.
    mtime: (i64, i64),
    /// The same of the last change of the inode; it cannot be set by the one who changed the file.
    ctime: (i64, i64),
}

impl Stamp {
    /// Time since 1970 of the last change of the content or the inode.
    pub fn changed(&self) -> Duration {
        let (seconds, nanoseconds) = self.mtime.max(self.ctime);
        Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
    }

    /// The stamp as eight numbers.
    pub fn numbers(&self) -> [i128; 8] {
        [
            self.device.into(),
            self.inode.into(),
            self.size.into(),
            self.mode.into(),
            self.mtime.0.into(),
            self.mtime.1.into(),
            self.ctime.0.into(),
            self.ctime.1.into(),
        ]
    }
}

/// An open directory that is private, and so is everything above it.
#[derive(Debug)]
pub struct Directory(system::Place);

impl Directory {
    /// Opens a directory; `None` where there is none. Links on the way and the directory's own name are followed.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn open(path: &Path) -> Result<Option<Directory>, PrivateError> {
        Ok(system::directory(path)?.map(Directory))
    }

    /// A directory in this one, which is not a link.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn directory(&self, name: &str) -> Result<Option<Directory>, PrivateError> {
        Ok(self.0.directory(name)?.map(Directory))
    }

    /// Opens a file in this directory for reading, which is not a link.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn file(&self, name: &str) -> Result<Option<PrivateFile>, PrivateError> {
        let path = self.path().join(name);
        Ok(self.0.file(name)?.map(|file| PrivateFile { file, path }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Its stamp when it was opened; `None` where the system gives none.
    pub fn stamp(&self) -> Option<Stamp> {
        self.0.stamp()
    }

    /// Whether only this user may enter and list it: mode 0700, and his.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// An open file that is private.
#[derive(Debug)]
pub struct PrivateFile {
    file: File,
    path: PathBuf,
}

impl PrivateFile {
    /// Opens the file at a path; `None` where there is none. Links are followed when this user or root made them.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn open(path: &Path) -> Result<Option<PrivateFile>, PrivateError> {
        Ok(system::file(path)?.map(|file| PrivateFile { file, path: path.to_owned() }))
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// [`PrivateError::Io`], also for a file of more than `limit` bytes.
    pub fn read(&mut self, limit: u64) -> Result<Vec<u8>, PrivateError> {
        let size = self.file.metadata().map_err(PrivateError::io(&self.path))?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0) + 1);
        (&self.file).take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(PrivateError::io(&self.path))?;
        if bytes.len() as u64 > limit {
            let cause = io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes"));
            return Err(PrivateError::Io { path: self.path.clone(), cause });
        }
        Ok(bytes)
    }

    /// The file's stamp as it is now; `None` where the system gives none.
    ///
    /// # Errors
    /// [`PrivateError::Io`].
    pub fn stamp(&self) -> Result<Option<Stamp>, PrivateError> {
        Ok(stamp_of(&self.file.metadata().map_err(PrivateError::io(&self.path))?))
    }

    /// The handle.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// The stamp in a file's metadata; `None` where the system gives none worth trusting.
#[cfg(unix)]
pub fn stamp_of(found: &std::fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    Some(Stamp {
        device: found.dev(),
        inode: found.ino(),
        size: found.size(),
        mode: found.mode(),
        mtime: (found.mtime(), found.mtime_nsec()),
        ctime: (found.ctime(), found.ctime_nsec()),
    })
}

/// The stamp in a file's metadata; `None` where the system gives none worth trusting.
#[cfg(not(unix))]
pub fn stamp_of(_: &std::fs::Metadata) -> Option<Stamp> {
    None
}

/// Makes a directory and its missing parents for this user alone: mode 0700, whatever the umask. Existing ones stay as they
/// are.
///
/// # Errors
/// The system's.
pub fn make(path: &Path) -> io::Result<()> {
    let made = create(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                Some(parent) => make(parent).and_then(|()| match create(path) {
                    // Another process was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
                    made => made,
                }),
                None => Err(error),
            }
        }
        made => made,
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().mode(0o700).create(path)?;
    // A umask can only take bits away; one that takes this user's own leaves a directory that cannot be used.
    if std::fs::symlink_metadata(path)?.permissions().mode() & 0o700 != 0o700 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

#[cfg(unix)]
#[path = "private/unix.rs"]
mod system;

#[cfg(not(unix))]
#[path = "private/other.rs"]
mod system;

#[cfg(all(test, unix))]
mod tests;
