//! What a registry stores: blobs, and manifests that list them. Pure. cli-unit.md §12.4, OCI image specification 1.1.
//!
//! A document is written once, as bytes, and those bytes are what is hashed, sent and compared. Nothing in it says when it was
//! made, so the same Feature has the same digest each time.

use std::sync::Arc;

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::text::printable_within;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of manifests, one for each platform.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The forms of a manifest that are asked for; docker's own are those of older images.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// Most bytes of a manifest that are read: what registries take. OCI distribution specification, "Pushing Manifests".
pub(super) const MANIFEST_LIMIT: u64 = 4 << 20;

/// Bytes a manifest lists.
#[derive(Clone)]
pub struct Blob {
    /// What it is.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub digest: BlobDigest,
    /// The file's name, where it has one.
    pub title: Option<String>,
}

impl Blob {
    /// Digests the bytes.
    pub fn new(media_type: &'static str, bytes: Vec<u8>, title: Option<String>) -> Blob {
        let digest = BlobDigest::of(&[&bytes]);
        Blob { media_type, bytes: bytes.into(), digest, title }
    }

    fn descriptor(&self) -> Descriptor {
        let title = self
            .title
            .as_ref()
            .map(|title| Map::from_iter([("org.opencontainers.image.title".to_owned(), Value::String(title.clone()))]));
        Descriptor {
            media_type: self.media_type.to_owned(),
            digest: self.digest,
            size: self.bytes.len() as u64,
            annotations: title,
        }
    }
}

/// A manifest with everything it lists: what is pushed as one.
#[derive(Clone)]
pub struct Artifact {
    /// The manifest, byte for byte.
    pub manifest: Vec<u8>,
    /// Its digest.
    pub digest: BlobDigest,
    /// The config, then the layers.
    pub blobs: Vec<Blob>,
}

impl Artifact {
    /// Writes the manifest of a config and one layer.
    pub fn new(config: Blob, layer: Blob, annotations: Vec<(&str, String)>) -> Artifact {
        let annotations: Map<_, _> =
            annotations.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        let document = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            config: config.descriptor(),
            layers: vec![layer.descriptor()],
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        };
        let manifest = serde_json::to_vec(&document).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"));
        Artifact { digest: BlobDigest::of(&[&manifest]), manifest, blobs: vec![config, layer] }
    }
}

/// A manifest as it is written and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 2.
    pub schema_version: u64,
    /// What it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, in order.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// Texts about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Map<String, Value>>,
}

/// Where bytes are, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What they are.
    pub media_type: String,
    /// Their digest.
    pub digest: BlobDigest,
    /// How many.
    pub size: u64,
    /// Texts about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Map<String, Value>>,
}

impl Manifest {
    /// Reads a manifest of one artifact.
    ///
    /// # Errors
    /// What it is instead, in words that follow "the manifest".
    pub fn read(bytes: &[u8]) -> Result<Manifest, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
        if value.get("manifests").is_some() {
            return Err("is a list of manifests for several platforms, not one artifact".to_owned());
        }
        let manifest: Manifest =
            serde_json::from_value(value).map_err(|error| format!("cannot be read: {}", short(&error.to_string())))?;
        match manifest.schema_version {
            2 => Ok(manifest),
            other => Err(format!("has schemaVersion {other}, not 2")),
        }
    }

    /// An annotation's text.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name)?.as_str()
    }
}

/// What others wrote, as long as a line of ours has room for it.
pub(super) fn short(text: &str) -> String {
    printable_within(text, 200).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test] // cli-unit.md §12.4; oras-project/oras#1464
    fn a_manifest_is_the_same_bytes_each_time() {
        let make = || {
            let config = Blob::new("application/vnd.devcontainers", b"{}".to_vec(), None);
            let layer = Blob::new(
                "application/vnd.devcontainers.layer.v1+tar",
                b"tar".to_vec(),
                Some("devcontainer-feature-gh.tgz".to_owned()),
            );
            Artifact::new(config, layer, vec![("dev.containers.metadata", r#"{"id":"gh"}"#.to_owned())])
        };
        let artifact = make();
        assert_eq!(artifact.blobs[0].digest.to_string(), EMPTY);
        let expected = concat!(
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
            r#""config":{"mediaType":"application/vnd.devcontainers","#,
            r#""digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"#,
            r#""layers":[{"mediaType":"application/vnd.devcontainers.layer.v1+tar","#,
            r#""digest":"sha256:a6b7496c6a25af1a174eb3da50b96ee67a12f15a2a2a73d17fa26a85ba26b5c8","size":3,"#,
            r#""annotations":{"org.opencontainers.image.title":"devcontainer-feature-gh.tgz"}}],"#,
            r#""annotations":{"dev.containers.metadata":"{\"id\":\"gh\"}"}}"#
        );
        let layer = artifact.blobs[1].digest.to_string();
        let expected =
            expected.replace("sha256:a6b7496c6a25af1a174eb3da50b96ee67a12f15a2a2a73d17fa26a85ba26b5c8", &layer);
        assert_eq!(String::from_utf8_lossy(&artifact.manifest), expected);
        assert_eq!((make().manifest, make().digest), (artifact.manifest.clone(), artifact.digest));
        let read = Manifest::read(&artifact.manifest).expect("a manifest");
        assert_eq!(read.annotation("dev.containers.metadata"), Some(r#"{"id":"gh"}"#));
        assert_eq!(read.layers[0].size, 3);
    }

    #[test]
    fn what_is_not_one_artifact_is_not_read_as_one() {
        for (text, why) in [
            ("", "is not JSON"),
            ("[]", "cannot be read"),
            (r#"{"manifests":[]}"#, "several platforms"),
            (r#"{"schemaVersion":1,"config":{"mediaType":"x","digest":"DIGEST","size":2}}"#, "schemaVersion 1"),
            (r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:../../x","size":2}}"#, "cannot be read"),
            (r#"{"schemaVersion":2,"config":{"mediaType":"x","digest":"DIGEST","size":-1}}"#, "cannot be read"),
        ] {
            let error = Manifest::read(text.replace("DIGEST", EMPTY).as_bytes()).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
