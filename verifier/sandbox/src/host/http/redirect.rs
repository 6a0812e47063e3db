//! What a redirect asks for. Pure; whether its target may be dialled is the grant's business. sandbox.md §4.3.

use http::Method;
use http::header::{self, HeaderMap, HeaderName};

use crate::grant::Target;

use super::Hop;

/// Redirects that are followed; one more is an error. §4.3.
pub(super) const LIMIT: usize = 10;

/// Says something about the body, and means nothing without it.
const OF_THE_BODY: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION];

/// What a guest may have put in by itself and the next origin has no business with: Go's client drops the same.
const PRIVATE: [HeaderName; 2] = [header::AUTHORIZATION, header::COOKIE];

/// Whether a status with a `Location` moves the request elsewhere.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The request that follows: 301, 302 and 303 turn everything but GET and HEAD into a GET without a body, 307 and 308
/// replay it; on another origin the injected headers, and what else authorises, are gone for good.
pub(super) fn follow(hop: Hop, status: u16, target: Target) -> Hop {
    let mut next = hop;
    if !matches!(status, 307 | 308) && next.method != Method::HEAD {
        if next.method != Method::GET {
            next.method = Method::GET;
        }
        next.body.clear();
        remove(&mut next.headers, &OF_THE_BODY);
    }
    if !next.target.is_same_origin(&target) {
        let injected = std::mem::take(&mut next.injected);
        remove(&mut next.headers, &injected);
        remove(&mut next.headers, &PRIVATE);
    }
    next.target = target;
    next
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: &str) -> Hop {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "a/b"),
            ("authorization", "x"),
            ("cookie", "c"),
            ("x-api-key", "secret"),
            ("x-other", "o"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        Hop {
            method: method.parse().unwrap(),
            target: Target::parse("https://a.example/1").unwrap(),
            headers,
            body: bytes::Bytes::from_static(b"body"),
            injected: vec![HeaderName::from_static("x-api-key")],
        }
    }

    fn names(hop: &Hop) -> Vec<&str> {
        hop.headers.keys().map(HeaderName::as_str).collect()
    }

    #[test] // sandbox.md §4.3
    fn a_redirect_keeps_or_drops_method_and_body_as_go_does() {
        for (method, status, then, replayed) in [
            ("POST", 301, "GET", false),
            ("POST", 302, "GET", false),
            ("PUT", 303, "GET", false),
            ("get", 302, "GET", false),
            ("GET", 302, "GET", false),
            ("HEAD", 303, "HEAD", true),
            ("POST", 307, "POST", true),
            ("DELETE", 308, "DELETE", true),
        ] {
            let next = follow(hop(method), status, Target::parse("https://a.example/2").unwrap());
            assert_eq!((next.method.as_str(), !next.body.is_empty()), (then, replayed), "{method} {status}");
            assert_eq!(next.headers.contains_key("content-type"), replayed, "{method} {status}");
            assert!(next.headers.contains_key("x-api-key") && next.headers.contains_key("authorization"));
        }
        for status in [200, 204, 300, 304, 305, 306, 400, 500] {
            assert!(!is_redirect(status), "{status}");
        }
    }

    #[test] // sandbox.md §4.3 [R]
    fn a_credential_is_gone_for_good_once_the_origin_changes() {
        for elsewhere in ["https://b.example/", "https://a.example:8443/", "http://a.example/", "https://x.a.example/"]
        {
            let away = follow(hop("GET"), 307, Target::parse(elsewhere).unwrap());
            assert_eq!(names(&away), ["content-type", "x-other"], "{elsewhere}");
            let back = follow(away, 307, Target::parse("https://a.example/3").unwrap());
            assert_eq!(names(&back), ["content-type", "x-other"], "{elsewhere}");
        }
    }
}
