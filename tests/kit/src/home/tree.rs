//! Directories and archives, looked at without any code of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Copies a directory with everything in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// Every file and directory below `root`, relative, directories with a slash at the end.
pub fn listing(root: &Path) -> BTreeSet<String> {
    stats(root).into_keys().collect()
}

/// Files below `root` and their bytes.
pub fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = listing(root).into_iter().filter(|path| !path.ends_with('/'));
    files.map(|path| (path.clone(), fs::read(root.join(path)).unwrap())).collect()
}

/// What the file system remembers of a file: a write, a rename or a touch changes this.
#[derive(Debug, PartialEq, Eq)]
pub struct Stat {
    inode: u64,
    mode: u32,
    links: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The stat of everything below `root`, and of `root` itself.
pub fn stats(root: &Path) -> BTreeMap<String, Stat> {
    let mut found = BTreeMap::new();
    if root.exists() {
        walk(root, "", &mut found);
    }
    found
}

fn walk(path: &Path, name: &str, found: &mut BTreeMap<String, Stat>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let stat = Stat {
        inode: meta.ino(),
        mode: meta.mode(),
        links: meta.nlink(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    };
    let name = if meta.is_dir() { format!("{name}/") } else { name.to_owned() };
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            let child = format!("{name}{}", entry.file_name().to_string_lossy());
            walk(&entry.path(), child.trim_start_matches('/'), found);
        }
    }
    found.insert(name, stat);
}

/// The permissions of a file or directory, without its kind.
pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// The entries of an archive.
pub fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    tar.entries().unwrap().map(entry).collect()
}

/// The digest over the concatenation of `parts`, as documents have it.
pub fn sha256(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize();
    format!("sha256:{}", hex(&digest))
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
