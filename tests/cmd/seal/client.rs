//! A client of the proxy that says exactly what a test wants.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use aileron_cli::runtime::seal::proxy::Proxy;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Came {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// TLS within a tunnel.
pub(super) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Where a proxy is: its address, and the value of the header that shows its token.
pub(super) fn parts(proxy: &Proxy) -> (String, String) {
    let url = String::from_utf8(proxy.url().expose().to_vec()).unwrap();
    let (user, address) = url.strip_prefix("http://").unwrap().split_once('@').unwrap();
    (address.to_owned(), format!("Basic {}", BASE64_STANDARD.encode(user)))
}

/// A connection that waits for no answer longer than a minute.
pub(super) fn dial(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(parts(proxy).0).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// One request over a connection of its own, with the token.
pub(super) fn ask(proxy: &Proxy, first: &str, head: &str) -> Came {
    let mut stream = dial(proxy);
    let authorization = parts(proxy).1;
    write!(stream, "{first} HTTP/1.1\r\nProxy-Authorization: {authorization}\r\n{head}\r\n").unwrap();
    answer(&mut stream)
}

/// `CONNECT` with the token; the connection after it.
pub(super) fn connect(proxy: &Proxy, host: &str) -> (Came, TcpStream) {
    let mut stream = dial(proxy);
    let authorization = parts(proxy).1;
    write!(stream, "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: {authorization}\r\n\r\n").unwrap();
    let came = head_of(&mut stream);
    (came, stream)
}

/// TLS with a server that has to be this host, by this authority.
pub(super) fn secure(stream: TcpStream, host: &str, authority: &[u8]) -> Result<Tls, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).map_err(|error| error.to_string())?;
    }
    Ok(tls)
}

/// A tunnel to a host that has an entry, with the proxy's own certificate for it.
pub(super) fn sealed(proxy: &Proxy, host: &str) -> Tls {
    let (came, stream) = connect(proxy, &format!("{host}:443"));
    assert_eq!(came.status, 200, "{host}");
    secure(stream, host, proxy.authority()).unwrap()
}

/// One request in a tunnel of its own. `head` is every line but the first.
pub(super) fn request(proxy: &Proxy, host: &str, first: &str, head: &str) -> Came {
    let mut tls = sealed(proxy, host);
    write!(tls, "{first} HTTP/1.1\r\n{head}\r\n").unwrap();
    answer(&mut tls)
}

/// The same, whose only line is its `Host` and what is given.
pub(super) fn get(proxy: &Proxy, host: &str, target: &str, head: &str) -> Came {
    request(proxy, host, &format!("GET {target}"), &format!("Host: {host}\r\n{head}"))
}

/// Reads a head.
pub(super) fn head_of(stream: &mut impl Read) -> Came {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "it ended: {}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Came { status, headers: lines.filter_map(header).collect(), body: Vec::new() }
}

/// Reads an answer whole.
pub(super) fn answer(stream: &mut impl Read) -> Came {
    let mut came = head_of(stream);
    if came.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                line.push(byte[0]);
            }
            let size = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).unwrap();
            came.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
        return came;
    }
    let length = came.header("content-length").map(|length| length.parse().unwrap()).unwrap_or_default();
    came.body = vec![0; length];
    stream.read_exact(&mut came.body).unwrap();
    came
}
