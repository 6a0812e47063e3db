//! From members to the one archive they have.
//!
//! The digest of an archive is promised: a second run must find its own bytes already uploaded. So nothing here depends on
//! the clock, the user, the platform or what was packed before.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use tar::{EntryType, Header};

use super::Files;
use super::tar::BLOCK;
use crate::layout::member;

/// Measured on a Go module of 9.5 MB: level 6 takes 0.5 s for 2.52 MB, level 9 takes 1.2 s for 2.50 MB, level 4 0.15 s for
/// 2.62 MB. Past 6 nothing is won; actions come out the same at each. Never change it: see the golden digests.
const LEVEL: u32 = 6;

/// No flags, time 0, no extra flags, no known operating system: RFC 1952.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Packs archives, one after the other, with the same bytes as if each had a packer of its own.
///
/// It keeps the encoder's tables: a cohort has hundreds of archives of a few kB, and setting the tables up costs more than
/// using them.
pub struct Packer {
    deflate: Compress,
}

impl Default for Packer {
    fn default() -> Packer {
        Packer::new()
    }
}

impl Packer {
    /// A packer, ready for any number of archives.
    pub fn new() -> Packer {
        Packer { deflate: Compress::new(Compression::new(LEVEL), false) }
    }

    /// The archive of `files`: identical input gives identical bytes on every platform. artifacts.md §7, writing.
    ///
    /// Sizes are not judged. The caller proves the archive afterwards, with [`read`](super::read) and the rest of the
    /// verdict.
    pub fn pack(&mut self, files: &Files) -> Vec<u8> {
        let tar = match files {
            Files::Connector { wasm, manifest, signature } => {
                tar([(member::MODULE, &wasm[..]), (member::MANIFEST, manifest), (member::SIGNATURE, signature)])
            }
            Files::Action { document, signature } => {
                tar([(member::DOCUMENT, &document[..]), (member::SIGNATURE, signature)])
            }
        };
        self.compress(&tar)
    }

    /// The same for other files, by name: each at most 100 bytes long.
    pub(crate) fn pack_named<'a>(&mut self, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
        self.compress(&tar(files))
    }

    fn compress(&mut self, tar: &[u8]) -> Vec<u8> {
        let mut archive = Vec::with_capacity(tar.len() / 2 + 1024);
        archive.extend(GZIP_HEADER);
        self.deflate.reset();
        loop {
            let taken = self.deflate.total_in() as usize;
            match self.deflate.compress_vec(&tar[taken..], &mut archive, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                // Out of room: it only ever asks for more.
                Ok(Status::Ok | Status::BufError) => archive.reserve(archive.len() / 2 + 1024),
                Err(error) => unreachable!("deflate takes any bytes: {error}"),
            }
        }
        let mut crc = Crc::new();
        crc.update(tar);
        archive.extend(crc.sum().to_le_bytes());
        archive.extend((tar.len() as u32).to_le_bytes()); // modulo 2^32, as the format has it
        archive
    }
}

/// One ustar stream with two zero blocks at its end. Made whole: what the encoder emits must not hang on how it is fed.
fn tar<'a>(members: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let members: Vec<(&str, &[u8])> = members.into_iter().collect();
    let content = members.iter().map(|(_, content)| BLOCK + content.len().next_multiple_of(BLOCK));
    let mut tar = Vec::with_capacity(content.sum::<usize>() + 2 * BLOCK);
    for (name, content) in &members {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}
