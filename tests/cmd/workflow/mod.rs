//! The GitHub Action: what it and the workflows pin, how it finds a binary it may trust, and whole jobs under the real
//! runner.

mod halves;
mod job;
mod obtain;
mod pinned;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this workspace.
fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What a checkout of the action's commit holds, as far as a binary is there or fetched; edited by the test.
fn checkout(at: &Path, edit: impl Fn(&str, String) -> String) {
    fs::create_dir_all(at.join("action")).unwrap();
    for file in ["Cargo.toml", "action/action.yml", "action/run.sh", "action/obtain.sh", "action/release.pub"] {
        fs::write(at.join(file), edit(file, fs::read_to_string(workspace(file)).unwrap())).unwrap();
    }
}
