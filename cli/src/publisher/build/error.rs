//! Why there is no module.

use std::path::PathBuf;

use aileron_verifier::problem::Class;

use super::CONNECTOR;
use crate::publisher::source::{Refusal, SourceError, TreePath};
use crate::sys::disk::DiskError;
use crate::sys::git::GitError;
use crate::sys::process::ProcessError;

/// Why there is no module. Every class is `build_failed`, but for an interruption.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory holds nothing that can be built.
    #[error(
        "nothing to build in {}: looked for {}{}; --wasm FILE takes a module built elsewhere",
        .dir.display(),
        .looked_for.join(", "),
        .language.map(|language| format!(" (aileron-pub.toml says language = \"{language}\")")).unwrap_or_default()
    )]
    NoSource {
        /// The connector's directory.
        dir: PathBuf,
        /// The files that would have decided it.
        looked_for: Vec<&'static str>,
        /// The language that the repository names, if that decided what was looked for.
        language: Option<&'static str>,
    },
    /// Projects of several compilers lie beside each other, and no language is named.
    #[error(
        "{} are both in {CONNECTOR}/: name the one that builds in aileron-pub.toml, as in language = \"{}\"",
        .markers.join(" and "),
        .languages.first().unwrap_or(&"")
    )]
    Ambiguous {
        /// The files that are there.
        markers: Vec<&'static str>,
        /// What each would mean.
        languages: Vec<&'static str>,
    },
    /// The toolchain is not installed.
    #[error("{program} was not found in PATH: {advice}{instead}")]
    NoToolchain {
        /// The program.
        program: &'static str,
        /// How to get it.
        advice: &'static str,
        /// What else can be done, as the end of that sentence.
        instead: &'static str,
    },
    /// The toolchain cannot compile for the target of a connector. Known before anything is compiled.
    #[error("{compiler} cannot compile for {target} yet: {command}")]
    NoTarget {
        /// The compiler and its release.
        compiler: String,
        /// The target.
        target: &'static str,
        /// What adds it.
        command: String,
    },
    /// Nothing fixes the versions of the crates.
    #[error(
        "there is no Cargo.lock for {CONNECTOR}/Cargo.toml: run `cargo generate-lockfile` in {CONNECTOR}, and commit Cargo.lock: a version is made of fixed sources"
    )]
    NoLock,
    /// The project makes no program, or several.
    #[error("{file} makes {}: {advice}", some(.found))]
    NotOneProgram {
        /// What says it.
        file: String,
        /// The programs.
        found: Vec<String>,
        /// What a connector has.
        advice: &'static str,
    },
    /// A configuration of this machine would have a say in what is built.
    #[error(
        "{} would decide what is built{}: move what this connector needs into {CONNECTOR}/.cargo/config.toml, and {}",
        .file.display(),
        .setting.map(|setting| format!(" with `{setting}`")).unwrap_or_default(),
        match .setting {
            Some(_) => "build with CARGO_HOME set to a directory without it",
            None => "remove the file, or build with TMPDIR set to a directory that it does not lie above",
        }
    )]
    ForeignSetting {
        /// The file.
        file: PathBuf,
        /// What in it; `None` where the file as a whole is not this user's to write.
        setting: Option<&'static str>,
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
    /// Something below the connector's directory is no file that can be built.
    #[error("{path} cannot be built: {why}{}", more(*.others))]
    NotSource {
        /// The path.
        path: TreePath,
        /// What is there.
        why: Refusal,
        /// How many more there are.
        others: usize,
    },
    /// git did not tell which files there are, or did not give their content.
    #[error(transparent)]
    Git(GitError),
    /// The connector's directory is not among the files of the build.
    #[error(
        "{} is not in the copy that is built: it must be a directory of this repository whose files git does not ignore, not a submodule and not a link out",
        .0.display()
    )]
    NoDirectory(PathBuf),
    /// A source of the build is outside of the repository.
    #[error(
        "{file} takes {module} from {path}, which is outside of this repository: a version is made of its commit alone"
    )]
    ForeignSource {
        /// `connector/go.mod`, `go.work`, `connector/Cargo.toml` and the like, with its line where that is known.
        file: String,
        /// The module that is replaced, or `a module`.
        module: String,
        /// Where it is taken from, as written.
        path: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl BuildError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            BuildError::Process(error) => error.class(),
            BuildError::NoSource { .. }
            | BuildError::Ambiguous { .. }
            | BuildError::NoToolchain { .. }
            | BuildError::NoTarget { .. }
            | BuildError::NoLock
            | BuildError::NotOneProgram { .. }
            | BuildError::ForeignSetting { .. }
            | BuildError::Failed { .. }
            | BuildError::Text(_)
            | BuildError::Unidentified { .. }
            | BuildError::NotSource { .. }
            | BuildError::Git(_)
            | BuildError::NoDirectory(_)
            | BuildError::ForeignSource { .. }
            | BuildError::Disk(_) => Class::BuildFailed,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            BuildError::Process(error) => error.is_retriable(),
            BuildError::Git(error) => error.is_retriable(),
            BuildError::Disk(error) => error.is_retriable(),
            BuildError::NoSource { .. }
            | BuildError::Ambiguous { .. }
            | BuildError::NoToolchain { .. }
            | BuildError::NoTarget { .. }
            | BuildError::NoLock
            | BuildError::NotOneProgram { .. }
            | BuildError::ForeignSetting { .. }
            | BuildError::Failed { .. }
            | BuildError::Text(_)
            | BuildError::Unidentified { .. }
            | BuildError::NotSource { .. }
            | BuildError::NoDirectory(_)
            | BuildError::ForeignSource { .. } => false,
        }
    }
}

impl From<SourceError> for BuildError {
    fn from(error: SourceError) -> BuildError {
        match error {
            SourceError::Git(error) => BuildError::Git(error),
            SourceError::Disk(error) => BuildError::Disk(error),
        }
    }
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

fn some(found: &[String]) -> String {
    if found.is_empty() { "no program".to_owned() } else { format!("the programs {}", found.join(" and ")) }
}
