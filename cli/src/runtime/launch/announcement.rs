//! `launch.json` in `AILERON_HOME`: where a running `aileron launch` is, and its token, for other terminals of the same user.
//!
//! Its writer holds a lock beside it to the end, which the system takes away however that end comes: a file without its
//! lock is one that was left behind, and another program may have its port by now. It is not made use of, and the next
//! `aileron launch` replaces it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::client::Remote;
use super::error::LaunchError;
use super::token::Token;
use crate::secret::Secret;
use crate::sys::disk::{Locked, SharedFile};
use crate::sys::lock::{self, LockError, LockPolicy};
use crate::sys::private::PrivateFile;

/// Its name.
pub const NAME: &str = "launch.json";
/// What its temporary siblings begin with.
const TEMPORARY: &str = ".launch-";
/// No such file is longer.
const LIMIT: u64 = 4 << 10;

#[derive(Deserialize)]
struct Document {
    address: String,
    token: String,
    pid: u32,
}

#[derive(Serialize)]
struct Rendered<'a> {
    schema: u8,
    address: &'a str,
    token: &'a str,
    pid: u32,
}

/// The file, for as long as its server answers.
pub struct Announcement {
    file: SharedFile,
    locked: Locked,
}

impl Announcement {
    /// Keeps others from announcing themselves, and takes away what one left behind that did not come to its end.
    ///
    /// # Errors
    /// [`LaunchError::Running`], or the disk's.
    pub fn reserve(home: &Path, waiting: LockPolicy) -> Result<Announcement, LaunchError> {
        let file = SharedFile::at(home.join(NAME), TEMPORARY).waiting(waiting);
        let locked = file.lock::<LaunchError>(lock_name)?;
        file.remove(&locked)?;
        Ok(Announcement { file, locked })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The disk's.
    pub fn publish(&self, address: &str, token: &Token) -> Result<(), LaunchError> {
        let rendered = Rendered { schema: 1, address, token: token.text(), pid: std::process::id() };
        let text = Zeroizing::new(serde_json::to_string_pretty(&rendered).unwrap_or_default() + "\n");
        Ok(self.file.put(text.as_bytes(), &self.locked)?)
    }
}

/// The file goes first, then the lock. One that cannot be removed is ignored without its lock.
impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = self.file.remove(&self.locked);
    }
}

/// The `aileron launch` of this user that is running and announced, if there is one. What cannot be read, is not this user's
/// alone, or was left behind counts as none.
pub fn find(home: &Path) -> Option<Remote> {
    let path = home.join(NAME);
    let bytes = Zeroizing::new(PrivateFile::open(&path).ok()??.read(LIMIT).ok()?);
    let Document { address, token, pid } = serde_json::from_slice(&bytes).ok()?;
    let remote = Remote::of(&address, Secret::from(token)).ok()?;
    let once = LockPolicy { wait: std::time::Duration::ZERO, ..LockPolicy::default() };
    match lock::take(&home.join(lock_name(NAME)), &once) {
        // Another one that looks, as this one does, may have it for a moment.
        Err(LockError::Busy { holder, .. }) if holder == Some(pid) => Some(remote),
        Ok(_) | Err(_) => None,
    }
}

fn lock_name(name: &str) -> String {
    format!("{name}.lock")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ADDRESS: &str = "http://127.0.0.1:8721/v1";

    fn once() -> LockPolicy {
        LockPolicy { wait: std::time::Duration::ZERO, ..LockPolicy::default() }
    }

    #[test]
    fn it_is_found_while_its_writer_lives_and_one_at_a_time() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join(NAME);
        assert!(find(home.path()).is_none());
        let token = Token::new().expect("random");
        let announced = Announcement::reserve(home.path(), once()).expect("no other one");
        assert!(find(home.path()).is_none(), "reserved is not announced");
        announced.publish(ADDRESS, &token).expect("writes");
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        let found = find(home.path()).expect("found");
        assert_eq!(found.address(), ADDRESS);
        let second = Announcement::reserve(home.path(), once()).err();
        assert!(matches!(second, Some(LaunchError::Running(Some(process))) if process == std::process::id()));
        drop(announced);
        assert!(!path.exists() && find(home.path()).is_none());
    }

    #[test]
    fn one_that_was_left_behind_or_is_not_ours_is_ignored_and_replaced() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join(NAME);
        let left = Announcement::reserve(home.path(), once()).expect("no other one");
        left.publish(ADDRESS, &Token::new().expect("random")).expect("writes");
        let text = std::fs::read(&path).expect("reads");
        drop(left);
        std::fs::write(&path, text).expect("writes");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        assert!(path.exists() && find(home.path()).is_none(), "dead");
        let ours = std::process::id();
        let text = |address: &str, pid: u32| format!(r#"{{"address":"{address}","token":"t","pid":{pid}}}"#);
        let elsewhere = text("http://evil.example/v1", ours);
        // Somebody else looks at it in this moment.
        let looked_at = text(ADDRESS, ours + 1);
        for text in ["", "{}", "[1]", &elsewhere, &looked_at] {
            std::fs::write(&path, text).expect("writes");
            let _lock = lock::take(&home.path().join("launch.json.lock"), &once()).expect("a lock");
            assert!(find(home.path()).is_none(), "{text}");
        }
        let announced = Announcement::reserve(home.path(), once()).expect("no other one");
        announced.publish(ADDRESS, &Token::new().expect("random")).expect("writes");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("a mode");
        assert!(find(home.path()).is_none(), "others could have written it");
    }
}
