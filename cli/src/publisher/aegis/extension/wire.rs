//! gRPC over a unix socket, both ways. Messages stay bytes here: who reads them says what is wrong with them.

use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _};
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status, Streaming};

use super::messages::LONGEST;

/// A connection to an extension.
#[derive(Clone)]
pub(super) struct Connection(SendRequest<Body>);

impl Connection {
    /// Connects to a socket.
    ///
    /// # Errors
    /// What the system, or HTTP/2, said.
    pub(super) async fn to(socket: &Path) -> Result<Connection, String> {
        let stream = UnixStream::connect(socket).await.map_err(|error| error.to_string())?;
        let made = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(Connection(sender))
    }

    /// Calls a method, as `package.Service/Method`.
    ///
    /// # Errors
    /// What the extension answered instead, or what became of the connection.
    pub(super) async fn call(&self, method: &str, request: Vec<u8>) -> Result<Vec<u8>, Status> {
        let answer = self.grpc().unary(Request::new(request), path(method)?, Bytes).await?;
        Ok(answer.into_inner())
    }

    /// Calls a method that answers with a stream.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub(super) async fn listen(&self, method: &str) -> Result<Streaming<Vec<u8>>, Status> {
        Ok(self.grpc().server_streaming(Request::new(Vec::new()), path(method)?, Bytes).await?.into_inner())
    }

    /// Sends one message to a method that takes a stream, and keeps the stream open for as long as the task runs.
    pub(super) fn announce(&self, method: &'static str, message: Vec<u8>) -> JoinHandle<()> {
        let mut grpc = self.grpc();
        tokio::spawn(async move {
            let messages: Pin<Box<dyn Stream<Item = Vec<u8>> + Send>> =
                Box::pin(tokio_stream::once(message).chain(tokio_stream::pending()));
            let Ok(path) = path(method) else { return };
            if let Ok(answers) = grpc.streaming(Request::new(messages), path, Bytes).await {
                let mut answers = answers.into_inner();
                while let Ok(Some(_)) = answers.message().await {}
            }
        })
    }

    fn grpc(&self) -> Grpc<Connection> {
        let origin = http::Uri::from_static("http://localhost");
        Grpc::with_origin(self.clone(), origin).max_decoding_message_size(LONGEST)
    }
}

fn path(method: &str) -> Result<PathAndQuery, Status> {
    PathAndQuery::try_from(format!("/{method}")).map_err(|error| Status::internal(error.to_string()))
}

impl tower::Service<http::Request<Body>> for Connection {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// What answers a call: it has the last part of the path, the method, and the request.
pub(super) type Answering = Arc<dyn Fn(&str, &[u8]) -> Result<Vec<u8>, Status> + Send + Sync>;

/// Serves calls on a socket until the task is aborted.
pub(super) fn serve(listener: UnixListener, answer: Answering) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request: http::Request<Incoming>| {
                let answer = Arc::clone(&answer);
                async move {
                    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                    let unary = tower::service_fn(move |request: Request<Vec<u8>>| {
                        let answered = answer(&method, request.get_ref()).map(Response::new);
                        async move { answered }
                    });
                    let mut grpc = tonic::server::Grpc::new(Bytes).max_decoding_message_size(LONGEST);
                    Ok::<_, Infallible>(grpc.unary(unary, request).await)
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    })
}

/// Messages as bytes.
#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Bytes;
    type Decoder = Bytes;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> Bytes {
        Bytes
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; from.remaining()];
        from.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}
