//! A publisher's key pair as files: `keys generate` and `keys show`, without the command line.
//!
//! The public half is committed as `keys/publisher.pub`, with a `README.md` beside it that says how consumers trust it.
//! The private half goes where the publisher says, and nothing is ever overwritten: losing a signing key costs every
//! consumer a new trust decision.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;

use super::committed_key::{self, CommittedKeyError};
use super::sign::file::{check_private_key_path, write_private_key_file_on};
use super::sign::{KeyError, Keychain, SigningKey};
use crate::secret::Secret;
use crate::sys::disk::{self, Created, Disk, DiskError, Operation, Readers, Steps};
use crate::sys::process::Spawner;

/// The public key, relative to the repository.
pub const PUBLIC_KEY: &str = aileron_verifier::layout::PUBLISHER_KEY;

/// How consumers trust it, relative to the repository.
pub const README: &str = "keys/README.md";

/// Where a new private key goes.
pub enum Destination {
    /// The keychain, under the repo authority.
    Keychain,
    /// A new file, encrypted when there is a passphrase.
    File {
        /// Where; relative to the current folder, not to the repository.
        path: PathBuf,
        /// Encrypts the file.
        passphrase: Option<Secret>,
    },
    /// Nowhere: it is handed back once, to be stored by hand.
    Print,
}

/// Where a new private key went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateKeyPlace {
    /// The keychain, under this account.
    Keychain(String),
    /// This file.
    File {
        /// Where.
        path: PathBuf,
        /// Whether a passphrase is needed to read it.
        encrypted: bool,
    },
    /// It was handed back, and exists nowhere else.
    Printed,
}

/// What [`generate`] made.
pub struct Generated {
    /// The public key, now in [`PUBLIC_KEY`].
    pub public: PublicKey,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Where the private key is.
    pub where_it_went: PrivateKeyPlace,
    /// Whether [`README`] was written; one that was there is not changed.
    pub wrote_readme: bool,
    /// The private key in PEM, for [`Destination::Print`] only.
    pub printed: Option<Secret>,
    /// What must hear that [`Generated::printed`] has arrived.
    pub unprinted: Option<Unprinted>,
}

/// The public key of a repository in every form a consumer may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The 113 bytes of [`PUBLIC_KEY`], in canonical form.
    pub pem: String,
    /// The raw key in base64, as a ring stores it.
    pub base64: String,
    /// What people compare.
    pub fingerprint: Fingerprint,
    /// A whole `keyring.json` that trusts this key for this repository and nothing else.
    pub ring_entry: String,
    /// The command that trusts it.
    pub trust: String,
}

/// Why no key pair was made or shown.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The repository has a public key already.
    #[error("{} exists already; consumers trust that key, so it is never overwritten", .0.display())]
    PublicKeyExists(PathBuf),
    /// The keychain has a private key for this repository already.
    #[error("the keychain has a private key for {0} already; it is never overwritten")]
    KeychainTaken(String),
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The repository has no public key yet.
    #[error("there is no {PUBLIC_KEY} yet")]
    NoPublicKey,
    /// The committed public key is none.
    #[error("{}: {source}", .path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CommittedKeyError,
    },
    /// The private key could not be made or stored.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The files of a key pair whose private half is printed: removed when this is dropped before [`Unprinted::arrived`].
pub struct Unprinted(Created);

impl Unprinted {
    /// The private half has been written out: the public half stays.
    pub fn arrived(self) {
        self.0.keep();
    }
}

impl KeysError {
    /// `usage_error` where something is in the way, else what the cause says.
    pub fn class(&self) -> Class {
        match self {
            KeysError::PublicKeyExists(_) | KeysError::KeychainTaken(_) => Class::UsageError,
            KeysError::NoPublicKey => Class::ValidationError,
            KeysError::Disk(error) => error.class(),
            KeysError::NotAKey { source, .. } => source.class(),
            KeysError::Key(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            KeysError::PublicKeyExists(_)
            | KeysError::KeychainTaken(_)
            | KeysError::NoPublicKey
            | KeysError::NotAKey { .. } => false,
            KeysError::Disk(error) => error.is_retriable(),
            KeysError::Key(error) => error.is_retriable(),
        }
    }
}

/// Makes a key pair for the repository at `root`, known as `name` (a subpath is ignored).
///
/// Everything that can be in the way is looked at before anything is written, and the private key is stored last: whatever
/// fails, no file of this call stays.
///
/// # Errors
/// [`KeysError`].
pub fn generate(
    root: &Path,
    name: &Fqn,
    destination: Destination,
    keychain: &dyn Keychain,
    spawner: Spawner<'_>,
) -> Result<Generated, KeysError> {
    generate_on(&(Arc::new(Disk) as Arc<dyn Steps>), root, name, destination, keychain, spawner)
}

/// [`generate`] on another disk.
fn generate_on(
    steps: &Arc<dyn Steps>,
    root: &Path,
    name: &Fqn,
    destination: Destination,
    keychain: &dyn Keychain,
    spawner: Spawner<'_>,
) -> Result<Generated, KeysError> {
    let account = name.repo_authority().to_string();
    let (public_path, readme_path) = (root.join(PUBLIC_KEY), root.join(README));
    if is_there(&public_path)? {
        return Err(KeysError::PublicKeyExists(public_path));
    }
    let wrote_readme = !is_there(&readme_path)?;
    match &destination {
        Destination::Keychain if keychain.load(&account)?.is_some() => return Err(KeysError::KeychainTaken(account)),
        Destination::File { path, .. } => drop(check_private_key_path(path, spawner)?),
        Destination::Keychain | Destination::Print => {}
    }

    let key = SigningKey::generate()?;
    let private = match &destination {
        Destination::File { passphrase: Some(passphrase), .. } => key.to_encrypted_pem(passphrase)?,
        _ => key.to_pem(),
    };
    let public = key.public();

    let mut made = Created::with(Arc::clone(steps));
    let folder = root.join("keys");
    made.directories(&folder, Readers::All).map_err(io_error(Operation::CreateDirectory, &folder))?;
    made.file(&public_path, Readers::All, public.to_pem().as_bytes()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeysError::PublicKeyExists(public_path.clone()),
        _ => DiskError::about(Operation::Write, "the public key", &public_path)(source).into(),
    })?;
    if wrote_readme {
        let text = readme(name, &public);
        made.file(&readme_path, Readers::All, text.as_bytes()).map_err(io_error(Operation::Write, &readme_path))?;
    }
    let (where_it_went, printed) = match destination {
        Destination::Keychain => {
            keychain.store(&account, &private)?;
            (PrivateKeyPlace::Keychain(account), None)
        }
        Destination::File { path, passphrase } => {
            write_private_key_file_on(Created::with(Arc::clone(steps)), &path, &private, spawner)?;
            (PrivateKeyPlace::File { path, encrypted: passphrase.is_some() }, None)
        }
        Destination::Print => (PrivateKeyPlace::Printed, Some(private)),
    };
    // What was printed is handed over when it has arrived: until then the public half may have to go again.
    let unprinted = match printed {
        Some(_) => Some(Unprinted(made)),
        None => {
            made.keep();
            None
        }
    };
    Ok(Generated { public, fingerprint: public.fingerprint(), where_it_went, wrote_readme, printed, unprinted })
}

/// Shows `file`, the public key of the repository at `root`, known as `name`; `None` where it has none.
///
/// # Errors
/// [`KeysError::NoPublicKey`]; [`KeysError::NotAKey`] for anything but PEM of one ed25519 key that is not of small order.
pub fn show(root: &Path, file: Option<&str>, name: &Fqn) -> Result<Shown, KeysError> {
    let path = root.join(PUBLIC_KEY);
    let key = committed_key::read(file.ok_or(KeysError::NoPublicKey)?)
        .map_err(|source| KeysError::NotAKey { path, source })?;
    Ok(Shown {
        pem: key.to_pem(),
        base64: key.to_base64(),
        fingerprint: key.fingerprint(),
        ring_entry: ring_entry(name, &key),
        trust: trust(name),
    })
}

fn is_there(path: &Path) -> Result<bool, KeysError> {
    disk::is_there(path).map_err(KeysError::Disk)
}

fn io_error(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> KeysError {
    let failed = DiskError::at(operation, path);
    move |cause| KeysError::Disk(failed(cause))
}

fn ring_entry(name: &Fqn, key: &PublicKey) -> String {
    let mut ring = Keyring::new();
    ring.grant(name.repo_authority(), *key);
    ring.render()
}

/// The command that trusts a publisher. Keys are fetched from github only; elsewhere the file is named.
fn trust(name: &Fqn) -> String {
    match name.scheme() {
        Scheme::Github => format!("aileron keyring trust {}", name.repo_authority()),
        Scheme::Gitlab | Scheme::Hub | Scheme::Local => {
            format!("aileron keyring trust --key-file {PUBLIC_KEY} {}", name.owner_authority())
        }
    }
}

fn readme(name: &Fqn, key: &PublicKey) -> String {
    let (authority, owner) = (name.repo_authority(), name.owner_authority());
    let (fingerprint, base64, trust) = (key.fingerprint(), key.to_base64(), trust(name));
    let ring_entry = ring_entry(name, key);
    format!(
        r#"# Publisher key

Every release of `{authority}` is signed with the private half of `publisher.pub`, an ed25519 key.

| | |
|---|---|
| fingerprint | `{fingerprint}` |
| raw key, base64 | `{base64}` |

## Trust it

```sh
{trust}
```

This shows the fingerprint of the fetched key; compare it with one you got another way than from this repository. It trusts
the key for everything under `{owner}`.

To trust it for this repository only, put this into `~/.aileron/keyring.json`, or add the `publishers` entry to the one you
have:

```json
{ring_entry}```

## Check it with openssl

The raw key, as the ring stores it:

```sh
openssl pkey -in keys/publisher.pub -pubin -outform DER | tail -c 32 | openssl base64
```

The fingerprint without its `sha256:`:

```sh
openssl pkey -in keys/publisher.pub -pubin -outform DER | tail -c 32 | openssl dgst -sha256 -binary | openssl base64 | cut -c1-22
```
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::sign::{MemoryKeychain, load_signing_key};
    use crate::sys::disk::crash::Crashing;
    use crate::sys::environment::Environment;
    use std::fs;
    use std::sync::atomic::AtomicBool;

    fn make(root: &Path, destination: Destination, keychain: &dyn Keychain) -> Result<Generated, KeysError> {
        let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
        generate(root, &name(), destination, keychain, Spawner { environment: &environment, stop: &stop })
    }

    fn name() -> Fqn {
        "github://acme/slack".parse().expect("a name")
    }

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).expect("reads").count()
    }

    #[test]
    fn each_destination_gives_back_the_key_that_was_published() {
        let keychain = MemoryKeychain::new();
        let outside = tempfile::tempdir().expect("a folder");
        let path = outside.path().join("publisher.pem");
        let word = || Secret::from("open sesame".to_owned());
        for destination in [
            Destination::Keychain,
            Destination::File { path: path.clone(), passphrase: Some(word()) },
            Destination::Print,
        ] {
            let root = tempfile::tempdir().expect("a folder");
            let made = make(root.path(), destination, &keychain).expect("generates");
            let flag =
                matches!(made.where_it_went, PrivateKeyPlace::File { encrypted: true, .. }).then_some(path.as_path());
            let loaded = match made.printed {
                Some(text) => SigningKey::read(text, || Err(KeyError::PassphraseMissing)),
                None => load_signing_key(flag, &|_| None, &keychain, "github://acme/slack", |_| Ok(word()))
                    .map(|loaded| loaded.key),
            };
            assert_eq!(loaded.ok().map(|key| key.public()), Some(made.public));
            let shown = shown(root.path()).expect("shows");
            assert_eq!(fs::read_to_string(root.path().join(PUBLIC_KEY)).expect("reads"), shown.pem);
            assert_eq!((shown.fingerprint, shown.base64), (made.fingerprint, made.public.to_base64()));
            assert_eq!(shown.trust, "aileron keyring trust github://acme/slack");
            let ring = Keyring::parse(shown.ring_entry.as_bytes(), "r").expect("a ring");
            assert_eq!(ring.exact(&name().repo_authority()), [made.public]);
            let readme = fs::read_to_string(root.path().join(README)).expect("reads");
            for part in [&shown.trust, &shown.ring_entry, &shown.fingerprint.to_string(), &made.public.to_base64()] {
                assert!(readme.contains(part), "{part} in {readme}");
            }
        }
    }

    /// After a crash there may be a public key without its private one, never the other way round, and never two that do not
    /// belong together: once what is there is removed, `generate` works again.
    #[test]
    fn a_crash_at_any_step_leaves_no_private_key_without_its_public_one() {
        let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
        let spawner = Spawner { environment: &environment, stop: &stop };
        let keychain = MemoryKeychain::new();
        for number in 1.. {
            let (root, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
            let (public, private) = (root.path().join(PUBLIC_KEY), outside.path().join("new/publisher.pem"));
            let destination = || Destination::File { path: private.clone(), passphrase: None };
            let crashing = Arc::new(Crashing::at(number));
            let steps: Arc<dyn Steps> = crashing.clone();
            let made = generate_on(&steps, root.path(), &name(), destination(), &keychain, spawner);
            if let Ok(text) = fs::read(&private)
                && let Ok(key) = SigningKey::read(text.into(), || Err(KeyError::PassphraseMissing))
            {
                let committed = fs::read_to_string(&public).expect("the public half came first");
                assert_eq!(committed, key.public().to_pem(), "step {number}");
            }
            if made.is_ok() {
                assert!(crashing.is_alive() && number > 8, "folders, files and flushes of a pair: {number} steps");
                return;
            }
            for left in [root.path().join("keys"), outside.path().join("new")] {
                let _ = fs::remove_dir_all(left);
            }
            let again = generate(root.path(), &name(), destination(), &keychain, spawner);
            assert!(again.is_ok(), "after a crash at step {number}: {:?}", again.err());
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_written_stays() {
        let keychain = MemoryKeychain::new();
        let root = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        let taken = outside.path().join("taken.pem");
        fs::write(&taken, "mine").expect("writes");
        let file = |path: &Path| Destination::File { path: path.to_owned(), passphrase: None };
        let again = |destination, keychain: &MemoryKeychain| {
            make(root.path(), destination, keychain).err().map(|error| error.to_string()).unwrap_or_default()
        };

        assert!(again(file(&taken), &keychain).contains("taken.pem exists already"));
        assert!(again(file(&taken.join("below")), &keychain).starts_with("cannot "));
        assert!(again(Destination::Keychain, &MemoryKeychain::missing()).starts_with("there is no keychain"));
        keychain.store("github://acme/slack", &Secret::from("old".to_owned())).expect("stores");
        assert!(again(Destination::Keychain, &keychain).contains("keychain has a private key for github://acme/slack"));
        assert_eq!(entries(root.path()), 0);

        struct FailsToStore;
        impl Keychain for FailsToStore {
            fn load(&self, _: &str) -> Result<Option<Secret>, KeyError> {
                Ok(None)
            }
            fn store(&self, _: &str, _: &Secret) -> Result<(), KeyError> {
                Err(KeyError::KeychainRefused("locked".to_owned()))
            }
        }
        assert!(make(root.path(), Destination::Keychain, &FailsToStore).is_err());
        assert_eq!(entries(root.path()), 0);

        fs::create_dir(root.path().join("keys")).expect("creates");
        fs::write(root.path().join(README), "our own words").expect("writes");
        let made = make(root.path(), Destination::Print, &keychain).expect("generates");
        assert!(!made.wrote_readme);
        assert_eq!(fs::read_to_string(root.path().join(README)).expect("reads"), "our own words");
        assert!(again(Destination::Print, &keychain).contains("publisher.pub exists already"));
        let free = outside.path().join("free.pem");
        assert!(again(file(&free), &keychain).contains("publisher.pub exists already"));
        assert!(!free.exists());
        assert_eq!(shown(root.path()).expect("shows").fingerprint, made.fingerprint);
    }

    fn shown(root: &Path) -> Result<Shown, KeysError> {
        show(root, fs::read_to_string(root.join(PUBLIC_KEY)).ok().as_deref(), &name())
    }

    #[test]
    fn show_says_what_is_wrong_with_a_committed_key() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("keys")).expect("creates");
        let said = || shown(root.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said() == "there is no keys/publisher.pub yet");
        for (text, message) in [
            ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n".to_owned(), "publisher.pub: no PEM block found"),
            (PublicKey::from_bytes([0; 32]).to_pem(), "is of small order"),
        ] {
            fs::write(root.path().join(PUBLIC_KEY), text).expect("writes");
            assert!(said().contains(message), "{}", said());
        }
        let elsewhere = trust(&"gitlab://acme/slack".parse().expect("a name"));
        assert_eq!(elsewhere, "aileron keyring trust --key-file keys/publisher.pub gitlab://acme");
    }
}
