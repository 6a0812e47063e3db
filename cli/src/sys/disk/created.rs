//! New files and directories, which go again when something fails: nothing half made stays, nothing is written over.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_sandbox::disk::create;

use super::{Disk, Readers, Steps};

/// What one operation has made so far; removed again, newest first, unless it is kept.
pub struct Created {
    steps: Arc<dyn Steps>,
    made: Vec<Entry>,
}

/// Something that was made.
enum Entry {
    Directory(PathBuf),
    File(PathBuf),
}

impl Default for Created {
    fn default() -> Created {
        Created::with(Arc::new(Disk))
    }
}

impl Created {
    /// Nothing yet, on this disk.
    pub fn with(steps: Arc<dyn Steps>) -> Created {
        Created { steps, made: Vec::new() }
    }

    /// Makes a directory and its missing parents: for this user alone, or as the umask lets them be. Existing ones stay as
    /// they are.
    ///
    /// # Errors
    /// The system's.
    pub fn directories(&mut self, path: &Path, readers: Readers) -> io::Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|directory| !directory.exists()).collect();
        for directory in missing.into_iter().rev().filter(|directory| !directory.as_os_str().is_empty()) {
            match readers {
                Readers::User => self.steps.make_directory(directory)?,
                Readers::All => self.steps.make_shared_directory(directory)?,
            }
            self.made.push(Entry::Directory(directory.to_owned()));
        }
        Ok(())
    }

    /// Makes a file that must not exist, and that survives a power cut.
    ///
    /// # Errors
    /// The system's. A file that was there before is not touched.
    pub fn file(&mut self, path: &Path, readers: Readers, bytes: &[u8]) -> io::Result<()> {
        let made = create(&*self.steps, path, readers, bytes);
        if made.as_ref().err().is_none_or(|error| error.kind() != io::ErrorKind::AlreadyExists) {
            self.made.push(Entry::File(path.to_owned()));
        }
        made
    }

    /// All of it stays.
    pub fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        for entry in self.made.drain(..).rev() {
            // A directory somebody else put something into stays: only an empty one is removed.
            let _ = match entry {
                Entry::Directory(path) => self.steps.remove_empty_directory(&path),
                Entry::File(path) => self.steps.remove_file(&path),
            };
        }
    }
}
