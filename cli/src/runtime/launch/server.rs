//! Serves on 127.0.0.1: connections, sizes, time, and the end. What a request may ask for is [`gate`](super::gate)'s.
//!
//! One thread carries all connections. What may wait (for the disk, for an op, for somebody's approval) runs on a thread of its
//! own, so that a long run does not keep the others out.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::timeout;

use super::error::LaunchError;
use super::gate::{Call, Gate, Refusal};
use super::token::Token;
use super::{BASE, PORT};

/// How long a connection may take to send its request's head.
const HEAD: Duration = Duration::from_secs(5);
/// How long its body may take.
const BODY: Duration = Duration::from_secs(10);
/// Longest head.
const HEAD_BYTES: usize = 16 << 10;
/// Most headers of one request.
const HEADERS: usize = 64;
/// Longest body.
pub const BODY_BYTES: usize = 4 << 20;
/// Connections at one time; the next one waits to be accepted.
const CONNECTIONS: usize = 64;
/// Runs at one time. Each has a thread, and an op up to 64 MiB of memory unless the request says otherwise.
const RUNS: usize = 16;
/// How long answers may take to leave when it ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the end waits for runs: asking for a token and storing it takes no longer.
const LAST_RUNS: Duration = Duration::from_secs(65);
/// How often it looks whether they have ended.
const SLICE: Duration = Duration::from_millis(20);

/// What is behind the addresses. Called on a thread per request, which may wait.
pub trait Service: Send + Sync + 'static {
    /// Does what is asked for. `given_up` is set when the client is gone.
    fn answer(&self, call: Call, body: &[u8], given_up: &GivenUp) -> Answer;
}

/// What comes of a request: a JSON document.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The document.
    pub body: String,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        Answer { status: refusal.status(), body: refusal.document().to_string() }
    }
}

/// Whether the client is still there, and whether the run is waiting for a person.
pub struct GivenUp {
    answer: oneshot::Sender<Answer>,
    under_way: Arc<AtomicUsize>,
}

impl GivenUp {
    /// Whether the client is gone, so that no answer reaches it.
    pub fn is_set(&self) -> bool {
        self.answer.is_closed()
    }

    /// Does something that waits for a person: the end does not wait for that.
    pub fn while_asking<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let answer = ask();
        self.under_way.fetch_add(1, Ordering::SeqCst);
        answer
    }
}

/// A bound socket that has not answered anyone yet.
pub struct Server {
    socket: TcpListener,
    port: u16,
}

/// A server that answers.
pub struct Serving {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    gate: Gate,
    service: Arc<dyn Service>,
    end: Notify,
    under_way: Arc<AtomicUsize>,
    runs: Arc<Semaphore>,
}

impl Server {
    /// Binds [`PORT`] of 127.0.0.1, or the port that the system chooses where that is taken.
    ///
    /// # Errors
    /// [`LaunchError::Listen`].
    pub fn bind() -> Result<Server, LaunchError> {
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let bound = || -> io::Result<Server> {
            let socket = bind(PORT).or_else(|_| bind(0))?;
            socket.set_nonblocking(true)?;
            let port = socket.local_addr()?.port();
            Ok(Server { socket, port })
        };
        bound().map_err(LaunchError::Listen)
    }

    /// Where it is, for a person.
    pub fn shown(&self) -> String {
        format!("http://localhost:{}{BASE}", self.port)
    }

    /// Where it is, for a program: `localhost` may lead to an IPv6 address, where somebody else may listen.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{BASE}", self.port)
    }

    /// Begins to answer clients that show the token.
    ///
    /// # Errors
    /// [`LaunchError::Listen`]: the system gives no thread or no event loop.
    pub fn serve(self, token: Token, service: Arc<dyn Service>) -> Result<Serving, LaunchError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LaunchError::Listen)?;
        let shared = Arc::new(Shared {
            gate: Gate { token, port: self.port },
            service,
            end: Notify::new(),
            under_way: Arc::new(AtomicUsize::new(0)),
            runs: Arc::new(Semaphore::new(RUNS)),
        });
        let (socket, carried) = (self.socket, Arc::clone(&shared));
        let carry = move || runtime.block_on(carry(socket, carried));
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(carry).map_err(LaunchError::Listen)?;
        Ok(Serving { shared, thread })
    }
}

impl Serving {
    /// Ends it: no new client comes in, runs that were told to stop come to their end, and their answers leave.
    pub fn end(self) {
        self.shared.end.notify_one();
        let joined = self.thread.join();
        drop(joined); // a panic of it was printed
    }
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
            () = shared.end.notified() => break,
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
    drop(socket);
    let everyone = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    let left = timeout(LAST_RUNS, async {
        // Runs that were told to stop, then the answers.
        while shared.under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(SLICE).await;
        }
        timeout(FAREWELL, room.acquire_many(everyone)).await
    });
    drop(left.await);
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(response(&shared.answer(request).await)) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    server.max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    // A client that goes away is its own business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        let refused = |refusal: Refusal| Answered { answer: refusal.into(), refusal: Some(refusal) };
        match self.admitted(&head, body).await {
            Err(refusal) => refused(refusal),
            Ok((call, body)) => match self.ask(call, body).await {
                Err(refusal) => refused(refusal),
                Ok(answer) => Answered { answer, refusal: None },
            },
        }
    }

    /// What is asked for, and with which body. Nothing of the body is read before the gate has let the head in.
    async fn admitted(&self, head: &Parts, body: Incoming) -> Result<(Call, Bytes), Refusal> {
        let call = self.gate.admit(head)?;
        if body.size_hint().lower() > BODY_BYTES as u64 {
            return Err(Refusal::TooLarge);
        }
        match timeout(BODY, Limited::new(body, BODY_BYTES).collect()).await {
            Ok(Ok(body)) => Ok((call, body.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
            Ok(Err(_)) | Err(_) => Err(Refusal::Body),
        }
    }

    async fn ask(&self, call: Call, body: Bytes) -> Result<Answer, Refusal> {
        let permit = Arc::clone(&self.runs).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (answer, answered) = oneshot::channel();
        let (service, under_way) = (Arc::clone(&self.service), Arc::clone(&self.under_way));
        under_way.fetch_add(1, Ordering::SeqCst);
        let work = move || {
            let _under_way = UnderWay(Arc::clone(&under_way));
            let given_up = GivenUp { answer, under_way };
            let found = service.answer(call, &body, &given_up);
            let _ = given_up.answer.send(found); // the client may be gone
            drop(permit);
        };
        if std::thread::Builder::new().name("run".to_owned()).spawn(work).is_err() {
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            return Err(Refusal::Busy);
        }
        answered.await.map_err(|_| Refusal::Failed)
    }
}

/// One more that the end waits for, until it is dropped: also by a panic.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Answered {
    answer: Answer,
    refusal: Option<Refusal>,
}

fn response(answered: &Answered) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answered.answer.body.clone()));
    *response.status_mut() = answered.answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    match answered.refusal {
        Some(Refusal::Token) => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        Some(Refusal::Method { allowed }) => drop(headers.insert(ALLOW, HeaderValue::from_static(allowed))),
        _ => {}
    }
    response
}
