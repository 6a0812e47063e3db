//! The files of a staging directory, by the names they have in a bundle: read without following links, and written all or
//! none. aegis-bundle.md §12.3.

#![expect(clippy::disallowed_methods, reason = "a directory is written whole beside its place, then moved there")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aileron_verifier::aegis::METADATA;
use rayon::prelude::*;

use super::AegisError;
use crate::sys::disk::{self, DiskError, Operation};

/// Most files that are read. A bundle has 256 at most; some more are read so that all that is wrong can be said.
const MOST_FILES: usize = 1_000;
/// Longest file that is read: more than any host takes, so that its size can be said.
const LONGEST: u64 = 512 << 20;

/// Reads every file below `directory`, but for names that end in `.zip`, which the host's tool leaves out wherever they are.
///
/// # Errors
/// [`AegisError`].
pub fn read(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, AegisError> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
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
                files.push((name, path));
            }
        }
    }
    // Side by side: two executables of 18 MB take 40 ms one after the other.
    let read: Vec<_> = files.into_par_iter().map(|(name, path)| (name, disk::read(&path, LONGEST))).collect();
    read.into_iter().map(|(name, bytes)| Ok((name, bytes?))).collect()
}

/// Writes a staging directory whole: beside its place, then moved there. A staging directory that is there is replaced; one
/// that holds anything else stays as it is.
///
/// # Errors
/// [`AegisError`]; what was there before is then there still.
pub fn write(directory: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), AegisError> {
    replaceable(directory)?;
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(DiskError::at(Operation::CreateDirectory, parent))?;
    let work = tempfile::Builder::new().prefix(".aegis-").tempdir_in(parent);
    let work = work.map_err(DiskError::about(Operation::CreateDirectory, "in", parent))?;
    let (new, old) = (work.path().join("new"), work.path().join("old"));
    for (name, contents) in files {
        let path = new.join(name);
        let place = path.parent().unwrap_or(&new);
        fs::create_dir_all(place).map_err(DiskError::at(Operation::CreateDirectory, place))?;
        fs::write(&path, contents).map_err(DiskError::at(Operation::Write, &directory.join(name)))?;
        #[cfg(unix)]
        if name.starts_with("bin/") {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).map_err(DiskError::at(Operation::Write, &path))?;
        }
    }
    let is_there = disk::is_there(directory)?;
    if is_there {
        fs::rename(directory, &old).map_err(DiskError::at(Operation::Write, directory))?;
    }
    fs::rename(&new, directory).map_err(|error| {
        if is_there {
            let _ = fs::rename(&old, directory); // the error that is told is the first one
        }
        DiskError::at(Operation::Write, directory)(error)
    })?;
    Ok(())
}

/// Refuses a directory that holds more than a staging directory does, before anything is made for it.
///
/// # Errors
/// [`AegisError::NotStaging`], and what cannot be looked at.
pub fn replaceable(directory: &Path) -> Result<(), AegisError> {
    for (name, kind) in disk::list(directory)?.unwrap_or_default() {
        let is_ours = match name.to_str() {
            Some("bin") => kind.is_dir(),
            Some(name) => kind.is_file() && METADATA.contains(&name),
            None => false,
        };
        if !is_ours {
            let entry = name.to_string_lossy().into_owned();
            return Err(AegisError::NotStaging { path: directory.to_owned(), entry });
        }
    }
    Ok(())
}
