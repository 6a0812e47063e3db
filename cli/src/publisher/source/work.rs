//! The work tree: regular files below the root, opened without following a link out and without waiting for a FIFO.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::listing::{ListedEntry, TreeListing};
use super::open::{self, FileReader, Read};
use super::parts::{BytesOrigin, FILE_LIMIT, Piece};
use super::path::TreePath;
use super::resolve::{Node, Nodes, Refusal, TreePlace, resolve};
use super::{Child, ChildKind, Found, SourceError, Wanted};
use crate::sys::bytes;
use crate::sys::disk::{DiskError, Operation};
use crate::sys::git;
use crate::sys::process::Spawner;

/// A work tree.
pub struct WorkTree {
    root: PathBuf,
}

impl WorkTree {
    /// The one at `root`.
    pub fn open(root: &Path) -> WorkTree {
        WorkTree { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What is in a directory, which was resolved a moment ago.
    pub(super) fn children(&self, at: Option<&TreePath>) -> Result<Vec<Child>, SourceError> {
        let directory = at.map_or_else(|| Some(self.root.clone()), |at| at.on_disk(&self.root));
        let Some(directory) = directory else { return Ok(Vec::new()) };
        let failed = || DiskError::at(Operation::List, &directory);
        let entries = fs::read_dir(&directory).map_err(failed())?;
        let child = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.map_err(failed())?;
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_dir() => ChildKind::Directory,
                Ok(kind) if kind.is_file() => ChildKind::File,
                _ => ChildKind::Unknown,
            };
            Ok(Child { name: bytes::of_os(&entry.file_name()), kind })
        };
        entries.map(child).collect()
    }

    /// Reads files, several at a time.
    pub(super) fn read(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>, SourceError> {
        /// Files that one thread reads, so that their directories are opened once.
        const TOGETHER: usize = 64;
        let read = |wanted: &[Wanted<'_>]| {
            let mut reader = FileReader::new(&self.root);
            wanted.iter().map(|wanted| self.read_one(wanted, &mut reader)).collect::<Vec<_>>()
        };
        // Of several errors the first in order is given, whichever thread was first.
        let read: Vec<Vec<_>> = wanted.par_chunks(TOGETHER).map(read).collect();
        read.into_iter().flatten().collect()
    }

    fn read_one(&self, wanted: &Wanted<'_>, reader: &mut FileReader<'_>) -> Result<Found, SourceError> {
        let Wanted { path, limit } = *wanted;
        let Some(path) = TreePath::new(path) else { return Ok(Found::Refused(Refusal::Name)) };
        let read = match reader.read_direct(&path, limit) {
            Some(read) => read,
            None => match resolve(self, &path)? {
                TreePlace::Absent => return Ok(Found::Absent),
                TreePlace::Refused(refusal) => Read::Refused(refusal),
                TreePlace::Directory(_) => Read::Refused(Refusal::NotAFile("a directory")),
                TreePlace::File(real) => reader.read(&real, limit)?,
            },
        };
        Ok(match read {
            Read::Bytes(bytes) => Found::Bytes(bytes),
            Read::Refused(refusal) => Found::Refused(refusal),
        })
    }

    /// What git tracks, or does not know and does not ignore.
    pub(super) fn listing(&self, spawner: Spawner<'_>) -> Result<TreeListing, SourceError> {
        let mut entries = Vec::new();
        for file in git::files(&self.root, spawner)? {
            let nested = file.strip_suffix(b"/").map(<[u8]>::to_vec);
            let is_nested = nested.is_some();
            let Some(path) = TreePath::new(nested.unwrap_or(file)) else { continue };
            let entry = match self.node(&path)? {
                Node::Absent => continue, // deleted, or never checked out
                Node::Directory => ListedEntry::Submodule,
                _ if is_nested => ListedEntry::Submodule,
                Node::File => ListedEntry::File(None),
                Node::Link(target) => ListedEntry::Link(target),
                Node::Submodule => ListedEntry::Submodule,
                Node::Other(kind) => ListedEntry::Other(kind),
            };
            entries.push((path, entry));
        }
        Ok(entries.into_iter().collect())
    }

    pub(super) fn fetch<E: From<SourceError>>(
        &self,
        pieces: &[&Piece],
        mut take: impl FnMut(&TreePath, Result<Vec<u8>, Refusal>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reader = FileReader::new(&self.root);
        for piece in pieces {
            let BytesOrigin::File(path) = &piece.from else { continue };
            match reader.read(path, FILE_LIMIT).map_err(SourceError::from)? {
                Read::Bytes(bytes) => take(&piece.to, Ok(bytes))?,
                Read::Refused(refusal) => take(&piece.to, Err(refusal))?,
            }
        }
        Ok(())
    }
}

impl Nodes for WorkTree {
    fn node(&self, path: &TreePath) -> Result<Node, SourceError> {
        // What the system cannot name is not on its disk.
        let Some(place) = path.on_disk(&self.root) else { return Ok(Node::Absent) };
        let metadata = match fs::symlink_metadata(&place) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Node::Absent);
            }
            metadata => metadata.map_err(DiskError::at(Operation::Read, &place))?,
        };
        Ok(match metadata.file_type() {
            kind if kind.is_file() => Node::File,
            kind if kind.is_dir() => Node::Directory,
            kind if kind.is_symlink() => {
                let target = fs::read_link(&place).map_err(DiskError::at(Operation::Read, &place))?;
                Node::Link(bytes::of_os(target.as_os_str()))
            }
            kind => Node::Other(open::kind(&kind)),
        })
    }
}
