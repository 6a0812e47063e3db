//! The signing key. It lives here and nowhere else: it comes in as a [`Secret`], and only signatures and the public key
//! go out.
//!
//! | room | one line |
//! |---|---|
//! | [`pkcs8`] | private-key text to [`SigningKey`] and back; every accident has a name |
//! | [`other_form`] | what a text or file is that is no PEM, and how it becomes PEM |
//! | [`keychain`] | the operating system's store, behind a trait, and a fake |
//! | [`file`] | a private key on disk: created once, for this user only, never inside a repository |
//! | [`load`] | which of the three places the key comes from |
//! | [`pair`] | seed and public key as one line of base64, as a Squad Aegis host's tool reads it |
//! | [`trigger`] | whether a workflow may sign what made it run |

mod der;
pub mod file;
pub mod keychain;
pub mod load;
pub mod other_form;
pub mod pair;
pub mod pkcs8;
pub mod trigger;

use std::io;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::PublicKey;
use ed25519_dalek::ed25519::signature::MultipartSigner as _;
use zeroize::Zeroizing;

pub use file::write_private_key_file;
pub use keychain::{Keychain, MemoryKeychain, OsKeychain};
pub use load::{KeyOrigin, Loaded, load_pair_or_pem, load_seed, load_signing_key};
pub use other_form::OtherForm;
pub use trigger::may_sign;

use crate::secret::Secret;
use crate::sys::disk::{DiskError, Operation};

/// A publisher's private key. No `Debug`, no `Clone`; wiped on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Reads a private key: PEM, or base64 of PEM; PKCS#8 v1 or v2, encrypted or not. `passphrase` is asked only when the key
    /// is encrypted.
    ///
    /// # Errors
    /// [`KeyError`], which says what the text is instead and holds no byte of it.
    pub fn read(text: Secret, passphrase: impl FnOnce() -> Result<Secret, KeyError>) -> Result<SigningKey, KeyError> {
        pkcs8::read(text.expose(), passphrase)
    }

    /// Makes a new key from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<SigningKey, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut seed[..]).map_err(KeyError::Random)?;
        Ok(SigningKey::from_seed(&seed))
    }

    fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// PKCS#8 v1 in PEM, byte for byte what `openssl genpkey -algorithm ed25519` writes for this key.
    pub fn to_pem(&self) -> Secret {
        pkcs8::to_pem(self)
    }

    /// Encrypted PKCS#8 in PEM: PBES2 with PBKDF2-HMAC-SHA256 (600,000 rounds) and AES-256-CBC, which openssl reads.
    ///
    /// # Errors
    /// [`KeyError::Random`], [`KeyError::PassphraseMissing`] when the passphrase is empty.
    pub fn to_encrypted_pem(&self, passphrase: &Secret) -> Result<Secret, KeyError> {
        pkcs8::to_encrypted_pem(self, passphrase)
    }

    /// [`SigningKey::to_pem`] as one line of base64, for places that break line ends.
    pub fn to_base64_of_pem(&self) -> Secret {
        pkcs8::to_base64_of_pem(self)
    }

    /// Seed and public key as the 88 characters that a Squad Aegis host's signing tool reads. aegis-bundle.md §7.2.
    pub fn to_pair(&self) -> Secret {
        pair::write(self)
    }

    /// The key consumers trust.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs the concatenation of `payload` (PureEdDSA, deterministic). Nothing is copied. artifacts.md §6.
    pub fn sign(&self, payload: &[&[u8]]) -> [u8; 64] {
        self.0.multipart_sign(payload).to_bytes()
    }
}

/// Why there is no signing key, or why it was not written. No variant holds a byte of the key or of a passphrase.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the private key is empty")]
    Empty,
    /// No PEM block, and not base64 of one.
    #[error("this is no private key: neither a PEM block (-----BEGIN PRIVATE KEY-----) nor base64 of one")]
    NotPem,
    /// A private key in a form that is not read here.
    #[error("{0}")]
    OtherForm(OtherForm),
    /// UTF-16, as some shells write when they redirect.
    #[error("the private key is UTF-16 text; save it as UTF-8: iconv -f UTF-16 -t UTF-8 KEY > KEY.pem")]
    Utf16,
    /// The line breaks are the two characters backslash and n.
    #[error(r"the private key has literal \n where line breaks belong; store it with real line breaks, or as base64")]
    LiteralNewlines,
    /// A BEGIN line without its END line.
    #[error("the private key is cut off: there is no matching -----END line")]
    CutOff,
    /// More than one PEM block.
    #[error("there are {0} PEM blocks; give exactly one private key")]
    SeveralBlocks(usize),
    /// A public key, in PEM or OpenSSH form.
    #[error("this is a public key; signing needs the private key")]
    PublicKey,
    /// OpenSSH's own private-key format.
    #[error("this is an OpenSSH private key; make a PKCS#8 one with `aileron-pub keys generate` or openssl genpkey")]
    OpenSsh,
    /// A private key for another algorithm.
    #[error("this is {0} private key; signing needs an ed25519 one")]
    OtherAlgorithm(&'static str),
    /// A PEM block or DER structure that is no key at all.
    #[error("this is no private key (it is {0})")]
    OtherBlock(&'static str),
    /// It claims to be an ed25519 private key and is not well formed.
    #[error("the private key is damaged: {0}")]
    Damaged(&'static str),
    /// The embedded public key belongs to another private key.
    #[error("the private key is damaged: the public key stored inside it belongs to another key")]
    PublicKeyMismatch,
    /// Base64 of another length than a seed and its public key.
    #[error(
        "the private key has {0} bytes, want 64: a seed of 32 and its public key of 32 (32 alone are a seed or a public key)"
    )]
    PairLength(usize),
    /// No seed alone.
    #[error("this is no seed: 44 characters of base64 that stand for 32 bytes")]
    NotASeed,
    /// It is encrypted and there is no passphrase; or an empty one was given for encrypting.
    #[error("the private key is encrypted, and no passphrase was given")]
    PassphraseMissing,
    /// It does not decrypt.
    #[error("the passphrase is wrong (or the encrypted private key is damaged)")]
    WrongPassphrase,
    /// Encrypted in a way that is not read here.
    #[error(
        "the private key is encrypted in a way this program does not read; re-encrypt it: openssl pkcs8 -topk8 -v2 aes-256-cbc"
    )]
    Encryption,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(getrandom::Error),
    /// This machine has no keychain that can be reached.
    #[error("there is no keychain on this machine: {0}")]
    NoKeychain(String),
    /// There is a keychain, and it did not do as asked.
    #[error("the keychain refused: {0}")]
    KeychainRefused(String),
    /// There is a keychain, and it never answered: usually an unlock dialogue that is not visible.
    #[error("the keychain did not answer within {0} seconds (is it waiting to be unlocked?)")]
    KeychainSilent(u64),
    /// A file or a place for it could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A private key is never overwritten.
    #[error("{} exists already; a private key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// A private key does not belong where it could be committed.
    #[error("{} lies inside the git work tree {} and is not ignored there; choose a place outside", .path.display(), .tree.display())]
    InWorkTree {
        /// Where it was to be written.
        path: PathBuf,
        /// The work tree.
        tree: PathBuf,
    },
    /// There is a git repository, and git did not say whether it ignores the file.
    #[error("{} lies inside the git work tree {}, and git cannot say whether it is ignored: {reason}", .path.display(), .tree.display())]
    GitUnclear {
        /// Where it was to be written.
        path: PathBuf,
        /// The work tree.
        tree: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// None of the three places has a key.
    #[error("there is no signing key: --key was not given, AILERON_SIGNING_KEY is {environment}, {keychain}")]
    Absent {
        /// What was found there: `not set` or `empty`.
        environment: &'static str,
        /// What the keychain said.
        keychain: String,
    },
    /// A workflow that a pull request made run.
    #[error("nothing is signed on the event {event}: {why}")]
    PullRequest {
        /// `GITHUB_EVENT_NAME`.
        event: String,
        /// What makes it a pull request.
        why: String,
    },
    /// A key was found in one place and could not be used.
    #[error("{origin}: {source}")]
    At {
        /// The place.
        origin: KeyOrigin,
        /// What is wrong with it.
        source: Box<KeyError>,
    },
}

impl KeyError {
    /// `usage_error` where another way of asking would help, `store_unwritable` for a place that cannot be written,
    /// `fetch_failed` for a file that cannot be read, else `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            KeyError::PassphraseMissing
            | KeyError::NoKeychain(_)
            | KeyError::Exists(_)
            | KeyError::InWorkTree { .. }
            | KeyError::GitUnclear { .. }
            | KeyError::PullRequest { .. }
            | KeyError::Absent { .. } => Class::UsageError,
            KeyError::Disk(error) => error.class(),
            KeyError::Random(_) | KeyError::KeychainRefused(_) | KeyError::KeychainSilent(_) => Class::StoreUnwritable,
            KeyError::Empty
            | KeyError::NotPem
            | KeyError::OtherForm(_)
            | KeyError::Utf16
            | KeyError::LiteralNewlines
            | KeyError::CutOff
            | KeyError::SeveralBlocks(_)
            | KeyError::PublicKey
            | KeyError::OpenSsh
            | KeyError::OtherAlgorithm(_)
            | KeyError::OtherBlock(_)
            | KeyError::Damaged(_)
            | KeyError::PublicKeyMismatch
            | KeyError::PairLength(_)
            | KeyError::NotASeed
            | KeyError::WrongPassphrase
            | KeyError::Encryption => Class::ValidationError,
            KeyError::At { source, .. } => source.class(),
        }
    }

    /// Never: nothing about a key changes by itself.
    pub fn is_retriable(&self) -> bool {
        false
    }

    pub(crate) fn io(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
        KeyError::io_about(operation, "", path)
    }

    pub(crate) fn io_about(
        operation: Operation,
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> KeyError {
        let failed = DiskError::about(operation, what, path);
        move |cause| KeyError::Disk(failed(cause))
    }

    /// Whether no place had a key at all, as opposed to a bad one.
    pub fn is_absent(&self) -> bool {
        matches!(self, KeyError::Absent { .. })
    }

    /// Whether it is the occasion that forbids signing, whatever key there may be.
    pub fn is_occasion(&self) -> bool {
        matches!(self, KeyError::PullRequest { .. })
    }
}
