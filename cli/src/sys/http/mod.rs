//! One request at a time, with a cap on everything a server decides: size, time, number and direction of redirects.
//!
//! [`Web`] waits for the answer, [`AsyncWeb`] is the same for a caller that has a runtime; both are one code. A body is taken
//! as it comes: no `Content-Encoding` is asked for, none is undone, so that nothing unpacks itself on the way in and the cap
//! counts what was sent. Not here: what an answer means, where credentials come from.
//!
//! | file | |
//! |---|---|
//! | `request` | what is asked for |
//! | `redirect` | where an answer may send it on to; pure |
//! | `error` | why there are no bytes |

mod error;
mod redirect;
mod request;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use self::error::Asked;
pub use self::error::HttpError;
pub(crate) use self::error::innermost;
use self::request::Pieces;
pub(crate) use self::request::bearer;
pub use self::request::{HttpBody, HttpRequest};
use super::address::Address;

/// Total time of one fetch, body included, for what must be small. keyring.md §5.1.
pub const SMALL: Duration = Duration::from_secs(15);
/// Total time of one archive: 64 MiB at the slowest line worth waiting for.
pub const LARGE: Duration = Duration::from_secs(300);

/// Host names to addresses; port 0 stands for the address's own.
pub type Resolver = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// What differs between this machine and a test of it, and between the web and this machine.
#[derive(Clone)]
pub struct Options {
    /// The only certificates that vouch for servers, as DER [default: the platform's; `SSL_CERT_FILE` is honoured there].
    pub roots: Option<Vec<Vec<u8>>>,
    /// Who knows the addresses of hosts [default: the system].
    pub resolver: Option<Resolver>,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a server may say nothing.
    pub idle: Duration,
    /// Total time of any fetch, where that is less than what it may take.
    pub longest: Duration,
    /// Whether no proxy is asked, whatever the environment says: what is for this machine stays on it.
    pub direct: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            roots: None,
            resolver: None,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            longest: Duration::MAX,
            direct: false,
        }
    }
}

/// An answer as it came, no longer than its cap.
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// The web as one run sees it: connections are kept, and made on first use. Every call waits for its answer, from any thread
/// that is not one of a runtime.
pub struct Web {
    web: AsyncWeb,
    runtime: OnceLock<Result<Runtime, String>>,
}

/// The web for a caller that has a runtime. One per runtime: connections live in the one that made them.
pub struct AsyncWeb {
    options: Options,
    client: OnceLock<Result<Client, String>>,
}

impl Default for Web {
    fn default() -> Web {
        Web::new(Options::default())
    }
}

impl Web {
    /// The web through these options.
    pub fn new(options: Options) -> Web {
        Web { web: AsyncWeb::new(options), runtime: OnceLock::new() }
    }

    /// The body of an answer 200.
    ///
    /// # Errors
    /// [`HttpError`]; nothing was written anywhere.
    pub fn get(&self, request: &HttpRequest<'_>) -> Result<Vec<u8>, HttpError> {
        self.wait(request.url, &request.method, self.web.get(request))
    }

    /// The answer of whatever status, redirects followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    pub fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        self.wait(request.url, &request.method, self.web.send(request))
    }

    /// The answer of whatever status to this one request: a redirect is an answer, and is not followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    pub fn send_once(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        self.wait(request.url, &request.method, self.web.send_once(request))
    }

    /// One request as it stands, and its answer of whatever status: no redirect is followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    pub(crate) fn exchange(
        &self,
        request: http::Request<Bytes>,
        limit: u64,
        total: Duration,
    ) -> Result<HttpResponse, HttpError> {
        let (url, method) = (request.uri().to_string(), request.method().clone());
        self.wait(&url, &method, self.web.exchange(request, limit, total))
    }

    fn wait<T>(
        &self,
        url: &str,
        method: &Method,
        answer: impl Future<Output = Result<T, HttpError>>,
    ) -> Result<T, HttpError> {
        // One thread that carries the connections; who waits drives their own request.
        let make = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        match self.runtime.get_or_init(|| make().map_err(|error| innermost(&error))) {
            Ok(runtime) => runtime.block_on(answer),
            Err(why) => {
                Err(Asked { method: method.clone(), url: Address::of(url).to_string() }.unreachable(why.as_str()))
            }
        }
    }
}

impl Drop for Web {
    /// A name that is still being looked up after its request gave up is not waited for.
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl AsyncWeb {
    /// The web through these options.
    pub fn new(options: Options) -> AsyncWeb {
        AsyncWeb { options, client: OnceLock::new() }
    }

    /// The body of an answer 200.
    ///
    /// # Errors
    /// [`HttpError`]; nothing was written anywhere.
    pub async fn get(&self, request: &HttpRequest<'_>) -> Result<Vec<u8>, HttpError> {
        let response = self.follow(request, true).await?;
        Ok(response.body)
    }

    /// The answer of whatever status, redirects followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    pub async fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        self.follow(request, false).await
    }

    /// The answer of whatever status to this one request: a redirect is an answer, and is not followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    pub async fn send_once(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let Opening { asked, at, headers, caps } = self.open(request)?;
        let answer = self.answer(&asked, at, headers, request.body.pieces(), &caps).await?;
        read(&asked, answer, &caps).await
    }

    /// The answer after every redirect; where only a 200 is wanted, another one is not read.
    async fn follow(&self, request: &HttpRequest<'_>, only_ok: bool) -> Result<HttpResponse, HttpError> {
        let Opening { asked, mut at, mut headers, caps } = self.open(request)?;
        for _ in 0..=redirect::MOST {
            let answer = self.answer(&asked, at.clone(), headers.clone(), request.body.pieces(), &caps).await?;
            let location = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
            let next = redirect::next(&request.method, answer.status(), &at, location);
            let Some(next) = next.map_err(|why| asked.clone().redirect(why))? else {
                if only_ok {
                    must_be_ok(&asked, answer.status())?;
                }
                return read(&asked, answer, &caps).await;
            };
            if !redirect::is_same_origin(&at, &next) {
                headers.remove(AUTHORIZATION);
            }
            at = next;
        }
        Err(asked.redirect("too many redirects".to_owned()))
    }

    /// Where a request goes, with which headers, and what its answer may not exceed.
    fn open(&self, request: &HttpRequest<'_>) -> Result<Opening, HttpError> {
        let at = address(request.url).ok_or_else(|| HttpError::Scheme { url: Address::of(request.url).to_string() })?;
        let asked = Asked { method: request.method.clone(), url: Address::of(at.as_str()).to_string() };
        let caps = Caps::new(request.limit, request.total, &self.options);
        let mut headers = HeaderMap::new();
        let value =
            |text: &str| HeaderValue::from_str(text).map_err(|error| asked.clone().unreachable(innermost(&error)));
        headers.insert(ACCEPT, value(request.accept)?);
        if let Some(media_type) = request.body.media_type() {
            headers.insert(CONTENT_TYPE, value(media_type)?);
        }
        if let Some(token) = request.token {
            let unfit = || asked.clone().unreachable("the token holds characters that no header may have");
            headers.insert(AUTHORIZATION, bearer(token).ok_or_else(unfit)?);
        }
        Ok(Opening { asked, at, headers, caps })
    }

    /// One request as it stands, and its answer of whatever status: no redirect is followed.
    ///
    /// # Errors
    /// [`HttpError`], where there is no whole answer.
    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        limit: u64,
        total: Duration,
    ) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string();
        let to = address(&url).ok_or_else(|| HttpError::Scheme { url: Address::of(url.as_str()).to_string() })?;
        let asked = Asked { method: head.method, url: Address::of(url).to_string() };
        let caps = Caps::new(limit, total, &self.options);
        let answer = self.answer(&asked, to, head.headers, body.into(), &caps).await?;
        read(&asked, answer, &caps).await
    }

    /// The head of the answer to one request.
    async fn answer(
        &self,
        asked: &Asked,
        mut url: Url,
        headers: HeaderMap,
        body: Pieces,
        caps: &Caps,
    ) -> Result<reqwest::Response, HttpError> {
        let made = self.client.get_or_init(|| build(&self.options).map_err(|error| innermost(&error)));
        let client = made.as_ref().map_err(|why| asked.clone().unreachable(why.as_str()))?;
        if headers.contains_key(AUTHORIZATION) {
            // A request has one credential; a name without its password would be another one.
            let _ = (url.set_username(""), url.set_password(None));
        }
        // A body may take its time on the way out, while nothing is heard.
        let idle = if body.is_empty() { caps.idle } else { caps.left() };
        let mut request = client.request(asked.method.clone(), url).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        match tokio::time::timeout(idle.min(caps.left()), request.send()).await {
            Ok(answer) => answer.map_err(|error| asked.clone().failed(&error)),
            Err(_) => Err(asked.clone().timed_out()),
        }
    }
}

/// A request that is ready to be sent.
struct Opening {
    asked: Asked,
    at: Url,
    headers: HeaderMap,
    caps: Caps,
}

/// What a server may not exceed.
struct Caps {
    limit: u64,
    idle: Duration,
    deadline: Option<Instant>,
}

impl Caps {
    fn new(limit: u64, total: Duration, options: &Options) -> Caps {
        let total = total.min(options.longest);
        Caps { limit, idle: options.idle.min(total), deadline: Instant::now().checked_add(total) }
    }

    fn left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

fn must_be_ok(asked: &Asked, status: StatusCode) -> Result<(), HttpError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(asked.clone().absent(status.as_u16())),
        _ => Err(asked.clone().refused(status.as_u16())),
    }
}

/// Reads the body up to the cap and the deadline: a server that drips one byte a second must not be waited for.
async fn read(asked: &Asked, mut answer: reqwest::Response, caps: &Caps) -> Result<HttpResponse, HttpError> {
    let limit = caps.limit;
    let too_large = || asked.clone().too_large(limit);
    if asked.method != Method::HEAD && answer.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        let chunk = match tokio::time::timeout(caps.idle.min(caps.left()), answer.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(asked.clone().failed(&error)),
            Err(_) => return Err(asked.clone().timed_out()),
        };
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        if body.capacity() < body.len() + chunk.len() {
            // Doubling, and from a quarter of the cap on all of it: a body at the cap must not cost twice the cap.
            let doubled = 2 * body.capacity() as u64;
            let wanted = if doubled > limit / 2 { limit } else { doubled };
            body.reserve_exact((wanted as usize).max(body.len() + chunk.len()) - body.len());
        }
        body.extend_from_slice(&chunk);
        if caps.left().is_zero() {
            return Err(asked.clone().timed_out());
        }
    }
    Ok(HttpResponse { status: answer.status(), headers: std::mem::take(answer.headers_mut()), body })
}

/// Fetches a public file: no credentials, proxies from the environment, roots from the platform.
///
/// # Errors
/// [`HttpError`]; nothing was written anywhere.
pub fn get(url: &str, limit: u64, total: Duration) -> Result<Vec<u8>, HttpError> {
    Web::default().get(&HttpRequest::public(url, limit, total))
}

/// A URL that may be asked.
pub(crate) fn address(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(redirect::may_be_asked)
}

/// A client that says who it is; redirects are followed here, in safe directions only.
fn build(options: &Options) -> Result<Client, reqwest::Error> {
    // Whichever thread is first installs it; that the others find one is the point.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let agent = concat!("aileron/", env!("CARGO_PKG_VERSION"));
    let identity = [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))];
    let mut builder = Client::builder()
        .connect_timeout(options.connect)
        .user_agent(agent)
        .default_headers(identity.into_iter().collect())
        .referer(false)
        .redirect(Policy::none());
    if options.direct {
        builder = builder.no_proxy();
    }
    if let Some(resolver) = &options.resolver {
        builder = builder.dns_resolver(Arc::new(Injected(resolver.clone())));
    }
    if let Some(roots) = &options.roots {
        let roots = roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
        builder = builder.tls_certs_only(roots);
    }
    builder.build()
}

struct Injected(Resolver);

impl Resolve for Injected {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str());
        Box::pin(async move { Ok(Box::new(found?.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>) })
    }
}

#[cfg(test)]
mod tests;
