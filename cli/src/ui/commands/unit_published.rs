//! Units as they are published, of Features and of images: an archive, an image layout, a registry. cli-unit.md §10.1, §12.3,
//! §12.4.

use std::path::Path;

use aileron_verifier::unit::{LABEL, MANIFEST};

use super::Context;
use super::unit_document::UnitDocument;
use crate::event::Event;
use crate::github::WaitPolicy;
use crate::publisher::forge::registry::{
    Access, At, Contents, LayoutDirectory, Platform, Reference, Registry, RegistryError, Tag, credential,
};
use crate::publisher::unit::archive::{self, ArchiveError};
use crate::publisher::unit::image::{self, Carrier, ImageLabel};
use crate::publisher::unit::published::PublishedError;
use crate::publisher::unit::{FEATURE_LIMIT, MANIFEST as PACKED};
use crate::sys::disk;
use crate::sys::http::Web;
use crate::ui::report::Failure;

/// What `oci:DIR[:TAG]` begins with.
const LAYOUT: &str = "oci:";
/// The tag that is read where none was named.
const NEWEST: &str = "latest";

/// How what is published is reached, and which image of several is meant.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Whether a registry on this machine is reached without TLS.
    pub(super) plain_http: bool,
    /// The platform; `None` for that of containers here.
    pub(super) platform: Option<&'a Platform>,
}

/// The units of a published Feature or image; `None` where the source is none of these, but a file or folder as an author has
/// it.
///
/// # Errors
/// They cannot be had, or a Feature's annotation and its archive have different units.
pub(super) fn published(
    source: &str,
    reading: Reading<'_>,
    context: &Context,
) -> Result<Option<UnitDocument>, Failure> {
    if let Some(place) = source.strip_prefix(LAYOUT) {
        let (dir, tag) = match place.rsplit_once(':').and_then(|(dir, tag)| Some((dir, tag.parse::<Tag>().ok()?))) {
            Some((dir, tag)) if !dir.is_empty() && !disk::is_there(Path::new(place))? => (dir, Some(tag)),
            _ => (place, None),
        };
        return of_layout(Path::new(dir), tag, source, reading, context).map(Some);
    }
    let path = Path::new(source);
    if disk::is_there(path)? {
        if path.is_dir() {
            let is_layout =
                !disk::is_there(&path.join(MANIFEST))? && LayoutDirectory::new(path.to_owned()).is_there()?;
            return match is_layout {
                true => of_layout(path, None, source, reading, context).map(Some),
                false => Ok(None),
            };
        }
        let bytes = disk::read(path, FEATURE_LIMIT)?;
        return if archive::is_archive(&bytes) { of_archive(source, &bytes).map(Some) } else { Ok(None) };
    }
    match source.parse() {
        Ok(reference) => of_registry(&reference, reading, context).map(Some),
        Err(_) => Ok(None),
    }
}

fn of_archive(source: &str, bytes: &[u8]) -> Result<UnitDocument, Failure> {
    let files = archive::read(bytes).map_err(PublishedError::from)?;
    let manifest = files.into_iter().find(|file| file.path == PACKED);
    let manifest = manifest.ok_or_else(|| PublishedError::from(ArchiveError::Missing(PACKED)))?;
    UnitDocument::of(&format!("{source}/{PACKED}"), manifest.bytes)
}

fn of_layout(
    dir: &Path,
    tag: Option<Tag>,
    source: &str,
    reading: Reading<'_>,
    context: &Context,
) -> Result<UnitDocument, Failure> {
    let layout = LayoutDirectory::new(dir.to_owned());
    if !layout.is_there()? {
        return Err(RegistryError::Absent { asked: format!("an image layout in {}", dir.display()) }.into());
    }
    let newest: Option<Tag> = NEWEST.parse().ok();
    let at = match (tag, newest) {
        (Some(tag), _) => At::Tag(tag),
        (None, Some(newest)) if layout.has(&newest)? => At::Tag(newest),
        (None, _) => match reading.platform {
            Some(platform) => layout.only_manifest(platform)?,
            None => layout.only_manifest(&Platform::of_containers_here())?,
        },
    };
    of_contents(&layout, &at, source, reading, context)
}

fn of_registry(reference: &Reference, reading: Reading<'_>, context: &Context) -> Result<UnitDocument, Failure> {
    let listener = |event| context.progress.take(event);
    let waiting = WaitPolicy { clock: &*context.clock, stop: context.stop, listener: &listener, longest: None };
    let repository = &reference.repository;
    let found = credential::find(&credential::CredentialFlags::default(), repository, context.spawner())?;
    let credential = found.as_ref().map(|found| &found.credential);
    let web = Web::default();
    let registry = Registry::new(&web, repository, reading.plain_http, credential, Access::Pull, &waiting)?;
    let newest = || NEWEST.parse().ok().map(At::Tag);
    match reference.at.clone().or_else(newest) {
        Some(at) => of_contents(&registry, &at, &repository.to_string(), reading, context),
        None => Err(RegistryError::Absent { asked: reference.to_string() }.into()),
    }
}

fn of_contents(
    contents: &dyn Contents,
    at: &At,
    shown: &str,
    reading: Reading<'_>,
    context: &Context,
) -> Result<UnitDocument, Failure> {
    match image::read(contents, at, reading.platform)? {
        Carrier::Feature(feature) => UnitDocument::of(&format!("{shown}@{}", feature.digest), feature.manifest),
        Carrier::Image(image) => {
            context.progress.take(Event::Note(told(&image)));
            let label = image.label.unwrap_or_default().into_bytes();
            UnitDocument::label(&format!("{shown}@{}", image.digest), label)
        }
    }
}

/// Which image was read. One without the label is not one that could not be read.
fn told(image: &ImageLabel) -> String {
    let platform = image.platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
    match image.label {
        Some(_) => format!("reading the label of the image{platform}"),
        None => format!("the image{platform} has no label {LABEL}: no Feature with a unit was installed into it"),
    }
}
