//! What running verbs share, and the two of the consumer: `connector run` and `action run`.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use aileron_sandbox::engine::Connector;
use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::http::Network;
use aileron_sandbox::invoke::Limits;
use aileron_sandbox::outcome::Output;
use aileron_verifier::artifact::action::{Action, Pin, Requirement};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::text::Json;
use aileron_verifier::text::printable;
use aileron_verifier::trust::keyring::Keyring;
use serde_json::json;

use super::approval::approval;
use super::install::{Home, name, reference};
use super::{Answer, Context};
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::event::Event;
use crate::runtime::arguments::{self, Arguments};
use crate::runtime::public::{error_object, of_runtime};
use crate::runtime::session::{How, PREVIEW, Session, proxies};
use crate::runtime::static_credential::{self, Source};
use crate::runtime::steps::{self, Call, Shown};
use crate::store::{Pinned, Store, StoreError};
use crate::sys::disk;
use crate::ui::args::{ActionRun, Calling, ConnectorRun};
use crate::ui::report::console::Terminal;
use crate::ui::report::door::{self, Stream};
use crate::ui::report::sheet::width;
use crate::ui::report::{Exit, Failure, Outcome};

/// Longest object of arguments that is read from a file or from standard input. A guest has 64 MiB of memory by default.
const ARGUMENTS_LIMIT: u64 = 64 << 20;

/// Everything an op runs with, from the flags all running verbs have.
pub(super) struct Desk<'a> {
    pub(super) session: Session<'a>,
    pub(super) how: How,
    calling: &'a Calling,
    context: &'a Context,
}

impl<'a> Desk<'a> {
    pub(super) fn open(calling: &'a Calling, context: &'a Context) -> Result<Desk<'a>, Failure> {
        let profile = if calling.deterministic { Profile::Deterministic } else { Profile::Real };
        let memory = u64::from(calling.memory.unwrap_or_default()) << 20;
        let limits = Limits::new(memory, calling.timeout.unwrap_or_default());
        Desk::with(profile, limits, calling, context)
    }

    pub(super) fn with(
        profile: Profile,
        limits: Limits,
        calling: &'a Calling,
        context: &'a Context,
    ) -> Result<Desk<'a>, Failure> {
        let home = context.environment.aileron_home();
        let events = Box::new(|event| context.progress.take(event));
        let session =
            Session::start(home.as_deref(), events, context.stop).map_err(|failure| Failure::from(&failure))?;
        let log = Arc::new(|line: &aileron_sandbox::host::log::Line| {
            let _ = door::write_line(Stream::Err, &line.to_string()); // nobody may listen
        });
        let how = How { limits, profile, log: Some(log), stop: Some(context.stop) };
        Ok(Desk { session, how, calling, context })
    }

    /// The network a manifest grants, with the credential that was given by hand.
    pub(super) fn network(&self, manifest: &ConnectorManifest) -> Result<Network, Failure> {
        let source = Source {
            variable: self.calling.credential_env.clone(),
            file: self.calling.credential_file.clone(),
            region: self.calling.region.clone(),
            access_key_id: self.calling.access_key_id.clone(),
        };
        let given = static_credential::for_connector(&source, manifest, &self.context.environment)?;
        let network = Network::of(manifest)
            .allowing_private(self.calling.allow_private.iter().cloned())
            .through(proxies(&self.context.environment));
        Ok(match given {
            Some(given) => network.with_credentials(given),
            None => network,
        })
    }
}

/// `{"output":…}` or `{"error":{…}}`, the output as the connector wrote it. sandbox.md 15a.
pub(super) fn spoken(result: Result<Option<&Output>, &SandboxFailure>) -> Outcome {
    match result {
        Ok(output) => {
            let text = output.map_or("null", Output::text);
            Outcome::document(format!("{{\"output\":{text}}}\n")).with_exact("output", of_output(output))
        }
        Err(failure) => refused(failure),
    }
}

/// What an op gave, for walking: digit for digit, `null` where it gave nothing.
pub(super) fn of_output(output: Option<&Output>) -> Json {
    output.and_then(|output| Json::read(output.text()).ok()).unwrap_or_else(Json::null)
}

/// The object of `--args`: the text itself, a file's (`@FILE`), or standard input's (`-`).
pub(super) fn given_object(calling: &Calling) -> Result<Option<String>, Failure> {
    let Some(text) = calling.args.as_deref() else { return Ok(None) };
    let (bytes, place) = match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(ARGUMENTS_LIMIT + 1).read_to_end(&mut bytes);
            read.map_err(|error| Failure::usage(format!("cannot read --args from standard input: {error}")))?;
            if bytes.len() as u64 > ARGUMENTS_LIMIT {
                return Err(Failure::usage(format!("--args: standard input is longer than {ARGUMENTS_LIMIT} bytes")));
            }
            (bytes, "standard input".to_owned())
        }
        (_, Some(path)) => (disk::read(Path::new(path), ARGUMENTS_LIMIT)?, path.to_owned()),
        _ => return Ok(Some(text.to_owned())),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        Failure::usage(format!("--args: {}: byte {byte} is not UTF-8", printable(&place)))
    })?;
    // A file that an editor saved may begin with a byte-order mark.
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
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

fn refused(failure: &SandboxFailure) -> Outcome {
    let text = json!({"error": error_object(failure)});
    Outcome::document(format!("{text}\n")).with_failure(Some(failure.into()))
}

/// Compiles what was just installed, so that its first run need not. What cannot be run is said and stays installed: that is
/// decided when it is loaded. artifacts.md §2, sandbox.md §15.
pub(super) fn warm<'v>(artifacts: impl Iterator<Item = &'v Verified>, context: &Context) {
    let note = |reference: &str, failure: SandboxFailure| {
        let text = format!("warning: {reference} cannot be run here: {}", failure.message);
        context.progress.take(Event::Note(text));
    };
    let home = context.environment.aileron_home();
    let mut artifacts = artifacts.peekable();
    if artifacts.peek().is_none() {
        return;
    }
    match Session::start(home.as_deref(), Box::new(|event| context.progress.take(event)), context.stop) {
        Err(failure) => note("a connector", failure),
        Ok(session) => {
            for artifact in artifacts {
                if let Err(failure) = session.compile(artifact) {
                    note(&artifact.reference().to_string(), failure);
                }
            }
        }
    }
}

pub(super) fn connector(args: &ConnectorRun, context: &Context) -> Answer {
    let arguments = arguments::untyped(given_object(&args.calling)?.as_deref(), &args.calling.arg)?;
    let Home { store, ring } = Home::of(context)?;
    let pinned = installed(&args.connector, &store)?;
    let desk = Desk::open(&args.calling, context)?;
    let (connector, manifest) = match opened(&pinned, &store, &ring.load()?, &desk)? {
        Ok(opened) => opened,
        Err(failure) => return Ok(refused(&failure)),
    };
    let network = Arc::new(desk.network(&manifest)?);
    let done = desk.session.invoke(&connector, &args.op, &arguments, network, &desk.how);
    Ok(with_text_hint(spoken(done.result.as_ref().map(Option::as_ref)), &args.calling.arg))
}

/// An installed connector by Ref, or by name where one version is installed.
fn installed(text: &str, store: &Store) -> Result<Pinned, Failure> {
    if text.contains('@') {
        let reference = reference(text)?;
        let content = store.content_of(&reference)?;
        let content = content.ok_or_else(|| StoreError::NoConnector(reference.to_string()))?;
        return Ok(Pinned { reference, content });
    }
    let mut versions = store.versions_of(&name(text)?)?;
    match (versions.pop(), versions.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(StoreError::NoConnector(text.to_owned()).into()),
        (Some(last), others) => {
            let message = format!("{text} is installed in {} versions", others.len() + 1);
            let listed = others.iter().chain([&last]).map(|pinned| format!("  {}", pinned.reference));
            Err(listed.fold(Failure::usage(message), Failure::evidence).next("name the version to run"))
        }
    }
}

/// A connector of the store, verified, as code: from the cache where its entry was checked and is unchanged.
fn opened(
    pinned: &Pinned,
    store: &Store,
    ring: &Keyring,
    desk: &Desk<'_>,
) -> Result<Result<(Connector, ConnectorManifest), SandboxFailure>, Failure> {
    let entry = store.open(pinned, ring)?;
    if let Some(connector) = desk.session.recall(pinned.content, &entry.manifest) {
        return Ok(Ok((connector, entry.manifest)));
    }
    let verified = store.verify(pinned, ring)?;
    Ok(desk.session.compile(&verified).map(|connector| (connector, entry.manifest)))
}

pub(super) fn action(args: &ActionRun, context: &Context) -> Answer {
    let Home { store, ring } = Home::of(context)?;
    let ring = ring.load()?;
    let verified = store.verify_action(&args.name, &ring)?;
    let Payload::Action(action) = verified.payload() else {
        return Err(StoreError::OtherKind(verified.reference().clone()).into());
    };
    if action.needs_approval() && !args.approve && args.calling.args.as_deref() == Some("-") {
        let message = "--args - takes standard input, so the approval cannot be asked for there";
        return Err(Failure::usage(message).next("pass --args @FILE, or --approve to run it without asking"));
    }
    let object = given_object(&args.calling)?;
    let arguments = arguments::typed(&action.inputs, object.as_deref(), &args.calling.arg)
        .map_err(|error| Failure::from(error).next(usage(action)))?;
    let desk = Desk::open(&args.calling, context)?;
    let mut open = Vec::new();
    let mut invoke = |call: &Call<'_>| run_call(call, &store, &ring, &desk, &mut open);
    if action.needs_approval() && !args.approve {
        let shown = steps::preview(action, &arguments, &mut invoke);
        if !approved(action, &arguments, shown.as_ref(), context)? {
            return Ok(denied(action));
        }
    }
    Ok(match steps::execute(action, &arguments, &mut invoke) {
        Ok(result) => {
            let text = format!("{}\n", Json::object(result.fields()));
            let outcome = Outcome::document(text);
            result.fields().into_iter().fold(outcome, |outcome, (name, value)| outcome.with_exact(name, value.clone()))
        }
        Err(stopped) => refused(&stopped.failure.with("step", stopped.step)),
    })
}

/// One open connector of a run, so that steps on the same one open it once. sandbox.md §13 E5.
type Open = (Pinned, Connector, ConnectorManifest);

fn run_call(
    call: &Call<'_>,
    store: &Store,
    ring: &Keyring,
    desk: &Desk<'_>,
    open: &mut Vec<Open>,
) -> Result<Json, SandboxFailure> {
    let pinned = pinned(call.connector).ok_or_else(|| of_runtime("the action pins no content"))?;
    if !open.iter().any(|(found, _, _)| *found == pinned) {
        let (connector, manifest) = opened(&pinned, store, ring, desk).map_err(|failure| of_store(&failure))??;
        open.push((pinned.clone(), connector, manifest));
    }
    let found = open.iter().find(|(found, _, _)| *found == pinned);
    let (_, connector, manifest) = found.ok_or_else(|| of_runtime("the connector is not open"))?;
    let network = desk.network(manifest).map_err(|failure| of_runtime(failure.message))?;
    let mut how = desk.how.clone();
    if call.is_preview {
        how.limits = Limits::new(how.limits.memory(), how.limits.wall_time().min(PREVIEW));
    }
    let done = desk.session.invoke(connector, call.op, &call.arguments, Arc::new(network), &how);
    done.result.map(|output| of_output(output.as_ref()))
}

fn pinned(requirement: &Requirement) -> Option<Pinned> {
    let Pin::Hash(content) = requirement.hash.value else { return None };
    let reference = Ref { name: requirement.name.value.clone(), version: requirement.version.value.clone() };
    Some(Pinned { reference, content })
}

/// A failure of the store as a failure result: boundary `runtime`. sandbox.md §10.5.
fn of_store(failure: &Failure) -> SandboxFailure {
    let told = of_runtime(failure.message.clone());
    match failure.class {
        Class::HashMismatch | Class::SignatureFailure => SandboxFailure { class: failure.class.as_str(), ..told },
        class => told.with("connector_class", class.as_str()),
    }
}

fn usage(action: &Action) -> String {
    let inputs = action.inputs.iter().map(|input| {
        let pair = format!("--arg {}={}", input.name.value, input.kind.value.to_uppercase());
        if input.required { pair } else { format!("[{pair}]") }
    });
    format!("aileron action run {} {}", action.name.value, inputs.collect::<Vec<_>>().join(" "))
}

/// Shows what would happen, and asks. Only a plain yes is one; the end of input is a no. sandbox.md 15a.
fn approved(action: &Action, arguments: &Arguments, shown: Option<&Shown>, context: &Context) -> Result<bool, Failure> {
    let text = approval(action, arguments, shown, width());
    let lost = |error: std::io::Error| {
        Failure::new(Class::StoreUnwritable, Exit::Failure, format!("cannot ask for approval: {error}"))
    };
    // The result is on standard output, one document: what is asked goes beside it.
    let mut console = Terminal { json: context.output.json };
    if context.output.json {
        console.say(&text).map_err(lost)?;
        return consents(&mut console, "Run it? [y/N]: ").map_err(lost);
    }
    door::write_text(Stream::Err, &format!("{text}Run it? [y/N]: ")).map_err(lost)?;
    consents(&mut console, "").map_err(lost)
}

fn denied(action: &Action) -> Outcome {
    let failure = SandboxFailure {
        boundary: "user",
        ..SandboxFailure::new(
            Class::ApprovalDenied.as_str(),
            format!("{} was not approved; nothing was run", action.name.value),
        )
    };
    let told = Failure { exit: Exit::Policy, ..Failure::from(&failure) }.next("--approve runs it without asking");
    Outcome::document(format!("{}\n", json!({"error": error_object(&failure)}))).with_failure(Some(told))
}
