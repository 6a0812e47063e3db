//! One file per verb: request in, [`Outcome`] out. A verb that needs two wings composes them here.

mod action;
mod approval;
mod build;
mod check;
mod connector;
mod demo;
mod flags;
mod hub;
mod hub_entry;
mod init;
mod inspect;
mod install;
mod installed;
mod invoke;
mod keyring;
mod keys;
mod pack;
mod plan;
mod registry;
mod release;
mod report;
mod run;
mod status;
mod test;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Parser;
use clap::error::ErrorKind;

use super::args::{
    Consumer, ConsumerCommand, Keys, Making, Output, Publisher, PublisherCommand, PublisherHub, Settings,
};
use super::report::door;
use super::report::progress::{Progress, Style};
use super::report::workflow::Workflow;
use super::report::{Exit, Failure, Outcome, finish};
use crate::event::{Event, Listener};
use crate::publisher::project;
use crate::publisher::release::{DirtyTree, Request, SecretSource, World};
use crate::publisher::sign::{self, OsKeychain};
use crate::secret::Secret;
use crate::sys::environment::Environment;
use crate::sys::interrupt;
use crate::sys::lock::{LockPolicy, WAIT};
use crate::sys::process::Spawner;

/// What commands have of the world.
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) environment: Environment,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: &'static AtomicBool,
}

impl Context {
    fn new(output: Output) -> Context {
        Context {
            output,
            environment: Environment::of_this_process(),
            progress: Arc::new(Progress::new(Style::choose(output.quiet, output.json))),
            stop: interrupt::listen(),
        }
    }

    /// As [`Context::new`], but Ctrl-C ends the process at once: the store is whole whenever that is.
    fn ending(output: Output) -> Context {
        Context {
            output,
            environment: Environment::of_this_process(),
            progress: Arc::new(Progress::new(Style::choose(output.quiet, output.json))),
            stop: interrupt::ignored(),
        }
    }

    /// Starts child processes that know nothing of our secrets and end with the run.
    pub(crate) fn spawner(&self) -> Spawner<'_> {
        Spawner { environment: &self.environment, stop: self.stop }
    }

    /// How a lock is waited for: as long as `--wait-lock` says, else a minute, with a line after a second.
    pub(crate) fn waiting(&self, wait: Option<Duration>) -> LockPolicy {
        let progress = Arc::clone(&self.progress);
        let say = Arc::new(move |line| progress.take(Event::Note(line)));
        LockPolicy { wait: wait.unwrap_or(WAIT), stop: self.stop, say, ..LockPolicy::default() }
    }

    /// Said before anything is read or asked: a verb that exists to sign has no business on a pull request.
    fn may_sign(&self) -> Result<(), Failure> {
        sign::may_sign(&self.environment).map_err(|error| Failure::from(&error))
    }

    /// Runs a publisher step with this context's world.
    pub(crate) fn with_world<T>(&self, work: impl FnOnce(&World<'_>) -> T) -> T {
        self.with_listener(&|event| self.progress.take(event), work)
    }

    /// The same for a step that only prepares one which will report the same again.
    pub(crate) fn with_silent_world<T>(&self, work: impl FnOnce(&World<'_>) -> T) -> T {
        self.with_listener(&|_| {}, work)
    }

    fn with_listener<T>(&self, listener: Listener<'_>, work: impl FnOnce(&World<'_>) -> T) -> T {
        let passphrase = || self.passphrase("Passphrase of the signing key:");
        work(&World {
            environment: &self.environment,
            stop: self.stop,
            listener,
            keychain: &OsKeychain,
            passphrase: &passphrase,
        })
    }

    /// `AILERON_KEY_PASSPHRASE`, else a prompt on a terminal.
    pub(crate) fn passphrase(&self, question: &str) -> Option<Secret> {
        self.environment.secret("AILERON_KEY_PASSPHRASE").or_else(|| {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stdin());
            let prompt = inquire::Password::new(question).without_confirmation();
            terminal.then(|| prompt.prompt().ok()).flatten().map(Secret::from)
        })
    }
}

/// Runs `aileron-pub`.
pub fn publisher(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, |args: Publisher| {
        let context = Context::new(args.output);
        let workflow = Workflow::of(&context.environment, &args.repository, args.command.version());
        let (command, result) = dispatch(args, &context);
        finish(command, context.output.json, workflow.as_ref(), interrupted(result, context.stop))
    })
}

/// A run that was stopped by a signal fails as one that used up its time (sandbox.md §8.2); here the two are told apart.
fn interrupted(answer: Answer, stop: &AtomicBool) -> Answer {
    let told = |failure: Failure| match failure.class {
        Class::ResourceLimitExceeded if stop.load(Ordering::Relaxed) => {
            Failure::new(failure.class, Exit::Interrupted, "interrupted; nothing was sent after that")
        }
        _ => failure,
    };
    match answer {
        Ok(outcome) => Ok(Outcome { failure: outcome.failure.map(told), ..outcome }),
        Err(failure) => Err(told(failure)),
    }
}

/// One verb: its name, and what it came to.
fn dispatch(args: Publisher, context: &Context) -> (&'static str, Answer) {
    let repository = args.repository;
    match args.command {
        PublisherCommand::Init(args) => ("init", init::run(&args, context)),
        PublisherCommand::Demo(args) => ("demo", demo::run(&args, context)),
        PublisherCommand::Check(args) => ("check", check::run(&args, &repository, context)),
        PublisherCommand::Build(args) => ("build", build::run(args, repository, context)),
        PublisherCommand::Run(args) => ("run", run::run(&args, &repository, context)),
        PublisherCommand::Test(args) => ("test", test::run(&args, &repository, context)),
        PublisherCommand::Inspect(args) => ("inspect", inspect::run(&args, &repository, context)),
        PublisherCommand::Pack(args) => {
            ("pack", context.may_sign().and_then(|()| pack::run(args, repository, context)))
        }
        PublisherCommand::Plan(args) => ("plan", plan::run(args, repository, context)),
        PublisherCommand::Release(args) => {
            ("release", context.may_sign().and_then(|()| release::run(args, repository, context)))
        }
        PublisherCommand::Status(args) => ("status", status::run(args, repository, context)),
        PublisherCommand::Report(args) => ("report", report::run(&args, &repository, context)),
        PublisherCommand::Keys(Keys::Generate(args)) => ("keys generate", keys::generate(&args, &repository, context)),
        PublisherCommand::Keys(Keys::Show) => ("keys show", keys::show(&repository, context)),
        PublisherCommand::Verify(args) if args.rebuild => {
            ("verify", verify::rebuild(&args.verify, repository, context))
        }
        PublisherCommand::Verify(args) => ("verify", verify::run(&args.verify, context)),
        PublisherCommand::Hub(PublisherHub::Entry(args)) => ("hub entry", hub_entry::run(args, repository, context)),
    }
}

/// Runs `aileron`.
pub fn consumer(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, |args: Consumer| match args.command {
        ConsumerCommand::Verify(verify) => {
            let context = Context::new(args.output);
            finish("verify", context.output.json, None, verify::consumer(verify, &context))
        }
        ConsumerCommand::Connector(verb) => {
            let context = Context::ending(args.output);
            let (command, result) = connector::run(verb, &context);
            finish(command, context.output.json, None, result)
        }
        ConsumerCommand::Action(verb) => {
            let context = Context::ending(args.output);
            let (command, result) = action::run(verb, &context);
            finish(command, context.output.json, None, result)
        }
        ConsumerCommand::Keyring { args: words } => of_words("keyring", words, args.output, keyring::run),
        ConsumerCommand::Hub { args: words } => of_words("hub", words, args.output, hub::run),
    })
}

/// A verb with a flag syntax of its own (keyring.md §6, §10). How output looks is said anywhere.
fn of_words(verb: &str, words: Vec<String>, output: Output, run: fn(&[String], &Context) -> Answer) -> Exit {
    let flag = |word: &String| word == "--json" || word == "--quiet" || word == "-q";
    let (global, words): (Vec<_>, Vec<_>) = words.into_iter().partition(flag);
    let (json, quiet) = (global.iter().any(|word| word == "--json"), global.iter().any(|word| word != "--json"));
    let output = Output { json: output.json || json, quiet: output.quiet || quiet };
    let command = words.first().map_or(verb.to_owned(), |word| format!("{verb} {word}"));
    finish(&command, output.json, None, run(&words, &Context::new(output)))
}

fn run<A: Parser>(args: impl IntoIterator<Item = OsString>, work: impl FnOnce(A) -> Exit) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let exit = match A::try_parse_from(&args) {
        Ok(parsed) => work(parsed),
        Err(error) => explain::<A>(&error, &args),
    };
    ExitCode::from(exit as u8)
}

/// Help and version are answers; everything else is a usage error in our own form. artifacts.md §8.
fn explain<A: Parser>(error: &clap::Error, args: &[OsString]) -> Exit {
    let json = args.iter().any(|arg| arg == "--json");
    let (program, verb) = verb::<A>(args);
    let more = format!("{}{verb} --help", if verb.is_empty() { program } else { program + " " });
    let failure = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = door::write_help(error);
            return Exit::Ok;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => {
            let _ = door::write_help(error);
            return Exit::Usage;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Failure::usage("no command was given"),
        _ => {
            let text = with_arguments_on_one_line(error.to_string(), args);
            let mut lines = text.trim_end().lines().map(str::to_owned);
            let first = lines.next().unwrap_or_default();
            let message = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
            lines
                .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
                .fold(Failure::usage(message), Failure::evidence)
        }
    };
    let workflow = Workflow::of(&Environment::of_this_process(), Path::new("."), None);
    finish(if verb.is_empty() { "usage" } else { &verb }, json, workflow.as_ref(), Err(failure.next(more)))
}

/// clap quotes what was typed, which may have lines of its own.
fn with_arguments_on_one_line(text: String, args: &[OsString]) -> String {
    let breaks = |arg: &&str| arg.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
    let arguments = args.iter().filter_map(|arg| arg.to_str()).filter(breaks);
    let parts = arguments.flat_map(|arg| [Some(arg), arg.split_once('=').map(|(_, value)| value)]).flatten();
    parts.fold(text, |text, arg| text.replace(arg, &printable(arg)))
}

/// The program and the verb a command line that does not parse was meant for, as far as they can be told.
fn verb<A: Parser>(args: &[OsString]) -> (String, String) {
    let program = A::command();
    let mut at = &program;
    let mut verb = Vec::new();
    for arg in args.iter().skip(1).filter_map(|arg| arg.to_str()) {
        if let Some(command) = at.find_subcommand(arg) {
            verb.push(command.get_name());
            at = command;
        }
    }
    (program.get_name().to_owned(), verb.join(" "))
}

fn request(making: Making, repository: PathBuf) -> Request {
    let dirty = if making.allow_dirty { DirtyTree::Released } else { DirtyTree::Refused };
    Request { dirty, ..settings(making.settings, making.version, repository) }
}

fn settings(settings: Settings, version: Version, repository: PathBuf) -> Request {
    let client_secret = match (settings.client_secret_env, settings.client_secret_file) {
        (Some(name), _) => SecretSource::Variable(name),
        (None, Some(path)) => SecretSource::File(path),
        (None, None) => SecretSource::Default,
    };
    Request {
        repository,
        version,
        waived: settings.allow,
        dirty: DirtyTree::Refused,
        wasm: settings.wasm,
        key: None,
        client_secret,
        replace_key: false,
    }
}

/// Where a verb puts what it makes when nobody says: below `dist/` in the repository's root, which is never part of a
/// release. Spelled as the user spelled the repository, where that is its root.
fn dist(name: &str, repository: &Path, context: &Context) -> Result<PathBuf, Failure> {
    let root = project::root(repository, context.spawner()).map_err(|error| Failure::from(&error))?;
    let here = std::fs::canonicalize(repository).is_ok_and(|here| here == root);
    let root = if here { repository.strip_prefix(".").unwrap_or(repository).to_owned() } else { root };
    Ok(root.join("dist").join(name))
}

/// What a verb hands back.
type Answer = Result<Outcome, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §8.2; artifacts.md §8
    fn only_a_run_that_was_stopped_by_a_signal_is_an_interruption() {
        for class in Class::ALL {
            for stopped in [false, true] {
                let failed = || Failure::new(class, Exit::Failure, "x");
                let stop = AtomicBool::new(stopped);
                let expected = match class {
                    Class::ResourceLimitExceeded if stopped => Exit::Interrupted,
                    _ => Exit::Failure,
                };
                let refused = interrupted(Err(failed()), &stop).err().map(|failure| failure.exit);
                assert_eq!(refused, Some(expected), "{class:?} {stopped}");
                let told = interrupted(Ok(Outcome::default().with_failure(Some(failed()))), &stop);
                assert_eq!(told.ok().and_then(|told| told.failure).map(|failure| failure.exit), Some(expected));
                let fine = interrupted(Ok(Outcome::default()), &stop);
                assert!(fine.is_ok_and(|fine| fine.failure.is_none()));
            }
        }
    }
}
