//! The files a verb works on: one type with two readers.
//!
//! A version is made of the blobs of HEAD's tree; a verb without a version looks at the work tree, which is what one edits.
//! artifacts.md §12. Everything that is checked, bound, built, signed or published is read here, so ignored files, index
//! bits, sparse trees, line-end conversion and filters have no say in a version, and no link leads either reader out.
//!
//! | file | what it does |
//! |---|---|
//! | `commit` | HEAD's tree through git's object store |
//! | `work` | regular files below the root |
//! | `resolve` | where a path leads, link by link; shared by both |
//! | `parts` | the files of a build, links made into what they lead to |
//! | `open`, `path` | one file below a root; a path that cannot lead out |
//!
//! Not here: what a document means (`project`, `lint`).

#![expect(clippy::disallowed_methods, reason = "a work tree is read without following links")]

mod commit;
mod listing;
mod open;
mod parts;
mod path;
mod resolve;
mod work;

use std::path::Path;

use crate::sys::disk::DiskError;
use crate::sys::git::GitError;
use crate::sys::process::Spawner;

pub use self::commit::Commit;
pub use self::parts::{LeftOut, Parts};
pub use self::path::TreePath;
pub use self::resolve::Refusal;
use self::resolve::{TreePlace, resolve};
pub use self::work::WorkTree;
use aileron_verifier::problem::Class;

/// Why the files could not be looked at. A file that is refused is no error: [`Found::Refused`].
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// git did not tell.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The disk did not.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl SourceError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            SourceError::Git(error) => error.class(),
            SourceError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            SourceError::Git(error) => error.is_retriable(),
            SourceError::Disk(error) => error.is_retriable(),
        }
    }
}

/// The files a verb works on.
pub enum SourceTree {
    /// One commit's.
    Commit(Commit),
    /// The work tree's.
    Work(WorkTree),
}

/// A file that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Relative to the root.
    pub path: &'a str,
    /// The most bytes it may have.
    pub limit: u64,
}

/// What stands where a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A file with these bytes.
    Bytes(Vec<u8>),
    /// Something that is not read.
    Refused(Refusal),
}

/// A directory inside a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDirectory {
    /// Its name, lossy where that is not UTF-8; empty where it is the containing directory that cannot be looked into.
    pub name: String,
    /// Why it cannot be looked into, if so: a link that leads out, a submodule.
    pub refusal: Option<Refusal>,
}

/// One entry of a directory, as the directory lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Child {
    name: Vec<u8>,
    kind: ChildKind,
}

/// What a list of a directory says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChildKind {
    /// A directory, not a link to one.
    Directory,
    /// A regular file.
    File,
    /// A link, or something that is only known when it is looked at.
    Unknown,
}

/// What stands where a directory is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A file, or nothing.
    NotADirectory,
    /// A directory with these names, in order; names that are not UTF-8 are passed over.
    Names(Vec<String>),
    /// Something that is not looked into.
    Refused(Refusal),
}

impl SourceTree {
    /// Reads files, each in the order asked.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn read(&self, wanted: &[Wanted<'_>], spawner: Spawner<'_>) -> Result<Vec<Found>, SourceError> {
        let mut found = match self {
            SourceTree::Commit(commit) => commit.read(wanted, spawner)?,
            SourceTree::Work(work) => work.read(wanted)?,
        };
        for found in &mut found {
            if matches!(found, Found::Bytes(bytes) if is_lfs_pointer(bytes)) {
                *found = Found::Refused(Refusal::LfsPointer);
            }
        }
        Ok(found)
    }

    /// The directories in a directory, links to directories included, in order of their names. None where there is no such
    /// directory; entries that are files are passed over.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn directories(&self, path: &str) -> Result<Vec<SourceDirectory>, SourceError> {
        let Some(path) = TreePath::new(path) else { return Ok(Vec::new()) };
        let at = match self.resolve(&path)? {
            TreePlace::Directory(at) => at,
            TreePlace::Refused(refusal) => {
                return Ok(vec![SourceDirectory { name: String::new(), refusal: Some(refusal) }]);
            }
            TreePlace::Absent | TreePlace::File(_) => return Ok(Vec::new()),
        };
        let mut children = self.children(at.as_ref())?;
        children.sort_by(|one, other| one.name.cmp(&other.name));
        let mut found = Vec::new();
        for Child { name, kind } in children {
            let Some(child) = path.join(&name) else { continue };
            let place = match kind {
                ChildKind::File => continue,
                ChildKind::Directory => TreePlace::Directory(Some(child)),
                ChildKind::Unknown => self.resolve(&child)?,
            };
            let refusal = match place {
                TreePlace::Directory(_) => std::str::from_utf8(&name).is_err().then_some(Refusal::Name),
                // No directory, whatever it is.
                TreePlace::Refused(Refusal::NotAFile(_) | Refusal::LeadsNowhere(_)) => continue,
                TreePlace::Absent | TreePlace::File(_) => continue,
                TreePlace::Refused(refusal) => Some(refusal),
            };
            found.push(SourceDirectory { name: String::from_utf8_lossy(&name).into_owned(), refusal });
        }
        Ok(found)
    }

    /// The names in a directory.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn names(&self, path: &str) -> Result<Listed, SourceError> {
        let Some(path) = TreePath::new(path) else { return Ok(Listed::NotADirectory) };
        let at = match self.resolve(&path)? {
            TreePlace::Directory(at) => at,
            TreePlace::Refused(Refusal::NotAFile(_)) | TreePlace::Absent | TreePlace::File(_) => {
                return Ok(Listed::NotADirectory);
            }
            TreePlace::Refused(refusal) => return Ok(Listed::Refused(refusal)),
        };
        let mut names: Vec<Vec<u8>> = self.children(at.as_ref())?.into_iter().map(|child| child.name).collect();
        names.sort();
        Ok(Listed::Names(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect()))
    }

    /// Whether a regular file stands there, through links or not.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn is_file(&self, path: &str) -> Result<bool, SourceError> {
        let Some(path) = TreePath::new(path) else { return Ok(false) };
        Ok(matches!(self.resolve(&path)?, TreePlace::File(_)))
    }

    /// The files a build may use: the commit's, or those of the work tree that git does not ignore.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn parts(&self, spawner: Spawner<'_>) -> Result<Parts, SourceError> {
        match self {
            SourceTree::Commit(commit) => Ok(parts::of(commit.listing())?),
            SourceTree::Work(work) => Ok(parts::of(&work.listing(spawner)?)?),
        }
    }

    /// Hands the bytes of each of `parts` that `wanted` takes to `take`, in order.
    ///
    /// # Errors
    /// [`SourceError`], or what `take` gives.
    pub fn fetch<E: From<SourceError>>(
        &self,
        parts: &Parts,
        wanted: impl Fn(&TreePath) -> bool,
        spawner: Spawner<'_>,
        take: impl FnMut(&TreePath, Result<Vec<u8>, Refusal>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted: Vec<_> = parts.pieces.iter().filter(|piece| wanted(&piece.to)).collect();
        match self {
            SourceTree::Commit(commit) => commit.fetch(&wanted, spawner, take),
            SourceTree::Work(work) => work.fetch(&wanted, take),
        }
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePlace, SourceError> {
        match self {
            SourceTree::Commit(commit) => resolve(commit, path),
            SourceTree::Work(work) => resolve(work, path),
        }
    }

    fn children(&self, at: Option<&TreePath>) -> Result<Vec<Child>, SourceError> {
        match self {
            SourceTree::Commit(commit) => Ok(commit.children(at)),
            SourceTree::Work(work) => work.children(at),
        }
    }

    /// The root, on disk.
    pub fn root(&self) -> &Path {
        match self {
            SourceTree::Commit(commit) => commit.root(),
            SourceTree::Work(work) => work.root(),
        }
    }
}

/// Git LFS commits a short text where the content was, and keeps that elsewhere.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

#[cfg(test)]
mod tests;
