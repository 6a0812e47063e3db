//! The Go files of an extension's module, for the rules that are about them.
//!
//! What go leaves out is left out: `vendor`, `testdata`, directories that begin with `.` or `_`, and other modules below this
//! one, such as a copy of the SDK. Links are not followed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::Source;

use super::AegisError;
use crate::sys::disk;

/// Longest file that is looked at; a longer one is data that a program wrote.
const LONGEST: u64 = 1 << 20;
/// Most files that are looked at.
const MOST: usize = 2_000;

/// The files below `module`, by their paths from it, each shown as a path of `shown`.
pub(super) fn read(module: &Path, shown: &Path) -> Result<Vec<Source>, AegisError> {
    let mut sources = Vec::new();
    let mut directories: Vec<PathBuf> = vec![PathBuf::new()];
    while let Some(below) = directories.pop() {
        let listed = disk::list(&module.join(&below))?.unwrap_or_default();
        if !below.as_os_str().is_empty() && listed.contains_key(std::ffi::OsStr::new("go.mod")) {
            continue;
        }
        for (name, kind) in listed {
            let Some(text) = name.to_str().filter(|text| !text.starts_with(['.', '_'])) else { continue };
            if kind.is_dir() {
                if !["vendor", "testdata"].contains(&text) {
                    directories.push(below.join(text));
                }
            } else if kind.is_file() && text.ends_with(".go") && sources.len() < MOST {
                let path = below.join(text);
                let bytes = match disk::read(&module.join(&path), LONGEST) {
                    Err(error) if error.cause.kind() == ErrorKind::FileTooLarge => continue,
                    bytes => bytes?,
                };
                let path = shown.join(path).display().to_string();
                sources.push(Source::new(path, String::from_utf8_lossy(&bytes)));
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}
