//! Finding and reading the directory, step by step as Go's `archive/zip` does.

use super::entry::Entry;
use super::{NotAZip, at, u16_at, u32_at, u64_at};

pub(super) const END: u32 = 0x0605_4b50;
pub(super) const END_SIZE: usize = 22;
pub(super) const HEADER: u32 = 0x0201_4b50;
pub(super) const HEADER_SIZE: usize = 46;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCATOR_64_SIZE: i64 = 20;
const END_64: u32 = 0x0606_4b50;
const END_64_SIZE: usize = 56;
const EXTRA_64: u16 = 1;
const ALL: u32 = u32::MAX;

/// The directory's end, and where the archive begins in the file.
struct End {
    records: u64,
    offset: i64,
    base: i64,
}

/// Every entry that a header can be read for, in order.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Entry<'_>>, NotAZip> {
    let end = end(bytes)?;
    let mut entries = Vec::new();
    let mut next = end.base + end.offset;
    // Go reads headers until one is not one, and compares the last 16 bits of their number.
    let ended = loop {
        match header(bytes, next) {
            Ok((mut entry, size)) => {
                entry.offset = entry.offset.wrapping_add(end.base);
                entries.push(entry);
                next += size;
            }
            Err(NotAZip::End) => return Err(NotAZip::End),
            Err(why) => break why,
        }
    };
    if entries.len() as u64 & 0xffff != end.records & 0xffff {
        return Err(ended);
    }
    Ok(entries)
}

fn end(bytes: &[u8]) -> Result<End, NotAZip> {
    let size = bytes.len();
    let (mut place, found) = [1024, 65 * 1024]
        .into_iter()
        .find_map(|window| {
            let start = size - size.min(window);
            let found = signature(&bytes[start..])?;
            Some(((start + found) as i64, &bytes[start + found..]))
        })
        .ok_or(NotAZip::Format)?;
    let (mut records, mut length, mut offset) =
        (u64::from(u16_at(found, 10)), u64::from(u32_at(found, 12)), u64::from(u32_at(found, 16)));
    if usize::from(u16_at(found, 20)) > found.len() - END_SIZE {
        return Err(NotAZip::Comment);
    }
    // Go compares the directory's size with 0xffff here, and so does this.
    if (records == 0xffff || length == 0xffff || offset == u64::from(ALL))
        && let Some(other) = locate_64(bytes, place)
    {
        let record = at(bytes, other, END_64_SIZE).ok_or(NotAZip::End)?;
        if u32_at(record, 0) != END_64 {
            return Err(NotAZip::Format);
        }
        (records, length, offset) = (u64_at(record, 32), u64_at(record, 40), u64_at(record, 48));
        place = other;
    }
    let (length, offset) =
        (i64::try_from(length).map_err(|_| NotAZip::Format)?, i64::try_from(offset).map_err(|_| NotAZip::Format)?);
    let mut base = place.wrapping_sub(length).wrapping_sub(offset);
    let start = base.wrapping_add(offset);
    if start < 0 || start >= size as i64 {
        return Err(NotAZip::Format);
    }
    if base > 0 && header(bytes, offset).is_ok() {
        base = 0;
    }
    Ok(End { records, offset, base })
}

/// The last signature of a directory's end whose comment fits; a last one whose comment does not fit hides all others.
fn signature(block: &[u8]) -> Option<usize> {
    let last = block.len().checked_sub(END_SIZE)?;
    let found = (0..=last).rev().find(|at| u32_at(block, *at) == END)?;
    (usize::from(u16_at(block, found + 20)) + END_SIZE + found <= block.len()).then_some(found)
}

fn locate_64(bytes: &[u8], end: i64) -> Option<i64> {
    let locator = at(bytes, end - LOCATOR_64_SIZE, LOCATOR_64_SIZE as usize)?;
    let valid = u32_at(locator, 0) == LOCATOR_64 && u32_at(locator, 4) == 0 && u32_at(locator, 16) == 1;
    // Go reads the offset as signed, and takes a negative one for "not there".
    valid.then(|| u64_at(locator, 8) as i64).filter(|offset| *offset >= 0)
}

/// One header of the directory, and its size.
fn header(bytes: &[u8], start: i64) -> Result<(Entry<'_>, i64), NotAZip> {
    let rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    if rest.is_empty() {
        return Err(NotAZip::End);
    }
    if rest.len() < HEADER_SIZE {
        return Err(NotAZip::UnexpectedEnd);
    }
    if u32_at(rest, 0) != HEADER {
        return Err(NotAZip::Format);
    }
    let (name, extra, comment) =
        (usize::from(u16_at(rest, 28)), usize::from(u16_at(rest, 30)), usize::from(u16_at(rest, 32)));
    let size = HEADER_SIZE + name + extra + comment;
    if rest.len() == HEADER_SIZE && size > HEADER_SIZE {
        return Err(NotAZip::End);
    }
    let whole = rest.get(..size).ok_or(NotAZip::UnexpectedEnd)?;
    let mut entry = Entry {
        name: &whole[HEADER_SIZE..HEADER_SIZE + name],
        extra: &whole[HEADER_SIZE + name..HEADER_SIZE + name + extra],
        comment: &whole[HEADER_SIZE + name + extra..],
        made_by: u16_at(whole, 4),
        needs: u16_at(whole, 6),
        flags: u16_at(whole, 8),
        method: u16_at(whole, 10),
        modified: u32_at(whole, 12),
        crc: u32_at(whole, 16),
        packed: u64::from(u32_at(whole, 20)),
        unpacked: u64::from(u32_at(whole, 24)),
        attributes: u32_at(whole, 38),
        offset: i64::from(u32_at(whole, 42)),
    };
    extended(&mut entry)?;
    Ok((entry, size as i64))
}

/// Sizes and offset of a zip64 field, where the plain ones are all ones.
fn extended(entry: &mut Entry<'_>) -> Result<(), NotAZip> {
    let all = u64::from(ALL);
    let mut wanted = [entry.unpacked == all, entry.packed == all, entry.offset == i64::from(ALL)];
    let mut rest = entry.extra;
    while rest.len() >= 4 {
        let (tag, size) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let Some(mut field) = rest.get(4..4 + size) else { break };
        rest = &rest[4 + size..];
        if tag != EXTRA_64 {
            continue;
        }
        for (which, is_wanted) in wanted.iter_mut().enumerate().filter(|(_, is_wanted)| **is_wanted) {
            *is_wanted = false;
            if field.len() < 8 {
                return Err(NotAZip::Format);
            }
            let value = u64_at(field, 0);
            field = &field[8..];
            match which {
                0 => entry.unpacked = value,
                1 => entry.packed = value,
                _ => entry.offset = value as i64,
            }
        }
    }
    // 2^32-1 may be a real size; as packed size or offset it is not believed.
    if wanted[1] || wanted[2] { Err(NotAZip::Format) } else { Ok(()) }
}
