//! A build of the work tree, to run it here: made when a source changed, else the one of last time. sandbox.md 15a,
//! "Second door".
//!
//! What comes out is unsigned and unbound, a [`LocalBuild`]: neither a release nor the store can take it.

use std::path::Path;

use aileron_sandbox::engine::LocalBuild;
use aileron_verifier::artifact::archive::MAX_MODULE;
use aileron_verifier::name::digest::ContentHash;

use super::build::is_input;
use super::lint::Checked;
use super::release::{ReleaseError, World, compile};
use super::source::{Found, SourceTree, TreePath, Wanted, WorkTree};
use crate::sys::disk;
use crate::sys::process::Spawner;

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
    let sources = sources(checked, world.spawner())?;
    let kept = Kept::read(&checked.project.root, world.spawner());
    if let Some(wasm) = kept.and_then(|kept| kept.if_made_of(sources)) {
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
pub fn last(checked: &Checked, spawner: Spawner<'_>) -> Result<Option<Vec<u8>>, ReleaseError> {
    // Sources are read only when there is a module to compare them with.
    let Some(kept) = Kept::read(&checked.project.root, spawner) else { return Ok(None) };
    Ok(kept.if_made_of(sources(checked, spawner)?))
}

/// A digest over names and contents of everything a build can see; `None` where there is no git to say what that is.
fn sources(checked: &Checked, spawner: Spawner<'_>) -> Result<Option<ContentHash>, ReleaseError> {
    match &checked.project.history {
        Err(error) if error.is_refusal() => return Err(ReleaseError::History(error.clone())),
        Err(_) => return Ok(None),
        Ok(_) => {}
    }
    let files = &checked.project.files;
    let parts = files.parts(spawner)?;
    let mut digests = format!("{}\n", env!("CARGO_PKG_VERSION"));
    let mut add = |path: &TreePath, content: &dyn std::fmt::Display| {
        digests.push_str(&format!("{:?} {content}\n", path.as_bytes()));
    };
    for left in parts.left_out.iter().filter(|left| is_input(&left.path)) {
        add(&left.path, &left.why);
    }
    files.fetch(&parts, is_input, spawner, |path, content| {
        match content {
            Ok(content) => add(path, &ContentHash::of(&[&content])),
            Err(why) => add(path, &why),
        }
        Ok::<_, ReleaseError>(())
    })?;
    Ok(Some(ContentHash::of(&[digests.as_bytes()])))
}

/// The last build, as it lies on disk.
struct Kept {
    stamp: Vec<u8>,
    wasm: Vec<u8>,
}

impl Kept {
    /// None where there is none that can be read.
    fn read(root: &Path, spawner: Spawner<'_>) -> Option<Kept> {
        let files = SourceTree::Work(WorkTree::open(root));
        let wanted = [("stamp", 1024), ("connector.wasm", MAX_MODULE)];
        let paths = wanted.map(|(name, limit)| (format!("{DIRECTORY}/{name}"), limit));
        let wanted: Vec<Wanted<'_>> = paths.iter().map(|(path, limit)| Wanted { path, limit: *limit }).collect();
        match <[Found; 2]>::try_from(files.read(&wanted, spawner).ok()?).ok()? {
            [Found::Bytes(stamp), Found::Bytes(wasm)] => Some(Kept { stamp, wasm }),
            _ => None,
        }
    }

    /// The module, if it was made of these sources.
    fn if_made_of(self, sources: Option<ContentHash>) -> Option<Vec<u8>> {
        let Kept { stamp, wasm } = self;
        (stamp == stamp_of(sources?, &wasm).as_bytes()).then_some(wasm)
    }
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
