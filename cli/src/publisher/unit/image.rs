//! The label of an image in a registry or an image layout. cli-unit.md §10.1.

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::unit::LABEL;

use super::published::{PublishedError, PublishedFeature, of_manifest};
use crate::publisher::forge::registry::{At, Contents, ImageConfig, Manifest, Platform, Published};

/// Most bytes of an image's configuration that are read: twice what a label may have.
const CONFIG_LIMIT: u64 = 8 << 20;

/// What carries units where it is published.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// One Feature.
    Feature(PublishedFeature),
    /// An image, built with Features.
    Image(ImageLabel),
}

/// An image's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageLabel {
    /// The digest of the image's manifest.
    pub digest: BlobDigest,
    /// What the image runs on, where it says so.
    pub platform: Option<Platform>,
    /// The label; `None` where the image has none.
    pub label: Option<String>,
}

/// Reads what stands there: a Feature, or an image. Of an image for several platforms that for `wanted` is read; without one,
/// that for containers on this machine.
///
/// # Errors
/// [`PublishedError`]. An image that cannot be read is never one without units.
pub fn read(contents: &dyn Contents, at: &At, wanted: Option<&Platform>) -> Result<Carrier, PublishedError> {
    let bytes = contents.manifest(at)?;
    let digest = BlobDigest::of(&[&bytes]);
    let index = match published(digest, &bytes)? {
        Published::Artifact(_) => return of_manifest(contents, &bytes).map(Carrier::Feature),
        Published::Image(manifest) => return of_image(contents, digest, &manifest, wanted).map(Carrier::Image),
        Published::Index(index) => index,
    };
    let here = Platform::of_containers_here();
    let asked = wanted.unwrap_or(&here);
    let chosen = index.choose(asked).map_err(|has| PublishedError::NoPlatform {
        at: digest,
        wanted: asked.clone(),
        has: has.iter().map(ToString::to_string).collect(),
    })?;
    let bytes = contents.manifest(&At::Digest(chosen))?;
    match published(chosen, &bytes)? {
        Published::Artifact(_) => of_manifest(contents, &bytes).map(Carrier::Feature),
        Published::Image(manifest) => of_image(contents, chosen, &manifest, Some(asked)).map(Carrier::Image),
        Published::Index(_) => {
            Err(PublishedError::Image { at: digest, why: "it is a list of lists of images".to_owned() })
        }
    }
}

fn published(at: BlobDigest, bytes: &[u8]) -> Result<Published, PublishedError> {
    Published::read(bytes).map_err(|why| PublishedError::Image { at, why: format!("the manifest {why}") })
}

fn of_image(
    contents: &dyn Contents,
    digest: BlobDigest,
    manifest: &Manifest,
    wanted: Option<&Platform>,
) -> Result<ImageLabel, PublishedError> {
    let unfit = |why: String| PublishedError::Image { at: digest, why: format!("the configuration {why}") };
    let config = ImageConfig::read(&contents.blob(&manifest.config, CONFIG_LIMIT)?).map_err(unfit)?;
    if let Some(wanted) = wanted.filter(|wanted| !config.is_for(wanted)) {
        let has = config.platform.iter().map(ToString::to_string).collect();
        return Err(PublishedError::NoPlatform { at: digest, wanted: wanted.clone(), has });
    }
    let label = config.label(LABEL).map_err(unfit)?.map(str::to_owned);
    Ok(ImageLabel { digest, platform: config.platform, label })
}
