//! Waits on 127.0.0.1 for the user's browser to come back. vault.md §11.4.
//!
//! The socket is bound before the address it is part of exists, so no other program can have taken the port in between. What a
//! request means is [`callback`](super::oauth::callback)'s; here are connections, time, and the end.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use aileron_verifier::problem::Class;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::oauth::callback::{self, Outcome, PATH, PasteError};

/// How long a user may take. vault.md §11.4.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a connection may take to send its request's head.
const HEAD: Duration = Duration::from_secs(5);
/// How often the end is looked for while nothing happens.
const SLICE: Duration = Duration::from_millis(50);
/// How long the last page may take to reach the browser.
const FAREWELL: Duration = Duration::from_secs(1);
/// Connections at one time. A browser opens a few.
const CONNECTIONS: usize = 32;

/// A bound socket that has not answered anyone yet.
pub struct Listener {
    socket: std::net::TcpListener,
    port: u16,
}

/// Why no listener could be bound.
#[derive(Debug, thiserror::Error)]
#[error("could not bind callback listener on port {port}: {cause}")]
pub struct ListenError {
    /// The port that was asked for; 0 for any.
    pub port: u16,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl ListenError {
    /// The failure class: `binding_failed`.
    pub fn class(&self) -> Class {
        Class::BindingFailed
    }

    /// A port that is taken may be free later.
    pub fn is_retriable(&self) -> bool {
        true
    }
}

/// Why no answer came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// [`PATIENCE`] is over.
    #[error("no answer from the browser within 5 minutes")]
    TimedOut,
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The system gives this process nothing to wait with.
    #[error("cannot wait for the browser: {0}")]
    System(io::ErrorKind),
}

/// A second way back: addresses that the user pastes, and what is said of one that is not the right one.
pub struct Pasted<'a> {
    /// The next line that was typed, if there is one. That no more come ends nothing: the browser may still.
    pub next_line: &'a dyn Fn() -> Option<Zeroizing<String>>,
    /// Tells the user to paste again.
    pub refuse: &'a dyn Fn(PasteError),
}

impl Listener {
    /// Binds a port of 127.0.0.1; 0 lets the system choose.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(port: u16) -> Result<Listener, ListenError> {
        let failed = |cause| ListenError { port, cause };
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        Ok(Listener { socket, port })
    }

    /// Where the provider sends the browser. The same text goes into the token request.
    pub fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Answers requests until one of them, or a pasted address, is the answer to the attempt with this `state`. Only the first
    /// one counts.
    ///
    /// # Errors
    /// [`WaitError`].
    pub fn wait(self, state: &str, pasted: Option<&Pasted<'_>>, stop: &AtomicBool) -> Result<Outcome, WaitError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| WaitError::System(error.kind()))?;
        runtime.block_on(self.serve(state, pasted, stop))
    }

    async fn serve(self, state: &str, pasted: Option<&Pasted<'_>>, stop: &AtomicBool) -> Result<Outcome, WaitError> {
        let until = Instant::now() + PATIENCE;
        let socket = tokio::net::TcpListener::from_std(self.socket).map_err(|error| WaitError::System(error.kind()))?;
        let (found, answers) = mpsc::channel();
        let answering = Arc::new(Answering { state: state.to_owned(), found });
        let mut connections = JoinSet::new();
        let end = loop {
            if let Ok(outcome) = answers.try_recv() {
                break Ok(outcome);
            }
            if let Some(outcome) = pasted.and_then(|pasted| pasted.next(state)) {
                break Ok(outcome);
            }
            if stop.load(Ordering::SeqCst) {
                break Err(WaitError::Interrupted);
            }
            if Instant::now() >= until {
                break Err(WaitError::TimedOut);
            }
            if let Ok(Ok((stream, _))) = timeout(SLICE, socket.accept()).await
                && connections.len() < CONNECTIONS
            {
                connections.spawn(connection(stream, Arc::clone(&answering)));
            }
            while connections.try_join_next().is_some() {}
        };
        // The browser still waits for its page.
        drop(socket);
        let _ = timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
        end
    }
}

impl Pasted<'_> {
    fn next(&self, state: &str) -> Option<Outcome> {
        let line = (self.next_line)()?;
        if line.trim().is_empty() {
            return None;
        }
        callback::of_paste(&line, state).map_err(self.refuse).ok()
    }
}

struct Answering {
    state: String,
    found: mpsc::Sender<Outcome>,
}

async fn connection(stream: TcpStream, answering: Arc<Answering>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = Arc::clone(&answering);
        async move { Ok::<_, Infallible>(answering.answer(&request)) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    // A client that goes away is its own business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

impl Answering {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let target = request.uri().path_and_query().map(|target| target.as_str()).unwrap_or_default();
        let outcome = (request.method() == Method::GET).then(|| callback::of_request(target, &self.state)).flatten();
        let (status, page) = callback::page(outcome.as_ref());
        if let Some(outcome) = outcome {
            // An earlier one was the answer: this one is not taken any more.
            let _ = self.found.send(outcome);
        }
        let mut response = Response::new(Full::from(page));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            // The address holds the code: it is neither kept nor passed on, and the page loads nothing.
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'"),
            (CONNECTION, "close"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    /// One request over a connection of its own; the whole answer.
    fn ask(port: u16, head: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connects");
        stream.write_all(head.as_bytes()).expect("sends");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn get(port: u16, target: &str) -> String {
        ask(port, &format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n"))
    }

    #[test] // anomalyco/opencode#30013: a listener on `localhost` that is IPv6 alone
    fn the_browser_comes_back_to_an_ipv4_address_by_number() {
        let listener = Listener::bind(0).expect("a port");
        assert_eq!(listener.socket.local_addr().expect("bound").ip(), Ipv4Addr::LOCALHOST);
        assert!(listener.redirect_uri().starts_with("http://127.0.0.1:"));
    }

    #[test] // vault.md §11.4
    fn strangers_get_nothing_and_the_first_answer_counts() {
        let listener = Listener::bind(0).expect("a port");
        let port = listener.port;
        assert_eq!(listener.redirect_uri(), format!("http://127.0.0.1:{port}/callback"));
        let browser = std::thread::spawn(move || {
            // One that never says anything does not keep the others out.
            let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connects");
            let answers = [
                get(port, "/favicon.ico"),
                get(port, "/callback?state=theirs&code=stolen"),
                ask(port, "POST /callback?state=ours&code=posted HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"),
                get(port, "/callback?state=ours&code=first"),
            ];
            answers.map(|answer| answer.split(' ').nth(1).unwrap_or_default().to_owned() + &answer[answer.len() - 1..])
        });
        let outcome = listener.wait("ours", None, &AtomicBool::new(false)).expect("an answer");
        assert_eq!(outcome.expect("a code").expose(), b"first");
        assert_eq!(browser.join().expect("ends"), ["404\n", "404\n", "404\n", "200\n"]);
    }

    #[test]
    fn a_pasted_address_is_an_answer_and_a_wrong_one_is_told() {
        let listener = Listener::bind(0).expect("a port");
        let uri = listener.redirect_uri();
        let (typed, lines) = mpsc::channel();
        for line in
            ["", "https://elsewhere.example/", &format!("{uri}?state=old&code=x"), &format!("{uri}?code=c&state=ours")]
        {
            typed.send(Zeroizing::new(line.to_owned())).expect("open");
        }
        let next_line = || lines.try_recv().ok();
        let refused = std::cell::RefCell::new(Vec::new());
        let refuse = |why| refused.borrow_mut().push(why);
        let pasted = Pasted { next_line: &next_line, refuse: &refuse };
        let outcome = listener.wait("ours", Some(&pasted), &AtomicBool::new(false)).expect("an answer");
        assert_eq!(outcome.expect("a code").expose(), b"c");
        assert_eq!(*refused.borrow(), [PasteError::OtherPlace("http://127.0.0.1"), PasteError::OtherState]);
    }

    #[test]
    fn an_interrupt_ends_the_wait_and_the_end_of_standard_input_does_not() {
        let pasted = Pasted { next_line: &|| None, refuse: &|_| {} };
        let ended = Listener::bind(0).expect("a port").wait("s", Some(&pasted), &AtomicBool::new(true)).err();
        assert_eq!(ended, Some(WaitError::Interrupted));
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = Listener::bind(0).expect("a port");
        let error = Listener::bind(taken.port).err().expect("taken");
        assert!(error.to_string().starts_with(&format!("could not bind callback listener on port {}: ", taken.port)));
    }
}
