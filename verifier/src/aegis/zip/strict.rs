//! An archive of which every byte is accounted for: what a publisher writes, and nothing else.
//!
//! A host reads the directory and believes it; others read the local headers, or look for entries from the front. Here both
//! must say the same, entries must follow each other without a gap, and nothing may stand before, between or after them. So a
//! zip file of the host's own signing tool is not regular: it has sizes behind the data (data descriptors), as Go writes them.
//! A host reads it, and [`super::Archive`] does; it is published again in one form only. aegis-bundle.md §2.6.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::directory::{END, END_SIZE, HEADER_SIZE};
use super::entry::{LOCAL, LOCAL_SIZE};
use super::{Archive, Entry, NotAZip, ReadError, at, u16_at, u32_at};
use crate::aegis::path;
use crate::problem::shorten;
use crate::text::quote::Quoted;

/// What is wrong with an archive, each with the name of the entry where it is one's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Irregular {
    /// A host could not read it either.
    #[error("it is not a zip file: {0}")]
    NotAZip(#[from] NotAZip),
    /// More than 256 entries.
    #[error("it has {0} entries; at most 256 are read")]
    Entries(usize),
    /// A name that is not clean, relative, printable UTF-8.
    #[error("entry {}: {why}", Quoted(.name))]
    Name {
        /// The entry.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Two names that are one on some machines.
    #[error("entries {} and {} have the same name, or differ in case only", Quoted(.0), Quoted(.1))]
    Twins(String, String),
    /// A symbolic link.
    #[error("entry {} is a symbolic link", Quoted(.0))]
    Link(String),
    /// Neither stored nor deflated, or encrypted.
    #[error("entry {}: {why}", Quoted(.name))]
    Method {
        /// The entry.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The local header and the directory disagree, or have more than is needed.
    #[error("entry {}: {why}", Quoted(.name))]
    Header {
        /// The entry.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Bytes that belong to no entry, or to two.
    #[error("{0}")]
    Layout(&'static str),
    /// The bytes of an entry cannot be unpacked as the directory says.
    #[error("entry {}: {why}", Quoted(.name))]
    Unreadable {
        /// The entry.
        name: String,
        /// Why.
        why: ReadError,
    },
    /// An entry over the limit.
    #[error("entry {} has {size} bytes unpacked; the limit is {limit}", Quoted(.name))]
    Size {
        /// The entry.
        name: String,
        /// Its unpacked size.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

/// A regular archive, unpacked.
#[derive(Clone, Debug)]
pub struct Strict {
    files: BTreeMap<String, Vec<u8>>,
}

impl Strict {
    /// Reads an archive whose entries have at most `limit` bytes each. All that is wrong is told at once, as far as it can be
    /// told apart.
    ///
    /// # Errors
    /// Everything [`Irregular`], never empty.
    pub fn read(bytes: &[u8], limit: u64) -> Result<Strict, Vec<Irregular>> {
        let archive = Archive::read(bytes).map_err(|why| vec![why.into()])?;
        let mut found = Vec::new();
        if archive.entries().len() > crate::aegis::MOST_ENTRIES {
            return Err(vec![Irregular::Entries(archive.entries().len())]);
        }
        layout(bytes, &archive, &mut found);
        let mut twins = BTreeMap::new();
        for entry in archive.entries() {
            one(bytes, entry, &mut found);
            let name = entry.shown_name();
            if let Some(other) = twins.insert(name.to_ascii_lowercase(), name.clone()) {
                found.push(Irregular::Twins(short(other), short(name)));
            }
        }
        let mut files = BTreeMap::new();
        // Only what is laid out well is unpacked: no byte is unpacked twice, so the work is bounded by the file.
        if found.is_empty() {
            let unpack = |entry: &Entry<'_>| contents(&archive, entry, limit).map(|file| (entry.shown_name(), file));
            let unpacked: Vec<_> = archive.entries().par_iter().map(unpack).collect();
            for file in unpacked {
                match file {
                    Ok((name, unpacked)) => drop(files.insert(name, unpacked)),
                    Err(why) => found.push(why),
                }
            }
        }
        if found.is_empty() { Ok(Strict { files }) } else { Err(found) }
    }

    /// The files by name, in the order of their names' bytes.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

fn contents(archive: &Archive<'_>, entry: &Entry<'_>, limit: u64) -> Result<Vec<u8>, Irregular> {
    let name = || short(entry.shown_name());
    if entry.unpacked > limit {
        return Err(Irregular::Size { name: name(), size: entry.unpacked, limit });
    }
    let unpacked = archive.unpack(entry, limit).map_err(|why| Irregular::Unreadable { name: name(), why })?;
    if entry.crc == 0 {
        // A host compares it with nothing.
        let mut crc = flate2::Crc::new();
        crc.update(&unpacked);
        if crc.sum() != 0 {
            return Err(Irregular::Unreadable { name: name(), why: ReadError::Checksum });
        }
    }
    Ok(unpacked)
}

fn short(name: String) -> String {
    shorten(&name, 200).into_owned()
}

/// Every byte belongs to one entry, to the directory or to its end.
fn layout(bytes: &[u8], archive: &Archive<'_>, found: &mut Vec<Irregular>) {
    let mut entries: Vec<&Entry<'_>> = archive.entries().iter().collect();
    entries.sort_by_key(|entry| entry.offset);
    let mut next: i64 = 0;
    for entry in entries {
        match entry.offset.cmp(&next) {
            std::cmp::Ordering::Less => found.push(Irregular::Layout("two entries share bytes")),
            std::cmp::Ordering::Greater if next == 0 => {
                found.push(Irregular::Layout("there are bytes before the first entry"));
            }
            std::cmp::Ordering::Greater => found.push(Irregular::Layout("there are bytes between two entries")),
            std::cmp::Ordering::Equal => {}
        }
        let Some(header) = at(bytes, entry.offset, LOCAL_SIZE) else { return };
        let size = LOCAL_SIZE as u64 + u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28));
        let end = size.checked_add(entry.packed).and_then(|size| i64::try_from(size).ok());
        next = end.and_then(|size| entry.offset.checked_add(size)).unwrap_or(i64::MAX);
    }
    let directory: usize = archive
        .entries()
        .iter()
        .map(|entry| HEADER_SIZE + entry.name.len() + entry.extra.len() + entry.comment.len())
        .sum();
    let Some(end) = bytes.len().checked_sub(END_SIZE).filter(|at| u32_at(bytes, *at) == END) else {
        found.push(Irregular::Layout("there are bytes after the end of the archive, or a comment"));
        return;
    };
    let count = archive.entries().len();
    let says = [u32_at(bytes, end + 4), u32::from(u16_at(bytes, end + 8)), u32::from(u16_at(bytes, end + 10))];
    let size = (u64::from(u32_at(bytes, end + 12)), u64::from(u32_at(bytes, end + 16)));
    if end.checked_sub(directory).and_then(|start| i64::try_from(start).ok()) != Some(next) {
        found.push(Irregular::Layout("there are bytes between the entries and the directory, or around the directory"));
    } else if says != [0, count as u32, count as u32] || size != (directory as u64, next.unsigned_abs()) {
        found.push(Irregular::Layout("the directory's end says something else than the directory"));
    }
}

/// One entry: its name, its kind, and its local header against the directory.
fn one(bytes: &[u8], entry: &Entry<'_>, found: &mut Vec<Irregular>) {
    let name = short(entry.shown_name());
    if let Err(why) = path::publishable(entry.name) {
        found.push(Irregular::Name { name: name.clone(), why });
    }
    if entry.is_link() {
        found.push(Irregular::Link(name.clone()));
    }
    if let Some(why) = method(entry) {
        found.push(Irregular::Method { name: name.clone(), why });
    }
    if let Some(why) = header(bytes, entry) {
        found.push(Irregular::Header { name, why });
    }
}

fn method(entry: &Entry<'_>) -> Option<&'static str> {
    if entry.flags & 0x41 != 0 {
        Some("it is marked as encrypted")
    } else if !matches!(entry.method, 0 | 8) {
        Some("it is neither stored nor deflated")
    } else if entry.method == 0 && entry.packed != entry.unpacked {
        Some("it is stored, and its two sizes differ")
    } else {
        None
    }
}

fn header(bytes: &[u8], entry: &Entry<'_>) -> Option<&'static str> {
    let Some(local) = at(bytes, entry.offset, LOCAL_SIZE) else {
        return Some("its local header lies outside the file");
    };
    let name = at(bytes, entry.offset + LOCAL_SIZE as i64, usize::from(u16_at(local, 26)));
    let crc = u32_at(local, 14);
    if u32_at(local, 0) != LOCAL {
        Some("there is no local header where the directory says")
    } else if entry.has_descriptor() {
        Some("its sizes stand after its data (data descriptor)")
    } else if entry.flags & !0x0806 != 0 {
        Some("it has a flag that a bundle does not need")
    } else if name != Some(entry.name) {
        Some("its local header has another name than the directory")
    } else if u16_at(local, 28) != 0 || !entry.extra.is_empty() {
        Some("it has extra fields")
    } else if !entry.comment.is_empty() {
        Some("it has a comment")
    } else if crc != entry.crc {
        Some("its local header has another checksum than the directory")
    } else if (u64::from(u32_at(local, 18)), u64::from(u32_at(local, 22))) != (entry.packed, entry.unpacked) {
        Some("its local header has other sizes than the directory")
    } else if (u16_at(local, 4), u16_at(local, 6), u16_at(local, 8), u32_at(local, 10))
        != (entry.needs, entry.flags, entry.method, entry.modified)
    {
        Some("its local header differs from the directory")
    } else {
        None
    }
}
