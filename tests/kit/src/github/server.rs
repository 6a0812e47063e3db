//! Sockets to model and back.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aileron_cli::publisher::forge::model::wire::{Call, understand};
use aileron_cli::publisher::forge::model::{GitHub, Operation, Response, Timestamp};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::script::{Action, Fault, When};
use super::{LogEntry, Shared, lock, snapshot};

/// Ends the connection without an answer.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script ends this connection")
    }
}

impl std::error::Error for NoAnswer {}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, shared.clone()));
            // A client that goes away is its own business.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: hyper::Request<Incoming>, shared: Arc<Shared>) -> Result<hyper::Response<Frames>, NoAnswer> {
    let (head, body) = request.into_parts();
    let mut call = call(&head);
    call.body = body.collect().await.map_err(|_| NoAnswer)?.to_bytes().as_ref().into();
    let path = match call.query.as_str() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    };
    let fault = lock(&shared.script).fault(&call.method, &path);
    let record = |status| shared.record(LogEntry { method: head.method.to_string(), path: path.clone(), status });
    let Some(Fault { action, when }) = fault else {
        let answer = carry_out(&shared, &call, When::After, None);
        record(Some(answer.status));
        return Ok(whole(&answer));
    };
    match action {
        Action::Status { status, headers, body } => {
            if when != When::Before {
                carry_out(&shared, &call, when, None);
            }
            record(Some(status));
            let mut answer = hyper::Response::builder().status(status);
            let (kind, text) = match &body {
                Value::Null => (None, String::new()),
                Value::String(text) => (Some("text/html"), text.clone()),
                body => (Some("application/json; charset=utf-8"), body.to_string()),
            };
            if let Some(kind) = kind.filter(|_| !headers.contains_key("content-type")) {
                answer = answer.header("content-type", kind);
            }
            for (name, value) in &headers {
                answer = answer.header(name, value);
            }
            answer.body(Frames::whole(text.into())).map_err(|_| NoAnswer)
        }
        Action::Reset => {
            if when != When::Before {
                carry_out(&shared, &call, when, None);
            }
            record(None);
            Err(NoAnswer)
        }
        Action::Stall(time) => {
            if when != When::Before {
                carry_out(&shared, &call, when, None);
            }
            record(None);
            tokio::time::sleep(time).await;
            Err(NoAnswer)
        }
        Action::Truncate => {
            let answer = carry_out(&shared, &call, if when == When::During { when } else { When::After }, None);
            record(Some(answer.status));
            let mut answer = whole(&answer);
            let length = answer.body().length();
            answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            answer.body_mut().break_off();
            Ok(answer)
        }
        Action::Lag(time) => {
            let lag = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let answer = carry_out(&shared, &call, When::After, Some(lag));
            record(Some(answer.status));
            Ok(whole(&answer))
        }
    }
}

/// Lets the model do what was asked; `During` lets an upload break off.
fn carry_out(shared: &Shared, call: &Call, when: When, lag: Option<u64>) -> Response {
    if let Some(answer) = lock(&shared.login).as_mut().and_then(|login| login.answer(call)) {
        return answer;
    }
    let now: Timestamp = shared.now();
    let mut request = match understand(call) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    if let (Operation::Upload(upload), When::During) = (&request.operation, when) {
        request.operation = Operation::BrokenUpload(upload.clone());
    }
    let github: &mut GitHub = &mut lock(&shared.github);
    if let Some(tree) = &shared.tree {
        tree.prepare(&request.operation, &mut github.repository);
    }
    let usual = github.listing.lag;
    github.listing.lag = lag.unwrap_or(usual);
    let answer = github.handle(now, &request);
    github.listing.lag = usual;
    let state = shared.state.as_ref().filter(|_| request.operation.is_write());
    if let Some((path, Err(error))) = state.map(|path| (path, snapshot::save(path, github))) {
        return Response::refusal(500, format!("{}: {error}", path.display()), "");
    }
    answer
}

fn call(head: &hyper::http::request::Parts) -> Call {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let method = if head.method == hyper::Method::HEAD { "GET".to_owned() } else { head.method.to_string() };
    Call {
        method,
        origin: origin(&head.uri, &head.headers),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        accept: text(header::ACCEPT),
        content_type: text(header::CONTENT_TYPE),
        user_agent: text(header::USER_AGENT),
        body: Arc::from([]),
    }
}

/// What the client calls us: an absolute address, as through a proxy, or `Host`; what a server in front of us says it was.
fn origin(uri: &hyper::Uri, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = uri.authority().map(|authority| authority.as_str()).or(text("host"));
    let host = text("x-forwarded-host").or(host);
    format!("{}://{}", uri.scheme_str().unwrap_or("http"), host.unwrap_or("localhost"))
}

fn whole(answer: &Response) -> hyper::Response<Frames> {
    let mut response = hyper::Response::new(Frames::whole(answer.body_bytes().into()));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in &answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

/// A body in one piece, or half of it and then an end that is no end.
struct Frames(VecDeque<io::Result<Bytes>>);

impl Frames {
    fn whole(bytes: Bytes) -> Frames {
        Frames(if bytes.is_empty() { VecDeque::new() } else { [Ok(bytes)].into() })
    }

    fn length(&self) -> usize {
        self.0.iter().flatten().map(Bytes::len).sum()
    }

    fn break_off(&mut self) {
        if let Some(Ok(bytes)) = self.0.front_mut() {
            bytes.truncate(bytes.len() / 2);
        }
        self.0.push_back(Err(io::Error::other("the script ends this body")));
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.get_mut().0.pop_front().map(|frame| frame.map(Frame::data)))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self.0.iter().all(Result::is_ok) {
            true => hyper::body::SizeHint::with_exact(self.length() as u64),
            false => hyper::body::SizeHint::default(),
        }
    }
}
