//! A run that another process does, because it holds the vault's key: `aileron launch` of the same user. What comes back is
//! reported as if it had been run here.

use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_verifier::problem::Class;
use aileron_verifier::text::Json;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Context;
use super::running::render_failure;
use crate::event::Event;
use crate::runtime::arguments::Arguments;
use crate::runtime::launch::announcement;
use crate::runtime::launch::client::{Remote, RemoteAnswer};
use crate::runtime::launch::error::LaunchError;
use crate::runtime::launch::request::{Names, RunRequest};
use crate::ui::args::RunFlags;
use crate::ui::report::{Exit, Failure, Outcome};

/// The `aileron launch` to make use of: the one that started this process or an ancestor of it, else the one that is running
/// for all terminals.
pub(super) fn launched(context: &Context) -> Result<Option<Remote>, Failure> {
    let environment = &context.environment;
    if let (Some(url), Some(token)) = (environment.var("AILERON_API_URL"), environment.secret("AILERON_TOKEN")) {
        return Ok(Some(Remote::of(&url.to_string_lossy(), token)?));
    }
    Ok(environment.aileron_home().and_then(|home| announcement::find(&home)))
}

/// What is sent for these flags and arguments.
pub(super) fn run_request(flags: &RunFlags, arguments: &Arguments, bindings: Vec<String>) -> RunRequest {
    let object = Json::object(arguments.iter().map(|(name, value)| (name.as_str(), value)));
    RunRequest {
        args: RawValue::from_string(object.to_string()).ok(),
        binding: Names::Several(bindings),
        timeout: flags.timeout.map(|time| format!("{}s", time.as_secs())),
        memory: flags.memory,
        deterministic: flags.deterministic,
    }
}

/// A run for another process.
pub(super) struct ForwardedRun<'a> {
    /// The action's short name.
    pub(super) name: &'a str,
    /// What is sent.
    pub(super) request: RunRequest,
    /// Whether `--approve` was given, which does not count there.
    pub(super) approve: bool,
}

/// Has it run there, and reports it.
pub(super) fn forward(remote: &Remote, run: &ForwardedRun<'_>, context: &Context) -> Result<Outcome, Failure> {
    let note = |line: String| context.progress.take(Event::Note(line));
    note(format!("using the vault of aileron launch at {}", remote.address()));
    if run.approve {
        note("--approve does not count there: the person who started aileron launch is asked".to_owned());
    }
    if !Remote::takes(run.request.render().len()) {
        return Err(Failure::usage("these arguments are too long for aileron launch"));
    }
    let RemoteAnswer { status, body } = remote.run(run.name, &run.request)?;
    let unexpected = || Failure::from(LaunchError::Unexpected(status.as_u16()));
    let document = Json::read(body.trim()).map_err(|_| unexpected())?;
    match document.field("error") {
        None if status.is_success() => done(&document).ok_or_else(unexpected),
        None => Err(unexpected()),
        Some(error) => failed(&error).ok_or_else(unexpected)?,
    }
}

/// What the action gave, digit for digit.
fn done(document: &Json) -> Option<Outcome> {
    let fields = ["action", "output", "steps"].map(|name| document.field(name).map(|value| (name, value)));
    let outcome = Outcome::document(format!("{document}\n"));
    let with = |outcome: Outcome, field: Option<(&'static str, Json)>| {
        let (name, value) = field?;
        Some(outcome.with_exact(name, value))
    };
    fields.into_iter().try_fold(outcome, with)
}

/// The failure of the run, or why there was none.
fn failed(error: &Json) -> Option<Result<Outcome, Failure>> {
    let error: Map<String, Value> = serde_json::from_str(error.text()).ok()?;
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let (word, message) = (text("class").or_else(|| text("code"))?, text("message")?);
    let class = Class::ALL.into_iter().find(|class| class.as_str() == word);
    let details = error.get("details").and_then(Value::as_object).cloned().unwrap_or_default();
    let retriable = error.get("retriable").is_some_and(|retriable| *retriable == Value::Bool(true));
    // The answer to a run has no code.
    if let (None, Some(class)) = (text("code"), class) {
        let boundary = boundary(text("boundary").unwrap_or_default(), class);
        let failure = SandboxFailure { class, boundary, retriable, message: message.to_owned(), details };
        let outcome = render_failure(&failure);
        return Some(Ok(match class {
            Class::ApprovalDenied => outcome.with_failure(Some(denied(&failure))),
            _ => outcome,
        }));
    }
    let class = class.unwrap_or(Class::VaultUnavailable);
    let failure = Failure { retriable, ..Failure::new(class, exit(class), message) }.details(Value::Object(details));
    Some(Err(match text("next") {
        Some(next) => failure.next(next),
        None => failure.evidence(format!("  aileron launch answered: {word}")),
    }))
}

fn denied(failure: &SandboxFailure) -> Failure {
    let told =
        Failure { boundary: Some(failure.boundary), ..Failure::new(failure.class, Exit::Policy, &failure.message) };
    let told = told.details(Value::Object(failure.details.clone()));
    match failure.details.get("command").and_then(Value::as_str) {
        Some(command) => told.next(format!("in a terminal: {command}")),
        None => told,
    }
}

fn boundary(word: &str, class: Class) -> &'static str {
    let known = ["runtime", "external", "sandbox", "action", "user"];
    known.into_iter().find(|known| *known == word).unwrap_or(class.boundary())
}

/// As the same refusal would have ended here.
fn exit(class: Class) -> Exit {
    match class {
        Class::UsageError => Exit::Usage,
        Class::NoLocalVaultFile | Class::FetchFailed | Class::ConnectorsMissing => Exit::NotFound,
        Class::VaultTampered
        | Class::VaultUnlockFailed
        | Class::SignatureFailure
        | Class::HashMismatch
        | Class::FqnMismatch => Exit::Refused,
        _ => Exit::Failure,
    }
}
