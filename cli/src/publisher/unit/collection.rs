//! The list of a collection as it is published, and whether ours may take its place. cli-unit.md §12.4.
//!
//! The list has one tag, `latest`, which moves. It moves upwards only: never to a list that has a Feature in a lower version,
//! and never over something that is not a list.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::name::version::Version;
use serde::Deserialize;

use super::MANIFEST_LIMIT;
use super::artifact::COLLECTION_LAYER;
use super::folder::Feature;
use crate::publisher::forge::registry::{Artifact, At, Manifest, RegistryError, Tag, TagPlan, TagStep, Target};

/// Most bytes of a list that are read: a few manifests of the largest size, or thousands of usual ones.
const LIMIT: u64 = 16 * MANIFEST_LIMIT;
/// The list's one tag.
const NEWEST: &str = "latest";

/// What would become of the published list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionPlan {
    /// What happens to its tag.
    pub tags: TagPlan,
    /// Ids that the published list has and ours has not.
    pub gone: Vec<String>,
    /// The Feature because of which the published list stays.
    pub newer: Option<String>,
}

/// Looks at the published list, and says what would become of it. Nothing is written.
///
/// # Errors
/// [`RegistryError::Unexpected`] where something else is published under that name; or when it could not be asked.
pub fn plan(target: &dyn Target, artifact: &Artifact, features: &[Feature]) -> Result<CollectionPlan, RegistryError> {
    let tag: Tag = NEWEST.parse().unwrap_or_else(|why| unreachable!("a tag: {why}"));
    let (mut gone, mut newer) = (Vec::new(), None);
    let step = match target.digest_of(&tag)? {
        None => TagStep::Create,
        Some(there) if there == artifact.digest => TagStep::There,
        Some(there) => {
            for (id, version) in published(target, there)? {
                match features.iter().find(|feature| feature.id == id) {
                    None => gone.push(id),
                    Some(ours) if version.precedence(&ours.version) == Ordering::Greater => {
                        newer.get_or_insert((id, version));
                    }
                    Some(_) => {}
                }
            }
            match &newer {
                Some((_, version)) => TagStep::Leave(version.clone()),
                None => TagStep::Move(there),
            }
        }
    };
    Ok(CollectionPlan { tags: TagPlan { steps: vec![(tag, step)] }, gone, newer: newer.map(|(id, _)| id) })
}

/// What the published list has: versions by id. An entry without either says nothing.
fn published(target: &dyn Target, there: BlobDigest) -> Result<BTreeMap<String, Version>, RegistryError> {
    #[derive(Deserialize)]
    struct List {
        features: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        id: String,
        #[serde(default)]
        version: String,
    }
    let other = |why: &str| RegistryError::Unexpected {
        asked: there.to_string(),
        why: format!("{why}; it is published under the collection's name and is not replaced"),
    };
    let manifest = Manifest::read(&target.manifest(&At::Digest(there))?).map_err(|why| other(&format!("it {why}")))?;
    let [layer] = manifest.layers.as_slice() else { return Err(other("it is not a collection of Features")) };
    if layer.media_type != COLLECTION_LAYER {
        return Err(other("it is not a collection of Features"));
    }
    let list: List = serde_json::from_slice(&target.blob(layer, LIMIT)?)
        .map_err(|_| other("it is a collection of Features that cannot be read"))?;
    let versions = list.features.into_iter().filter_map(|listed| Some((listed.id, listed.version.parse().ok()?)));
    Ok(versions.filter(|(id, _)| !id.is_empty()).collect())
}
