//! Which of the three places the signing key comes from: `--key FILE`, then `AILERON_SIGNING_KEY`, then the keychain.
//! artifacts.md §12.
//!
//! The first place that is asked for decides. A file that cannot be read is an error, never a reason to look further: the
//! release would be signed by a key that was not meant.

#![expect(clippy::disallowed_methods, reason = "a key is read into memory that does not grow")]

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyError, Keychain, SigningKey};
use crate::secret::Secret;
use crate::sys::disk::Operation;

/// Holds the private key itself, in PEM or base64 of PEM.
pub const KEY_VARIABLE: &str = "AILERON_SIGNING_KEY";

/// Holds the passphrase of an encrypted private key.
pub const PASSPHRASE_VARIABLE: &str = "AILERON_KEY_PASSPHRASE";

/// More than any private key takes; `--key /dev/zero` ends here.
const LIMIT: u64 = 64 * 1024;

/// Where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The file `--key` named.
    File(PathBuf),
    /// [`KEY_VARIABLE`].
    Environment,
    /// The keychain, under this account.
    Keychain(String),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyOrigin::File(path) => write!(f, "key file {}", path.display()),
            KeyOrigin::Environment => f.write_str(KEY_VARIABLE),
            KeyOrigin::Keychain(account) => write!(f, "keychain entry {account}"),
        }
    }
}

/// A signing key and where it was found.
pub struct Loaded {
    /// The key.
    pub key: SigningKey,
    /// The place.
    pub from: KeyOrigin,
}

/// Finds and reads the signing key.
///
/// `env` reads one environment variable. `account` names the keychain entry: the repo authority. `prompt` asks a person for
/// the passphrase of the key found at the given place; it is called only when the key is encrypted and
/// [`PASSPHRASE_VARIABLE`] is unset or empty, and answers [`KeyError::PassphraseMissing`] where no prompt is possible.
///
/// # Errors
/// [`KeyError::Absent`] when no place has one; [`KeyError::At`] when the place that has one gives no key.
pub fn load_signing_key(
    flag: Option<&Path>,
    env: &dyn Fn(&str) -> Option<Secret>,
    keychain: &dyn Keychain,
    account: &str,
    prompt: impl FnOnce(&KeyOrigin) -> Result<Secret, KeyError>,
) -> Result<Loaded, KeyError> {
    load(flag, env, keychain, account, prompt, |text, passphrase| SigningKey::read(text, passphrase))
}

/// The same for a bundle of Squad Aegis: the key may also be the pair of aegis-bundle.md §7.2.
///
/// # Errors
/// As [`load_signing_key`].
pub fn load_pair_or_pem(
    flag: Option<&Path>,
    env: &dyn Fn(&str) -> Option<Secret>,
    keychain: &dyn Keychain,
    account: &str,
    prompt: impl FnOnce(&KeyOrigin) -> Result<Secret, KeyError>,
) -> Result<Loaded, KeyError> {
    load(flag, env, keychain, account, prompt, |text, passphrase| {
        super::pair::read(&text).unwrap_or_else(|| SigningKey::read(text, passphrase))
    })
}

/// The key of a seed file: padded standard base64 of 32 bytes. aegis-bundle.md §7.2.
///
/// # Errors
/// [`KeyError::At`] the file, with [`KeyError::NotASeed`]; [`KeyError::Disk`].
pub fn load_seed(path: &Path) -> Result<SigningKey, KeyError> {
    let text = read_file(path)?;
    super::pair::read_seed(&text).map_err(|error| at(KeyOrigin::File(path.to_owned()), error))
}

/// Asks for the passphrase of an encrypted key.
type Passphrase<'a> = Box<dyn FnOnce() -> Result<Secret, KeyError> + 'a>;

/// The key of the first place that has one, in whichever form `read` takes.
fn load(
    flag: Option<&Path>,
    env: &dyn Fn(&str) -> Option<Secret>,
    keychain: &dyn Keychain,
    account: &str,
    prompt: impl FnOnce(&KeyOrigin) -> Result<Secret, KeyError>,
    read: impl FnOnce(Secret, Passphrase<'_>) -> Result<SigningKey, KeyError>,
) -> Result<Loaded, KeyError> {
    let (text, from) = find(flag, env, keychain, account)?;
    let passphrase = || match env(PASSPHRASE_VARIABLE) {
        Some(word) if !word.expose().is_empty() => Ok(word),
        _ => prompt(&from),
    };
    match read(text, Box::new(passphrase)) {
        Ok(key) => Ok(Loaded { key, from }),
        Err(error) => Err(at(from, error)),
    }
}

fn find(
    flag: Option<&Path>,
    env: &dyn Fn(&str) -> Option<Secret>,
    keychain: &dyn Keychain,
    account: &str,
) -> Result<(Secret, KeyOrigin), KeyError> {
    if let Some(path) = flag {
        return Ok((read_file(path)?, KeyOrigin::File(path.to_owned())));
    }
    let environment = match env(KEY_VARIABLE) {
        Some(text) if !text.is_blank() => return Ok((text, KeyOrigin::Environment)),
        // An unset secret of a CI service arrives as empty text.
        Some(_) => "empty",
        None => "not set",
    };
    let from = KeyOrigin::Keychain(account.to_owned());
    match keychain.load(account) {
        Ok(Some(text)) => Ok((text, from)),
        Ok(None) => Err(KeyError::Absent { environment, keychain: format!("and the keychain has none for {account}") }),
        Err(error @ KeyError::NoKeychain(_)) => Err(KeyError::Absent { environment, keychain: format!("and {error}") }),
        Err(error) => Err(at(from, error)),
    }
}

fn at(origin: KeyOrigin, error: KeyError) -> KeyError {
    KeyError::At { origin, source: Box::new(error) }
}

fn read_file(path: &Path) -> Result<Secret, KeyError> {
    let failed = || KeyError::io_about(Operation::Read, "the private key", path);
    let file = std::fs::File::open(path).map_err(failed())?;
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 64));
    file.take(LIMIT + 1).read_to_end(&mut text).map_err(failed())?;
    if text.len() as u64 > LIMIT {
        return Err(at(KeyOrigin::File(path.to_owned()), KeyError::NotPem));
    }
    Ok(Secret::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::sign::MemoryKeychain;

    const ACCOUNT: &str = "github://acme/slack";

    fn keys() -> [SigningKey; 3] {
        [(); 3].map(|()| SigningKey::generate().expect("random numbers"))
    }

    fn no_passphrase(_: &KeyOrigin) -> Result<Secret, KeyError> {
        Err(KeyError::PassphraseMissing)
    }

    #[test] // artifacts.md §12
    fn the_file_wins_over_the_environment_and_that_over_the_keychain() {
        let [in_file, in_environment, in_keychain] = keys();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        std::fs::write(&path, in_file.to_pem().expose()).expect("writes");
        let keychain = MemoryKeychain::new();
        keychain.store(ACCOUNT, &in_keychain.to_pem()).expect("stores");
        let env = |name: &str| (name == KEY_VARIABLE).then(|| in_environment.to_base64_of_pem());
        let blank = |name: &str| (name == KEY_VARIABLE).then(|| Secret::from("\n".to_owned()));
        let load = |flag, env: &dyn Fn(&str) -> Option<Secret>| {
            let loaded = load_signing_key(flag, env, &keychain, ACCOUNT, no_passphrase).expect("a key");
            (loaded.key.public(), loaded.from)
        };
        assert_eq!(load(Some(&path), &env), (in_file.public(), KeyOrigin::File(path.clone())));
        assert_eq!(load(None, &env), (in_environment.public(), KeyOrigin::Environment));
        assert_eq!(load(None, &blank), (in_keychain.public(), KeyOrigin::Keychain(ACCOUNT.to_owned())));
    }

    #[test]
    fn an_absent_key_names_the_three_places() {
        let said = |keychain: &MemoryKeychain| {
            let loaded = load_signing_key(None, &|_| None, keychain, ACCOUNT, no_passphrase);
            let error = loaded.err().expect("no key");
            assert_eq!(error.class().as_str(), "usage_error");
            error.to_string()
        };
        let start = "there is no signing key: --key was not given, AILERON_SIGNING_KEY is not set, and";
        assert_eq!(said(&MemoryKeychain::new()), format!("{start} the keychain has none for {ACCOUNT}"));
        let missing = format!("{start} there is no keychain on this machine: none in this test");
        assert_eq!(said(&MemoryKeychain::missing()), missing);
    }

    #[test]
    fn a_place_that_was_asked_for_is_never_passed_over() {
        let [in_environment, ..] = keys();
        let env = |name: &str| (name == KEY_VARIABLE).then(|| in_environment.to_pem());
        let folder = tempfile::tempdir().expect("a folder");
        let [missing, broken] = ["missing.pem", "broken.pem"].map(|name| folder.path().join(name));
        std::fs::write(&broken, "nothing of the sort").expect("writes");
        let load = |path: &Path| {
            load_signing_key(Some(path), &env, &MemoryKeychain::new(), ACCOUNT, no_passphrase)
                .err()
                .map(|e| e.to_string())
        };
        assert!(load(&missing).is_some_and(|said| said.starts_with("cannot read the private key ")));
        assert!(load(&broken).is_some_and(|said| said.contains("broken.pem: this is no private key")));
        assert!(load(Path::new("/dev/zero")).is_none_or(|said| said.contains("this is no private key")));
    }

    #[test]
    fn a_passphrase_comes_from_the_environment_or_else_from_a_person() {
        let [key, ..] = keys();
        let word = || Secret::from("open sesame".to_owned());
        let sealed = key.to_encrypted_pem(&word()).expect("encrypts");
        let copy = || Secret::from(sealed.expose().to_vec());
        let env = |passphrase: Option<&'static str>| {
            let copy = &copy;
            move |name: &str| match name {
                KEY_VARIABLE => Some(copy()),
                PASSPHRASE_VARIABLE => passphrase.map(|word| Secret::from(word.to_owned())),
                _ => None,
            }
        };
        let none = MemoryKeychain::missing();
        let quiet = load_signing_key(None, &env(Some("open sesame")), &none, ACCOUNT, no_passphrase);
        assert_eq!(quiet.ok().map(|loaded| loaded.key.public()), Some(key.public()));
        let asked = load_signing_key(None, &env(Some("")), &none, ACCOUNT, |from| {
            assert_eq!(*from, KeyOrigin::Environment);
            Ok(word())
        });
        assert_eq!(asked.ok().map(|loaded| loaded.key.public()), Some(key.public()));
        let wrong =
            load_signing_key(None, &env(Some("open barley")), &none, ACCOUNT, no_passphrase).err().expect("wrong");
        assert!(wrong.to_string().starts_with("AILERON_SIGNING_KEY: the passphrase is wrong"));
        let refused = load_signing_key(None, &env(None), &none, ACCOUNT, no_passphrase).err().expect("refused");
        assert_eq!(refused.class().as_str(), "usage_error");
    }
}
