//! The GitHub Action: what it and the workflows pin, how it finds a binary it may trust, and whole jobs under the real
//! runner.

mod halves;
mod job;
mod obtain;
mod pinned;

use std::fs;
use std::path::{Path, PathBuf};

/// The release key's public half.
const RELEASE_KEY: &str = "action/release.pub";

/// A file of this workspace.
fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What a checkout of the action's commit holds, as far as a binary is there or fetched; edited by the test.
fn checkout(at: &Path, edit: impl Fn(&str, String) -> String) {
    fs::create_dir_all(at.join("action")).unwrap();
    for file in ["Cargo.toml", "action/action.yml", "action/run.sh", "action/obtain.sh", RELEASE_KEY] {
        // There is no release key before a maintainer has made one.
        let text = fs::read_to_string(workspace(file)).or_else(|error| match file {
            RELEASE_KEY => Ok(String::new()),
            _ => Err(error),
        });
        let text = edit(file, text.unwrap());
        if !text.is_empty() {
            fs::write(at.join(file), text).unwrap();
        }
    }
}
