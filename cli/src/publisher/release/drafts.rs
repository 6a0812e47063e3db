//! What is still missing on a forge of releases. Every release is a draft with all its assets before anything is public,
//! so a public one is whole or somebody else's. artifacts.md §11.

use super::missing::{Conflict, Missing};
use super::{Proven, approval_state, notes};
use crate::publisher::forge::{AssetFile, Remote, TagState, Write};

/// Connector first, then actions, then the notes.
pub(super) fn missing(missing: &mut Missing, proven: &Proven, remote: &Remote) -> Result<(), Conflict> {
    let connector = proven.release.tag();
    missing.flip.extend(approval_state::removals(remote, &connector)); // before anything is public: a release can be immutable
    for artifact in proven.artifacts() {
        let is_connector = artifact.tag == connector;
        let beside = proven.beside_connector().filter(|_| is_connector);
        let wanted: Vec<&AssetFile> = std::iter::once(&artifact.archive).chain(beside).collect();
        let tag = &artifact.tag;
        let pre_release = !is_connector || proven.release.version.is_prerelease();
        match remote.states.get(tag.as_str()) {
            Some(TagState::Public { assets, .. }) => {
                missing.touched = true;
                let foreign = |asset: &str| Conflict::Foreign { tag: tag.to_string(), asset: asset.to_owned() };
                let planned = artifact.archive.digest;
                let published = *assets.get(artifact.archive.name).ok_or_else(|| foreign(artifact.archive.name))?;
                if published != planned {
                    return Err(Conflict::Archive { tag: tag.to_string(), published, planned });
                }
                if let Some(lacking) = wanted.iter().find(|asset| !assets.contains_key(asset.name)) {
                    return Err(foreign(lacking.name));
                }
                continue;
            }
            Some(TagState::Draft(staged)) => {
                missing.touched = true;
                missing.stage(tag, &wanted, staged);
            }
            Some(TagState::Absent | TagState::Burned | TagState::Unknown(_)) | None => {
                missing.stage.push(Write::Draft { tag: tag.clone(), pre_release });
                missing.stage(tag, &wanted, &Default::default());
            }
        }
        let assets = wanted.into_iter().cloned().collect();
        let notes = (!is_connector).then(|| notes::action(artifact, proven, remote));
        missing.flip.push(Write::Flip { tag: tag.clone(), assets, pre_release, notes });
    }
    if remote.cohort.as_ref().is_some_and(|published| !published.archives().eq(proven.cohort.archives())) {
        return Err(Conflict::Index { tag: connector.to_string() });
    }
    if !remote.listed {
        let (notes, latest) = (notes::connector(proven, remote), is_latest(proven, remote));
        missing.flip.push(Write::Finish { tag: connector, notes, latest });
    }
    Ok(())
}

/// Only a final version that no other final one outranks.
fn is_latest(proven: &Proven, remote: &Remote) -> bool {
    let version = &proven.release.version;
    !version.is_prerelease() && remote.highest.as_ref().is_none_or(|highest| !highest.precedence(version).is_gt())
}
