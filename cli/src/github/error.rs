//! Why the API was not asked, or did not do what it was asked.

use aileron_verifier::problem::Class;

use super::classify::ApiRefusal;
use crate::sys::disk::DiskError;

/// Why the API was not asked, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// GitHub's answer is no document, or there was none.
    #[error("{asked}: {why}")]
    Refused {
        /// What was asked: `GET https://…`.
        asked: String,
        /// What the answer means.
        why: ApiRefusal,
    },
    /// There is no token that could be sent.
    #[error("there is no token that could be sent")]
    NoToken,
    /// Not an address that a token is sent to.
    #[error("{0} is not an https:// address (http:// is for this machine only)")]
    BadAddress(String),
    /// GitHub names an address that is not its own, and the token would go there.
    #[error("{asked}: the token is not sent to this address: it {fault} (the API is {api})")]
    TokenElsewhere {
        /// What was to be asked.
        asked: String,
        /// What is wrong with the address, in words.
        fault: String,
        /// The API's address.
        api: String,
    },
    /// The next request may leave later than this run waits.
    #[error("the next request has to wait until {until} ({why}), which is longer than this run waits")]
    Paused {
        /// Clock time.
        until: String,
        /// The limit.
        why: String,
    },
    /// The user interrupted a wait.
    #[error("interrupted")]
    Interrupted,
    /// What was to be asked, or came of it, could not be written down.
    #[error(transparent)]
    Log(#[from] DiskError),
}

impl ApiError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ApiError::Refused { why, .. } => why.class(),
            ApiError::NoToken | ApiError::BadAddress(_) => Class::UsageError,
            ApiError::TokenElsewhere { .. } => Class::PublishFailed,
            ApiError::Paused { .. } | ApiError::Interrupted => Class::Incomplete,
            // What cannot be written down is not done.
            ApiError::Log(_) => Class::StoreUnwritable,
        }
    }

    /// Whether asking again later may help, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            ApiError::Refused { why, .. } => why.is_retriable(),
            ApiError::Paused { .. } | ApiError::Interrupted => true,
            ApiError::NoToken | ApiError::BadAddress(_) | ApiError::TokenElsewhere { .. } => false,
            ApiError::Log(error) => error.is_retriable(),
        }
    }

    /// There was no answer that says anything about the request.
    pub(super) fn unreachable(asked: impl Into<String>, why: impl Into<String>) -> ApiError {
        ApiError::Refused { asked: asked.into(), why: ApiRefusal::Unreachable(why.into()) }
    }

    /// The same, with what it was about.
    #[must_use]
    pub fn about(self, what: impl std::fmt::Display) -> ApiError {
        match self {
            ApiError::Refused { asked, why } => ApiError::Refused { asked: format!("{asked} {what}"), why },
            other => other,
        }
    }
}

/// `None` where GitHub says that there is no such thing, or shows it not to this token.
///
/// # Errors
/// Every other one.
pub fn if_there<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Err(ApiError::Refused { why: ApiRefusal::Absent, .. }) => Ok(None),
        answer => answer.map(Some),
    }
}
