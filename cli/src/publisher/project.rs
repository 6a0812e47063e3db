//! The repository at one commit, as values with byte ranges.
//!
//! Reads everything a release needs and judges nothing: `lint` does. The work tree is never written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::{Problem, Source};

use crate::sys::disk::{self, DiskError};
use crate::sys::git::{self, GitError};
use crate::sys::process::Spawner;

/// No document of a repository is longer: the cap of manifests and actions. artifacts.md §7.
const DOCUMENT_LIMIT: u64 = 1024 * 1024;

/// Where the connector's manifest is, relative to the repository.
pub const MANIFEST: &str = "connector/manifest.toml";
/// Where the repository suite is.
pub const SUITE: &str = "suite.toml";
/// Where the publisher's public key is.
pub const PUBLISHER_KEY: &str = "keys/publisher.pub";
/// Where the changelog is, for those who keep one.
pub const CHANGELOG: &str = "CHANGELOG.md";
/// Longest changelog that is read.
const CHANGELOG_LIMIT: u64 = 64 * 1024 * 1024;

/// What a repository holds, read once.
pub struct Project {
    /// Its root, as given or as git names it.
    pub root: PathBuf,
    /// What git knows, or why it knows nothing.
    pub history: Result<History, GitError>,
    /// `connector/manifest.toml`.
    pub manifest: Result<Source, Problem>,
    /// Directories under `actions/`, sorted by name.
    pub actions: Vec<ActionDirectory>,
    /// `suite.toml`, if there is one.
    pub suite: Option<Result<Source, Problem>>,
    /// `keys/publisher.pub`, if there is one.
    pub publisher_key: Option<Result<Source, Problem>>,
    /// `CHANGELOG.md`, if there is one that is text.
    pub changelog: Option<String>,
}

/// One directory under `actions/`.
pub struct ActionDirectory {
    /// Its name.
    pub name: String,
    /// Its `action.md`, if it has one.
    pub document: Option<Result<Source, Problem>>,
}

/// The commit, and how the work tree differs from it. artifacts.md §12.
pub struct History {
    /// HEAD, 40 hex digits.
    pub commit: String,
    /// Paths that are changed, or neither tracked nor ignored; `dist/` excepted.
    pub changes: Vec<String>,
    /// Files a build may need: tracked ones, and untracked ones that are not ignored.
    pub files: Vec<PathBuf>,
    /// Local tags and the commits they peel to.
    pub tags: BTreeMap<String, String>,
    /// URL of the remote `origin`, if any.
    pub remote: Option<String>,
}

/// Why there is no project to speak of.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither the directory nor its repository holds a connector.
    #[error("no connector manifest: there is no {MANIFEST} in {}", .0.display())]
    NoManifest(PathBuf),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Project {
    /// Reads the repository `directory` is in.
    ///
    /// # Errors
    /// [`LoadError`]; a directory git knows nothing of is no error yet: [`Project::history`] holds the reason.
    pub fn load(directory: &Path, spawner: Spawner<'_>) -> Result<Project, LoadError> {
        let root = root(directory, spawner)?;
        let history = History::read(&root, spawner);
        let manifest = source(&root, MANIFEST)?.ok_or_else(|| LoadError::NoManifest(root.clone()))?;
        Ok(Project {
            manifest,
            actions: actions(&root)?,
            suite: source(&root, SUITE)?,
            publisher_key: source(&root, PUBLISHER_KEY)?,
            changelog: disk::read_if_there(&root.join(CHANGELOG), CHANGELOG_LIMIT)?
                .and_then(|bytes| String::from_utf8(bytes).ok()),
            history,
            root,
        })
    }
}

/// The root of the repository `directory` is in: the directory itself when it holds a connector, else what git names.
///
/// # Errors
/// [`LoadError::NoManifest`] when neither holds one.
pub fn root(directory: &Path, spawner: Spawner<'_>) -> Result<PathBuf, LoadError> {
    let directory = fs::canonicalize(directory).map_err(DiskError::at("open", directory))?;
    if directory.join(MANIFEST).is_file() {
        return Ok(directory);
    }
    match git::toplevel(&directory, spawner) {
        Ok(toplevel) if toplevel.join(MANIFEST).is_file() => Ok(toplevel),
        _ => Err(LoadError::NoManifest(directory)),
    }
}

fn source(root: &Path, path: &str) -> Result<Option<Result<Source, Problem>>, DiskError> {
    let bytes = disk::read_if_there(&root.join(path), DOCUMENT_LIMIT)?;
    Ok(bytes.map(|bytes| Source::read(path, bytes)))
}

fn actions(root: &Path) -> Result<Vec<ActionDirectory>, DiskError> {
    let directory = root.join("actions");
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(DiskError::at("list", &directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(DiskError::at("list", &directory))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let read = |name: String| {
        let document = source(root, &format!("actions/{name}/action.md"))?;
        Ok(ActionDirectory { name, document })
    };
    names.into_iter().map(read).collect()
}

impl History {
    fn read(root: &Path, spawner: Spawner<'_>) -> Result<History, GitError> {
        let commit = git::head(root, spawner)?;
        let changes = git::changes(root, spawner)?.into_iter().filter(|path| !path.starts_with("dist/")).collect();
        Ok(History {
            commit,
            changes,
            files: git::files(root, spawner)?,
            tags: git::tags(root, spawner)?,
            remote: git::remote(root, spawner)?,
        })
    }

    /// Whether the work tree is what the commit says.
    pub fn is_dirty(&self) -> bool {
        !self.changes.is_empty()
    }
}
