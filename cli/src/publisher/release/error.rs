//! Why a release stopped. Nothing is lost: the same command continues.

use std::path::PathBuf;

use aileron_verifier::artifact::module::{ModuleFault, NotAModule};
use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::statement::StatementError;
use aileron_verifier::trust::key::Fingerprint;

use super::approval_error::ApprovalError;
use super::missing::Conflict;
use crate::event::counted;
use crate::publisher::build::BuildError;
use crate::publisher::forge::ForgeError;
use crate::publisher::lint::Findings;
use crate::publisher::project::LoadError;
use crate::publisher::sign::KeyError;
use crate::publisher::source::SourceError;
use crate::sys::disk::DiskError;
use crate::sys::git::GitError;

/// Why a release stopped, by step.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is nothing to release here.
    #[error(transparent)]
    Load(LoadError),
    /// A release needs a commit.
    #[error(transparent)]
    History(GitError),
    /// The repository breaks rules.
    #[error("{} this release", stops(.0.errors().count()))]
    Check(Box<Findings>),
    /// The work tree is not what the commit says.
    #[error("the work tree differs from commit {commit}: {}", listed(.changes))]
    Dirty {
        /// HEAD.
        commit: String,
        /// Changed and untracked paths.
        changes: Vec<String>,
    },
    /// A tag of the cohort names another commit.
    #[error("tag {tag} points at commit {found}, the release is made from {commit}")]
    TagElsewhere {
        /// The tag.
        tag: String,
        /// The commit it peels to.
        found: String,
        /// HEAD.
        commit: String,
    },
    /// A client secret is wanted and none is given.
    #[error("the manifest wants a client secret and none is set; looked at {}", .looked_at.join(", "))]
    NoClientSecret {
        /// Variables and files that were looked at.
        looked_at: Vec<String>,
    },
    /// A client secret is given and no field wants one.
    #[error("{0} gives a client secret, but no field of the manifest wants one")]
    UnwantedClientSecret(&'static str),
    /// The client secret is not text.
    #[error("the client secret from {0} is not UTF-8, so it cannot stand in a TOML string")]
    ClientSecretNotText(String),
    /// The client secret cannot be meant as it is.
    #[error("the client secret from {origin} is not usable: {why}")]
    BadClientSecret {
        /// The variable or file.
        origin: String,
        /// What is wrong; never the value.
        why: &'static str,
    },
    /// A placeholder would be published.
    #[error("{} this release: a placeholder would be published", stops(.0.errors().count()))]
    Leftovers(Box<Findings>),
    /// The toolchain failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What was built is no module.
    #[error("the built module is not usable: {0}")]
    NotAModule(#[from] NotAModule),
    /// What was built is no connector.
    #[error("the built module is not a connector: {}", .0.first().map_or("", |fault| &fault.message))]
    NotAConnector(Vec<ModuleFault>),
    /// The signing key could not be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No public key is committed.
    #[error("there is no keys/publisher.pub: consumers could not verify what you sign")]
    NoPublisherKey,
    /// The signing key is not the committed one.
    #[error("the signing key is {signing}, keys/publisher.pub is {committed}")]
    WrongKey {
        /// Fingerprint of the key that would sign.
        signing: Fingerprint,
        /// Fingerprint of the committed key.
        committed: Fingerprint,
    },
    /// The installer's own verdict refuses an archive that was just made.
    #[error("{reference} would be refused by every installer: {cause}")]
    Refused {
        /// Which archive.
        reference: Ref,
        /// Why.
        #[source]
        cause: VerifyError,
    },
    /// The installer's own verdict refuses the index that was just made, or the one that consumers get.
    #[error("{reference} would be refused by every installer: {cause}")]
    IndexRefused {
        /// Whose index.
        reference: Ref,
        /// Why.
        #[source]
        cause: StatementError,
    },
    /// Other bytes are published already.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The forge could not be asked, or a write failed.
    #[error("{cause}{}", progress(*.done, *.of))]
    Forge {
        /// Why.
        #[source]
        cause: ForgeError,
        /// Writes that were done.
        done: usize,
        /// Writes that were planned.
        of: usize,
    },
    /// Something stands under a tag that is nothing this tool made.
    #[error("{tag}: {why}; nothing was built or written")]
    Unknown {
        /// The tag.
        tag: String,
        /// What is there.
        why: String,
    },
    /// A proposal was not approved, or an approval not taken.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// Something of the user's could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What consumers would fetch is not what was published.
    #[error("{tag} as consumers fetch it is {found}; {published} was published")]
    Differs {
        /// The tag.
        tag: String,
        /// Digest of what was published.
        published: ArchiveDigest,
        /// Digest of what was fetched, or "absent".
        found: String,
    },
    /// The user interrupted.
    #[error("interrupted{}", progress(*.done, *.of))]
    Interrupted {
        /// Writes that were done.
        done: usize,
        /// Writes that were planned; 0 before there was a plan.
        of: usize,
    },
}

impl From<LoadError> for ReleaseError {
    fn from(error: LoadError) -> ReleaseError {
        match error {
            LoadError::Git(error) => ReleaseError::History(error),
            error => ReleaseError::Load(error),
        }
    }
}

impl From<SourceError> for ReleaseError {
    fn from(error: SourceError) -> ReleaseError {
        LoadError::from(error).into()
    }
}

impl ReleaseError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ReleaseError::Load(error) => error.class(),
            ReleaseError::History(error) => error.class(),
            ReleaseError::Check(findings) | ReleaseError::Leftovers(findings) => findings.class(),
            ReleaseError::Dirty { .. }
            | ReleaseError::NoClientSecret { .. }
            | ReleaseError::ClientSecretNotText(_)
            | ReleaseError::BadClientSecret { .. }
            | ReleaseError::NoPublisherKey => Class::ValidationError,
            ReleaseError::UnwantedClientSecret(_) => Class::UsageError,
            ReleaseError::Build(error) => error.class(),
            ReleaseError::NotAModule(_) | ReleaseError::NotAConnector(_) => Class::BuildFailed,
            ReleaseError::Key(error) => error.class(),
            ReleaseError::WrongKey { .. } => Class::SignatureFailure,
            ReleaseError::Refused { cause, .. } => cause.class(),
            ReleaseError::IndexRefused { cause, .. } => cause.class(),
            ReleaseError::Conflict(conflict) => conflict.class(),
            ReleaseError::Forge { cause, .. } => cause.class(),
            ReleaseError::TagElsewhere { .. } | ReleaseError::Differs { .. } | ReleaseError::Unknown { .. } => {
                Class::PublishFailed
            }
            ReleaseError::Approval(error) => error.class(),
            ReleaseError::Disk(error) => error.class(),
            ReleaseError::Interrupted { .. } => Class::Incomplete,
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            ReleaseError::Load(error) => error.is_retriable(),
            ReleaseError::History(error) => error.is_retriable(),
            ReleaseError::Build(error) => error.is_retriable(),
            ReleaseError::Key(error) => error.is_retriable(),
            ReleaseError::Conflict(conflict) => conflict.is_retriable(),
            ReleaseError::Forge { cause, .. } => cause.is_retriable(),
            ReleaseError::Approval(error) => error.is_retriable(),
            ReleaseError::Disk(error) => error.is_retriable(),
            ReleaseError::Interrupted { .. } => true,
            ReleaseError::Check(_)
            | ReleaseError::Leftovers(_)
            | ReleaseError::Dirty { .. }
            | ReleaseError::TagElsewhere { .. }
            | ReleaseError::NoClientSecret { .. }
            | ReleaseError::UnwantedClientSecret(_)
            | ReleaseError::ClientSecretNotText(_)
            | ReleaseError::BadClientSecret { .. }
            | ReleaseError::NotAModule(_)
            | ReleaseError::NotAConnector(_)
            | ReleaseError::NoPublisherKey
            | ReleaseError::WrongKey { .. }
            | ReleaseError::Refused { .. }
            | ReleaseError::IndexRefused { .. }
            | ReleaseError::Unknown { .. }
            | ReleaseError::Differs { .. } => false,
        }
    }
}

/// `1 problem stops`, `2 problems stop`.
pub(crate) fn stops(problems: usize) -> String {
    format!("{} {}", counted(problems, "problem"), if problems == 1 { "stops" } else { "stop" })
}

fn listed(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if paths.len() > SHOWN { format!(" and {} more", paths.len() - SHOWN) } else { String::new() };
    format!("{}{more}", paths.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn progress(done: usize, of: usize) -> String {
    if of == 0 { "; nothing was written".to_owned() } else { format!(" after {done} of {of} writes") }
}

/// A path given on the command line that holds nothing usable.
pub(super) fn named(path: &std::path::Path) -> String {
    PathBuf::from(path).display().to_string()
}
