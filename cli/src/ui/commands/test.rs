//! `test`: every recording in the real sandbox, offline.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::invoke::Limits;
use aileron_verifier::problem::{Class, Waiver};
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use super::run::{CASSETTE_LIMIT, build, cassette, parsed, replaying, value};
use super::running::runner_with;
use super::{Answer, Context, Verb};
use crate::event::counted;
use crate::publisher::project::{self, LoadError};
use crate::publisher::source::{Found, Listed, Refusal, SourceTree, Wanted, WorkTree};
use crate::runtime::cassette::Cassette;
use crate::runtime::credential_source::NoCredentials;
use crate::runtime::recording::{Player, compare};
use crate::runtime::runner::{NetworkOptions, OpenConnector, Runner};
use crate::sys::disk::{self, DiskError};
use crate::ui::args::examples;
use crate::ui::report::{Exit, Failure, Outcome};

/// Where recordings lie, below the repository's root.
const DIRECTORY: &str = "tests";

/// Run every recording in tests/ in the real sandbox, offline, and say what differs.
///
/// A recording (tests/*.toml) holds an operation, its arguments, what the network answered and what must come of it;
/// `run --record` writes one.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub test", "aileron-pub test tests/get-item.toml"))]
pub(crate) struct Test {
    /// Recordings, or directories of them [default: tests/ in the repository].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
}

impl Verb for Test {
    fn run(self, context: &Context) -> Answer {
        let root = project::root(&context.repository, context.spawner()).map_err(|error| Failure::from(&error))?;
        let recordings = Recordings::open(root, context);
        let files = recordings.find(&self.paths)?;
        let build = build(self.wasm.as_deref(), &self.allow, context)?;
        let (limits, network) = (Limits::default(), NetworkOptions::default());
        let runner = runner_with(Profile::Deterministic, limits, network, &NoCredentials, context)?;
        let connector = runner.local(&build)?;
        let (mut text, mut listed, mut failed) = (String::new(), Vec::new(), 0);
        for file in &files {
            let name = file.name();
            let difference = play(&recordings.read(file)?, &connector, &runner);
            let word = if difference.is_some() { "FAILED" } else { "ok" };
            text.push_str(&format!("{word:<8}{}\n", printable(&name)));
            if let Some(difference) = &difference {
                failed += 1;
                text.push_str(difference);
                text.push('\n');
            }
            listed.push(json!({"file": name, "ok": difference.is_none(), "difference": difference}));
        }
        text.push_str(&format!("{}: {failed} failed\n", counted(files.len(), "recording")));
        let outcome = Outcome::new(text, json!({"recordings": listed, "failed": failed}));
        let message = format!("{} of {} failed", failed, counted(files.len(), "recording"));
        let failure = || {
            Failure::new(Class::ConnectorRuntimeError, Exit::Failure, message)
                .next("- is what the recording says, + what came of it; record it again with `aileron-pub run … --record FILE`")
        };
        Ok(outcome.with_failure((failed > 0).then(failure)))
    }
}

/// What differs, drawn; `None` when all is as recorded.
fn play(cassette: &Cassette, connector: &OpenConnector, runner: &Runner<'_>) -> Option<String> {
    let player = Arc::new(Player::new(cassette));
    let network = replaying(Network::of(connector.manifest()), &player);
    let done = runner.run(connector, &cassette.op, &cassette.args, network);
    let found = value(&done.result);
    // A request that differs explains a result that differs.
    let difference = player.fault().map(|fault| indented(&fault)).or_else(|| compare(&cassette.expect, &found));
    difference.map(|difference| indented(&difference))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// The repository's recordings, read as its other documents are; and others, where a person names them.
struct Recordings<'a> {
    tree: SourceTree,
    context: &'a Context,
}

/// Where a recording is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum RecordingFile {
    /// Below the repository's root, relative to it.
    Ours(String),
    /// Elsewhere on this machine.
    Elsewhere(PathBuf),
}

impl RecordingFile {
    fn name(&self) -> String {
        match self {
            RecordingFile::Ours(path) => path.clone(),
            RecordingFile::Elsewhere(path) => path.display().to_string(),
        }
    }
}

impl Recordings<'_> {
    fn open(root: PathBuf, context: &Context) -> Recordings<'_> {
        Recordings { tree: SourceTree::Work(WorkTree::open(&root)), context }
    }

    /// The recordings to play, in order of their paths.
    fn find(&self, paths: &[PathBuf]) -> Result<Vec<RecordingFile>, Failure> {
        let mut files = Vec::new();
        if paths.is_empty() {
            files.extend(self.directory(DIRECTORY)?.unwrap_or_default());
        }
        for path in paths {
            match self.place(path) {
                RecordingFile::Ours(path) => match self.directory(&path)? {
                    Some(recordings) => files.extend(recordings),
                    None => files.push(RecordingFile::Ours(path)),
                },
                RecordingFile::Elsewhere(path) if path.is_dir() => files.extend(elsewhere(&path)?),
                RecordingFile::Elsewhere(path) => files.push(RecordingFile::Elsewhere(path)),
            }
        }
        files.sort();
        files.dedup();
        if files.is_empty() {
            let message = format!("there are no recordings: no {DIRECTORY}/*.toml here");
            return Err(Failure::new(Class::FetchFailed, Exit::NotFound, message)
                .next(format!("make one: aileron-pub run OP --record {DIRECTORY}/NAME.toml")));
        }
        Ok(files)
    }

    /// The `*.toml` of a directory of the repository; `None` where that is no directory.
    fn directory(&self, path: &str) -> Result<Option<Vec<RecordingFile>>, Failure> {
        let listed = self.tree.names(path).map_err(|error| Failure::from(&LoadError::from(error)))?;
        match listed {
            Listed::Names(names) => {
                let recordings = names.into_iter().filter(|name| name.ends_with(".toml"));
                Ok(Some(recordings.map(|name| RecordingFile::Ours(format!("{path}/{name}"))).collect()))
            }
            Listed::Refused(refusal) => Err(refused(path, &refusal)),
            Listed::NotADirectory => Ok(None),
        }
    }

    /// Whether a path is written as one of the repository's. No link below the root is followed: that is the reader's to do.
    fn place(&self, path: &Path) -> RecordingFile {
        let inside = || {
            let absolute = without_parents(&std::path::absolute(path).ok()?);
            let is_root = |at: &&Path| at.canonicalize().is_ok_and(|real| real == self.tree.root());
            let root = absolute.ancestors().find(is_root)?;
            let names: Option<Vec<&str>> = absolute.strip_prefix(root).ok()?.iter().map(|name| name.to_str()).collect();
            names.map(|names| names.join("/")).filter(|path| !path.is_empty())
        };
        inside().map_or_else(|| RecordingFile::Elsewhere(path.to_owned()), RecordingFile::Ours)
    }

    fn read(&self, file: &RecordingFile) -> Result<Cassette, Failure> {
        let path = match file {
            RecordingFile::Elsewhere(path) => return cassette(path),
            RecordingFile::Ours(path) => path,
        };
        let found = self.tree.read(&[Wanted { path, limit: CASSETTE_LIMIT }], self.context.spawner());
        let found = found.map_err(|error| Failure::from(&LoadError::from(error)))?;
        match found.into_iter().next() {
            Some(Found::Bytes(bytes)) => parsed(path, bytes),
            Some(Found::Refused(refusal)) => Err(refused(path, &refusal)),
            Some(Found::Absent) | None => {
                let message = format!("there is no {path} in {}", self.tree.root().display());
                Err(Failure::new(Class::FetchFailed, Exit::NotFound, message))
            }
        }
    }
}

fn refused(path: &str, refusal: &Refusal) -> Failure {
    let problem = refusal.problem(path);
    Failure::new(problem.rule.class(), Exit::Policy, format!("{path}: {}", problem.message)).next(problem.rule.help())
}

/// The `*.toml` of a directory that a person named and that is not the repository's.
fn elsewhere(path: &Path) -> Result<Vec<RecordingFile>, Failure> {
    let names = disk::list(path)?.ok_or_else(|| DiskError::absent(path))?.into_keys();
    let files =
        names.map(|name| path.join(name)).filter(|file| file.extension().is_some_and(|ending| ending == "toml"));
    Ok(files.map(RecordingFile::Elsewhere).collect())
}

/// `a/../b` as `b`.
fn without_parents(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path
    })
}
