//! One line for each request, exactly these members, nothing secret. sealing.md §7.

use aileron_testkit::tls::{Reply, TlsServer};
use serde_json::json;

use super::client::{ask, connect, get, sealed, secure};
use super::{Options, SENTINEL, Setup, TOKEN};

const HOSTS: [&str; 5] = ["api.github.com", "github.com", "a.wild.example", "absent.example", "other.example"];

#[test] // sealing.md §7
fn every_request_has_one_line_with_exactly_these_members() {
    let server = |authority: &_| TlsServer::start(authority, &HOSTS, |_| Reply::ok("fine").status(201));
    let (setup, _server) = Setup::before(server, &HOSTS, Options::default());
    let proxy = &setup.proxy;
    get(proxy, "github.com", "/acme/x?token=hidden", "Cookie: secret-cookie\r\n");
    get(proxy, "a.wild.example", "/", &format!("Authorization: Bearer {SENTINEL}\r\n"));
    get(proxy, "api.github.com", "/user", "Authorization: Bearer ghp_foreign\r\n");
    get(proxy, "absent.example", "/x", "");
    get(proxy, "api.github.com", "/y", "Host: twice\r\n");
    connect(proxy, "other.example:443");
    connect(proxy, "github.com:22");
    ask(proxy, "GET http://github.com/z?q", "Host: github.com\r\n");
    let (_, stream) = connect(proxy, "api.github.com:443");
    assert!(secure(stream, "api.github.com", setup.authority.der()).is_err());
    drop(sealed(proxy, "api.github.com")); // a tunnel without a request is no request
    // What went wrong between proxy and client is written after the client knows it.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while setup.events().len() < 9 && std::time::Instant::now() < patience {
        std::thread::yield_now();
    }
    let mut events = setup.events();
    let url = String::from_utf8(proxy.url().expose().to_vec()).unwrap();
    let session = url.split(['/', ':']).nth(3).unwrap().to_owned();
    for event in &mut events {
        assert_eq!(event["session"], json!(session));
        event.as_object_mut().unwrap().remove("session");
    }
    let injected = |pattern: &str, scheme: &str, host: &str, path: &str| {
        json!({"event": "sandbox.proxy.binding_injected", "method": "GET", "binding.host": pattern, "binding.scheme": scheme,
            "upstream.scheme": "https", "upstream.host": host, "upstream.path": path, "upstream.status": 201})
    };
    let rejected = |method: &str, scheme: Option<&str>, host: &str, path: Option<&str>, status: u16, reason: &str| {
        let mut event = json!({"event": "sandbox.proxy.rejected", "method": method});
        let members = event.as_object_mut().unwrap();
        scheme.map(|scheme| members.insert("upstream.scheme".into(), json!(scheme)));
        members.insert("upstream.host".into(), json!(host));
        path.map(|path| members.insert("upstream.path".into(), json!(path)));
        members.insert("upstream.status".into(), json!(status));
        members.insert("reject_reason".into(), json!(reason));
        event
    };
    let expected = vec![
        injected("github.com", "basic", "github.com", "/acme/x"),
        injected("*.wild.example", "bearer", "a.wild.example", "/"),
        json!({"event": "sandbox.proxy.foreign_token_not_swapped", "method": "GET", "binding.host": "api.github.com",
            "binding.scheme": "bearer", "upstream.scheme": "https", "upstream.host": "api.github.com",
            "upstream.path": "/user", "upstream.status": 201}),
        rejected("GET", Some("https"), "absent.example", Some("/x"), 500, "credential_unavailable"),
        rejected("GET", Some("https"), "api.github.com", Some("/y"), 400, "host_mismatch"),
        json!({"event": "sandbox.proxy.passthrough", "method": "CONNECT", "upstream.host": "other.example", "upstream.status": 200}),
        rejected("CONNECT", None, "github.com", None, 400, "port_not_allowed"),
        rejected("GET", Some("http"), "github.com", Some("/z"), 403, "credential_over_http"),
        json!({"event": "sandbox.proxy.rejected", "upstream.host": "api.github.com", "reject_reason": "client_tls_failed"}),
    ];
    assert_eq!(events, expected, "{}", serde_json::to_string_pretty(&events).unwrap());
    let text = serde_json::to_string(&events).unwrap();
    for secret in [TOKEN, SENTINEL, "ghp_foreign", "hidden", "secret-cookie", "user/github", "fine"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
