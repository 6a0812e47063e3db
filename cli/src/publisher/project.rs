//! The repository, as values with byte ranges: at one commit, or as it lies in the work tree.
//!
//! Reads everything a release needs and judges nothing: `lint` does. The work tree is never written.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use aileron_verifier::artifact::archive::MAX_DOCUMENT;
use aileron_verifier::artifact::config;
use aileron_verifier::layout::{ACTIONS, KEY_LIMIT, PUBLISHER_KEY, SUITE, action_directory};
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::statement::{self, cohort::CommitId};

use super::build::CONNECTOR;
use super::fingerprint_mark;
use super::source::{Commit, Found, Listed, SourceError, SourceTree, Wanted, WorkTree};
use crate::sys::disk::{self, DiskError};
use crate::sys::git::{self, Configuration, GitError, Head};
use crate::sys::process::Spawner;

/// Where the connector's manifest is, relative to the repository.
pub const MANIFEST: &str = "connector/manifest.toml";
/// Where the changelog is, for those who keep one.
pub const CHANGELOG: &str = "CHANGELOG.md";
/// Longest changelog that is read.
const CHANGELOG_LIMIT: u64 = 64 * 1024 * 1024;

const CHANGELOG_WANTED: Wanted<'static> = Wanted { path: CHANGELOG, limit: CHANGELOG_LIMIT };

const README_WANTED: Wanted<'static> = Wanted { path: fingerprint_mark::README, limit: fingerprint_mark::LIMIT };

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
    /// `aileron-pub.toml`, if there is one.
    pub config: Option<Result<Source, Problem>>,
    /// What `keys/` says of keys: rotations, revocations, and their signatures.
    pub key_statements: Vec<KeyFile>,
    /// `README.md`, if there is one that is text.
    pub readme: Option<Source>,
    /// `CHANGELOG.md`, if there is one that is text.
    pub changelog: Option<Result<String, Problem>>,
    /// The files all of this was read from, for a build to read on.
    pub files: SourceTree,
}

/// A statement on keys, or its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// Relative to the root.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Which files a verb works on. artifacts.md §12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What lies in the work tree: for verbs without a version.
    WorkTree,
    /// HEAD's tree: for verbs with one.
    Commit,
    /// The work tree where it differs from HEAD, else HEAD's tree: `--allow-dirty`.
    Changed,
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
    /// HEAD.
    pub commit: CommitId,
    /// Paths that are changed, or neither tracked nor ignored; `dist/` excepted.
    pub changes: Vec<String>,
    /// Paths that a filter of this clone keeps from being compared with the commit.
    pub unjudged: Vec<String>,
    /// URL of the remote `origin`, if any.
    pub remote: Option<String>,
}

/// Why there is no project to speak of.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither the directory nor its repository holds a connector.
    #[error("no connector manifest: there is no {MANIFEST} in {}", .0.display())]
    NoManifest(PathBuf),
    /// The work tree may hold a connector, the commit does not.
    #[error("no connector manifest: there is no {MANIFEST} in commit {commit} of {}", .root.display())]
    NotCommitted {
        /// The project's root.
        root: PathBuf,
        /// HEAD.
        commit: CommitId,
    },
    /// git was asked and did not tell.
    #[error(transparent)]
    Git(GitError),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl LoadError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            LoadError::NoManifest(_) | LoadError::NotCommitted { .. } => Class::ValidationError,
            LoadError::Git(error) => error.class(),
            LoadError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            LoadError::NoManifest(_) | LoadError::NotCommitted { .. } => false,
            LoadError::Git(error) => error.is_retriable(),
            LoadError::Disk(error) => error.is_retriable(),
        }
    }
}

impl From<SourceError> for LoadError {
    fn from(error: SourceError) -> LoadError {
        match error {
            SourceError::Git(error) => LoadError::Git(error),
            SourceError::Disk(error) => LoadError::Disk(error),
        }
    }
}

impl Project {
    /// Reads the repository `directory` is in.
    ///
    /// # Errors
    /// [`LoadError`]. For [`Reading::WorkTree`], what git cannot tell is no error yet: [`Project::history`] holds the reason.
    pub fn load(directory: &Path, reading: Reading, spawner: Spawner<'_>) -> Result<Project, LoadError> {
        let root = root(directory, spawner)?;
        if reading == Reading::WorkTree {
            // The work tree is read while git is asked: neither needs the other.
            return thread::scope(|scope| {
                let history = scope.spawn(|| History::read(&root, spawner));
                let documents = Documents::read(SourceTree::Work(WorkTree::open(&root)), spawner);
                let history = history.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                documents?.project(root.clone(), history)
            });
        }
        let (head, configuration) = History::begin(&root, spawner).map_err(LoadError::Git)?;
        // Comparing the work tree takes as long as reading the commit. Where it differs and is what is wanted, the commit's
        // documents were read for nothing, and what went wrong with them does not matter.
        let (history, documents) = thread::scope(|scope| {
            let history = scope.spawn(|| History::compared(&root, head.clone(), configuration, spawner));
            let commit = Commit::open(&root, &head, spawner).map_err(LoadError::from);
            let documents = commit.and_then(|commit| Documents::read(SourceTree::Commit(commit), spawner));
            (history.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), documents)
        });
        let history = history.map_err(LoadError::Git)?;
        let documents = match reading == Reading::Changed && history.is_dirty() {
            true => Documents::read(SourceTree::Work(WorkTree::open(&root)), spawner),
            false => documents,
        };
        documents?.project(root, Ok(history))
    }

    /// Reads the repository `directory` is in as `commit` of it has it; the work tree has no say.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_commit(directory: &Path, commit: &CommitId, spawner: Spawner<'_>) -> Result<Project, LoadError> {
        let root = root(directory, spawner)?;
        let (head, configuration) = History::begin(&root, spawner).map_err(LoadError::Git)?;
        let head = Head { commit: commit.clone(), ..head };
        let files = SourceTree::Commit(Commit::open(&root, &head, spawner)?);
        let (changes, unjudged, remote) = (Vec::new(), Vec::new(), configuration.origin);
        let history = History { commit: head.commit, changes, unjudged, remote };
        Documents::read(files, spawner)?.project(root, Ok(history))
    }
}

/// Everything that is read of the files.
struct Documents {
    files: SourceTree,
    /// None where there is no such file.
    manifest: Option<Result<Source, Problem>>,
    suite: Option<Result<Source, Problem>>,
    publisher_key: Option<Result<Source, Problem>>,
    config: Option<Result<Source, Problem>>,
    key_statements: Vec<KeyFile>,
    readme: Option<Source>,
    changelog: Option<Result<String, Problem>>,
    actions: Vec<ActionDirectory>,
}

impl Documents {
    fn read(files: SourceTree, spawner: Spawner<'_>) -> Result<Documents, LoadError> {
        let mut directories = files.directories(ACTIONS)?;
        directories.sort_by(|one, other| one.name.cmp(&other.name));
        let paths: Vec<String> =
            directories.iter().map(|directory| format!("{}/action.md", action_directory(&directory.name))).collect();
        let documents =
            [MANIFEST, SUITE, PUBLISHER_KEY, config::FILE].into_iter().chain(paths.iter().map(String::as_str));
        let wanted = documents.map(|path| Wanted { path, limit: MAX_DOCUMENT });
        let of_keys = key_statements(&files)?;
        let statements = of_keys.iter().map(|path| Wanted { path, limit: KEY_LIMIT });
        let wanted: Vec<Wanted<'_>> = wanted.chain([CHANGELOG_WANTED, README_WANTED]).chain(statements).collect();
        let mut found = wanted.iter().zip(files.read(&wanted, spawner)?).map(|(wanted, found)| (wanted.path, found));
        let mut next = || found.next().and_then(|(path, found)| document(path, found));
        let (manifest, suite, publisher_key, config) = (next(), next(), next(), next());
        let action = |directory: super::source::SourceDirectory| {
            let found = next();
            let at = action_directory(&directory.name);
            let at = at.trim_end_matches('/');
            let document = directory.refusal.map(|refusal| Err(refusal.problem(at))).or(found);
            ActionDirectory { name: directory.name, document }
        };
        let actions = directories.into_iter().map(action).collect();
        let changelog = found.next().and_then(|(path, found)| match found {
            Found::Absent => None,
            Found::Bytes(bytes) => String::from_utf8(bytes).ok().map(Ok),
            Found::Refused(refusal) => Some(Err(refusal.problem(path))),
        });
        let readme = found.next().and_then(|(path, found)| match found {
            Found::Bytes(bytes) => Source::read(path, bytes).ok(),
            Found::Absent | Found::Refused(_) => None,
        });
        let statement = |(path, found): (&str, Found)| match found {
            Found::Bytes(bytes) => Some(KeyFile { path: path.to_owned(), bytes }),
            Found::Absent | Found::Refused(_) => None,
        };
        let key_statements = found.filter_map(statement).collect();
        Ok(Documents { manifest, actions, suite, publisher_key, config, readme, key_statements, changelog, files })
    }

    fn project(self, root: PathBuf, history: Result<History, GitError>) -> Result<Project, LoadError> {
        let Documents { files, manifest, suite, publisher_key, config, readme, key_statements, changelog, actions } =
            self;
        let manifest = manifest.ok_or_else(|| no_manifest(&files, &root, &history))?;
        Ok(Project {
            manifest,
            actions,
            suite,
            publisher_key,
            config,
            readme,
            key_statements,
            changelog,
            history,
            files,
            root,
        })
    }
}

/// The files in `keys/` that are statements on keys, or signatures of such.
fn key_statements(files: &SourceTree) -> Result<Vec<String>, SourceError> {
    let folder = Path::new(PUBLISHER_KEY).parent().and_then(Path::to_str).unwrap_or_default();
    let Listed::Names(names) = files.names(folder)? else { return Ok(Vec::new()) };
    Ok(names.into_iter().filter(|name| statement::is_of_keys(name)).map(|name| format!("{folder}/{name}")).collect())
}

fn no_manifest(files: &SourceTree, root: &Path, history: &Result<History, GitError>) -> LoadError {
    match (files, history) {
        (SourceTree::Commit(_), Ok(history)) => {
            LoadError::NotCommitted { root: root.to_owned(), commit: history.commit.clone() }
        }
        _ => LoadError::NoManifest(root.to_owned()),
    }
}

fn document(path: &str, found: Found) -> Option<Result<Source, Problem>> {
    match found {
        Found::Absent => None,
        Found::Bytes(bytes) => Some(Source::read(path, bytes)),
        Found::Refused(refusal) => Some(Err(refusal.problem(path))),
    }
}

/// The root of the repository `directory` is in: the directory itself when it or its commit holds a connector, else what
/// git names.
///
/// # Errors
/// [`LoadError::NoManifest`] when neither holds one; [`LoadError::Git`] when git refuses to say.
pub fn root(directory: &Path, spawner: Spawner<'_>) -> Result<PathBuf, LoadError> {
    let absent =
        |error: &DiskError| matches!(error.cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let directory = match disk::canonical(directory) {
        Err(error) if absent(&error) => return Err(LoadError::NoManifest(directory.to_owned())),
        found => found?,
    };
    if lies_in(&directory) {
        return Ok(directory);
    }
    let toplevel = match git::toplevel(&directory, spawner) {
        Ok(toplevel) => toplevel,
        Err(error) if error.is_refusal() => return Err(LoadError::Git(error)),
        Err(_) => return Err(LoadError::NoManifest(directory)),
    };
    for candidate in [&directory, &toplevel] {
        if lies_in(candidate) || is_committed_in(candidate, spawner)? {
            return Ok(candidate.clone());
        }
    }
    Err(LoadError::NoManifest(directory))
}

fn lies_in(directory: &Path) -> bool {
    directory.join(MANIFEST).symlink_metadata().is_ok()
}

/// A sparse work tree may lack what its commit has.
fn is_committed_in(directory: &Path, spawner: Spawner<'_>) -> Result<bool, LoadError> {
    let asked = || {
        let Head { commit, prefix } = git::head(directory, spawner)?;
        let at = [&*prefix, CONNECTOR.as_bytes()].concat();
        Ok(!git::tree(directory, &commit, &at, spawner)?.is_empty())
    };
    match asked() {
        Err(error) if GitError::is_refusal(&error) => Err(LoadError::Git(error)),
        asked => Ok(asked.unwrap_or(false)),
    }
}

impl History {
    fn read(root: &Path, spawner: Spawner<'_>) -> Result<History, GitError> {
        let (head, configuration) = History::begin(root, spawner)?;
        History::compared(root, head, configuration, spawner)
    }

    fn begin(root: &Path, spawner: Spawner<'_>) -> Result<(Head, Configuration), GitError> {
        let (head, configuration) = thread::scope(|scope| {
            let configuration = scope.spawn(|| git::configuration(root, spawner));
            let head = git::head(root, spawner);
            (head, configuration.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        Ok((head?, configuration?))
    }

    fn compared(
        root: &Path,
        Head { commit, prefix }: Head,
        configuration: Configuration,
        spawner: Spawner<'_>,
    ) -> Result<History, GitError> {
        let git::Changes { paths, unjudged } = git::changes(root, &prefix, &configuration, spawner)?;
        let text = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
        Ok(History {
            commit,
            changes: paths.iter().filter(|path| !path.starts_with(b"dist/")).map(text).collect(),
            unjudged: unjudged.iter().map(text).collect(),
            remote: configuration.origin,
        })
    }

    /// Whether the work tree is what the commit says.
    pub fn is_dirty(&self) -> bool {
        !self.changes.is_empty()
    }
}
