//! Programs that others wrote, which tests hold ours against. `.ci/peers` installs them; without one, a test says loudly
//! what it did not prove.

use std::path::{Path, PathBuf};

use crate::{Requirement, skip};

/// Where `.ci/peers` puts them: `AILERON_PEERS`, else `target/peers` of the workspace.
pub(crate) fn place() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    std::env::var_os("AILERON_PEERS").map_or_else(beside, PathBuf::from)
}

/// A program: as `.ci/peers` installed it, else from `PATH`. `None` after a [`skip`].
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = ["python/bin", "node_modules/.bin"].map(|folder| place().join(folder));
    let found = places.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        skip(Requirement::Peers, format_args!("there is no {name} here; run .ci/peers"));
    }
    found
}

/// A file or directory of an npm package. `None` after a [`skip`].
pub fn package(path: &str) -> Option<PathBuf> {
    let found = place().join("node_modules").join(path);
    if !found.exists() {
        skip(Requirement::Peers, format_args!("there is no npm package with {path} here; run .ci/peers"));
        return None;
    }
    Some(found)
}
