//! One request to a token endpoint: no redirect, a cap, a time. vault.md §11.7, §12.
//!
//! A redirect is an answer like any other that is not 2xx: what is in the form goes nowhere else.

use std::time::Duration;

use aileron_verifier::problem::Class;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use zeroize::Zeroizing;

use super::oauth::{TokenAnswer, TokenError};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::http::{HttpError, Web};

/// Bytes of an answer. vault.md §11.7.
const LIMIT: u64 = 1 << 20;
/// Time for it. vault.md §11.7.
pub const TOTAL: Duration = Duration::from_secs(30);

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It did not answer.
    #[error("the token endpoint did not answer: {0}")]
    Unreachable(#[from] HttpError),
    /// It answered without tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl EndpointError {
    /// The failure class: `oauth_error` where the provider refused, `binding_failed` where it could not be asked.
    pub fn class(&self) -> Class {
        match self {
            EndpointError::Unreachable(_) => Class::BindingFailed,
            EndpointError::Token(_) => Class::OauthError,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            EndpointError::Unreachable(error) => error.is_retriable(),
            EndpointError::Token(error) => error.is_retriable(),
        }
    }
}

/// Sends `form` to `url`; what it gives for it.
///
/// # Errors
/// [`EndpointError`]; never with a part of the answer but a standard error code.
pub fn request(url: &str, form: &Secret, web: &Web) -> Result<TokenAnswer, EndpointError> {
    let scheme = || HttpError::Scheme { url: Address::of(url).to_string() };
    let request = http::Request::post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from_owner(Zeroizing::new(form.expose().to_vec())))
        .map_err(|_| scheme())?;
    let answer = web.exchange(request, LIMIT, TOTAL)?;
    Ok(TokenAnswer::read(answer.status.as_u16(), &Secret::from(answer.body))?)
}
