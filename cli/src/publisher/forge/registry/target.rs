//! A repository of artifacts, wherever it is: in a registry, or in a directory.

use std::collections::BTreeMap;

use aileron_verifier::name::digest::BlobDigest;

use super::document::{Artifact, Blob, Descriptor};
use super::error::RegistryError;
use super::plan::Observed;
use super::reference::{At, Tag};

/// What can be read from a repository.
pub trait Contents {
    /// A manifest's bytes, whose digest is what was asked for where that was a digest.
    ///
    /// # Errors
    /// [`RegistryError::Absent`], or when it could not be asked.
    fn manifest(&self, at: &At) -> Result<Vec<u8>, RegistryError>;

    /// The bytes a manifest lists: of their digest and size, at most `limit`.
    ///
    /// # Errors
    /// [`RegistryError::Absent`], [`RegistryError::Differs`], or when it could not be asked.
    fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError>;
}

/// What can be pushed to.
pub trait Target: Contents {
    /// Every tag's name; none where there is no repository yet.
    ///
    /// # Errors
    /// When it could not be asked.
    fn tag_names(&self) -> Result<Vec<String>, RegistryError>;

    /// What a tag names now.
    ///
    /// # Errors
    /// When it could not be asked.
    fn digest_of(&self, tag: &Tag) -> Result<Option<BlobDigest>, RegistryError>;

    /// Stores a blob unless it is there; says whether it was sent.
    ///
    /// # Errors
    /// When it is not known to be there whole.
    fn put_blob(&self, blob: &Blob) -> Result<bool, RegistryError>;

    /// Makes a tag name the artifact, whose blobs are there. `before` is what it was seen to name.
    ///
    /// # Errors
    /// [`RegistryError::Moved`] where it names something else now; or when it is not known to be done.
    fn put_tag(&self, tag: &Tag, before: Option<BlobDigest>, artifact: &Artifact) -> Result<(), RegistryError>;
}

/// One look at a repository: every tag's name, and what these name.
///
/// # Errors
/// When it could not be asked; that is never "nothing there".
pub fn observe(target: &dyn Target, tags: &[Tag]) -> Result<Observed, RegistryError> {
    let names = target.tag_names()?;
    let mut found = BTreeMap::new();
    for tag in tags {
        if let Some(digest) = target.digest_of(tag)? {
            found.insert(tag.clone(), digest);
        }
    }
    Ok(Observed { names, tags: found })
}

/// Bytes that must have this digest and size.
pub(super) fn checked(what: String, bytes: Vec<u8>, blob: &Descriptor) -> Result<Vec<u8>, RegistryError> {
    let found = BlobDigest::of(&[&bytes]);
    if found != blob.digest {
        return Err(RegistryError::Differs { what, expected: blob.digest.to_string(), found: found.to_string() });
    }
    if bytes.len() as u64 != blob.size {
        let (expected, found) = (format!("{} bytes", blob.size), format!("{} bytes", bytes.len()));
        return Err(RegistryError::Differs { what, expected, found });
    }
    Ok(bytes)
}
