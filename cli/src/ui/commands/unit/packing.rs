//! From a folder to a Feature that may leave this machine: lint, archive, and our own reader over it.

use std::path::{Path, PathBuf};

use crate::event::{Event, counted};
use crate::publisher::forge::registry::{Artifact, Repository};
use crate::publisher::unit::MANIFEST;
use crate::publisher::unit::archive::{self, ArchiveError};
use crate::publisher::unit::artifact::artifact;
use crate::publisher::unit::folder::{Feature, FeatureError, FeatureFolder};
use crate::sys::disk;
use crate::ui::commands::Context;
use crate::ui::report::{Failure, of_feature, shown};

/// A Feature that passed, and what is stored of it.
pub(super) struct Packed {
    pub(super) feature: Feature,
    pub(super) artifact: Artifact,
}

impl Packed {
    /// Its archive.
    pub(super) fn archive(&self) -> &[u8] {
        self.artifact.blobs.last().map_or(&[], |layer| &layer.bytes)
    }
}

/// Reads, checks and packs a Feature.
///
/// # Errors
/// What is wrong with it; nothing was written or sent.
pub(super) fn pack(dir: &Path, repository: Option<&Repository>, context: &Context) -> Result<Packed, Failure> {
    let folder = FeatureFolder::read(dir)?;
    let (source, checked) = folder.check().map_err(|problem| of_feature(&[problem], None))?;
    if checked.has_errors() {
        return Err(of_feature(&checked.problems, Some(&source)));
    }
    if checked.units.is_empty() {
        let why = "it has no customizations.aileron.cli: there is no unit in it".to_owned();
        return Err(FeatureError::Unfit { path: dir.join(MANIFEST), why }.into());
    }
    if !checked.problems.is_empty() {
        let (count, dir) = (counted(checked.problems.len(), "finding"), shown(dir));
        context.progress.take(Event::Note(format!("{count} in {dir} that stop nothing: aileron-pub unit check {dir}")));
    }
    let feature = folder.feature()?;
    let artifact = artifact(&feature, repository).map_err(FeatureError::from)?;
    let packed = Packed { feature, artifact };
    // What everybody will read is what the author has.
    if archive::read(packed.archive()).map_err(FeatureError::from)? != packed.feature.files {
        return Err(FeatureError::from(ArchiveError::Missing("file of the Feature as it is on disk")).into());
    }
    Ok(packed)
}

/// A path as `-C` has it; as it was typed where that says nothing.
pub(super) fn here(path: &Path, context: &Context) -> PathBuf {
    context.repository.strip_prefix(".").unwrap_or(&context.repository).join(path)
}

/// The Features of a directory: itself, or the folders in it that are one, in the order of their names.
///
/// # Errors
/// [`FeatureError::NoManifest`] where there is none.
pub(super) fn features_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_feature = |dir: &Path| disk::is_there(&dir.join(MANIFEST));
    if is_feature(dir)? {
        return Ok(vec![dir.to_owned()]);
    }
    let mut found = Vec::new();
    for (name, kind) in disk::list(dir)?.unwrap_or_default() {
        let below = dir.join(name);
        if kind.is_dir() && is_feature(&below)? {
            found.push(below);
        }
    }
    match found.is_empty() {
        true => Err(FeatureError::NoManifest(dir.to_owned()).into()),
        false => Ok(found),
    }
}
