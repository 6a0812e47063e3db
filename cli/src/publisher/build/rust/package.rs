//! What cargo says about the package: which program is the connector, and where its crates come from.

use std::path::{Path, PathBuf};

use aileron_verifier::text::printable;
use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::compiler::Compiler;
use super::{CARGO, METADATA_CAP, TARGET, cargo, tool};
use crate::publisher::build::child::leaves;
use crate::publisher::build::{BuildError, CONNECTOR};
use crate::sys::process::Spawner;

/// The program that is the connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The name of the binary.
    pub(super) name: String,
    /// Root of the cargo workspace, in the copy.
    pub(super) workspace: PathBuf,
}

/// Finds the program of `connector/Cargo.toml`, and refuses crates that no commit holds.
///
/// # Errors
/// [`BuildError::NoLock`], [`BuildError::ForeignSource`], [`BuildError::NotOneProgram`], or cargo's own words.
pub(super) fn find(compiler: &Compiler, copy: &Path, spawner: Spawner<'_>) -> Result<Program, BuildError> {
    let connector = copy.join(CONNECTOR);
    if ![copy, &connector].iter().any(|place| place.join("Cargo.lock").is_file()) {
        return Err(BuildError::NoLock);
    }
    let ask = cargo(compiler, copy, spawner).cap(METADATA_CAP);
    let ask = ask.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]);
    let asked = tool(copy, &connector).run(ask)?;
    let unidentified = |detail: String| BuildError::Unidentified { program: CARGO, detail };
    let text = std::str::from_utf8(&asked.stdout).map_err(|error| unidentified(error.to_string()))?;
    let metadata = MetadataCommand::parse(text).map_err(|error| unidentified(error.to_string()))?;
    stay_inside(&metadata, copy)?;
    let manifest = real(&connector.join("Cargo.toml"));
    let package = metadata.packages.iter().find(|package| real(package.manifest_path.as_std_path()) == manifest);
    let name = package.map_or(Err(Vec::new()), program).map_err(|found| BuildError::NotOneProgram {
        file: format!("{CONNECTOR}/Cargo.toml"),
        found,
        advice: "a connector is a package with one program, as src/main.rs; of several, `default-run` names it",
    })?;
    Ok(Program { name, workspace: copy.join(below(metadata.workspace_root.as_std_path(), copy)) })
}

/// Crates without a registry or a git commit lie in the repository, and so does the workspace.
fn stay_inside(metadata: &Metadata, copy: &Path) -> Result<(), BuildError> {
    let local = metadata.packages.iter().filter(|package| package.source.is_none());
    let crates = local.map(|package| (package.name.as_str(), package.manifest_path.as_std_path()));
    for (name, manifest) in [("its workspace", metadata.workspace_root.as_std_path())].into_iter().chain(crates) {
        if leaves(copy, manifest, copy) {
            let directory = if manifest.ends_with("Cargo.toml") { manifest.parent() } else { None };
            let path = directory.unwrap_or(manifest).display().to_string();
            return Err(BuildError::ForeignSource {
                file: format!("{CONNECTOR}/Cargo.toml"),
                module: printable(name).into_owned(),
                path: printable(&path).into_owned(),
            });
        }
    }
    Ok(())
}

/// The only binary, or the one that runs by default; else all there are.
fn program(package: &Package) -> Result<String, Vec<String>> {
    let binaries: Vec<&str> = package.targets.iter().filter(|target| target.is_bin()).map(|bin| &*bin.name).collect();
    let default = package.default_run.as_deref().filter(|name| binaries.contains(name));
    match (&binaries[..], default) {
        ([only], _) => Ok((*only).to_owned()),
        (_, Some(default)) => Ok(default.to_owned()),
        _ => Err(binaries.into_iter().map(str::to_owned).collect()),
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn below(path: &Path, copy: &Path) -> PathBuf {
    real(path).strip_prefix(real(copy)).unwrap_or(Path::new("")).to_owned()
}
