//! Scripts that a test puts in a program's place.

use std::path::Path;
use std::process::Command;

/// Puts an executable script at `path`; `text` follows its first line.
///
/// Another process writes the file. Were it written here, a child that another test starts at this moment would hold it
/// open for writing until that child runs its own program, and the system refuses to run what somebody writes ("text file
/// busy").
///
/// # Panics
/// Where it cannot be written.
pub fn script(path: &Path, text: &str) {
    let write = "mkdir -p \"${1%/*}\" && printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh"]).arg(path).arg(text).status().expect("a shell");
    assert!(status.success(), "{}", path.display());
}
