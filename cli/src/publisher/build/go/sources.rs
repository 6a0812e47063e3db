//! Where go would take sources from: `replace` in `go.mod`, `use` and `replace` in `go.work`.
//!
//! A directory that is named there is compiled as it is on this machine, and no commit holds it. go itself reads the files
//! (`go mod edit -json`, `go work edit -json`), so that there is one reader of their syntax.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aileron_verifier::text::printable;
use serde::Deserialize;

use super::{GO, GoPlace, TOOLCHAIN, program};
use crate::publisher::build::BuildError;
use crate::publisher::build::child::{leaves, line_of};
use crate::sys::process::Spawner;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoFile {
    #[serde(default)]
    r#use: Option<Vec<Use>>,
    #[serde(default)]
    replace: Option<Vec<Replace>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Use {
    disk_path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replace {
    old: Module,
    new: Module,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    path: String,
    #[serde(default)]
    version: Option<String>,
}

/// Every directory that `go.work`, and the `go.mod` of each module that is built together, name is in `copy`.
///
/// # Errors
/// [`BuildError::ForeignSource`]; go's own message where it cannot read one of the files.
pub(super) fn stay_inside(place: GoPlace<'_>, spawner: Spawner<'_>) -> Result<(), BuildError> {
    let mut modules = BTreeSet::from([place.base.join("go.mod")]);
    let work = place.workspace();
    if work.is_file() {
        // A workspace obeys the replacements of every module it uses, not only those of the one that is built.
        for directory in directories(&work, "work", place, spawner)? {
            modules.insert(directory.join("go.mod"));
        }
    }
    for module in modules.iter().filter(|module| module.is_file()) {
        directories(module, "mod", place, spawner)?;
    }
    Ok(())
}

/// The directories that a file uses as modules; all that it names, replacements too, lie inside.
fn directories(file: &Path, verb: &str, place: GoPlace<'_>, spawner: Spawner<'_>) -> Result<Vec<PathBuf>, BuildError> {
    let copy = place.copy;
    let base = file.parent().unwrap_or(copy);
    // Only the syntax is read: no toolchain is chosen, no module is looked up.
    let edit = program(spawner)
        .within(base)
        .env("GOENV", "off")
        .env("GOWORK", "off")
        .env(TOOLCHAIN, "local")
        .args([verb, "edit", "-json"])
        .args([file]);
    let read = place.run(edit)?;
    let shown = file.strip_prefix(copy).unwrap_or(file).display().to_string();
    let parsed: GoFile = serde_json::from_slice(&read.stdout)
        .map_err(|error| BuildError::Unidentified { program: GO, detail: format!("{shown}: {error}") })?;
    let uses = parsed.r#use.iter().flatten().map(|used| ("a module", &used.disk_path));
    // A replacement without a version is a path.
    let is_path = |replace: &&Replace| replace.new.version.as_deref().unwrap_or_default().is_empty();
    let replacements = parsed.replace.iter().flatten().filter(is_path);
    let replacements = replacements.map(|replace| (replace.old.path.as_str(), &replace.new.path));
    for (module, path) in uses.clone().chain(replacements) {
        // go reports a directory that is not there by itself, later and with its place.
        if leaves(base, Path::new(path), copy) {
            let (module, path) = (printable(module).into_owned(), printable(path).into_owned());
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = line_of(&text, &path).map(|line| format!(":{line}")).unwrap_or_default();
            return Err(BuildError::ForeignSource { file: format!("{shown}{line}"), module, path });
        }
    }
    Ok(uses.map(|(_, path)| base.join(path)).collect())
}
