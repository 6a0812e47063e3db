//! Files that are whole or not there: temporary sibling, then rename; durability in one pass per phase.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// An I/O error with what was being attempted, and where.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {cause}", .path.display())]
pub struct DiskError {
    /// A verb phrase: "read", "write".
    pub doing: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl DiskError {
    /// For `map_err`.
    pub fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
        let path = path.to_owned();
        move |cause| DiskError { doing, path, cause }
    }
}

/// Reads a whole file, of at most `limit` bytes.
///
/// # Errors
/// [`DiskError`], also for a file that is longer.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    read_if_there(path, limit)?
        .ok_or_else(|| DiskError::at("read", path)(io::Error::new(io::ErrorKind::NotFound, "there is no such file")))
}

/// Reads a whole file, or `None` where there is none. "Cannot look" is an error, never `None`.
///
/// # Errors
/// [`DiskError`], also for a file longer than `limit`.
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(DiskError::at("read", path))?,
    };
    let size = file.metadata().map_err(DiskError::at("read", path))?.len();
    let mut bytes = Vec::with_capacity(size.min(limit) as usize);
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut bytes).map_err(DiskError::at("read", path))?;
    if bytes.len() as u64 > limit {
        let cause = io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes"));
        return Err(DiskError { doing: "read", path: path.to_owned(), cause });
    }
    Ok(Some(bytes))
}

/// How the name of a temporary sibling begins. A write that was killed leaves one.
pub const TEMPORARY: &str = ".aileron-";

/// Writes a file whole: into a temporary sibling, then renamed over `path`. Parent directories are made. Not yet durable:
/// see [`make_durable`].
///
/// # Errors
/// [`DiskError`]; the target is then as it was and the temporary is gone.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(DiskError::at("create directory", parent))?;
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(public_mode())
        .tempfile_in(parent)
        .map_err(DiskError::at("write", path))?;
    temporary.write_all(bytes).map_err(DiskError::at("write", path))?;
    temporary.persist(path).map_err(|error| DiskError::at("write", path)(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn public_mode() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}

#[cfg(not(unix))]
fn public_mode() -> fs::Permissions {
    // Permissions cannot be built from nothing here; a fresh temporary file of this process has the ordinary ones.
    tempfile::tempfile()
        .and_then(|file| file.metadata())
        .map(|metadata| metadata.permissions())
        .expect("a temporary file")
}

/// Renames a file into a directory that is made if need be.
///
/// # Errors
/// [`DiskError`] naming the target.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(DiskError::at("create directory", parent))?;
    fs::rename(from, to).map_err(DiskError::at("write", to))
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
        let directory = File::open(root).map_err(DiskError::at("open", root))?;
        rustix::fs::syncfs(&directory).map_err(|errno| DiskError::at("flush", root)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        for file in files {
            File::open(file).and_then(|file| file.sync_all()).map_err(DiskError::at("flush", file))?;
        }
        Ok(())
    }
}
