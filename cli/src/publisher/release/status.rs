//! How far a version has come, without building anything: what stands under each tag of the cohort.

use aileron_verifier::fqn::Ref;

use super::{Ready, ReleaseError, Verdict, World};
use crate::publisher::forge::{Forge, State};

/// One tag's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The tag.
    pub tag: String,
    /// `absent`, `staged`, `public`, or `differs` where the published index names another archive.
    pub state: &'static str,
}

/// A version's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The connector at this version.
    pub release: Ref,
    /// Fresh, resumable or complete.
    pub verdict: Verdict,
    /// Each tag, the connector's first.
    pub tags: Vec<Standing>,
    /// The commit the published index names.
    pub commit: Option<String>,
}

/// Looks at the forge once.
///
/// # Errors
/// [`ReleaseError::Forge`].
pub fn status(ready: &Ready, forge: &dyn Forge, world: &World<'_>) -> Result<Status, ReleaseError> {
    let remote = ready.observe(forge, world)?;
    let listed = |tag: &str| {
        remote.cohort.as_ref()?.archives().find(|(name, _)| *name == tag).map(|(_, archive)| archive.sha256)
    };
    let standing = |tag: &aileron_verifier::version::Tag| {
        let state = match remote.states.get(tag.as_str()) {
            None | Some(State::Absent) => "absent",
            Some(State::Draft(_)) => "staged",
            Some(State::Public { assets, .. }) => match (listed(tag.as_str()), assets.get(super::plan::ARCHIVE)) {
                (Some(expected), Some(found)) if expected != *found => "differs",
                (_, Some(_)) => "public",
                (_, None) => "staged",
            },
        };
        Standing { tag: tag.to_string(), state }
    };
    let tags: Vec<Standing> = ready.tags.iter().map(standing).collect();
    let verdict = if tags.iter().all(|tag| tag.state == "absent") {
        Verdict::Fresh
    } else if tags.iter().all(|tag| tag.state == "public") && remote.cohort.is_some() && remote.listed {
        Verdict::Complete
    } else {
        Verdict::Resumable
    };
    Ok(Status { release: ready.release.clone(), verdict, tags, commit: remote.cohort.map(|cohort| cohort.commit) })
}
