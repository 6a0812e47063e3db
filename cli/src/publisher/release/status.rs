//! How far a version has come, without building anything: what stands under each tag of the cohort.

use aileron_verifier::layout::{ARCHIVE, SUITE};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::statement::cohort::{self, CommitId};

use super::{ApprovalState, Ready, ReleaseError, Verdict, World};
use crate::publisher::forge::{AssetFile, Estimate, Forge, Remote, TagState, Write};

/// One tag's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The tag.
    pub tag: String,
    /// `absent`, `staged`, `public`, `burned`, `unknown`, or `differs` where the published index names another archive.
    pub state: &'static str,
    /// Why it is unknown.
    pub why: Option<String>,
}

/// A version's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseStatus {
    /// The connector at this version.
    pub release: Ref,
    /// Fresh, resumable, complete or burned.
    pub verdict: Verdict,
    /// Each tag, the connector's first.
    pub tags: Vec<Standing>,
    /// Whether it was proposed, and approved.
    pub approval: Option<ApprovalState>,
    /// The commit the published index names.
    pub commit: Option<CommitId>,
    /// What it would take to complete the version, if what is staged stays as it is.
    pub estimate: Option<Estimate>,
}

/// Looks at the forge once.
///
/// # Errors
/// [`ReleaseError::Forge`].
pub fn status(ready: &Ready, forge: &dyn Forge, world: &World<'_>) -> Result<ReleaseStatus, ReleaseError> {
    let remote = ready.look(forge, world)?;
    let listed = |tag: &str| {
        remote.cohort.as_ref()?.archives().find(|(name, _)| *name == tag).map(|(_, archive)| archive.sha256)
    };
    let standing = |tag: &aileron_verifier::name::version::Tag| {
        let state = match remote.states.get(tag.as_str()) {
            None | Some(TagState::Absent) => "absent",
            Some(TagState::Draft(_)) => "staged",
            Some(TagState::Burned) => "burned",
            Some(TagState::Unknown(_)) => "unknown",
            Some(TagState::Public { assets, .. }) => match (listed(tag.as_str()), assets.get(ARCHIVE)) {
                (Some(expected), Some(found)) if expected != *found => "differs",
                (_, Some(_)) => "public",
                (_, None) => "staged",
            },
        };
        let why = match remote.states.get(tag.as_str()) {
            Some(TagState::Unknown(why)) => Some(why.clone()),
            _ => None,
        };
        Standing { tag: tag.to_string(), state, why }
    };
    let tags: Vec<Standing> = ready.tags.iter().map(standing).collect();
    let verdict = if tags.iter().any(|tag| tag.state == "burned") {
        Verdict::Burned
    } else if tags.iter().all(|tag| tag.state == "absent") {
        Verdict::Fresh
    } else if tags.iter().all(|tag| tag.state == "public") && remote.cohort.is_some() && remote.listed {
        Verdict::Complete
    } else {
        Verdict::Resumable
    };
    let estimate = (verdict != Verdict::Burned).then(|| estimate(ready, &remote, forge)).flatten();
    let approval = ApprovalState::of(&remote, &ready.release.tag());
    let commit = remote.cohort.map(|cohort| cohort.commit);
    Ok(ReleaseStatus { release: ready.release.clone(), verdict, tags, approval, commit, estimate })
}

/// What is left to write. Nothing was built, so files are counted without their bytes.
fn estimate(ready: &Ready, remote: &Remote, forge: &dyn Forge) -> Option<Estimate> {
    let (mut stage, mut flip) = (Vec::new(), Vec::new());
    let file = |name| AssetFile::new(name, Vec::new());
    let connector = ready.release.tag();
    for tag in &ready.tags {
        let mut wanted = vec![ARCHIVE];
        if *tag == connector {
            wanted.extend([cohort::ASSET, cohort::SIGNATURE_ASSET]);
            wanted.extend(ready.checked.suite.as_ref().map(|_| SUITE));
        }
        let pre_release = *tag != connector;
        let staged = match remote.states.get(tag.as_str()) {
            Some(TagState::Public { .. }) => continue,
            Some(TagState::Draft(staged)) => Some(staged),
            _ => {
                stage.push(Write::Draft { tag: tag.clone(), pre_release });
                None
            }
        };
        let missing = wanted.iter().filter(|name| !staged.is_some_and(|staged| staged.contains_key(**name)));
        stage.extend(missing.map(|name| Write::Stage { tag: tag.clone(), asset: file(name) }));
        flip.push(Write::Flip { tag: tag.clone(), assets: Vec::new(), pre_release, notes: None });
    }
    if !remote.listed {
        flip.push(Write::Finish { tag: connector, notes: String::new(), latest: false });
    }
    forge.estimate(&stage, &flip)
}
