//! Archives byte by byte: everything the format allows and some of what it does not.
//!
//! The verifier's own writer makes one shape only. To know what the reader refuses, somebody has to write the rest.

use std::io::Write as _;

use aileron_verifier::artifact::archive::Files;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const BLOCK: usize = 512;

/// Which magic a header carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// None: before there was one.
    V7,
    /// POSIX.
    Ustar,
    /// GNU's own.
    Gnu,
}

/// One tar header and what follows it. Starts as an honest entry; each method bends one thing.
#[derive(Clone, Debug)]
pub struct Entry {
    header: [u8; BLOCK],
    content: Vec<u8>,
    checksum: bool,
}

impl Entry {
    /// A regular file as the writer makes it: ustar, mode 0644, no owner, time 0.
    pub fn file(name: &str, content: &[u8]) -> Entry {
        let mut entry = Entry { header: [0; BLOCK], content: content.to_vec(), checksum: true };
        entry.put(0, 100, name.as_bytes());
        entry.put(156, 157, b"0");
        entry.put(257, 265, b"ustar\x0000");
        entry
            .number(100, 8, 0o644)
            .number(108, 8, 0)
            .number(116, 8, 0)
            .number(136, 12, 0)
            .declaring(content.len() as u64)
    }

    /// A directory.
    pub fn directory(name: &str) -> Entry {
        Entry::file(name, b"").kind(b'5').mode(0o755)
    }

    /// A PAX extended header (`x`) with these records.
    pub fn pax(records: &[(&str, &str)]) -> Entry {
        Entry::file("PaxHeaders/x", &pax_records(records)).kind(b'x')
    }

    /// A global PAX header (`g`) with these records.
    pub fn global_pax(records: &[(&str, &str)]) -> Entry {
        Entry::file("pax_global_header", &pax_records(records)).kind(b'g')
    }

    /// A GNU long name (`L`) for the entry after it.
    pub fn gnu_long_name(name: &str) -> Entry {
        Entry::file("././@LongLink", format!("{name}\0").as_bytes()).kind(b'L').format(Format::Gnu)
    }

    /// A GNU long link target (`K`) for the entry after it.
    pub fn gnu_long_link(target: &str) -> Entry {
        Entry::gnu_long_name(target).kind(b'K')
    }

    /// Another type flag.
    pub fn kind(mut self, flag: u8) -> Entry {
        self.header[156] = flag;
        self
    }

    /// Another name, at most 100 bytes, the directory prefix untouched.
    pub fn name(mut self, name: &[u8]) -> Entry {
        self.put(0, 100, name);
        self
    }

    /// A ustar directory prefix.
    pub fn prefix(mut self, prefix: &[u8]) -> Entry {
        self.put(345, 500, prefix);
        self
    }

    /// A link target.
    pub fn link(mut self, target: &[u8]) -> Entry {
        self.put(157, 257, target);
        self
    }

    /// Another mode.
    pub fn mode(self, mode: u64) -> Entry {
        self.number(100, 8, mode)
    }

    /// Another time, in seconds.
    pub fn time(self, seconds: u64) -> Entry {
        self.number(136, 12, seconds)
    }

    /// A claimed size, whatever the content has.
    pub fn declaring(mut self, size: u64) -> Entry {
        match size < 1 << 33 {
            true => self.number(124, 12, size),
            false => {
                self.put(124, 136, &[&[0x80, 0, 0, 0][..], &size.to_be_bytes()].concat());
                self
            }
        }
    }

    /// The size field's twelve bytes themselves.
    pub fn size_text(mut self, text: &[u8]) -> Entry {
        self.put(124, 136, text);
        self
    }

    /// Another magic.
    pub fn format(mut self, format: Format) -> Entry {
        self.put(
            257,
            265,
            match format {
                Format::V7 => b"",
                Format::Ustar => b"ustar\x0000",
                Format::Gnu => b"ustar  \0",
            },
        );
        self
    }

    /// Any bytes of the header. The checksum is made afterwards.
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Entry {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Leaves the checksum field as it stands.
    pub fn without_checksum(mut self) -> Entry {
        self.checksum = false;
        self
    }

    /// Header, content and padding.
    pub fn bytes(&self) -> Vec<u8> {
        let mut header = self.header;
        if self.checksum {
            header[148..156].fill(b' ');
            let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        }
        let mut bytes = [&header[..], &self.content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn put(&mut self, from: usize, to: usize, bytes: &[u8]) {
        self.header[from..to].fill(0);
        self.header[from..from + bytes.len()].copy_from_slice(bytes);
    }

    fn number(mut self, from: usize, width: usize, value: u64) -> Entry {
        self.put(from, from + width, format!("{value:0digits$o}", digits = width - 1).as_bytes());
        self
    }
}

/// `<length> <key>=<value>\n`, the length counting itself.
fn pax_records(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let fits = |digits: &usize| (rest.len() + digits).to_string().len() == *digits;
        let digits = (1..8).find(fits).expect("a record is shorter than ten megabytes");
        format!("{}{rest}", rest.len() + digits)
    };
    records.iter().map(record).collect::<String>().into_bytes()
}

/// A tar stream: entries, end blocks, and what comes after them.
#[derive(Clone, Debug)]
pub struct Tar {
    /// The entries, in order. Edit at will.
    pub entries: Vec<Entry>,
    end_blocks: usize,
    trailing: Vec<u8>,
}

impl Tar {
    /// These entries and the two zero blocks.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Tar {
        Tar { entries: entries.into_iter().collect(), end_blocks: 2, trailing: Vec::new() }
    }

    /// The members of an artifact, in the writer's order.
    pub fn of(files: &Files) -> Tar {
        Tar::new(members(files).into_iter().map(|(name, content)| Entry::file(name, content)))
    }

    /// Another number of zero blocks at the end: two are right, GNU tar writes up to twenty.
    pub fn end_blocks(mut self, count: usize) -> Tar {
        self.end_blocks = count;
        self
    }

    /// Bytes after the zero blocks.
    pub fn trailing(mut self, bytes: &[u8]) -> Tar {
        self.trailing = bytes.to_vec();
        self
    }

    /// The stream.
    pub fn bytes(&self) -> Vec<u8> {
        let entries: Vec<u8> = self.entries.iter().flat_map(Entry::bytes).collect();
        [entries, vec![0; self.end_blocks * BLOCK], self.trailing.clone()].concat()
    }

    /// The archive: [`Gzip::default`] around the stream.
    pub fn pack(&self) -> Vec<u8> {
        Gzip::default().pack(&self.bytes())
    }
}

/// Name and content of every member, in the writer's order.
pub fn members(files: &Files) -> Vec<(&'static str, &[u8])> {
    match files {
        Files::Connector { wasm, manifest, signature } => {
            vec![("connector.wasm", wasm), ("manifest.toml", manifest), ("signature.sig", signature)]
        }
        Files::Action { document, signature } => vec![("action.md", document), ("signature.sig", signature)],
    }
}

/// How to wrap a stream into gzip. The default is the writer's: no flags, time 0, system 255, level 6.
#[derive(Clone, Debug)]
pub struct Gzip {
    flags: u8,
    fields: Vec<u8>,
    time: u32,
    system: u8,
    level: u32,
}

impl Default for Gzip {
    fn default() -> Gzip {
        Gzip { flags: 0, fields: Vec::new(), time: 0, system: 255, level: 6 }
    }
}

impl Gzip {
    /// The flag byte, and the fields it announces: they stand between the fixed header and the data.
    pub fn flags(mut self, flags: u8, fields: &[u8]) -> Gzip {
        (self.flags, self.fields) = (flags, fields.to_vec());
        self
    }

    /// The time, in seconds.
    pub fn time(mut self, seconds: u32) -> Gzip {
        self.time = seconds;
        self
    }

    /// The operating system's number.
    pub fn system(mut self, number: u8) -> Gzip {
        self.system = number;
        self
    }

    /// The compression level; 0 stores.
    pub fn level(mut self, level: u32) -> Gzip {
        self.level = level;
        self
    }

    /// One complete gzip member around any bytes.
    pub fn pack(&self, bytes: &[u8]) -> Vec<u8> {
        let mut archive = vec![0x1f, 0x8b, 8, self.flags];
        archive.extend(self.time.to_le_bytes());
        archive.extend([0, self.system]);
        archive.extend(&self.fields);
        let mut deflate = DeflateEncoder::new(archive, Compression::new(self.level));
        deflate.write_all(bytes).expect("a vector takes any bytes");
        let mut archive = deflate.finish().expect("a vector takes any bytes");
        let mut crc = Crc::new();
        crc.update(bytes);
        archive.extend(crc.sum().to_le_bytes());
        archive.extend((bytes.len() as u32).to_le_bytes()); // modulo 2^32, as the format has it
        archive
    }
}
