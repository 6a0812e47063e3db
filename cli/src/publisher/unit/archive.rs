//! A Feature as one file: a tar, written the same each time, and read from anybody, plain or compressed with gzip. cli-unit.md §12.3.
//!
//! The reader takes regular files and directories, each once, below the archive's root. Links, devices and names that lead out of
//! it are refused: what is shown to a user must be what an installer unpacks.

use std::collections::BTreeSet;
use std::io::{self, Read};

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType, Header};

use super::{FEATURE_LIMIT, MOST_FILES};

/// How gzip begins. RFC 1952 §2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes of one block.
const BLOCK: usize = 512;

/// A file of a Feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureFile {
    /// Its path below the Feature, with `/`: `install.sh`.
    pub path: String,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether its owner can run it.
    pub is_executable: bool,
}

/// Why bytes are not a Feature's archive, or files cannot become one.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Class `malformed_tarball`. Not a tar, or not whole.
    #[error("the archive cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// Class `malformed_tarball`.
    #[error("the archive has more than {0}")]
    TooLarge(&'static str),
    /// Class `malformed_tarball`. An entry that an installer could put elsewhere, or that is no file.
    #[error("{}: {why}", printable(.path))]
    Entry {
        /// Its path, as it stands.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Class `malformed_tarball`.
    #[error("the archive has no {0}")]
    Missing(&'static str),
}

impl ArchiveError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            ArchiveError::Unreadable(_)
            | ArchiveError::TooLarge(_)
            | ArchiveError::Entry { .. }
            | ArchiveError::Missing(_) => Class::MalformedTarball,
        }
    }

    /// Never.
    pub fn is_retriable(&self) -> bool {
        match self {
            ArchiveError::Unreadable(_)
            | ArchiveError::TooLarge(_)
            | ArchiveError::Entry { .. }
            | ArchiveError::Missing(_) => false,
        }
    }
}

/// The archive's name in a release and in a layer's title. Despite it, the content is a plain tar.
pub fn name(id: &str) -> String {
    format!("devcontainer-feature-{id}.tgz")
}

/// Writes files as a plain tar: sorted, owner 0/0, one fixed time.
///
/// # Errors
/// [`ArchiveError::Entry`] for a path that is too long for a tar.
pub fn write(files: &[FeatureFile]) -> Result<Vec<u8>, ArchiveError> {
    let mut entries: BTreeSet<(String, Option<usize>)> = BTreeSet::from([("./".to_owned(), None)]);
    for (at, file) in files.iter().enumerate() {
        let path = format!("./{}", file.path);
        let above = path.match_indices('/').skip(1).map(|(end, _)| (path[..=end].to_owned(), None));
        entries.extend(above);
        entries.insert((path, Some(at)));
    }
    let mut tar = Vec::new();
    for (path, at) in entries {
        let file = at.map(|at| &files[at]);
        tar.extend_from_slice(header(&path, file)?.as_bytes());
        tar.extend_from_slice(file.map_or(&[], |file| &file.bytes));
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    Ok(tar)
}

fn header(path: &str, file: Option<&FeatureFile>) -> Result<Header, ArchiveError> {
    let mut header = Header::new_ustar();
    let (start, end) = split(path).ok_or_else(|| ArchiveError::Entry {
        path: path.to_owned(),
        why: "the path is too long for a tar: at most 100 characters after some `/`, and 155 before it",
    })?;
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.prefix[..start.len()].copy_from_slice(start.as_bytes());
        ustar.name[..end.len()].copy_from_slice(end.as_bytes());
    }
    let (kind, mode) = match file {
        None => (EntryType::Directory, 0o755),
        Some(file) if file.is_executable => (EntryType::Regular, 0o755),
        Some(_) => (EntryType::Regular, 0o644),
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(file.map_or(0, |file| file.bytes.len() as u64));
    header.set_cksum();
    Ok(header)
}

/// The two fields that hold a path: what comes before a `/`, and what follows it.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    let fits = |at: &usize| *at <= 155 && path.len() - at - 1 <= 100 && path.len() > at + 1;
    path.match_indices('/').map(|(at, _)| at).find(fits).map(|at| (&path[..at], &path[at + 1..]))
}

/// Whether bytes begin as a compressed archive or as a tar, whatever their name. They may still be none.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP) || bytes.get(257..262) == Some(b"ustar")
}

/// Reads an archive by what its bytes are, not by its name: a plain tar, or one compressed with gzip.
///
/// # Errors
/// [`ArchiveError`]. Nothing is written anywhere; what is read is bounded whatever the archive says of itself.
pub fn read(bytes: &[u8]) -> Result<Vec<FeatureFile>, ArchiveError> {
    if bytes.len() as u64 > FEATURE_LIMIT + (FEATURE_LIMIT >> 2) {
        return Err(ArchiveError::TooLarge("64 MiB"));
    }
    if !bytes.starts_with(&GZIP) {
        return entries(bytes);
    }
    // Headers and padding come on top of what the files hold.
    let limit = FEATURE_LIMIT + (FEATURE_LIMIT >> 2);
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut plain).map_err(ArchiveError::Unreadable)?;
    if plain.len() as u64 > limit {
        return Err(ArchiveError::TooLarge("64 MiB"));
    }
    entries(&plain)
}

fn entries(tar: &[u8]) -> Result<Vec<FeatureFile>, ArchiveError> {
    let (mut files, mut names, mut count, mut total) = (Vec::new(), BTreeSet::new(), 0usize, 0u64);
    let mut archive = Archive::new(tar);
    for entry in archive.entries().map_err(ArchiveError::Unreadable)? {
        let mut entry = entry.map_err(ArchiveError::Unreadable)?;
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let unfit = |why| ArchiveError::Entry { path: raw.clone(), why };
        count += 1;
        if count > MOST_FILES {
            return Err(ArchiveError::TooLarge("10,000 entries"));
        }
        let is_directory = match entry.header().entry_type() {
            EntryType::XGlobalHeader => continue, // says nothing of a file
            EntryType::Regular | EntryType::Continuous => raw.ends_with('/'),
            EntryType::Directory => true,
            EntryType::Symlink | EntryType::Link => return Err(unfit("it is a link, and links are not unpacked")),
            _ => return Err(unfit("it is neither a file nor a directory")),
        };
        let path = inside(&raw).map_err(unfit)?;
        if is_directory {
            continue;
        }
        if path.is_empty() {
            return Err(unfit("a file has no name"));
        }
        if !names.insert(path.clone()) {
            return Err(unfit("it is in the archive twice"));
        }
        total = total.saturating_add(entry.size());
        if total > FEATURE_LIMIT {
            return Err(ArchiveError::TooLarge("64 MiB"));
        }
        let is_executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
        let mut bytes = Vec::with_capacity(entry.size().min(tar.len() as u64) as usize);
        entry.read_to_end(&mut bytes).map_err(ArchiveError::Unreadable)?;
        files.push(FeatureFile { path, bytes, is_executable });
    }
    // Where a file stands in for a directory of another entry, the order of unpacking would decide.
    let is_above = |path: &str| path.match_indices('/').any(|(end, _)| names.contains(&path[..end]));
    if let Some(below) = names.iter().find(|path| is_above(path)) {
        return Err(ArchiveError::Entry { path: below.clone(), why: "a part of its path is a file" });
    }
    if count == 0 {
        return Err(ArchiveError::Unreadable(io::Error::new(io::ErrorKind::UnexpectedEof, "it has no entries")));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The path below the archive's root, without `./`; empty for the root itself.
fn inside(raw: &str) -> Result<String, &'static str> {
    if raw.contains('\u{fffd}') {
        return Err("the path is not UTF-8");
    }
    if raw.starts_with('/') {
        return Err("the path begins at the root of the file system");
    }
    if raw.contains('\\') || raw.chars().any(char::is_control) {
        return Err("the path has a backslash or a control character in it");
    }
    let parts: Vec<&str> = raw.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err("the path leads out of the archive");
    }
    // A drive of Windows, and its streams.
    if parts.iter().any(|part| part.contains(':')) {
        return Err("the path has a colon in it");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests;
