//! `run`: one operation of the connector that lies here.

use std::path::Path;
use std::sync::Arc;

use aileron_sandbox::engine::LocalBuild;
use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::outcome::Output;
use aileron_verifier::problem::{Class, Waiver};
use aileron_verifier::text::Json;

use super::invoke::{Desk, given_object, of_output, spoken, with_text_hint};
use super::{Answer, Context};
use crate::publisher::lint::{self, Checked};
use crate::publisher::local::local;
use crate::publisher::project::{Project, Reading};
use crate::runtime::cassette::Cassette;
use crate::runtime::tape::{Player, Recording};
use crate::runtime::{arguments, static_credential};
use crate::sys::disk;
use crate::ui::args::Run;
use crate::ui::report::{Exit, Failure};

/// Longest recording that is read.
pub(super) const CASSETTE_LIMIT: u64 = 64 << 20;

pub(super) fn run(args: &Run, repository: &Path, context: &Context) -> Answer {
    let calling = &args.calling;
    let arguments = arguments::untyped(given_object(calling)?.as_deref(), &calling.arg)?;
    let player =
        args.replay.as_deref().map(|path| Ok::<_, Failure>(Arc::new(Player::new(&cassette(path)?)))).transpose()?;
    let build = build(args.wasm.as_deref(), repository, &args.allow, context)?;
    let desk = Desk::open(calling, context)?;
    let connector = match desk.session.local(&build) {
        Ok(connector) => connector,
        Err(failure) => return Ok(spoken(Err(&failure))),
    };
    let recording = Arc::new(Recording::default());
    let network = match &player {
        Some(player) => replaying(Network::of(build.manifest()), player),
        None => {
            let network = desk.network(build.manifest())?;
            if args.record.is_some() { network.recorded_by(recording.clone()) } else { network }
        }
    };
    let done = desk.session.invoke(&connector, &args.op, &arguments, Arc::new(network), &desk.how);
    if let Some(path) = &args.record {
        let cassette = recording.cassette(&args.op, &arguments, &value(&done.result));
        disk::write(path, cassette.text().as_bytes())?;
    }
    let told = with_text_hint(spoken(done.result.as_ref().map(Option::as_ref)), &calling.arg);
    match player.and_then(|player| player.fault()) {
        Some(fault) => Ok(told.with_failure(Some(mismatch(&fault)))),
        None => Ok(told),
    }
}

/// The network of a recording: the same gates, and nothing behind them but the recording.
pub(super) fn replaying(network: Network, player: &Arc<Player>) -> Network {
    network.with_credentials(static_credential::stand_in()).replaying(player.clone())
}

fn mismatch(fault: &str) -> Failure {
    let mut lines = fault.trim_end().lines();
    let first = lines.next().unwrap_or_default().trim_end_matches(':').to_owned();
    let failure = Failure::new(Class::ValidationError, Exit::Failure, first);
    lines.fold(failure, |failure, line| failure.evidence(line))
}

/// What came of it, for comparing and recording.
pub(super) fn value(result: &Result<Option<Output>, SandboxFailure>) -> Result<Json, SandboxFailure> {
    result.as_ref().map(|output| of_output(output.as_ref())).map_err(Clone::clone)
}

/// Reads a recording.
pub(super) fn cassette(path: &Path) -> Result<Cassette, Failure> {
    parsed(&path.display().to_string(), disk::read(path, CASSETTE_LIMIT)?)
}

/// The recording that a file of this name holds.
pub(super) fn parsed(name: &str, bytes: Vec<u8>) -> Result<Cassette, Failure> {
    let not = |why: String| {
        let mut lines = why.lines();
        let first = format!("{name}: {}", lines.next().unwrap_or_default());
        lines.fold(Failure::new(Class::ParseError, Exit::Policy, first), |failure, line| failure.evidence(line))
    };
    let text = String::from_utf8(bytes).map_err(|_| not("not UTF-8".to_owned()))?;
    Cassette::parse(&text).map_err(|error| not(error.to_string()))
}

/// The build to run: every rule that stops a release stops it here too.
pub(super) fn build(
    wasm: Option<&Path>,
    repository: &Path,
    waived: &[Waiver],
    context: &Context,
) -> Result<LocalBuild, Failure> {
    let checked = checked(repository, waived, context)?;
    Ok(context.with_world(|world| local(&checked, wasm, world))?)
}

pub(super) fn checked(repository: &Path, waived: &[Waiver], context: &Context) -> Result<Checked, Failure> {
    let project =
        Project::load(repository, Reading::WorkTree, context.spawner()).map_err(|error| Failure::from(&error))?;
    let mut findings = lint::check(project, None, waived);
    findings.checked.take().ok_or_else(|| findings.into())
}
