//! The client: sends one request to an address that was checked, and reads its answer up to a cap. sandbox.md §4.3, 15a.
//!
//! The address that is checked is the address that is dialled ([`super::guard`]). An IP literal needs no lookup; it was
//! granted as it stands.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, PROXY_AUTHORIZATION, RANGE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::failure::Failure;
use crate::grant::Target;

use super::Hop;
use super::connect::{self, Client, Roots, Route};
use super::guard::{Guarded, NotPublic, Resolver};
use super::long;
use aileron_verifier::problem::Class;

/// Longest response body a guest may read, before and after decoding. §8.3.
pub const BODY_LIMIT: usize = 16 << 20;

/// Most header fields of a response. Go's client has no such limit, only one of bytes; the map they are kept in takes 24,576.
const MAX_HEADERS: usize = 16_384;

/// The proxies of the process, as its environment names them. This machine itself is never asked for through one.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For http URLs.
    pub http: Option<String>,
    /// For https URLs.
    pub https: Option<String>,
    /// Hosts, domains and networks that are dialled directly: `NO_PROXY`.
    pub except: String,
}

/// How the network is reached.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) roots: Roots,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) proxies: Proxies,
    pub(super) allow_private: Vec<String>,
}

/// Clients, made when they are first needed: most runs need one, many none.
pub(super) struct Wire {
    settings: Settings,
    direct: OnceLock<Result<Client, String>>,
    forwarding: OnceLock<Result<Client, String>>,
    tunnelling: OnceLock<Result<Client, String>>,
}

impl Wire {
    pub(super) fn new(settings: Settings) -> Wire {
        Wire { settings, direct: OnceLock::new(), forwarding: OnceLock::new(), tunnelling: OnceLock::new() }
    }

    /// Sends one request and returns with its head.
    pub(super) async fn send(&self, hop: &Hop) -> Result<NetworkAnswer, Failure> {
        let failed = |why: &str| failed(&format!("{} {}: {why}", hop.method, hop.target.authority()));
        let uri = uri(&hop.target).map_err(|error| failed(&error.to_string()))?;
        let proxy = self.proxy(hop, &uri);
        let (own, shared);
        let client = if hop.target.path_and_query().len() > long::LIBRARY {
            own = self.client_of(&hop.target, proxy.as_ref(), true).map_err(|why| failed(&why))?;
            &own
        } else {
            shared = self.client(&hop.target, proxy.as_ref()).map_err(|why| failed(&why))?;
            shared
        };
        let mut request = Request::new(Full::new(hop.body.clone()));
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.clone_from(&hop.headers);
        let decodes =
            hop.method != Method::HEAD && !headers.contains_key(ACCEPT_ENCODING) && !headers.contains_key(RANGE);
        if decodes {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        if hop.body.is_empty() && wants_length(&hop.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // Through a tunnel the proxy sees CONNECT only; that says who asks.
        if let Some(authorization) = proxy.as_ref().and_then(Intercept::basic_auth)
            && hop.target.scheme() == "http"
        {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let response = client.request(request).await.map_err(|error| match cause::<NotPublic>(&error) {
            Some(refused) => refused.failure(&hop.target.authority()),
            None => failed(&innermost(&error)),
        })?;
        Ok(NetworkAnswer { response, decodes })
    }

    /// The client for this hop: it keeps its connections for the next one.
    fn client(&self, target: &Target, proxy: Option<&Intercept>) -> Result<&Client, String> {
        let cell = match proxy {
            None => &self.direct,
            Some(_) if target.scheme() == "http" => &self.forwarding,
            Some(_) => &self.tunnelling,
        };
        let client = cell.get_or_init(|| self.client_of(target, proxy, false));
        client.as_ref().map_err(Clone::clone)
    }

    fn client_of(&self, target: &Target, proxy: Option<&Intercept>, is_long: bool) -> Result<Client, String> {
        let route = match proxy {
            None => Route::Direct,
            Some(proxy) if target.scheme() == "http" => Route::Forwarding(proxy),
            Some(proxy) => Route::Tunnelling(proxy),
        };
        let Settings { resolver, allow_private, .. } = &self.settings;
        let guard = Guarded::new(Arc::clone(resolver), allow_private.clone(), proxy.is_some());
        let long = is_long.then(|| Bytes::from(target.path_and_query().to_owned()));
        connect::client(guard, &self.settings.roots, route, MAX_HEADERS, long)
    }

    /// The proxy for this hop, if there is one. The same for each URL of a scheme.
    fn proxy(&self, hop: &Hop, uri: &Uri) -> Option<Intercept> {
        let proxies = &self.settings.proxies;
        if hop.target.is_loopback() || (proxies.http.is_none() && proxies.https.is_none()) {
            return None;
        }
        let text = |proxy: &Option<String>| proxy.clone().unwrap_or_default();
        let matcher = Matcher::builder().http(text(&proxies.http)).https(text(&proxies.https));
        matcher.no(proxies.except.clone()).build().intercept(uri)
    }
}

/// What this client calls itself, unless the guest says otherwise.
const AGENT: &str = concat!("aileron/", env!("CARGO_PKG_VERSION"));

/// The URL for the client: made of the parts that were judged, not read again. A path and query that the library cannot hold
/// has a stand-in (`long`).
fn uri(target: &Target) -> Result<Uri, http::Error> {
    let path_and_query = match target.path_and_query() {
        long if long.len() > long::LIBRARY => PathAndQuery::from_static(long::STAND_IN),
        short => PathAndQuery::from_maybe_shared(Bytes::from(short.to_owned()))?,
    };
    Uri::builder().scheme(target.scheme()).authority(target.host_and_port()).path_and_query(path_and_query).build()
}

/// Methods for which a body is expected, so that its absence is said; servers answer 411 otherwise. RFC 9110 §8.6; the
/// same three as Go's client, and as it written in capitals only.
fn wants_length(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// The head of a response, its body still to be read.
pub(super) struct NetworkAnswer {
    response: Response<Incoming>,
    /// The guest did not ask for an encoding, so none may reach it.
    decodes: bool,
}

impl NetworkAnswer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Name and value of every header; what is not UTF-8 is replaced.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
    }

    /// The whole body, decoded.
    pub(super) async fn body(mut self) -> Result<Vec<u8>, Failure> {
        if self.response.body().size_hint().lower() > BODY_LIMIT as u64 {
            return Err(too_long());
        }
        let encoding = self.response.headers().get(CONTENT_ENCODING);
        let is_gzip = encoding.is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let mut sink = if self.decodes && is_gzip {
            Sink::Gzip(0, Box::new(MultiGzDecoder::new(Capped::default())))
        } else {
            Sink::Plain(Capped::default())
        };
        let unread = |error: &dyn std::error::Error| self::failed(&format!("read body: {}", innermost(error)));
        while let Some(frame) = self.response.frame().await {
            if let Ok(chunk) = frame.map_err(|error| unread(&error))?.into_data() {
                sink.write(&chunk)?;
            }
        }
        sink.finish()
    }
}

/// Where the body goes: no further than the cap, however it is encoded.
enum Sink {
    Plain(Capped),
    /// Bytes as they came, and what they decode to.
    Gzip(usize, Box<MultiGzDecoder<Capped>>),
}

impl Sink {
    fn write(&mut self, chunk: &Bytes) -> Result<(), Failure> {
        match self {
            Sink::Plain(body) => body.write_all(chunk).map_err(|_| too_long()),
            Sink::Gzip(received, decoder) => {
                *received = received.saturating_add(chunk.len());
                if *received > BODY_LIMIT {
                    return Err(too_long());
                }
                decoder.write_all(chunk).map_err(|error| undecodable(&error, decoder.get_ref()))
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, Failure> {
        match self {
            // No bytes are no document, whatever the header says: 204, 304.
            Sink::Plain(body) => Ok(body.bytes),
            Sink::Gzip(0, _) => Ok(Vec::new()),
            Sink::Gzip(_, mut decoder) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes)),
                Err(error) => Err(undecodable(&error, decoder.get_ref())),
            },
        }
    }
}

#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > BODY_LIMIT {
            self.is_full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn undecodable(error: &io::Error, body: &Capped) -> Failure {
    if body.is_full { too_long() } else { failed(&format!("read body: gzip: {error}")) }
}

/// The breach of [`BODY_LIMIT`]: never truncated silently.
pub(super) fn too_long() -> Failure {
    failed(&format!("read body: response exceeds {BODY_LIMIT} bytes"))
}

fn failed(why: &str) -> Failure {
    Failure::new(Class::ConnectorRuntimeError, format!("http_request: {why}"))
}

fn cause<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// The cause a person can act on is at the end of the chain: "connection refused", "no such host".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
