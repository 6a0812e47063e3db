//! How a request reaches its server and the answer comes back. sealing.md §5.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use aileron_cli::runtime::seal::dial::{Network, Override};
use aileron_cli::runtime::seal::proxy::{IDLE, Proxy, SealOptions};
use aileron_sandbox::host::http::Roots;
use aileron_testkit::tls::{Asked, Authority, Pieces, Reply, TlsServer};
use bytes::Bytes;

use super::client::{answer, get, head_of, sealed};
use super::{BINDINGS, Held, Options, Setup, TOKEN, table};

const HOST: &str = "api.github.com";

fn before(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static, options: Options) -> (Setup, TlsServer) {
    Setup::before(|authority| TlsServer::start(authority, &[HOST], reply), &[HOST], options)
}

#[test] // sealing.md §5, what is removed
fn what_belongs_to_one_connection_stays_with_it_both_ways() {
    let reply = |_: &Asked| {
        Reply::ok("fine")
            .with("connection", "close, x-hop")
            .with("keep-alive", "timeout=5")
            .with("proxy-authenticate", "Basic realm=x")
            .with("trailer", "x-later")
            .with("x-hop", "1")
            .with("x-kept", "2")
            .with("set-cookie", "a=1")
            .with("set-cookie", "b=2")
    };
    let (setup, server) = before(reply, Options::default());
    let head = "Connection: keep-alive, X-Mine\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nProxy-Authorization: Basic x\r\n\
                TE: trailers\r\nTrailer: x\r\nX-Mine: 1\r\nX-Aileron-Session: 1\r\nx-aileron-: 2\r\nX-Kept: 3\r\nAccept: */*\r\n";
    let came = get(&setup.proxy, HOST, "/", head);
    let seen = &server.seen()[0];
    for gone in [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "x-mine",
        "x-aileron-session",
        "x-aileron-",
        "upgrade",
        "transfer-encoding",
    ] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert_eq!(
        (seen.header("x-kept"), seen.header("accept"), seen.header("host")),
        (Some("3"), Some("*/*"), Some(HOST))
    );
    for gone in ["keep-alive", "proxy-authenticate", "trailer", "x-hop"] {
        assert_eq!(came.header(gone), None, "{gone}");
    }
    assert_eq!(
        (came.header("x-kept"), came.headers.iter().filter(|(name, _)| name == "set-cookie").count()),
        (Some("2"), 2)
    );
}

#[test] // sealing.md §5: several requests per connection; the public project takes one
fn one_connection_takes_many_requests_of_every_shape() {
    let (setup, server) = before(|asked| Reply::ok(asked.body.clone()), Options::default());
    let mut tls = sealed(&setup.proxy, HOST);
    let mut ask = |text: &str| {
        tls.write_all(text.as_bytes()).unwrap();
        answer(&mut tls)
    };
    for (text, body) in [
        ("GET /1 HTTP/1.1\r\nHost: api.github.com\r\n\r\n", ""),
        ("POST /2 HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("POST /3 HTTP/1.1\r\nHost: api.github.com\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "abc"),
        ("PUT /4 HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 0\r\n\r\n", ""),
        ("DELETE /5 HTTP/1.1\r\nHost: api.github.com\r\n\r\n", ""),
        ("PATCH /6 HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 2\r\n\r\nok", "ok"),
    ] {
        let came = ask(text);
        assert_eq!((came.status, came.text().as_str()), (200, body), "{text}");
    }
    let seen = server.seen();
    let told: Vec<String> = seen.iter().map(|asked| format!("{} {}", asked.method, asked.target)).collect();
    assert_eq!(told, ["GET /1", "POST /2", "POST /3", "PUT /4", "DELETE /5", "PATCH /6"]);
    assert!(seen.iter().all(|asked| asked.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    assert_eq!((seen[1].header("content-length"), seen[3].header("content-length")), (Some("5"), Some("0")));
}

#[test] // sealing.md §5: bodies stream both ways without a cap; the public project's are 1 MiB and 4 MiB
fn bodies_larger_than_any_cap_go_both_ways() {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let reply = move |asked: &Asked| match asked.method.as_str() {
        "GET" => Reply { body: Pieces { piece: piece.clone(), left: 24 }, ..Reply::default() },
        _ => Reply::ok(asked.body.len().to_string()),
    };
    let (setup, _) = before(reply, Options::default());
    let mut tls = sealed(&setup.proxy, HOST);
    write!(tls, "GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").unwrap();
    assert_eq!(answer(&mut tls).body.len(), 24 << 20);
    let chunk = vec![b'y'; 1 << 20];
    write!(tls, "POST / HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n", 20 << 20)
        .unwrap();
    let told = head_of(&mut tls);
    assert_eq!(told.status, 100);
    for _ in 0..20 {
        tls.write_all(&chunk).unwrap();
    }
    assert_eq!(answer(&mut tls).text(), (20 << 20).to_string());
}

#[test] // sealing.md §5: server certificates are checked
fn a_server_that_cannot_be_believed_or_reached_is_a_502_and_gets_nothing() {
    let (setup, server) = before(|_| Reply::ok("fine"), Options { is_believed: false, ..Options::default() });
    let came = get(&setup.proxy, HOST, "/", "");
    assert_eq!(came.status, 502);
    assert!(came.text().starts_with("api.github.com cannot be reached: invalid peer certificate"), "{}", came.text());
    assert!(server.seen().is_empty());
    // A certificate for another host.
    let other = |authority: &Authority| TlsServer::start(authority, &["other.example"], |_| Reply::ok("fine"));
    let (setup, server) = Setup::before(other, &[HOST], Options::default());
    assert_eq!(get(&setup.proxy, HOST, "/", "").status, 502);
    assert!(server.seen().is_empty());
    // Nobody listens; the name is not known; the connection ends before an answer.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = at(closed, Duration::from_secs(10));
    assert_eq!(get(&proxy, HOST, "/", "").status, 502);
    assert_eq!(get(&proxy, "github.com", "/", "").status, 502);
}

#[test] // sealing.md §5: 10 s to connect, here less
fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = at(silent.local_addr().unwrap(), Duration::from_millis(100));
    let came = get(&proxy, HOST, "/", "");
    assert_eq!((came.status, came.text().as_str()), (502, "api.github.com cannot be reached: timed out\n"));
}

/// A proxy that finds the host there, and no other host at all.
fn at(address: std::net::SocketAddr, connect: Duration) -> Proxy {
    let network = Network {
        resolver: std::sync::Arc::new(super::Names(&[])),
        roots: Roots::Only(vec![Authority::new().der().to_vec()]),
        overrides: vec![Override { host: HOST.to_owned(), address }],
        connect,
        ..Network::default()
    };
    let options = SealOptions {
        table: table(BINDINGS),
        credentials: std::sync::Arc::new(Held(TOKEN)),
        network,
        idle: IDLE,
        log: None,
        now: std::time::SystemTime::now,
    };
    Proxy::start(options).unwrap()
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_made_again() {
    // The server ends each connection after one answer, and does not say so.
    let (setup, server) = Setup::before(
        |authority| TlsServer::closing(authority, &[HOST], |_| Reply::ok("fine")),
        &[HOST],
        Options::default(),
    );
    let mut tls = sealed(&setup.proxy, HOST);
    for _ in 0..5 {
        write!(tls, "GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").unwrap();
        let came = answer(&mut tls);
        assert_eq!((came.status, came.text().as_str()), (200, "fine"));
    }
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn a_client_that_leaves_early_takes_its_server_connection_with_it() {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let reply =
        move |_: &Asked| Reply { body: Pieces { piece: piece.clone(), left: u64::MAX >> 20 }, ..Reply::default() };
    let (setup, _) = before(reply, Options::default());
    for _ in 0..3 {
        let mut tls = sealed(&setup.proxy, HOST);
        write!(tls, "GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").unwrap();
        tls.read_exact(&mut vec![0; 1 << 20]).unwrap();
    }
    // The others are not held up by an endless answer that nobody reads.
    let mut tls = sealed(&setup.proxy, HOST);
    write!(tls, "GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").unwrap();
    assert_eq!(head_of(&mut tls).status, 200);
}
