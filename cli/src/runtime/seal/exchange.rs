//! One request through to its server, and the answer back: decided, injected, streamed. sealing.md §4, §5.
//!
//! Nothing of a body is kept or looked at. A connection to a server belongs to one connection of the client, and serves its
//! requests one after the other; a request that a server's idle connection did not take any more is sent once over a new one.

use std::sync::{Arc, Mutex as Slot, PoisonError};

use aileron_verifier::unit::{BindingEntry, Effective};
use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;

use super::credential::Credentials;
use super::dial::Dialer;
use super::event::{EventLog, Facts, Kind};
use super::head::{decided, prepare, without_hops};
use super::route::{Refusal, Target};
use crate::secret::Secret;

/// Most header fields of an answer.
const HEADERS: usize = 1000;

/// An answer of ours, or of a server.
pub(super) type Body = Either<Full<Bytes>, Incoming>;

/// What all connections of one run share.
pub(super) struct Sealing {
    pub(super) table: Effective,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) dialer: Dialer,
    pub(super) log: EventLog,
}

/// Requests of one tunnel, to a host that has an entry.
pub(super) struct Tunnelled {
    sealing: Arc<Sealing>,
    target: Target,
    entry: BindingEntry,
    server: Mutex<Option<SendRequest<Incoming>>>,
    joined: Slot<Option<Joined>>,
}

/// Two connections that became one, after a handshake for something that is not HTTP.
pub(super) struct Joined {
    pub(super) client: OnUpgrade,
    pub(super) server: OnUpgrade,
}

/// What became of a request that was passed on.
struct Passed {
    response: Response<Incoming>,
    is_injected: bool,
}

impl Tunnelled {
    pub(super) fn new(sealing: Arc<Sealing>, target: Target, entry: BindingEntry) -> Tunnelled {
        Tunnelled { sealing, target, entry, server: Mutex::default(), joined: Slot::default() }
    }

    /// The connections that became one, once the client's has no more requests.
    pub(super) fn joined(&self) -> Option<Joined> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let passed = self.exchange(request).await;
        let status = passed.as_ref().map_or_else(Refusal::status, |passed| passed.response.status());
        let facts = Facts {
            method: Some(method.as_str()),
            scheme: Some("https"),
            host: Some(&self.target.host),
            path: Some(&path),
            status: Some(status.as_u16()),
        };
        match passed {
            Ok(Passed { response, is_injected }) => {
                let kind = if is_injected { Kind::Injected(&self.entry) } else { Kind::Foreign(&self.entry) };
                self.sealing.log.write(kind, facts);
                response.map(Either::Right)
            }
            Err(refusal) => {
                self.sealing.log.write(Kind::Rejected(refusal.reason()), facts);
                refused(&refusal)
            }
        }
    }

    async fn exchange(&self, request: Request<Incoming>) -> Result<Passed, Refusal> {
        let (mut head, body) = request.into_parts();
        let client = head.extensions.remove::<OnUpgrade>();
        let decided = decided(head, &self.target, &self.entry)?;
        let (client, is_injected) = (client.filter(|_| decided.is_websocket), decided.is_to_be_injected);
        let head = if is_injected { decided.injected(&self.entry, &*self.credential().await?)? } else { decided.head };
        let mut response = self.send(Request::from_parts(head, body)).await?;
        match (response.status(), client) {
            (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => {
                let joined = Joined { client, server: hyper::upgrade::on(&mut response) };
                self.joined.lock().unwrap_or_else(PoisonError::into_inner).replace(joined);
            }
            (StatusCode::SWITCHING_PROTOCOLS, None) => {
                return Err(Refusal::Upstream("the server switched protocols unasked".to_owned()));
            }
            _ => without_hops(response.headers_mut()),
        }
        Ok(Passed { response, is_injected })
    }

    async fn credential(&self) -> Result<Arc<Secret>, Refusal> {
        let (credentials, reference) = (Arc::clone(&self.sealing.credentials), self.entry.credential_ref.clone());
        let asked = tokio::task::spawn_blocking(move || credentials.credential(&reference)).await;
        asked.ok().flatten().ok_or(Refusal::Credential)
    }

    async fn send(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, Refusal> {
        let failed = |error: &hyper::Error| Refusal::Upstream(format!("{}: {}", self.target.host, innermost(error)));
        let mut kept = self.server.lock().await;
        let mut reused = kept.take();
        loop {
            let mut server = None;
            if let Some(mut before) = reused.take()
                && before.ready().await.is_ok()
            {
                server = Some(before);
            }
            let is_new = server.is_none();
            let mut server = match server {
                Some(server) => server,
                None => {
                    handshake(self.sealing.dialer.secured(&self.target).await?).await.map_err(|error| failed(&error))?
                }
            };
            match server.try_send_request(request).await {
                Ok(response) => {
                    *kept = Some(server);
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(failed(error.error())),
                },
            }
        }
    }
}

impl Sealing {
    /// A request for a whole `http://` URL: passed on as it is, unless the host has a credential.
    pub(super) async fn plain(&self, request: Request<Incoming>, target: &Target) -> Result<Response<Body>, Refusal> {
        if self.table.binding_for(&target.host).is_some() {
            return Err(Refusal::PlainHttp);
        }
        let (mut head, body) = request.into_parts();
        prepare(&mut head, target, 80)?;
        let failed = |error: hyper::Error| Refusal::Upstream(format!("{}: {}", target.host, innermost(&error)));
        let mut server = handshake(self.dialer.plain(target).await?).await.map_err(failed)?;
        let mut response = server.send_request(Request::from_parts(head, body)).await.map_err(failed)?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Refusal::Upstream("the server switched protocols unasked".to_owned()));
        }
        without_hops(response.headers_mut());
        Ok(response.map(Either::Right))
    }
}

/// A connection that sends requests; it ends when its sender is dropped.
async fn handshake<S>(stream: S) -> Result<SendRequest<Incoming>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (server, connection) = Builder::new().max_headers(HEADERS).handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(server)
}

/// The answer that says no.
pub(super) fn refused(refusal: &Refusal) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::from(refusal.body())));
    *response.status_mut() = refusal.status();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}

/// What the system said, without the layers around it.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
