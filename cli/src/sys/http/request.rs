//! What is asked for: one type for every method.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::HeaderValue;
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
            HttpBody::Bytes(media_type, _) => Some(media_type),
        }
    }

    /// What is sent. The copy of a secret is wiped when the client is through with it; what TLS and the kernel make of it is
    /// theirs.
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            HttpBody::Empty => Bytes::new(),
            HttpBody::Form(form) => Bytes::from_owner(Zeroizing::new(form.expose().to_vec())),
            HttpBody::Bytes(_, bytes) => bytes.clone(),
        }
    }
}

/// The header that carries a token, white space around the token left out; `None` where it holds what no header may have.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let bytes = Zeroizing::new([b"Bearer ", token.expose().trim_ascii()].concat());
    let mut value = HeaderValue::from_bytes(&bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}
