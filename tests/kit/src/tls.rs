//! Servers with TLS by an authority of the test: as many hosts as one names, on a free port of this machine.
//!
//! A server keeps its connections, takes bodies of any length and echoes what comes after a WebSocket handshake. What it was
//! asked is remembered; what it answers is the test's to say.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority that nobody else knows.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When no certificate can be made.
    pub fn new() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// Its certificate, in DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Writes its certificate as PEM, for `SSL_CERT_FILE`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> PathBuf {
        use base64::Engine as _;
        let text = base64::prelude::BASE64_STANDARD.encode(&self.certificate);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("text")).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        std::fs::write(path, pem).expect("writes");
        path.to_owned()
    }

    fn config(&self, hosts: &[&str]) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, hosts[0]);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![certificate], key);
        Arc::new(config.expect("a certificate and its key"))
    }
}

/// What a server was asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`, …
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Bytes,
}

impl Asked {
    /// A header's one value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a server answers.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// 0 stands for 200.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, in pieces.
    pub body: Pieces,
}

impl Reply {
    /// 200 with this body.
    pub fn ok(body: impl Into<Bytes>) -> Reply {
        Reply { body: Pieces { piece: body.into(), left: 1 }, ..Reply::default() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn status(self, status: u16) -> Reply {
        Reply { status, ..self }
    }
}

/// One piece, as often as it is wanted: a body of any length that takes no memory.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// What is repeated.
    pub piece: Bytes,
    /// How often.
    pub left: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 || self.piece.is_empty() {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 || self.piece.is_empty()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.left * self.piece.len() as u64)
    }
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A running server. It ends with the process.
pub struct TlsServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl TlsServer {
    /// A server whose certificate is for these hosts.
    ///
    /// # Panics
    /// When there is no port.
    pub fn start(
        authority: &Authority,
        hosts: &[&str],
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> TlsServer {
        let acceptor = TlsAcceptor::from(authority.config(hosts));
        TlsServer::run(Some(acceptor), true, answer)
    }

    /// The same, which ends each connection after one answer.
    ///
    /// # Panics
    /// When there is no port.
    pub fn closing(
        authority: &Authority,
        hosts: &[&str],
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> TlsServer {
        let acceptor = TlsAcceptor::from(authority.config(hosts));
        TlsServer::run(Some(acceptor), false, answer)
    }

    /// The same without TLS.
    ///
    /// # Panics
    /// When there is no port.
    pub fn plain(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> TlsServer {
        TlsServer::run(None, true, answer)
    }

    fn run(
        tls: Option<TlsAcceptor>,
        stays: bool,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> TlsServer {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        socket.set_nonblocking(true).expect("a socket");
        let address = socket.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let serving = Arc::new(Serving { answer: Box::new(answer), stays, seen: Arc::clone(&seen) });
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("an event loop").block_on(async move {
                let socket = TcpListener::from_std(socket).expect("a socket");
                loop {
                    let Ok((stream, _)) = socket.accept().await else { continue };
                    let (tls, serving) = (tls.clone(), Arc::clone(&serving));
                    tokio::spawn(async move {
                        match tls {
                            None => serving.serve(stream).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    serving.serve(stream).await;
                                }
                            }
                        }
                    });
                }
            });
        });
        TlsServer { address, seen }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this text came in the head or the body of any request.
    pub fn has_seen(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes());
        self.seen().iter().any(|asked| {
            holds(asked.target.as_bytes())
                || holds(&asked.body)
                || asked.headers.iter().any(|(name, value)| holds(name.as_bytes()) || holds(value.as_bytes()))
        })
    }
}

struct Serving {
    answer: Box<Answer>,
    /// Whether a connection takes another request.
    stays: bool,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Serving {
    async fn serve<S>(self: Arc<Self>, stream: S)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let mut server = hyper::server::conn::http1::Builder::new();
        server.keep_alive(self.stays);
        let service = service_fn(move |request| {
            let serving = Arc::clone(&self);
            async move { serving.answer(request).await }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        let _ = connection.with_upgrades().await; // a client that goes away is its own business
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response<Pieces>, hyper::Error> {
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut asked = Asked {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            headers,
            body: Bytes::new(),
        };
        if asked.header("upgrade") == Some("websocket") {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let (mut from, mut to) = tokio::io::split(TokioIo::new(upgraded));
                let _ = tokio::io::copy(&mut from, &mut to).await; // until the client leaves
            });
            self.note(asked);
            let response =
                Response::builder().status(101).header("connection", "upgrade").header("upgrade", "websocket");
            return Ok(response.body(Pieces::default()).expect("a response"));
        }
        asked.body = request.into_body().collect().await?.to_bytes();
        let reply = (self.answer)(&asked);
        self.note(asked);
        let mut response = Response::builder().status(if reply.status == 0 { 200 } else { reply.status });
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        Ok(response.body(reply.body).expect("a response"))
    }

    fn note(&self, asked: Asked) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
}
