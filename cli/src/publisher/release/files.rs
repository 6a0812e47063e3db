//! What is still missing in a directory that is served as files: each file is visible once it is moved to its place, the
//! index last. artifacts.md §11.

use std::collections::BTreeMap;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::cohort;
use aileron_verifier::trust::key::PublicKey;

use super::Proven;
use super::approval_state;
use super::missing::{Conflict, Missing};
use crate::publisher::forge::{AssetFile, PublishedKey, Remote, TagState, Write};
use crate::publisher::keys::succession;
use crate::publisher::project::KeyFile;

/// Artifacts with the suite, then the index.
pub(super) fn missing(
    missing: &mut Missing,
    proven: &Proven,
    remote: &Remote,
    replace_key: bool,
) -> Result<(), Conflict> {
    let connector = proven.release.tag();
    missing.flip.extend(approval_state::removals(remote, &connector));
    publisher_key(missing, proven, remote, replace_key)?;
    let companions: Vec<&AssetFile> = proven.suite.iter().chain(&proven.statements).collect();
    release(missing, &connector, &proven.connector.archive, &companions, remote)?;
    for action in &proven.actions {
        release(missing, &action.tag, &action.archive, &[], remote)?;
    }
    index(missing, proven, &connector, remote)
}

/// The key, and what is said of keys beside it. Another published key is replaced where it names this one as its successor,
/// in `keys/rotation.json`, or where the publisher says so.
fn publisher_key(missing: &mut Missing, proven: &Proven, remote: &Remote, replace: bool) -> Result<(), Conflict> {
    let (key, statements) = (&proven.public, &proven.key_statements);
    let is_there = |file: &KeyFile| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        remote.key_files.get(name) == Some(&ArchiveDigest::of(&[&file.bytes]))
    };
    match &remote.key {
        PublishedKey::Present(found) => match published_key(found) {
            Ok(found) if found == *key && statements.iter().all(is_there) => return Ok(()),
            Ok(found) if found == *key || replace => {}
            Ok(found) if succession::leads(statements, &found, key, &proven.release.name) => {}
            Err(_) if replace => {}
            found => {
                let published = found.map(|key| key.fingerprint().to_string()).unwrap_or_else(|why| why);
                return Err(Conflict::Key { published, planned: key.fingerprint().to_string() });
            }
        },
        PublishedKey::Absent => {}
    }
    missing.flip.push(Write::Key { pem: key.to_pem().into_bytes(), statements: statements.clone() });
    Ok(())
}

/// Stages what is neither public nor staged, and flips what is not public. A public archive must be the planned one;
/// a public companion (the suite, which no signature covers) stands.
fn release(
    missing: &mut Missing,
    tag: &Tag,
    archive: &AssetFile,
    companions: &[&AssetFile],
    remote: &Remote,
) -> Result<(), Conflict> {
    let (public, staged) = assets(remote, tag);
    missing.touched |= !public.is_empty() || !staged.is_empty();
    match public.get(archive.name) {
        Some(found) if *found != archive.digest => {
            let (published, planned) = (*found, archive.digest);
            return Err(Conflict::Archive { tag: tag.to_string(), published, planned });
        }
        _ => {}
    }
    let wanted = std::iter::once(archive).chain(companions.iter().copied());
    let lacking: Vec<&AssetFile> = wanted.filter(|asset| !public.contains_key(asset.name)).collect();
    missing.stage(tag, &lacking, staged);
    if !lacking.is_empty() {
        let assets = lacking.into_iter().cloned().collect();
        missing.flip.push(Write::Flip { tag: tag.clone(), assets, pre_release: false, notes: None });
    }
    Ok(())
}

/// A published index stands when it lists the planned archives, whatever tool or waivers it names. artifacts.md §11.
fn index(missing: &mut Missing, proven: &Proven, tag: &Tag, remote: &Remote) -> Result<(), Conflict> {
    let (public, staged) = assets(remote, tag);
    match &remote.cohort {
        Some(published) if !published.archives().eq(proven.cohort.archives()) => {
            return Err(Conflict::Index { tag: tag.to_string() });
        }
        // The signature goes first, so an index that is there has its signature.
        Some(_) if public.contains_key(cohort::SIGNATURE_ASSET) => {}
        Some(_) | None => missing.stage(tag, &[&proven.index, &proven.signature], staged),
    }
    if remote.cohort.is_none() || !remote.listed || !public.contains_key(cohort::SIGNATURE_ASSET) {
        missing.flip.push(Write::Announce { tag: tag.clone() });
    }
    Ok(())
}

/// What is public and what is staged under a tag.
fn assets<'r>(
    remote: &'r Remote,
    tag: &Tag,
) -> (&'r BTreeMap<String, ArchiveDigest>, &'r BTreeMap<String, ArchiveDigest>) {
    static NOTHING: BTreeMap<String, ArchiveDigest> = BTreeMap::new();
    match remote.states.get(tag.as_str()) {
        Some(TagState::Public { assets, staged }) => (assets, staged),
        Some(TagState::Draft(staged)) => (&NOTHING, staged),
        Some(TagState::Absent | TagState::Burned | TagState::Unknown(_)) | None => (&NOTHING, &NOTHING),
    }
}

fn published_key(bytes: &[u8]) -> Result<PublicKey, String> {
    PublicKey::from_pem(bytes).map_err(|error| error.to_string())
}
