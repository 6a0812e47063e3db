//! Where archives come from. Absent, refused and unreachable are three answers.
//!
//! Everything is asked for anonymously first. Only where GitHub says 404, and there is a token, is it asked for again
//! through the API, which is how a private repository answers. artifacts.md §10. Not here: publishers' keys
//! ([`crate::consumer::trust::publisher_key`]), verdicts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::layout::{ARCHIVE, ARCHIVE_LIMIT};
use aileron_verifier::name::fqn::{Fqn, Ref, Scheme};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use serde::de::DeserializeOwned;

use crate::consumer::fetch::newest::Release;
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::environment::Environment;
use crate::sys::http::{self, HttpError, HttpRequest, Web};

/// Most bytes of a document of GitHub's or a mirror's that is looked at.
pub(in crate::consumer) const DOCUMENT_LIMIT: u64 = 8 * 1024 * 1024;

/// A place archives and keys are fetched from, and the means to do it. A mirror is not trusted: every verdict still rests
/// on the ring. artifacts.md §1.
#[derive(Clone)]
pub struct Origin {
    pub(in crate::consumer) place: Place,
    pub(in crate::consumer) hosts: Hosts,
    pub(in crate::consumer) web: Arc<Web>,
    token: Option<Arc<Secret>>,
}

/// What answers for names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The download address of the name's own scheme.
    Scheme,
    /// A server laid out like GitHub's download addresses.
    Server(Address),
    /// A directory laid out the same way.
    Directory(PathBuf),
}

/// GitHub, or an Enterprise server standing in for it. Addresses without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Where releases are downloaded.
    pub server: String,
    /// Where the API is. The only place a token is sent to.
    pub api: String,
    /// Where files of a repository are read.
    pub raw: String,
}

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts {
            server: "https://github.com".to_owned(),
            api: "https://api.github.com".to_owned(),
            raw: "https://raw.githubusercontent.com".to_owned(),
        }
    }
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
    /// `--from`, else `AILERON_MIRROR`, else the name's own scheme, with the token of `GH_TOKEN`, else `GITHUB_TOKEN`.
    /// What starts like a URL is a server. `GITHUB_SERVER_URL` and `GITHUB_API_URL` name an Enterprise server.
    pub fn choose(from: Option<&str>, environment: &Environment) -> Origin {
        let text = |name: &str| environment.var(name)?.to_str().map(str::to_owned);
        let place = match from.map(str::to_owned).or_else(|| text("AILERON_MIRROR")) {
            None => Place::Scheme,
            // Of any scheme: what cannot be asked is refused as an address, and shown as one.
            Some(base) if base.contains("://") => Place::Server(Address::of(base)),
            Some(path) => Place::Directory(PathBuf::from(path)),
        };
        let token = environment.secret("GH_TOKEN").or_else(|| environment.secret("GITHUB_TOKEN"));
        let hosts = Hosts::choose(text("GITHUB_SERVER_URL"), text("GITHUB_API_URL"));
        Origin { hosts, ..Origin::new(place, Web::default(), token) }
    }

    /// This place, through this web, with this token. For tests, and for callers that know exactly.
    pub fn new(place: Place, web: Web, token: Option<Secret>) -> Origin {
        let token = token.filter(|token| !token.is_blank()).map(Arc::new);
        Origin { place, hosts: Hosts::default(), web: Arc::new(web), token }
    }

    /// A directory mirror.
    pub fn directory(path: impl Into<PathBuf>) -> Origin {
        Origin::new(Place::Directory(path.into()), Web::default(), None)
    }

    /// The same, with GitHub somewhere else.
    pub fn with_hosts(self, hosts: Hosts) -> Origin {
        Origin { hosts, ..self }
    }

    /// Whether somebody else's copy is asked instead of the publisher's own place.
    pub fn is_mirror(&self) -> bool {
        self.place != Place::Scheme || self.hosts != Hosts::default()
    }

    /// Fetches an archive's bytes.
    ///
    /// # Errors
    /// [`FetchError::Absent`] when it is not there; the other variants when that could not be found out.
    pub fn fetch(&self, reference: &Ref) -> Result<Vec<u8>, FetchError> {
        let (at, bytes) = match &self.place {
            Place::Directory(root) => return from_directory(root, reference),
            Place::Server(base) => self.archive(reference.url_below(base.raw()), reference)?,
            Place::Scheme if reference.name.scheme() == Scheme::Github => {
                match self.archive(reference.url_below(&self.hosts.server), reference) {
                    Err(absent @ FetchError::Absent { .. }) => {
                        self.with_token(|token| self.private_archive(reference, token)).unwrap_or(Err(absent))?
                    }
                    answer => answer?,
                }
            }
            Place::Scheme => {
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
        let asked = self.web.get(&HttpRequest::public(&url, ARCHIVE_LIMIT, http::LARGE));
        Ok((url, asked.map_err(absent_or(reference))?))
    }

    fn private_archive(&self, reference: &Ref, token: &Secret) -> Result<(String, Vec<u8>), FetchError> {
        let absent = |at: String| FetchError::Absent { reference: reference.clone(), at: Address::of(at) };
        let asset = self.private_asset(reference, ARCHIVE, ARCHIVE_LIMIT, token).map_err(|error| match error {
            FetchError::Http(error @ HttpError::TooLarge { .. }) => absent_or(reference)(error),
            other => other,
        });
        match asset? {
            (at, Some(bytes)) => Ok((at, bytes)),
            (at, None) => Err(absent(at)),
        }
    }

    /// An asset of a release of a private repository: found by its tag, fetched by its number. With the address that said
    /// the last word.
    pub(in crate::consumer) fn private_asset(
        &self,
        reference: &Ref,
        name: &str,
        limit: u64,
        token: &Secret,
    ) -> Result<(String, Option<Vec<u8>>), FetchError> {
        let releases = self.api(&reference.name, "releases");
        let url = format!("{releases}/tags/{}", reference.tag().as_segment());
        let release: Release = match self.document(&url, Some(token)) {
            Err(FetchError::Http(HttpError::Absent { url, .. })) => return Ok((url, None)),
            answer => answer?,
        };
        let Some(asset) = release.assets.iter().find(|asset| asset.name == name) else { return Ok((url, None)) };
        let url = format!("{releases}/assets/{}", asset.id);
        let accept = "application/octet-stream";
        let request = HttpRequest { token: Some(token), accept, ..HttpRequest::public(&url, limit, http::LARGE) };
        match self.web.get(&request) {
            Err(HttpError::Absent { url, .. }) => Ok((url, None)),
            answer => Ok((url.clone(), Some(answer.map_err(FetchError::Http)?))),
        }
    }

    /// An address of the API about one repository.
    pub(in crate::consumer) fn api(&self, name: &Fqn, path: &str) -> String {
        format!("{}/repos/{}/{}/{path}", self.hosts.api, name.owner(), name.repo())
    }

    /// Does something with the token, where there is one.
    pub(in crate::consumer) fn with_token<T>(&self, work: impl FnOnce(&Secret) -> T) -> Option<T> {
        self.token.as_deref().map(work)
    }

    /// A document of the API's: anonymously, and on 404 again with the token, if there is one.
    pub(in crate::consumer) fn document_or_private<T: DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        match self.document(url, None) {
            Err(absent @ FetchError::Http(HttpError::Absent { .. })) => {
                self.with_token(|token| self.document(url, Some(token))).unwrap_or(Err(absent))
            }
            answer => answer,
        }
    }

    /// A document of the API's or a mirror's.
    pub(in crate::consumer) fn document<T: DeserializeOwned>(
        &self,
        url: &str,
        token: Option<&Secret>,
    ) -> Result<T, FetchError> {
        const TOTAL: Duration = Duration::from_secs(60);
        let request =
            HttpRequest { token, accept: "application/json", ..HttpRequest::public(url, DOCUMENT_LIMIT, TOTAL) };
        let bytes = self.web.get(&request).map_err(FetchError::Http)?;
        let garbled = |error: serde_json::Error| FetchError::Garbled {
            at: Address::of(url),
            why: printable(&error.to_string()).into_owned(),
        };
        serde_json::from_slice(&bytes).map_err(garbled)
    }
}

impl Hosts {
    /// An Enterprise server has no host of its own for raw files: the API has them.
    fn choose(server: Option<String>, api: Option<String>) -> Hosts {
        let usual = Hosts::default();
        let base =
            |url: Option<String>, usual: &str| url.map_or(usual.to_owned(), |url| url.trim_end_matches('/').into());
        Hosts { server: base(server, &usual.server), api: base(api, &usual.api), raw: usual.raw }
    }

    /// Whether raw files are served beside the API, for everybody.
    pub(in crate::consumer) fn has_raw(&self) -> bool {
        self.server == Hosts::default().server || self.raw != Hosts::default().raw
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
