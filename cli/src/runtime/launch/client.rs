//! The other end: has an action run by an `aileron launch` of this machine.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use url::{Host, Url};

use super::error::LaunchError;
use super::request::RunRequest;
use super::server::BODY_BYTES;
use crate::secret::Secret;
use crate::sys::http::{Options, Web, bearer};

/// Longest answer: what an op may give, and every step's again.
const LIMIT: u64 = 256 << 20;
/// How long a run may take: an action's steps of five minutes each, and a person who is asked first.
const TOTAL: Duration = Duration::from_secs(60 * 60);

/// Where a server is, and what it wants to be shown.
pub struct Remote {
    address: String,
    token: Secret,
}

/// What came back.
pub struct RemoteAnswer {
    /// The status.
    pub status: StatusCode,
    /// The document.
    pub body: String,
}

impl Remote {
    /// The server at this address, `http://127.0.0.1:8721/v1`.
    ///
    /// # Errors
    /// [`LaunchError::Elsewhere`] for an address that is not one of this machine.
    pub fn of(address: &str, token: Secret) -> Result<Remote, LaunchError> {
        let mut url = Url::parse(address).map_err(|_| LaunchError::Elsewhere)?;
        let is_local = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            // It is not asked where that leads: it may be an IPv6 address, where somebody else listens.
            Some(Host::Domain("localhost")) => url.set_ip_host(Ipv4Addr::LOCALHOST.into()).is_ok(),
            _ => false,
        };
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        match is_local && is_plain && url.scheme() == "http" && url.fragment().is_none() {
            true => Ok(Remote { address: url.as_str().trim_end_matches('/').to_owned(), token }),
            false => Err(LaunchError::Elsewhere),
        }
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has an action run, and waits for its end.
    ///
    /// # Errors
    /// [`LaunchError`]: it gave no answer, or one that no `aileron launch` gives.
    pub fn run(&self, action: &str, request: &RunRequest) -> Result<RemoteAnswer, LaunchError> {
        let url = format!("{}/actions/{action}/run", self.address);
        let mut sent = Request::new(Bytes::from(request.render()));
        *sent.method_mut() = Method::POST;
        *sent.uri_mut() = url.parse().map_err(|_| LaunchError::Elsewhere)?;
        let headers = sent.headers_mut();
        headers.insert(AUTHORIZATION, bearer(&self.token).ok_or(LaunchError::Refused)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Plain HTTP: the platform's certificates, which take a moment, are not asked for.
        let web = Web::new(Options { roots: Some(Vec::new()), idle: TOTAL, direct: true, ..Options::default() });
        let answer = web.exchange(sent, LIMIT, TOTAL).map_err(LaunchError::Unreachable)?;
        let status = answer.status;
        match (status, String::from_utf8(answer.body)) {
            (StatusCode::UNAUTHORIZED, _) => Err(LaunchError::Refused),
            (status, Ok(body)) => Ok(RemoteAnswer { status, body }),
            (status, Err(_)) => Err(LaunchError::Unexpected(status.as_u16())),
        }
    }

    /// Whether a request of this length is taken.
    pub fn takes(length: usize) -> bool {
        length <= BODY_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_sent_to_this_machine_and_nowhere_else() {
        let of = |address: &str| Remote::of(address, Secret::from("t".to_owned())).map(|remote| remote.address);
        for (address, expected) in [
            ("http://127.0.0.1:8721/v1", "http://127.0.0.1:8721/v1"),
            ("http://localhost:8721/v1/", "http://127.0.0.1:8721/v1"),
            ("HTTP://LOCALHOST:8721/v1", "http://127.0.0.1:8721/v1"),
            ("http://127.1:8721/v1", "http://127.0.0.1:8721/v1"),
            ("http://[::1]:8721/v1", "http://[::1]:8721/v1"),
        ] {
            assert_eq!(of(address).ok().as_deref(), Some(expected), "{address}");
        }
        for address in [
            "",
            "localhost:8721",
            "https://127.0.0.1:8721/v1",
            "http://localhost.evil.example/v1",
            "http://127.0.0.1.evil.example:8721/v1",
            "http://localhost@evil.example:8721/v1",
            "http://user@127.0.0.1:8721/v1",
            "http://0.0.0.0:8721/v1",
            "http://192.168.1.2:8721/v1",
            "http://127.0.0.1:8721/v1?x",
            "http://127.0.0.1:8721/v1#x",
            "file:///v1",
            "unix:/run/x",
        ] {
            assert!(matches!(of(address), Err(LaunchError::Elsewhere)), "{address}");
        }
    }
}
