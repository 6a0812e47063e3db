//! `run`: one operation of the connector in this repository.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_sandbox::engine::LocalBuild;
use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::outcome::Output;
use aileron_verifier::problem::{Class, Waiver};
use aileron_verifier::text::Json;
use clap::Args;

use super::running::{render_not_run, render_result, runner, with_text_hint};
use super::{Answer, Context, Verb};
use crate::publisher::lint::{self, Checked};
use crate::publisher::local::local;
use crate::publisher::project::Reading;
use crate::runtime::cassette::Cassette;
use crate::runtime::recording::{Player, RunRecorder};
use crate::runtime::runner::as_json;
use crate::runtime::{arguments, static_credential};
use crate::sys::disk;
use crate::ui::args::{RunFlags, examples};
use crate::ui::report::{Exit, Failure};

/// Longest recording that is read.
pub(super) const CASSETTE_LIMIT: u64 = 64 << 20;

/// Run one operation of the connector you are working on, exactly as a consumer's machine would.
///
/// Builds when a source changed. Standard output holds {"output":…} or {"error":{…}}; logs go to standard error.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub run ping",
    "aileron-pub run get_item --args '{\"id\":\"7\"}' --credential-env SERVICE_TOKEN",
    "aileron-pub run get_item --arg id=7 --record tests/get-item.toml"
))]
pub(crate) struct Run {
    /// The operation.
    #[arg(value_name = "OP")]
    op: String,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// Write what the network said and what came of it to this file; never the credential.
    #[arg(long, value_name = "FILE", conflicts_with = "replay", help_heading = "Recording")]
    record: Option<PathBuf>,
    /// Answer from this recording, offline.
    #[arg(long, value_name = "FILE", help_heading = "Recording")]
    replay: Option<PathBuf>,
    /// What goes into it.
    #[command(flatten)]
    run: RunFlags,
}

impl Verb for Run {
    fn run(self, context: &Context) -> Answer {
        let arguments = arguments::untyped(self.run.object()?.as_deref(), &self.run.arg)?;
        let player = self.replay.as_deref().map(cassette).transpose()?.map(|cassette| Arc::new(Player::new(&cassette)));
        let build = build(self.wasm.as_deref(), &self.allow, context)?;
        let credential = self.run.credential(&context.environment);
        let runner = runner(&self.run, &credential, context)?;
        let connector = match runner.local(&build) {
            Ok(connector) => connector,
            Err(error) => return render_not_run(error),
        };
        let recorder = Arc::new(RunRecorder::default());
        let network = match &player {
            Some(player) => replaying(Network::of(build.manifest()), player),
            None => match runner.network(&connector) {
                Ok(network) if self.record.is_some() => network.recorded_by(recorder.clone()),
                Ok(network) => network,
                Err(error) => return render_not_run(error),
            },
        };
        let done = runner.run(&connector, &self.op, &arguments, network);
        if let Some(path) = &self.record {
            let cassette = recorder.cassette(&self.op, &arguments, &value(&done.result));
            disk::write(path, cassette.text().as_bytes())?;
        }
        let outcome = with_text_hint(render_result(done.result.as_ref().map(Option::as_ref)), &self.run.arg);
        match player.and_then(|player| player.fault()) {
            Some(fault) => Ok(outcome.with_failure(Some(mismatch(&fault)))),
            None => Ok(outcome),
        }
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
    result.as_ref().map(|output| as_json(output.as_ref())).map_err(Clone::clone)
}

/// Reads a recording.
pub(super) fn cassette(path: &Path) -> Result<Cassette, Failure> {
    parsed(&path.display().to_string(), disk::read(path, CASSETTE_LIMIT)?)
}

/// The recording that a file of this name holds.
pub(super) fn parsed(name: &str, bytes: Vec<u8>) -> Result<Cassette, Failure> {
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(Class::ParseError, Exit::Policy, format!("{name}: not UTF-8")))?;
    Cassette::parse(&text).map_err(|error| {
        let why = error.to_string();
        let mut lines = why.lines();
        let first = format!("{name}: {}", lines.next().unwrap_or_default());
        lines.fold(Failure::from(error).saying(first), |failure, line| failure.evidence(line))
    })
}

/// The build to run: every rule that stops a release stops it here too.
pub(super) fn build(wasm: Option<&Path>, waived: &[Waiver], context: &Context) -> Result<LocalBuild, Failure> {
    let checked = checked(waived, context)?;
    Ok(context.with_world(|world| local(&checked, wasm, world))?)
}

/// The work tree, once no rule stops it.
pub(super) fn checked(waived: &[Waiver], context: &Context) -> Result<Checked, Failure> {
    let mut findings = lint::check(context.project(Reading::WorkTree)?, None, waived);
    findings.checked.take().ok_or_else(|| findings.into())
}
