//! One entry: what the directory says of it, and its bytes as a host unpacks them.

use flate2::Crc;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::{at, u16_at, u32_at};

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const LOCAL_SIZE: usize = 30;
const DESCRIPTOR: u32 = 0x0807_4b50;
/// Most bytes that one byte of deflate data can become, and some: what is reserved follows the bytes that are there.
const MOST_RATIO: u64 = 1040;
/// How far back deflate data refers.
const WINDOW: usize = 32 << 10;
/// Bytes that are unpacked at once.
const STEP: usize = 64 << 10;

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
        let mut unpacked = Vec::with_capacity(usize::try_from(most).map_err(|_| ReadError::Format)?);
        self.unpack_to(bytes, limit, &mut |piece| unpacked.extend_from_slice(piece))?;
        Ok(unpacked)
    }

    /// Hands the entry's bytes on as they come, and gives their number. Only the end tells whether they are the entry's.
    pub(super) fn unpack_to(&self, bytes: &[u8], limit: u64, take: &mut dyn FnMut(&[u8])) -> Result<u64, ReadError> {
        let body = self.body(bytes)?;
        if self.name.ends_with(b"/") {
            return if self.unpacked == 0 { Ok(0) } else { Err(ReadError::Format) };
        }
        let from = bytes.get(usize::try_from(body).unwrap_or(usize::MAX)..).unwrap_or_default();
        // A size beyond Go's signed numbers reads nothing.
        let size = i64::try_from(self.packed).unwrap_or_default();
        let packed = &from[..usize::try_from(size).unwrap_or(usize::MAX).min(from.len())];
        let wanted = self.unpacked.min(limit);
        let mut crc = Crc::new();
        let mut take = |piece: &[u8]| {
            crc.update(piece);
            take(piece);
        };
        let count = match self.method {
            0 => stored(packed, wanted, &mut take)?,
            8 => inflated(packed, wanted, &mut take)?,
            _ => return Err(ReadError::Method),
        };
        if count < self.unpacked {
            return Err(ReadError::Short);
        }
        self.compare(bytes, body, crc.sum())?;
        Ok(count)
    }

    /// CRC-32 against the directory, and against the descriptor where there is one. A CRC of 0 is compared with nothing
    /// else, as in Go.
    fn compare(&self, bytes: &[u8], body: i64, crc: u32) -> Result<(), ReadError> {
        if self.has_descriptor() {
            let start = i64::try_from(self.packed).ok().and_then(|packed| body.checked_add(packed));
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

fn stored(packed: &[u8], wanted: u64, take: &mut dyn FnMut(&[u8])) -> Result<u64, ReadError> {
    if packed.len() as u64 > wanted {
        return Err(ReadError::Format);
    }
    packed.chunks(STEP).for_each(take);
    Ok(packed.len() as u64)
}

/// Inflates into a buffer that keeps the window and moves it to its front: a decoder that wraps around in its buffer takes a
/// distance that reaches before the first byte for zeros, Go refuses it.
fn inflated(mut packed: &[u8], wanted: u64, take: &mut dyn FnMut(&[u8])) -> Result<u64, ReadError> {
    const FLAGS: u32 = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut inflate = Box::<DecompressorOxide>::default();
    let mut buffer = vec![0; WINDOW + STEP];
    let (mut end, mut count) = (0, 0_u64);
    loop {
        let (status, read, written) = decompress(&mut inflate, packed, &mut buffer, end, FLAGS);
        packed = &packed[read..];
        count += written as u64;
        if count > wanted {
            return Err(ReadError::Format);
        }
        take(&buffer[end..end + written]);
        end += written;
        match status {
            TINFLStatus::Done => return Ok(count),
            TINFLStatus::HasMoreOutput => {
                let kept = end.min(WINDOW);
                buffer.copy_within(end - kept..end, 0);
                end = kept;
            }
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => return Err(ReadError::Short),
            _ => return Err(ReadError::Corrupt),
        }
    }
}
