//! Why nothing was installed: each reason with its class.

use std::collections::BTreeSet;

use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::{self, Class, Problem, Rule, Source};
use aileron_verifier::statement::StatementError;
use aileron_verifier::trust::key::Fingerprint;

use crate::consumer::fetch::origin::FetchError;
use crate::consumer::trust::prompt::AskError;
use crate::consumer::trust::succession::Divergence;
use crate::consumer::verify::VerificationError;
use crate::store::{Pinned, StoreError};
use crate::sys::disk::DiskError;

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No bytes.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A release without a signed index. What it would list is not known, and nothing unsigned stands in for it.
    #[error("the release of {0} has no signed index (cohort.json), so what belongs to it is not known")]
    NoIndex(Ref),
    /// The artifact was refused.
    #[error("{why}")]
    Refused {
        /// What was asked for: a Ref or a path.
        what: String,
        /// The verdict.
        why: VerifyError,
        /// What the publisher's published key says about a failed signature.
        divergence: Option<Box<Divergence>>,
    },
    /// The signed index of a release was refused.
    #[error("{why}")]
    Index {
        /// Whose release.
        connector: Ref,
        /// The verdict.
        why: StatementError,
        /// What the publisher's published key says about a failed signature.
        divergence: Option<Box<Divergence>>,
    },
    /// Signed by a trusted key that its publisher has revoked.
    #[error("{reference} is signed by {key}, which its publisher has revoked")]
    Revoked {
        /// What was to be installed.
        reference: Ref,
        /// The key.
        key: Fingerprint,
        /// The key that signed the revocation: the same, or a successor.
        by: Fingerprint,
    },
    /// The publisher is not trusted.
    #[error(transparent)]
    Trust(#[from] AskError),
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The action breaks input rules, and existing runtimes refuse it.
    #[error("{reference} breaks {} that an installer does not pass over", crate::event::counted(.problems.len(), "rule"))]
    Rules {
        /// The action.
        reference: Ref,
        /// What it breaks.
        problems: Vec<Problem>,
        /// Its text.
        text: Source,
    },
    /// Not there yet, or not what the release's signed index lists.
    #[error(transparent)]
    Judged(VerificationError),
    /// The connector an action pins is installed under that name and version with other content.
    #[error("{action} pins {} with content {}, but content {installed} is installed", .needs.reference, .needs.content)]
    OtherPin {
        /// The action.
        action: Ref,
        /// What it pins.
        needs: Box<Pinned>,
        /// What is installed.
        installed: ContentHash,
    },
    /// The connector an action pins is not installed, and could not be installed in this run.
    #[error("{action} needs {} with content {}, which cannot be installed: {why}", .needs.reference, .needs.content)]
    ConnectorMissing {
        /// The action.
        action: Ref,
        /// What it pins.
        needs: Box<Pinned>,
        /// What came of fetching it.
        why: Box<InstallError>,
    },
    /// Two actions of one run want the same file.
    #[error("{first} and {second} have the same name, and a name belongs to one action")]
    SameName {
        /// One of them.
        first: Ref,
        /// The other.
        second: Ref,
    },
    /// A suite as publishers commit it: it names directories, and no version.
    #[error("{} lists the directories of a repository, not published actions", .0)]
    RepositorySuite(String),
    /// A suite file that cannot be read as one.
    #[error("{}", .problems.first().map_or("not a suite", |problem| &problem.message))]
    Suite {
        /// What is wrong.
        problems: Vec<Problem>,
        /// How many more problems there are.
        more: usize,
        /// Its text.
        text: Source,
    },
    /// Several artifacts of one run were refused, or could not be had.
    #[error("{first}")]
    Several {
        /// The first of them.
        first: Box<InstallError>,
        /// One line for each.
        all: Vec<String>,
        /// Every rule that any of them breaks and that can be allowed.
        rules: BTreeSet<&'static Rule>,
    },
}

impl InstallError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            InstallError::Fetch(error) => error.class(),
            InstallError::Refused { why, .. } => why.class(),
            InstallError::Index { why, .. } => why.class(),
            InstallError::Trust(error) => error.class(),
            InstallError::Store(error) => error.class(),
            InstallError::Disk(error) => error.class(),
            InstallError::NoIndex(_) => Class::FetchFailed,
            InstallError::Revoked { .. } => Class::SignatureFailure,
            InstallError::Rules { .. } | InstallError::SameName { .. } | InstallError::RepositorySuite(_) => {
                Class::ValidationError
            }
            InstallError::Judged(error) => error.class(),
            InstallError::OtherPin { .. } | InstallError::ConnectorMissing { .. } => Class::ConnectorsMissing,
            InstallError::Suite { problems, .. } => problem::class_of(problems),
            InstallError::Several { first, .. } => first.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            InstallError::Fetch(error) => error.is_retriable(),
            InstallError::Judged(error) => error.is_retriable(),
            InstallError::Several { first, .. } => first.is_retriable(),
            InstallError::Trust(error) => error.is_retriable(),
            InstallError::Store(error) => error.is_retriable(),
            InstallError::Disk(error) => error.is_retriable(),
            InstallError::NoIndex(_)
            | InstallError::Revoked { .. }
            | InstallError::Refused { .. }
            | InstallError::Index { .. }
            | InstallError::Rules { .. }
            | InstallError::OtherPin { .. }
            | InstallError::ConnectorMissing { .. }
            | InstallError::SameName { .. }
            | InstallError::RepositorySuite(_)
            | InstallError::Suite { .. } => false,
        }
    }

    /// The rules an action breaks and an installer can allow.
    pub fn rules(&self) -> BTreeSet<&'static Rule> {
        match self {
            InstallError::Rules { problems, .. } => problems.iter().map(|problem| problem.rule).collect(),
            InstallError::Several { rules, .. } => rules.clone(),
            _ => BTreeSet::new(),
        }
    }
}
