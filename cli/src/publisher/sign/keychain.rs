//! The operating system's keychain: Keychain Services, the Credential Manager, or a Secret Service over D-Bus.
//!
//! A CI machine or a container has none, and a desktop may show an unlock dialogue without an answer. So every call runs on
//! a thread of its own and is waited for, with a limit: the answer may be an error, never a hang and never a panic.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use super::KeyError;
use crate::secret::Secret;

/// Where private keys rest between releases, by account. The account is the repo authority: `github://acme/slack`.
pub trait Keychain {
    /// The private-key text of `account`; `None` when the keychain works and holds none.
    ///
    /// # Errors
    /// [`KeyError::NoKeychain`], [`KeyError::KeychainRefused`], [`KeyError::KeychainSilent`].
    fn load(&self, account: &str) -> Result<Option<Secret>, KeyError>;

    /// Stores `text` for `account`, in place of what was there.
    ///
    /// # Errors
    /// As [`Keychain::load`].
    fn store(&self, account: &str, text: &Secret) -> Result<(), KeyError>;
}

/// The service name under which entries are filed.
const SERVICE: &str = "aileron-pub";

/// Long enough to type a password into an unlock dialogue.
const PATIENCE: Duration = Duration::from_secs(60);

/// This machine's keychain.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsKeychain;

impl Keychain for OsKeychain {
    fn load(&self, account: &str) -> Result<Option<Secret>, KeyError> {
        let account = account.to_owned();
        patiently(PATIENCE, move || match entry(&account)?.get_secret() {
            Ok(text) => Ok(Some(Secret::from(text))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        })
    }

    fn store(&self, account: &str, text: &Secret) -> Result<(), KeyError> {
        let (account, text) = (account.to_owned(), Secret::from(text.expose().to_vec()));
        patiently(PATIENCE, move || entry(&account)?.set_secret(text.expose()).map_err(|error| refused(&error)))
    }
}

fn entry(account: &str) -> Result<keyring::Entry, KeyError> {
    if let Err(error) = keyring::Entry::store_status() {
        return Err(KeyError::NoKeychain(words(error)));
    }
    keyring::Entry::new(SERVICE, account).map_err(|error| refused(&error))
}

fn refused(error: &keyring::Error) -> KeyError {
    match error {
        keyring::Error::NoDefaultStore => KeyError::NoKeychain(words(error)),
        error => KeyError::KeychainRefused(words(error)),
    }
}

/// The error as text, and only where the text cannot hold what was stored: some variants carry the entry's bytes.
fn words(error: &keyring::Error) -> String {
    match error {
        keyring::Error::PlatformFailure(source) | keyring::Error::NoStorageAccess(source) => source.to_string(),
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => "the entry is malformed".to_owned(),
        keyring::Error::Ambiguous(_) => "several entries match".to_owned(),
        error => error.to_string(),
    }
}

fn patiently<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let (answer, answers) = mpsc::channel();
    let thread = std::thread::Builder::new().name("keychain".to_owned());
    thread
        .spawn(move || {
            // The receiver may be gone; then the answer is dropped, and wiped.
            let _ = answer.send(work());
        })
        .map_err(|error| KeyError::NoKeychain(error.to_string()))?;
    match answers.recv_timeout(limit) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyError::KeychainSilent(limit.as_secs())),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeyError::NoKeychain("its client stopped".to_owned())),
    }
}

/// A keychain in memory, for tests; or one that is not there.
#[derive(Default)]
pub struct MemoryKeychain {
    entries: Mutex<BTreeMap<String, Secret>>,
    missing: bool,
}

impl MemoryKeychain {
    /// A working, empty keychain.
    pub fn new() -> MemoryKeychain {
        MemoryKeychain::default()
    }

    /// What a machine without a keychain has.
    pub fn missing() -> MemoryKeychain {
        MemoryKeychain { missing: true, ..MemoryKeychain::default() }
    }

    fn present(&self) -> Result<(), KeyError> {
        if self.missing { Err(KeyError::NoKeychain("none in this test".to_owned())) } else { Ok(()) }
    }
}

impl Keychain for MemoryKeychain {
    fn load(&self, account: &str) -> Result<Option<Secret>, KeyError> {
        self.present()?;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(account).map(|text| Secret::from(text.expose().to_vec())))
    }

    fn store(&self, account: &str, text: &Secret) -> Result<(), KeyError> {
        self.present()?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(account.to_owned(), Secret::from(text.expose().to_vec()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keychain_that_never_answers_or_falls_over_is_an_error() {
        let silent = patiently(Duration::from_millis(1), || {
            std::thread::park();
            Ok(())
        });
        assert!(matches!(silent, Err(KeyError::KeychainSilent(0))));
        let fell =
            patiently(Duration::from_secs(60), || -> Result<(), KeyError> { std::panic::resume_unwind(Box::new(())) });
        assert!(matches!(fell, Err(KeyError::NoKeychain(_))));
    }

    #[test]
    fn an_error_that_carries_the_entry_does_not_show_it() {
        for error in [
            keyring::Error::BadEncoding(b"seed".to_vec()),
            keyring::Error::BadDataFormat(b"seed".to_vec(), "seed".into()),
        ] {
            assert_eq!(refused(&error).to_string(), "the keychain refused: the entry is malformed");
        }
    }
}
