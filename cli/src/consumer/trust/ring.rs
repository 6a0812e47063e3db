//! The user's ring on disk: read as it is, changed under a lock, written whole and only when something changed.
//!
//! What a ring means is the verifier's; here is the file. keyring.md §1.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::trust::error::TrustError;
use crate::sys::disk::{self, DiskError, Operation, SharedFile};
use crate::sys::environment::Environment;
use crate::sys::lock::{LockError, LockPolicy};
use crate::sys::private::{NotPrivate, PrivateError, PrivateFile};
use crate::sys::steps::Steps;

/// A ring longer than this is not one.
const LIMIT: u64 = 16 * 1024 * 1024;
/// `keyring.json` of one user.
#[derive(Clone, Debug)]
pub struct RingFile {
    file: SharedFile,
}

/// Why the ring was not changed; it is then as it was. The texts are keyring.md §1.4's and §1.6's.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// It cannot be read, or is refused as it stands.
    #[error("load keyring {}: {}", Quoted(.path), refusal(.why, .path))]
    Load {
        /// The file.
        path: String,
        /// Why.
        why: TrustError,
    },
    /// It cannot be written.
    #[error("save keyring: {}", unsaved(.0))]
    Save(#[from] DiskError),
    /// Others could replace what would be written.
    #[error("save keyring: {0}")]
    NotPrivate(NotPrivate),
    /// Another process changes it, and did not finish in time.
    #[error("save keyring: {0}")]
    Locked(#[from] LockError),
}

impl RingError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            RingError::Load { why, .. } => why.class(),
            RingError::NotPrivate(_) => Class::ValidationError,
            RingError::Save(error) => error.class(),
            RingError::Locked(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            RingError::Load { why, .. } => why.is_retriable(),
            RingError::NotPrivate(_) => false,
            RingError::Save(error) => error.is_retriable(),
            RingError::Locked(error) => error.is_retriable(),
        }
    }
}

impl From<PrivateError> for RingError {
    fn from(error: PrivateError) -> RingError {
        match error {
            PrivateError::NotPrivate(why) => RingError::NotPrivate(why),
            PrivateError::Io { path, cause } => DiskError::at(Operation::Open, &path)(cause).into(),
        }
    }
}

/// A refusal of the disk as keyring.md §1.6 words it.
fn unsaved(why: &DiskError) -> String {
    let what = match why.operation {
        Operation::CreateDirectory => "create keyring directory",
        _ => "write keyring",
    };
    format!("{what} {}: {}", Quoted(&why.path.display().to_string()), why.cause)
}

/// The reason as keyring.md §1.4 words it: a plain I/O error, else class and text.
fn refusal(why: &TrustError, path: &str) -> String {
    match why {
        TrustError::Disk(why) => format!("read keyring {}: {}", Quoted(path), why.cause),
        why => format!("{}: {why}", why.class()),
    }
}

impl RingFile {
    /// Below `AILERON_HOME`, else `~/.aileron`; `None` without a home. keyring.md §1.1.
    pub fn at_home(environment: &Environment) -> Option<RingFile> {
        Some(RingFile::at(environment.aileron_home()?.join("keyring.json")))
    }

    /// A ring somewhere else.
    pub fn at(path: PathBuf) -> RingFile {
        RingFile { file: SharedFile::at(path, ".keyring-") }
    }

    /// The same file on another disk.
    pub fn on(self, steps: Arc<dyn Steps>) -> RingFile {
        RingFile { file: self.file.on(steps) }
    }

    /// The same file, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> RingFile {
        RingFile { file: self.file.waiting(waiting) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads it; one that does not exist is empty. Read from the handle that was found to be private, so that no other user adds
    /// a key in between. keyring.md §1.4, artifacts.md §10.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn load(&self) -> Result<Keyring, TrustError> {
        match self.private()? {
            Some(bytes) => self.parse(&bytes),
            None => Ok(Keyring::default()),
        }
    }

    /// Reads it for a command that names it: it must exist, and may be a handle that the caller's shell opened.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn load_named(&self) -> Result<Keyring, TrustError> {
        let bytes = match disk::is_handed_over(self.path()) {
            true => disk::read(self.path(), LIMIT)?,
            false => self.private()?.ok_or_else(|| DiskError::absent(self.path()))?,
        };
        self.parse(&bytes)
    }

    fn private(&self) -> Result<Option<Vec<u8>>, TrustError> {
        let read = || PrivateFile::open(self.path())?.map(|mut file| file.read(LIMIT)).transpose();
        read().map_err(|error| match error {
            PrivateError::NotPrivate(why) => TrustError::NotPrivate(why),
            PrivateError::Io { path, cause } => TrustError::Disk(DiskError::at(Operation::Read, &path)(cause)),
        })
    }

    fn parse(&self, bytes: &[u8]) -> Result<Keyring, TrustError> {
        Ok(Keyring::parse(bytes, &self.path().display().to_string())?)
    }

    /// As [`RingFile::load`], for a command that is about this file: the error names it.
    ///
    /// # Errors
    /// [`RingError::Load`].
    pub fn load_or_refuse(&self) -> Result<Keyring, RingError> {
        self.load().map_err(|why| RingError::Load { path: self.path().display().to_string(), why })
    }

    /// Reads it, lets `change` work on it, and writes it when it came out different. No other process that changes it
    /// this way comes in between. A command that changes nothing leaves the file byte for byte as it was, v1 or not.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn edit<T>(&self, change: impl FnOnce(&mut Keyring) -> T) -> Result<T, RingError> {
        // Refused as it stands before anything is made beside it.
        self.load_or_refuse()?;
        let locked = self.file.lock::<RingError>(|name| format!(".{name}.lock"))?;
        let before = self.load_or_refuse()?;
        let mut ring = before.clone();
        let answer = change(&mut ring);
        if ring != before {
            self.file.put(ring.render().as_bytes(), &locked)?;
        }
        Ok(answer)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sys::disk::crash::Crashing;
    use aileron_verifier::name::fqn::Authority;
    use aileron_verifier::trust::key::PublicKey;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn ring(directory: &Path) -> RingFile {
        RingFile::at(directory.join("nested/.aileron/keyring.json"))
    }

    fn grant(ring: &RingFile, owner: &str, byte: u8) -> bool {
        ring.edit(|ring| ring.grant(Authority::new(owner), PublicKey::from_bytes([byte; 32]))).expect("saves")
    }

    #[test] // keyring.md §1.6, conformance S2 and S3
    fn a_new_ring_is_for_this_user_only_and_its_directories_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let ring = ring(directory.path());
        assert!(grant(&ring, "github://acme", 1));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(ring.path()), mode(ring.path().parent().expect("a parent"))), (0o600, 0o700));
        let left: Vec<_> = fs::read_dir(ring.path().parent().expect("a parent")).expect("listable").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test] // keyring.md §1.6 and §1.7
    fn only_a_change_writes_and_a_wide_mode_is_tightened_then() {
        let directory = tempfile::tempdir().expect("a directory");
        let ring = ring(directory.path());
        grant(&ring, "github://acme", 1);
        fs::set_permissions(ring.path(), fs::Permissions::from_mode(0o644)).expect("chmod");
        let before = fs::metadata(ring.path()).expect("there");
        assert!(!grant(&ring, "github://acme", 1), "it is there already");
        let after = fs::metadata(ring.path()).expect("there");
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
        grant(&ring, "github://zeta", 2);
        assert_eq!(fs::metadata(ring.path()).expect("there").mode() & 0o777, 0o600);
    }

    #[test] // keyring.md §1.6
    fn a_link_survives_and_its_target_is_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let (real, link) = (directory.path().join("real.json"), directory.path().join("keyring.json"));
        fs::write(&real, RingFile::at(real.clone()).load().expect("empty").render()).expect("writes");
        symlink(&real, &link).expect("links");
        grant(&RingFile::at(link.clone()), "github://acme", 1);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert!(fs::read_to_string(&real).expect("there").contains("github://acme"));
    }

    #[test] // keyring.md §1.6
    fn a_link_to_where_nothing_is_yet_survives_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let (link, between) = (directory.path().join("keyring.json"), directory.path().join("between.json"));
        symlink("between.json", &link).expect("links");
        symlink("dotfiles/real.json", &between).expect("links");
        grant(&RingFile::at(link.clone()), "github://acme", 1);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert!(fs::symlink_metadata(&between).expect("there").is_symlink());
        let real = directory.path().join("dotfiles/real.json");
        assert!(fs::read_to_string(real).expect("there").contains("github://acme"));
        symlink("round.json", directory.path().join("round.json")).expect("links");
        let round = RingFile::at(directory.path().join("round.json"));
        round
            .edit(|ring| ring.grant(Authority::new("github://acme"), PublicKey::from_bytes([1; 32])))
            .expect_err("a circle");
    }

    #[test] // keyring.md §1.6
    fn a_ring_is_whole_with_or_without_the_change_wherever_it_crashes() {
        for number in 1.. {
            let directory = tempfile::tempdir().expect("a directory");
            let ring = ring(directory.path());
            grant(&ring, "github://acme", 1);
            let steps = Arc::new(Crashing::at(number));
            let crashing = ring.clone().on(steps.clone());
            let zeta = Authority::new("github://zeta");
            let edited = crashing.edit(|ring| ring.grant(zeta.clone(), PublicKey::from_bytes([2; 32])));
            let found = ring.load().expect("a whole ring").authorities().count();
            assert!(found == 2 || (found == 1 && edited.is_err()), "{number}: {found}");
            assert!(grant(&ring, "github://beta", 3), "{number}: the next change finds nothing in its way");
            let home = ring.path().parent().expect("a parent");
            assert_eq!(fs::read_dir(home).expect("lists").count(), 1, "{number}: nothing is left over");
            if steps.is_alive() {
                break;
            }
        }
    }

    #[test] // a storm of changes loses none
    fn changes_from_many_threads_all_arrive() {
        let directory = tempfile::tempdir().expect("a directory");
        let ring = ring(directory.path());
        std::thread::scope(|scope| {
            for byte in 0..16 {
                let ring = &ring;
                scope.spawn(move || grant(ring, &format!("github://owner{byte}"), byte));
            }
        });
        assert_eq!(ring.load().expect("reads").authorities().count(), 16);
    }
}
