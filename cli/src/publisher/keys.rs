//! A publisher's key pair as files: `keys generate` and `keys show`, without the command line.
//!
//! The public half is committed as `keys/publisher.pub`, with a `README.md` beside it that says how consumers trust it.
//! The private half goes where the publisher says, and nothing is ever overwritten: losing a signing key costs every
//! consumer a new trust decision.

pub mod github_secret;
pub mod succession;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;

pub use self::succession::committed;
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
    /// Another key than the committed one was given to sign with.
    #[error("the signing key is {signing}, {PUBLIC_KEY} is {committed}")]
    OtherKey {
        /// Fingerprint of the key that was given.
        signing: Fingerprint,
        /// Fingerprint of the committed one.
        committed: Fingerprint,
    },
    /// A statement on keys that is there does not hold.
    #[error("{path} does not hold: {why}")]
    Statement {
        /// Relative to the repository.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// No key of this repository has the fingerprint.
    #[error("{0} is not a key of this repository: neither {PUBLIC_KEY} nor a key it follows")]
    UnknownKey(Fingerprint),
    /// A key may be revoked by itself and by those that follow it.
    #[error("{signing} does not follow {key}, so it cannot revoke it")]
    NotASuccessor {
        /// Fingerprint of the key that was given to sign with.
        signing: Fingerprint,
        /// Fingerprint of the key to revoke.
        key: Fingerprint,
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
            KeysError::UnknownKey(_) => Class::UsageError,
            KeysError::OtherKey { .. } | KeysError::NotASuccessor { .. } => Class::SignatureFailure,
            KeysError::NoPublicKey | KeysError::Statement { .. } => Class::ValidationError,
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
            | KeysError::OtherKey { .. }
            | KeysError::Statement { .. }
            | KeysError::UnknownKey(_)
            | KeysError::NotASuccessor { .. }
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

/// The text of [`README`] for this key.
pub fn readme(name: &Fqn, key: &PublicKey) -> String {
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
