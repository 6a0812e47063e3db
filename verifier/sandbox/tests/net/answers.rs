//! What comes back: caps, encodings, broken answers, and an exchange that is given up. §4.3, §8.3.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use aileron_sandbox::host::http::{BODY_LIMIT, exchange};
use aileron_verifier::problem::Class;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{ask, get, refused, runtime, text, to_ports};
use crate::server::{self, answer};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test] // sandbox.md §4.3, compression
fn gzip_is_undone_unless_the_guest_asked_for_it() {
    let server = server::http(|request| match request.target.as_str() {
        "/gzip" => answer("200 OK\r\nContent-Encoding: GZIP", gzip(b"hello")),
        "/two" => answer("200 OK\r\nContent-Encoding: gzip", [gzip(b"hel"), gzip(b"lo")].concat()),
        "/empty" => answer("200 OK\r\nContent-Encoding: gzip", ""),
        "/br" => answer("200 OK\r\nContent-Encoding: br", "hello"),
        "/cut" => answer("200 OK\r\nContent-Encoding: gzip", &gzip(b"hello")[..20]),
        "/bad" => answer("200 OK\r\nContent-Encoding: gzip", "hello"),
        "/head" => b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n".to_vec(),
        other => panic!("{other}"),
    });
    let (network, url) =
        (to_ports(&[server.port()]), |path: &str| format!("http://127.0.0.1:{}/{path}", server.port()));
    for (path, body) in [("gzip", "hello"), ("two", "hello"), ("empty", ""), ("br", "hello")] {
        assert_eq!(text(&get(&network, &url(path)).unwrap()), body, "{path}");
    }
    for path in ["cut", "bad"] {
        let failure = refused(get(&network, &url(path)));
        assert_eq!(failure.class, Class::ConnectorRuntimeError);
        assert!(failure.message.starts_with("http_request: read body: gzip: "), "{path}: {failure}");
    }
    for headers in [json!({ "accept-encoding": "gzip" }), json!({ "Range": "bytes=0-" })] {
        let raw = ask(&network, json!({ "url": url("gzip"), "headers": headers })).unwrap();
        assert_eq!(raw.body, gzip(b"hello"));
    }
    assert_eq!(text(&ask(&network, json!({ "url": url("head"), "method": "HEAD" })).unwrap()), "");
}

#[test] // sandbox.md §8.3: never truncated silently
fn an_answer_that_is_too_long_is_refused_however_it_comes() {
    let server = server::http(|request| match request.target.as_str() {
        "/fits" => answer("200 OK", vec![b'x'; BODY_LIMIT]),
        "/long" => answer("200 OK", vec![b'x'; BODY_LIMIT + 1]),
        "/said" => answer("200 OK\r\nContent-Length: 99999999999", ""),
        "/open" => [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; BODY_LIMIT + 1]].concat(),
        "/bomb" => answer("200 OK\r\nContent-Encoding: gzip", gzip(&vec![0; 40 * BODY_LIMIT])),
        other => panic!("{other}"),
    });
    let (network, url) =
        (to_ports(&[server.port()]), |path: &str| format!("http://127.0.0.1:{}/{path}", server.port()));
    assert_eq!(get(&network, &url("fits")).unwrap().body.len(), 16 << 20);
    for path in ["long", "said", "open", "bomb"] {
        let failure = refused(get(&network, &url(path)));
        let message = "http_request: read body: response exceeds 16777216 bytes";
        assert_eq!((failure.class, failure.message.as_str()), (Class::ConnectorRuntimeError, message), "{path}");
    }
}

#[test] // sandbox.md §4.2, rows 9 and 10
fn a_broken_answer_is_a_failure_of_the_call() {
    let server = server::http(|request| match request.target.as_str() {
        "/noise" => b"this is no HTTP\r\n\r\n".to_vec(),
        "/twice" => answer("200 OK\r\nContent-Length: 1\r\nContent-Length: 2", "ab"),
        other => panic!("{other}"),
    });
    let network = to_ports(&[server.port()]);
    for path in ["noise", "twice"] {
        let failure = refused(get(&network, &format!("http://127.0.0.1:{}/{path}", server.port())));
        assert_eq!(failure.class, Class::ConnectorRuntimeError);
        assert!(failure.message.starts_with("http_request: GET "), "{path}: {failure}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").unwrap();
    });
    let failure = refused(get(&to_ports(&[port]), &format!("http://127.0.0.1:{port}/")));
    assert!(failure.message.starts_with("http_request: read body: "), "{failure}");
}

#[test] // sandbox.md §8.2, 15a "Deadline": dropping the call is a valid kill
fn an_exchange_that_is_given_up_ends_at_once() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and never answers
    let port = silent.local_addr().unwrap().port();
    let (network, runtime) = (to_ports(&[port]), runtime());
    let envelope = json!({ "url": format!("http://127.0.0.1:{port}/") }).to_string();
    let began = std::time::Instant::now();
    runtime.block_on(async {
        let exchange = exchange(&network, envelope.as_bytes());
        assert!(tokio::time::timeout(Duration::from_millis(50), exchange).await.is_err());
    });
    drop(runtime);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test] // sandbox.md §1: nothing survives from one invoke to the next but the grant
fn one_network_serves_many_exchanges_and_runtimes() {
    let server = server::http(|request| answer("200 OK", request.target.clone()));
    let network = to_ports(&[server.port()]);
    for number in 0..5 {
        let response = get(&network, &format!("http://127.0.0.1:{}/{number}", server.port())).unwrap();
        assert_eq!(text(&response), format!("/{number}"));
    }
    let runtime = runtime();
    for number in 0..1000 {
        let envelope = json!({ "url": format!("http://127.0.0.1:{}/{number}", server.port()) }).to_string();
        let response = runtime.block_on(exchange(&network, envelope.as_bytes())).unwrap();
        assert_eq!(text(&response), format!("/{number}"));
    }
}

#[test] // sandbox.md §4.3: the runtime limits bytes of a head, not fields
fn an_answer_may_have_many_header_fields() {
    let server = server::http(|request| {
        let fields: usize = request.target[1..].parse().unwrap();
        let names: String = (0..fields).map(|field| format!("\r\nX-{field}: {field}")).collect();
        answer(&format!("200 OK{names}"), "hi")
    });
    let network = to_ports(&[server.port()]);
    for fields in [0, 1, 50, 98, 99, 100, 101, 128, 500, 1000, 5000, 10_000] {
        let response = get(&network, &format!("http://127.0.0.1:{}/{fields}", server.port())).unwrap();
        assert_eq!(text(&response), "hi", "{fields}");
    }
    let failure = refused(get(&network, &format!("http://127.0.0.1:{}/20000", server.port())));
    assert_eq!(failure.class, Class::ConnectorRuntimeError);
}
