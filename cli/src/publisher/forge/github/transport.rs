//! How a request gets to GitHub and its answer back: HTTP is a seam.
//!
//! octocrab carries every request of the API, over a service that is ours: reqwest, as everything else here that fetches
//! (proxies from the environment, one TLS stack, roots from the platform), or an [`Answers`] that plays GitHub, for
//! rehearsals and tests. Of octocrab's own layers none is used that decides anything: its retry repeats POSTs, its redirects
//! drop bodies, its errors drop headers. An answer comes back as it is, and `classify` says what it means.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower::service_fn;

use super::classify::Headers;
use super::permission::Offer;
use super::seconds::Seconds;
use crate::publisher::forge::ForgeError;
use crate::publisher::forge::model::wire::Call;
use crate::publisher::forge::model::{self, Body};
use crate::sys::address::Address;
use crate::sys::http::{self as web, HttpError, Web};

/// Longest answer that is read: a page of a hundred releases is far below, an asset is at most an archive.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// Redirects of a download that are followed where no network is.
const REDIRECTS: usize = 5;
const AGENT: &str = concat!("aileron-pub/", env!("CARGO_PKG_VERSION"));
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What plays GitHub where there is no network.
pub trait Answers: Send + Sync {
    /// Answers a request, or says why no answer came.
    ///
    /// # Errors
    /// What a broken connection would say.
    fn answer(&self, call: &Call) -> Result<model::Response, String>;
}

/// A way to GitHub.
pub struct Transport {
    runtime: Runtime,
    octocrab: Octocrab,
    playing: Option<Arc<dyn Answers>>,
    /// What downloads go through: five hundred of them are not five hundred handshakes.
    public: Web,
}

/// What goes with a request.
pub(super) enum Content {
    Nothing,
    Document(Value),
    File(Arc<[u8]>),
}

/// An answer as it came.
pub(super) struct Came {
    pub(super) status: u16,
    pub(super) headers: Headers,
    /// `x-github-request-id`: what GitHub's support asks for.
    pub(super) request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Transport {
    /// Over the network.
    ///
    /// # Errors
    /// [`ForgeError::Unreachable`] when TLS or a runtime cannot be had.
    pub fn network() -> Result<Transport, ForgeError> {
        let web = Arc::new(web::AsyncWeb::new(web::Options { idle: web::LARGE, ..web::Options::default() }));
        let service = service_fn(move |request: Request<OctoBody>| {
            let web = web.clone();
            async move {
                let (head, body) = request.into_parts();
                let request = Request::from_parts(head, body.collect().await?.to_bytes());
                let answer = web.exchange(request, ANSWER_LIMIT, web::LARGE).await.map_err(HttpError::into_cause)?;
                let mut response = Response::new(Full::new(Bytes::from(answer.body)));
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                Ok::<_, BoxError>(response)
            }
        });
        Transport::new(None, move || octocrab(service))
    }

    /// To someone who plays GitHub.
    ///
    /// # Errors
    /// [`ForgeError::Unreachable`] when a runtime cannot be had.
    pub fn to(playing: Arc<dyn Answers>) -> Result<Transport, ForgeError> {
        let player = playing.clone();
        let service = service_fn(move |request: Request<OctoBody>| {
            let player = player.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let answer = player.answer(&call(&head, &body)).map_err(BoxError::from)?;
                Ok::<_, BoxError>(carried(&answer)?)
            }
        });
        Transport::new(Some(playing), move || octocrab(service))
    }

    fn new(playing: Option<Arc<dyn Answers>>, octocrab: impl FnOnce() -> Octocrab) -> Result<Transport, ForgeError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unusable(&error))?;
        let entered = runtime.enter(); // octocrab starts its worker where it is made
        let octocrab = octocrab();
        drop(entered);
        Ok(Transport { runtime, octocrab, playing, public: Web::default() })
    }

    /// Whether somebody plays GitHub, and no network is behind this.
    pub(super) fn is_played(&self) -> bool {
        self.playing.is_some()
    }

    /// One request, once; `now` is the time it leaves at. `Err` is the innermost cause of there being no whole answer.
    pub(super) fn send(
        &self,
        method: &Method,
        url: &str,
        authorization: &HeaderValue,
        content: &Content,
        accept: &'static str,
        now: SystemTime,
    ) -> Result<Came, String> {
        web::address(url).ok_or("not an https:// address (http:// is for this machine only)")?;
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, accept)
            .header("x-github-api-version", "2022-11-28")
            .header(AUTHORIZATION, authorization);
        let request = match content {
            Content::Nothing => request.body(OctoBody::empty()),
            Content::Document(document) => {
                request.header(CONTENT_TYPE, "application/json").body(document.to_string().into())
            }
            Content::File(bytes) => {
                request.header(CONTENT_TYPE, "application/octet-stream").body(Bytes::from_owner(bytes.clone()).into())
            }
        };
        let request = request.map_err(|error| error.to_string())?;
        self.runtime.block_on(self.answer(request, now))
    }

    async fn answer(&self, request: Request<OctoBody>, now: SystemTime) -> Result<Came, String> {
        let answer = self.octocrab.execute(request).await.map_err(|error| web::innermost(&error))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| web::innermost(&error))?;
        let text = |name: http::HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        Ok(Came {
            status: head.status.as_u16(),
            headers: headers(&head.headers, now),
            request_id: text(http::HeaderName::from_static("x-github-request-id")),
            body: body.to_bytes().into(),
        })
    }

    /// A public file, fetched as anybody would: without a token.
    pub(super) fn fetch(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        match &self.playing {
            None => self.public.get(&web::HttpRequest::public(url, limit, web::LARGE)),
            Some(playing) => visit(&**playing, url, limit),
        }
    }
}

fn octocrab<S>(service: S) -> Octocrab
where
    S: tower::Service<Request<OctoBody>, Response = Response<Full<Bytes>>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
{
    // No authentication of its own either: a token is sent where we say, not by what an address looks like.
    match OctocrabBuilder::new_empty().with_service(service).with_auth(AuthState::None).build() {
        Ok(octocrab) => octocrab,
        Err(never) => match never {},
    }
}

pub(super) fn headers(headers: &HeaderMap, now: SystemTime) -> Headers {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let number = |name: &str| text(name)?.trim().parse().ok();
    let owned = |name: &str| text(name).map(str::to_owned);
    let date = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
    Headers {
        retry_after: text("retry-after").and_then(|text| Seconds::retry_after(text, date.unwrap_or(now))),
        limit: number("x-ratelimit-limit"),
        remaining: number("x-ratelimit-remaining"),
        reset: number("x-ratelimit-reset"),
        date,
        location: owned(LOCATION.as_str()),
        offer: Offer {
            accepted_permissions: owned("x-accepted-github-permissions"),
            accepted_scopes: owned("x-accepted-oauth-scopes"),
            scopes: owned("x-oauth-scopes"),
            sso: owned("x-github-sso"),
        },
    }
}

/// A request as the model takes it.
fn call(head: &http::request::Parts, body: &[u8]) -> Call {
    let text = |name: http::HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
    let uri = &head.uri;
    Call {
        method: head.method.to_string(),
        origin: format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |at| at.as_str())),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: text(AUTHORIZATION),
        accept: text(ACCEPT),
        content_type: text(CONTENT_TYPE),
        user_agent: text(USER_AGENT),
        body: body.into(),
    }
}

fn carried(answer: &model::Response) -> Result<Response<Full<Bytes>>, http::Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(answer.body_bytes().into()))
}

/// A download from someone who plays GitHub, redirects followed.
fn visit(playing: &dyn Answers, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
    let mut at = url.to_owned();
    let method = Method::GET;
    for _ in 0..=REDIRECTS {
        let (method, url) = (method.clone(), Address::of(url).to_string());
        let unreachable =
            |why: String| HttpError::Unreachable { method: Method::GET, url: Address::of(&*at).to_string(), why };
        let request = Request::get(&at).header(USER_AGENT, AGENT).body(());
        let (head, ()) = request.map_err(|error| unreachable(error.to_string()))?.into_parts();
        let answer = playing.answer(&call(&head, &[])).map_err(unreachable)?;
        let status = answer.status;
        match (status, answer.header("location"), &answer.body) {
            (200, _, Body::Bytes(bytes)) if bytes.len() as u64 <= limit => return Ok(bytes.to_vec()),
            (200, ..) => return Err(HttpError::TooLarge { method, url, limit }),
            (301 | 302 | 307, Some(location), _) => at = location.to_owned(),
            (404 | 410, ..) => return Err(HttpError::Absent { method, url, status }),
            _ => return Err(HttpError::Refused { method, url, status }),
        }
    }
    Err(HttpError::Unreachable { method, url: Address::of(url).to_string(), why: "too many redirects".to_owned() })
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> ForgeError {
    ForgeError::Unreachable { asked: "GitHub".to_owned(), why: web::innermost(error) }
}
