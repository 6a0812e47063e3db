//! What of a Feature a registry stores, and the list of a collection. cli-unit.md §12.3, §12.4.

use aileron_verifier::text::json::Json;

use super::archive::{self, ArchiveError};
use super::folder::Feature;
use crate::publisher::forge::registry::{Artifact, Blob, Repository};

/// The media type of a Feature's config, which is empty.
const CONFIG: &str = "application/vnd.devcontainers";
/// The media type of a Feature's archive.
pub(super) const LAYER: &str = "application/vnd.devcontainers.layer.v1+tar";
/// The annotation that holds a Feature's manifest.
pub(super) const METADATA: &str = "dev.containers.metadata";
/// The media type of the list of a collection.
pub(super) const COLLECTION_LAYER: &str = "application/vnd.devcontainers.collection.layer.v1+json";
/// The name of that list, beside the archives and in a registry.
pub const COLLECTION: &str = "devcontainer-collection.json";
/// What GitHub's registry shows a package as.
const GITHUB_TYPE: &str = "com.github.package.type";

/// The Feature's archive, manifest and config, as its repository will hold them. `repository` is `None` for an image layout.
///
/// # Errors
/// [`ArchiveError::Entry`].
pub fn artifact(feature: &Feature, repository: Option<&Repository>) -> Result<Artifact, ArchiveError> {
    let layer = Blob::new(LAYER, archive::write(&feature.files)?, Some(archive::name(&feature.id)));
    let config = Blob::new(CONFIG, b"{}".to_vec(), None);
    let mut annotations = vec![(METADATA, compact(&feature.manifest))];
    if repository.is_some_and(Repository::is_github) {
        annotations.push((GITHUB_TYPE, "devcontainer_feature".to_owned()));
    }
    Ok(Artifact::new(config, layer, annotations))
}

/// The list of a collection, as its namespace's own repository will hold it.
pub fn collection_artifact(features: &[Feature], namespace: &Repository) -> Artifact {
    let layer = Blob::new(COLLECTION_LAYER, collection(features), Some(COLLECTION.to_owned()));
    let config = Blob::new(CONFIG, b"{}".to_vec(), None);
    let annotations = match namespace.is_github() {
        true => vec![(GITHUB_TYPE, "devcontainer_collection".to_owned())],
        false => Vec::new(),
    };
    Artifact::new(config, layer, annotations)
}

/// `devcontainer-collection.json`: who packed, and every manifest.
pub fn collection(features: &[Feature]) -> Vec<u8> {
    let manifests: Vec<String> = features.iter().map(|feature| compact(&feature.manifest)).collect();
    format!("{{\"sourceInformation\":{{\"source\":\"aileron-pub\"}},\"features\":[{}]}}\n", manifests.join(","))
        .into_bytes()
}

/// A manifest without white space between its tokens; every value as it was written. What is no JSON stays as it is: a
/// Feature's manifest was read before.
fn compact(manifest: &str) -> String {
    Json::read(manifest).map_or_else(|_| manifest.to_owned(), |json| json.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::forge::registry::{Manifest, Reference, tags};
    use crate::publisher::unit::archive::FeatureFile;

    fn feature() -> Feature {
        let manifest = "{\n  \"id\": \"gh\",\r\n  \"version\": \"0.0.1\", \"big\": 12345678901234567890.10, \"s\": \"a  b\\u0041\"\n}\n";
        let file = |path: &str| FeatureFile { path: path.to_owned(), bytes: manifest.into(), is_executable: false };
        let version: aileron_verifier::name::version::Version = "0.0.1".parse().expect("a version");
        let tags = tags(&version).expect("tags");
        Feature {
            id: "gh".into(),
            version,
            tags,
            manifest: manifest.into(),
            files: vec![file("devcontainer-feature.json")],
        }
    }

    #[test] // cli-unit.md §12.4; oras-project/oras#1464
    fn a_features_manifest_repeats_its_digest_and_says_the_whole_manifest_as_one_text() {
        let elsewhere = artifact(&feature(), None).expect("packs");
        assert_eq!(artifact(&feature(), None).expect("packs").digest, elsewhere.digest);
        let read = Manifest::read(&elsewhere.manifest).expect("a manifest");
        let text = r#"{"id":"gh","version":"0.0.1","big":12345678901234567890.10,"s":"a  b\u0041"}"#;
        assert_eq!(read.annotation(METADATA), Some(text));
        assert_eq!(read.annotation("com.github.package.type"), None);
        assert_eq!((read.config.size, read.layers[0].media_type.as_str()), (2, LAYER));
        let title =
            read.layers[0].annotations.as_ref().and_then(|texts| texts["org.opencontainers.image.title"].as_str());
        assert_eq!(title, Some("devcontainer-feature-gh.tgz"));
        let github: Reference = "ghcr.io/acme/gh".parse().expect("a reference");
        let github = artifact(&feature(), Some(&github.repository)).expect("packs");
        let read = Manifest::read(&github.manifest).expect("a manifest");
        assert_eq!(read.annotation("com.github.package.type"), Some("devcontainer_feature"));
        let other: Reference = "reg.example/acme/gh".parse().expect("a reference");
        assert_eq!(artifact(&feature(), Some(&other.repository)).expect("packs").digest, elsewhere.digest);
    }

    #[test] // cli-unit.md §12.3
    fn a_collection_lists_every_manifest() {
        let text = String::from_utf8(collection(&[feature(), feature()])).expect("text");
        let read = Json::read(&text).expect("JSON");
        let source = read.field("sourceInformation").and_then(|source| source.field("source"));
        assert_eq!(source.map(|source| source.text().to_owned()).as_deref(), Some("\"aileron-pub\""));
        let features = read.field("features").expect("features");
        assert!(features.item(1).is_some() && features.item(2).is_none());
    }
}
