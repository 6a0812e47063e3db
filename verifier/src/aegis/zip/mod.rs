//! The container, in two modes: as a host reads it, and as a publisher writes it.
//!
//! [`Archive`] is the directory as Go's `archive/zip` finds it, with all its tolerances: bytes before the first entry, zip64,
//! data descriptors, local headers that say something else. [`strict::Strict`] is an archive of which every byte is accounted
//! for. Own code, because readers in common use hide names that are there twice or read what a host refuses; only deflate is
//! the library's. aegis-bundle.md §2.

mod directory;
mod entry;
pub mod strict;
#[cfg(test)]
mod tests;
mod unpack;
pub mod write;

pub use entry::{Entry, ReadError};
use unpack::{Digests, HandedOver, Hashed};

/// Why bytes are not a zip file for a host. The words are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAZip {
    /// No directory where one must be, or one that contradicts itself.
    #[error("zip: not a valid zip file")]
    Format,
    /// The comment reaches past the end.
    #[error("zip: invalid comment length")]
    Comment,
    /// It ends inside a header.
    #[error("unexpected EOF")]
    UnexpectedEnd,
    /// It ends where a header must begin.
    #[error("EOF")]
    End,
}

/// The directory of a zip file as a host sees it.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry<'a>>,
}

impl<'a> Archive<'a> {
    /// Reads the directory as Go's `archive/zip` does. No entry is unpacked.
    ///
    /// # Errors
    /// [`NotAZip`].
    pub fn read(bytes: &'a [u8]) -> Result<Archive<'a>, NotAZip> {
        Ok(Archive { bytes, entries: directory::read(bytes)? })
    }

    /// The entries in the order of the directory.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// Unpacks an entry: at most `limit` bytes, which the caller has compared with what the entry says.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn unpack(&self, entry: &Entry<'_>, limit: u64) -> Result<Vec<u8>, ReadError> {
        entry.unpack(self.bytes, limit)
    }

    /// The size and SHA-256 of an entry's bytes, as [`Archive::unpack`] would give them, in little memory. What is unpacked is
    /// hashed on another thread while the next piece is unpacked.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn digest(&self, entry: &Entry<'_>, limit: u64) -> Result<(u64, [u8; 32]), ReadError> {
        /// Fewer bytes are not worth a thread.
        const SMALL: u64 = 256 << 10;
        let Some(packed) = entry.open(self.bytes)? else { return Ok((0, Digests::default().finish().0)) };
        let (count, digests) = if entry.unpacked < SMALL {
            let mut hashed = Hashed::new();
            (entry.unpack_to(&packed, limit, &mut hashed)?, hashed.digests)
        } else {
            std::thread::scope(|scope| {
                // Without a thread it takes longer, that is all.
                let Ok((mut pieces, hashing)) = HandedOver::to_thread(scope) else {
                    let mut hashed = Hashed::new();
                    return Ok((entry.unpack_to(&packed, limit, &mut hashed)?, hashed.digests));
                };
                let count = entry.unpack_to(&packed, limit, &mut pieces);
                drop(pieces);
                let digests = hashing.join().map_err(|_| ReadError::Corrupt)?;
                Ok((count?, digests))
            })?
        };
        let (sha256, crc) = digests.finish();
        entry.compare(self.bytes, &packed, count, crc)?;
        Ok((count, sha256))
    }
}

/// `count` bytes at an offset, all of them.
fn at(bytes: &[u8], offset: i64, count: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(count)?)
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]])
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from(u32_at(bytes, offset)) | u64::from(u32_at(bytes, offset + 4)) << 32
}
