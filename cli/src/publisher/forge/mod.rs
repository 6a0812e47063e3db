//! Where a cohort is published: a forge that is observed, then written to.
//!
//! The vocabulary is GitHub's (drafts that hold assets, tags that appear when a draft is published), because that is the
//! harder case; a directory plays it with a staging area and renames. A forge makes no decisions: `release/plan` decides
//! from what [`Forge::observe`] saw, and each [`Write`] is repeatable.
//!
//! [`model`] is GitHub itself as a pure state machine: what rehearsals publish into, and what the test kit serves.

pub mod directory;
pub mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use aileron_verifier::cohort::Cohort;
use aileron_verifier::digest::ArchiveDigest;
use aileron_verifier::fqn::{Fqn, Ref};
use aileron_verifier::version::Tag;

use crate::sys::disk::DiskError;

/// A file on a release.
#[derive(Clone)]
pub struct Asset {
    /// `aileron.tar.gz`, `cohort.json`, …
    pub name: &'static str,
    /// Its exact bytes.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub digest: ArchiveDigest,
}

impl Asset {
    /// Digests the bytes.
    pub fn new(name: &'static str, bytes: Vec<u8>) -> Asset {
        let digest = ArchiveDigest::of(&[&bytes]);
        Asset { name, bytes: bytes.into(), digest }
    }
}

/// What stands under one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// Assets that no consumer can see yet.
    Draft(BTreeMap<String, ArchiveDigest>),
    /// Assets that consumers can see. A directory may hold staged assets besides.
    Public {
        /// What consumers download.
        assets: BTreeMap<String, ArchiveDigest>,
        /// What is staged for the same tag.
        staged: BTreeMap<String, ArchiveDigest>,
    },
}

/// The publisher's public key as consumers of this forge find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishedKey {
    /// None yet.
    Absent,
    /// These bytes.
    Present(Vec<u8>),
}

/// One look at the forge: everything a plan needs to know.
pub struct Remote {
    /// State of each tag that was asked for.
    pub states: BTreeMap<String, State>,
    /// The key at `HEAD/keys/publisher.pub`.
    pub key: PublishedKey,
    /// The public `cohort.json` of this version, if there is one that can be read.
    pub cohort: Option<Cohort>,
    /// Whether the forge's list of releases names this version.
    pub listed: bool,
    /// Newest published version before this one, with what its connector may do.
    pub previous: Option<Cohort>,
}

/// One step of publishing. Repeating it finds its own work and changes nothing.
#[derive(Clone)]
pub enum Write {
    /// Put an asset where it can be flipped from.
    Stage {
        /// The release's tag.
        tag: Tag,
        /// The file.
        asset: Asset,
    },
    /// Make staged assets of a tag visible; the index waits for [`Write::Announce`].
    Flip {
        /// The release's tag.
        tag: Tag,
        /// These, and nothing an earlier run may have left beside them.
        assets: Vec<&'static str>,
    },
    /// Put the publisher's public key where consumers look for it.
    Key {
        /// SPKI PEM.
        pem: Vec<u8>,
    },
    /// Make the cohort's index visible and list the version: the release is complete.
    Announce {
        /// The connector's tag.
        tag: Tag,
    },
}

impl Write {
    /// One line that names it, in reports and errors.
    pub fn describe(&self) -> String {
        match self {
            Write::Stage { tag, asset } => format!("stage {tag} {}", asset.name),
            Write::Flip { tag, .. } => format!("publish {tag}"),
            Write::Key { .. } => "write the publisher's key".to_owned(),
            Write::Announce { tag } => format!("announce {tag}"),
        }
    }
}

/// Why a forge could not be asked or written. Absent, refused and unreachable are three things; absent is a [`State`].
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
}

/// The repository a forge publishes for, and the version in hand.
pub struct Scope<'a> {
    /// The connector's name.
    pub connector: &'a Fqn,
    /// The connector's release.
    pub release: &'a Ref,
    /// Every tag of the cohort.
    pub tags: &'a [Tag],
}

/// A place releases are published to.
pub trait Forge {
    /// Where it is, for people.
    fn describe(&self) -> String;

    /// Looks at every tag of the cohort once.
    ///
    /// # Errors
    /// [`ForgeError`] when something could not be asked; that is never "absent".
    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError>;

    /// Keeps other releases out until dropped. Called before the first write only.
    ///
    /// # Errors
    /// [`ForgeError::Busy`], or the disk's refusal.
    fn lock(&self) -> Result<Box<dyn Send>, ForgeError>;

    /// Does one write.
    ///
    /// # Errors
    /// [`ForgeError`]; what was there before the write is still there.
    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError>;

    /// Makes the writes since the last call survive a power cut: once per phase.
    ///
    /// # Errors
    /// [`ForgeError::Disk`].
    fn settle(&self) -> Result<(), ForgeError>;

    /// Fetches an asset the way a consumer does; `None` when consumers would not find it.
    ///
    /// # Errors
    /// [`ForgeError`] when it could not be asked.
    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError>;
}
