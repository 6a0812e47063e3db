//! A Feature read from where it is published: the manifest in the annotation first, and the archive beside it. cli-unit.md §12.4.

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::problem::Class;
use aileron_verifier::text::json::tape::{Kind, Syntax, Tape, Value};

use super::archive::{self, ArchiveError};
use super::artifact::{LAYER, METADATA};
use super::{FEATURE_LIMIT, MANIFEST, MANIFEST_LIMIT};
use crate::publisher::forge::registry::{At, Contents, Manifest, Platform, RegistryError};

/// Levels of a manifest that are compared one by one. A unit has six.
const DEPTH: u32 = 64;
/// What other tools and older ones write around the tar.
const OTHER_LAYERS: [&str; 2] =
    ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip"];

/// Where a manifest was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestOrigin {
    /// In `dev.containers.metadata`.
    Annotation,
    /// In the archive.
    Archive,
}

/// A Feature as it is published.
#[derive(Clone, Debug)]
pub struct PublishedFeature {
    /// The digest of what was read.
    pub digest: BlobDigest,
    /// Its manifest: strict JSON where it comes from the annotation, perhaps with comments where it comes from the archive.
    pub manifest: Vec<u8>,
    /// Where that was.
    pub origin: ManifestOrigin,
}

/// Why a published Feature cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// Class: the registry's.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Class `validation_error`. It is an artifact of another kind.
    #[error("{at} is not a Feature: {why}")]
    NotAFeature {
        /// What was read.
        at: BlobDigest,
        /// What it is instead.
        why: String,
    },
    /// Class `fetch_failed`. There are images, for other platforms.
    #[error("{at} has no image for {wanted}: it has {}", if .has.is_empty() { "none".to_owned() } else { .has.join(", ") })]
    NoPlatform {
        /// What was read.
        at: BlobDigest,
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        has: Vec<String>,
    },
    /// Class `validation_error`. It is an image, and its label cannot be read: that is not "no units".
    #[error("{at} is not an image or a Feature that can be read: {why}")]
    Image {
        /// What was read.
        at: BlobDigest,
        /// What is wrong with it.
        why: String,
    },
    /// Class `malformed_tarball`.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Class `validation_error`. A reader of the one would be shown another unit than a reader of the other.
    #[error(
        "{at} says one thing in its annotation {METADATA} and another in its archive's {MANIFEST}: customizations.aileron.cli differs"
    )]
    Disagree {
        /// What was read.
        at: BlobDigest,
    },
}

impl PublishedError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            PublishedError::Registry(error) => error.class(),
            PublishedError::Archive(error) => error.class(),
            PublishedError::NoPlatform { .. } => Class::FetchFailed,
            PublishedError::NotAFeature { .. } | PublishedError::Image { .. } | PublishedError::Disagree { .. } => {
                Class::ValidationError
            }
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            PublishedError::Registry(error) => error.is_retriable(),
            PublishedError::Archive(error) => error.is_retriable(),
            PublishedError::NotAFeature { .. }
            | PublishedError::NoPlatform { .. }
            | PublishedError::Image { .. }
            | PublishedError::Disagree { .. } => false,
        }
    }
}

/// Reads the manifest of a published Feature: the annotation's, else the archive's. Where both are there they agree on the unit.
///
/// # Errors
/// [`PublishedError`].
pub fn read(contents: &dyn Contents, at: &At) -> Result<PublishedFeature, PublishedError> {
    of_manifest(contents, &contents.manifest(at)?)
}

/// [`read`] of a manifest that is here already.
///
/// # Errors
/// [`PublishedError`].
pub(super) fn of_manifest(contents: &dyn Contents, bytes: &[u8]) -> Result<PublishedFeature, PublishedError> {
    let digest = BlobDigest::of(&[bytes]);
    let not_a_feature = |why: String| PublishedError::NotAFeature { at: digest, why };
    let manifest = Manifest::read(bytes).map_err(|why| not_a_feature(format!("the manifest {why}")))?;
    let is_archive = |media_type: &str| media_type == LAYER || OTHER_LAYERS.contains(&media_type);
    let mut layers = manifest.layers.iter().filter(|layer| is_archive(&layer.media_type));
    let (Some(layer), None) = (layers.next(), layers.next()) else {
        return Err(not_a_feature(format!("it has not one layer of type {LAYER}")));
    };
    let annotated = manifest.annotation(METADATA).map(|text| text.as_bytes().to_vec());
    if annotated.as_ref().is_some_and(|text| text.len() as u64 > MANIFEST_LIMIT) {
        return Err(not_a_feature("its annotation is longer than 1 MiB".to_owned()));
    }
    let archive = archive::read(&contents.blob(layer, FEATURE_LIMIT)?)?;
    let packed = archive.into_iter().find(|file| file.path == MANIFEST).ok_or(ArchiveError::Missing(MANIFEST))?.bytes;
    match annotated {
        None => Ok(PublishedFeature { digest, manifest: packed, origin: ManifestOrigin::Archive }),
        Some(annotated) if agree(&annotated, &packed) => {
            Ok(PublishedFeature { digest, manifest: annotated, origin: ManifestOrigin::Annotation })
        }
        Some(_) => Err(PublishedError::Disagree { at: digest }),
    }
}

/// Whether two manifests have the same unit, or none. Comments and trailing commas of the packed one say nothing: the reference
/// tool leaves them in. Two that cannot be read agree only where they are the same bytes.
pub fn agree(annotated: &[u8], packed: &[u8]) -> bool {
    if annotated == packed {
        return true;
    }
    let syntax = |syntax| Syntax { depth: DEPTH, ..syntax };
    let annotated = Tape::read(annotated, syntax(Syntax::STRICT));
    let packed = Tape::read(packed, syntax(Syntax::WITH_COMMENTS));
    let (Ok(annotated), Ok(packed)) = (annotated, packed) else { return false };
    match (unit(annotated.root()), unit(packed.root())) {
        (None, None) => true,
        (Some(one), Some(other)) => is_same(one, other),
        _ => false,
    }
}

fn unit(manifest: Value<'_>) -> Option<Value<'_>> {
    manifest.member("customizations")?.member("aileron")?.member("cli")
}

/// The same value: numbers as written, members in any order, of several with one name the last.
fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    if one.kind() != other.kind() {
        return false;
    }
    match one.kind() {
        Kind::Null => true,
        Kind::Boolean => one.boolean() == other.boolean(),
        Kind::Number => one.number() == other.number(),
        Kind::Text => one.text() == other.text(),
        Kind::List => {
            one.items().count() == other.items().count()
                && one.items().zip(other.items()).all(|(one, other)| is_same(one, other))
        }
        Kind::Object => is_within(one, other, true) && is_within(other, one, false),
    }
}

/// Whether every member of one object is in the other, and, where `compare`, is the same there.
fn is_within(one: Value<'_>, other: Value<'_>, compare: bool) -> bool {
    one.members().all(|member| {
        let Some(name) = member.name.text() else { return false };
        match (one.member(&name), other.member(&name)) {
            (Some(here), Some(there)) => !compare || is_same(here, there),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(unit: &str) -> Vec<u8> {
        format!(r#"{{"id":"gh","customizations":{{"aileron":{{"cli":{unit}}}}}}}"#).into_bytes()
    }

    #[test] // cli-unit.md §12.4; devcontainers/action#75
    fn annotation_and_archive_agree_on_the_unit_whatever_else_they_say_and_comments_are_no_difference() {
        let unit = r#"{"name":"gh","key":"user/github","n":[1,true,null,{"a":"b"}]}"#;
        let annotated = manifest(unit);
        for (packed, agreed) in [
            (unit.to_owned(), true),
            (unit.replace(',', " ,\n "), true),
            (unit.replace("\"key\"", "// the key\n\"key\"").replace("]", ",]"), true),
            (r#"{"key":"user\/github","n":[1,true,null,{"a":"b"}],"name":"gh"}"#.to_owned(), true),
            (unit.replace("\"name\"", "\"name\":\"other\",\"name\""), true),
            (unit.replace("user/github", "user/other"), false),
            (unit.replace("[1,", "[1.0,"), false),
            (unit.replace("[1,", "["), false),
            (unit.replace("true", "false"), false),
            (unit.replace("\"name\":\"gh\",", ""), false),
            (unit.replace("{\"name\"", "{\"more\":1,\"name\""), false),
            ("null".to_owned(), false),
            ("{".to_owned(), false),
        ] {
            assert_eq!(agree(&annotated, &manifest(&packed)), agreed, "{packed}");
        }
        assert!(agree(b"{\"id\":1}", b"{\"id\":2} // none has a unit"));
        assert!(!agree(b"{\"id\":1}", &annotated) && !agree(&annotated, b"{\"id\":1}"));
        assert!(!agree(b"{\"id\":1, /* strict */ \"x\":1}", b"{}"), "an annotation has no comments");
        let deep = |levels: usize| manifest(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(!agree(&deep(5000), &[deep(5000), b" ".to_vec()].concat()), "deeper than is compared");
    }
}
