//! The proxy of one run: who may ask, tunnels, time, and the end. sealing.md §2, §3, §5.
//!
//! It listens on 127.0.0.1, where every user of this machine can reach it: nothing is done without the token of this run.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use aileron_verifier::unit::{BindingEntry, Effective};
use http::header::{HeaderValue, PROXY_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{BufReader, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ca::SessionCa;
use super::credential::Credentials;
use super::dial::{Dialer, Network};
use super::error::SessionError;
use super::event::{EventLog, Facts, Kind};
use super::exchange::{Body, Sealing, Tunnelled, refused};
use super::idle::{Activity, Noted};
use super::route::{Refusal, Route, Target, route, shown};
use super::{READ, REALM};
use crate::runtime::launch::error::LaunchError;
use crate::runtime::launch::token::Token;
use crate::secret::Secret;

/// How long a connection may be silent. sealing.md §5.
pub const IDLE: Duration = Duration::from_secs(300);
/// How long a connection may take to send the head of its first request, and the client to begin TLS.
const HEAD: Duration = Duration::from_secs(10);
/// Connections at one time; the next one waits to be accepted.
const CONNECTIONS: usize = 512;
/// Threads that carry them: one decrypts while another encrypts.
const THREADS: usize = 2;
/// How long the end waits for what is under way.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long accepting waits when the system has no room.
const SLICE: Duration = Duration::from_millis(20);
/// Bytes of a session's name.
const SESSION: usize = 8;

/// What a run seals, and with what.
pub struct SealOptions {
    /// Which entry is for which host.
    pub table: Effective,
    /// Where credentials come from.
    pub credentials: Arc<dyn Credentials>,
    /// How servers are found.
    pub network: Network,
    /// How long a connection may be silent.
    pub idle: Duration,
    /// Where events go.
    pub log: Option<File>,
    /// Tells the time, for certificates.
    pub now: fn() -> SystemTime,
}

/// A proxy that runs, until it is ended or dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    session: String,
    token: Token,
    ca: SessionCa,
    sealing: Arc<Sealing>,
    idle: Duration,
    now: fn() -> SystemTime,
    end: Notify,
}

impl Proxy {
    /// Starts one on a free port of 127.0.0.1, with a token and an authority of its own.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn start(options: SealOptions) -> Result<Proxy, SessionError> {
        let SealOptions { table, credentials, network, idle, log, now } = options;
        let session = session()?;
        let shared = Arc::new(Shared {
            token: Token::new().map_err(|error| match error {
                LaunchError::NoRandom(error) => SessionError::NoRandom(error),
                other => SessionError::Listen(io::Error::other(other)),
            })?,
            ca: SessionCa::new(now())?,
            sealing: Arc::new(Sealing {
                table,
                credentials,
                dialer: Dialer::new(network)?,
                log: EventLog::new(session.clone(), log),
            }),
            session,
            idle,
            now,
            end: Notify::new(),
        });
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(SessionError::Listen)?;
        socket.set_nonblocking(true).map_err(SessionError::Listen)?;
        let port = socket.local_addr().map_err(SessionError::Listen)?.port();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
        let runtime = runtime.map_err(SessionError::Listen)?;
        let carried = Arc::clone(&shared);
        let carry = move || {
            runtime.block_on(carry(socket, carried));
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(carry).map_err(SessionError::Listen)?;
        Ok(Proxy { shared, port, thread: Some(thread) })
    }

    /// Where it is, with its user and its token: for the environment of one program.
    pub fn url(&self) -> Secret {
        let Shared { session, token, .. } = &*self.shared;
        Secret::from(format!("http://{session}:{}@127.0.0.1:{}", token.text(), self.port))
    }

    /// The certificate of this run's authority, in DER.
    pub fn authority(&self) -> &[u8] {
        self.shared.ca.certificate()
    }

    /// Ends it: no request is answered after this. Returns why lines are missing from the log, where some are.
    pub fn end(mut self) -> Option<String> {
        self.stop();
        self.shared.sealing.log.fault()
    }

    fn stop(&mut self) {
        self.shared.end.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of it was printed
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A name for the run in its log. It is no secret.
fn session() -> Result<String, SessionError> {
    let mut bytes = [0; SESSION];
    getrandom::fill(&mut bytes).map_err(SessionError::NoRandom)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn carry(socket: TcpListener, shared: Arc<Shared>) {
    let Ok(socket) = tokio::net::TcpListener::from_std(socket) else { return };
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let come = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (socket.accept().await, permit)
        };
        tokio::select! {
            () = shared.end.notified() => return,
            (come, permit) = come => match come {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        connection(stream, shared).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, for one: room is made by those who go.
                Err(_) => tokio::time::sleep(SLICE).await,
            },
        }
    }
}

/// One connection of a client, to its end or until it has been silent for too long.
async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true); // slower without it, not wrong
    let (activity, idle) = (Activity::begin(), shared.idle);
    let stream = Noted { stream, activity: activity.clone() };
    tokio::select! {
        () = carried(stream, shared) => {}
        () = activity.silent_for(idle) => {}
    }
}

/// What a connection becomes after `CONNECT`.
enum Next {
    Blind { client: OnUpgrade, server: TcpStream },
    Sealed { client: OnUpgrade, target: Target, entry: BindingEntry },
}

async fn carried(stream: Noted<TcpStream>, shared: Arc<Shared>) {
    let next = Arc::new(Mutex::new(None));
    let (asked, slot) = (Arc::clone(&shared), Arc::clone(&next));
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, slot) = (Arc::clone(&asked), Arc::clone(&slot));
        async move { Ok::<_, Infallible>(shared.answer(request, &slot).await) }
    });
    let mut server = Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A client that goes away is its own business.
    let _ = server.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    let next = next.lock().unwrap_or_else(PoisonError::into_inner).take();
    match next {
        Some(Next::Blind { client, mut server }) => {
            if let Ok(client) = client.await {
                // Either side may leave.
                let _ = copy_bidirectional_with_sizes(&mut TokioIo::new(client), &mut server, READ, READ).await;
            }
        }
        Some(Next::Sealed { client, target, entry }) => {
            if let Ok(client) = client.await {
                shared.sealed(client, target, entry).await;
            }
        }
        None => {}
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, next: &Mutex<Option<Next>>) -> Response<Body> {
        let method = request.method().clone();
        let host = request.uri().host().map(str::to_owned);
        let path = request.uri().scheme().is_some().then(|| request.uri().path().to_owned());
        let (kind, response) = match self.admitted(request, next).await {
            Ok(response) => (Some(Kind::Passthrough).filter(|_| !is_sealed(next)), response),
            Err(refusal) => {
                let mut response = refused(&refusal);
                if refusal == Refusal::Token {
                    let demand = HeaderValue::try_from(format!("Basic realm=\"{REALM}\""));
                    demand
                        .into_iter()
                        .for_each(|demand| drop(response.headers_mut().insert(PROXY_AUTHENTICATE, demand)));
                }
                (Some(Kind::Rejected(refusal.reason())), response)
            }
        };
        if let Some(kind) = kind {
            self.sealing.log.write(
                kind,
                Facts {
                    method: Some(method.as_str()),
                    scheme: path.is_some().then_some("http"),
                    host: host.as_deref(),
                    path: path.as_deref(),
                    status: Some(response.status().as_u16()),
                },
            );
        }
        response
    }

    async fn admitted(
        &self,
        mut request: Request<Incoming>,
        next: &Mutex<Option<Next>>,
    ) -> Result<Response<Body>, Refusal> {
        let shown = shown(request.headers());
        if !shown.is_some_and(|(user, password)| user == self.session && self.token.is(&password)) {
            return Err(Refusal::Token);
        }
        let target = match route(request.method(), request.uri())? {
            Route::Plain(target) => return self.sealing.plain(request, &target).await,
            Route::Tunnel(target) => target,
        };
        let client = hyper::upgrade::on(&mut request);
        let after = match self.sealing.table.binding_for(&target.host) {
            Some(placed) => Next::Sealed { client, target, entry: placed.record.clone() },
            None => Next::Blind { client, server: self.sealing.dialer.plain(&target).await? },
        };
        next.lock().unwrap_or_else(PoisonError::into_inner).replace(after);
        Ok(Response::new(Either::Left(Full::default())))
    }

    /// A tunnel to a host that has an entry: TLS ends here, and each request is looked at.
    async fn sealed(&self, client: Upgraded, target: Target, entry: BindingEntry) {
        let host = target.host.clone();
        let Some(client) = self.accepted(client, &host).await else {
            let facts = Facts { host: Some(&host), ..Facts::default() };
            return self.sealing.log.write(Kind::Rejected(Refusal::ClientTls.reason()), facts);
        };
        let tunnelled = Arc::new(Tunnelled::new(Arc::clone(&self.sealing), target, entry));
        let asked = Arc::clone(&tunnelled);
        let service = service_fn(move |request: Request<Incoming>| {
            let tunnelled = Arc::clone(&asked);
            async move { Ok::<_, Infallible>(tunnelled.answer(request).await) }
        });
        let _ = Builder::new().serve_connection(TokioIo::new(client), service).with_upgrades().await;
        if let Some(joined) = tunnelled.joined()
            && let (Ok(client), Ok(server)) = (joined.client.await, joined.server.await)
        {
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            let _ = copy_bidirectional_with_sizes(&mut client, &mut server, READ, READ).await;
        }
    }

    /// The client's TLS. `None` where it does not come about, in time: mostly the client does not believe our certificate.
    async fn accepted(&self, client: Upgraded, host: &str) -> Option<TlsStream<BufReader<TokioIo<Upgraded>>>> {
        let config = self.ca.for_host(host, (self.now)()).ok()?;
        let accept = TlsAcceptor::from(config).accept(BufReader::with_capacity(READ, TokioIo::new(client)));
        tokio::time::timeout(HEAD, accept).await.ok()?.ok()
    }
}

fn is_sealed(next: &Mutex<Option<Next>>) -> bool {
    let next = next.lock().unwrap_or_else(PoisonError::into_inner);
    next.as_ref().is_some_and(|next| matches!(next, Next::Sealed { .. }))
}
