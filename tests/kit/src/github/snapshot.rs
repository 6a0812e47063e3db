//! The state on disk: a JSON file, and beside it a directory `<file>.bytes` with the assets by digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aileron_cli::publisher::forge::model::GitHub;

/// Takes up what an earlier run left, if it left anything. The limits are of this run.
pub(super) fn load(path: &Path, github: &mut GitHub) -> io::Result<()> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    let limits = github.limits.clone();
    *github = serde_json::from_slice(&text)?;
    github.limits = limits;
    let bytes = bytes(path);
    for asset in github.repository.releases.values_mut().flat_map(|release| &mut release.assets) {
        if let Some(digest) = asset.digest {
            asset.bytes = fs::read(bytes.join(digest.hex()))?.into();
        }
    }
    Ok(())
}

/// Writes everything down: a reader of the file sees one state or the next.
pub(super) fn save(path: &Path, github: &GitHub) -> io::Result<()> {
    let bytes = bytes(path);
    fs::create_dir_all(&bytes)?;
    for asset in github.repository.releases.values().flat_map(|release| &release.assets) {
        let Some(digest) = asset.digest else { continue };
        let file = bytes.join(digest.hex());
        if !file.exists() {
            replace(&file, &asset.bytes)?;
        }
    }
    replace(path, &serde_json::to_vec(github)?)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, content)?;
    fs::rename(&beside, path)
}

fn bytes(path: &Path) -> PathBuf {
    let mut bytes = path.as_os_str().to_owned();
    bytes.push(".bytes");
    bytes.into()
}
