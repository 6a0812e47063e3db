//! One process at a time: a lock on a file that no other user can open.
//!
//! A user who can open a file can lock it, and a lock on a directory that others may list could be held by any of them for
//! ever. So the lock is a file of mode 0600 beside what it protects, and waiting for it ends: after a second the user is
//! told what is waited for, and after [`LockPolicy::wait`] the command fails. The file holds the number of the process that
//! has the lock, and is removed when it is released. One that a killed process left behind is not locked any more, and is used
//! again.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aileron_verifier::problem::Class;

use super::{DiskError, Operation};
use crate::sys::clock::{Clock, Machine};
use crate::sys::interrupt;

/// How long a lock is waited for without `--wait-lock`: a minute.
pub const WAIT: Duration = Duration::from_secs(60);
/// How long a release waits for another one without `--wait-lock`. It may hold its lock for hours; a second is enough for one
/// that ends this instant, and for a child that has not yet let go of what it inherited.
pub const WAIT_FOR_RELEASE: Duration = Duration::from_secs(1);
/// How long a lock is waited for before a word is said.
const SILENCE: Duration = Duration::from_secs(1);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// A file that names its process is not longer than this.
const LIMIT: u64 = 32;

/// How a lock is waited for.
#[derive(Clone)]
pub struct LockPolicy {
    /// How long it is tried. Zero: once.
    pub wait: Duration,
    /// Tells the time, and waits.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Ends the waiting when it is set.
    pub stop: &'static AtomicBool,
    /// Is given the line that says what is waited for.
    pub say: Arc<dyn Fn(String) + Send + Sync>,
}

impl Default for LockPolicy {
    /// A minute by the machine's clock, silently.
    fn default() -> LockPolicy {
        LockPolicy { wait: WAIT, clock: Arc::new(Machine), stop: interrupt::ignored(), say: Arc::new(|_| ()) }
    }
}

impl fmt::Debug for LockPolicy {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("LockPolicy").field("wait", &self.wait).finish_non_exhaustive()
    }
}

/// Why there is no lock. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is locked{}; gave up after {} s", .path.display(), by(*.holder), .waited.as_secs())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// The process that says it has the lock.
        holder: Option<u32>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The user ended the waiting.
    #[error("interrupted while waiting for {}", .0.display())]
    Interrupted(PathBuf),
    /// The file cannot be made, opened or locked.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl LockError {
    /// The failure class: nothing could be written while another process does.
    pub fn class(&self) -> Class {
        match self {
            LockError::Busy { .. } | LockError::Interrupted(_) => Class::StoreUnwritable,
            LockError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            LockError::Busy { .. } | LockError::Interrupted(_) => true,
            LockError::Disk(error) => error.is_retriable(),
        }
    }
}

fn by(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" by process {process}"))
}

/// A lock. Dropping it releases it; so does the end of the process, however it comes.
#[derive(Debug)]
pub struct Lock {
    /// Closed after the name is gone, so that no process locks a file that is about to be removed.
    _file: File,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if cfg!(unix) {
            // Held until the file is closed: who opened it meanwhile finds that it has no name any more, and opens again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the lock at `path`, whose directory exists.
///
/// # Errors
/// [`LockError`].
pub fn take(path: &Path, policy: &LockPolicy) -> Result<Lock, LockError> {
    let began = policy.clock.now();
    let mut told = false;
    loop {
        let mut file = open(path).map_err(DiskError::at(Operation::Lock, path))?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => {
                name_holder(&mut file).map_err(DiskError::at(Operation::Lock, path))?;
                return Ok(Lock { _file: file, path: path.to_owned() });
            }
            // Its last holder removed it after it was opened here.
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => return Err(DiskError::at(Operation::Lock, path)(cause).into()),
        }
        let now = policy.clock.now();
        let waited = now.duration_since(began).unwrap_or_default();
        let holder = named_holder(&mut file);
        if policy.stop.load(Ordering::SeqCst) {
            return Err(LockError::Interrupted(path.to_owned()));
        }
        if waited >= policy.wait {
            return Err(LockError::Busy { path: path.to_owned(), holder, waited });
        }
        if waited >= SILENCE && !told {
            told = true;
            let by = by(holder);
            let left = policy.wait.saturating_sub(waited).as_millis().div_ceil(1_000);
            (policy.say)(format!("waiting for {}, which is locked{by}, for up to {left} s", path.display()));
        }
        policy.clock.sleep_until(now + PAUSE, policy.stop);
    }
}

/// Opens or makes the file, for this user alone; refuses one of another user.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    use std::os::unix::fs::MetadataExt as _;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file: File = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into();
    let found = file.metadata()?;
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
    if !found.is_file() {
        return refused("it is not a file");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refused("it belongs to another user; remove it when no command of that user is running");
    }
    if found.mode() & 0o077 != 0 {
        // What an earlier version left.
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Whether the open file is still the one with this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let there = fs::symlink_metadata(path).map(identity);
    file.metadata().map(identity).is_ok_and(|ours| there.is_ok_and(|there| there == ours))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn name_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn named_holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::sync::Mutex;
    use std::time::SystemTime;

    use super::*;

    /// A clock that passes as it is slept by, and runs something at each pause.
    struct Passing {
        now: Mutex<SystemTime>,
        at_pause: Box<dyn Fn(u128) + Send + Sync>,
    }

    impl Passing {
        fn policy(wait: Duration, at_pause: impl Fn(u128) + Send + Sync + 'static) -> (LockPolicy, Said) {
            let said = Said::default();
            let heard = Arc::clone(&said);
            let clock = Passing { now: Mutex::new(SystemTime::UNIX_EPOCH), at_pause: Box::new(at_pause) };
            let say = Arc::new(move |line| heard.lock().expect("lines").push(line));
            (LockPolicy { wait, clock: Arc::new(clock), say, ..LockPolicy::default() }, said)
        }
    }

    type Said = Arc<Mutex<Vec<String>>>;

    impl Clock for Passing {
        fn now(&self) -> SystemTime {
            *self.now.lock().expect("a time")
        }

        fn sleep_until(&self, until: SystemTime, _: &AtomicBool) {
            *self.now.lock().expect("a time") = until;
            let passed = until.duration_since(SystemTime::UNIX_EPOCH).expect("later");
            (self.at_pause)(passed.as_millis());
        }
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(".lock");
        (directory, path)
    }

    #[test]
    fn a_lock_is_a_file_of_this_user_alone_that_names_its_process_and_is_gone_afterwards() {
        let (_directory, path) = place();
        for _ in 0..3 {
            let lock = take(&path, &LockPolicy::default()).expect("free");
            assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
            assert_eq!(fs::read_to_string(&path).expect("a number"), format!("{}\n", std::process::id()));
            drop(lock);
            assert!(!path.exists());
        }
        fs::write(&path, "4194304\n").expect("what a killed process left");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        let _lock = take(&path, &LockPolicy::default()).expect("it is not locked");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
    }

    #[test]
    fn who_waits_is_silent_for_a_second_then_told_once_and_gives_up_when_the_time_is_over() {
        for (wait, lines) in [(0, 0), (1, 0), (2, 1), (60, 1), (3_600, 1)] {
            let (_directory, path) = place();
            let _lock = take(&path, &LockPolicy::default()).expect("free");
            let (policy, said) = Passing::policy(Duration::from_secs(wait), |_| ());
            let refused = take(&path, &policy).expect_err("it is held");
            let told = refused.to_string();
            let by = format!("is locked by process {}; gave up after {wait} s", std::process::id());
            assert!(told.ends_with(&by), "{told}");
            let said = said.lock().expect("lines");
            assert_eq!(said.len(), lines, "{wait} s: {said:?}");
            assert!(
                said.iter().all(|line| line.starts_with("waiting for ") && line.contains("by process ")),
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_lock_that_is_released_in_time_is_taken() {
        for released_at in [10, 500, 990, 1_000, 1_500, 59_990] {
            let (_directory, path) = place();
            let held = Mutex::new(Some(take(&path, &LockPolicy::default()).expect("free")));
            let (policy, said) = Passing::policy(WAIT, move |passed| {
                if passed >= released_at {
                    held.lock().expect("the lock").take();
                }
            });
            let lock = take(&path, &policy).expect("released");
            assert!(lock.path.exists());
            assert_eq!(said.lock().expect("lines").len(), usize::from(released_at > 1_000), "{released_at} ms");
        }
    }

    #[test]
    fn an_interruption_ends_the_waiting() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let (_directory, path) = place();
        let _lock = take(&path, &LockPolicy::default()).expect("free");
        let (policy, _) = Passing::policy(WAIT, |passed| STOP.store(passed > 100, Ordering::SeqCst));
        let policy = LockPolicy { stop: &STOP, ..policy };
        assert!(matches!(take(&path, &policy), Err(LockError::Interrupted(_))));
    }

    #[test]
    fn what_lies_in_the_place_of_a_lock_and_is_none_is_refused_at_once() {
        type Plant = fn(&Path);
        let fifo: Plant =
            |path| assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
        let plants: [(&str, Plant); 4] = [
            ("a directory", |path| fs::create_dir(path).expect("a directory")),
            ("a FIFO", fifo),
            ("a link", |path| std::os::unix::fs::symlink("other", path).expect("links")),
            ("nothing, and no directory for it", |path| fs::remove_dir(path.parent().expect("one")).expect("removes")),
        ];
        for (what, plant) in plants {
            let (_directory, path) = place();
            plant(&path);
            let refused = take(&path, &LockPolicy::default()).expect_err(what);
            assert!(matches!(refused, LockError::Disk(_)), "{what}: {refused}");
        }
    }

    #[test]
    fn many_at_once_are_one_after_the_other() {
        let (_directory, path) = place();
        let inside = Mutex::new(());
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        let _lock = take(&path, &LockPolicy::default()).expect("free in the end");
                        let _inside = inside.try_lock().expect("no other thread is inside");
                    }
                });
            }
        });
        assert!(!path.exists());
    }
}
