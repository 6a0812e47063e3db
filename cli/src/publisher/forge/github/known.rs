//! A release as the list showed it, or as a write left it; and whose a draft is.

use std::collections::BTreeMap;

use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::statement;
use aileron_verifier::text::printable;

use crate::github::documents::{Release, is_understood};

/// A release of this version.
pub(super) struct Known {
    pub(super) id: u64,
    pub(super) upload_url: String,
    pub(super) draft: bool,
    /// Frozen by GitHub, its tag included.
    pub(super) immutable: bool,
    pub(super) assets: BTreeMap<String, KnownAsset>,
    /// Why a draft is not one of this tool's, in words that follow "its draft": see [`foreign`].
    pub(super) foreign: Option<String>,
    /// Where a person sees it, as GitHub names it.
    pub(super) page: Option<String>,
}

pub(super) struct KnownAsset {
    pub(super) id: u64,
    /// `None` while it is only begun.
    pub(super) digest: Option<ArchiveDigest>,
}

/// Why a draft is not one of this tool's, in words that follow "its draft"; `None` for one that is, and for what is public.
///
/// This tool gives a release its notes when it is published, and not before: notes of a draft are somebody's own, who may
/// want to keep them.
pub(super) fn foreign(release: &Release) -> Option<String> {
    if !release.draft {
        None
    } else if let Some(asset) = release.assets.iter().find(|asset| !is_ours(&asset.name) && !is_newer(&asset.name)) {
        Some(format!("holds {}, which no release of this tool has", printable(&asset.name)))
    } else if let Some(asset) = release.assets.iter().find(|asset| !is_understood(asset)) {
        let (name, state) = (printable(&asset.name), printable(&asset.state));
        Some(format!("holds {name} in the state \"{state}\", which this tool does not know"))
    } else if release.body.as_deref().is_some_and(|body| !body.trim().is_empty()) {
        Some("has notes that this tool did not write".to_owned())
    } else {
        None
    }
}

/// The first file of a draft that a newer version of this tool puts there, and this one does not know: it is left alone.
pub(super) fn newer(release: &Release) -> Option<&str> {
    let names = release.assets.iter().map(|asset| asset.name.as_str());
    names.into_iter().find(|name| release.draft && is_newer(name) && !is_ours(name))
}

fn is_ours(name: &str) -> bool {
    statement::assets()
        .chain([layout::ARCHIVE, layout::SUITE, layout::PROPOSAL, layout::APPROVAL])
        .any(|ours| ours == name)
}

/// `*.statement.json` and `proposal*.json`, each with its signature beside it.
fn is_newer(name: &str) -> bool {
    let document = name.strip_suffix(".sig").unwrap_or(name);
    let is_statement = document.strip_suffix(".statement.json").is_some_and(|subject| !subject.is_empty());
    is_statement || (document.starts_with("proposal") && document.ends_with(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_version_of_this_tool_puts_on_a_draft_is_known_by_its_name() {
        for name in ["key.statement.json", "key.statement.json.sig", "proposal.json", "proposal-7.json.sig"] {
            assert!(is_newer(name) && !is_ours(name), "{name}");
        }
        for name in
            [".statement.json", "statement.json", "a.statement.json.sig.sig", "notes.json", "proposal.txt", "x.sig"]
        {
            assert!(!is_newer(name), "{name}");
        }
    }
}
