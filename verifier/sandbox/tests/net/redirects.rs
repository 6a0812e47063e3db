//! Every hop is checked again. §4.3, §13 N17.

use std::sync::Arc;

use aileron_sandbox::credential::StaticCredential;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::secret::Secret;
use aileron_verifier::problem::Class;
use serde_json::json;

use super::{ask, get, hosts, network, refused, text, to_ports};
use crate::server::{self, Server, answer};

const API_KEY: &str = "[capabilities.credential]\nkind = \"api_key\"\nheader = \"X-API-Key\"\nformat = \"{key}\"\n";
const KEY: &str = "k-secret-0123456789";

fn to(location: &str, status: u16) -> Vec<u8> {
    answer(&format!("{status} Elsewhere\r\nLocation: {location}"), "ignored")
}

fn keyed(ports: &[u16]) -> Network {
    let hosts = hosts(&ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>());
    let given = StaticCredential { secret: Arc::new(Secret::from(KEY.to_owned())), region: None, access_key_id: None };
    network(&format!("{hosts}{API_KEY}")).with_credentials(Arc::new(given))
}

/// A server whose every answer is a redirect to one place.
fn sending_to(location: String, status: u16) -> Server {
    server::http(move |_| to(&location, status))
}

#[test] // sandbox.md §13 N17 and the escape matrix
fn a_redirect_to_anything_ungranted_is_denied_and_sends_nothing() {
    let trap = server::http(|_| answer("200 OK", "caught"));
    let port = trap.port();
    for (location, message) in [
        (format!("http://127.0.0.1:{port}/"), "host:port not in declared grant"),
        (format!("http://localhost:{port}/"), "host:port not in declared grant"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "host:port not in declared grant"),
        (format!("//127.0.0.1:{port}/"), "host:port not in declared grant"),
        ("https://evil.example/".to_owned(), "host:port not in declared grant"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "host:port not in declared grant"),
        (format!("ftp://127.0.0.1:{port}/"), "scheme not permitted"),
        ("file:///etc/passwd".to_owned(), "scheme not permitted"),
        ("data:text/plain,x".to_owned(), "scheme not permitted"),
        (format!("http://x@127.0.0.1:{port}/"), "invalid URL"),
        (format!("\\\\127.0.0.1:{port}/"), "invalid URL"),
        (format!("http://2130706433:{port}/"), "invalid URL"),
        (format!("http://127%2e0.0.1:{port}/"), "invalid URL"),
    ] {
        let server = sending_to(location.clone(), 302);
        let failure = refused(get(&to_ports(&[server.port()]), &format!("http://127.0.0.1:{}/", server.port())));
        assert_eq!((failure.class, failure.message.as_str()), (Class::CapabilityDenied, message), "{location}");
        assert_eq!(failure.details["redirected_from"], format!("network:127.0.0.1:{}", server.port()));
    }
    assert_eq!(trap.seen(), []);
}

#[test] // sandbox.md §6.3 holds on every hop too
fn a_redirect_out_of_the_actions_subset_is_denied() {
    let target = server::http(|_| answer("200 OK", "hi"));
    let server = sending_to(format!("http://127.0.0.1:{}/", target.port()), 307);
    let narrow = format!("127.0.0.1:{}", server.port());
    let network = to_ports(&[server.port(), target.port()]).narrowed_to([narrow.as_str()]);
    let failure = refused(get(&network, &format!("http://127.0.0.1:{}/", server.port())));
    assert_eq!(failure.details["boundary_detail"], "action");
    assert_eq!(target.seen(), []);
}

#[test] // sandbox.md §4.3: up to 10
fn ten_redirects_are_followed_and_no_more() {
    let server = server::http(|request| match request.target.trim_start_matches('/').parse::<u32>().unwrap() {
        0 => answer("200 OK", "there"),
        left => to(&(left - 1).to_string(), 302),
    });
    let (network, url) = (to_ports(&[server.port()]), |left: u32| format!("http://127.0.0.1:{}/{left}", server.port()));
    assert_eq!(text(&get(&network, &url(10)).unwrap()), "there");
    assert_eq!(server.seen().len(), 11);
    let failure = refused(get(&network, &url(11)));
    assert_eq!(
        failure.to_string(),
        "connector_runtime_error: http_request: stopped after 10 redirects (boundary=sandbox)"
    );
}

#[test] // sandbox.md §4.3: 301, 302, 303 turn into GET; 307, 308 replay
fn a_redirect_keeps_what_its_status_says() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "b"), (308, "POST", "b")]
    {
        let server = server::http(move |request| match request.target.as_str() {
            "/" => to("/next?x=1", status),
            _ => answer("200 OK", "there"),
        });
        let url = format!("http://127.0.0.1:{}/", server.port());
        let envelope =
            json!({ "url": url, "method": "POST", "headers": { "Content-Type": "t/x", "X-Mine": "m" }, "body": "b" });
        assert_eq!(text(&ask(&to_ports(&[server.port()]), envelope).unwrap()), "there");
        let next = &server.seen()[1];
        assert_eq!(
            (next.method.as_str(), next.target.as_str(), next.body.as_slice()),
            (method, "/next?x=1", body.as_bytes())
        );
        assert_eq!(next.header("content-type").is_some(), !body.is_empty());
        assert_eq!(next.header("x-mine"), Some("m"));
    }
}

#[test]
fn a_redirect_without_a_target_or_of_no_such_kind_is_an_answer() {
    let server = server::http(|request| match request.target.as_str() {
        "/none" => answer("302 Found", "read me"),
        "/304" => b"HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n".to_vec(),
        "/300" => answer("300 Choices\r\nLocation: /x", "read me"),
        other => panic!("{other}"),
    });
    for (path, status, body) in [("none", 302, "read me"), ("304", 304, ""), ("300", 300, "read me")] {
        let response = get(&to_ports(&[server.port()]), &format!("http://127.0.0.1:{}/{path}", server.port())).unwrap();
        assert_eq!((response.status, text(&response)), (status, body));
    }
}

#[test] // sandbox.md §4.3 [R]: the credential is dropped on any change of origin, and stays on the same one
fn a_credential_does_not_follow_to_another_origin() {
    let other = server::http(|_| answer("200 OK", "there"));
    let location = format!("http://127.0.0.1:{}/", other.port());
    let server = server::http(move |request| match request.target.as_str() {
        "/" => to("/same", 307),
        "/same" => to(&location, 307),
        other => panic!("{other}"),
    });
    let network = keyed(&[server.port(), other.port()]);
    let url = format!("http://127.0.0.1:{}/", server.port());
    let headers = json!({ "Cookie": "c", "Authorization": "mine", "X-Mine": "m", "x-api-key": "mine" });
    ask(&network, json!({ "url": url, "credential": "api_key", "headers": headers })).unwrap();
    for request in server.seen() {
        assert_eq!((request.header("x-api-key"), request.header("authorization")), (Some(KEY), Some("mine")));
    }
    let there = other.only();
    for name in ["x-api-key", "authorization", "cookie"] {
        assert_eq!(there.header(name), None, "{name}");
    }
    assert_eq!(there.header("x-mine"), Some("m"));
}

#[test] // a server that hides the credential in its `Location` gets nowhere with it
fn a_redirect_that_carries_the_credential_leaks_it_into_nothing() {
    let server = sending_to(format!("https://evil.example/?k={KEY}"), 302);
    let url = format!("http://127.0.0.1:{}/", server.port());
    let failure = refused(ask(&keyed(&[server.port()]), json!({ "url": url, "credential": "api_key" })));
    assert_eq!(failure.class, Class::CapabilityDenied);
    assert!(!format!("{failure:?}").contains(KEY), "{failure:?}");
    let bad = sending_to(format!("https://user:{KEY}@evil.example/"), 302);
    let url = format!("http://127.0.0.1:{}/", bad.port());
    let failure = refused(ask(&keyed(&[bad.port()]), json!({ "url": url, "credential": "api_key" })));
    assert_eq!(failure.details["requested"], "https://user:[REDACTED]@evil.example/");
}

#[test] // sandbox.md §4.3, as Go's client: an empty target is none
fn an_answer_that_redirects_nowhere_is_the_guests_to_read() {
    for status in [301, 302, 303, 307, 308] {
        for head in ["", "\r\nLocation:", "\r\nLocation: "] {
            let server = server::http(move |_| answer(&format!("{status} Elsewhere{head}"), "body"));
            let url = format!("http://127.0.0.1:{}/", server.port());
            let response = get(&to_ports(&[server.port()]), &url).unwrap();
            assert_eq!((response.status, text(&response)), (status, "body"), "{status} {head:?}");
            assert_eq!(server.seen().len(), 1, "{status} {head:?}");
        }
    }
}
