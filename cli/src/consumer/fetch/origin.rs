//! Where archives come from. Absent, refused and unreachable are three answers.
//!
//! How GitHub is asked is [`crate::github`]'s to know. Not here: publishers' keys ([`crate::consumer::trust::publisher_key`]),
//! verdicts.

use std::path::{Path, PathBuf};

use aileron_verifier::layout::{ARCHIVE, ARCHIVE_LIMIT};
use aileron_verifier::name::fqn::{Fqn, Ref, Scheme};
use aileron_verifier::problem::Class;

use crate::github::{Addresses, ReadError, Reader, token};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::environment::Environment;
use crate::sys::http::{self, HttpError, Web};

/// A place archives and keys are fetched from, and the means to do it. A mirror is not trusted: every verdict still rests
/// on the ring. artifacts.md §1.
#[derive(Clone)]
pub struct Origin {
    pub(in crate::consumer) place: OriginPlace,
    /// GitHub, and the web that mirrors are fetched through too.
    pub(in crate::consumer) github: Reader,
}

/// What answers for names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPlace {
    /// The download address of the name's own scheme.
    Scheme,
    /// A server laid out like GitHub's download addresses.
    Server(Address),
    /// A directory laid out the same way.
    Directory(PathBuf),
}

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The place was asked and has nothing there.
    #[error("{reference} is not at {at}")]
    Absent {
        /// What was wanted.
        reference: Ref,
        /// The path or address that was looked at.
        at: Address,
    },
    /// The disk could not be asked.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Http(HttpError),
    /// The name's scheme is served nowhere.
    #[error("{0} exists on the machine it was written on only")]
    Nowhere(Ref),
    /// A login page, a proxy's apology: what people meet where an archive should be.
    #[error("{at} answers with a web page where {reference} should be")]
    WebPage {
        /// What was wanted.
        reference: Ref,
        /// The address.
        at: Address,
    },
    /// More bytes than an archive may have.
    #[error("{at} is longer than {ARCHIVE_LIMIT} bytes: no archive of {reference} is")]
    TooLarge {
        /// What was wanted.
        reference: Ref,
        /// The path or address.
        at: Address,
    },
    /// The place was asked, and has no version that could be taken.
    #[error("{at} has no final version of {name}")]
    NoVersion {
        /// What was wanted.
        name: Fqn,
        /// The path or address that was looked at.
        at: Address,
    },
    /// A place that does not say which versions it has.
    #[error("{at} does not tell which versions of {name} there are")]
    Unlisted {
        /// What was wanted.
        name: Fqn,
        /// The path or address that was looked at.
        at: Address,
    },
    /// A document of the server's that is none.
    #[error("GET {at}: unexpected response: {why}")]
    Garbled {
        /// The address.
        at: Address,
        /// What is wrong with it.
        why: String,
    },
}

impl FetchError {
    /// The failure class: `fetch_failed`, but for bytes that came and are no archive.
    pub fn class(&self) -> Class {
        match self {
            FetchError::Disk(error) => error.class(),
            FetchError::Http(error) => error.class(),
            FetchError::Absent { .. }
            | FetchError::Nowhere(_)
            | FetchError::NoVersion { .. }
            | FetchError::Unlisted { .. }
            | FetchError::Garbled { .. } => Class::FetchFailed,
            FetchError::WebPage { .. } | FetchError::TooLarge { .. } => Class::MalformedTarball,
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            FetchError::Disk(error) => error.is_retriable(),
            FetchError::Http(error) => error.is_retriable(),
            FetchError::Absent { .. }
            | FetchError::Nowhere(_)
            | FetchError::WebPage { .. }
            | FetchError::TooLarge { .. }
            | FetchError::NoVersion { .. }
            | FetchError::Unlisted { .. }
            | FetchError::Garbled { .. } => false,
        }
    }
}

impl Origin {
    /// `--from`, else `AILERON_MIRROR`, else the name's own scheme, with the token of the environment. What starts like a URL
    /// is a server. `GITHUB_SERVER_URL` and `GITHUB_API_URL` name an Enterprise server.
    pub fn choose(from: Option<&str>, environment: &Environment) -> Origin {
        let mirror = || environment.var("AILERON_MIRROR")?.to_str().map(str::to_owned);
        let place = match from.map(str::to_owned).or_else(mirror) {
            None => OriginPlace::Scheme,
            // Of any scheme: what cannot be asked is refused as an address, and shown as one.
            Some(base) if base.contains("://") => OriginPlace::Server(Address::of(base)),
            Some(path) => OriginPlace::Directory(PathBuf::from(path)),
        };
        let token = token::of_environment(environment);
        Origin::new(place, Web::default(), token).with_addresses(Addresses::of(environment))
    }

    /// This place, through this web, with this token. For tests, and for callers that know exactly.
    pub fn new(place: OriginPlace, web: Web, token: Option<Secret>) -> Origin {
        Origin { place, github: Reader::new(Addresses::default(), web, token) }
    }

    /// A directory mirror.
    pub fn directory(path: impl Into<PathBuf>) -> Origin {
        Origin::new(OriginPlace::Directory(path.into()), Web::default(), None)
    }

    /// The same, with GitHub somewhere else.
    #[must_use]
    pub fn with_addresses(self, addresses: Addresses) -> Origin {
        Origin { github: self.github.with_addresses(addresses), ..self }
    }

    /// Whether a mirror is asked instead of the publisher's own place.
    pub fn is_mirror(&self) -> bool {
        self.place != OriginPlace::Scheme || *self.github.addresses() != Addresses::default()
    }

    /// Fetches an archive's bytes.
    ///
    /// # Errors
    /// [`FetchError::Absent`] when it is not there; the other variants when that could not be found out.
    pub fn fetch(&self, reference: &Ref) -> Result<Vec<u8>, FetchError> {
        let (at, bytes) = match &self.place {
            OriginPlace::Directory(root) => return from_directory(root, reference),
            OriginPlace::Server(base) => self.archive(reference.url_below(base.raw()), reference)?,
            OriginPlace::Scheme if reference.name.scheme() == Scheme::Github => {
                match self.github.asset(reference, ARCHIVE, ARCHIVE_LIMIT).map_err(too_large_or(reference))? {
                    (at, Some(bytes)) => (at, bytes),
                    (at, None) => {
                        return Err(FetchError::Absent { reference: reference.clone(), at: Address::of(at) });
                    }
                }
            }
            OriginPlace::Scheme => {
                let url = reference.url().ok_or_else(|| FetchError::Nowhere(reference.clone()))?;
                self.archive(url, reference)?
            }
        };
        if is_web_page(&bytes) {
            return Err(FetchError::WebPage { reference: reference.clone(), at: Address::of(at) });
        }
        Ok(bytes)
    }

    fn archive(&self, url: String, reference: &Ref) -> Result<(String, Vec<u8>), FetchError> {
        let asked = self.github.public(&url, ARCHIVE_LIMIT, http::LARGE);
        Ok((url, asked.map_err(absent_or(reference))?))
    }
}

impl From<ReadError> for FetchError {
    fn from(error: ReadError) -> FetchError {
        match error {
            ReadError::Http(error) => FetchError::Http(error),
            ReadError::Garbled { at, why } => FetchError::Garbled { at, why },
        }
    }
}

fn too_large_or(reference: &Ref) -> impl Fn(ReadError) -> FetchError {
    |error| match error {
        ReadError::Http(error) => absent_or(reference)(error),
        garbled @ ReadError::Garbled { .. } => garbled.into(),
    }
}

fn absent_or(reference: &Ref) -> impl Fn(HttpError) -> FetchError {
    |error| match error {
        HttpError::Absent { url, .. } => FetchError::Absent { reference: reference.clone(), at: Address::of(url) },
        HttpError::TooLarge { url, .. } => FetchError::TooLarge { reference: reference.clone(), at: Address::of(url) },
        other => FetchError::Http(other),
    }
}

fn from_directory(root: &Path, reference: &Ref) -> Result<Vec<u8>, FetchError> {
    must_exist(root)?;
    let path = root.join(reference.mirror_path());
    let absent = || FetchError::Absent { reference: reference.clone(), at: Address::of_path(&path) };
    match disk::read_if_there(&path, ARCHIVE_LIMIT) {
        Err(error) if error.cause.kind() == std::io::ErrorKind::FileTooLarge => {
            Err(FetchError::TooLarge { reference: reference.clone(), at: Address::of_path(&path) })
        }
        read => read?.ok_or_else(absent),
    }
}

pub(in crate::consumer) fn must_exist(root: &Path) -> Result<(), DiskError> {
    if root.is_dir() {
        return Ok(());
    }
    let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such directory");
    Err(DiskError::about(Operation::Open, "the mirror", root)(cause))
}

/// An archive begins with gzip's two bytes; a page begins with a tag.
fn is_web_page(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let tag = |tag: &[u8]| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    tag(b"<!doctype") || tag(b"<html") || tag(b"<?xml")
}
