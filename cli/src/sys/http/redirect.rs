//! Where an answer may send a request on to. Pure.
//!
//! | method | 301, 302, 303 | 307, 308 to the same origin | 307, 308 to another origin |
//! |---|---|---|---|
//! | `GET`, `HEAD` | followed | followed | followed |
//! | any other | refused | followed, with its body | refused |
//!
//! Followed means: to https, or to this machine. The credential goes along to the same origin only, and what was once without
//! it stays without. A body may hold a secret, so it goes nowhere but where it was sent; and a `POST` that becomes a `GET` on
//! the way would be taken for done.

use http::{Method, StatusCode};
use reqwest::Url;

use crate::sys::address::Address;

/// Redirects that are followed. keyring.md §5.1.
pub(super) const MOST: usize = 10;

/// Where a redirect leads; `None` for an answer that is none.
///
/// # Errors
/// Why it is not followed, in words that follow what was asked.
pub(super) fn next(
    method: &Method,
    status: StatusCode,
    at: &Url,
    location: Option<&[u8]>,
) -> Result<Option<Url>, String> {
    if !status.is_redirection() {
        return Ok(None);
    }
    let Some(location) = location.map(String::from_utf8_lossy) else {
        return Err(format!("HTTP {}, and does not say where to", status.as_u16()));
    };
    let to = match at.join(&location) {
        Ok(to) if may_be_asked(&to) => to,
        Ok(to) => return Err(astray(to.as_str())),
        Err(_) => return Err(astray(&location)),
    };
    let repeats = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    match (*method == Method::GET || *method == Method::HEAD, repeats) {
        (true, _) => Ok(Some(to)),
        (false, true) if is_same_origin(at, &to) => Ok(Some(to)),
        (false, true) => Err(format!("redirected to another server, {}: a {method} is not sent there", shown(&to))),
        (false, false) => Err(format!("HTTP {} to {}: a {method} is not repeated there", status.as_u16(), shown(&to))),
    }
}

/// https anywhere; plain http only to this machine. artifacts.md §10.
pub(super) fn may_be_asked(url: &Url) -> bool {
    let loopback = || match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback())
}

/// Scheme, host and port.
pub(super) fn is_same_origin(one: &Url, other: &Url) -> bool {
    let of = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    of(one) == of(other)
}

pub(super) fn astray(target: &str) -> String {
    format!("redirected to {}, which is not https:// (http:// is for this machine only)", Address::of(target))
}

fn shown(url: &Url) -> Address {
    Address::of(url.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_as_far_as_its_method_and_origin_let_it() {
        let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
        for (method, status, location, leads) in [
            (&get, 302, "/x", Some("https://a.example/x")),
            (&get, 303, "https://b.example/x", Some("https://b.example/x")),
            (&Method::HEAD, 308, "https://b.example/x", Some("https://b.example/x")),
            (&get, 307, "http://127.0.0.1:1/x", Some("http://127.0.0.1:1/x")),
            (&get, 302, "http://b.example/x", None),
            (&get, 302, "file:///etc/passwd", None),
            (&get, 302, "https://", None),
            (&post, 307, "/x", Some("https://a.example/x")),
            (&post, 308, "https://a.example:443/x", Some("https://a.example/x")),
            (&put, 308, "https://A.example/x", Some("https://a.example/x")),
            (&post, 307, "https://b.example/x", None),
            (&post, 308, "https://a.example:8443/x", None),
            (&post, 307, "http://a.example/x", None),
            (&post, 301, "/x", None),
            (&post, 302, "/x", None),
            (&put, 303, "/x", None),
            (&Method::DELETE, 302, "/x", None),
        ] {
            let at = Url::parse("https://a.example/from?q=1").unwrap();
            let status = StatusCode::from_u16(status).unwrap();
            let found = next(method, status, &at, Some(location.as_bytes()));
            let found = found.map(|to| to.map(String::from));
            match leads {
                Some(to) => assert_eq!(found, Ok(Some(to.to_owned())), "{method} {status} {location}"),
                None => assert!(found.is_err(), "{method} {status} {location}: {found:?}"),
            }
        }
    }

    #[test]
    fn an_answer_that_is_no_redirect_leads_nowhere() {
        let at = Url::parse("https://a.example/").unwrap();
        for status in [200, 201, 204, 400, 404, 500] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(next(&Method::GET, status, &at, Some(b"/x")), Ok(None), "{status}");
        }
        let nowhere = next(&Method::GET, StatusCode::FOUND, &at, None).unwrap_err();
        assert_eq!(nowhere, "HTTP 302, and does not say where to");
        let told = next(&Method::POST, StatusCode::TEMPORARY_REDIRECT, &at, Some(b"https://b.example/x?token=t"));
        assert!(!told.unwrap_err().contains("token"), "what an address may hide is not shown");
    }
}
