//! One entry: what the directory says of it, and its bytes as a host unpacks them.

use super::unpack::{Output, Whole, inflate, store};
use super::{at, u16_at, u32_at};

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const LOCAL_SIZE: usize = 30;
const DESCRIPTOR: u32 = 0x0807_4b50;
/// Most bytes that one byte of deflate data can become, and some: what is reserved follows the bytes that are there.
const MOST_RATIO: u64 = 1040;

/// An entry of the directory. Numbers are as the directory has them, zip64 fields applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name, as bytes: a host takes any.
    pub name: &'a [u8],
    /// Extra fields.
    pub extra: &'a [u8],
    /// Its comment.
    pub comment: &'a [u8],
    /// *version made by*: the high byte is the creator's system.
    pub made_by: u16,
    /// *version needed*.
    pub needs: u16,
    /// General purpose flags.
    pub flags: u16,
    /// Compression method.
    pub method: u16,
    /// Date and time of DOS; the date is the high half.
    pub modified: u32,
    /// CRC-32 of the unpacked bytes.
    pub crc: u32,
    /// Packed size.
    pub packed: u64,
    /// Unpacked size.
    pub unpacked: u64,
    /// External attributes; Unix modes are the high half.
    pub attributes: u32,
    /// Where the local header stands in the file.
    pub offset: i64,
}

/// The bytes of an entry as they lie in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<'b> {
    /// Where they begin.
    body: i64,
    data: &'b [u8],
}

/// Why an entry cannot be read. The words are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no local header at its offset. The entry cannot be opened.
    #[error("zip: not a valid zip file")]
    NoHeader,
    /// Its header lies past the end of the file. The entry cannot be opened.
    #[error("EOF")]
    NoFile,
    /// The method is neither 0 nor 8. The entry cannot be opened.
    #[error("zip: unsupported compression algorithm")]
    Method,
    /// More bytes than the directory says, or bytes of a directory.
    #[error("zip: not a valid zip file")]
    Format,
    /// Fewer bytes than the directory says.
    #[error("unexpected EOF")]
    Short,
    /// The deflate data is damaged.
    #[error("flate: corrupt input")]
    Corrupt,
    /// The bytes have another CRC-32.
    #[error("zip: checksum error")]
    Checksum,
}

impl ReadError {
    /// Whether the entry cannot even be opened.
    pub fn is_opening(self) -> bool {
        match self {
            ReadError::NoHeader | ReadError::NoFile | ReadError::Method => true,
            ReadError::Format | ReadError::Short | ReadError::Corrupt | ReadError::Checksum => false,
        }
    }
}

impl<'a> Entry<'a> {
    /// The name for messages; what is not UTF-8 is replaced.
    pub fn shown_name(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }

    /// A symbolic link for a host: the bits count for creators on Unix and macOS alone. aegis-bundle.md §2.3.
    pub fn is_link(&self) -> bool {
        matches!(self.made_by >> 8, 3 | 19) && self.attributes >> 16 & 0xf000 == 0xa000
    }

    /// Whether sizes and checksum follow the data.
    pub fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Where the packed bytes begin, by the local header.
    fn body(&self, bytes: &[u8]) -> Result<i64, ReadError> {
        let header = at(bytes, self.offset, LOCAL_SIZE).ok_or(ReadError::NoFile)?;
        if u32_at(header, 0) != LOCAL {
            return Err(ReadError::NoHeader);
        }
        Ok(self.offset + LOCAL_SIZE as i64 + i64::from(u16_at(header, 26)) + i64::from(u16_at(header, 28)))
    }

    /// The entry's bytes; see [`super::Archive::unpack`].
    pub(super) fn unpack(&self, bytes: &[u8], limit: u64) -> Result<Vec<u8>, ReadError> {
        let most = self.unpacked.min(limit).min((bytes.len() as u64).saturating_mul(MOST_RATIO));
        let mut whole = Whole::of(usize::try_from(most).map_err(|_| ReadError::Format)?);
        if let Some(packed) = self.open(bytes)? {
            let count = self.unpack_to(&packed, limit, &mut whole)?;
            self.compare(bytes, &packed, count, whole.crc())?;
        }
        Ok(whole.bytes())
    }

    /// The packed bytes, or `None` for a directory, which has none.
    pub(super) fn open<'b>(&self, bytes: &'b [u8]) -> Result<Option<Packed<'b>>, ReadError> {
        let body = self.body(bytes)?;
        if self.name.ends_with(b"/") {
            return if self.unpacked == 0 { Ok(None) } else { Err(ReadError::Format) };
        }
        let from = bytes.get(usize::try_from(body).unwrap_or(usize::MAX)..).unwrap_or_default();
        // A size beyond Go's signed numbers reads nothing.
        let size = i64::try_from(self.packed).unwrap_or_default();
        Ok(Some(Packed { body, data: &from[..usize::try_from(size).unwrap_or(usize::MAX).min(from.len())] }))
    }

    /// Unpacks what [`Entry::open`] found, and gives the number of bytes. They are the entry's once [`Entry::compare`] says so.
    pub(super) fn unpack_to(
        &self,
        packed: &Packed<'_>,
        limit: u64,
        output: &mut impl Output,
    ) -> Result<u64, ReadError> {
        let wanted = self.unpacked.min(limit);
        match self.method {
            0 => store(packed.data, wanted, output),
            8 => inflate(packed.data, wanted, output),
            _ => Err(ReadError::Method),
        }
    }

    /// The number of unpacked bytes and their CRC-32 against the directory, and against the descriptor where there is one. A CRC
    /// of 0 is compared with nothing else, as in Go.
    pub(super) fn compare(&self, bytes: &[u8], packed: &Packed<'_>, count: u64, crc: u32) -> Result<(), ReadError> {
        if count < self.unpacked {
            return Err(ReadError::Short);
        }
        if self.has_descriptor() {
            let start = i64::try_from(self.packed).ok().and_then(|size| packed.body.checked_add(size));
            let start = start.ok_or(ReadError::Short)?;
            let first = at(bytes, start, 4).ok_or(ReadError::Short)?;
            let skipped = if u32_at(first, 0) == DESCRIPTOR { 4 } else { 0 };
            let descriptor = at(bytes, start + skipped, 12).ok_or(ReadError::Short)?;
            if u32_at(descriptor, 0) != self.crc {
                return Err(ReadError::Checksum);
            }
        }
        let is_compared = self.has_descriptor() || self.crc != 0;
        if is_compared && crc != self.crc { Err(ReadError::Checksum) } else { Ok(()) }
    }
}
