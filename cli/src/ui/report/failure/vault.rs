//! Refusals of the vault: exit code, the text the specification pins, what to try next. vault.md §6.2, artifacts.md §8.

use super::{Exit, Failure, classified, private};
use crate::sys::lock::LockError;
use crate::vault::document::Malformed;
use crate::vault::error::VaultError;

classified!(VaultError);

/// What is printed when the last attempt with a passphrase was rejected.
const REJECTED: &str = "vault unlock rejected: wrong passphrase";

impl Failure {
    /// The same failure, printed as this text, which a specification pins.
    pub(crate) fn with_text(self, text: impl Into<String>) -> Failure {
        Failure { pinned: Some(text.into()), ..self }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            VaultError::Rejected => fail(Exit::Failure)
                .with_text(REJECTED)
                .next("try again; if it is forgotten, aileron vault reset says what to revoke and removes the vault"),
            VaultError::Tampered => fail(Exit::Refused)
                .next("somebody wrote into the file: put a copy from a backup in its place, or aileron vault reset"),
            VaultError::Missing(path) => fail(Exit::NotFound)
                .evidence(format!("  there is no vault at {}", path.display()))
                .next("aileron vault init"),
            VaultError::Exists(path) => fail(Exit::Failure)
                .with_text(format!("vault already exists at {}", path.display()))
                .next("aileron vault rekey changes its passphrase; to start with an empty vault, aileron vault reset"),
            VaultError::Corrupt { why: Malformed::Version(_), .. } => fail(Exit::Refused),
            VaultError::Corrupt { path, .. } => {
                let path = path.display();
                fail(Exit::Refused)
                    .next(format!("put a copy from a backup in its place, or move {path} away; it was not changed"))
            }
            VaultError::NoEntry(_) => fail(Exit::NotFound).next("aileron vault list"),
            VaultError::Unavailable => fail(Exit::Failure)
                .evidence("  another command changed the passphrase, or made a new vault, meanwhile")
                .next("run the same command again"),
            VaultError::NotPrivate(why) => fail(Exit::Failure).next(private::next(why)),
            VaultError::Locked(LockError::Busy { .. }) | VaultError::Unsettled(_) => {
                fail(Exit::Failure).next("run the same command again")
            }
            VaultError::Locked(LockError::Interrupted(_)) => fail(Exit::Interrupted),
            VaultError::EntryExists(_)
            | VaultError::EmptyPassphrase
            | VaultError::Entry { .. }
            | VaultError::NoMemory(_)
            | VaultError::NoRandom(_)
            | VaultError::TooLong { .. }
            | VaultError::Unreadable(_)
            | VaultError::Disk(_)
            | VaultError::Locked(LockError::Disk(_)) => fail(Exit::Failure),
        }
    }
}
