//! A file that is whole or as it was: written into a temporary sibling, flushed where that is asked for, renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::{DiskError, Operation};
use super::steps::Steps;

/// How the name of a temporary sibling begins by default. A write that was killed leaves one.
pub const TEMPORARY: &str = ".aileron-";
/// No write of one file takes longer than this.
const ABANDONED: Duration = Duration::from_secs(3_600);

/// Random bytes in the name of a temporary sibling.
const RANDOM: usize = 8;

/// Who may read a file from its first moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// This user alone: mode 0600.
    User,
    /// Every user the umask lets: mode 0644.
    All,
}

impl Readers {
    fn write(self, steps: &dyn Steps, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self {
            Readers::User => steps.write_private(path, bytes),
            Readers::All => steps.write(path, bytes),
        }
    }
}

/// How a file comes into the place of another one.
#[derive(Clone, Copy)]
pub struct Replace<'a> {
    /// The disk.
    pub steps: &'a dyn Steps,
    /// How the name of the temporary sibling begins, so that a leftover can be told from everything else.
    pub temporary: &'a str,
    /// Who may read it.
    pub readers: Readers,
    /// Whether it survives a power cut once [`Replace::put`] has returned. Without it, either file may be there then.
    pub durable: bool,
}

impl Replace<'_> {
    /// Puts these bytes in the place of what is at `path`, whose directory exists.
    ///
    /// # Errors
    /// [`DiskError`]; the target is then as it was. What is left of the sibling, when not even that can be removed, is for
    /// [`Replace::sweep`].
    pub fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.put_if(path, bytes, || Ok(true)).map(drop)
    }

    /// [`Replace::put`], unless `still` says no just before the rename: then `false`, and the target is as it was.
    ///
    /// # Errors
    /// As [`Replace::put`], and what `still` says.
    pub fn put_if<E: From<DiskError>>(
        &self,
        path: &Path,
        bytes: &[u8],
        still: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        let failed = || DiskError::at(Operation::Write, path);
        let temporary = self.sibling(path).map_err(failed())?;
        let moved = || -> Result<bool, E> {
            self.readers.write(self.steps, &temporary, bytes).map_err(failed())?;
            if self.durable {
                self.steps.sync(&temporary).map_err(failed())?;
            }
            let still = still()?;
            if still {
                self.steps.rename(&temporary, path).map_err(failed())?;
            }
            Ok(still)
        };
        let moved = moved();
        if !matches!(moved, Ok(true)) {
            let _ = self.steps.remove_file(&temporary); // best effort: what stays is swept
            return moved;
        }
        if self.durable {
            sync_names(self.steps, path)?;
        }
        Ok(true)
    }

    /// Removes every temporary sibling in this directory. Only for who holds a lock that all writers of it take: then no
    /// one else is writing.
    pub fn sweep(&self, directory: &Path) {
        self.remove(directory, |_| true);
    }

    /// Removes the temporary siblings in this directory that no process can be writing any more: older than an hour, by the
    /// file system's own clock, as `now` tells it.
    pub fn sweep_abandoned(&self, directory: &Path, now: SystemTime) {
        let changed = |entry: &fs::DirEntry| entry.metadata().and_then(|found| found.modified()).ok();
        let age = |entry: &fs::DirEntry| now.duration_since(changed(entry)?).ok();
        self.remove(directory, |entry| age(entry).is_some_and(|age| age > ABANDONED));
    }

    /// Best effort: what cannot be removed does no harm.
    fn remove(&self, directory: &Path, is_left: impl Fn(&fs::DirEntry) -> bool) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| self.is_sibling(name)) && is_left(&entry) {
                let _ = self.steps.remove_file(&entry.path());
            }
        }
    }

    /// Whether [`Replace::sibling`] makes such names. A user's own file may begin like them.
    fn is_sibling(&self, name: &str) -> bool {
        let random = name.strip_prefix(self.temporary);
        random.is_some_and(|random| {
            random.len() == 2 * RANDOM && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }

    /// A name beside the target that no one else has.
    fn sibling(&self, path: &Path) -> io::Result<PathBuf> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(path.with_file_name(format!("{}{hex}", self.temporary)))
    }
}

/// Makes a new file, in a directory that exists, that survives a power cut. Nothing is ever written over: a file that is
/// there is an error.
///
/// # Errors
/// The system's; part of the file may be there, but for [`io::ErrorKind::AlreadyExists`], which is somebody else's.
pub fn create(steps: &dyn Steps, path: &Path, readers: Readers, bytes: &[u8]) -> io::Result<()> {
    readers.write(steps, path, bytes)?;
    steps.sync(path)?;
    steps.sync(directory_of(path))
}

fn sync_names(steps: &dyn Steps, path: &Path) -> Result<(), DiskError> {
    let directory = directory_of(path);
    steps.sync(directory).map_err(DiskError::at(Operation::Flush, directory))
}

/// The directory a path lies in, as a path that can be opened.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::crash::Crashing;
    use super::super::steps::Disk;
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn replace(steps: &dyn Steps, readers: Readers) -> Replace<'_> {
        Replace { steps, temporary: ".new-", readers, durable: true }
    }

    #[test]
    fn the_target_is_whole_or_as_it_was_wherever_it_crashes() {
        for before in [None, Some("old")] {
            for number in 1.. {
                let directory = tempfile::tempdir().expect("a directory");
                let path = directory.path().join("file");
                before.iter().for_each(|old| fs::write(&path, old).expect("writes"));
                let steps = Crashing::at(number);
                let put = replace(&steps, Readers::User).put(&path, b"new and longer");
                let found = fs::read_to_string(&path).ok();
                match put {
                    Ok(()) => assert_eq!(found.as_deref(), Some("new and longer"), "{number}"),
                    Err(_) => assert!(found.as_deref() == before || found.as_deref() == Some("new and longer")),
                }
                replace(&Disk, Readers::User).sweep(directory.path());
                let left = fs::read_dir(directory.path()).expect("lists").count();
                assert_eq!(left, usize::from(found.is_some()), "{number}");
                if steps.is_alive() {
                    assert_eq!(number, 5, "write, flush, rename, flush the names");
                    break;
                }
            }
        }
    }

    #[test]
    fn a_file_is_for_its_readers_from_the_first_moment_and_a_no_leaves_all_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        for (readers, mode) in [(Readers::User, 0o600), (Readers::All, 0o644)] {
            replace(&Disk, readers).put(&path, b"text").expect("writes");
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, mode);
        }
        let put = replace(&Disk, Readers::User).put_if::<DiskError>(&path, b"other", || Ok(false));
        assert!(matches!(put, Ok(false)));
        assert_eq!(fs::read_to_string(&path).expect("there"), "text");
        assert_eq!(fs::read_dir(directory.path()).expect("lists").count(), 1);
        let taken = create(&Disk, &path, Readers::User, b"other").expect_err("it is there");
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("there"), "text");
    }

    #[test]
    fn only_what_nobody_can_be_writing_any_more_is_swept_without_a_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in [".new-0123456789abcdef", ".new-notes", "file"] {
            fs::write(directory.path().join(name), "x").expect("writes");
        }
        let count = || fs::read_dir(directory.path()).expect("lists").count();
        let now = SystemTime::now();
        replace(&Disk, Readers::User).sweep_abandoned(directory.path(), now);
        assert_eq!(count(), 3);
        replace(&Disk, Readers::User).sweep_abandoned(directory.path(), now + 2 * ABANDONED);
        assert_eq!(count(), 2);
    }
}
