//! Directories of a registry: each is asked for once in a run, and what this run put into those it made is known, so that
//! one which holds nothing else can be moved as a whole.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::disk::{DiskError, Operation};

/// What is known of a registry's directories since its lock was taken: no other release writes there until then.
#[derive(Default)]
pub(super) struct Made(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Directories that were made or found.
    existing: HashSet<PathBuf>,
    /// How many names this run put into each directory that it made.
    names: HashMap<PathBuf, usize>,
}

impl Made {
    /// Forgets everything but that `root` is there.
    pub(super) fn begin(&self, root: &Path) {
        *self.seen() = Seen { existing: HashSet::from([root.to_owned()]), names: HashMap::new() };
    }

    /// Makes a directory and those above it, as far as they are below `root`; each is asked for once.
    pub(super) fn make(&self, root: &Path, directory: &Path) -> Result<(), DiskError> {
        if self.seen().existing.contains(directory) {
            return Ok(());
        }
        if let Some(above) = directory.parent().filter(|above| above.starts_with(root)) {
            self.make(root, above)?;
        }
        match fs::create_dir(directory) {
            Ok(()) => {
                self.put(directory);
                self.seen().names.insert(directory.to_owned(), 0);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error) => return Err(DiskError::at(Operation::CreateDirectory, directory)(error)),
        }
        self.seen().existing.insert(directory.to_owned());
        Ok(())
    }

    /// A name was put into the directory that holds it.
    pub(super) fn put(&self, path: &Path) {
        let mut seen = self.seen();
        if let Some(names) = path.parent().and_then(|parent| seen.names.get_mut(parent)) {
            *names += 1;
        }
    }

    /// A name was taken out of the directory that held it: by how many names it is known no longer says what is in it.
    pub(super) fn forget(&self, path: &Path) {
        if let Some(parent) = path.parent() {
            self.seen().names.remove(parent);
        }
    }

    /// Whether this run made the directory, and put so many names into it.
    pub(super) fn holds(&self, directory: &Path, names: usize) -> bool {
        self.seen().names.get(directory) == Some(&names)
    }

    /// Whether this run made the directory, so that nothing of an earlier one is in it.
    pub(super) fn is_own(&self, directory: &Path) -> bool {
        self.seen().names.contains_key(directory)
    }

    /// A directory is somewhere else now.
    pub(super) fn moved(&self, from: &Path, to: &Path) {
        let mut seen = self.seen();
        seen.existing.remove(from);
        seen.names.remove(from);
        seen.existing.insert(to.to_owned());
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_this_run_is_known_by_what_was_put_into_it() {
        let root = tempfile::tempdir().expect("a directory");
        let (root, made) = (root.path(), Made::default());
        made.begin(root);
        fs::create_dir(root.join("old")).expect("makes");
        made.make(root, &root.join("old")).expect("it is there");
        made.make(root, &root.join("new/deep")).expect("it is made");
        assert!(made.is_own(&root.join("new/deep")) && made.holds(&root.join("new"), 1));
        for unknown in ["old", "absent"] {
            let path = root.join(unknown);
            assert!(!made.is_own(&path) && (0..3).all(|names| !made.holds(&path, names)), "{unknown}");
        }
        made.put(&root.join("new/deep/file"));
        made.put(&root.join("old/file"));
        assert!(made.holds(&root.join("new/deep"), 1) && !made.holds(&root.join("old"), 1));
        fs::write(root.join("file"), "").expect("writes");
        assert!(made.make(root, &root.join("file/below")).is_err(), "a file is no directory");
        made.forget(&root.join("new/file"));
        assert!(!made.is_own(&root.join("new")), "it is looked at file by file from now on");
        made.moved(&root.join("new/deep"), &root.join("there"));
        assert!(!made.holds(&root.join("new/deep"), 1));
        made.begin(root);
        assert!(!made.holds(&root.join("new"), 1), "another run, another lock");
    }
}
