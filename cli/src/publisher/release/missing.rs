//! The list that both plans fill: writes that are still missing. And what can stand in their way.

use std::collections::BTreeMap;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;
use aileron_verifier::problem::Class;

use crate::publisher::forge::{AssetFile, Write};

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

impl Conflict {
    /// The failure class: always `publish_failed`.
    pub fn class(&self) -> Class {
        match self {
            Conflict::Archive { .. } | Conflict::Foreign { .. } | Conflict::Index { .. } | Conflict::Key { .. } => {
                Class::PublishFailed
            }
        }
    }

    /// Never: what is published stays.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// What is still missing of one version.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) stage: Vec<Write>,
    pub(super) flip: Vec<Write>,
    /// Something of this version was found.
    pub(super) touched: bool,
}

impl Missing {
    /// Uploads what is not staged yet with these bytes.
    pub(super) fn stage(&mut self, tag: &Tag, assets: &[&AssetFile], staged: &BTreeMap<String, ArchiveDigest>) {
        for asset in assets.iter().filter(|asset| staged.get(asset.name) != Some(&asset.digest)) {
            self.stage.push(Write::Stage { tag: tag.clone(), asset: (*asset).clone() });
        }
    }
}
