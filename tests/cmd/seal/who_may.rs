//! Who may ask, where to, and what is never dialled. sealing.md §2, §3.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use aileron_testkit::tls::{Authority, Reply, TlsServer};

use super::client::{answer, ask, connect, dial, get, parts, request, secure};
use super::{Options, SENTINEL, Setup, TOKEN};

const HOSTS: [&str; 4] = ["api.github.com", "github.com", "other.example", "absent.example"];

fn server(authority: &Authority) -> TlsServer {
    TlsServer::start(authority, &HOSTS, |_| Reply::ok("fine"))
}

fn setup(options: Options) -> (Setup, TlsServer) {
    Setup::before(server, &HOSTS, options)
}

#[test] // sealing.md §2
fn nobody_is_answered_without_the_token_of_the_run() {
    let (setup, server) = setup(Options::default());
    let (_, right) = parts(&setup.proxy);
    let encoded = |pair: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
    };
    for shown in
        ["", "Basic", &encoded("x:y"), &encoded(":"), &right[..right.len() - 4], &right.replace("Basic", "Bearer")]
    {
        for first in ["CONNECT api.github.com:443", "CONNECT other.example:443", "GET http://other.example/", "GET /"] {
            let mut stream = dial(&setup.proxy);
            let line = if shown.is_empty() { String::new() } else { format!("Proxy-Authorization: {shown}\r\n") };
            write!(stream, "{first} HTTP/1.1\r\nHost: x\r\n{line}\r\n").unwrap();
            let came = answer(&mut stream);
            assert_eq!(came.status, 407, "{first} {shown:?}");
            assert_eq!(came.header("proxy-authenticate"), Some("Basic realm=\"aileron sandbox proxy\""));
        }
    }
    assert!(server.seen().is_empty());
    // The token is 256 random bits; two runs have two.
    let (other, _) = self::setup(Options::default());
    assert_ne!(right, parts(&other.proxy).1);
    let url = String::from_utf8(setup.proxy.url().expose().to_vec()).unwrap();
    let token = url.split(['/', '@', ':']).nth(4).unwrap();
    assert!(token.len() >= 43 && url.contains("@127.0.0.1:"), "{url}");
}

#[test] // sealing.md §3, row 1
fn a_tunnel_to_another_port_than_443_is_refused() {
    let (setup, server) = setup(Options::default());
    for port in [22, 80, 8443] {
        for host in ["github.com", "other.example"] {
            let (came, _) = connect(&setup.proxy, &format!("{host}:{port}"));
            assert_eq!(came.status, 400, "{host}:{port}");
        }
    }
    assert!(server.seen().is_empty());
}

#[test] // sealing.md §3, row 3
fn a_host_without_an_entry_shows_its_own_certificate_and_gets_what_was_sent() {
    let (setup, server) = setup(Options::default());
    let (came, stream) = connect(&setup.proxy, "other.example:443");
    assert_eq!(came.status, 200);
    assert!(secure(stream, "other.example", setup.proxy.authority()).is_err(), "not ours");
    let (_, stream) = connect(&setup.proxy, "other.example:443");
    let mut tls = secure(stream, "other.example", setup.authority.der()).unwrap();
    write!(tls, "GET /a?b HTTP/1.1\r\nHost: elsewhere\r\nAuthorization: token {SENTINEL}\r\nX-Aileron-X: 1\r\n\r\n")
        .unwrap();
    assert_eq!(answer(&mut tls).text(), "fine");
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some(format!("token {SENTINEL}").as_str()));
    assert_eq!((seen.header("host"), seen.header("x-aileron-x")), (Some("elsewhere"), Some("1")));
    // And a host with an entry shows ours, which nobody else's authority signed.
    let (_, stream) = connect(&setup.proxy, "api.github.com:443");
    assert!(secure(stream, "api.github.com", setup.authority.der()).is_err());
}

#[test] // sealing.md §3, row 4
fn a_credential_never_travels_in_clear() {
    let (setup, server) = setup(Options { names: &[("a.wild.example", [192, 0, 2, 1])], ..Options::default() });
    for host in ["github.com", "GitHub.com", "api.github.com:8080", "a.wild.example", "absent.example"] {
        let came = ask(&setup.proxy, &format!("GET http://{host}/"), &format!("Host: {host}\r\n"));
        assert_eq!(came.status, 403, "{host}");
    }
    assert!(server.seen().is_empty());
}

#[test] // sealing.md §3, row 4, second half
fn plain_http_to_another_host_is_passed_on_without_what_is_ours() {
    let plain = TlsServer::plain(|_| Reply::ok("plain").with("connection", "x-hop").with("x-hop", "1"));
    let options =
        Options { names: &[("dev.example", [127, 0, 0, 1])], allow_private: &["dev.example"], ..Options::default() };
    let (setup, _) = self::setup(options);
    let host = format!("dev.example:{}", plain.address().port());
    let head = "Host: ignored\r\nX-Aileron-X: 1\r\nProxy-Connection: keep-alive\r\nX-Kept: 2\r\n";
    let came = ask(&setup.proxy, &format!("GET http://{host}/a?b=c"), head);
    assert_eq!((came.status, came.text().as_str(), came.header("x-hop")), (200, "plain", None));
    let seen = &plain.seen()[0];
    assert_eq!((seen.target.as_str(), seen.header("host")), ("/a?b=c", Some(host.as_str())));
    for gone in ["proxy-authorization", "proxy-connection", "x-aileron-x"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert_eq!(seen.header("x-kept"), Some("2"));
}

#[test] // sealing.md §3, row 5
fn an_address_that_is_not_public_is_refused_matched_or_not() {
    let (setup, server) = setup(Options { allow_private: &["127.0.0.1"], ..Options::default() });
    for address in
        ["127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::1]", "[fe80::1]"]
    {
        assert_eq!(connect(&setup.proxy, &format!("{address}:443")).0.status, 403, "{address}");
        let port = server.address().port();
        let came = ask(&setup.proxy, &format!("GET http://{address}:{port}/"), "Host: x\r\n");
        assert_eq!(came.status, 403, "{address}");
    }
}

#[test] // sealing.md §3, row 5, names
fn a_name_that_leads_to_a_private_address_is_refused_unless_it_is_allowed() {
    let names = &[
        ("rebound.example", [10, 0, 0, 7]),
        ("metadata.example", [169, 254, 169, 254]),
        ("localhost", [127, 0, 0, 1]),
        ("evil.wild.example", [127, 0, 0, 1]),
        ("fine.wild.example", [127, 0, 0, 1]),
    ];
    let options = || Options { names, allow_private: &["fine.wild.example"], ..Options::default() };
    let (setup, _) = self::setup(options());
    for host in ["rebound.example", "metadata.example", "localhost"] {
        assert_eq!(connect(&setup.proxy, &format!("{host}:443")).0.status, 403, "{host}");
        assert_eq!(ask(&setup.proxy, &format!("GET http://{host}/"), "Host: x\r\n").status, 403, "{host}");
    }
    let came = get(&setup.proxy, "evil.wild.example", "/", "");
    assert_eq!(came.status, 403);
    assert!(came.text().contains("--allow-private evil.wild.example admits it"), "{}", came.text());
    // Allowed: it is dialled, where nobody listens.
    let came = get(&setup.proxy, "fine.wild.example", "/", "");
    assert_eq!(came.status, 502, "{}", came.text());
    assert!(!came.text().contains(TOKEN));
}

#[test] // sealing.md §3, row 6
fn a_request_in_a_tunnel_to_one_host_never_names_another() {
    let (setup, server) = setup(Options::default());
    for (first, head) in [
        ("GET /", "Host: github.com\r\n"),
        ("GET /", "Host: other.example\r\n"),
        ("GET /", "Host: api.github.com:8443\r\n"),
        ("GET /", "Host: api.github.com\r\nHost: api.github.com\r\n"),
        ("GET /", ""),
        ("GET https://github.com/", "Host: api.github.com\r\n"),
        ("GET http://api.github.com/", "Host: api.github.com\r\n"),
        ("CONNECT api.github.com:443", "Host: api.github.com\r\n"),
    ] {
        assert_eq!(request(&setup.proxy, "api.github.com", first, head).status, 400, "{first} {head:?}");
    }
    assert!(server.seen().is_empty());
    for head in ["Host: API.GITHUB.COM\r\n", "Host: api.github.com:443\r\n"] {
        assert_eq!(request(&setup.proxy, "api.github.com", "GET /", head).status, 200, "{head:?}");
    }
    assert_eq!(
        request(&setup.proxy, "api.github.com", "GET https://api.github.com/x", "Host: api.github.com\r\n").status,
        200
    );
    assert_eq!(server.seen()[2].target, "/x");
}

#[test] // sealing.md §5: 300 s idle, here a fraction of one
fn a_connection_that_is_silent_for_too_long_ends() {
    let (setup, _) = setup(Options { idle: Duration::from_millis(500), ..Options::default() });
    for mut stream in
        [dial(&setup.proxy), connect(&setup.proxy, "other.example:443").1, connect(&setup.proxy, "github.com:443").1]
    {
        assert_eq!(stream.read(&mut [0]).unwrap_or_default(), 0);
    }
}

#[test] // sealing.md §5: none while bytes flow
fn a_connection_in_which_bytes_flow_lasts_longer_than_silence_may() {
    // Long beside any pause that a busy machine makes between two bytes.
    let idle = Duration::from_secs(1);
    let (setup, _) = setup(Options { idle, ..Options::default() });
    let mut tls = super::client::sealed(&setup.proxy, "api.github.com");
    write!(tls, "GET / HTTP/1.1\r\nHost: api.github.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").unwrap();
    assert_eq!(super::client::head_of(&mut tls).status, 101);
    let began = std::time::Instant::now();
    while began.elapsed() < idle + idle / 4 {
        tls.write_all(b"x").unwrap();
        tls.read_exact(&mut [0]).unwrap();
    }
    assert_eq!(tls.read(&mut [0]).unwrap_or_default(), 0, "and ends once they do not");
}

#[test] // sealing.md §2: the token dies with the run
fn nobody_is_answered_after_the_end() {
    let (setup, _) = setup(Options::default());
    let address = parts(&setup.proxy).0;
    let (_, mut open) = connect(&setup.proxy, "other.example:443");
    assert_eq!(setup.proxy.end(), None);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(open.read(&mut [0]).unwrap_or_default(), 0);
}

#[test]
fn a_head_that_is_none_ends_the_connection_and_nothing_else() {
    let (setup, _) = setup(Options::default());
    for text in
        ["\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "\x16\x03\x01\x02\0\x01\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let mut stream = dial(&setup.proxy);
        stream.write_all(text.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"), "{text:?}: {}", String::from_utf8_lossy(&rest));
    }
    let (came, _) = connect(&setup.proxy, "other.example:443");
    assert_eq!(came.status, 200);
}
