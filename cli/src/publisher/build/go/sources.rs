//! Where go would take sources from: `replace` in `go.mod`, `use` and `replace` in `go.work`.
//!
//! A directory that is named there is compiled as it lies on this machine, and no commit holds it. go itself reads the files
//! (`go mod edit -json`, `go work edit -json`), so that there is one reader of their syntax.

use std::path::Path;

use aileron_verifier::text::printable;
use serde::Deserialize;

use super::{GO, run, with_repository_paths, workspace};
use crate::publisher::build::{BuildError, disk};
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

/// Every directory that `go.mod` and `go.work` name lies in `copy`.
///
/// # Errors
/// [`BuildError::ForeignSource`]; go's own words where it cannot read one of the files.
pub(super) fn stay_inside(connector: &Path, copy: &Path, spawner: Spawner<'_>) -> Result<(), BuildError> {
    let inside = copy.canonicalize().map_err(disk("read", copy))?;
    let work = workspace(copy);
    for (verb, file) in [("mod", connector.join("go.mod")), ("work", work)] {
        if !file.is_file() {
            continue;
        }
        // Only the syntax is read: no toolchain is chosen, no module is looked up.
        let edit = spawner
            .command(GO)
            .within(connector)
            .env("GOENV", "off")
            .env("GOWORK", "off")
            .env(super::TOOLCHAIN, "local")
            .args([verb, "edit", "-json"])
            .args([&file]);
        let read = run(edit, copy)?;
        let shown = with_repository_paths(&file.display().to_string(), copy);
        let parsed: GoFile = serde_json::from_slice(&read.stdout)
            .map_err(|error| BuildError::Unidentified { program: GO, detail: format!("{shown}: {error}") })?;
        let base = file.parent().unwrap_or(copy);
        for (module, path) in parsed.directories() {
            // go reads a directory that is not there as an error of its own, later and with its place.
            let real = base.join(&path).canonicalize();
            let leaves = match real {
                Ok(real) => !real.starts_with(&inside),
                Err(_) => lexically_outside(base, &path, copy),
            };
            if leaves {
                let (module, path) = (printable(&module).into_owned(), printable(&path).into_owned());
                return Err(BuildError::ForeignSource { file: shown, module, path });
            }
        }
    }
    Ok(())
}

impl GoFile {
    /// Directories on disk, each with what is taken from it.
    fn directories(self) -> impl Iterator<Item = (String, String)> {
        let used = self.r#use.into_iter().flatten().map(|used| ("a module".to_owned(), used.disk_path));
        // A replacement without a version is a path.
        let local = |replace: &Replace| replace.new.version.as_deref().unwrap_or_default().is_empty();
        let replaced = self.replace.into_iter().flatten().filter(local);
        used.chain(replaced.map(|replace| (replace.old.path, replace.new.path)))
    }
}

/// Whether a path that leads to nothing would lie outside.
fn lexically_outside(base: &Path, path: &str, copy: &Path) -> bool {
    let mut at = base.to_owned();
    if Path::new(path).is_absolute() {
        at = path.into();
    } else {
        for part in Path::new(path).components() {
            match part {
                std::path::Component::ParentDir => drop(at.pop()),
                std::path::Component::Normal(name) => at.push(name),
                _ => {}
            }
        }
    }
    !at.starts_with(copy)
}
