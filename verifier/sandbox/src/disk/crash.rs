//! A disk that stops, for tests: power is cut at one step, and nothing happens after it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::steps::{Disk, Steps};

/// A disk that takes so many steps. The last one is half done where a step can be; every later one fails.
///
/// Nothing is flushed in here: what a step has changed is what the next process finds.
#[derive(Debug)]
pub struct Crashing {
    left: AtomicUsize,
}

impl Crashing {
    /// Crashes within step `number`, from 1.
    pub fn at(number: usize) -> Crashing {
        Crashing { left: AtomicUsize::new(number) }
    }

    /// Never crashes: a disk that is not flushed, for tests that would spend their time in flushes.
    pub fn never() -> Crashing {
        Crashing::at(usize::MAX)
    }

    /// Whether it has not crashed: whatever was done needed fewer steps.
    pub fn is_alive(&self) -> bool {
        self.left.load(Ordering::SeqCst) > 0
    }

    fn step(&self, whole: impl FnOnce() -> io::Result<()>, half: impl FnOnce()) -> io::Result<()> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(left) if left > 1 => whole(),
            Ok(_) => {
                half();
                Err(io::Error::other("crashed here"))
            }
            Err(_) => Err(io::Error::other("crashed before")),
        }
    }
}

impl Steps for Crashing {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.make_directory(path), || ())
    }

    fn make_shared_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.make_shared_directory(path), || ())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(|| Disk.write(path, bytes), || drop(Disk.write(path, &bytes[..bytes.len() / 2])))
    }

    fn write_private(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(|| Disk.write_private(path, bytes), || drop(Disk.write_private(path, &bytes[..bytes.len() / 2])))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.step(|| fs::File::open(path).map(drop), || ())
    }

    fn settle_below(&self, directory: &Path) -> io::Result<()> {
        self.step(|| fs::File::open(directory).map(drop), || ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Disk.rename(from, to), || ())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.remove_file(path), || ())
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Disk.remove_empty_directory(path), || ())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let half = || {
            if let Some(entry) = fs::read_dir(path).ok().and_then(|mut entries| entries.next()?.ok()) {
                let _ = fs::remove_file(entry.path());
            }
        };
        self.step(|| Disk.remove_directory(path), half)
    }
}
