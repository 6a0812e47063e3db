//! What every skeleton has in common: how its templates are rendered, and how its files get where they belong, all or none.
//!
//! Everything is made in a hidden directory and moved into place at the end: an interruption or an error leaves nothing
//! half-written, and nothing that was there is written over.

#![expect(clippy::disallowed_methods, reason = "new files are put together beside their place and moved there as one")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use tempfile::TempDir;

use crate::HOME;
use crate::sys::disk::{DiskError, Operation};

/// The commit of our action that new repositories pin: one that a release was made of.
pub const ACTION_COMMIT: &str = "856efd56a01c1e2b8c94a4178bcca399e6aebd43";

/// `actions/checkout` v4.2.2.
const CHECKOUT: &str = "11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2";

/// `actions/upload-artifact` v4.6.2.
const UPLOAD_ARTIFACT: &str = "ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2";

/// The TinyGo that workflows install, and the SHA-256 of its archive for linux-amd64: what is downloaded decides a release's bytes.
const TINYGO: (&str, &str) = ("0.41.1", "e156d1d93a376eef639a4143d13be07e8c463fb6cf2d7d447698ed4474d23e91");

/// A file to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// Relative to the directory.
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
    /// Whether it can be run.
    pub(crate) is_executable: bool,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SkeletonError {
    /// Class `usage_error`.
    #[error("{} is not an empty directory: {} is in the way", .dir.display(), .first.display())]
    InTheWay {
        /// The directory that was asked for.
        dir: PathBuf,
        /// The first entry in it, by name; or the file that stands where a directory should be.
        first: PathBuf,
    },
    /// Class `validation_error`. A defect of a skeleton.
    #[error("the skeleton's {path} does not render")]
    Template {
        /// The file, as embedded.
        path: &'static str,
        /// The template engine's account.
        #[source]
        source: minijinja::Error,
    },
    /// Class: what could not be done.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl SkeletonError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            SkeletonError::InTheWay { .. } => Class::UsageError,
            SkeletonError::Template { .. } => Class::ValidationError,
            SkeletonError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            SkeletonError::Disk(error) => error.is_retriable(),
            SkeletonError::InTheWay { .. } | SkeletonError::Template { .. } => false,
        }
    }
}

/// Renders templates, with what every one of them may say.
pub(crate) struct Engine(Environment<'static>);

impl Engine {
    /// An engine that refuses a word it does not know.
    pub(crate) fn new() -> Result<Engine, SkeletonError> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
        engine.set_syntax(syntax.map_err(|source| SkeletonError::Template { path: "syntax", source })?);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        let home = HOME.trim_start_matches("https://github.com/");
        engine.add_global("action", format!("{home}/action@{ACTION_COMMIT} # {}", env!("CARGO_PKG_VERSION")));
        engine.add_global("checkout", CHECKOUT);
        engine.add_global("upload_artifact", UPLOAD_ARTIFACT);
        let (version, digest) = TINYGO;
        engine.add_global("tinygo_version", version);
        engine.add_global("tinygo_digest", digest);
        Ok(Engine(engine))
    }

    /// A template of the file at `path`, filled.
    pub(crate) fn fill(&self, path: &'static str, template: &str, values: &Value) -> Result<String, SkeletonError> {
        self.0.render_named_str(path, template, values).map_err(|source| SkeletonError::Template { path, source })
    }
}

/// Where new files go: a directory that is empty, holds nothing but `.git`, or does not exist yet.
pub(crate) struct TargetDir {
    dir: PathBuf,
    exists: bool,
}

impl TargetDir {
    /// Looks at the directory.
    ///
    /// # Errors
    /// [`SkeletonError::InTheWay`], [`SkeletonError::Disk`].
    pub(crate) fn at(dir: &Path) -> Result<TargetDir, SkeletonError> {
        let dir = std::path::absolute(dir).map_err(disk(Operation::Resolve, dir))?;
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(TargetDir { dir, exists: false }),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let file = dir.ancestors().find(|place| place.is_file()).unwrap_or(&dir);
                return Err(SkeletonError::InTheWay { first: file.to_owned(), dir });
            }
            Err(error) => return Err(disk(Operation::List, &dir)(error)),
        };
        let names: BTreeSet<OsString> = entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<_, _>>()
            .map_err(disk(Operation::List, &dir))?;
        // A fresh clone of an empty repository is the natural place to start.
        match names.into_iter().find(|name| name != ".git") {
            Some(first) => Err(SkeletonError::InTheWay { dir, first: first.into() }),
            None => Ok(TargetDir { dir, exists: true }),
        }
    }

    /// A hidden directory on the same file system: above a target that is still to be made, inside one that exists
    /// (it may be the user's current directory, and its parent may be closed to us).
    pub(crate) fn stage(&self) -> Result<TempDir, SkeletonError> {
        let place = self.dir.ancestors().find(|place| place.is_dir()).unwrap_or(&self.dir);
        let mut stage = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            stage.permissions(fs::Permissions::from_mode(0o777)); // less the umask, as any directory made by hand
        }
        stage.prefix(".aileron-init-").tempdir_in(place).map_err(disk_about(Operation::CreateDirectory, "in", place))
    }

    /// Whether it is part of a repository already.
    pub(crate) fn is_in_a_git_repository(&self) -> bool {
        self.dir.ancestors().any(|dir| dir.join(".git").symlink_metadata().is_ok())
    }

    /// Moves what was staged into place. A target that did not exist appears in one step.
    pub(crate) fn receive(&self, stage: TempDir) -> Result<(), SkeletonError> {
        if !self.exists {
            let parent = self.dir.parent().unwrap_or(&self.dir);
            fs::create_dir_all(parent).map_err(disk(Operation::CreateDirectory, parent))?;
            fs::rename(stage.path(), &self.dir).map_err(disk(Operation::Write, &self.dir))?;
            let _ = stage.keep(); // its old name is gone
            return Ok(());
        }
        let mut moved = Vec::new();
        let moving = fs::read_dir(stage.path()).map_err(disk(Operation::List, stage.path()))?.try_for_each(|entry| {
            let entry = entry.map_err(disk(Operation::List, stage.path()))?;
            let place = self.dir.join(entry.file_name());
            fs::rename(entry.path(), &place).map_err(disk(Operation::Write, &place))?;
            moved.push((entry.path(), place));
            Ok(())
        });
        if moving.is_err() {
            // Back into the stage, which goes away with all it holds.
            moved.iter().for_each(|(staged, place)| drop(fs::rename(place, staged)));
        }
        moving
    }
}

/// Writes files into a stage.
pub(crate) fn write(stage: &Path, files: &[NewFile]) -> Result<(), SkeletonError> {
    for file in files {
        let path = stage.join(&file.path);
        let parent = path.parent().unwrap_or(stage);
        fs::create_dir_all(parent).map_err(disk(Operation::CreateDirectory, parent))?;
        fs::write(&path, &file.text).map_err(disk(Operation::Write, &path))?;
        #[cfg(unix)]
        if file.is_executable {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).map_err(disk(Operation::Inspect, &path))?.permissions().mode();
            // Executable by every user who may read it.
            let permissions = fs::Permissions::from_mode(mode | (mode & 0o444) >> 2);
            fs::set_permissions(&path, permissions).map_err(disk(Operation::Write, &path))?;
        }
        #[cfg(not(unix))]
        let _ = file.is_executable; // there is no such mark
    }
    Ok(())
}

fn disk(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> SkeletonError {
    disk_about(operation, "", path)
}

fn disk_about(operation: Operation, what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SkeletonError {
    let failed = DiskError::about(operation, what, path);
    move |cause| SkeletonError::Disk(failed(cause))
}
