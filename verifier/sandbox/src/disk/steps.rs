//! The steps by which files change, one at a time: a seam, so that a test can crash at each of them.
//!
//! Only what changes the disk is here. Reading is ordinary, and deciding is the store's. A step that returns has happened
//! as far as other processes can see; whether it survives a power cut is [`Steps::sync`]'s business.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::private;

/// One change of the disk each.
pub trait Steps: Send + Sync {
    /// Makes a directory and its parents, for this user alone: 0700 whatever the umask. One that exists is fine.
    ///
    /// # Errors
    /// The system's.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes one directory, as the umask lets it be. One that exists is an error.
    ///
    /// # Errors
    /// The system's.
    fn make_shared_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    /// Writes a new file, mode 0644. One that exists is an error: nothing is ever written over in place.
    ///
    /// # Errors
    /// The system's; part of the file may be there.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// [`Steps::write`] for this user alone: mode 0600 from the first moment.
    ///
    /// # Errors
    /// The system's; part of the file may be there.
    fn write_private(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        create(path, 0o600)?.write_all(bytes)
    }

    /// Makes a file's content, or a directory's list of names, survive a power cut.
    ///
    /// # Errors
    /// The system's.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// [`Steps::sync`] for everything below a directory at once: one flush instead of thousands.
    ///
    /// # Errors
    /// The system's.
    fn settle_below(&self, directory: &Path) -> io::Result<()>;

    /// Renames a file over another, or a directory to a place that is free or empty.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory that is empty.
    ///
    /// # Errors
    /// The system's, also for one that is not.
    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    /// Removes a directory and all that is in it.
    ///
    /// # Errors
    /// The system's.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
}

/// The machine's disk.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Steps for Disk {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        private::make(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        create(path, 0o644)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Elsewhere than on Unix a directory cannot be opened for this, and its names are the file system's own care.
        if cfg!(not(unix)) && path.is_dir() { Ok(()) } else { File::open(path)?.sync_all() }
    }

    fn settle_below(&self, directory: &Path) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return Ok(rustix::fs::syncfs(File::open(directory)?)?);
        #[cfg(not(target_os = "linux"))]
        {
            for entry in fs::read_dir(directory)? {
                self.sync(&entry?.path())?;
            }
            self.sync(directory)
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}
