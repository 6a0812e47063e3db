//! `demo`: the whole job once, on a connector that needs no toolchain.
//!
//! Each step is one of our own commands, run by the same code and printed as it would be typed, so the demo cannot show
//! what the tool does not do.

use std::path::Path;

use clap::Parser as _;
use serde_json::json;

use super::{Answer, Context, dispatch};
use crate::sys::process::ProcessError;
use crate::ui::args::{Demo, Output, Publisher};
use crate::ui::report::{Exit, Failure, Outcome, shown};

const REPOSITORY: &str = "aileron-connector-demo";

pub(super) fn run(args: &Demo, context: &Context) -> Answer {
    let dir = &args.dir;
    if dir.exists() {
        let message = format!("{} exists already; the demo makes a directory of its own", dir.display());
        return Err(Failure::usage(message).next("name another one: aileron-pub demo DIR"));
    }
    let (repository, key, registry) = (dir.join(REPOSITORY), dir.join("publisher.key"), dir.join("registry"));
    let (repository, key, registry) = (shown(&repository), shown(&key), shown(&registry));
    let public = format!("{repository}/keys/publisher.pub");
    // The story is the progress: bars of single steps would only interrupt it.
    let context = &Context::new(Output { quiet: true, ..context.output });
    let mut steps = Steps { context, text: String::new(), list: Vec::new() };

    steps.say("A repository: a connector with two operations, and two actions that call them.");
    steps.run(&["init", &repository, "--owner", "demo", "--language", "wat", "--yes"])?;
    steps.say("A signing key. The public half is committed, the private half stays outside.");
    steps.run(&["-C", &repository, "keys", "generate", "--out", &key])?;
    steps.git(Path::new(&repository), &["add", "keys"])?;
    steps.git(Path::new(&repository), &["commit", "--quiet", "-m", "Publisher key"])?;
    steps.say("Every rule, before anything is built.");
    steps.run(&["-C", &repository, "check", "v0.1.0"])?;
    steps.say("One version of everything: bound, built, signed, packed, proven, published, fetched back.");
    let to = format!("dir:{registry}");
    steps.run(&["-C", &repository, "release", "v0.1.0", "--key", &key, "--to", &to])?;
    steps.say("The same again: nothing is left to write.");
    steps.run(&["-C", &repository, "release", "v0.1.0", "--key", &key, "--to", &to])?;
    steps.say("A consumer, who trusts the publisher's key and nothing else.");
    let connector = format!("github://demo/{REPOSITORY}@0.1.0");
    steps.run(&["verify", &connector, "--from", &registry, "--key", &public])?;
    steps.run(&["verify", &registry, "--key", &public])?;
    steps.say(&format!("Everything is in {}; remove it when you have seen enough.", dir.display()));

    let fields = json!({"dir": shown(dir), "registry": registry, "steps": steps.list});
    Ok(Outcome::new(steps.text, fields))
}

struct Steps<'a> {
    context: &'a Context,
    text: String,
    list: Vec<serde_json::Value>,
}

impl Steps<'_> {
    fn say(&mut self, sentence: &str) {
        self.text.push_str(&format!("# {sentence}\n"));
    }

    /// One of our own commands, through the same parser and the same code.
    fn run(&mut self, args: &[&str]) -> Result<(), Failure> {
        let line = std::iter::once("aileron-pub").chain(args.iter().copied());
        let parsed = Publisher::try_parse_from(line.clone()).map_err(|error| Failure::usage(error.to_string()))?;
        let command = typed(line);
        let (_, result) = dispatch(parsed, self.context);
        let outcome = result?;
        self.text.push_str(&format!("$ {command}\n{}\n", outcome.text));
        self.list.push(json!({"command": command, "result": outcome.fields}));
        match outcome.failure {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn git(&mut self, repository: &Path, args: &[&str]) -> Result<(), Failure> {
        self.text.push_str(&format!("$ git -C {} {}\n", repository.display(), typed(args.iter().copied())));
        // A machine without a configured author still gets its demo.
        let author =
            ["-c", "user.name=demo", "-c", "user.email=demo@users.noreply.github.com", "-c", "commit.gpgsign=false"];
        let command = self.context.spawner().command("git").args(author).args(args).within(repository);
        let failed = |why: String| Failure::new(aileron_verifier::problem::Class::StoreUnwritable, Exit::Failure, why);
        match command.run() {
            Ok(finished) if finished.status.success() => {
                self.text.push('\n');
                Ok(())
            }
            Ok(finished) => Err(failed(format!("git: {}", String::from_utf8_lossy(&finished.stderr).trim()))),
            Err(ProcessError::Interrupted { .. }) => {
                Err(Failure { exit: Exit::Interrupted, ..failed("interrupted".to_owned()) })
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// Words as they would be typed.
fn typed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted = |word: &str| if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}
