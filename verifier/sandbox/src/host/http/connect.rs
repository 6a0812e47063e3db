//! How a connection is made: to the server, to a proxy that passes requests on, or through one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tower_service::Service;

use super::guard::{Guarded, Resolution};
use super::long::Substituting;

/// Whose certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// The machine's, or those of the file that `SSL_CERT_FILE` names.
    #[default]
    Platform,
    /// These alone, in DER.
    Only(Vec<Vec<u8>>),
}

/// The way to the server.
#[derive(Clone, Copy)]
pub(super) enum Route<'a> {
    /// Straight.
    Direct,
    /// A proxy gets the whole request: http.
    Forwarding(&'a Intercept),
    /// A proxy passes bytes on, after CONNECT: https.
    Tunnelling(&'a Intercept),
}

/// A client over one route.
pub(super) enum Client {
    Direct(Over<Tls<HttpConnector<Guarded>>>),
    Forwarding(Over<ToProxy>),
    Tunnelling(Over<Tls<TunnelToProxy>>),
}

type Over<C> = legacy::Client<Substituting<C>, Full<Bytes>>;

type TunnelToProxy = Tunnel<Tls<HttpConnector<Guarded>>>;

type Tls<C> = HttpsConnector<C>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    pub(super) async fn request(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, legacy::Error> {
        match self {
            Client::Direct(client) => client.request(request).await,
            Client::Forwarding(client) => client.request(request).await,
            Client::Tunnelling(client) => client.request(request).await,
        }
    }
}

/// Longest head of a response, in bytes: that of Go's client.
const HEAD: usize = 10 << 20;

/// Makes a client. Names are looked up by `guard` alone. With a `target`, the client is for one request, whose URL has
/// [`super::long::STAND_IN`] in the place of that path and query.
///
/// # Errors
/// The roots cannot be used; the reason.
pub(super) fn client(
    guard: Guarded,
    roots: &Roots,
    route: Route<'_>,
    headers: usize,
    target: Option<Bytes>,
) -> Result<Client, String> {
    let config = trusting(roots)?;
    let secured = || HttpsConnectorBuilder::new().with_tls_config(config.clone()).https_or_http().enable_http1();
    let mut dial = HttpConnector::new_with_resolver(guard);
    dial.enforce_http(false);
    dial.set_nodelay(true);
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new());
    builder.http1_max_headers(headers).http1_max_buf_size(HEAD);
    Ok(match route {
        Route::Direct => {
            Client::Direct(builder.build(Substituting { connector: secured().wrap_connector(dial), target }))
        }
        Route::Forwarding(proxy) => {
            let connector = ToProxy { proxy: proxy.uri().clone(), dial: secured().wrap_connector(dial) };
            Client::Forwarding(builder.build(Substituting { connector, target }))
        }
        Route::Tunnelling(proxy) => {
            let tunnel = Tunnel::new(proxy.uri().clone(), secured().wrap_connector(dial));
            let tunnel = match proxy.basic_auth() {
                Some(authorization) => tunnel.with_auth(authorization.clone()),
                None => tunnel,
            };
            Client::Tunnelling(builder.build(Substituting { connector: secured().wrap_connector(tunnel), target }))
        }
    })
}

/// How TLS is spoken to servers. Certificates are always verified: against the machine's roots, or those that were handed in.
///
/// # Errors
/// The roots cannot be used; the reason.
pub fn trusting(roots: &Roots) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(match roots {
        Roots::Platform => {
            let verifier = Verifier::new(provider).map_err(|error| error.to_string())?;
            // The name is rustls's for every verifier that is not its own; this one is the platform's.
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Roots::Only(certificates) => {
            let mut store = RootCertStore::empty();
            for certificate in certificates {
                store.add(CertificateDer::from(certificate.clone())).map_err(|error| error.to_string())?;
            }
            builder.with_root_certificates(store).with_no_client_auth()
        }
    })
}

impl Service<Name> for Guarded {
    type Response = std::vec::IntoIter<std::net::SocketAddr>;
    type Error = BoxError;
    type Future = Resolution;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolution {
        self.resolve(name.as_str())
    }
}

/// Connects to the proxy, whatever is asked for, and says so: the client then names the whole URL in its request line.
#[derive(Clone)]
pub(super) struct ToProxy {
    proxy: Uri,
    dial: Tls<HttpConnector<Guarded>>,
}

impl Service<Uri> for ToProxy {
    type Response = Proxied<<Tls<HttpConnector<Guarded>> as Service<Uri>>::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.dial.poll_ready(context)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = self.dial.call(self.proxy.clone());
        Box::pin(async move { connecting.await.map(Proxied) })
    }
}

/// A connection to a proxy.
pub(super) struct Proxied<T>(T);

impl<T: Connection> Connection for Proxied<T> {
    fn connected(&self) -> Connected {
        self.0.connected().proxy(true)
    }
}

impl<T: Read + Unpin> Read for Proxied<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Proxied<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
