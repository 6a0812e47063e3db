//! A server that answers byte for byte what a test says, or does not answer: over plain TCP or TLS, one request per
//! connection. What an honest library refuses to send is the point of it.
//!
//! Nothing sleeps. A drip waits for the client to say something, which it does not, and goes on after a moment.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a connection gets.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// These bytes, and then the second ones for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, and then one byte at a time for ever.
    Drip(Vec<u8>),
    /// Nothing, until the client leaves.
    Silence,
}

impl Answer {
    /// A status line with headers, each with its `\r\n`, and a body.
    pub fn with(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        Answer::Bytes([head.as_bytes(), body.as_ref()].concat())
    }

    /// 200, with its length.
    pub fn ok(body: impl AsRef<[u8]>) -> Answer {
        Answer::with("200 OK", &format!("Content-Length: {}\r\n", body.as_ref().len()), body)
    }

    /// A status without a body.
    pub fn status(status: &str) -> Answer {
        Answer::with(status, "Content-Length: 0\r\n", "")
    }

    /// 302 to `location`.
    pub fn redirect(location: &str) -> Answer {
        Answer::with("302 Found", &format!("Location: {location}\r\nContent-Length: 0\r\n"), "")
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `GET`, …
    pub method: String,
    /// The path with its query, or what a proxy is asked for.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As long as its length says.
    pub body: Vec<u8>,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A running server. Its thread ends with the process.
pub struct Scripted {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Received>>>,
}

type Script = dyn Fn(&Received) -> Answer + Send + Sync;

impl Scripted {
    /// A server on any port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no port.
    pub fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Scripted {
        Scripted::run("http", script, |stream| Ok(Box::new(stream)))
    }

    /// The same behind TLS.
    ///
    /// # Panics
    /// When there is no port, or the identity is none.
    pub fn with_tls(identity: &Identity, script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Scripted {
        let config = identity.config();
        Scripted::run("https", script, move |stream| {
            let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Ok(Box::new(StreamOwned::new(session, stream)))
        })
    }

    fn run(
        scheme: &'static str,
        script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + Sync + 'static,
    ) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, wrap, log): (Arc<Script>, _, _) = (Arc::new(script), Arc::new(wrap), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, wrap, log) = (script.clone(), wrap.clone(), log.clone());
                // A client that leaves early is what most tests are about.
                std::thread::spawn(move || wrap(stream).and_then(|stream| serve(stream, &*script, &log)));
            }
        });
        Scripted { address, scheme, seen }
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn base(&self) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

trait Stream: Read + Write {
    fn socket(&self) -> &TcpStream;
    fn finish(&mut self) {}
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
    fn finish(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

fn serve(mut stream: Box<dyn Stream>, script: &Script, log: &Mutex<Vec<Received>>) -> io::Result<()> {
    let received = read_request(&mut *stream)?;
    log.lock().unwrap_or_else(PoisonError::into_inner).push(received.clone());
    match script(&received) {
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes)?;
            stream.flush()?;
            stream.finish();
        }
        Answer::Endless(head, rest) => {
            stream.write_all(&head)?;
            loop {
                stream.write_all(&rest)?;
            }
        }
        Answer::Drip(head) => {
            stream.write_all(&head)?;
            stream.socket().set_read_timeout(Some(Duration::from_millis(2)))?;
            loop {
                stream.write_all(b"x")?;
                match stream.read(&mut [0; 16]) {
                    Ok(0) => return Ok(()),
                    Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
        Answer::Silence => while stream.read(&mut [0; 16])? > 0 {},
    }
    Ok(())
}

fn read_request(stream: &mut dyn Stream) -> io::Result<Received> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let mut received = Received { method, target, headers: lines.filter_map(header).collect(), body: Vec::new() };
    // Closing a connection before all of a request is read would take the answer back.
    let length = received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    received.body.resize(length, 0);
    stream.read_exact(&mut received.body)?;
    Ok(received)
}

/// A server's certificate by a private authority, and the authority's own.
pub struct Identity {
    directory: tempfile::TempDir,
}

impl Identity {
    /// A new authority, and a certificate of it for `localhost`, made with the machine's openssl.
    ///
    /// # Panics
    /// When openssl cannot make them.
    pub fn new() -> Identity {
        let directory = tempfile::tempdir().expect("a directory");
        let openssl = |line: &str| {
            let made = Command::new("openssl").current_dir(directory.path()).args(line.split(' ')).output();
            let made = made.expect("openssl runs");
            assert!(made.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&made.stderr));
        };
        let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!("req -x509 {curve} -subj /CN=Private -days 30 -keyout ca.key -out ca.pem"));
        openssl(&format!("req {curve} -subj /CN=localhost -keyout key.pem -out request.pem"));
        std::fs::write(directory.path().join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("a file");
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out chain.pem",
        );
        Identity { directory }
    }

    /// The authority's certificate, as `SSL_CERT_FILE` names one.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The same, as DER.
    ///
    /// # Panics
    /// When the file is gone.
    pub fn authority_der(&self) -> Vec<u8> {
        certificates(&self.authority()).first().expect("a certificate").to_vec()
    }

    fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from_pem_file(self.directory.path().join("key.pem")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth();
        let chain = certificates(&self.directory.path().join("chain.pem"));
        Arc::new(config.with_single_cert(chain, key).expect("a chain and its key"))
    }
}

impl Default for Identity {
    fn default() -> Identity {
        Identity::new()
    }
}

fn certificates(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).expect("a PEM file").map(|found| found.expect("a certificate")).collect()
}
