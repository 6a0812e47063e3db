//! `aileron.tar.gz`: strict reader and deterministic writer, side by side. artifacts.md §7.
//!
//! A general tar reader is too polite here: links, PAX overrides, repeated names and bytes after the end can each change
//! what is signed without changing what is shown. We take flat regular files with known names, once each, and refuse the
//! rest, saying which rule was broken. The writer makes exactly one archive for given files, on every platform, so that
//! "are these bytes already uploaded?" has an answer.
//!
//! Not here: whether a signature has 64 bytes or verifies, what the documents mean, whether the module parses.

mod gzip;
mod read;
mod tar;
mod write;

use std::fmt;

use crate::layout;
use crate::problem::Class;
use crate::text::printable;

pub use read::read;
pub(crate) use read::{Members, walk};
pub use write::Packer;

/// Largest archive that is read, in bytes: 64 MiB. A download stops here. artifacts.md §7.
pub const MAX_ARCHIVE: u64 = layout::ARCHIVE_LIMIT;
/// Largest module, unpacked, in bytes: 256 MiB. artifacts.md §7.
pub const MAX_MODULE: u64 = 256 << 20;
/// Largest `manifest.toml` or `action.md`, in bytes: 1 MiB. artifacts.md §7.
///
/// `signature.sig` and extended headers stop here as well: a signature of the wrong length is a failure of the signature,
/// judged elsewhere, but no more than this is ever held for that.
pub const MAX_DOCUMENT: u64 = 1 << 20;
/// Most tar entries, directories and extended headers counted. artifacts.md §7.
pub const MAX_ENTRIES: usize = 16;
/// Most unpacked bytes for one packed byte, once [`RATIO_FROM`] bytes are unpacked. artifacts.md §7.
pub const MAX_RATIO: u64 = 200;
/// Up to this many unpacked bytes (1 MiB) any ratio will do: short text packs very well.
pub const RATIO_FROM: u64 = 1 << 20;
/// Most bytes that are unpacked at all. What every other cap allows fits below it (one module and fifteen entries of
/// [`MAX_DOCUMENT`]), so it ends only endless padding.
pub const MAX_UNPACKED: u64 = MAX_MODULE + MAX_ENTRIES as u64 * MAX_DOCUMENT;

/// What an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArtifactKind {
    /// A wasm module and its manifest.
    Connector,
    /// An action document.
    Action,
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ArtifactKind::Connector => "connector",
            ArtifactKind::Action => "action",
        })
    }
}

/// The members of an archive: complete, but nothing about them has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// A connector.
    Connector {
        /// `connector.wasm` (or `connector.bin`, when read): at most [`MAX_MODULE`] bytes, perhaps no module.
        wasm: Vec<u8>,
        /// `manifest.toml`: at most [`MAX_DOCUMENT`] bytes, perhaps no text.
        manifest: Vec<u8>,
        /// `signature.sig`: at most [`MAX_DOCUMENT`] bytes, perhaps not 64.
        signature: Vec<u8>,
    },
    /// An action.
    Action {
        /// `action.md`: at most [`MAX_DOCUMENT`] bytes, perhaps no text.
        document: Vec<u8>,
        /// `signature.sig`: at most [`MAX_DOCUMENT`] bytes, perhaps not 64.
        signature: Vec<u8>,
    },
}

impl Files {
    /// Which of the two it is.
    pub fn kind(&self) -> ArtifactKind {
        match self {
            Files::Connector { .. } => ArtifactKind::Connector,
            Files::Action { .. } => ArtifactKind::Action,
        }
    }
}

/// Why bytes are not an archive of artifacts.md §7: one variant per rule. Always class `malformed_tarball`.
///
/// `entry` counts tar headers from 1, extended headers included.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Over [`MAX_ARCHIVE`]; nothing was unpacked.
    #[error("the archive has {found} bytes; at most {MAX_ARCHIVE} are read")]
    ArchiveTooLarge {
        /// Its size in bytes.
        found: u64,
    },
    /// The first bytes are not those of a gzip stream.
    #[error("not a gzip stream: {found}")]
    NotGzip {
        /// What it looks like instead.
        found: String,
    },
    /// The gzip header asks for something that is not defined, or is damaged.
    #[error("gzip header: {0}")]
    GzipHeader(&'static str),
    /// The archive stops before its gzip stream does.
    #[error("the gzip stream is cut off inside its {0}")]
    GzipCut(&'static str),
    /// The compressed data is no deflate stream.
    #[error("the compressed data is damaged after {unpacked} unpacked bytes")]
    Deflate {
        /// Bytes that could be unpacked before.
        unpacked: u64,
    },
    /// The CRC-32 in the gzip trailer is another one.
    #[error("gzip trailer: the CRC-32 is {stored:08x}, the data has {computed:08x}")]
    Checksum {
        /// As written in the trailer.
        stored: u32,
        /// Over the unpacked bytes.
        computed: u32,
    },
    /// The length in the gzip trailer is another one.
    #[error("gzip trailer: the length is {stored}, the data has {unpacked} bytes")]
    Length {
        /// As written in the trailer: modulo 2^32.
        stored: u32,
        /// Unpacked bytes.
        unpacked: u64,
    },
    /// A second gzip stream after the first: other readers would go on reading.
    #[error("a second gzip member follows the first")]
    SecondGzipMember,
    /// Anything else after the gzip stream.
    #[error("{count} more bytes follow the gzip stream")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// Over [`MAX_RATIO`] and past [`RATIO_FROM`].
    #[error("{packed} bytes unpack to {unpacked} and more: over {MAX_RATIO}:1")]
    Ratio {
        /// Size of the archive in bytes.
        packed: u64,
        /// Bytes unpacked so far.
        unpacked: u64,
    },
    /// Over [`MAX_UNPACKED`].
    #[error("the archive unpacks to more than {MAX_UNPACKED} bytes")]
    UnpackedTooLarge,

    /// The tar stream stops in the middle of something.
    #[error("the tar stream ends inside {what} of entry {entry}")]
    TarCut {
        /// The entry it stops in.
        entry: usize,
        /// Which part of it.
        what: &'static str,
    },
    /// The tar stream stops without two zero blocks.
    #[error("the tar stream has no end: two zero blocks are missing")]
    NoEnd,
    /// A zero block that is not followed by another one.
    #[error("a single zero block stands before entry {entry}")]
    LoneZeroBlock {
        /// The entry that follows it.
        entry: usize,
    },
    /// After the two zero blocks come bytes that are not zero, or not whole blocks.
    #[error("after the end of the tar stream come {0}")]
    AfterEnd(&'static str),
    /// The checksum of a tar header is another one.
    #[error("the header of entry {entry} has a wrong checksum")]
    HeaderChecksum {
        /// The entry.
        entry: usize,
    },
    /// A tar header of no format we read.
    #[error("the header of entry {entry} is neither V7, ustar nor GNU")]
    HeaderFormat {
        /// The entry.
        entry: usize,
    },
    /// A number in a tar header is not one.
    #[error("the {field} of entry {entry} is not a number")]
    HeaderNumber {
        /// The entry.
        entry: usize,
        /// The field of the header.
        field: &'static str,
    },
    /// Bytes where the header's format has no field: other readers would find one there.
    #[error("the header of entry {entry} holds bytes where its format has no field")]
    HeaderUnused {
        /// The entry.
        entry: usize,
    },
    /// More than [`MAX_ENTRIES`], or more than a proposal may hold.
    #[error("more than {most} tar entries (extended headers count)")]
    TooManyEntries {
        /// As many may be there.
        most: usize,
    },
    /// A link, a device, a sparse file, a GNU long name, a global PAX header: anything but files and directories.
    #[error("entry {entry}, \"{}\", is {what}: only regular files belong into an archive", printable(.name))]
    NotRegular {
        /// The entry.
        entry: usize,
        /// Its name, as far as it is text.
        name: String,
        /// What it is.
        what: String,
    },
    /// A directory that claims content. Readers disagree about where the next header would be.
    #[error("entry {entry}, directory \"{}\", claims {size} bytes of content", printable(.name))]
    DirectoryContent {
        /// The entry.
        entry: usize,
        /// Its name, as far as it is text.
        name: String,
        /// What it claims.
        size: u64,
    },
    /// A file that does not belong into this kind of archive: nested, misspelt or foreign.
    #[error("\"{}\" does not belong into {}", printable(.name), archive_of(*.kind))]
    UnknownName {
        /// Its name, as far as it is text.
        name: String,
        /// The kind that was asked for; `None` when any would do.
        kind: Option<ArtifactKind>,
    },
    /// A member of the one kind beside a member of the other.
    #[error("{member} belongs to {kind} archives, the members before it do not", kind = .kind)]
    MixedKinds {
        /// The member.
        member: &'static str,
        /// The kind it belongs to.
        kind: ArtifactKind,
    },
    /// A member stands twice.
    #[error("{0} stands twice in the archive")]
    Duplicate(&'static str),
    /// `connector.wasm` and `connector.bin` side by side.
    #[error("connector.wasm and connector.bin stand side by side: only one of them may")]
    SecondBinary,
    /// A member is over its cap. Nothing of it was held.
    #[error("{member} has {found} bytes; at most {limit} are read")]
    MemberTooLarge {
        /// The member.
        member: &'static str,
        /// Its size according to its header.
        found: u64,
        /// Its cap.
        limit: u64,
    },
    /// A member is absent.
    #[error("{member} is missing from the {kind} archive")]
    Missing {
        /// The kind of the archive.
        kind: ArtifactKind,
        /// The member.
        member: &'static str,
    },
    /// No member by which the kind could be told.
    #[error("the archive holds neither a connector nor an action")]
    Empty,
    /// A PAX record that changes the stream or a name, or is not known to change nothing. artifacts.md §7 refuses it even
    /// when it repeats the header.
    #[error("entry {entry} is an extended header with a \"{}\" record", printable(.key))]
    PaxOverride {
        /// The entry.
        entry: usize,
        /// The record's key.
        key: String,
    },
    /// A PAX header that does not read as records.
    #[error("entry {entry} is an extended header that does not read: {reason}")]
    PaxSyntax {
        /// The entry.
        entry: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A PAX header that describes nothing.
    #[error("entry {entry} is an extended header with no entry after it")]
    PaxOrphan {
        /// The entry.
        entry: usize,
    },
}

impl Malformed {
    /// `malformed_tarball`. artifacts.md §8.
    pub fn class(&self) -> Class {
        Class::MalformedTarball
    }
}

fn archive_of(kind: Option<ArtifactKind>) -> &'static str {
    match kind {
        Some(ArtifactKind::Connector) => "a connector archive",
        Some(ArtifactKind::Action) => "an action archive",
        None => "an archive",
    }
}

#[cfg(test)]
mod tests;
