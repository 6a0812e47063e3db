//! The connector's source to its module.
//!
//! A build happens in a copy of the repository's own files, as the commit has them or (without a version) as the work tree
//! has them. What comes out is bytes and the exact toolchain. Not here: which files those are (`publisher::source`),
//! binding, and whether the module is a connector (`aileron_verifier::artifact::module`).
//!
//! A toolchain is one file here, its row in [`TOOLCHAINS`], and a skeleton of its name in `templates/`.

#![expect(clippy::disallowed_methods, reason = "a build works in a temporary copy of its own")]

mod child;
mod error;
mod go;
mod prebuilt;
mod rust;
#[cfg(test)]
mod tests;
mod tinygo;
mod wat;
mod zig;

use std::fs;
use std::io;
use std::path::Path;

use aileron_templates::Template;
use aileron_verifier::statement::cohort::Toolchain as Made;

use crate::publisher::source::{LeftOut, Refusal, SourceTree, TreePath};
use crate::sys::disk::{DiskError, Operation};
use crate::sys::process::Spawner;

pub use error::BuildError;
pub use go::Go;
pub(crate) use go::{Asked, GoPlace, NEUTRAL_FLAGS, SOURCES as GO_SOURCES, WITHOUT_SYMBOLS};
use prebuilt::Prebuilt;
pub use rust::Rust;
pub use tinygo::TinyGo;
pub use wat::Wat;
pub use zig::Zig;

/// Where the connector's source is, below the repository's root.
pub const CONNECTOR: &str = "connector";

/// What an author without a connector's toolchain can do instead, as the end of a sentence.
const OR_A_MODULE: &str = ", or hand over a module built elsewhere with --wasm FILE";

/// Every toolchain, as `--language` lists them.
pub const TOOLCHAINS: [&dyn Toolchain; 5] = [&Go, &TinyGo, &Rust, &Zig, &Wat];

/// A way from source to module.
pub trait Toolchain: Sync {
    /// As `cohort.json` and `--language` have it: `go`.
    fn name(&self) -> &'static str;

    /// Its name for people: `Go`.
    fn title(&self) -> &'static str;

    /// What a connector in this language is, in a line of `--help`.
    fn summary(&self) -> &'static str;

    /// The same where a person chooses.
    fn choice(&self) -> &'static str {
        self.title()
    }

    /// The file below [`CONNECTOR`] that shows that this toolchain builds it: `go.mod`.
    fn marker(&self) -> &'static str;

    /// Whether [`Toolchain::marker`] alone decides for it; else only the repository's `language` does.
    fn is_shown_by_its_marker(&self) -> bool {
        true
    }

    /// Whether another toolchain's marker beside its own decides for that one.
    fn yields(&self) -> bool {
        false
    }

    /// Whether the build may look at this file of the repository; others are not copied.
    fn reads(&self, _path: &TreePath) -> bool {
        true
    }

    /// Variables of the caller's that its programs may have, beside those that every child has. artifacts.md §12.
    fn inherits(&self) -> &'static [&'static str] {
        &[]
    }

    /// How a module is built by hand, for `--wasm`; `None` where that is not usual.
    fn by_hand(&self) -> Option<&'static str> {
        None
    }

    /// The skeleton that `init` copies.
    fn template(&self) -> Template;

    /// A few words for progress and logs: `Go (connector/go.mod)`.
    fn describe(&self) -> String {
        format!("{} ({CONNECTOR}/{})", self.title(), self.marker())
    }

    /// What would build the connector of the repository at `root`, as it names itself, when it is there and has the target of
    /// a connector. Nothing is compiled.
    ///
    /// # Errors
    /// As [`Toolchain::build`], before it compiles.
    fn examine(&self, root: &Path, spawner: Spawner<'_>) -> Result<String, BuildError>;

    /// Builds the connector of `copy`, the root of a copied repository.
    ///
    /// # Errors
    /// [`BuildError`]; the work tree is untouched either way.
    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<BuiltModule, BuildError>;
}

/// A module, and what made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltModule {
    /// The module's bytes, not yet looked at.
    pub wasm: Vec<u8>,
    /// The line for `cohort.json`.
    pub toolchain: Made,
}

/// The toolchain that `--language` and `aileron-pub.toml` call by this name.
pub fn named(name: &str) -> Option<&'static dyn Toolchain> {
    TOOLCHAINS.iter().copied().find(|toolchain| toolchain.name() == name)
}

/// The toolchain for a connector: the one the repository names, else the one whose marker is there.
///
/// Text (`connector.wat`) beside a compiler's project is not what is built. Two compilers' projects are not chosen among.
///
/// # Errors
/// [`BuildError::NoSource`], naming what was looked for; [`BuildError::Ambiguous`].
pub fn detect(
    files: &SourceTree,
    configured: Option<&'static dyn Toolchain>,
) -> Result<&'static dyn Toolchain, BuildError> {
    let no_source = |looked_for, language| {
        let dir = files.root().join(CONNECTOR);
        BuildError::NoSource { dir, looked_for, language }
    };
    let is_there = |toolchain: &dyn Toolchain| files.is_file(&format!("{CONNECTOR}/{}", toolchain.marker()));
    if let Some(toolchain) = configured {
        return if is_there(toolchain)? {
            Ok(toolchain)
        } else {
            Err(no_source(vec![toolchain.marker()], Some(toolchain.name())))
        };
    }
    let shown: Vec<_> = TOOLCHAINS.into_iter().filter(|toolchain| toolchain.is_shown_by_its_marker()).collect();
    let mut found = Vec::new();
    for toolchain in &shown {
        if is_there(*toolchain)? {
            found.push(*toolchain);
        }
    }
    let compilers: Vec<_> = found.iter().copied().filter(|toolchain| !toolchain.yields()).collect();
    match (&compilers[..], &found[..]) {
        ([one], _) | ([], [one, ..]) => Ok(*one),
        ([], []) => Err(no_source(shown.iter().map(|toolchain| toolchain.marker()).collect(), None)),
        (several, _) => Err(BuildError::Ambiguous {
            markers: several.iter().map(|toolchain| toolchain.marker()).collect(),
            languages: several.iter().map(|toolchain| toolchain.name()).collect(),
        }),
    }
}

/// Whether a build, with whichever toolchain, may depend on this file. A module, a crate or a file to embed can lie anywhere
/// in the repository; what only this tool and people read does not count, so that a changed test needs no new build.
pub fn is_input(path: &TreePath) -> bool {
    let names: Vec<&[u8]> = path.names().collect();
    !match names[..] {
        [b"actions" | b".github" | b"keys", ..] | [b"suite.toml"] => true,
        [b"tests", .., name] => name.ends_with(b".toml") || name.ends_with(b".json"),
        [name] => name.ends_with(b".md"),
        _ => false,
    }
}

/// How to build a module by hand that `--wasm` takes.
pub fn by_hand() -> String {
    let ways: Vec<&str> = TOOLCHAINS.iter().filter_map(|toolchain| toolchain.by_hand()).collect();
    format!("build with {}", ways.join(", or "))
}

/// A few words about the build that [`build`] is going to do.
///
/// # Errors
/// As [`detect`].
pub fn announce(
    files: &SourceTree,
    configured: Option<&'static dyn Toolchain>,
    prebuilt: Option<&Path>,
) -> Result<String, BuildError> {
    match prebuilt {
        Some(path) => Ok(format!("taking the module {}", path.display())),
        None => Ok(format!("building with {}", detect(files, configured)?.describe())),
    }
}

/// Builds the connector in a temporary copy of `files` with the toolchain the repository names (else the one its files show),
/// or takes a prebuilt module.
///
/// # Errors
/// [`BuildError`].
pub fn build(
    files: &SourceTree,
    configured: Option<&'static dyn Toolchain>,
    prebuilt: Option<&Path>,
    spawner: Spawner<'_>,
) -> Result<BuiltModule, BuildError> {
    if let Some(path) = prebuilt {
        return Prebuilt(path.to_owned()).read();
    }
    let toolchain = detect(files, configured)?;
    let copy = crate::sys::disk::temporary_directory()?;
    let left_out = self::copy(files, copy.path(), |path| toolchain.reads(path), is_source, spawner)?;
    toolchain.build(copy.path(), spawner).map_err(|error| explained(error, &left_out))
}

/// Copies the files that `wanted` takes to the same places below `into`; links become what they lead to. What cannot be
/// copied is given back, unless it is `needed`: that is an error.
///
/// # Errors
/// [`BuildError::NotSource`], [`BuildError::Git`], [`BuildError::Disk`].
pub fn copy(
    files: &SourceTree,
    into: &Path,
    wanted: impl Fn(&TreePath) -> bool,
    needed: impl Fn(&TreePath) -> bool,
    spawner: Spawner<'_>,
) -> Result<Vec<LeftOut>, BuildError> {
    let parts = files.parts(spawner)?;
    let mut left_out: Vec<LeftOut> = parts.left_out.iter().filter(|left| wanted(&left.path)).cloned().collect();
    files.fetch(&parts, wanted, spawner, |path, bytes| {
        match (bytes, path.on_disk(into)) {
            (Ok(bytes), _) if needed(path) && crate::publisher::source::is_lfs_pointer(&bytes) => {
                left_out.push(LeftOut { path: path.clone(), why: Refusal::LfsPointer });
            }
            (Ok(bytes), Some(target)) => write(&target, &bytes)?,
            (Ok(_), None) => left_out.push(LeftOut { path: path.clone(), why: Refusal::Name }),
            (Err(why), _) => left_out.push(LeftOut { path: path.clone(), why }),
        }
        Ok::<_, BuildError>(())
    })?;
    let missed: Vec<&LeftOut> = left_out.iter().filter(|left| needed(&left.path)).collect();
    match missed.first() {
        Some(LeftOut { path, why }) => {
            Err(BuildError::NotSource { path: path.clone(), why: why.clone(), others: missed.len() - 1 })
        }
        None => Ok(left_out),
    }
}

/// Whether a build needs what is there: the connector's directory, without what no toolchain compiles.
fn is_source(path: &TreePath) -> bool {
    path.names().next() == Some(CONNECTOR.as_bytes()) && !is_passed_over(path)
}

/// Whether no toolchain compiles what is there, as go says it: `testdata`, and names that begin with `.` or `_`.
pub(crate) fn is_passed_over(path: &TreePath) -> bool {
    path.names().any(|name| name == b"testdata" || matches!(name.first(), Some(b'.' | b'_')))
}

/// A compiler that missed a file does not know why it is not there.
pub(crate) fn explained(error: BuildError, left_out: &[LeftOut]) -> BuildError {
    const SHOWN: usize = 20;
    match error {
        BuildError::Failed { program, status, mut output } if !left_out.is_empty() => {
            output.push_str("\nleft out of the copy that was built:");
            for LeftOut { path, why } in left_out.iter().take(SHOWN) {
                output.push_str(&format!("\n  {path}: {why}"));
            }
            if left_out.len() > SHOWN {
                output.push_str(&format!("\n  and {} more", left_out.len() - SHOWN));
            }
            BuildError::Failed { program, status, output }
        }
        error => error,
    }
}

fn write(target: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(disk(Operation::CreateDirectory, parent))?;
    }
    fs::write(target, bytes).map_err(disk(Operation::Write, target))
}

fn disk(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let failed = DiskError::at(operation, path);
    move |cause| BuildError::Disk(failed(cause))
}
