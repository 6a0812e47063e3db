//! What leaves: methods, headers, bodies, and everything that keeps a request from leaving. §4.1 to §4.3.

use std::sync::Arc;

use aileron_sandbox::host::http::{Proxies, Roots};
use aileron_verifier::problem::Class;
use serde_json::json;

use super::{Names, ask, get, hosts, network, refused, run, text, to_ports};
use crate::certificate::identity;
use crate::server::{self, answer};

#[test] // sandbox.md §13 N13
fn a_granted_host_is_asked_and_answers() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let response = get(&to_ports(&[server.port()]), &format!("http://127.0.0.1:{}/a?b=c#d", server.port())).unwrap();
    assert_eq!((response.status, text(&response)), (200, "hi"));
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/a?b=c"));
    assert_eq!(seen.header("host"), Some(format!("127.0.0.1:{}", server.port()).as_str()));
    assert!(seen.header("user-agent").unwrap().starts_with("aileron/"));
    assert_eq!((seen.header("accept-encoding"), seen.header("content-length")), (Some("gzip"), None));
}

#[test] // sandbox.md §4.2: any status is an answer, not a failure
fn every_status_reaches_the_guest() {
    let server = server::http(|request| match request.target.as_str() {
        "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        "/304" => b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n".to_vec(),
        target => answer(&format!("{} Odd", &target[1..]), "body"),
    });
    let network = to_ports(&[server.port()]);
    for (status, body) in
        [(200, "body"), (204, ""), (304, ""), (300, "body"), (404, "body"), (429, "body"), (599, "body")]
    {
        let response = get(&network, &format!("http://127.0.0.1:{}/{status}", server.port())).unwrap();
        assert_eq!((response.status, text(&response)), (status, body));
    }
}

#[test] // sandbox.md §4.2, rows 2 and 3
fn a_malformed_call_is_told_apart_from_a_refused_one() {
    for (envelope, message) in [
        ("not json", "http_request: invalid JSON envelope: expected ident at line 1 column 2"),
        ("[]", "http_request: invalid JSON envelope: invalid type: sequence, expected an object at line 1 column 0"),
        ("null", "http_request: empty URL"),
        ("{\"method\":\"GET\"}", "http_request: empty URL"),
        ("{\"url\":\"\"}", "http_request: empty URL"),
    ] {
        let (code, failure) = run(&network(""), envelope.as_bytes()).unwrap_err();
        assert_eq!((code, failure.class, failure.message.as_str()), (-2, Class::ConnectorRuntimeError, message));
    }
    let failure = refused(get(&network(""), "https://slack.com/"));
    assert_eq!((failure.class, failure.message.as_str()), (Class::CapabilityDenied, "host:port not in declared grant"));
}

#[test] // sandbox.md §4.2: the first failing step decides
fn the_network_gate_comes_before_everything_else() {
    let everything_wrong = json!({ "url": "https://evil.example/", "method": "bad method", "headers": { "b d": "\r\n" }, "credential": "nope" });
    assert_eq!(refused(ask(&network(""), everything_wrong)).message, "host:port not in declared grant");
    let granted = network("[capabilities.network]\nhosts = [\"evil.example:443\"]\n");
    let method_too = json!({ "url": "https://evil.example/", "method": "bad method", "credential": "nope" });
    assert_eq!(refused(ask(&granted, method_too)).message, "http_request: build: invalid method \"bad method\"");
    let header_too = json!({ "url": "https://evil.example/", "headers": { "b d": "x" }, "credential": "nope" });
    assert_eq!(refused(ask(&granted, header_too)).class, Class::CapabilityDenied);
}

#[test] // sandbox.md §13 N15
fn an_action_narrows_what_the_connector_may_reach() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let url = format!("http://127.0.0.1:{}/", server.port());
    let narrowed = |entry: &str| to_ports(&[server.port()]).narrowed_to([entry]);
    let failure = refused(get(&narrowed("slack.com:443"), &url));
    assert_eq!((failure.class, &failure.details["boundary_detail"]), (Class::CapabilityDenied, &json!("action")));
    assert_eq!(server.seen(), []);
    get(&narrowed(&format!("127.0.0.1:{}", server.port())), &url).unwrap();
    get(&to_ports(&[server.port()]).narrowed_to([]), &url).unwrap();
}

#[test] // sandbox.md §4.1: sent verbatim
fn a_method_is_sent_as_it_is_written() {
    let server = server::http(|request| answer("200 OK", if request.method == "HEAD" { "" } else { "x" }));
    let (network, url) = (to_ports(&[server.port()]), format!("http://127.0.0.1:{}/", server.port()));
    for method in ["GET", "get", "PoSt", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND", "X-ODD!"] {
        ask(&network, json!({ "url": url, "method": method })).unwrap();
    }
    let seen: Vec<String> = server.seen().into_iter().map(|request| request.method).collect();
    assert_eq!(seen, ["GET", "get", "PoSt", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND", "X-ODD!"]);
    for method in ["CONNECT", "connect", "TRACE", "Trace", "A B", "GET / HTTP/1.1\r\nX: y", "G\u{c9}T", "\0"] {
        let failure = refused(ask(&network, json!({ "url": url, "method": method })));
        assert_eq!(failure.class, Class::ConnectorRuntimeError, "{method:?}");
        assert!(failure.message.starts_with("http_request: build: "), "{failure}");
    }
    assert_eq!(server.seen().len(), 9);
}

#[test] // sandbox.md §4.1: no limit is set for a URL, and the existing runtime has none
fn a_url_is_sent_whole_however_long_it_is() {
    const STAND_IN: &str = "/aileron-request-target";
    let name = "granted.example";
    let identity = identity(&[name]);
    let plain = server::http(|request| answer("200 OK", &request.body));
    let secure = server::https(&identity, |request| answer("200 OK", &request.body));
    let proxy = server::http(|request| answer("200 OK", &request.body));
    let names = || Arc::new(Names::default().with(name, "127.0.0.1").with("proxy.internal", "127.0.0.1"));
    let way = |port: u16| {
        let network = network(&hosts(&[format!("{name}:{port}")])).resolving_with(names());
        network.allowing_private([name.to_owned()]).trusting(Roots::Only(vec![identity.certificate.clone()]))
    };
    let through = Some(format!("http://proxy.internal:{}", proxy.port()));
    let proxies = Proxies { http: through, ..Proxies::default() };
    let proxied = way(80).through(proxies.clone());
    // A host that is named as the stand-in, and a path that would end the request line: the grant is for that host, and it
    // is what the proxy is asked for.
    let alike = network(&hosts(&["aileron-request-target:80".to_owned()])).resolving_with(names()).through(proxies);
    let long = format!("/evil.example/{}", "x".repeat(70_000));
    get(&alike, &format!("http:/{STAND_IN}{long} HTTP/1.1\u{e9}")).unwrap();
    assert_eq!(proxy.only().target, format!("http:/{STAND_IN}{long}%20HTTP/1.1%C3%A9"));
    for (base, network, server) in [
        (format!("http://{name}:{}", plain.port()), way(plain.port()), &plain),
        (format!("https://{name}:{}", secure.port()), way(secure.port()), &secure),
        (format!("http://{name}"), proxied, &proxy),
    ] {
        let path = |length: usize| format!("/{}", "x".repeat(length - 1));
        let mut targets: Vec<String> =
            [59_999, 60_000, 60_001, 65_533, 65_534, 65_535, 65_536, 65_537, 100_000, 400_000].map(path).into();
        targets.extend([
            format!("/?q={}&r=%41/../{}", "a".repeat(70_000), "b".repeat(70_000)),
            STAND_IN.to_owned(),
            format!("{}{STAND_IN}", path(70_000)),
            format!("{STAND_IN}{}", path(70_000)),
        ]);
        for target in &targets {
            for body in ["", "{}"] {
                let method = if body.is_empty() { "GET" } else { "POST" };
                let asked = ask(&network, json!({"url": format!("{base}{target}"), "method": method, "body": body}));
                assert_eq!(text(&asked.unwrap()), body, "{} bytes to {base}", target.len());
            }
        }
        let before = usize::from(server.address == proxy.address);
        let seen: Vec<String> =
            server.seen().into_iter().skip(before).step_by(2).map(|request| request.target).collect();
        let expected = targets.iter().map(|target| match base.matches(':').count() {
            1 => format!("{base}{target}"),
            _ => target.clone(),
        });
        assert!(seen.iter().map(String::len).eq(expected.clone().map(|target| target.len())), "{base}");
        assert!(seen.into_iter().eq(expected), "{base}");
    }
}

#[test] // sandbox.md §4.3: set, not append; framing and connection headers are the host's
fn a_guest_chooses_its_headers_and_not_the_framing() {
    let server = server::http(|_| answer("200 OK", ""));
    let (network, url) = (to_ports(&[server.port()]), format!("http://127.0.0.1:{}/", server.port()));
    let headers = json!({
        "X-One": "1", "x-one": "2", "X-Empty": "", "X-Null": null, "X-Text": "caf\u{e9}\tz", "User-Agent": "mine/1",
        "Accept": "a/b", "Authorization": "Basic mine", "Accept-Encoding": "identity", "Cookie": "c=d",
        "Host": "evil.example", "Content-Length": "0", "Transfer-Encoding": "chunked", "Connection": "close, X-One",
        "Trailer": "X", "TE": "trailers", "Upgrade": "websocket", "Proxy-Connection": "x", "Proxy-Authorization": "x",
    });
    ask(&network, json!({ "url": url, "method": "POST", "headers": headers, "body": "h\u{e9}llo" })).unwrap();
    let seen = server.only();
    for (name, value) in [
        ("x-one", "2"),
        ("x-empty", ""),
        ("x-null", ""),
        ("x-text", "caf\u{e9}\tz"),
        ("user-agent", "mine/1"),
        ("accept", "a/b"),
        ("authorization", "Basic mine"),
        ("accept-encoding", "identity"),
        ("cookie", "c=d"),
        ("content-length", "6"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("host"), Some(format!("127.0.0.1:{}", server.port()).as_str()));
    for name in
        ["transfer-encoding", "connection", "trailer", "te", "upgrade", "proxy-connection", "proxy-authorization"]
    {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.body, "h\u{e9}llo".as_bytes());
}

#[test] // escape matrix: header injection via CR/LF
fn a_header_cannot_smuggle_another() {
    let server = server::http(|_| answer("200 OK", ""));
    let (network, url) = (to_ports(&[server.port()]), format!("http://127.0.0.1:{}/", server.port()));
    for (name, value) in [
        ("X", "a\r\nX-Evil: y"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0b"),
        ("X", "a\x7fb"),
        ("X\r\nY", "a"),
        ("X: a\r\nY", "a"),
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("\u{e9}", "a"),
        ("Host\r\n", "a"),
        ("Host", "a\r\nX-Evil: y"),
    ] {
        let failure = refused(ask(&network, json!({ "url": url, "headers": { name: value } })));
        assert_eq!(failure.class, Class::ConnectorRuntimeError, "{name:?} {value:?}");
        assert!(failure.message.starts_with("http_request: invalid header "), "{failure}");
    }
    for raw in ["/a\r\nX-Evil: y", "/a b\r\n", "/\n"] {
        assert_eq!(refused(get(&network, &format!("{url}{raw}"))).message, "invalid URL");
    }
    assert_eq!(server.seen(), []);
    get(&network, &format!("{url}a b?c d\"<>")).unwrap();
    assert_eq!(server.only().target, "/a%20b?c%20d%22%3C%3E");
}

#[test] // sandbox.md §4.2: network trouble is `connector_runtime_error`
fn a_server_that_is_not_there_is_a_failure_of_the_call() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let failure = refused(get(&to_ports(&[gone]), &format!("http://127.0.0.1:{gone}/secret?x=y")));
    assert_eq!(failure.class, Class::ConnectorRuntimeError);
    assert!(failure.message.starts_with(&format!("http_request: GET 127.0.0.1:{gone}: ")), "{failure}");
    assert!(!failure.message.contains("secret"), "{failure}");
}

#[test] // RFC 9110 §8.6: servers answer 411 to a body that is not there without saying so
fn a_request_that_may_have_a_body_says_its_length() {
    let server = server::http(|request| match request.target.as_str() {
        "/307" => answer("307 Temporary Redirect\r\nLocation: /there", ""),
        "/308" => answer("308 Permanent Redirect\r\nLocation: /there", ""),
        "/303" => answer("303 See Other\r\nLocation: /there", ""),
        _ => answer("200 OK", ""),
    });
    let network = to_ports(&[server.port()]);
    for (method, path, body, expected) in [
        ("POST", "/", "", vec![Some("0")]),
        ("PUT", "/", "", vec![Some("0")]),
        ("PATCH", "/", "", vec![Some("0")]),
        ("POST", "/", "abc", vec![Some("3")]),
        ("GET", "/", "", vec![None]),
        ("HEAD", "/", "", vec![None]),
        ("DELETE", "/", "", vec![None]),
        ("OPTIONS", "/", "", vec![None]),
        ("post", "/", "", vec![None]),
        ("DELETE", "/", "abc", vec![Some("3")]),
        ("POST", "/307", "", vec![Some("0"), Some("0")]),
        ("PUT", "/308", "", vec![Some("0"), Some("0")]),
        ("POST", "/307", "abc", vec![Some("3"), Some("3")]),
        ("POST", "/303", "", vec![Some("0"), None]),
        ("POST", "/303", "abc", vec![Some("3"), None]),
    ] {
        let before = server.seen().len();
        let url = format!("http://127.0.0.1:{}{path}", server.port());
        ask(&network, json!({ "url": url, "method": method, "body": body })).unwrap();
        let seen = server.seen().split_off(before);
        let lengths: Vec<Option<&str>> = seen.iter().map(|request| request.header("content-length")).collect();
        assert_eq!(lengths, expected, "{method} {path} {body}");
        assert!(seen.iter().all(|request| request.header("transfer-encoding").is_none()), "{method} {path}");
    }
}
