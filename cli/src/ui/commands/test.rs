//! `test`: every recording in the real sandbox, offline.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_sandbox::engine::{Connector, LocalBuild};
use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::invoke::Limits;
use aileron_verifier::problem::Class;
use serde_json::json;

use super::invoke::Desk;
use super::run::{build, cassette, replaying, value};
use super::{Answer, Context};
use crate::event::counted;
use crate::publisher::project;
use crate::runtime::tape::{Player, judge};
use crate::sys::disk::DiskError;
use crate::ui::args::{Calling, Test};
use crate::ui::report::{Exit, Failure, Outcome};

/// Where recordings lie, below the repository's root.
const DIRECTORY: &str = "tests";

pub(super) fn run(args: &Test, repository: &Path, context: &Context) -> Answer {
    let root = project::root(repository, context.spawner()).map_err(|error| Failure::from(&error))?;
    let files = files(&args.paths, &root)?;
    let build = build(args.wasm.as_deref(), repository, context)?;
    let calling = Calling::default();
    let desk = Desk::with(Profile::Deterministic, Limits::default(), &calling, context)?;
    let connector = desk.session.local(&build).map_err(|failure| Failure::from(&failure))?;
    let (mut text, mut listed, mut failed) = (String::new(), Vec::new(), 0);
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        let difference = play(file, &connector, &build, &desk)?;
        let word = if difference.is_some() { "FAILED" } else { "ok" };
        text.push_str(&format!("{word:<8}{name}\n"));
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
            .next("- is what the recording says, + what came of it; record anew with `aileron-pub run … --record FILE`")
    };
    Ok(outcome.with_failure((failed > 0).then(failure)))
}

/// What differs, drawn; `None` when all is as recorded.
fn play(file: &Path, connector: &Connector, build: &LocalBuild, desk: &Desk<'_>) -> Result<Option<String>, Failure> {
    let cassette = cassette(file)?;
    let player = Arc::new(Player::new(&cassette));
    let network = Arc::new(replaying(Network::of(build.manifest()), &player));
    let done = desk.session.invoke(connector, &cassette.op, &cassette.args, network, &desk.how);
    let found = value(&done.result);
    // What was asked wrongly explains what came of it.
    let difference = player.fault().map(|fault| indented(&fault)).or_else(|| judge(&cassette.expect, &found));
    Ok(difference.map(|difference| indented(&difference)))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// The recordings to play, in order of their paths.
fn files(paths: &[PathBuf], root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let given = if paths.is_empty() { vec![root.join(DIRECTORY)] } else { paths.to_vec() };
    for path in &given {
        if path.is_file() {
            files.push(path.clone());
            continue;
        }
        let entries = match std::fs::read_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && paths.is_empty() => break,
            entries => entries.map_err(DiskError::at("list", path))?,
        };
        for entry in entries {
            let file = entry.map_err(DiskError::at("list", path))?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                files.push(file);
            }
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
