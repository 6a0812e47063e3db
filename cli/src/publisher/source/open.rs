//! Opens one regular file below a root: name by name, no name a link, never blocking.
//!
//! Links are resolved before (`resolve`), so a link on the way here was put there since, and is refused. What is read is
//! the file that was opened, whatever happens to its path meanwhile.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::path::TreePath;
use super::resolve::Refusal;
use crate::sys::disk::DiskError;

/// What came of reading a file.
pub(super) enum Read {
    Bytes(Vec<u8>),
    Refused(Refusal),
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(root: &Path, path: &TreePath, limit: u64) -> Result<Read, DiskError> {
    let Some(place) = path.on_disk(root) else { return Ok(Read::Refused(Refusal::Name)) };
    let failed = || DiskError::at("read", &place);
    let file = open(root, path, &place).map_err(failed())?;
    let metadata = file.metadata().map_err(failed())?;
    if !metadata.is_file() {
        return Ok(Read::Refused(Refusal::NotAFile(kind(&metadata.file_type()))));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed())?;
    if bytes.len() as u64 > limit {
        return Ok(Read::Refused(Refusal::TooLong(limit)));
    }
    Ok(Read::Bytes(bytes))
}

#[cfg(unix)]
fn open(root: &Path, path: &TreePath, _: &Path) -> io::Result<File> {
    use crate::sys::bytes;
    use rustix::fs::{Mode, OFlags};
    const STEP: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
    let mut names = path.names().peekable();
    let mut at = rustix::fs::open(root, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty())?;
    while let Some(name) = names.next() {
        let name = bytes::to_os(name).unwrap_or_default();
        let flags = if names.peek().is_some() { OFlags::DIRECTORY } else { OFlags::NONBLOCK | OFlags::NOCTTY };
        at = rustix::fs::openat(&at, name, STEP | flags, Mode::empty())?;
    }
    Ok(File::from(at))
}

/// Where a file cannot be opened from its directory, the path is opened as it was resolved a moment ago.
#[cfg(not(unix))]
fn open(_: &Path, _: &TreePath, place: &Path) -> io::Result<File> {
    File::open(place)
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
