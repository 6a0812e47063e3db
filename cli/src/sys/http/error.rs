//! Why there are no bytes, and the words for it.

use aileron_verifier::problem::Class;
use http::Method;

use crate::sys::address::redacted;

/// Why there are no bytes. Absent, refused and unreachable are three answers.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The server says it has no such thing: 404 or 410.
    #[error("{method} {url}: HTTP {status}")]
    Absent {
        /// How it was asked for.
        method: Method,
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server answered with another status.
    #[error("{method} {url}: HTTP {status}")]
    Refused {
        /// How it was asked for.
        method: Method,
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server sends on to where this program does not go, or for ever.
    #[error("{method} {url}: {why}")]
    Redirect {
        /// How it was asked for.
        method: Method,
        /// What was asked for.
        url: String,
        /// Where to, or how often.
        why: String,
    },
    /// There was no answer, or it broke off.
    #[error("{method} {url}: {why}")]
    Unreachable {
        /// How it was asked for.
        method: Method,
        /// What was asked for.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The answer is longer than the cap.
    #[error("{method} {url}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// How it was asked for.
        method: Method,
        /// What was asked for.
        url: String,
        /// The cap in bytes.
        limit: u64,
    },
    /// Not a URL that is fetched: https, or http to this machine.
    #[error("{url} is not an https:// URL (http:// is for this machine only)")]
    Scheme {
        /// The URL.
        url: String,
    },
}

impl HttpError {
    /// The failure class: always `fetch_failed`.
    pub fn class(&self) -> Class {
        match self {
            HttpError::Absent { .. }
            | HttpError::Refused { .. }
            | HttpError::Redirect { .. }
            | HttpError::Unreachable { .. }
            | HttpError::TooLarge { .. }
            | HttpError::Scheme { .. } => Class::FetchFailed,
        }
    }

    /// Whether asking again later may help. What a request that is not only a look has done is not known by this.
    pub fn is_retriable(&self) -> bool {
        match self {
            HttpError::Refused { status, .. } => *status == 429 || *status >= 500,
            HttpError::Unreachable { .. } => true,
            HttpError::Absent { .. }
            | HttpError::Redirect { .. }
            | HttpError::TooLarge { .. }
            | HttpError::Scheme { .. } => false,
        }
    }
}

impl HttpError {
    /// What went wrong without what was asked, for a caller that says that itself.
    pub(crate) fn into_cause(self) -> String {
        match self {
            HttpError::Absent { status, .. } | HttpError::Refused { status, .. } => format!("HTTP {status}"),
            HttpError::Redirect { why, .. } | HttpError::Unreachable { why, .. } => why,
            HttpError::TooLarge { limit, .. } => format!("the answer is longer than {limit} bytes"),
            scheme @ HttpError::Scheme { .. } => scheme.to_string(),
        }
    }
}

/// What was asked, as messages show it.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: String,
}

impl Asked {
    pub(super) fn absent(self, status: u16) -> HttpError {
        HttpError::Absent { method: self.method, url: self.url, status }
    }

    pub(super) fn refused(self, status: u16) -> HttpError {
        HttpError::Refused { method: self.method, url: self.url, status }
    }

    pub(super) fn redirect(self, why: String) -> HttpError {
        HttpError::Redirect { method: self.method, url: self.url, why }
    }

    pub(super) fn unreachable(self, why: impl Into<String>) -> HttpError {
        HttpError::Unreachable { method: self.method, url: self.url, why: why.into() }
    }

    pub(super) fn timed_out(self) -> HttpError {
        self.unreachable("timed out")
    }

    pub(super) fn too_large(self, limit: u64) -> HttpError {
        HttpError::TooLarge { method: self.method, url: self.url, limit }
    }

    pub(super) fn failed(self, error: &reqwest::Error) -> HttpError {
        if error.is_timeout() { self.timed_out() } else { self.unreachable(plainly(&innermost(error))) }
    }
}

/// The few causes whose own words say nothing to a person.
fn plainly(cause: &str) -> String {
    match cause {
        "operation timed out" => "timed out".to_owned(),
        "end of file before message length reached" | "connection closed before message completed" => {
            "the connection ended before the whole answer had come".to_owned()
        }
        "UnknownIssuer" | "invalid peer certificate: UnknownIssuer" => {
            "the server's certificate is by an issuer this machine does not know (SSL_CERT_FILE names others)"
                .to_owned()
        }
        other => other.to_owned(),
    }
}

/// The cause a person can act on is at the end of the chain: "connection refused", "no such host". An address in it is shown
/// as an [`Address`](crate::sys::address::Address) is.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    redacted(&cause.to_string(), &[])
}
