//! Elsewhere than on Unix a user's own directories are private by the system's default, and files carry no stamp worth
//! trusting: digests are checked every time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Flaw, NotPrivate, PrivateError, Stamp};

/// A directory.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
}

pub(super) fn directory(path: &Path) -> Result<Option<Place>, PrivateError> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PrivateError::io(path)(error)),
        Ok(found) if found.is_dir() => Ok(Some(Place { path: path.to_owned() })),
        Ok(_) => Err(refused(path, Flaw::NotADirectory)),
    }
}

pub(super) fn file(path: &Path) -> Result<Option<File>, PrivateError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(PrivateError::io(path)),
    }
}

fn refused(path: &Path, flaw: Flaw) -> PrivateError {
    NotPrivate { file: path.to_owned(), at: path.to_owned(), flaw }.into()
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

impl Place {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        None
    }

    pub(super) fn is_closed(&self) -> bool {
        true
    }

    pub(super) fn directory(&self, name: &str) -> Result<Option<Place>, PrivateError> {
        let path = self.path.join(name);
        if is_link(&path) { Err(refused(&path, Flaw::NotADirectory)) } else { directory(&path) }
    }

    pub(super) fn file(&self, name: &str) -> Result<Option<File>, PrivateError> {
        let path = self.path.join(name);
        match is_link(&path) {
            true => Err(refused(&path, Flaw::Link)),
            false if path.is_dir() => Err(refused(&path, Flaw::NotAFile("a directory"))),
            false => file(&path),
        }
    }
}
