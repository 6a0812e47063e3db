//! One tar header: what kind of entry, which name, how many bytes.
//!
//! The formats differ only in fields that decide nothing here, but a field one reader understands and another skips is
//! where two readers part. So every number must be one, a magic we do not know is refused rather than taken for V7, bytes
//! where a format has no field are zeros, and of PAX records only those pass that are known to change nothing.

use std::ops::Range;

use super::Malformed;
use crate::text::shorten;

/// Size of headers, and what everything is padded to.
pub(super) const BLOCK: usize = 512;

/// What a header says, as far as it matters.
pub(super) struct Header {
    /// Full name, prefix included: any bytes.
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryKind,
    /// Bytes of content that follow, padding not counted. At most 2^63 - 1.
    pub(super) size: u64,
}

pub(super) enum EntryKind {
    File,
    Directory,
    /// PAX records for the entry that follows.
    Pax,
    /// Anything else, described.
    Other(String),
}

impl Header {
    /// Reads a block that is not all zeros. `entry` is for messages.
    pub(super) fn parse(block: &[u8; BLOCK], entry: usize) -> Result<Header, Malformed> {
        let number =
            |from: usize, to: usize, field| number(&block[from..to]).ok_or(Malformed::HeaderNumber { entry, field });
        if checksum(block) != number(148, 156, "checksum")? {
            return Err(Malformed::HeaderChecksum { entry });
        }
        let format = Format::of(block).ok_or(Malformed::HeaderFormat { entry })?;
        for (from, to, field) in [(100, 108, "mode"), (108, 116, "owner"), (116, 124, "group"), (136, 148, "time")] {
            number(from, to, field)?;
        }
        let devices = [number(329, 337, "major device number")?, number(337, 345, "minor device number")?];
        let is_unused = format.unused().iter().cloned().flatten().any(|at| block[at] != 0);
        // GNU tar writes the device numbers of V7 headers too, as zeros.
        if is_unused || format == Format::V7 && devices != [0, 0] {
            return Err(Malformed::HeaderUnused { entry });
        }
        let times: &[(usize, usize)] = match format {
            Format::V7 | Format::Ustar => &[],
            Format::Star => &[(476, 488), (488, 500)],
            Format::Gnu => &[(345, 357), (357, 369)],
        };
        for (from, to) in times {
            number(*from, *to, "access or change time")?;
        }
        let size = number(124, 136, "size")?;

        let mut name = text(&block[..100]).to_vec();
        let prefix = match format {
            Format::Ustar => text(&block[345..500]),
            Format::Star => text(&block[345..476]),
            Format::V7 | Format::Gnu => &[],
        };
        if !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = match block[156] {
            // Before there was a type for directories, a slash at the end made one.
            0 if name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' => EntryKind::File,
            b'5' => EntryKind::Directory,
            b'x' => EntryKind::Pax,
            other => EntryKind::Other(describe(other)),
        };
        Ok(Header { name, kind, size })
    }

    /// The name for people.
    pub(super) fn shown(&self) -> String {
        shown(&self.name)
    }
}

/// A name for people: what is no text of it is replaced.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    V7,
    Ustar,
    /// ustar with a shorter prefix and two more times.
    Star,
    Gnu,
}

impl Format {
    fn of(block: &[u8; BLOCK]) -> Option<Format> {
        match &block[257..265] {
            b"ustar\x0000" if block[508..] == *b"tar\0" => Some(Format::Star),
            b"ustar\x0000" => Some(Format::Ustar),
            b"ustar  \0" => Some(Format::Gnu),
            [0, 0, 0, 0, 0, 0, 0, 0] => Some(Format::V7),
            _ => None,
        }
    }

    /// Bytes that are no field of a file's header, and are one to readers that take it for another format: a prefix where
    /// V7 has none (Python), a map of holes in an old GNU header (bsdtar).
    fn unused(self) -> &'static [Range<usize>] {
        match self {
            Format::V7 => &[257..329, 345..500],
            // The map of holes; whether it goes on, and the size without holes.
            Format::Gnu => &[386..482, 482..495],
            Format::Ustar | Format::Star => &[],
        }
    }
}

/// Sum of all bytes, those of the checksum itself taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    sum(&block[..148]) + 8 * u64::from(b' ') + sum(&block[156..])
}

/// A field's text: everything before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits between spaces and NULs, or GNU's base 256. Empty is 0; negative numbers and those over 2^63 - 1 are none.
fn number(field: &[u8]) -> Option<u64> {
    let limit = |value: u64| i64::try_from(value).ok().map(|_| value);
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        // The bit below the marker is the sign.
        let mut value = u64::from(first & 0x7f);
        if value & 0x40 != 0 {
            return None;
        }
        for byte in rest {
            value = value.checked_mul(256)? | u64::from(*byte);
        }
        return limit(value);
    }
    let blank = |byte: &u8| *byte == b' ' || *byte == 0;
    let Some(start) = field.iter().position(|byte| !blank(byte)) else { return Some(0) };
    let end = field.iter().rposition(|byte| !blank(byte))?;
    let mut value = 0_u64;
    for byte in &field[start..=end] {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)? | u64::from(digit);
    }
    limit(value)
}

fn describe(kind: u8) -> String {
    match kind {
        b'1' => "a hard link".into(),
        b'2' => "a symbolic link".into(),
        b'3' => "a character device".into(),
        b'4' => "a block device".into(),
        b'6' => "a named pipe".into(),
        b'7' => "a contiguous file".into(),
        b'g' => "a global PAX header (`git archive` writes one)".into(),
        b'K' => "a GNU long link name".into(),
        b'L' => "a GNU long name".into(),
        b'S' => "a sparse file".into(),
        other => format!("of the unknown type '{}'", char::from(other).escape_debug()),
    }
}

/// Records that change neither the name nor the content of a file, for any reader.
const HARMLESS: [&[u8]; 12] = [
    b"atime",
    b"mtime",
    b"ctime",
    b"uid",
    b"gid",
    b"uname",
    b"gname",
    b"comment",
    b"LIBARCHIVE.creationtime",
    b"SCHILY.dev",
    b"SCHILY.ino",
    b"SCHILY.nlink",
];
/// Beginnings of such records: attributes, access lists and flags, as tar writes them on Linux and macOS.
const ATTRIBUTES: [&[u8]; 5] =
    [b"SCHILY.xattr.", b"LIBARCHIVE.xattr.", b"SCHILY.acl.", b"SCHILY.fflags", b"RHT.security.selinux"];

/// Whether a record may stand. GNU tar passes over blanks before a key, so a key holds none.
fn is_harmless(key: &[u8]) -> bool {
    key.iter().all(u8::is_ascii_graphic)
        && (HARMLESS.contains(&key) || ATTRIBUTES.iter().any(|prefix| key.starts_with(prefix)))
}

/// Goes through the records of a PAX header: times and attributes pass, and are dropped.
pub(super) fn check_pax(records: &[u8], entry: usize) -> Result<(), Malformed> {
    let broken = |reason| Malformed::PaxSyntax { entry, reason };
    let mut rest = records;
    while !rest.is_empty() {
        // "<length> <key>=<value>\n", the length counting itself.
        let space = rest.iter().take(20).position(|byte| *byte == b' ').ok_or(broken("a record has no length"))?;
        let length = decimal(&rest[..space]).ok_or(broken("a record has no length"))?;
        let record = usize::try_from(length).ok().and_then(|length| rest.get(space + 1..length));
        let record = record.and_then(|record| record.strip_suffix(b"\n"));
        let record = record.ok_or(broken("a record does not end where it says"))?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(broken("a record has no `=`"))?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        rest = &rest[length as usize..];

        match key {
            b"" => return Err(broken("a record has no key")),
            _ if key.contains(&0) => return Err(broken("a key holds a NUL")),
            _ if !is_harmless(key) => {
                let key = shorten(&String::from_utf8_lossy(key), 100).into_owned();
                return Err(Malformed::PaxOverride { entry, key });
            }
            b"uname" | b"gname" if value.contains(&0) => return Err(broken("an owner's name holds a NUL")),
            b"uid" | b"gid" if !value.is_empty() && decimal(value).is_none() => {
                return Err(broken("an owner is not a number"));
            }
            b"atime" | b"ctime" | b"mtime" if !value.is_empty() && !is_time(value) => {
                return Err(broken("a time is not a number"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Up to 18 decimal digits.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |value: u64, byte| {
        byte.checked_sub(b'0').filter(|digit| *digit < 10).map(|digit| value * 10 + u64::from(digit))
    })
}

/// Seconds, perhaps negative, perhaps with a fraction.
fn is_time(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let dot = text.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = dot.map_or((text, &[][..]), |dot| (&text[..dot], &text[dot + 1..]));
    decimal(whole).is_some() && fraction.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_octal_or_base_256_and_never_negative() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"12 3", None),
            (b"0x10", None),
            (b"-1", None),
            (b"8", None),
            (b"\x80\0\0\x01", Some(1)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX as u64)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"777777777777777777777777", None),
        ] {
            assert_eq!(number(field), value, "{}", field.escape_ascii());
        }
    }

    /// A header of a file with this magic and these bytes changed, and a checksum that fits.
    fn parsed(magic: &[u8], changes: &[usize]) -> Result<Header, Malformed> {
        let mut block = [0; BLOCK];
        block[..9].copy_from_slice(b"action.md");
        block[156] = b'0';
        block[257..257 + magic.len()].copy_from_slice(magic);
        changes.iter().for_each(|at| block[*at] = b'7');
        let sum = format!("{:06o}\0 ", checksum(&block));
        block[148..156].copy_from_slice(sum.as_bytes());
        Header::parse(&block, 1)
    }

    #[test] // artifacts.md §7
    fn bytes_where_a_format_has_no_field_are_zeros() {
        for magic in [&b""[..], b"ustar\x0000", b"ustar  \0"] {
            assert!(parsed(magic, &[]).is_ok(), "{}", magic.escape_ascii());
        }
        for (magic, places) in
            [(&b""[..], &[265, 297, 329, 345, 400, 499][..]), (b"ustar  \0", &[386, 398, 410, 482, 483, 494])]
        {
            for at in places {
                let refused = parsed(magic, &[*at]).err();
                assert_eq!(refused, Some(Malformed::HeaderUnused { entry: 1 }), "{} at {at}", magic.escape_ascii());
            }
        }
        assert!(parsed(b"ustar  \0", &[265, 297, 345, 357]).is_ok(), "owner names and times");
        assert_eq!(parsed(b"ustar\x0000", &[345]).map(|header| header.name).ok(), Some(b"7/action.md".to_vec()));
    }

    #[test] // artifacts.md §7
    fn a_pax_header_may_carry_times_and_attributes_only() {
        let fits = |records: &[u8]| check_pax(records, 1);
        assert_eq!(fits(b""), Ok(()));
        assert_eq!(fits(b"30 mtime=1700000000.123456789\n12 uid=1001\n17 comment=a=b\nc\n"), Ok(()));
        assert_eq!(fits(b"26 LIBARCHIVE.xattr.a=\0\x01\xff\n"), Ok(()));
        assert_eq!(fits(b"30 SCHILY.xattr.user.mime=a b\n22 SCHILY.acl.access=\n"), Ok(()));
        for records in [
            &b"22 path=manifest.toml\n"[..],
            b"14 linkpath=a\n",
            b"10 size=1\n",
            b"22 GNU.sparse.major=1\n",
            b"12  path=ab\n",
            b"12 \tpath=ab\n",
            b"11  size=1\n",
            b"12 size =10\n",
            b"21  GNU.sparse.map=0\n",
            b"29 SUN.holesdata= 0 10 20 30\n",
            b"21 SCHILY.realsize=1\n",
            b"19 hdrcharset=UTF8\n",
            b"11 Path=ab\n",
            b"12 path\x1b=ab\n",
            b"11 mtime =\n",
            b"21 SCHILY.xattr.a b=\n",
            b"10 x\xc2\xa0y=b\n",
            b"13 newkey=ab\n",
            b"28 LIBARCHIVE.symlinktype=f\n",
        ] {
            assert!(
                matches!(fits(records), Err(Malformed::PaxOverride { .. })),
                "{} {:?}",
                records.escape_ascii(),
                fits(records)
            );
        }
        for records in [
            &b"5"[..],
            b" a=b\n",
            b"6 a=b",
            b"6 a=bc",
            b"9 a=b\n",
            b"3 \n",
            b"0 a=b\n",
            b"1 a=b\n",
            b"6 abc\n",
            b"5 =b\n",
            b"+6 a=b\n",
            b"99999999999999999999 a=b\n",
            b"12 mtime=xx\n",
            b"8 uid=-\n",
            b"13 comment=b\n\0",
        ] {
            assert!(matches!(fits(records), Err(Malformed::PaxSyntax { .. })), "{}", records.escape_ascii());
        }
    }
}
