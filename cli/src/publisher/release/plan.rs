//! What is still missing. Pure: desired state minus observed state. The same world twice gives no writes; other bytes under
//! a published tag are a conflict, never an overwrite.

use super::missing::Missing;
use super::since::Since;
use super::{Proven, ReleaseError, ReleaseRequest, drafts, files};
use crate::publisher::forge::{ForgeError, Layout, Remote, TagState, Write};

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
pub struct ReleasePlan {
    /// What is published.
    pub proven: Proven,
    /// How far the version has come.
    pub verdict: Verdict,
    /// Writes no consumer sees.
    pub stage: Vec<Write>,
    /// Writes consumers see, in this order; first, what they must not get is taken away.
    pub flip: Vec<Write>,
    /// What the connector may do that the newest older version could not, if there is one.
    pub growth: Option<Since>,
}

impl ReleasePlan {
    /// Number of writes.
    pub fn writes(&self) -> usize {
        self.stage.len() + self.flip.len()
    }
}

/// Nothing is built for a version that cannot be published: a name that is burned, or something under a tag that is not
/// this tool's to touch.
pub(super) fn may_go_on(remote: &Remote) -> Result<(), ReleaseError> {
    for (tag, state) in &remote.states {
        match state {
            TagState::Burned => {
                let cause = ForgeError::Burned { tag: tag.clone() };
                return Err(ReleaseError::Forge { cause, done: 0, of: 0 });
            }
            TagState::Unknown(why) => return Err(ReleaseError::Unknown { tag: tag.clone(), why: why.clone() }),
            TagState::Absent | TagState::Draft(_) | TagState::Public { .. } => {}
        }
    }
    Ok(())
}

pub(super) fn plan(proven: Proven, remote: &Remote, request: &ReleaseRequest) -> Result<ReleasePlan, ReleaseError> {
    let mut missing = Missing::default();
    match remote.layout {
        Layout::Files => files::missing(&mut missing, &proven, remote, request.replace_key)?,
        Layout::Releases => drafts::missing(&mut missing, &proven, remote)?,
    }
    let verdict = match (missing.stage.is_empty() && missing.flip.is_empty(), missing.touched) {
        (true, _) => Verdict::Complete,
        (false, true) => Verdict::Resumable,
        (false, false) => Verdict::Fresh,
    };
    let growth = Since::of(&proven, remote);
    Ok(ReleasePlan { verdict, stage: missing.stage, flip: missing.flip, growth, proven })
}
