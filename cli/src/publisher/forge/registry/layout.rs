//! A repository as a directory: an OCI image layout, as `skopeo copy oci:DIR:TAG …` reads and writes it. OCI image specification
//! 1.1, "Image Layout".

use std::path::{Path, PathBuf};

use aileron_verifier::name::digest::BlobDigest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::document::{Artifact, Blob, Descriptor, MANIFEST, MANIFEST_LIMIT, short};
use super::error::RegistryError;
use super::image::{Index, Platform};
use super::reference::{At, Tag};
use super::target::{Contents, Target, checked};
use crate::sys::disk;
use crate::sys::lock::{self, Lock, LockPolicy};

/// The annotation that holds a manifest's tag.
const TAG: &str = "org.opencontainers.image.ref.name";
/// What says that a directory is a layout.
const MARK: &str = "oci-layout";
/// The list of its manifests.
const LIST: &str = "index.json";
/// What a push holds from its look to its last write: two of them would each write the list without the other's tags.
const LOCK: &str = ".push.lock";

/// A directory that is an image layout, or is to become one.
pub struct LayoutDirectory {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    schema_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    manifests: Vec<Entry>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A manifest in the list; what others wrote of it beside these is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: BlobDigest,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<Map<String, Value>>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Entry {
    fn tag(&self) -> Option<&str> {
        self.annotations.as_ref()?.get(TAG)?.as_str()
    }
}

impl LayoutDirectory {
    /// The directory, whether it is there or not.
    pub fn new(dir: PathBuf) -> LayoutDirectory {
        LayoutDirectory { dir }
    }

    /// Whether it says that it is a layout.
    ///
    /// # Errors
    /// [`RegistryError::Disk`] when that cannot be seen.
    pub fn is_there(&self) -> Result<bool, RegistryError> {
        Ok(disk::read_if_there(&self.dir.join(MARK), MANIFEST_LIMIT)?.is_some())
    }

    /// Makes the directory, and keeps other pushes out of it until the lock is dropped.
    ///
    /// # Errors
    /// [`RegistryError::Lock`], [`RegistryError::Disk`].
    pub fn lock(&self, waiting: &LockPolicy) -> Result<Lock, RegistryError> {
        disk::make_directory(&self.dir)?;
        Ok(lock::take(&self.dir.join(LOCK), waiting)?)
    }

    /// The list of its manifests as an index: one that lists an image for each platform is one.
    ///
    /// # Errors
    /// [`RegistryError::Absent`], [`RegistryError::Unexpected`], [`RegistryError::Disk`].
    pub fn index(&self) -> Result<Index, RegistryError> {
        let read = disk::read_if_there(&self.dir.join(LIST), MANIFEST_LIMIT)?;
        let bytes = read.ok_or_else(|| RegistryError::Absent { asked: self.shown(LIST) })?;
        Index::read(&bytes).map_err(|why| self.unexpected(LIST, &why))
    }

    /// Whether it has a tag.
    ///
    /// # Errors
    /// [`RegistryError`] when that cannot be seen.
    pub fn has(&self, tag: &Tag) -> Result<bool, RegistryError> {
        Ok(self.digest_of(tag)?.is_some())
    }

    /// What to read where no tag was given: the only manifest there is, or of several images the one for a platform.
    ///
    /// # Errors
    /// [`RegistryError::Unexpected`] where there are several or none.
    pub fn only_manifest(&self, platform: &Platform) -> Result<At, RegistryError> {
        let mut digests: Vec<BlobDigest> = self.list()?.manifests.iter().map(|entry| entry.digest).collect();
        digests.sort();
        digests.dedup();
        match digests[..] {
            [only] => Ok(At::Digest(only)),
            [] => Err(RegistryError::Absent { asked: self.shown(LIST) }),
            _ => {
                let several = || self.unexpected(LIST, "lists several manifests: name one by its tag");
                self.index()?.choose(platform).map(At::Digest).map_err(|_| several())
            }
        }
    }

    fn list(&self) -> Result<List, RegistryError> {
        let read = disk::read_if_there(&self.dir.join(LIST), MANIFEST_LIMIT)?;
        let Some(bytes) = read else {
            return Ok(List { schema_version: 2, media_type: None, manifests: Vec::new(), more: Map::new() });
        };
        let list: List = serde_json::from_slice(&bytes)
            .map_err(|error| self.unexpected(LIST, &format!("cannot be read: {}", short(&error.to_string()))))?;
        match list.schema_version {
            2 => Ok(list),
            other => Err(self.unexpected(LIST, &format!("has schemaVersion {other}, not 2"))),
        }
    }

    fn place(&self, digest: BlobDigest) -> PathBuf {
        self.dir.join("blobs").join("sha256").join(digest.hex())
    }

    fn shown(&self, file: impl AsRef<Path>) -> String {
        self.dir.join(file).display().to_string()
    }

    fn unexpected(&self, file: &str, why: &str) -> RegistryError {
        RegistryError::Unexpected { asked: self.shown(file), why: why.to_owned() }
    }

    /// The bytes under a digest; those of another one are none.
    fn bytes(&self, digest: BlobDigest, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let place = self.place(digest);
        let asked = || place.display().to_string();
        let bytes = disk::read_if_there(&place, limit)?.ok_or_else(|| RegistryError::Absent { asked: asked() })?;
        let size = bytes.len() as u64;
        checked(asked(), bytes, &Descriptor { media_type: String::new(), digest, size, annotations: None })
    }

    fn put(&self, digest: BlobDigest, bytes: &[u8]) -> Result<bool, RegistryError> {
        match self.bytes(digest, bytes.len() as u64) {
            Ok(_) => Ok(false),
            // What lies there and is not these bytes is half of an earlier write.
            Err(RegistryError::Absent { .. } | RegistryError::Differs { .. } | RegistryError::Disk(_)) => {
                disk::write(&self.place(digest), bytes)?;
                Ok(true)
            }
            Err(other) => Err(other),
        }
    }
}

impl Contents for LayoutDirectory {
    fn manifest(&self, at: &At) -> Result<Vec<u8>, RegistryError> {
        let digest = match at {
            At::Digest(digest) => *digest,
            At::Tag(tag) => {
                let absent = || RegistryError::Absent { asked: format!("{}:{tag}", self.dir.display()) };
                self.digest_of(tag)?.ok_or_else(absent)?
            }
        };
        self.bytes(digest, MANIFEST_LIMIT)
    }

    fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let bytes = self.bytes(blob.digest, limit)?;
        checked(self.place(blob.digest).display().to_string(), bytes, blob)
    }
}

impl Target for LayoutDirectory {
    fn tag_names(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.list()?.manifests.iter().filter_map(|entry| entry.tag().map(str::to_owned)).collect())
    }

    fn digest_of(&self, tag: &Tag) -> Result<Option<BlobDigest>, RegistryError> {
        let list = self.list()?;
        Ok(list.manifests.iter().find(|entry| entry.tag() == Some(tag.as_str())).map(|entry| entry.digest))
    }

    fn put_blob(&self, blob: &Blob) -> Result<bool, RegistryError> {
        self.put(blob.digest, &blob.bytes)
    }

    fn put_tag(&self, tag: &Tag, before: Option<BlobDigest>, artifact: &Artifact) -> Result<(), RegistryError> {
        let mut list = self.list()?;
        let there = list.manifests.iter().find(|entry| entry.tag() == Some(tag.as_str())).map(|entry| entry.digest);
        if there != before && there != Some(artifact.digest) {
            let shown = |digest: Option<BlobDigest>| digest.map_or_else(|| "nothing".to_owned(), |at| at.to_string());
            return Err(RegistryError::Moved { tag: tag.to_string(), there: shown(there), expected: shown(before) });
        }
        self.put(artifact.digest, &artifact.manifest)?;
        let entry = Entry {
            media_type: MANIFEST.to_owned(),
            digest: artifact.digest,
            size: artifact.manifest.len() as u64,
            annotations: Some(Map::from_iter([(TAG.to_owned(), Value::String(tag.to_string()))])),
            more: Map::new(),
        };
        match list.manifests.iter_mut().find(|entry| entry.tag() == Some(tag.as_str())) {
            Some(known) => *known = entry,
            None => list.manifests.push(entry),
        }
        if !self.is_there()? {
            disk::write(&self.dir.join(MARK), format!("{}\n", json!({"imageLayoutVersion": "1.0.0"})).as_bytes())?;
        }
        let text = serde_json::to_string(&list).map_err(|error| self.unexpected(LIST, &error.to_string()))?;
        Ok(disk::write(&self.dir.join(LIST), text.as_bytes())?)
    }
}
