//! Why a forge could not be asked or written to. Nothing that was there before is lost by any of these.

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;

use crate::github::{ApiError, ApiRefusal, Lack};
use crate::sys::disk::DiskError;

/// Why a forge could not be asked or written. Absent, refused and unreachable are three things; absent is a [`TagState`].
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process is publishing to the same place.
    #[error("another release is writing to {0}")]
    Busy(String),
    /// Something stands where a release's files belong.
    #[error("{path} is not a file this tool wrote: {why}")]
    Foreign {
        /// The path.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// There is no token to write with.
    #[error("no GitHub token: none in --token-file, GH_TOKEN, GITHUB_TOKEN or `gh auth token` that could be sent")]
    NoToken,
    /// Not an address that a token is sent to.
    #[error("{0} is not an https:// address (http:// is for this machine only)")]
    BadAddress(String),
    /// The token is wrong, was revoked, or has expired.
    #[error("{asked}: GitHub does not accept the token: {why}")]
    BadToken {
        /// What was asked.
        asked: String,
        /// GitHub's words.
        why: String,
    },
    /// The token may read, and not write.
    #[error("the token may not write contents of {repository}")]
    ReadOnly {
        /// `owner/name`.
        repository: String,
    },
    /// It is read-only for every token.
    #[error("{repository} is archived on GitHub: nothing can be published there")]
    Archived {
        /// `owner/name`.
        repository: String,
    },
    /// This token may not make a tag at a commit whose workflows differ from the default branch's; that they differ was seen.
    #[error(
        "commit {commit} has other files in .github/workflows than the default branch, and {whose} may not tag such a commit"
    )]
    Workflows {
        /// The release's commit.
        commit: String,
        /// Which kind of token, in words.
        whose: &'static str,
    },
    /// A tag git would not take.
    #[error("{tag} is not a valid git tag name: {why}")]
    BadTag {
        /// The tag.
        tag: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An immutable release had this tag.
    #[error("tag {tag} belonged to an immutable release that was deleted; GitHub never gives the name out again")]
    Burned {
        /// The tag.
        tag: String,
    },
    /// A draft of this run is gone.
    #[error("the draft of {tag} no longer exists: someone deleted it")]
    DraftGone {
        /// The release's tag.
        tag: String,
    },
    /// A draft under a tag of this run holds what this tool did not put there.
    #[error("{tag}: {why}")]
    DraftOfOthers {
        /// The tag.
        tag: String,
        /// What it holds, and where it is.
        why: String,
    },
    /// Another release was published under a tag of this run.
    #[error("{tag}: {why}")]
    Overtaken {
        /// The tag.
        tag: String,
        /// What is there, and what this release has.
        why: String,
    },
    /// The repository answers from another address.
    #[error("{asked}: GitHub has moved the repository: it was renamed or transferred")]
    Moved {
        /// What was asked.
        asked: String,
    },
    /// The repository is not there, or not for this token.
    #[error("repository {repository} not found, or this token cannot see it")]
    NoRepository {
        /// `owner/name`.
        repository: String,
    },
    /// The repository is spelled otherwise, or was renamed.
    #[error("the manifest names {wanted}, GitHub calls the repository {}", printable(.found))]
    OtherName {
        /// `owner/name` of the connector.
        wanted: String,
        /// GitHub's spelling.
        found: String,
    },
    /// The commit was not pushed.
    #[error("GitHub does not know commit {commit}")]
    NotPushed {
        /// HEAD.
        commit: String,
    },
    /// A tag of the cohort names another commit there.
    #[error("tag {tag} points at {} on GitHub, the release is made from commit {wanted}", printable(.found))]
    TagElsewhere {
        /// The tag.
        tag: String,
        /// What it peels to, with its kind: `commit 1f2e…`, `tree 9a8b…`.
        found: String,
        /// The release's commit.
        wanted: String,
    },
    /// The token may not do this.
    #[error("{asked}: the token lacks {lacks}: {why}")]
    Forbidden {
        /// What was asked.
        asked: String,
        /// GitHub's words.
        why: String,
        /// What it lacks.
        lacks: Lack,
    },
    /// The forge names an address that is not its own, and the token would go there.
    #[error("{asked}: the token is not sent to this address: it {fault} (the API is {api})")]
    TokenElsewhere {
        /// What was to be asked.
        asked: String,
        /// What is wrong with the address, in words.
        fault: String,
        /// The API's address.
        api: String,
    },
    /// The forge says no.
    #[error("{asked}: {why}")]
    Refused {
        /// What was asked.
        asked: String,
        /// The forge's words.
        why: String,
    },
    /// Somebody else made something of that name meanwhile.
    #[error("{asked}: {why}")]
    Taken {
        /// What was asked.
        asked: String,
        /// The forge's words.
        why: String,
    },
    /// There was no answer, or it broke off.
    #[error("{asked}: {why}")]
    Unreachable {
        /// What was asked.
        asked: String,
        /// The innermost cause.
        why: String,
    },
    /// The next write may leave later than this run waits.
    #[error("the next request has to wait until {until} ({why}): stopped because of --max-wait")]
    Paused {
        /// Clock time.
        until: String,
        /// The limit.
        why: String,
    },
    /// The user interrupted a wait.
    #[error("interrupted")]
    Interrupted,
}

impl ForgeError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            // The place is to be written: one that cannot even be looked at cannot be.
            ForgeError::Disk(_) => Class::StoreUnwritable,
            ForgeError::NoToken | ForgeError::BadAddress(_) => Class::UsageError,
            ForgeError::Unreachable { .. }
            | ForgeError::Paused { .. }
            | ForgeError::DraftGone { .. }
            | ForgeError::Interrupted => Class::Incomplete,
            ForgeError::BadToken { .. }
            | ForgeError::ReadOnly { .. }
            | ForgeError::Archived { .. }
            | ForgeError::Workflows { .. }
            | ForgeError::BadTag { .. }
            | ForgeError::Burned { .. }
            | ForgeError::Overtaken { .. }
            | ForgeError::Moved { .. }
            | ForgeError::Busy(_)
            | ForgeError::Foreign { .. }
            | ForgeError::NoRepository { .. }
            | ForgeError::OtherName { .. }
            | ForgeError::NotPushed { .. }
            | ForgeError::TagElsewhere { .. }
            | ForgeError::Forbidden { .. }
            | ForgeError::TokenElsewhere { .. }
            | ForgeError::DraftOfOthers { .. }
            | ForgeError::Refused { .. }
            | ForgeError::Taken { .. } => Class::PublishFailed,
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            ForgeError::Disk(error) => error.is_retriable(),
            ForgeError::Unreachable { .. }
            | ForgeError::Paused { .. }
            | ForgeError::DraftGone { .. }
            | ForgeError::Busy(_)
            | ForgeError::Interrupted => true,
            ForgeError::NoToken
            | ForgeError::BadAddress(_)
            | ForgeError::BadToken { .. }
            | ForgeError::ReadOnly { .. }
            | ForgeError::Archived { .. }
            | ForgeError::Workflows { .. }
            | ForgeError::BadTag { .. }
            | ForgeError::Burned { .. }
            | ForgeError::Overtaken { .. }
            | ForgeError::Moved { .. }
            | ForgeError::Foreign { .. }
            | ForgeError::NoRepository { .. }
            | ForgeError::OtherName { .. }
            | ForgeError::NotPushed { .. }
            | ForgeError::TagElsewhere { .. }
            | ForgeError::Forbidden { .. }
            | ForgeError::TokenElsewhere { .. }
            | ForgeError::DraftOfOthers { .. }
            | ForgeError::Refused { .. }
            | ForgeError::Taken { .. } => false,
        }
    }
}

impl From<ApiError> for ForgeError {
    fn from(error: ApiError) -> ForgeError {
        match error {
            ApiError::Refused { asked, why } => refused(asked, why),
            ApiError::NoToken => ForgeError::NoToken,
            ApiError::BadAddress(address) => ForgeError::BadAddress(address),
            ApiError::TokenElsewhere { asked, fault, api } => ForgeError::TokenElsewhere { asked, fault, api },
            ApiError::Paused { until, why } => ForgeError::Paused { until, why },
            ApiError::Interrupted => ForgeError::Interrupted,
            ApiError::Log(error) => ForgeError::Disk(error),
        }
    }
}

/// The forge's error for an answer that is no document.
fn refused(asked: String, why: ApiRefusal) -> ForgeError {
    let said = why.to_string();
    match why {
        ApiRefusal::Absent | ApiRefusal::Refused(_) | ApiRefusal::Burned(_) => ForgeError::Refused { asked, why: said },
        ApiRefusal::Forbidden { why, lacks } => ForgeError::Forbidden { asked, why, lacks },
        ApiRefusal::BadToken(why) => ForgeError::BadToken { asked, why },
        ApiRefusal::Moved(_) => ForgeError::Moved { asked },
        ApiRefusal::Conflict(why) => ForgeError::Taken { asked, why },
        ApiRefusal::Unreachable(_) | ApiRefusal::Unavailable(..) | ApiRefusal::Limited(_) => {
            ForgeError::Unreachable { asked, why: said }
        }
    }
}
