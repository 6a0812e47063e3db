//! A request's head, from how a client sent it to how its server gets it. Pure. sealing.md §3, §4, §5.

use aileron_verifier::unit::BindingEntry;
use aileron_verifier::unit::seal::{Outcome, decide};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Version};

use super::inject::inject;
use super::route::{HTTPS, Refusal, Route, Target, is_for, route};
use crate::secret::Secret;

/// What belongs to one connection and not to the message. sealing.md §5; the last one is no standard, and sent all the same.
const OF_ONE_CONNECTION: [HeaderName; 9] = [
    http::header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    HeaderName::from_static("proxy-connection"),
];
/// How headers of ours begin; no server is told of them.
const OURS: &str = "x-aileron-";

/// A head that may be passed on.
pub(super) struct Decided {
    pub(super) head: Parts,
    /// Whether the credential is put in first.
    pub(super) is_to_be_injected: bool,
    /// Whether it is a handshake for WebSocket.
    pub(super) is_websocket: bool,
}

/// Reads a head within a tunnel: whether it is for the tunnel's host, and what the table of sealing.md §4 says about it.
pub(super) fn decided(mut head: Parts, target: &Target, entry: &BindingEntry) -> Result<Decided, Refusal> {
    if head.method == Method::CONNECT {
        return Err(Refusal::NotForAProxy);
    }
    if !is_for(target, &head.uri, &head.headers) {
        return Err(Refusal::OtherHost);
    }
    let is_websocket = wants_websocket(&head.headers);
    prepare(&mut head, target, HTTPS)?;
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let is_to_be_injected = match decide(entry, headers, head.uri.query()) {
        Outcome::Refuse(refusal) => return Err(Refusal::Decision(refusal)),
        Outcome::Forward => false,
        Outcome::Inject => true,
    };
    if is_websocket {
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    Ok(Decided { head, is_to_be_injected, is_websocket })
}

impl Decided {
    /// The head with the credential in its place.
    pub(super) fn injected(mut self, entry: &BindingEntry, credential: &Secret) -> Result<Parts, Refusal> {
        inject(&mut self.head, entry, credential).map_err(|_| Refusal::Credential)?;
        Ok(self.head)
    }
}

/// Where a client asks to: host, port, and whether by a tunnel; or the status it gets instead. For tests of what any bytes do.
///
/// # Errors
/// The status.
pub fn destination(head: &Parts) -> Result<(String, u16, bool), u16> {
    match route(&head.method, &head.uri) {
        Ok(Route::Tunnel(target)) => Ok((target.host, target.port, true)),
        Ok(Route::Plain(target)) => Ok((target.host, target.port, false)),
        Err(refusal) => Err(refusal.status().as_u16()),
    }
}

/// A head within a tunnel to a host, as the server gets it, and whether the credential is in it; or the status the client gets
/// instead. For tests of what any bytes do.
///
/// # Errors
/// The status.
pub fn sealed(head: Parts, host: &str, entry: &BindingEntry, credential: &Secret) -> Result<(Parts, bool), u16> {
    let target = Target { host: host.to_owned(), port: HTTPS, address: None };
    let sealed = decided(head, &target, entry).and_then(|decided| match decided.is_to_be_injected {
        true => decided.injected(entry, credential).map(|head| (head, true)),
        false => Ok((decided.head, false)),
    });
    sealed.map_err(|refusal| refusal.status().as_u16())
}

/// A head as a server gets it: path and query alone, without what belongs to the client's connection and to us.
pub(super) fn prepare(head: &mut Parts, target: &Target, default: u16) -> Result<(), Refusal> {
    let path = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    head.uri = path.into();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    without_hops(&mut head.headers);
    let ours: Vec<HeaderName> = head.headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
    for name in ours {
        head.headers.remove(name);
    }
    let host = HeaderValue::try_from(target.authority(default)).map_err(|_| Refusal::NotForAProxy)?;
    head.headers.insert(HOST, host);
    Ok(())
}

/// Removes what belongs to one connection, and what its `Connection` header names besides.
pub(super) fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, &CONNECTION).filter_map(|name| name.parse().ok()).collect();
    for name in OF_ONE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Whether a request is a handshake for WebSocket.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let has = |name, wanted: &str| tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted));
    has(&CONNECTION, "upgrade") && has(&UPGRADE, "websocket")
}

fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
