//! What running verbs share: a runner from their flags, and the document on standard output.

use std::sync::Arc;

use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::log::LogLine;
use aileron_sandbox::invoke::Limits;
use aileron_sandbox::outcome::Output;
use aileron_verifier::text::Json;
use serde_json::json;

use super::Context;
use crate::runtime::arguments::{self, Arguments};
use crate::runtime::credential_source::CredentialSource;
use crate::runtime::public::error_object;
use crate::runtime::runner::{ActionError, NetworkOptions, RunError, Runner, as_json};
use crate::runtime::session::{RunOptions, Session, proxies};
use crate::runtime::steps::Executed;
use crate::ui::args::RunFlags;
use crate::ui::report::door::{self, Stream};
use crate::ui::report::{Failure, Outcome};

/// A runner with what the flags of a running verb say.
pub(super) fn runner<'a>(
    flags: &RunFlags,
    credentials: &'a dyn CredentialSource,
    context: &'a Context,
) -> Result<Runner<'a>, Failure> {
    let profile = if flags.deterministic { Profile::Deterministic } else { Profile::Real };
    let network = NetworkOptions { allow_private: flags.allow_private.clone(), proxies: proxies(&context.environment) };
    runner_with(profile, flags.limits(), network, credentials, context)
}

/// A runner whose connectors' logs go to standard error.
pub(super) fn runner_with<'a>(
    profile: Profile,
    limits: Limits,
    network: NetworkOptions,
    credentials: &'a dyn CredentialSource,
    context: &'a Context,
) -> Result<Runner<'a>, Failure> {
    let home = context.environment.aileron_home();
    let events = Box::new(|event| context.progress.take(event));
    let session = Session::start(home.as_deref(), events, context.stop).map_err(|failure| Failure::from(&failure))?;
    let log = Arc::new(|line: &LogLine| {
        let _ = door::write_line(Stream::Err, &line.to_string()); // standard error may be closed
    });
    let options = RunOptions { limits, profile, log: Some(log), stop: Some(context.stop) };
    Ok(Runner { session, options, network, credentials })
}

/// `{"output":…}` or `{"error":{…}}`, the output as the connector wrote it. sandbox.md 15a.
pub(super) fn render_result(result: Result<Option<&Output>, &SandboxFailure>) -> Outcome {
    match result {
        Ok(output) => {
            let text = output.map_or("null", Output::text);
            Outcome::document(format!("{{\"output\":{text}}}\n")).with_exact("output", as_json(output))
        }
        Err(failure) => render_failure(failure),
    }
}

/// `{"error":{…}}`, and the same failure for a person.
pub(super) fn render_failure(failure: &SandboxFailure) -> Outcome {
    let text = json!({"error": error_object(failure)});
    Outcome::document(format!("{text}\n")).with_failure(Some(failure.into()))
}

/// What an action gave, or why it gave nothing, as the one document. sandbox.md §10.3, 15a.
pub(super) fn render_action(result: Result<Executed, ActionError>) -> Result<Outcome, Failure> {
    match result {
        Ok(result) => {
            let outcome = Outcome::document(format!("{}\n", Json::object(result.fields())));
            let fields = result.fields().into_iter();
            Ok(fields.fold(outcome, |outcome, (name, value)| outcome.with_exact(name, value.clone())))
        }
        Err(ActionError::Stopped(stopped)) => Ok(render_failure(&stopped.failure.with("step", stopped.step))),
        Err(error @ (ActionError::Denied(_) | ActionError::Unattended(_))) => Ok(render_denied(error, None)),
        Err(error @ ActionError::NotAsked(_)) => Err(error.into()),
    }
}

/// An action that was not approved; with the command line by which a person would be asked, where no person was.
pub(super) fn render_denied(error: ActionError, command: Option<String>) -> Outcome {
    let mut failure = SandboxFailure { boundary: "user", ..SandboxFailure::new(error.class(), error.to_string()) };
    let mut told = Failure::from(error);
    if let Some(command) = command {
        failure = failure.with("command", command.clone());
        told = told.next(format!("in a terminal: {command}"));
    }
    Outcome::document(format!("{}\n", json!({"error": error_object(&failure)}))).with_failure(Some(told))
}

/// The command line that runs an action with these arguments, for a shell.
pub(super) fn command_line(action: &str, arguments: &Arguments) -> String {
    if arguments.is_empty() {
        return format!("aileron action run {action}");
    }
    let object = Json::object(arguments.iter().map(|(name, value)| (name.as_str(), value))).to_string();
    format!("aileron action run {action} --args '{}'", object.replace('\'', "'\\''"))
}

/// An op that was not started: a connector that cannot be loaded is a result of the run, everything else is the verb's
/// failure.
pub(super) fn render_not_run(error: RunError) -> Result<Outcome, Failure> {
    match error {
        RunError::Load(failure) => Ok(render_failure(&failure)),
        RunError::Store(error) => Err(error.into()),
        RunError::Credential(error) => Err(error.into()),
    }
}

/// An op that failed after a value was taken for a number may have wanted text: says how to give it.
pub(super) fn with_text_hint(outcome: Outcome, pairs: &[String]) -> Outcome {
    let Some(hint) = arguments::as_text(pairs) else { return outcome };
    let hinted = |failure: Failure| match failure.next {
        None => failure.next(format!("if the connector wanted text here: {hint}")),
        Some(_) => failure,
    };
    Outcome { failure: outcome.failure.map(hinted), ..outcome }
}
