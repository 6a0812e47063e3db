//! What consumers get now: every asset fetched as they would, and held against what was proven.
//!
//! An archive whose bytes are those that [`super::prove`] accepted has that verdict, which is the installer's own: the same
//! bytes, name, hash and ring can have no other. The index is verified as it comes, since one that lists the same archives
//! may be another tool's.

use aileron_verifier::layout::ARCHIVE;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::statement::UnverifiedStatement;
use aileron_verifier::statement::cohort::{self, Cohort};

use super::apply::Public;
use super::plan::{ReleasePlan, Verdict};
use super::{Artifact, Proven, ReleaseError, World};
use crate::publisher::forge::{Forge, Scope};

/// A release that consumers can install, and what it took.
pub struct Receipt {
    /// What is public.
    pub proven: Proven,
    /// How far the version had come before this run.
    pub found: Verdict,
    /// Writes this run made.
    pub writes: usize,
    /// What the connector may do that the newest older version could not.
    pub growth: Option<super::Since>,
}

pub(super) fn recheck(public: Public, forge: &dyn Forge, world: &World<'_>) -> Result<Receipt, ReleaseError> {
    let Public { plan: ReleasePlan { proven, verdict, growth, .. }, writes } = public;
    let scope = Scope {
        connector: &proven.release.name,
        release: &proven.release,
        tags: &proven.tags,
        commit: proven.cohort.commit.as_str(),
    };
    let failed = |cause| ReleaseError::Forge { cause, done: writes, of: writes };
    let absent =
        |tag: &str, published| ReleaseError::Differs { tag: tag.to_owned(), published, found: "absent".to_owned() };
    let artifacts: Vec<&Artifact> = proven.artifacts().collect();
    world.begin("fetching and verifying what is public", artifacts.len());
    let tags: Vec<_> = artifacts.iter().map(|artifact| &artifact.tag).collect();
    let fetched = forge.fetch_each(&scope, &tags, ARCHIVE).map_err(failed)?;
    artifacts.iter().zip(fetched).try_for_each(|(artifact, bytes)| {
        let published = artifact.archive.digest;
        let bytes = bytes.ok_or_else(|| absent(artifact.tag.as_str(), published))?;
        if bytes != *artifact.archive.bytes {
            let found = ArchiveDigest::of(&[&bytes]).to_string();
            return Err(ReleaseError::Differs { tag: artifact.tag.to_string(), published, found });
        }
        world.advance();
        Ok(())
    })?;
    index(&proven, forge, &scope, writes)?;
    world.end(format!("{} of {} installable", artifacts.len(), artifacts.len()));
    Ok(Receipt { found: verdict, writes, growth, proven })
}

/// The public index is signed by the same key and lists exactly the public archives.
fn index(proven: &Proven, forge: &dyn Forge, scope: &Scope<'_>, writes: usize) -> Result<(), ReleaseError> {
    let tag = proven.release.tag();
    let failed = |cause| ReleaseError::Forge { cause, done: writes, of: writes };
    let fetch = |asset| -> Result<Vec<u8>, ReleaseError> {
        let published = proven.index.digest;
        let absent = ReleaseError::Differs { tag: format!("{tag} {asset}"), published, found: "absent".to_owned() };
        forge.fetch(scope, &tag, asset).map_err(failed)?.ok_or(absent)
    };
    let (text, signature) = (fetch(cohort::ASSET)?, fetch(cohort::SIGNATURE_ASSET)?);
    let refused = |cause| ReleaseError::IndexRefused { reference: proven.release.clone(), cause };
    let public = UnverifiedStatement::<Cohort>::new(text.as_slice(), signature);
    let public = public.verify(&proven.release, &proven.ring()).map_err(refused)?;
    if public.archives().eq(proven.cohort.archives()) {
        return Ok(());
    }
    let found = ArchiveDigest::of(&[&text]).to_string();
    Err(ReleaseError::Differs { tag: format!("{tag} {}", cohort::ASSET), published: proven.index.digest, found })
}
