//! One gzip member, and nothing after it.
//!
//! Decoders in common use join further members, ignore what trails, and are content when the trailer is missing. Each of
//! these hides bytes from somebody, so header and trailer are parsed here and only the deflate data is left to the library.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{MAX_ARCHIVE, MAX_RATIO, MAX_UNPACKED, Malformed, RATIO_FROM};

/// Bytes unpacked at a time. More than the 32 KiB deflate can look back, which [`Unpacked::start`] relies on.
const WINDOW: usize = 64 << 10;

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Longest file name or comment in a header: what Go's decoder, and so the existing runtime, takes.
const MAX_TEXT: usize = 511;

/// The unpacked bytes of an archive, as a stream with bounded memory.
pub(super) struct Unpacked<'a> {
    /// Not yet consumed: deflate data, then the trailer.
    rest: &'a [u8],
    /// Size of the whole archive.
    packed: u64,
    unpacked: u64,
    inflate: Decompress,
    crc: Crc,
    window: Vec<u8>,
    /// What of `window` was unpacked and not yet read.
    ready: std::ops::Range<usize>,
    ended: bool,
}

impl<'a> Unpacked<'a> {
    /// Reads the header.
    pub(super) fn open(archive: &'a [u8]) -> Result<Unpacked<'a>, Malformed> {
        let packed = archive.len() as u64;
        if packed > MAX_ARCHIVE {
            return Err(Malformed::ArchiveTooLarge { found: packed });
        }
        let mut stream = Unpacked {
            rest: header(archive)?,
            packed,
            unpacked: 0,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            window: vec![0; WINDOW],
            ready: 0..0,
            ended: false,
        };
        stream.start()?;
        Ok(stream)
    }

    /// Unpacks the first window in one go.
    ///
    /// A stream decoder looks back into a zeroed ring, so it takes a distance that reaches before the first byte for
    /// zeros. Decoding in one go does not, and after 32 KiB no distance reaches that far. Most actions end here.
    fn start(&mut self) -> Result<(), Malformed> {
        let status = self.inflate.decompress(self.rest, &mut self.window, FlushDecompress::Finish);
        match status.map_err(|_| Malformed::Deflate { unpacked: 0 })? {
            Status::StreamEnd => {
                self.ended = true;
                self.took(self.inflate.total_in() as usize, self.inflate.total_out() as usize)
            }
            Status::Ok | Status::BufError => {
                self.inflate.reset(false);
                Ok(())
            }
        }
    }

    /// Fills `to`, or as much of it as there is: less only at the end.
    pub(super) fn read(&mut self, to: &mut [u8]) -> Result<usize, Malformed> {
        let mut filled = 0;
        while filled < to.len() && self.refill()? {
            let count = self.ready.len().min(to.len() - filled);
            let from = self.ready.start;
            to[filled..filled + count].copy_from_slice(&self.window[from..from + count]);
            self.ready.start += count;
            filled += count;
        }
        Ok(filled)
    }

    /// The next `count` bytes, or as many as there are. Claims that the packed bytes cannot fulfil within the caps reserve
    /// nothing: they are read past until the rule they break is met.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, Malformed> {
        let keeps = count <= self.at_most();
        let mut taken = Vec::with_capacity(if keeps { count as usize } else { 0 });
        let mut left = count;
        while left > 0 && self.refill()? {
            let step = left.min(self.ready.len() as u64);
            let from = self.ready.start;
            if keeps {
                taken.extend_from_slice(&self.window[from..from + step as usize]);
            }
            self.ready.start += step as usize;
            left -= step;
        }
        Ok(taken)
    }

    /// Bytes that can still be read before the stream breaks a cap.
    fn at_most(&self) -> u64 {
        let total = RATIO_FROM.max(self.packed * MAX_RATIO).min(MAX_UNPACKED);
        total - (self.unpacked - self.ready.len() as u64)
    }

    /// Reads the trailer once everything was read; nothing may follow it.
    pub(super) fn close(mut self) -> Result<(), Malformed> {
        while self.refill()? {
            self.ready = 0..0;
        }
        let Some((trailer, after)) = self.rest.split_first_chunk::<8>() else {
            return Err(Malformed::GzipCut("trailer"));
        };
        let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
        let (checksum, length) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([l0, l1, l2, l3]));
        if checksum != self.crc.sum() {
            return Err(Malformed::Checksum { stored: checksum, computed: self.crc.sum() });
        }
        if u64::from(length) != self.unpacked & u64::from(u32::MAX) {
            return Err(Malformed::Length { stored: length, unpacked: self.unpacked });
        }
        match after {
            [] => Ok(()),
            [0x1f, 0x8b, ..] => Err(Malformed::SecondGzipMember),
            _ => Err(Malformed::TrailingBytes { count: after.len() }),
        }
    }

    /// Makes sure that something is ready; `false` at the end of the data.
    fn refill(&mut self) -> Result<bool, Malformed> {
        while self.ready.is_empty() {
            if self.ended {
                return Ok(false);
            }
            let (consumed, unpacked) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(self.rest, &mut self.window, FlushDecompress::None);
            let status = status.map_err(|_| Malformed::Deflate { unpacked: self.unpacked })?;
            let consumed = (self.inflate.total_in() - consumed) as usize;
            let unpacked = (self.inflate.total_out() - unpacked) as usize;
            self.ended = status == Status::StreamEnd;
            if !self.ended && consumed == 0 && unpacked == 0 {
                return Err(Malformed::GzipCut("compressed data"));
            }
            self.took(consumed, unpacked)?;
        }
        Ok(true)
    }

    /// Accounts for one step: `unpacked` bytes stand at the start of the window.
    fn took(&mut self, consumed: usize, unpacked: usize) -> Result<(), Malformed> {
        self.rest = self.rest.get(consumed..).unwrap_or_default();
        self.ready = 0..unpacked;
        self.crc.update(&self.window[..unpacked]);
        self.unpacked += unpacked as u64;
        // Against the whole archive, which is in memory: the verdict does not hang on how far a decoder reads ahead.
        if self.unpacked > RATIO_FROM && self.unpacked > self.packed * MAX_RATIO {
            return Err(Malformed::Ratio { packed: self.packed, unpacked: self.unpacked });
        }
        if self.unpacked > MAX_UNPACKED {
            return Err(Malformed::UnpackedTooLarge);
        }
        Ok(())
    }
}

/// Checks the gzip header (RFC 1952) and returns what follows it.
fn header(archive: &[u8]) -> Result<&[u8], Malformed> {
    const CUT: Malformed = Malformed::GzipCut("header");
    match archive {
        [] => return Err(Malformed::NotGzip { found: "there are no bytes".into() }),
        [0x1f] | [0x1f, 0x8b, ..] => {}
        _ => return Err(Malformed::NotGzip { found: resemblance(archive) }),
    }
    let (fixed, mut rest) = archive.split_first_chunk::<10>().ok_or(CUT)?;
    let flags = fixed[3];
    if fixed[2] != 8 {
        return Err(Malformed::GzipHeader("the compression method is not deflate"));
    }
    if flags & RESERVED != 0 {
        return Err(Malformed::GzipHeader("a reserved flag is set"));
    }
    if flags & FEXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(CUT)?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..).ok_or(CUT)?;
    }
    for text in [FNAME, FCOMMENT] {
        if flags & text != 0 {
            let end = rest.iter().take(MAX_TEXT + 1).position(|byte| *byte == 0);
            let end = end.ok_or(match rest.len() > MAX_TEXT {
                true => Malformed::GzipHeader("the name or comment is longer than 511 bytes"),
                false => CUT,
            })?;
            rest = &rest[end + 1..];
        }
    }
    if flags & FHCRC != 0 {
        let mut crc = Crc::new();
        crc.update(&archive[..archive.len() - rest.len()]);
        let (stored, after) = rest.split_first_chunk::<2>().ok_or(CUT)?;
        if u32::from(u16::from_le_bytes(*stored)) != crc.sum() & 0xffff {
            return Err(Malformed::GzipHeader("the header's own checksum is wrong"));
        }
        rest = after;
    }
    Ok(rest)
}

/// Says what bytes look like that are not gzip: the reader wants to know which accident it was.
fn resemblance(bytes: &[u8]) -> String {
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"<") {
        "it looks like an HTML or XML page".into()
    } else if text.starts_with(b"{") {
        "it looks like JSON".into()
    } else if bytes.starts_with(b"PK\x03\x04") {
        "it is a zip file".into()
    } else if bytes.starts_with(b"\0asm") {
        "it is a bare wasm module".into()
    } else if bytes.get(257..262) == Some(b"ustar") {
        "it is a tar file that was not compressed".into()
    } else {
        let start: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("it starts with {} instead of 1f 8b", start.join(" "))
    }
}
