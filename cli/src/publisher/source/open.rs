//! Opens regular files below a root: name by name, no name a link, never blocking.
//!
//! Links are resolved before (`resolve`), so a link on the way here was put there since, and is refused. What is read is
//! the file that was opened, whatever happens to its path meanwhile. The directories on the way to one file stay open for the
//! next one, so that the files of one directory cost little more than opening each.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::path::TreePath;
use super::resolve::Refusal;
use crate::sys::disk::{DiskError, Operation};

/// What came of reading a file.
pub(super) enum Read {
    Bytes(Vec<u8>),
    Refused(Refusal),
}

/// Reads files below one root, one after another.
pub(super) struct FileReader<'a> {
    root: &'a Path,
    #[cfg(unix)]
    way: unix::Way,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(root: &'a Path) -> FileReader<'a> {
        FileReader {
            root,
            #[cfg(unix)]
            way: unix::Way::default(),
        }
    }

    /// Reads a file of at most `limit` bytes whose path was resolved.
    pub(super) fn read(&mut self, path: &TreePath, limit: u64) -> Result<Read, DiskError> {
        let Some(place) = path.on_disk(self.root) else { return Ok(Read::Refused(Refusal::Name)) };
        let failed = || DiskError::at(Operation::Read, &place);
        let file = self.open(path, &place).map_err(failed())?;
        whole(file, limit).map_err(failed())
    }

    /// Reads a file whose path was not resolved, if it is a regular file without a link on the way. `None` says nothing about
    /// what is there: resolve the path.
    #[cfg(unix)]
    pub(super) fn read_direct(&mut self, path: &TreePath, limit: u64) -> Option<Read> {
        let file = self.way.open_if_regular(self.root, path)?;
        whole(file, limit).ok()
    }

    /// Only Unix opens a path name by name: elsewhere each path is resolved.
    #[cfg(not(unix))]
    pub(super) fn read_direct(&mut self, _: &TreePath, _: u64) -> Option<Read> {
        None
    }

    #[cfg(unix)]
    fn open(&mut self, path: &TreePath, _: &Path) -> io::Result<File> {
        self.way.open(self.root, path)
    }

    /// Where a file cannot be opened from its directory, the path is opened as it was resolved a moment ago.
    #[cfg(not(unix))]
    fn open(&mut self, _: &TreePath, place: &Path) -> io::Result<File> {
        File::open(place)
    }
}

fn whole(file: File, limit: u64) -> io::Result<Read> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Read::Refused(Refusal::NotAFile(kind(&metadata.file_type()))));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(Read::Refused(Refusal::TooLong(limit)));
    }
    Ok(Read::Bytes(bytes))
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
    use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};

    use super::super::path::TreePath;
    use crate::sys::bytes;

    const STEP: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

    /// The open directories on the way to the last file: the root, then one for each name.
    #[derive(Default)]
    pub(super) struct Way {
        root: Option<OwnedFd>,
        below: Vec<(Vec<u8>, OwnedFd)>,
    }

    impl Way {
        pub(super) fn open(&mut self, root: &Path, path: &TreePath) -> io::Result<File> {
            let (directory, name) = self.directory(root, path)?;
            open(directory, name)
        }

        /// Nothing but a regular file is opened: opening a FIFO or a device may do something.
        pub(super) fn open_if_regular(&mut self, root: &Path, path: &TreePath) -> Option<File> {
            let (directory, name) = self.directory(root, path).ok()?;
            let found = statat(directory, bytes::to_os(name)?, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let is_regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
            is_regular.then(|| open(directory, name).ok()).flatten()
        }

        /// The directory a path's last name is in, opened without following a link, and that name.
        fn directory<'p>(&mut self, root: &Path, path: &'p TreePath) -> io::Result<(BorrowedFd<'_>, &'p [u8])> {
            let mut names: Vec<&[u8]> = path.names().collect();
            let last = names.pop().unwrap_or_default();
            let known = self.below.iter().zip(&names).take_while(|((open, _), name)| open == *name).count();
            self.below.truncate(known);
            let root: &OwnedFd = match &mut self.root {
                Some(root) => root,
                none => {
                    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
                    none.insert(rustix::fs::open(root, flags, Mode::empty())?)
                }
            };
            for name in &names[known..] {
                let at = self.below.last().map_or(root.as_fd(), |(_, directory)| directory.as_fd());
                let step = bytes::to_os(name).unwrap_or_default();
                let directory = openat(at, step, STEP | OFlags::DIRECTORY, Mode::empty())?;
                self.below.push((name.to_vec(), directory));
            }
            Ok((self.below.last().map_or(root.as_fd(), |(_, directory)| directory.as_fd()), last))
        }
    }

    fn open(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<File> {
        let name = bytes::to_os(name).unwrap_or_default();
        Ok(File::from(openat(directory, name, STEP | OFlags::NONBLOCK | OFlags::NOCTTY, Mode::empty())?))
    }
}

/// What a file is, when it is neither regular nor a link.
#[cfg(unix)]
pub(super) fn kind(file_type: &std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match file_type {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "something else",
    }
}

/// What a file is, when it is neither regular nor a link.
#[cfg(not(unix))]
pub(super) fn kind(file_type: &std::fs::FileType) -> &'static str {
    if file_type.is_dir() { "a directory" } else { "something else" }
}
