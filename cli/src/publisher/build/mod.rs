//! The connector's source to its module.
//!
//! A build happens in a copy that holds only the files it was given, so neither the work tree nor an untracked file has
//! a say in the result. What comes out is bytes and the exact toolchain. Not here: binding, and whether the module is a
//! connector (`aileron_verifier::module`).

mod go;
mod prebuilt;
mod wat;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use aileron_verifier::cohort::Toolchain as Made;
use aileron_verifier::problem::Class;

use crate::sys::disk::DiskError;
use crate::sys::process::{ProcessError, Spawner};

pub use go::Go;
pub use prebuilt::Prebuilt;
pub use wat::Wat;

/// Where the connector's source lies, below the repository's root.
pub const CONNECTOR: &str = "connector";

/// A way from source to module.
pub trait Toolchain {
    /// A few words for progress and logs: `Go (connector/go.mod)`.
    fn describe(&self) -> String;

    /// Builds the connector of `copy`, the root of a copied repository.
    ///
    /// # Errors
    /// [`BuildError`]; the work tree is untouched either way.
    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<Built, BuildError>;
}

/// A module, and what made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The module's bytes, not yet looked at.
    pub wasm: Vec<u8>,
    /// The line for `cohort.json`.
    pub toolchain: Made,
}

/// Why there is no module. Every class is `build_failed`, but for an interruption.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing that can be built lies in the directory.
    #[error(
        "nothing to build in {}: looked for {}; --wasm FILE takes a module built elsewhere",
        .dir.display(),
        .looked_for.join(" and ")
    )]
    NoSource {
        /// The connector's directory.
        dir: PathBuf,
        /// The files that would have decided it.
        looked_for: Vec<&'static str>,
    },
    /// The toolchain is not installed.
    #[error("{program} was not found in PATH: {advice}, or hand over a module built elsewhere with --wasm FILE")]
    NoToolchain {
        /// The program.
        program: &'static str,
        /// How to get it.
        advice: &'static str,
    },
    /// The compiler refused. `output` is its own, with the paths of the repository.
    #[error("{program} failed ({status})\n{output}")]
    Failed {
        /// What was run.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote.
        output: String,
    },
    /// The source is not WebAssembly text. The message names file, line and column.
    #[error("{0}")]
    Text(String),
    /// The toolchain answered something that was not understood.
    #[error("cannot tell which {program} this is: {detail}")]
    Unidentified {
        /// The program.
        program: &'static str,
        /// Why not.
        detail: String,
    },
    /// The process was interrupted, or the system refused it.
    #[error(transparent)]
    Process(ProcessError),
    /// A path that leads out of the repository, or is no path inside one.
    #[error("{} is not a path inside the repository", .0.display())]
    Outside(PathBuf),
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl BuildError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            BuildError::Process(ProcessError::Interrupted { .. }) => Class::Incomplete,
            BuildError::NoSource { .. }
            | BuildError::NoToolchain { .. }
            | BuildError::Failed { .. }
            | BuildError::Text(_)
            | BuildError::Unidentified { .. }
            | BuildError::Process(_)
            | BuildError::Outside(_)
            | BuildError::Disk(_) => Class::BuildFailed,
        }
    }
}

/// The toolchain for a connector's directory, by the file that gives it away; the first of the list that is there.
///
/// # Errors
/// [`BuildError::NoSource`], naming what was looked for.
pub fn detect(connector: &Path) -> Result<Box<dyn Toolchain>, BuildError> {
    const LOOKED_FOR: [&str; 2] = ["go.mod", "connector.wat"];
    match LOOKED_FOR.map(|file| connector.join(file).is_file()) {
        [true, _] => Ok(Box::new(Go)),
        [_, true] => Ok(Box::new(Wat)),
        _ => Err(BuildError::NoSource { dir: connector.to_owned(), looked_for: LOOKED_FOR.to_vec() }),
    }
}

/// A few words about the build that [`build`] is going to do.
///
/// # Errors
/// [`BuildError::NoSource`].
pub fn announce(root: &Path, prebuilt: Option<&Path>) -> Result<String, BuildError> {
    match prebuilt {
        Some(path) => Ok(format!("taking the module {}", path.display())),
        None => Ok(format!("building with {}", detect(&root.join(CONNECTOR))?.describe())),
    }
}

/// Builds the connector of the repository at `root` in a temporary copy of `files`, or takes a prebuilt module.
///
/// # Errors
/// [`BuildError`].
pub fn build(
    root: &Path,
    files: &[PathBuf],
    prebuilt: Option<&Path>,
    spawner: Spawner<'_>,
) -> Result<Built, BuildError> {
    let copy = tempfile::tempdir().map_err(disk("create", &std::env::temp_dir()))?;
    match prebuilt {
        Some(path) => Prebuilt(path.to_owned()).build(copy.path(), spawner),
        None => {
            let toolchain = detect(&root.join(CONNECTOR))?;
            copy_tree(root, files, copy.path())?;
            toolchain.build(copy.path(), spawner)
        }
    }
}

/// Copies `files`, given relative to `root`, to the same places below `into`.
///
/// A link is followed when it leads to a file inside `root`. One that leads out, or to a directory, is left behind, as
/// is a directory in the list (a submodule): a build sees the repository's own files and nothing else.
///
/// # Errors
/// [`BuildError::Outside`] for a path that is absolute or has `..` in it; [`BuildError::Disk`].
pub fn copy_tree(root: &Path, files: &[PathBuf], into: &Path) -> Result<(), BuildError> {
    let inside = root.canonicalize().map_err(disk("read", root))?;
    for file in files {
        is_inside(file)?;
        let source = root.join(file);
        let link = source.symlink_metadata().map_err(disk("read", &source))?.is_symlink();
        let real = match source.canonicalize() {
            Ok(real) => real,
            Err(_) if link => continue, // it leads nowhere
            Err(error) => return Err(disk("read", &source)(error)),
        };
        if real.starts_with(&inside) && real.is_file() {
            place(into, file, &fs::read(&real).map_err(disk("read", &source))?)?;
        }
    }
    Ok(())
}

/// Writes one file of a copy: for text that is not on disk as it should be built, such as a bound manifest.
///
/// # Errors
/// As [`copy_tree`].
pub fn place(into: &Path, file: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    is_inside(file)?;
    let target = into.join(file);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(disk("create", parent))?;
    }
    fs::write(&target, bytes).map_err(disk("write", &target))
}

fn is_inside(file: &Path) -> Result<(), BuildError> {
    let inside = file.components().all(|part| matches!(part, Component::Normal(_))) && file.file_name().is_some();
    if inside { Ok(()) } else { Err(BuildError::Outside(file.to_owned())) }
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let failed = DiskError::at(doing, path);
    move |cause| BuildError::Disk(failed(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchain_is_told_from_the_file_that_is_there() {
        let temp = tempfile::tempdir().unwrap();
        let error = detect(temp.path()).err().unwrap();
        assert!(error.to_string().contains("looked for go.mod and connector.wat; --wasm FILE"), "{error}");
        fs::write(temp.path().join("connector.wat"), "").unwrap();
        assert_eq!(detect(temp.path()).unwrap().describe(), "WebAssembly text (connector/connector.wat)");
        fs::write(temp.path().join("go.mod"), "").unwrap();
        assert_eq!(detect(temp.path()).unwrap().describe(), "Go (connector/go.mod)");
    }

    #[test]
    fn a_copy_holds_the_files_of_the_list_and_nothing_from_outside() {
        let temp = tempfile::tempdir().unwrap();
        let (root, into) = (temp.path().join("root"), temp.path().join("into"));
        place(&root, Path::new("a/b.txt"), b"b").unwrap();
        place(&root, Path::new("untracked"), b"u").unwrap();
        fs::write(temp.path().join("outside"), "o").unwrap();
        let mut files = vec![PathBuf::from("a/b.txt"), PathBuf::from("a")];
        #[cfg(unix)]
        for (name, target) in [("in", "a/b.txt"), ("out", "../outside"), ("dir", "a"), ("nowhere", "gone")] {
            std::os::unix::fs::symlink(target, root.join(name)).unwrap();
            files.push(name.into());
        }
        copy_tree(&root, &files, &into).unwrap();
        let mut copied: Vec<_> = walkdir::WalkDir::new(&into)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| entry.path().strip_prefix(&into).unwrap().to_owned())
            .collect();
        copied.sort();
        let expected: &[&str] = if cfg!(unix) { &["a/b.txt", "in"] } else { &["a/b.txt"] };
        assert_eq!(copied, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        for file in ["../outside", "/etc/hostname", "a/../../outside", ""] {
            let error = copy_tree(&root, &[file.into()], &into).unwrap_err();
            assert!(matches!(error, BuildError::Outside(_)), "{file}: {error}");
        }
        let error = copy_tree(&root, &["gone.txt".into()], &into).unwrap_err();
        assert!(matches!(error, BuildError::Disk(_)), "{error}");
    }
}
