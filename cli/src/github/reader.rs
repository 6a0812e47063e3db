//! What anybody may read of GitHub, and a private repository with a token. artifacts.md §10.
//!
//! Everything is asked for anonymously first. Only where GitHub says 404, and there is a token, is it asked for again through
//! the API, which is how a private repository answers.

use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use serde::de::DeserializeOwned;

use super::addresses::Addresses;
use super::documents;
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::http::{self, HttpError, HttpRequest, Web};

/// Most bytes of a document that is looked at.
pub const DOCUMENT_LIMIT: u64 = 8 * 1024 * 1024;
/// Most time for one.
const DOCUMENT_TIME: Duration = Duration::from_secs(60);

/// GitHub as a consumer sees it.
#[derive(Clone)]
pub struct Reader {
    addresses: Addresses,
    web: Arc<Web>,
    token: Option<Arc<Secret>>,
}

/// Why there is no document and no file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Http(HttpError),
    /// A document that is none.
    #[error("GET {at}: unexpected response: {why}")]
    Garbled {
        /// The address.
        at: Address,
        /// What is wrong with it.
        why: String,
    },
}

impl ReadError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ReadError::Http(error) => error.class(),
            ReadError::Garbled { .. } => Class::FetchFailed,
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            ReadError::Http(error) => error.is_retriable(),
            ReadError::Garbled { .. } => false,
        }
    }
}

/// What was found, and the address that said the last word.
pub type Located<T> = (String, Option<T>);

impl Reader {
    /// This GitHub through this web, with this token where anonymous is not enough.
    pub fn new(addresses: Addresses, web: Web, token: Option<Secret>) -> Reader {
        let token = token.filter(|token| !token.is_blank()).map(Arc::new);
        Reader { addresses, web: Arc::new(web), token }
    }

    /// The same, with GitHub somewhere else.
    #[must_use]
    pub fn with_addresses(self, addresses: Addresses) -> Reader {
        Reader { addresses, ..self }
    }

    /// Where GitHub is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A public file of anybody's.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn public(&self, url: &str, limit: u64, total: Duration) -> Result<Vec<u8>, HttpError> {
        self.web.get(&HttpRequest::public(url, limit, total))
    }

    /// A public document of anybody's.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn public_document<T: DeserializeOwned>(&self, url: &str) -> Result<T, ReadError> {
        self.document(url, None)
    }

    /// The tags of a repository that begin so.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tags(&self, name: &Fqn, prefix: &str) -> Result<Vec<String>, ReadError> {
        let found: Vec<documents::ListedTag> = self.api_document(&self.tags_address(name, prefix))?;
        Ok(found.iter().filter_map(|tag| tag.tag()).map(str::to_owned).collect())
    }

    /// Where those tags are asked for.
    pub fn tags_address(&self, name: &Fqn, prefix: &str) -> String {
        format!("{}/git/matching-refs/tags/{prefix}", self.addresses.repository(name))
    }

    /// Whether this version is released with an asset of this name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn has_asset(&self, reference: &Ref, name: &str) -> Result<bool, ReadError> {
        match self.api_document::<documents::Release>(&self.release_address(reference)) {
            Ok(release) => Ok(release.assets.iter().any(|asset| asset.name == name)),
            Err(ReadError::Http(HttpError::Absent { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An asset of a release; `None` where the release has none of this name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn asset(&self, reference: &Ref, name: &str, limit: u64) -> Result<Located<Vec<u8>>, ReadError> {
        let url = reference.asset_url_below(&self.addresses.server, name);
        match self.public(&url, limit, http::LARGE) {
            Ok(bytes) => Ok((url, Some(bytes))),
            Err(HttpError::Absent { url, .. }) => match &self.token {
                Some(token) => self.private_asset(reference, name, limit, token),
                None => Ok((url, None)),
            },
            Err(error) => Err(ReadError::Http(error)),
        }
    }

    /// An asset of a release of a private repository: found by its tag, fetched by its number.
    fn private_asset(
        &self,
        reference: &Ref,
        name: &str,
        limit: u64,
        token: &Secret,
    ) -> Result<Located<Vec<u8>>, ReadError> {
        let url = self.release_address(reference);
        let release: documents::Release = match self.document(&url, Some(token)) {
            Err(ReadError::Http(HttpError::Absent { url, .. })) => return Ok((url, None)),
            answer => answer?,
        };
        let Some(asset) = release.assets.iter().find(|asset| asset.name == name) else { return Ok((url, None)) };
        let url = format!("{}/releases/assets/{}", self.addresses.repository(&reference.name), asset.id);
        let accept = "application/octet-stream";
        let request = HttpRequest { token: Some(token), accept, ..HttpRequest::public(&url, limit, http::LARGE) };
        match self.web.get(&request) {
            Err(HttpError::Absent { url, .. }) => Ok((url, None)),
            answer => Ok((url.clone(), Some(answer.map_err(ReadError::Http)?))),
        }
    }

    /// A small file of a repository's default branch, and where it was read. keyring.md §5.1, §5.2.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn file(&self, repository: &Fqn, path: &str, limit: u64) -> Result<(String, Vec<u8>), HttpError> {
        let contents = format!("{}/contents/{path}", self.addresses.repository(repository));
        let through_api = |token: Option<&Secret>| {
            let accept = "application/vnd.github.raw";
            self.web.get(&HttpRequest { token, accept, ..HttpRequest::public(&contents, limit, http::SMALL) })
        };
        let (at, first) = if self.addresses.has_raw() {
            let raw = format!("{}/{}", self.addresses.raw, repository.head_path(path));
            let first = self.public(&raw, limit, http::SMALL);
            (raw, first)
        } else {
            (contents.clone(), through_api(None))
        };
        match (first, &self.token) {
            (Err(HttpError::Absent { .. }), Some(token)) => through_api(Some(token)).map(|bytes| (contents, bytes)),
            (answer, _) => answer.map(|bytes| (at, bytes)),
        }
    }

    fn release_address(&self, reference: &Ref) -> String {
        format!("{}/releases/tags/{}", self.addresses.repository(&reference.name), reference.tag().as_segment())
    }

    /// A document of the API's: anonymously, and on 404 again with the token, if there is one.
    fn api_document<T: DeserializeOwned>(&self, url: &str) -> Result<T, ReadError> {
        match (self.document(url, None), &self.token) {
            (Err(ReadError::Http(HttpError::Absent { .. })), Some(token)) => self.document(url, Some(token)),
            (answer, _) => answer,
        }
    }

    fn document<T: DeserializeOwned>(&self, url: &str, token: Option<&Secret>) -> Result<T, ReadError> {
        let public = HttpRequest::public(url, DOCUMENT_LIMIT, DOCUMENT_TIME);
        let bytes = self.web.get(&HttpRequest { token, accept: "application/json", ..public });
        serde_json::from_slice(&bytes.map_err(ReadError::Http)?).map_err(|error| ReadError::Garbled {
            at: Address::of(url),
            why: printable(&error.to_string()).into_owned(),
        })
    }
}
