//! Files of this user, and of the repositories he works on: read, replaced whole, made new, locked.
//!
//! | here | one line |
//! |---|---|
//! | this file | reading, without waiting for a writer; public files, written many at once and made durable in one pass |
//! | [`Replace`] | one file in the place of another, whole wherever it crashes |
//! | [`Created`] | new files and directories, which go again when something fails |
//! | [`SharedFile`] | a private file that several processes change, one at a time |
//! | [`PrivateDirectory`] | a place for one piece of work, which goes with it |
//! | [`lock`] | one process at a time |
//!
//! Each change of the disk is a step of [`Steps`], so that a test can crash at it. Whether other users could have written a
//! file is asked in [`crate::sys::private`]. Both live in the sandbox's crate, which keeps compiled code with them.

mod created;
mod listing;
pub mod lock;
mod private_directory;
mod shared;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

pub use aileron_sandbox::disk::{Disk, DiskError, Operation, Readers, Replace, Steps, TEMPORARY, crash};

pub use self::created::Created;
pub use self::listing::{canonical, is_executable, is_there, list};
pub use self::private_directory::PrivateDirectory;
pub use self::shared::{Locked, SharedFile};

/// Reads a whole file, of at most `limit` bytes.
///
/// # Errors
/// [`DiskError`], also for a file that is longer.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    read_if_there(path, limit)?.ok_or_else(|| DiskError::absent(path))
}

/// Reads a whole file, or `None` where there is none. "Cannot look" is an error, never `None`.
///
/// Only a regular file is read: what lies there may have been put there by others, and a FIFO would be waited for without
/// end. What the caller's own shell handed over (`/dev/stdin`, `<(…)`) is read as it comes.
///
/// # Errors
/// [`DiskError`], also for a file longer than `limit`, and for what is not a file.
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let streams = if is_handed_over(path) { Streams::Read } else { Streams::Refused };
    let Some(file) = open(path, streams)? else { return Ok(None) };
    Ok(Some(whole(&file, path, limit)?))
}

/// [`read`] for a secret whose place the user names on the command line: a FIFO is read too, and waited for, since that is
/// how a secret is handed over without a file.
///
/// # Errors
/// As [`read`].
pub fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let file = open(path, Streams::Read)?.ok_or_else(|| DiskError::absent(path))?;
    whole(&file, path, limit)
}

/// Whether the path names a handle that the caller's shell opened for this process. No other user can put one there.
pub fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || ["/dev/fd", "/proc/self/fd"].iter().any(|handles| path.starts_with(handles))
}

/// What is done with a FIFO, a terminal and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streams {
    /// It is read until its end.
    Read,
    /// It is an error.
    Refused,
}

/// Opens a file for reading without waiting for anybody; `None` where there is none.
fn open(path: &Path, streams: Streams) -> Result<Option<File>, DiskError> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    if streams == Streams::Refused {
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(DiskError::at(Operation::Read, path))?,
    };
    let found = file.metadata().map_err(DiskError::at(Operation::Read, path))?.file_type();
    // A directory says what it is when it is read.
    match found.is_file() || found.is_dir() || streams == Streams::Read {
        true => Ok(Some(file)),
        false => {
            Err(DiskError::at(Operation::Read, path)(io::Error::new(io::ErrorKind::InvalidInput, not_a_file(found))))
        }
    }
}

#[cfg(unix)]
fn not_a_file(found: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match () {
        () if found.is_fifo() => "it is a FIFO, not a file",
        () if found.is_socket() => "it is a socket, not a file",
        () => "it is a device, not a file",
    }
}

#[cfg(not(unix))]
fn not_a_file(_: fs::FileType) -> &'static str {
    "it is not a file"
}

fn whole(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let size = file.metadata().map_err(DiskError::at(Operation::Read, path))?.len();
    let mut bytes = Vec::with_capacity(size.min(limit) as usize);
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut bytes)
        .map_err(DiskError::at(Operation::Read, path))?;
    if bytes.len() as u64 > limit {
        let cause = io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes"));
        return Err(DiskError::at(Operation::Read, path)(cause));
    }
    Ok(bytes)
}

/// Writes a file for everybody whole: into a temporary sibling, then renamed over `path`. Parent directories are made. Not yet
/// durable: see [`make_durable`].
///
/// # Errors
/// [`DiskError`]; the target is then as it was and the temporary is gone.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    make_directory(parent)?;
    write_beside(path, bytes)
}

/// Makes a directory for everybody, and its parents, unless it is there.
///
/// # Errors
/// [`DiskError`].
pub fn make_directory(path: &Path) -> Result<(), DiskError> {
    fs::create_dir_all(path).map_err(DiskError::at(Operation::CreateDirectory, path))
}

/// [`write`] into a directory that is there.
///
/// # Errors
/// As [`write`].
pub fn write_beside(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    Replace { steps: &Disk, temporary: TEMPORARY, readers: Readers::All, durable: false }.put(path, bytes)
}

/// Opens a file for lines that are added at its end; one that is not there is made, for this user alone.
///
/// # Errors
/// [`DiskError`].
pub fn append(path: &Path) -> Result<File, DiskError> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(DiskError::at(Operation::Write, path))
}

/// A fresh directory among the machine's temporary ones, removed when dropped.
///
/// # Errors
/// [`DiskError`].
pub fn temporary_directory() -> Result<tempfile::TempDir, DiskError> {
    tempfile::tempdir().map_err(DiskError::about(Operation::CreateDirectory, "in", &std::env::temp_dir()))
}

/// The same, which only this user sees into.
///
/// # Errors
/// [`DiskError`].
pub fn private_temporary_directory() -> Result<tempfile::TempDir, DiskError> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir().map_err(DiskError::about(Operation::CreateDirectory, "in", &std::env::temp_dir()))
}

/// One durability pass: everything written below `root` so far survives a power cut.
///
/// On Linux one `syncfs` of the file system; elsewhere each of `files` and its directory in turn.
///
/// # Errors
/// [`DiskError`] naming what could not be flushed.
pub fn make_durable(root: &Path, files: &[PathBuf]) -> Result<(), DiskError> {
    #[cfg(target_os = "linux")]
    {
        let _ = files;
        let directory = File::open(root).map_err(DiskError::at(Operation::Open, root))?;
        rustix::fs::syncfs(&directory).map_err(|errno| DiskError::at(Operation::Flush, root)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        for file in files {
            File::open(file).and_then(|file| file.sync_all()).map_err(DiskError::at(Operation::Flush, file))?;
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_read_and_nothing_is_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = |name: &str| directory.path().join(name);
        fs::write(place("file"), "text").expect("writes");
        fs::write(place("empty"), "").expect("writes");
        fs::create_dir(place("directory")).expect("a directory");
        let made = std::process::Command::new("mkfifo").arg(place("fifo")).status().expect("mkfifo");
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(place("socket")).expect("a socket");
        for (link, to) in [("to-file", "file"), ("to-fifo", "fifo"), ("to-null", "/dev/null"), ("to-nothing", "x")] {
            std::os::unix::fs::symlink(to, place(link)).expect("links");
        }
        let told = |name: &str| match read_if_there(&place(name), 4) {
            Ok(Some(bytes)) => String::from_utf8(bytes).expect("text"),
            Ok(None) => "none".to_owned(),
            Err(error) => error.cause.to_string(),
        };
        for (name, expected) in [
            ("file", "text"),
            ("empty", ""),
            ("to-file", "text"),
            ("nothing", "none"),
            ("to-nothing", "none"),
            ("fifo", "it is a FIFO, not a file"),
            ("to-fifo", "it is a FIFO, not a file"),
            ("to-null", "it is a device, not a file"),
            ("directory", "Is a directory (os error 21)"),
            ("file/below", "Not a directory (os error 20)"),
        ] {
            assert_eq!(told(name), expected, "{name}");
        }
        assert!(read_if_there(&place("socket"), 4).is_err());
        assert_eq!(read_if_there(&place("file"), 3).expect_err("longer").cause.to_string(), "longer than 3 bytes");
    }

    #[test]
    fn a_secret_may_come_through_a_fifo_that_the_user_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
        std::thread::scope(|scope| {
            scope.spawn(|| fs::write(&fifo, "secret").expect("writes"));
            assert_eq!(read_named(&fifo, 100).expect("reads"), b"secret");
        });
        assert!(["/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"].iter().all(|path| is_handed_over(Path::new(path))));
        assert!(
            ["/dev/shm/x", "/dev/null", "stdin", "/tmp/dev/fd/3"].iter().all(|path| !is_handed_over(Path::new(path)))
        );
    }
}
