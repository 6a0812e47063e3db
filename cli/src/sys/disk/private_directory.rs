//! A directory for one piece of work: no other user can look into it, and it is removed when the work ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{DiskError, Operation};

/// It is removed, with all that is in it, when it is dropped.
#[derive(Debug)]
pub struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    /// Makes it, empty, for this user alone. What a process that was killed left there goes first: the caller holds a lock
    /// that every other user of the path takes.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn make(path: &Path) -> Result<PrivateDirectory, DiskError> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DiskError::at(Operation::Remove, path)(error));
            }
            _ => {}
        }
        crate::sys::private::make(path).map_err(DiskError::at(Operation::CreateDirectory, path))?;
        Ok(PrivateDirectory(path.to_owned()))
    }

    /// Makes a directory in it, and gives its path.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn directory(&self, name: &str) -> Result<PathBuf, DiskError> {
        let path = self.0.join(name);
        crate::sys::private::make(&path).map_err(DiskError::at(Operation::CreateDirectory, &path))?;
        Ok(path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // the next one that is made here removes it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_this_users_alone_begins_empty_and_goes_with_all_that_is_in_it() {
        let temp = tempfile::tempdir().expect("a directory");
        let path = temp.path().join("work");
        fs::create_dir_all(path.join("left/over")).expect("directories");
        let made = PrivateDirectory::make(&path).expect("made");
        assert_eq!(fs::read_dir(&path).expect("a directory").count(), 0);
        fs::write(made.directory("home").expect("made").join("file"), "text").expect("writes");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for path in [path.clone(), path.join("home")] {
                assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o700);
            }
        }
        drop(made);
        assert!(!path.exists());
        fs::write(&path, "a file").expect("writes");
        assert!(PrivateDirectory::make(&path).is_err());
    }
}
