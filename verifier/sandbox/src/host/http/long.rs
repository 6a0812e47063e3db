//! Request targets longer than the HTTP library can hold.
//!
//! `http::Uri` keeps places in it as 16 bits, so a path and query of 64 KiB does not fit, and sandbox.md sets no such limit
//! (the existing runtime sends them). A request with a longer one is made with a short stand-in, over a connection of its
//! own that puts the real target in the stand-in's place when the request's head is written. The head is written first, and
//! in one piece as far as the connection takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Longest path and query that `http::Uri` takes, with room for scheme and authority.
pub(super) const LIBRARY: usize = 60_000;

/// The path that stands for the real one.
pub(super) const STAND_IN: &str = "/aileron-request-target";

/// The stand-in where it is replaced: at the end of the request line. No method, host or path holds a space, so nothing that a
/// guest chose can be taken for it, not even a host of the same name in a request to a proxy.
const IN_PLACE: &[u8] = b"/aileron-request-target HTTP/1.1\r\n";

/// A connector whose connections put `target` in the place of [`STAND_IN`], once each. Without a target it changes nothing.
#[derive(Clone)]
pub(super) struct Substituting<C> {
    pub(super) connector: C,
    pub(super) target: Option<Bytes>,
}

impl<C> Service<Uri> for Substituting<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
{
    type Response = Written<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, target) = (self.connector.call(uri), self.target.clone());
        Box::pin(async move {
            let inner = connecting.await?;
            Ok(Written { inner, head: target.map_or(Head::Done, Head::Ahead) })
        })
    }
}

/// A connection over which at most one target is exchanged.
pub(super) struct Written<T> {
    inner: T,
    head: Head,
}

/// How far the head of the request is.
enum Head {
    /// Nothing was written; this target is to be put in.
    Ahead(Bytes),
    /// These bytes stand for the first `taken` ones of what the client writes, and `sent` of them are written.
    Sending { bytes: Vec<u8>, sent: usize, taken: usize },
    /// Bytes pass as they are.
    Done,
}

impl<T: Write + Unpin> Write for Written<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Head::Ahead(target) = &self.head {
            let place = bytes.windows(IN_PLACE.len()).position(|window| window == IN_PLACE);
            let Some(place) = place else {
                return Poll::Ready(Err(io::Error::other("the request's first bytes do not hold its target")));
            };
            let bytes = [&bytes[..place], target].concat();
            self.head = Head::Sending { bytes, sent: 0, taken: place + STAND_IN.len() };
        }
        let Written { inner, head } = &mut *self;
        if let Head::Sending { bytes, sent, taken } = head {
            while *sent < bytes.len() {
                match ready!(Pin::new(&mut *inner).poll_write(context, &bytes[*sent..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => *sent += written,
                }
            }
            let taken = *taken;
            *head = Head::Done;
            return Poll::Ready(Ok(taken));
        }
        Pin::new(inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<T: Read + Unpin> Read for Written<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Connection> Connection for Written<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}
