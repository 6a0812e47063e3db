//! Squad Aegis extensions that run: built once per test binary from `tests/kit/go`, with the flags this project builds them with.
//!
//! Against a stand-in for the SDK, or the real one where `AILERON_AEGIS_SDK` names its directory.
#![expect(clippy::unwrap_used, reason = "an extension that cannot be built is a bug of the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::home::TestHome;
use crate::{Requirement, skip};

/// The place of the way in the binary that goes wrong, and the length it has there.
const WAY: &[u8] = b"aileron-way:plugin.good.";
const WAY_LENGTH: usize = 64;

/// The programs.
#[derive(Debug)]
pub struct Extensions {
    directory: TempDir,
    bad: Vec<u8>,
}

/// This machine's architecture in Go's name.
pub fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// All of them. `None` after a [`skip`].
///
/// # Panics
/// Where they do not compile.
pub fn extensions() -> Option<&'static Extensions> {
    static BUILT: OnceLock<Option<Extensions>> = OnceLock::new();
    BUILT.get_or_init(build).as_ref()
}

fn build() -> Option<Extensions> {
    if !Requirement::Go.is_met() {
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let directory = tempfile::tempdir().unwrap();
    let mut module = sources.join("extensions");
    if let Some(sdk) = std::env::var_os("AILERON_AEGIS_SDK") {
        // A copy, whose go.mod and go.sum may change.
        let copy = directory.path().join("module");
        assert!(Command::new("cp").arg("-R").args([&module, &copy]).status().unwrap().success());
        let replaced = format!("-replace=go.codycody31.dev/squad-aegis={}", Path::new(&sdk).display());
        go(&copy, &["mod", "edit", &replaced]).unwrap();
        go(&copy, &["mod", "tidy"]).unwrap();
        module = copy;
    }
    let out = directory.path().display().to_string() + "/";
    for module in [&module, &sources.join("sdk")] {
        if let Err(why) = go(module, &["mod", "download"]) {
            skip(Requirement::Go, format_args!("the modules of {} cannot be had: {why}", module.display()));
            return None;
        }
    }
    let flags = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", &out];
    go(&module, &[&flags[..], &["./..."]].concat()).unwrap();
    go(&sources.join("sdk"), &[&flags[..], &["./host"]].concat()).unwrap();
    let bad = fs::read(directory.path().join("bad")).unwrap();
    Some(Extensions { directory, bad })
}

fn go(module: &Path, words: &[&str]) -> Result<(), String> {
    let output = Command::new("go").args(words).current_dir(module).env("CGO_ENABLED", "0").env("GOFLAGS", "").output();
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(text) }
}

impl Extensions {
    /// A program: `hello-plugin`, `hello-connector`, or `host`, go-plugin's own client.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The binary that goes wrong in this way, as in `plugin.blocks-start`.
    ///
    /// # Panics
    /// For a way that is too long.
    pub fn bad(&self, way: &str) -> Vec<u8> {
        let mut bytes = self.bad.clone();
        let at = bytes.windows(WAY.len()).position(|window| window == WAY).expect("the place of the way");
        let text = format!("aileron-way:{way}");
        assert!(text.len() < WAY_LENGTH, "{way} is too long");
        let padded = format!("{text:.<WAY_LENGTH$}");
        bytes[at..at + WAY_LENGTH].copy_from_slice(padded.as_bytes());
        bytes
    }

    /// A staging directory of a program in a home, for this machine, with open checksums.
    pub fn staged(&self, home: &TestHome, name: &str, manifest: &Value, bytes: &[u8]) {
        let library = manifest["targets"][0]["library_path"].as_str().unwrap();
        home.write(&format!("{name}/manifest.json"), manifest.to_string());
        home.write(&format!("{name}/{library}"), bytes);
    }
}

/// A manifest of one target for this machine.
pub fn manifest(kind: &str, id: &str, capabilities: &[&str]) -> Value {
    let arch = architecture();
    let mut manifest = json!({
        "name": "Extension",
        "version": "0.1.0",
        "targets": [{
            "min_host_api_version": 1,
            "required_capabilities": capabilities,
            "target_os": "linux",
            "target_arch": arch,
            "sha256": "REPLACE_WITH_BINARY_SHA256",
            "library_path": format!("bin/linux-{arch}/extension"),
        }],
    });
    manifest[format!("{kind}_id")] = json!(id);
    manifest
}
