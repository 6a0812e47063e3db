//! A repository in a registry: what its answers mean. OCI distribution specification 1.1.
//!
//! A blob is sent in one piece, and in a piece and an ending where a registry wants it so. What cannot be known after a broken
//! answer is looked at: a blob that is there is not sent again, a tag that names the artifact is not written again.

use aileron_verifier::name::digest::BlobDigest;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, LINK, LOCATION};
use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::credential::Credential;
use super::document::{Artifact, Blob, Descriptor, MANIFEST, MANIFEST_LIMIT, MANIFESTS};
use super::error::RegistryError;
use super::reference::{At, Repository, Tag};
use super::session::{Access, Ask, Session, words};
use super::target::{Contents, Target, checked};
use super::upload::{UploadPlace, is_same_origin, place};
use crate::github::WaitPolicy;
use crate::sys::http::{HttpResponse, Web};

/// What a registry says the digest is of what it answers with.
const DIGEST: &str = "docker-content-digest";
/// What an upload's body is.
const BYTES: &str = "application/octet-stream";
/// How often an upload is started again, and a tag's write repeated.
const TRIES: usize = 3;
/// Pages of tags that are read, of as many tags as the registry likes.
const PAGES: usize = 200;

/// A repository in a registry.
pub struct Registry<'a> {
    session: Session<'a>,
}

/// How a registry takes the bytes of an upload.
#[derive(Clone, Copy)]
enum Sending {
    /// All of them with the request that ends it.
    Whole,
    /// First the bytes, then the end.
    BytesThenEnd,
}

impl<'a> Registry<'a> {
    /// The repository, reached through `web`; nothing is sent yet. Without a credential it is asked as anybody may.
    ///
    /// # Errors
    /// [`RegistryError::PlainHttp`] where plain http is wanted for a registry that is not this machine.
    pub fn new(
        web: &'a Web,
        repository: &Repository,
        plain_http: bool,
        credential: Option<&'a Credential>,
        access: Access,
        waiting: &'a WaitPolicy<'a>,
    ) -> Result<Registry<'a>, RegistryError> {
        Ok(Registry { session: Session::new(web, repository, plain_http, credential, access, waiting)? })
    }

    fn ask_of(&self, method: Method, below: &str) -> Ask {
        Ask::new(method, self.session.url(below))
    }

    /// Whether a blob is there; its size must then be the blob's where the registry says one.
    fn has(&self, blob: &Blob) -> Result<bool, RegistryError> {
        let ask = self.ask_of(Method::HEAD, &format!("blobs/{}", blob.digest));
        let asked = ask.shown();
        let answer = self.session.ask(ask)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(false),
            _ => return Err(refused(asked, &answer)),
        }
        let size = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match size.filter(|size| *size != blob.bytes.len() as u64) {
            Some(size) => Err(RegistryError::Differs {
                what: format!("{asked}: what is stored there"),
                expected: format!("{} bytes", blob.bytes.len()),
                found: format!("{size} bytes"),
            }),
            None => Ok(true),
        }
    }

    /// One upload from its beginning to its end. `Ok(false)`: the registry wants it in another way.
    fn upload(&self, blob: &Blob, sending: Sending) -> Result<bool, RegistryError> {
        let begin = self.ask_of(Method::POST, "blobs/uploads/");
        let (asked, url) = (begin.shown(), begin.url.clone());
        let answer = self.session.ask(begin)?;
        let mut next = match answer.status {
            StatusCode::ACCEPTED => self.next_place(&asked, &url, &answer)?,
            StatusCode::CREATED => return Ok(true),
            _ => return Err(refused(asked, &answer)),
        };
        let bytes = Bytes::copy_from_slice(&blob.bytes);
        let mut body = bytes.clone();
        if let Sending::BytesThenEnd = sending {
            let mut ask = Ask::new(Method::PATCH, next.url.clone());
            ask.range = Some(format!("0-{}", bytes.len().saturating_sub(1)));
            (ask.media_type, ask.body) = (Some(BYTES), bytes);
            let (asked, url) = (ask.shown(), ask.url.clone());
            let answer = self.send(ask, &next)?;
            if !answer.status.is_success() {
                return Err(refused(asked, &answer));
            }
            if answer.headers.contains_key(LOCATION) {
                next = self.next_place(&asked, &url, &answer)?;
            }
            body = Bytes::new();
        }
        let mut end = Ask::new(Method::PUT, next.ending_with(blob.digest));
        (end.media_type, end.body) = (Some(BYTES), body);
        let asked = end.shown();
        let answer = self.send(end, &next)?;
        match (answer.status, sending) {
            (
                StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::NOT_IMPLEMENTED,
                Sending::Whole,
            ) => Ok(false),
            (status, _) if status.is_success() => {
                same_digest(asked, &answer.headers, blob.digest)?;
                Ok(true)
            }
            _ => Err(refused(asked, &answer)),
        }
    }

    fn next_place(&self, asked: &str, url: &Url, answer: &HttpResponse) -> Result<UploadPlace, RegistryError> {
        let location = answer.headers.get(LOCATION).map(|value| value.as_bytes());
        let unfit = |why| RegistryError::Unexpected {
            asked: asked.to_owned(),
            why: format!("the registry sends the upload to {why}"),
        };
        place(self.session.base(), url, location).map_err(unfit)
    }

    /// To the registry with its login; to any other host as it stands.
    fn send(&self, ask: Ask, to: &UploadPlace) -> Result<HttpResponse, RegistryError> {
        if to.is_registry { self.session.ask(ask) } else { self.session.patiently(&ask) }
    }

    fn tag_page(&self, url: Url) -> Result<(Vec<String>, Option<Url>), RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let mut ask = Ask::new(Method::GET, url);
        (ask.limit, ask.accept) = (MANIFEST_LIMIT, Some("application/json"));
        let (asked, at) = (ask.shown(), ask.url.clone());
        let answer = self.session.ask(ask)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok((Vec::new(), None)),
            _ => return Err(refused(asked, &answer)),
        }
        let unfit = |why: String| RegistryError::Unexpected { asked: asked.clone(), why };
        let page: Page = serde_json::from_slice(&answer.body)
            .map_err(|error| unfit(format!("the list of tags cannot be read: {error}")))?;
        let next = match next_page(&answer.headers).map(|next| at.join(&next)) {
            None => None,
            Some(Ok(next)) if is_same_origin(self.session.base(), &next) => Some(next),
            Some(_) => return Err(unfit("its list of tags goes on at another host".to_owned())),
        };
        Ok((page.tags.unwrap_or_default(), next))
    }
}

impl Contents for Registry<'_> {
    fn manifest(&self, at: &At) -> Result<Vec<u8>, RegistryError> {
        let mut ask = self.ask_of(Method::GET, &format!("manifests/{at}"));
        (ask.accept, ask.limit) = (Some(MANIFESTS), MANIFEST_LIMIT);
        let asked = ask.shown();
        let answer = self.session.ask(ask)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(RegistryError::Absent { asked }),
            _ => return Err(refused(asked, &answer)),
        }
        let found = BlobDigest::of(&[&answer.body]);
        same_digest(asked.clone(), &answer.headers, found)?;
        match at {
            At::Digest(wanted) if *wanted != found => {
                Err(RegistryError::Differs { what: asked, expected: wanted.to_string(), found: found.to_string() })
            }
            _ => Ok(answer.body),
        }
    }

    fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let mut ask = self.ask_of(Method::GET, &format!("blobs/{}", blob.digest));
        let asked = ask.shown();
        if blob.size > limit {
            let why = format!("it has {} bytes; at most {limit} are read", blob.size);
            return Err(RegistryError::Unexpected { asked, why });
        }
        ask.limit = blob.size.max(4096); // an error has words of its own
        let answer = self.session.ask(ask)?;
        match answer.status {
            StatusCode::OK => checked(asked, answer.body, blob),
            StatusCode::NOT_FOUND => Err(RegistryError::Absent { asked }),
            _ => Err(refused(asked, &answer)),
        }
    }
}

impl Target for Registry<'_> {
    fn tag_names(&self) -> Result<Vec<String>, RegistryError> {
        let mut url = self.session.url("tags/list");
        url.query_pairs_mut().append_pair("n", "1000");
        let (mut next, mut names) = (Some(url), Vec::new());
        for _ in 0..PAGES {
            let Some(url) = next.take() else { break };
            let (page, following) = self.tag_page(url)?;
            names.extend(page);
            next = following;
        }
        match next {
            None => Ok(names),
            Some(url) => {
                let asked = Ask::new(Method::GET, url).shown();
                Err(RegistryError::Unexpected { asked, why: "its list of tags does not end".to_owned() })
            }
        }
    }

    fn digest_of(&self, tag: &Tag) -> Result<Option<BlobDigest>, RegistryError> {
        let mut ask = self.ask_of(Method::HEAD, &format!("manifests/{tag}"));
        ask.accept = Some(MANIFESTS);
        let asked = ask.shown();
        let answer = self.session.ask(ask)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(refused(asked, &answer)),
        }
        match digest_in(&answer.headers) {
            Some(digest) => Ok(Some(digest)),
            // A registry may leave it out; the bytes say it too.
            None => self.manifest(&At::Tag(tag.clone())).map(|bytes| Some(BlobDigest::of(&[&bytes]))),
        }
    }

    fn put_blob(&self, blob: &Blob) -> Result<bool, RegistryError> {
        let mut sending = Sending::Whole;
        let mut last = None;
        for _ in 0..TRIES {
            // Also after an upload that broke off: it may be there all the same.
            if self.has(blob)? {
                return Ok(last.is_some());
            }
            match self.upload(blob, sending) {
                Ok(true) => {
                    return match self.has(blob)? {
                        true => Ok(true),
                        false => Err(RegistryError::Unexpected {
                            asked: self.ask_of(Method::HEAD, &format!("blobs/{}", blob.digest)).shown(),
                            why: "not there, although the registry took it".to_owned(),
                        }),
                    };
                }
                Ok(false) => sending = Sending::BytesThenEnd,
                // A session that is gone, or a connection that broke, is started again.
                Err(error @ RegistryError::Unreachable { .. }) => last = Some(error),
                Err(error @ RegistryError::Refused { status: 404 | 416, .. }) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        let unsent = || RegistryError::Unexpected {
            asked: self.ask_of(Method::POST, "blobs/uploads/").shown(),
            why: "the registry takes uploads in no way that is known here".to_owned(),
        };
        Err(last.unwrap_or_else(unsent))
    }

    fn put_tag(&self, tag: &Tag, before: Option<BlobDigest>, artifact: &Artifact) -> Result<(), RegistryError> {
        let mut last = None;
        for _ in 0..TRIES {
            // Looked at right before each write: registries have no write that depends on what is there.
            let there = self.digest_of(tag)?;
            if there == Some(artifact.digest) {
                return Ok(());
            }
            if there != before {
                let shown =
                    |at: Option<BlobDigest>| at.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string());
                return Err(RegistryError::Moved {
                    tag: tag.to_string(),
                    there: shown(there),
                    expected: shown(before),
                });
            }
            let mut ask = self.ask_of(Method::PUT, &format!("manifests/{tag}"));
            (ask.media_type, ask.body) = (Some(MANIFEST), Bytes::copy_from_slice(&artifact.manifest));
            let asked = ask.shown();
            match self.session.ask(ask) {
                Ok(answer) if answer.status.is_success() => {
                    return same_digest(asked, &answer.headers, artifact.digest);
                }
                Ok(answer) => return Err(refused(asked, &answer)),
                Err(error @ RegistryError::Unreachable { .. }) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        let unsent = || RegistryError::Unexpected { asked: tag.to_string(), why: "not written".to_owned() };
        Err(last.unwrap_or_else(unsent))
    }
}

fn digest_in(headers: &HeaderMap) -> Option<BlobDigest> {
    headers.get(DIGEST)?.to_str().ok()?.parse().ok()
}

/// What a registry says it has must be what was sent or came.
fn same_digest(what: String, headers: &HeaderMap, ours: BlobDigest) -> Result<(), RegistryError> {
    match headers.get(DIGEST) {
        Some(said) if said.as_bytes() != ours.to_string().as_bytes() && said.as_bytes().starts_with(b"sha256:") => {
            let found = String::from_utf8_lossy(said.as_bytes()).into_owned();
            let what = format!("{what}: the digest the registry names");
            Err(RegistryError::Differs { what, expected: ours.to_string(), found: super::document::short(&found) })
        }
        _ => Ok(()),
    }
}

fn refused(asked: String, answer: &HttpResponse) -> RegistryError {
    RegistryError::Refused { asked, status: answer.status.as_u16(), why: words(&answer.body) }
}

/// The address in `Link: <…>; rel="next"`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    links
        .filter_map(|link| {
            let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
            let is_next =
                parameters.split(';').any(|parameter| matches!(parameter.trim(), r#"rel="next""# | "rel=next"));
            is_next.then(|| address.to_owned())
        })
        .next()
}
