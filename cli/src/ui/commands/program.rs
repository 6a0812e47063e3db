//! The two programs: a command line becomes a verb, the verb's answer a report and an exit code.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::error::ErrorKind;
use clap::{ArgMatches, Parser};

use super::{Answer, ConsumerVerb, Context, PublisherVerb, Verb as _};
use crate::sys::environment::Environment;
use crate::ui::args::{Output, examples};
use crate::ui::report::door;
use crate::ui::report::workflow::Workflow;
use crate::ui::report::{Exit, Failure, Outcome, finish};

/// Sign, release and verify Aileron connectors and actions.
#[derive(Debug, Parser)]
#[command(
    name = "aileron-pub",
    version,
    after_help = examples!(
        "aileron-pub demo                                   see the whole job once",
        "aileron-pub check                                  what stops a release",
        "aileron-pub release v0.1.0                         publish a version on GitHub",
        "aileron-pub release v0.1.0 --to dir:../registry    publish it in a directory"
    ),
    arg_required_else_help = true
)]
pub struct Publisher {
    /// How output looks.
    #[command(flatten)]
    output: Output,
    /// Work on the repository this directory is in.
    #[arg(
        short = 'C',
        long = "repo",
        value_name = "DIR",
        default_value = ".",
        global = true,
        help_heading = "Global options"
    )]
    repository: PathBuf,
    /// The verb.
    #[command(subcommand)]
    command: PublisherVerb,
}

/// Trust, install and verify Aileron connectors and actions.
#[derive(Debug, Parser)]
#[command(
    name = "aileron",
    version,
    after_help = examples!(
        "aileron connector install github://acme/aileron-connector-x",
        "aileron action add-suite github://acme/aileron-connector-x@0.1.0",
        "aileron verify --installed"
    ),
    arg_required_else_help = true
)]
pub struct Consumer {
    /// How output looks.
    #[command(flatten)]
    output: Output,
    /// The verb.
    #[command(subcommand)]
    command: ConsumerVerb,
}

/// Runs `aileron-pub`.
pub fn publisher(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, |name, args: Publisher| {
        let context = Context::new(args.output, args.repository, args.command.on_interrupt());
        let workflow = Workflow::of(&context.environment, &context.repository, args.command.version());
        let answer = interrupted(args.command.run(&context), context.stop);
        finish(&name, context.output.json, workflow.as_ref(), answer) as u8
    })
}

/// Runs `aileron`.
pub fn consumer(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(args, |name, mut args: Consumer| {
        let output = args.command.take_output_flags(args.output);
        let name = args.command.first_word().map_or(name.clone(), |word| format!("{name} {word}"));
        let context = Context::new(output, PathBuf::from("."), args.command.on_interrupt());
        let answer = args.command.run(&context);
        let of_program = answer.as_ref().ok().and_then(|outcome| outcome.exit_code);
        let exit = finish(&name, context.output.json, None, answer);
        of_program.unwrap_or(exit as u8)
    })
}

/// Runs one verb of `aileron-pub` within another: parsed from a command line, in the same process.
///
/// # Errors
/// What the verb's own run would report.
pub(super) fn within<'a>(line: impl Iterator<Item = &'a str>, context: &Context) -> Answer {
    let parsed = Publisher::try_parse_from(line).map_err(|error| Failure::usage(error.to_string()))?;
    let context = context.within(parsed.repository);
    parsed.command.run(&context)
}

fn run<A: Parser>(args: impl IntoIterator<Item = OsString>, work: impl FnOnce(String, A) -> u8) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let exit = match parse::<A>(&args) {
        Ok((name, parsed)) => work(name, parsed),
        Err(error) => explain::<A>(&error, &args) as u8,
    };
    ExitCode::from(exit)
}

/// A command line as a value, and the verb's name as clap has it: `keys generate`.
fn parse<A: Parser>(args: &[OsString]) -> Result<(String, A), clap::Error> {
    let mut program = A::command();
    let matches = program.try_get_matches_from_mut(args)?;
    let verbs = std::iter::successors(matches.subcommand(), |(_, matches): &(&str, &ArgMatches)| matches.subcommand());
    let name = verbs.map(|(name, _)| name).collect::<Vec<_>>().join(" ");
    let parsed = A::from_arg_matches(&matches).map_err(|error| error.format(&mut program))?;
    Ok((name, parsed))
}

/// A run that was stopped by a signal fails as one that used up its time (sandbox.md §8.2); here the two are distinguished.
fn interrupted(answer: Answer, stop: &AtomicBool) -> Answer {
    let distinguished = |failure: Failure| match failure.class {
        Class::ResourceLimitExceeded if stop.load(Ordering::Relaxed) => {
            Failure::new(failure.class, Exit::Interrupted, "interrupted; nothing was sent after that")
        }
        _ => failure,
    };
    match answer {
        Ok(outcome) => Ok(Outcome { failure: outcome.failure.map(distinguished), ..outcome }),
        Err(failure) => Err(distinguished(failure)),
    }
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

/// The program and the verb a command line that does not parse was meant for, as far as they are known.
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
                let answer = interrupted(Ok(Outcome::default().with_failure(Some(failed()))), &stop);
                assert_eq!(answer.ok().and_then(|outcome| outcome.failure).map(|failure| failure.exit), Some(expected));
                let fine = interrupted(Ok(Outcome::default()), &stop);
                assert!(fine.is_ok_and(|fine| fine.failure.is_none()));
            }
        }
    }
}
