//! The files of a staging directory, by the names they have in a bundle. Links are never followed. aegis-bundle.md §12.3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::AegisError;
use crate::sys::disk;

/// Most files that are read. A bundle has 256 at most; some more are read so that all that is wrong can be said.
const MOST_FILES: usize = 1_000;
/// Longest file that is read: more than any host takes, so that its size can be said.
const LONGEST: u64 = 512 << 20;

/// Reads every file below `directory`, but for names that end in `.zip`, which the host's tool leaves out wherever they are.
///
/// # Errors
/// [`AegisError`].
pub fn read(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, AegisError> {
    let mut files = BTreeMap::new();
    let mut directories: Vec<(String, PathBuf)> = vec![(String::new(), directory.to_owned())];
    while let Some((prefix, path)) = directories.pop() {
        for (name, kind) in disk::list(&path)?.unwrap_or_default() {
            let path = path.join(&name);
            let Some(name) = name.to_str() else { return Err(AegisError::NameNotUtf8(path)) };
            let name = format!("{prefix}{name}");
            if kind.is_dir() {
                directories.push((format!("{name}/"), path));
            } else if !kind.is_file() {
                let what = if kind.is_symlink() { "a link" } else { "no regular file" };
                return Err(AegisError::Special { path, what });
            } else if !name.ends_with(".zip") {
                if files.len() == MOST_FILES {
                    return Err(AegisError::TooManyFiles { path: directory.to_owned(), most: MOST_FILES });
                }
                files.insert(name, disk::read(&path, LONGEST)?);
            }
        }
    }
    Ok(files)
}
