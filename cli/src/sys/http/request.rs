//! What is asked for: one type for every method.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::HeaderValue;
use hyper::body::{Body, Frame, SizeHint};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What is asked for.
#[derive(Clone)]
pub struct HttpRequest<'a> {
    /// How: a `GET` unless said otherwise.
    pub method: Method,
    /// The address.
    pub url: &'a str,
    /// Sent to the address's own origin only; a redirect elsewhere goes without it. artifacts.md §10.
    pub token: Option<&'a Secret>,
    /// The form of answer that is wanted.
    pub accept: &'a str,
    /// What goes with it.
    pub body: HttpBody<'a>,
    /// Most bytes of the answer.
    pub limit: u64,
    /// Most time for all of it.
    pub total: Duration,
}

/// What goes with a request.
#[derive(Clone)]
pub enum HttpBody<'a> {
    /// Nothing.
    Empty,
    /// A form, encoded already (`application/x-www-form-urlencoded`): what OAuth's token endpoints take, secrets among it.
    Form(&'a Secret),
    /// Bytes of this media type that are no secret.
    Bytes(&'a str, Bytes),
    /// The same in pieces, which are sent one after the other as the connection takes them: a large file between two lines of a
    /// form is not copied to be one text with them.
    Pieces(&'a str, &'a [Bytes]),
}

impl<'a> HttpRequest<'a> {
    /// A public file.
    pub fn public(url: &'a str, limit: u64, total: Duration) -> HttpRequest<'a> {
        let (method, body) = (Method::GET, HttpBody::Empty);
        HttpRequest { method, url, token: None, accept: "*/*", body, limit, total }
    }

    /// A form that is posted; the answer is a document.
    pub fn form(url: &'a str, form: &'a Secret, limit: u64, total: Duration) -> HttpRequest<'a> {
        let (method, body) = (Method::POST, HttpBody::Form(form));
        HttpRequest { method, url, token: None, accept: "application/json", body, limit, total }
    }
}

impl HttpBody<'_> {
    /// The media type, where there is a body.
    pub(super) fn media_type(&self) -> Option<&str> {
        match self {
            HttpBody::Empty => None,
            HttpBody::Form(_) => Some("application/x-www-form-urlencoded"),
            HttpBody::Bytes(media_type, _) | HttpBody::Pieces(media_type, _) => Some(media_type),
        }
    }

    /// What is sent. The copy of a secret is wiped when the client is through with it; what TLS and the kernel make of it is
    /// theirs.
    pub(super) fn pieces(&self) -> Pieces {
        match self {
            HttpBody::Empty => Pieces::default(),
            HttpBody::Form(form) => Bytes::from_owner(Zeroizing::new(form.expose().to_vec())).into(),
            HttpBody::Bytes(_, bytes) => bytes.clone().into(),
            HttpBody::Pieces(_, pieces) => Pieces(pieces.iter().filter(|piece| !piece.is_empty()).cloned().collect()),
        }
    }
}

/// What is still to be sent: pieces in their order, none of them empty. Its length is known, so it is told.
#[derive(Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Pieces {
        Pieces(Some(bytes).into_iter().filter(|bytes| !bytes.is_empty()).collect())
    }
}

/// One piece stays what the client may send again on another connection; several are streamed.
impl From<Pieces> for reqwest::Body {
    fn from(mut pieces: Pieces) -> reqwest::Body {
        if pieces.0.len() > 1 { reqwest::Body::wrap(pieces) } else { pieces.0.pop_front().unwrap_or_default().into() }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// The header that carries a token, white space around the token left out; `None` where it holds what no header may have.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let bytes = Zeroizing::new([b"Bearer ", token.expose().trim_ascii()].concat());
    let mut value = HeaderValue::from_bytes(&bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}
