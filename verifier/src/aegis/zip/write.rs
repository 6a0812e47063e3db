//! The archive of a bundle: the same input gives the same bytes on every machine. aegis-bundle.md §2.6.
//!
//! One time stamp, one mode per place, entries in the order of their names' bytes, the pinned encoder of the workspace.

use std::collections::BTreeMap;

use flate2::{Compress, Compression, Crc, FlushCompress};
use rayon::prelude::*;

use super::directory::{END, HEADER};
use super::entry::LOCAL;
use crate::aegis::METADATA;

/// Measured on a Go plugin of 18 MB: 6 takes twice the time of 4 for a hundredth of its size, 3 saves nothing more. Never
/// change it: digests follow from it.
const LEVEL: u32 = 4;
/// 1980-01-01 00:00:00, the first moment DOS can say; the date is the high half.
const MODIFIED: u32 = 0x0021_0000;
/// Unix, version 2.0 of the format.
const MADE_BY: u16 = 3 << 8 | 20;
const NEEDS: u16 = 20;
/// The name is UTF-8.
const UTF8: u16 = 0x0800;

/// Why files cannot become an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritable {
    /// More than 4 GiB, or more than 65,535 files, or a name over 65,535 bytes: a bundle has far less.
    #[error("too large for a zip file without extensions")]
    Large,
}

/// Writes the archive. Names and sizes are not judged: the caller reads the result back strictly. Entries are deflated side by
/// side; their order in the archive is that of their names.
///
/// # Errors
/// [`NotWritable`].
pub fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, NotWritable> {
    let packed: Vec<Packed<'_>> =
        files.par_iter().map(|(name, contents)| Packed::of(name, contents)).collect::<Result<_, _>>()?;
    let mut archive =
        Vec::with_capacity(packed.iter().map(|entry| entry.data().len() + 2 * entry.name.len() + 76).sum());
    let mut directory = Vec::new();
    let count = u16::try_from(packed.len()).map_err(|_| NotWritable::Large)?;
    for entry in packed {
        let offset = small(archive.len())?;
        entry.write_local(&mut archive);
        entry.write_directory(offset, &mut directory);
    }
    let start = small(archive.len())?;
    archive.extend_from_slice(&directory);
    archive.extend(END.to_le_bytes());
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(small(directory.len())?.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    Ok(archive)
}

/// A file as it stands in the archive.
struct Packed<'f> {
    name: &'f str,
    name_size: u16,
    contents: &'f [u8],
    /// Where that is shorter.
    deflated: Option<Vec<u8>>,
    packed_size: u32,
    size: u32,
    crc: u32,
}

impl<'f> Packed<'f> {
    fn of(name: &'f str, contents: &'f [u8]) -> Result<Packed<'f>, NotWritable> {
        let name_size = u16::try_from(name.len()).map_err(|_| NotWritable::Large)?;
        let size = small(contents.len())?;
        let mut crc = Crc::new();
        crc.update(contents);
        let deflated = Some(deflate(contents)).filter(|deflated| deflated.len() < contents.len());
        let packed_size = small(deflated.as_ref().map_or(contents.len(), Vec::len))?;
        Ok(Packed { name, name_size, contents, deflated, packed_size, size, crc: crc.sum() })
    }

    fn data(&self) -> &[u8] {
        self.deflated.as_deref().unwrap_or(self.contents)
    }

    fn write_local(&self, archive: &mut Vec<u8>) {
        archive.extend(LOCAL.to_le_bytes());
        self.write_shared(archive);
        archive.extend_from_slice(self.name.as_bytes());
        archive.extend_from_slice(self.data());
    }

    /// What both headers have, from *version needed* to the length of the extra fields.
    fn write_shared(&self, to: &mut Vec<u8>) {
        let flags: u16 = if self.name.is_ascii() { 0 } else { UTF8 };
        let method: u16 = if self.deflated.is_some() { 8 } else { 0 };
        to.extend(NEEDS.to_le_bytes());
        to.extend(flags.to_le_bytes());
        to.extend(method.to_le_bytes());
        to.extend(MODIFIED.to_le_bytes());
        to.extend(self.crc.to_le_bytes());
        to.extend(self.packed_size.to_le_bytes());
        to.extend(self.size.to_le_bytes());
        to.extend(self.name_size.to_le_bytes());
        to.extend([0; 2]);
    }

    fn write_directory(&self, offset: u32, directory: &mut Vec<u8>) {
        let mode: u32 = if METADATA.contains(&self.name) { 0o100_644 } else { 0o100_755 };
        directory.extend(HEADER.to_le_bytes());
        directory.extend(MADE_BY.to_le_bytes());
        self.write_shared(directory);
        // Comment, disk, internal attributes.
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend_from_slice(self.name.as_bytes());
    }
}

fn small(size: usize) -> Result<u32, NotWritable> {
    // All ones would say "see the zip64 field".
    u32::try_from(size).ok().filter(|size| *size != u32::MAX).ok_or(NotWritable::Large)
}

fn deflate(contents: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(LEVEL), false);
    let mut to = Vec::with_capacity(contents.len() / 2 + 64);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(contents.len());
        let status = compress.compress_vec(&contents[read..], &mut to, FlushCompress::Finish);
        if matches!(status, Ok(flate2::Status::StreamEnd) | Err(_)) {
            return to;
        }
        to.reserve(1 << 16);
    }
}
