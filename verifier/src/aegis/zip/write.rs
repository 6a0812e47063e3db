//! The archive of a bundle: the same input gives the same bytes on every machine. aegis-bundle.md §2.6.
//!
//! One time stamp, one mode per place, entries in the order of their names' bytes, the pinned encoder of the workspace.

use std::collections::BTreeMap;

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::directory::{END, HEADER};
use super::entry::LOCAL;
use crate::aegis::METADATA;

/// Measured on a Go plugin of 18 MB: 6 is where more time wins almost nothing. Never change it: digests follow from it.
const LEVEL: u32 = 6;
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

/// Writes the archive. Names and sizes are not judged: the caller reads the result back strictly.
///
/// # Errors
/// [`NotWritable`].
pub fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, NotWritable> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, contents) in files {
        let entry = Header::new(name, contents, archive.len())?;
        entry.write_local(name, &mut archive);
        entry.append_contents(contents, &mut archive)?;
        entry.write_directory(name, &archive, &mut directory)?;
    }
    let count = u16::try_from(files.len()).map_err(|_| NotWritable::Large)?;
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

struct Header {
    offset: u32,
    name: u16,
    flags: u16,
    crc: u32,
    size: u32,
}

impl Header {
    fn new(name: &str, contents: &[u8], offset: usize) -> Result<Header, NotWritable> {
        let mut crc = Crc::new();
        crc.update(contents);
        Ok(Header {
            offset: small(offset)?,
            name: u16::try_from(name.len()).map_err(|_| NotWritable::Large)?,
            flags: if name.is_ascii() { 0 } else { UTF8 },
            crc: crc.sum(),
            size: small(contents.len())?,
        })
    }

    /// The local header; method and packed size are filled in behind the data.
    fn write_local(&self, name: &str, archive: &mut Vec<u8>) {
        archive.extend(LOCAL.to_le_bytes());
        self.write_shared((0, 0), archive);
        archive.extend_from_slice(name.as_bytes());
    }

    /// What both headers have, from *version needed* to the length of the extra fields.
    fn write_shared(&self, (method, packed): (u16, u32), to: &mut Vec<u8>) {
        to.extend(NEEDS.to_le_bytes());
        to.extend(self.flags.to_le_bytes());
        to.extend(method.to_le_bytes());
        to.extend(MODIFIED.to_le_bytes());
        to.extend(self.crc.to_le_bytes());
        to.extend(packed.to_le_bytes());
        to.extend(self.size.to_le_bytes());
        to.extend(self.name.to_le_bytes());
        to.extend([0; 2]);
    }

    /// The data, deflated where that is shorter.
    fn append_contents(&self, contents: &[u8], archive: &mut Vec<u8>) -> Result<(), NotWritable> {
        let start = archive.len();
        deflate(contents, archive);
        let method: u16 = if archive.len() - start < contents.len() { 8 } else { 0 };
        if method == 0 {
            archive.truncate(start);
            archive.extend_from_slice(contents);
        }
        let packed = small(archive.len() - start)?;
        let header = self.offset as usize;
        archive[header + 8..header + 10].copy_from_slice(&method.to_le_bytes());
        archive[header + 18..header + 22].copy_from_slice(&packed.to_le_bytes());
        Ok(())
    }

    fn write_directory(&self, name: &str, archive: &[u8], directory: &mut Vec<u8>) -> Result<(), NotWritable> {
        let local = self.offset as usize;
        let mode: u32 = if METADATA.contains(&name) { 0o100_644 } else { 0o100_755 };
        directory.extend(HEADER.to_le_bytes());
        directory.extend(MADE_BY.to_le_bytes());
        self.write_shared((super::u16_at(archive, local + 8), super::u32_at(archive, local + 18)), directory);
        // Comment, disk, internal attributes.
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(self.offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        Ok(())
    }
}

fn small(size: usize) -> Result<u32, NotWritable> {
    // All ones would say "see the zip64 field".
    u32::try_from(size).ok().filter(|size| *size != u32::MAX).ok_or(NotWritable::Large)
}

fn deflate(contents: &[u8], to: &mut Vec<u8>) {
    let mut compress = Compress::new(Compression::new(LEVEL), false);
    to.reserve(contents.len() / 2 + 64);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(contents.len());
        let status = compress.compress_vec(&contents[read..], to, FlushCompress::Finish);
        if matches!(status, Ok(flate2::Status::StreamEnd) | Err(_)) {
            return;
        }
        to.reserve(1 << 16);
    }
}
