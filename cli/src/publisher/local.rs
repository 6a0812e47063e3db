//! A build of the work tree, to run it here: made when a source changed, else the one of last time. sandbox.md 15a,
//! "Second door".
//!
//! What comes out is unsigned and unbound, a [`LocalBuild`]: neither a release nor the store can take it.

use std::path::{Path, PathBuf};

use aileron_sandbox::engine::LocalBuild;
use aileron_verifier::archive::MAX_MODULE;
use aileron_verifier::digest::ContentHash;

use super::build::CONNECTOR;
use super::lint::Checked;
use super::release::{ReleaseError, World, compile};
use crate::sys::disk;

/// Where the last build lies, below the repository's root: `dist/` is never part of a release.
const DIRECTORY: &str = "dist/run";

/// Builds the connector, or takes `prebuilt`, or the module of last time when no source changed since.
///
/// # Errors
/// As a release's build.
pub fn local(checked: &Checked, prebuilt: Option<&Path>, world: &World<'_>) -> Result<LocalBuild, ReleaseError> {
    let manifest = || checked.manifest.clone();
    if prebuilt.is_some() {
        return Ok(LocalBuild::new(compile(checked, prebuilt, world)?.wasm, manifest())?);
    }
    let sources = sources(checked)?;
    if let Some(wasm) = kept(&checked.project.root, sources) {
        return Ok(LocalBuild::new(wasm, manifest())?);
    }
    let wasm = compile(checked, None, world)?.wasm;
    // A build that cannot be kept is made again next time; nothing else is wrong with it.
    let _ = keep(&checked.project.root, sources, &wasm);
    Ok(LocalBuild::new(wasm, manifest())?)
}

/// The module of the last [`local`] build, if no source changed since.
///
/// # Errors
/// A source cannot be read.
pub fn last(checked: &Checked) -> Result<Option<Vec<u8>>, ReleaseError> {
    Ok(kept(&checked.project.root, sources(checked)?))
}

/// A digest over names and contents of everything a build can see.
fn sources(checked: &Checked) -> Result<Option<ContentHash>, ReleaseError> {
    let Ok(history) = &checked.project.history else { return Ok(None) };
    let mut files: Vec<&PathBuf> = history.files.iter().filter(|file| is_source(file)).collect();
    files.sort();
    let mut digests = format!("{}\n", env!("CARGO_PKG_VERSION"));
    for file in files {
        let path = checked.project.root.join(file);
        let content = match path.is_file() {
            true => disk::read(&path, MAX_MODULE)?,
            false => Vec::new(), // a submodule, or tracked and deleted
        };
        digests.push_str(&format!("{:?} {}\n", file, ContentHash::of(&[&content])));
    }
    Ok(Some(ContentHash::of(&[digests.as_bytes()])))
}

fn is_source(file: &Path) -> bool {
    file.starts_with(CONNECTOR) || file == Path::new("go.work") || file == Path::new("go.work.sum")
}

fn kept(root: &Path, sources: Option<ContentHash>) -> Option<Vec<u8>> {
    let directory = root.join(DIRECTORY);
    let stamp = disk::read(&directory.join("stamp"), 1024).ok()?;
    let wasm = disk::read(&directory.join("connector.wasm"), MAX_MODULE).ok()?;
    (stamp == stamp_of(sources?, &wasm).as_bytes()).then_some(wasm)
}

fn keep(root: &Path, sources: Option<ContentHash>, wasm: &[u8]) -> Result<(), disk::DiskError> {
    let Some(sources) = sources else { return Ok(()) };
    let directory = root.join(DIRECTORY);
    disk::write(&directory.join("connector.wasm"), wasm)?;
    disk::write(&directory.join("stamp"), stamp_of(sources, wasm).as_bytes())
}

fn stamp_of(sources: ContentHash, wasm: &[u8]) -> String {
    format!("sources {sources}\nmodule {}\n", ContentHash::of(&[wasm]))
}
