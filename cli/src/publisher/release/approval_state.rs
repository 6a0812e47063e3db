//! What of an approval lies on the connector's draft: the proposal, and the answer to it.

use std::collections::BTreeMap;

use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;

use crate::publisher::forge::{Remote, TagState, Write};

/// Both files, in the order in which they are removed: the answer last, since it shows that everything else was staged.
const FILES: [&str; 2] = [layout::PROPOSAL, layout::APPROVAL];

/// What lies under a tag out of consumers' sight.
pub(super) fn staged<'r>(remote: &'r Remote, tag: &Tag) -> Option<&'r BTreeMap<String, ArchiveDigest>> {
    match remote.states.get(tag.as_str())? {
        TagState::Draft(staged) | TagState::Public { staged, .. } => Some(staged),
        TagState::Absent | TagState::Burned | TagState::Unknown(_) => None,
    }
}

/// How far the approval of a version has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Proposed, and not answered.
    Proposed,
    /// Answered: the next run that proposes publishes it.
    Approved,
}

impl ApprovalState {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            ApprovalState::Proposed => "proposed",
            ApprovalState::Approved => "approved",
        }
    }

    /// By the files on the connector's draft.
    pub(super) fn of(remote: &Remote, connector: &Tag) -> Option<ApprovalState> {
        let staged = staged(remote, connector)?;
        match FILES.map(|file| staged.contains_key(file)) {
            [true, true] => Some(ApprovalState::Approved),
            [true, false] => Some(ApprovalState::Proposed),
            [false, _] => None,
        }
    }
}

/// Writes that take both files off the draft, as far as they are there.
pub(super) fn removals<'r>(remote: &'r Remote, connector: &'r Tag) -> impl Iterator<Item = Write> + 'r {
    let staged = staged(remote, connector);
    let is_there = move |file: &&str| staged.is_some_and(|staged| staged.contains_key(*file));
    FILES.into_iter().filter(is_there).map(|asset| Write::Remove { tag: connector.clone(), asset })
}
