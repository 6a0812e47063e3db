//! A cohort as an earlier run left it: everything is staged or public, and the files that it was made from are gone.

use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::Document as _;
use aileron_verifier::statement::cohort::{self, Cohort};

use crate::publisher::forge::{AssetFile, Forge, Remote, TagState};
use crate::publisher::release::approval_error::ApprovalError;
use crate::publisher::release::sign_and_pack::restored_cohort;
use crate::publisher::release::{Proven, Ready, ReleaseError, World, prove};

/// The cohort, fetched back and proven; `None` where not every archive of its index is there yet.
///
/// # Errors
/// [`ReleaseError`] when something could not be asked, or is not what the index says.
pub(super) fn restored(
    ready: &Ready,
    remote: &Remote,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<Option<Proven>, ReleaseError> {
    let public = ready.checked.publisher_key.ok_or(ReleaseError::NoPublisherKey)?;
    let connector = ready.release.tag();
    let fetch = |tag: &Tag, asset: &str| fetch(ready, remote, forge, tag, asset);
    let (Some(index), Some(signature)) =
        (fetch(&connector, cohort::ASSET)?, fetch(&connector, cohort::SIGNATURE_ASSET)?)
    else {
        return Ok(None);
    };
    let unfit = |why: String| ReleaseError::from(ApprovalError::Unfit { why });
    let read = Cohort::read_unverified(&index).map_err(|error| unfit(error.to_string()))?;
    if read.version != ready.release.version || read.commit != ready.commit {
        let (made, here) = (format!("{} of commit {}", read.version, read.commit), &ready.commit);
        return Err(unfit(format!("what is staged is {made}, this is {} of commit {here}", ready.release.version)));
    }
    let expected = |tag: &Tag| read.archives().find(|(name, _)| *name == tag.as_str()).map(|(_, one)| one.sha256);
    let is_there = |tag: &Tag| expected(tag).is_some_and(|digest| found(remote, tag, layout::ARCHIVE) == Some(digest));
    if !ready.tags.iter().all(is_there) {
        return Ok(None);
    }
    world.begin("fetching what was signed", ready.tags.len());
    let mut archives = Vec::with_capacity(ready.tags.len());
    for tag in &ready.tags {
        world.check_interrupted()?;
        let bytes = fetch(tag, layout::ARCHIVE)?.unwrap_or_default();
        let file = AssetFile::new(layout::ARCHIVE, bytes);
        if expected(tag) != Some(file.digest) {
            return Err(unfit(format!("the archive of {tag} is {}, not the one of its index", file.digest)));
        }
        archives.push(file);
        world.advance();
    }
    world.end(format!("{} archives", archives.len()));
    let index = AssetFile::new(cohort::ASSET, index);
    let signature = AssetFile::new(cohort::SIGNATURE_ASSET, signature);
    let packed = restored_cohort(ready, public, archives, (index, signature, read))?;
    prove(packed, world).map(Some)
}

fn fetch(
    ready: &Ready,
    remote: &Remote,
    forge: &dyn Forge,
    tag: &Tag,
    asset: &str,
) -> Result<Option<Vec<u8>>, ReleaseError> {
    let is_public = match remote.states.get(tag.as_str()) {
        Some(TagState::Public { assets, .. }) => assets.contains_key(asset),
        _ => false,
    };
    let scope = ready.scope();
    let fetched = if is_public { forge.fetch(&scope, tag, asset) } else { forge.fetch_staged(&scope, tag, asset) };
    fetched.map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })
}

/// Digest of a file of a tag, public or staged.
fn found(remote: &Remote, tag: &Tag, asset: &str) -> Option<ArchiveDigest> {
    match remote.states.get(tag.as_str())? {
        TagState::Draft(staged) => staged.get(asset).copied(),
        TagState::Public { assets, staged } => assets.get(asset).or_else(|| staged.get(asset)).copied(),
        TagState::Absent | TagState::Burned | TagState::Unknown(_) => None,
    }
}
