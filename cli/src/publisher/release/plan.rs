//! What is still missing. Pure: desired state minus observed state. The same world twice gives no writes; other bytes under
//! a published tag are a conflict, never an overwrite.

use std::collections::BTreeMap;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::cohort;
use aileron_verifier::trust::key::PublicKey;

use super::drafts;
use super::since::Since;
use super::{Proven, ReleaseError, Request};
use crate::publisher::forge::{Asset, ForgeError, Layout, PublishedKey, Remote, State, Write};

/// How far a version has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of it is there.
    Fresh,
    /// An earlier run got part of the way.
    Resumable,
    /// Everything is published; there is nothing to write.
    Complete,
    /// A tag of it can never be published again.
    Burned,
}

impl Verdict {
    /// One word for people and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Fresh => "fresh",
            Verdict::Resumable => "resumable",
            Verdict::Complete => "complete",
            Verdict::Burned => "burned",
        }
    }
}

/// Ordered writes: first out of sight, then visible.
pub struct Plan {
    /// What is published.
    pub proven: Proven,
    /// How far the version has come.
    pub verdict: Verdict,
    /// Writes no consumer sees.
    pub stage: Vec<Write>,
    /// Writes consumers see, in this order.
    pub flip: Vec<Write>,
    /// What the connector may do that the newest older version could not, if there is one.
    pub growth: Option<Since>,
}

impl Plan {
    /// Number of writes.
    pub fn writes(&self) -> usize {
        self.stage.len() + self.flip.len()
    }
}

/// Something else is published already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An archive with other bytes.
    #[error("{tag} is published with {published}; this release would be {planned}")]
    Archive {
        /// The tag.
        tag: String,
        /// Digest of what consumers get.
        published: ArchiveDigest,
        /// Digest of what would be published.
        planned: ArchiveDigest,
    },
    /// A release that lacks what a release of this tool has.
    #[error("{tag} is published without {asset}: another tool or person made that release")]
    Foreign {
        /// The tag.
        tag: String,
        /// The missing asset.
        asset: String,
    },
    /// An index that lists other archives.
    #[error("the published cohort.json of {tag} lists other archives than this release has")]
    Index {
        /// The connector's tag.
        tag: String,
    },
    /// Another publisher key.
    #[error("the registry's keys/publisher.pub holds {published}, this repository's is {planned}")]
    Key {
        /// Fingerprint of the published key, or what it is instead.
        published: String,
        /// Fingerprint of the committed key.
        planned: String,
    },
}

/// Nothing is built for a version that cannot be published: a name that is burned, or something under a tag that is not
/// this tool's to touch.
pub(super) fn may_go_on(remote: &Remote) -> Result<(), ReleaseError> {
    for (tag, state) in &remote.states {
        match state {
            State::Burned => {
                let cause = ForgeError::Burned { tag: tag.clone() };
                return Err(ReleaseError::Forge { cause, done: 0, of: 0 });
            }
            State::Unknown(why) => return Err(ReleaseError::Unknown { tag: tag.clone(), why: why.clone() }),
            State::Absent | State::Draft(_) | State::Public { .. } => {}
        }
    }
    Ok(())
}

pub(super) fn plan(proven: Proven, remote: &Remote, request: &Request) -> Result<Plan, ReleaseError> {
    let mut missing = Missing { stage: Vec::new(), flip: Vec::new(), touched: false };
    match remote.layout {
        Layout::Files => missing.files(&proven, remote, request.replace_key)?,
        Layout::Releases => drafts::missing(&mut missing, &proven, remote)?,
    }
    let verdict = match (missing.stage.is_empty() && missing.flip.is_empty(), missing.touched) {
        (true, _) => Verdict::Complete,
        (false, true) => Verdict::Resumable,
        (false, false) => Verdict::Fresh,
    };
    let growth = Since::of(&proven, remote);
    Ok(Plan { verdict, stage: missing.stage, flip: missing.flip, growth, proven })
}

/// `cohort.json` and its signature: visible last.
fn is_index(asset: &Asset) -> bool {
    asset.name == cohort::ASSET || asset.name == cohort::SIGNATURE_ASSET
}

pub(super) struct Missing {
    pub(super) stage: Vec<Write>,
    pub(super) flip: Vec<Write>,
    /// Something of this version was found.
    pub(super) touched: bool,
}

impl Missing {
    /// Files one by one: artifacts with the suite, then the index.
    fn files(&mut self, proven: &Proven, remote: &Remote, replace_key: bool) -> Result<(), Conflict> {
        self.key(&proven.public, remote, replace_key)?;
        let connector = proven.release.tag();
        let (indexes, companions): (Vec<&Asset>, Vec<&Asset>) = proven.extras.iter().partition(|asset| is_index(asset));
        for artifact in &proven.artifacts {
            let companions = if artifact.tag == connector { companions.as_slice() } else { &[] };
            self.release(&artifact.tag, &artifact.archive, companions, remote)?;
        }
        self.index(proven, &connector, &indexes, remote)?;
        Ok(())
    }

    fn key(&mut self, key: &PublicKey, remote: &Remote, replace: bool) -> Result<(), Conflict> {
        let pem = key.to_pem().into_bytes();
        match &remote.key {
            PublishedKey::Present(found) if published_key(found) == Ok(*key) => {}
            PublishedKey::Present(found) if !replace => {
                let published = published_key(found).map(|key| key.fingerprint().to_string()).unwrap_or_else(|why| why);
                return Err(Conflict::Key { published, planned: key.fingerprint().to_string() });
            }
            PublishedKey::Present(_) | PublishedKey::Absent => self.flip.push(Write::Key { pem }),
        }
        Ok(())
    }

    /// Stages what is neither public nor staged, and flips what is not public. A public archive must be the planned one;
    /// a public companion (the suite, which no signature covers) stands.
    fn release(&mut self, tag: &Tag, archive: &Asset, companions: &[&Asset], remote: &Remote) -> Result<(), Conflict> {
        let (public, staged) = assets(remote, tag);
        self.touched |= !public.is_empty() || !staged.is_empty();
        match public.get(archive.name) {
            Some(found) if *found != archive.digest => {
                let (published, planned) = (*found, archive.digest);
                return Err(Conflict::Archive { tag: tag.to_string(), published, planned });
            }
            _ => {}
        }
        let wanted = std::iter::once(archive).chain(companions.iter().copied());
        let missing: Vec<&Asset> = wanted.filter(|asset| !public.contains_key(asset.name)).collect();
        self.stage(tag, &missing, staged);
        if !missing.is_empty() {
            let assets = missing.into_iter().cloned().collect();
            self.flip.push(Write::Flip { tag: tag.clone(), assets, pre_release: false, notes: None });
        }
        Ok(())
    }

    /// A published index stands when it lists the planned archives, whatever tool or waivers it names. artifacts.md §11.
    fn index(&mut self, proven: &Proven, tag: &Tag, indexes: &[&Asset], remote: &Remote) -> Result<(), Conflict> {
        let (public, staged) = assets(remote, tag);
        match &remote.cohort {
            Some(published) if !published.archives().eq(proven.index.archives()) => {
                return Err(Conflict::Index { tag: tag.to_string() });
            }
            // The signature goes first, so an index that is there has its signature.
            Some(_) if public.contains_key(cohort::SIGNATURE_ASSET) => {}
            Some(_) | None => self.stage(tag, indexes, staged),
        }
        if remote.cohort.is_none() || !remote.listed || !public.contains_key(cohort::SIGNATURE_ASSET) {
            self.flip.push(Write::Announce { tag: tag.clone() });
        }
        Ok(())
    }

    pub(super) fn stage(&mut self, tag: &Tag, assets: &[&Asset], staged: &BTreeMap<String, ArchiveDigest>) {
        for asset in assets.iter().filter(|asset| staged.get(asset.name) != Some(&asset.digest)) {
            self.stage.push(Write::Stage { tag: tag.clone(), asset: (*asset).clone() });
        }
    }
}

/// What is public and what is staged under a tag.
fn assets<'r>(
    remote: &'r Remote,
    tag: &Tag,
) -> (&'r BTreeMap<String, ArchiveDigest>, &'r BTreeMap<String, ArchiveDigest>) {
    static NOTHING: BTreeMap<String, ArchiveDigest> = BTreeMap::new();
    match remote.states.get(tag.as_str()) {
        Some(State::Public { assets, staged }) => (assets, staged),
        Some(State::Draft(staged)) => (&NOTHING, staged),
        Some(State::Absent | State::Burned | State::Unknown(_)) | None => (&NOTHING, &NOTHING),
    }
}

fn published_key(bytes: &[u8]) -> Result<PublicKey, String> {
    PublicKey::from_pem(bytes).map_err(|error| error.to_string())
}

/// The asset of an archive's release that must exist for consumers.
pub(super) const ARCHIVE: &str = fqn::ASSET;
