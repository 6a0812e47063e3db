//! From a client to its first tokens: the user's browser, the listener it comes back to, one request. vault.md §11.
//!
//! ```text
//! Listener (bound) ─► Authorization { url } ─► shown to the user ─► wait: the browser, or a pasted address ─► code
//!   ─► one POST to the token endpoint: no redirect, a cap, a time ─► TokenAnswer
//! ```
//!
//! Not here: who is asked, where tokens are kept.

use std::sync::atomic::AtomicBool;

use aileron_verifier::problem::Class;
use zeroize::Zeroizing;

use super::listener::{Listener, Pasted, WaitError};
use super::oauth::callback::CallbackError;
use super::oauth::{Authorization, Client, Purpose, TokenAnswer, TokenError};
use super::token_endpoint::{self, EndpointError};
use crate::sys::http::{HttpError, Web};

/// Why there are no tokens. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The system has no random bytes.
    #[error("cannot authorize: no random bytes from the system: {0}")]
    Random(getrandom::Error),
    /// The browser did not come back.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The provider, or the user there, said no.
    #[error("OAuth callback error: {0}")]
    Callback(#[from] CallbackError),
    /// The token endpoint did not answer.
    #[error("the token endpoint did not answer: {0}")]
    Unreachable(#[from] HttpError),
    /// It answered without tokens.
    #[error("token exchange failed: {0}")]
    Token(#[from] TokenError),
}

impl AuthorizeError {
    /// The failure class: `oauth_error` where the provider refused, `binding_failed` otherwise. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            AuthorizeError::Callback(_) | AuthorizeError::Token(_) => Class::OauthError,
            AuthorizeError::Random(_) | AuthorizeError::Wait(_) | AuthorizeError::Unreachable(_) => {
                Class::BindingFailed
            }
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            AuthorizeError::Wait(_) => true,
            AuthorizeError::Unreachable(error) => error.is_retriable(),
            AuthorizeError::Random(_) | AuthorizeError::Callback(_) | AuthorizeError::Token(_) => false,
        }
    }
}

impl From<EndpointError> for AuthorizeError {
    fn from(error: EndpointError) -> AuthorizeError {
        match error {
            EndpointError::Unreachable(error) => AuthorizeError::Unreachable(error),
            EndpointError::Token(error) => AuthorizeError::Token(error),
        }
    }
}

/// Sends the user to the provider and takes the tokens that come of it. `show` is given the address to visit.
///
/// # Errors
/// [`AuthorizeError`], without a code, a verifier, a token or a part of the provider's answer but its error code.
pub fn authorize(
    client: &Client,
    purpose: Purpose,
    listener: Listener,
    pasted: Option<&Pasted<'_>>,
    show: impl FnOnce(&str),
    (web, stop): (&Web, &AtomicBool),
) -> Result<TokenAnswer, AuthorizeError> {
    let mut random = Zeroizing::new([[0; 32]; 2]);
    for bytes in random.iter_mut() {
        getrandom::fill(bytes).map_err(AuthorizeError::Random)?;
    }
    let redirect_uri = listener.redirect_uri();
    let authorization = Authorization::start(client, &redirect_uri, purpose, [&random[0], &random[1]]);
    show(&authorization.url);
    let code = listener.wait(&authorization.state, pasted, stop)??;
    let form = client.exchange(&code, &authorization.verifier, &redirect_uri);
    Ok(token_endpoint::request(&client.token_url, &form, web)?)
}
