//! What lies in a directory, and where a path leads.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::{DiskError, Operation};

/// What lies directly in a directory, in the order of names; `None` where there is no directory. A link is a link: it is not
/// followed. "Cannot look" is an error, never an empty answer.
///
/// # Errors
/// [`DiskError`], with [`Operation::List`].
pub fn list(directory: &Path) -> Result<Option<BTreeMap<OsString, FileType>>, DiskError> {
    let failed = || DiskError::at(Operation::List, directory);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(failed())?,
    };
    let named = |entry: io::Result<fs::DirEntry>| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)));
    entries.map(named).collect::<io::Result<_>>().map(Some).map_err(failed())
}

/// Whether something lies there, were it a link that leads nowhere.
///
/// # Errors
/// [`DiskError`], with [`Operation::Inspect`].
pub fn is_there(path: &Path) -> Result<bool, DiskError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(DiskError::at(Operation::Inspect, path)(error)),
    }
}

/// Whether its owner may run a file; `false` where there is no such notion.
///
/// # Errors
/// [`DiskError`], with [`Operation::Inspect`].
pub fn is_executable(path: &Path) -> Result<bool, DiskError> {
    let metadata = fs::metadata(path).map_err(DiskError::at(Operation::Inspect, path))?;
    #[cfg(unix)]
    return Ok(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0);
    #[cfg(not(unix))]
    return Ok(metadata.is_file());
}

/// The path without links, `.` and `..`; it must exist.
///
/// # Errors
/// [`DiskError`], with [`Operation::Open`].
pub fn canonical(path: &Path) -> Result<PathBuf, DiskError> {
    fs::canonicalize(path).map_err(DiskError::at(Operation::Open, path))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_not_an_empty_one() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(list(&directory.path().join("gone")).expect("an answer"), None);
        let (file, link) = (directory.path().join("b"), directory.path().join("a"));
        fs::write(&file, "").expect("writes");
        std::os::unix::fs::symlink("nowhere", &link).expect("links");
        let listed = list(directory.path()).expect("lists").expect("there");
        let kinds: Vec<_> =
            listed.iter().map(|(name, kind)| (name.to_str(), kind.is_file(), kind.is_symlink())).collect();
        assert_eq!(kinds, [(Some("a"), false, true), (Some("b"), true, false)]);
        assert_eq!(list(&file).expect_err("a file").operation, Operation::List);
        assert!(is_there(&link).expect("looks") && !is_there(&directory.path().join("gone")).expect("looks"));
        assert_eq!(is_there(&file.join("below")).expect_err("a file").operation, Operation::Inspect);
        assert!(canonical(&link).is_err());
    }
}
