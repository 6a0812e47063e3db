//! Which request gets the credential, and in which form. sealing.md §4, cli-unit.md §6.5.

use std::io::{Read as _, Write as _};

use aileron_testkit::tls::{Authority, Reply, TlsServer};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::client::{answer, get, head_of, sealed};
use super::{Options, SENTINEL, Setup, TOKEN};

const HOSTS: [&str; 6] =
    ["api.github.com", "github.com", "header.example", "query.example", "a.b.wild.example", "absent.example"];

fn server(authority: &Authority) -> TlsServer {
    TlsServer::start(authority, &HOSTS, |_| Reply::ok("fine"))
}

fn setup(token: &'static str) -> (Setup, TlsServer) {
    Setup::before(server, &HOSTS, Options { token, ..Options::default() })
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

#[test] // sealing.md §4, every row of the table, over the wire
fn the_credential_takes_the_place_of_nothing_and_of_the_placeholder_and_of_nothing_else() {
    let (setup, server) = setup(TOKEN);
    let (injected, by_basic) = (format!("Bearer {TOKEN}"), basic(&format!("x-access-token:{TOKEN}")));
    let swaps = |value: &str| (value.to_owned(), injected.clone());
    let keeps = |value: &str| (value.to_owned(), value.to_owned());
    let api = [
        swaps(SENTINEL),
        swaps(&format!("Bearer {SENTINEL}")),
        swaps(&format!("token {SENTINEL}")),
        swaps(&format!("TOKEN {SENTINEL}")),
        swaps(&basic(&format!("x:{SENTINEL}"))),
        swaps(" "),
        keeps("Bearer ghp_somebody_elses"),
        keeps(&format!("Bearer {}", SENTINEL.to_lowercase())),
        keeps(&format!("Bearer {SENTINEL}x")),
        keeps(&basic(&format!("{SENTINEL}:x"))),
    ];
    for (sent, expected) in api {
        let came = get(&setup.proxy, "api.github.com", "/user?a=%zz", &format!("Authorization: {sent}\r\n"));
        assert_eq!(came.status, 200, "{sent}");
        let seen = server.seen().pop().unwrap();
        assert_eq!(
            (seen.header("authorization"), seen.target.as_str()),
            (Some(expected.as_str()), "/user?a=%zz"),
            "{sent}"
        );
    }
    assert_eq!(get(&setup.proxy, "api.github.com", "/", "").status, 200);
    assert_eq!(server.seen().pop().unwrap().header("authorization"), Some(injected.as_str()));
    // `inject` replaces whatever is there.
    for sent in ["", "Authorization: Bearer mine\r\n", "Authorization: Basic eDp5\r\n"] {
        assert_eq!(get(&setup.proxy, "github.com", "/", sent).status, 200);
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("authorization"), Some(by_basic.as_str()), "{sent}");
        assert_eq!(seen.headers.iter().filter(|(name, _)| name == "authorization").count(), 1);
    }
    assert!(
        !server.has_seen(SENTINEL)
            || server.seen().iter().any(|asked| asked.header("authorization") == Some(&format!("Bearer {SENTINEL}x")))
    );
}

#[test] // cli-unit.md §6.5; sealing.md §4, the injection
fn each_scheme_puts_the_credential_in_its_own_place() {
    let (setup, server) = setup(TOKEN);
    let last = || server.seen().pop().unwrap();
    get(&setup.proxy, "header.example", "/", "x-api-key: mine\r\n");
    assert_eq!(last().header("x-api-key"), Some(format!("key={TOKEN};again={TOKEN}").as_str()));
    assert_eq!(last().header("authorization"), None);
    get(&setup.proxy, "a.b.wild.example", "/", "");
    assert_eq!(last().header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    for (target, expected) in [
        ("/x", "/x?api_key=T"),
        ("/x?", "/x?api_key=T"),
        ("/x?a=%zz&api_key=old&b", "/x?a=%zz&api_key=T&b"),
        ("/x?a=1", "/x?a=1&api_key=T"),
    ] {
        get(&setup.proxy, "query.example", target, "");
        assert_eq!(last().target, expected.replace("=T", &format!("={TOKEN}")), "{target}");
        assert_eq!(last().header("authorization"), None);
    }
}

#[test] // sealing.md §4: two carriers of one kind
fn two_credentials_in_one_request_are_refused() {
    let (setup, server) = setup(TOKEN);
    let twice = format!("Authorization: Bearer {SENTINEL}\r\nAuthorization: Bearer x\r\n");
    assert_eq!(get(&setup.proxy, "api.github.com", "/", &twice).status, 400);
    assert_eq!(get(&setup.proxy, "github.com", "/", &twice).status, 400);
    assert_eq!(get(&setup.proxy, "query.example", "/?api_key=a&api%5Fkey=b", "").status, 400);
    assert!(server.seen().is_empty());
}

#[test] // sealing.md §4, the last paragraph
fn without_a_credential_nothing_is_passed_on() {
    let (setup, server) = setup(TOKEN);
    let came = get(&setup.proxy, "absent.example", "/", "");
    assert_eq!((came.status, came.text().as_str()), (500, "sandbox proxy host-binding credential is unavailable"));
    assert!(server.seen().is_empty());
    // A foreign one needs none of ours.
    for token in ["gho_two\r\nX-Evil: 1", "gho_nul\0", "gho_line\n"] {
        let (setup, server) = self::setup(token);
        for host in ["api.github.com", "github.com", "header.example", "query.example"] {
            let came = get(&setup.proxy, host, "/", "");
            assert_eq!((came.status, came.text().contains("gho_")), (500, false), "{host}");
        }
        assert!(server.seen().is_empty());
        assert_eq!(get(&setup.proxy, "api.github.com", "/", "Authorization: Bearer mine\r\n").status, 200);
    }
}

#[test] // sealing.md §4: a WebSocket handshake is decided like any request and then tunnelled
fn a_websocket_handshake_gets_the_credential_and_then_bytes_flow_both_ways() {
    let (setup, server) = setup(TOKEN);
    let mut tls = sealed(&setup.proxy, "api.github.com");
    write!(
        tls,
        "GET /live HTTP/1.1\r\nHost: api.github.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\nAuthorization: Bearer {SENTINEL}\r\n\r\n"
    )
    .unwrap();
    let came = head_of(&mut tls);
    assert_eq!((came.status, came.header("upgrade")), (101, Some("websocket")));
    for text in ["one", "and two", "\0\x7f"] {
        tls.write_all(text.as_bytes()).unwrap();
        let mut echoed = vec![0; text.len()];
        tls.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed, text.as_bytes());
    }
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!((seen.header("upgrade"), seen.header("sec-websocket-version")), (Some("websocket"), Some("13")));
    // Other upgrades belong to one connection, and are not passed on.
    let came = get(
        &setup.proxy,
        "api.github.com",
        "/",
        "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
    );
    assert_eq!(came.status, 200);
    let seen = server.seen().pop().unwrap();
    assert_eq!((seen.header("upgrade"), seen.header("http2-settings")), (None, None));
}

#[test] // sealing.md §5: redirects are answers
fn a_redirect_is_handed_back_and_nothing_follows_it() {
    let server = |authority: &Authority| {
        TlsServer::start(authority, &HOSTS, |_| {
            Reply::default().status(302).with("location", "https://other.example/steal").with("content-length", "0")
        })
    };
    let (setup, server) = Setup::before(server, &["api.github.com"], Options::default());
    let mut tls = sealed(&setup.proxy, "api.github.com");
    write!(tls, "GET / HTTP/1.1\r\nHost: api.github.com\r\n\r\n").unwrap();
    let came = answer(&mut tls);
    assert_eq!((came.status, came.header("location")), (302, Some("https://other.example/steal")));
    assert_eq!(server.seen().len(), 1);
}
