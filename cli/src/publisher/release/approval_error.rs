//! Why a proposal was not approved, or an approval not taken. Nothing is signed or published then.

use std::fmt;

use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::proposal::ProposalError;
use aileron_verifier::text::printable_within;

use crate::event::counted;

/// Characters of a differing line that are shown.
const SHOWN: usize = 200;

/// Why a proposal was not approved, or an approval not taken.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// `aileron-pub.toml` wants an approval, and this run would sign in CI.
    #[error("aileron-pub.toml says signing = \"approve\": in CI a release is proposed, not signed")]
    MustBeProposed,
    /// There is nothing to approve.
    #[error("nothing is proposed for {0}")]
    NothingProposed(Ref),
    /// It is too late for an approval.
    #[error("{0} is public already: there is nothing to approve")]
    AlreadyPublic(Ref),
    /// A file of the draft cannot be read as what it should be.
    #[error(transparent)]
    Unreadable(#[from] ProposalError),
    /// What was proposed is not what this machine makes.
    #[error("the proposal is not what this machine makes from the same commit: {}; nothing was signed", counted(.0.len(), "difference"))]
    Differs(Vec<Difference>),
    /// The draft was changed meanwhile.
    #[error("the draft of {0} changed while it was looked at")]
    Changed(Ref),
    /// A person said no.
    #[error("{0} was not approved; nothing was signed")]
    Declined(Ref),
    /// The approval is for something else, or for other bytes.
    #[error("approval.json does not approve this: {why}; nothing was published")]
    Unfit {
        /// What does not fit.
        why: String,
    },
}

/// One thing that was proposed and is otherwise here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What: a file with its line, or a field of the proposal.
    pub what: String,
    /// As it was proposed; made harmless, secrets masked.
    pub proposed: String,
    /// As it is here.
    pub here: String,
}

impl Difference {
    pub(super) fn new(what: impl Into<String>, proposed: impl fmt::Display, here: impl fmt::Display) -> Difference {
        let shown = |value: &dyn fmt::Display| printable_within(&value.to_string(), SHOWN).to_string();
        Difference { what: what.into(), proposed: shown(&proposed), here: shown(&here) }
    }
}

impl ApprovalError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ApprovalError::MustBeProposed => Class::UsageError,
            ApprovalError::NothingProposed(_) | ApprovalError::Changed(_) => Class::Incomplete,
            ApprovalError::Unreadable(error) => error.class(),
            ApprovalError::AlreadyPublic(_) => Class::PublishFailed,
            ApprovalError::Differs(_) | ApprovalError::Unfit { .. } => Class::HashMismatch,
            ApprovalError::Declined(_) => Class::ApprovalDenied,
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            ApprovalError::NothingProposed(_) | ApprovalError::Changed(_) => true,
            ApprovalError::MustBeProposed
            | ApprovalError::AlreadyPublic(_)
            | ApprovalError::Unreadable(_)
            | ApprovalError::Differs(_)
            | ApprovalError::Declined(_)
            | ApprovalError::Unfit { .. } => false,
        }
    }
}
