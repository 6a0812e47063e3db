//! Why a bundle is not on a host.

use std::path::PathBuf;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::upload::{Examined, UploadError};
use aileron_verifier::aegis::verify::Outcome;
use aileron_verifier::problem::Class;

use crate::sys::address::Address;
use crate::sys::disk::DiskError;

/// Why a bundle is not on a host. Words of a host are shortened, and the token is taken out of them.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No address that a token may be sent to.
    #[error("{given} cannot be uploaded to: {why}")]
    Address {
        /// What was given.
        given: Address,
        /// Why not.
        why: &'static str,
    },
    /// No token.
    #[error("there is no session token in {}: {why}", .file.display())]
    Token {
        /// Where one was looked for.
        file: PathBuf,
        /// Why it is none.
        why: &'static str,
    },
    /// The bundle or the token cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Over the upload limit; nothing was sent.
    #[error("the {kind} bundle is too large: {size} bytes, and the host takes {limit}; nothing was sent")]
    TooLarge {
        /// Its kind.
        kind: Kind,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The host would refuse it; nothing was sent.
    #[error("a host on {system} would refuse it: {why}; nothing was sent")]
    WouldRefuse {
        /// System and architecture of the host.
        system: String,
        /// Its words.
        why: UploadError,
    },
    /// The host's gate would refuse it; nothing was sent.
    #[error("the host would refuse it: {}; nothing was sent", .0.gate.refusal().unwrap_or_default())]
    Gate(Box<Examined>),
    /// No answer, or not the whole of it.
    #[error("no answer from {url}: {why}")]
    Unanswered {
        /// The host.
        url: Address,
        /// The innermost cause.
        why: String,
    },
    /// The host sends on. The token goes nowhere but where it was sent.
    #[error("{url} sends on (HTTP {status}){}; the bundle and the token were not sent there", .to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default())]
    Redirected {
        /// The host.
        url: Address,
        /// The status.
        status: u16,
        /// Where to.
        to: Option<Address>,
    },
    /// 401.
    #[error("{url} does not accept the session token (HTTP 401: invalid or expired)")]
    Unauthorized {
        /// The host.
        url: Address,
    },
    /// 403.
    #[error("{url} does not let this user upload (HTTP 403{})", words(.said))]
    Forbidden {
        /// The host.
        url: Address,
        /// Its words.
        said: Option<String>,
    },
    /// 404 or 405: no host there, or an older one.
    #[error("{url} has no upload of bundles (HTTP {status})")]
    Absent {
        /// The host.
        url: Address,
        /// The status.
        status: u16,
    },
    /// 429.
    #[error("{url} limits uploads to 10 a minute (HTTP 429); wait {wait} s")]
    Limited {
        /// The host.
        url: Address,
        /// How many seconds.
        wait: u64,
    },
    /// The host's own limit, or that of a proxy before it.
    #[error("{url} takes no bundle of this size{}{}", .limit.map(|limit| format!(": its limit is {limit} bytes")).unwrap_or_default(), if *.by_proxy { " (HTTP 413, by a proxy in front of it)" } else { "" })]
    OverItsLimit {
        /// The host.
        url: Address,
        /// Its limit in bytes, where it says so.
        limit: Option<u64>,
        /// Whether it was not the host that answered.
        by_proxy: bool,
    },
    /// 400: the host looked at the bundle and refuses it.
    #[error("{url} refuses the bundle: {said}")]
    Rejected {
        /// The host.
        url: Address,
        /// Its words.
        said: String,
        /// Whether it would take it with `confirm_unsafe=true`.
        needs_confirm: bool,
    },
    /// The host or what is in front of it is not well.
    #[error("{url} answers HTTP {status}{}", words(.said))]
    Unavailable {
        /// The host.
        url: Address,
        /// The status.
        status: u16,
        /// Its words.
        said: Option<String>,
    },
    /// An answer that no host gives.
    #[error("unexpected response from {url} (HTTP {status}): {what}")]
    Unexpected {
        /// The host.
        url: Address,
        /// The status.
        status: u16,
        /// What came.
        what: String,
    },
}

fn words(said: &Option<String>) -> String {
    said.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
}

impl HostError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            HostError::Address { .. } | HostError::Token { .. } => Class::UsageError,
            HostError::Disk(error) => error.class(),
            HostError::TooLarge { .. } => Class::ValidationError,
            HostError::WouldRefuse { why, .. } => why.class(),
            HostError::Gate(examined) => match examined.verdict.outcome() {
                Outcome::Error(error) => error.class(),
                Outcome::Verified | Outcome::Unverified(_) => Class::SignatureFailure,
            },
            HostError::Unanswered { .. } => Class::Incomplete,
            HostError::Absent { .. } => Class::FetchFailed,
            HostError::Limited { .. } => Class::RateLimited,
            HostError::Rejected { said, needs_confirm, .. } if *needs_confirm || is_about_signature(said) => {
                Class::SignatureFailure
            }
            HostError::Unavailable { .. } if self.is_retriable() => Class::Incomplete,
            HostError::Redirected { .. }
            | HostError::Unauthorized { .. }
            | HostError::Forbidden { .. }
            | HostError::OverItsLimit { .. }
            | HostError::Rejected { .. }
            | HostError::Unavailable { .. }
            | HostError::Unexpected { .. } => Class::PublishFailed,
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user. A host keeps a bundle that it has, so
    /// sending one again does no harm. aegis-bundle.md §2.2, step 19.
    pub fn is_retriable(&self) -> bool {
        match self {
            HostError::Unanswered { .. } | HostError::Limited { .. } => true,
            HostError::Unavailable { status, .. } => matches!(status, 502..=504),
            HostError::Address { .. }
            | HostError::Token { .. }
            | HostError::Disk(_)
            | HostError::TooLarge { .. }
            | HostError::WouldRefuse { .. }
            | HostError::Gate(_)
            | HostError::Redirected { .. }
            | HostError::Unauthorized { .. }
            | HostError::Forbidden { .. }
            | HostError::Absent { .. }
            | HostError::OverItsLimit { .. }
            | HostError::Rejected { .. }
            | HostError::Unexpected { .. } => false,
        }
    }
}

/// The host's texts about signatures. aegis-bundle.md §8.4.
fn is_about_signature(said: &str) -> bool {
    said.contains("signature") || said == "unsigned sideloads are disabled"
}
