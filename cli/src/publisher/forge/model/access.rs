//! Who asks, and what they may do.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Whose budget a request is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TokenKind {
    /// A person's token.
    Personal,
    /// A workflow's `GITHUB_TOKEN`.
    Actions,
    /// No token.
    Anonymous,
}

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is.
    pub kind: TokenKind,
    /// What it may do here.
    pub access: Access,
    /// From then on it is refused like a wrong one.
    pub expires: Option<Timestamp>,
}

/// What someone may do in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Access {
    /// The public's view.
    Public,
    /// Sees private repositories; no drafts.
    Read,
    /// Sees drafts, writes contents.
    Write,
}

impl Token {
    /// A person's token that may write contents.
    pub fn personal() -> Token {
        Token { kind: TokenKind::Personal, access: Access::Write, expires: None }
    }

    /// A workflow's token with `contents: write`.
    pub fn actions() -> Token {
        Token { kind: TokenKind::Actions, access: Access::Write, expires: None }
    }

    /// The same token that may only read.
    #[must_use]
    pub fn read_only(self) -> Token {
        Token { access: Access::Read, ..self }
    }

    /// The same token, refused from then on.
    #[must_use]
    pub fn expiring(self, at: Timestamp) -> Token {
        Token { expires: Some(at), ..self }
    }
}

/// The asker of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) kind: TokenKind,
    pub(super) access: Access,
}
