//! `demo`: the whole job once, on a connector that needs no toolchain.
//!
//! Each step is one of our own commands, run by the same code and printed as it would be typed, so the demo cannot show
//! what the tool does not do.

#![expect(clippy::disallowed_methods, reason = "the demo makes a directory and works in it")]

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Answer, Context, OnInterrupt, Verb, program};
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::git;
use crate::sys::process::ProcessError;
use crate::ui::args::{Output, examples};
use crate::ui::report::{Exit, Failure, Outcome, shown};

const REPOSITORY: &str = "aileron-connector-demo";
const PUBLIC_KEY: &str = "aileron-connector-demo/keys/publisher.pub";

/// See the whole job once, in a new directory: scaffold, key, check, release, verify as a consumer.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub demo",
    "aileron-pub demo /tmp/aileron-demo"
))]
pub(crate) struct Demo {
    /// Directory to make, outside every git work tree [default: a new one where temporary files go].
    dir: Option<PathBuf>,
}

impl Verb for Demo {
    fn run(self, context: &Context) -> Answer {
        let dir = enter(self.dir.as_deref(), context)?;
        // The story is the progress: bars of single steps would only interrupt it.
        let context = &Context::new(Output { quiet: true, ..context.output }, PathBuf::from("."), OnInterrupt::Stop);
        let mut steps = DemoSteps { context, text: String::new(), list: Vec::new() };
        steps.text.push_str(&format!("$ cd {}\n\n", shown(&dir)));

        steps.say("A repository: a connector with two operations, and two actions that call them.");
        steps.run(&["init", REPOSITORY, "--owner", "demo", "--language", "wat", "--yes"])?;
        steps.say("A signing key. The public half is committed, the private half stays outside.");
        steps.run(&["-C", REPOSITORY, "keys", "generate", "--out", "publisher.key"])?;
        steps.git(Path::new(REPOSITORY), &["add", "keys", "README.md"])?;
        steps.git(Path::new(REPOSITORY), &["commit", "--quiet", "-m", "Publisher key"])?;
        steps.say("Every rule, before anything is built.");
        steps.run(&["-C", REPOSITORY, "check", "v0.1.0"])?;
        steps.say("One version of everything: bound, built, signed, packed, proven, published, fetched back.");
        steps.run(&["-C", REPOSITORY, "release", "v0.1.0", "--key", "publisher.key", "--to", "dir:registry"])?;
        steps.say("The same again: nothing is left to write.");
        steps.run(&["-C", REPOSITORY, "release", "v0.1.0", "--key", "publisher.key", "--to", "dir:registry"])?;
        steps.say("A consumer, who trusts the publisher's key and nothing else.");
        let connector = format!("github://demo/{REPOSITORY}@0.1.0");
        steps.run(&["verify", &connector, "--from", "registry", "--key", PUBLIC_KEY])?;
        steps.run(&["verify", "registry", "--key", PUBLIC_KEY])?;
        steps.say(&format!("Everything is in {}; remove it when you no longer need it.", shown(&dir)));

        let fields = json!({"dir": shown(&dir), "registry": shown(&dir.join("registry")), "steps": steps.list});
        Ok(Outcome::new(steps.text, fields))
    }
}

/// Makes the demo's directory and works in it, so that commands read as they would be typed there.
///
/// It must lie outside every git work tree: the demo makes a repository of its own, and commits to no other.
fn enter(dir: Option<&Path>, context: &Context) -> Result<PathBuf, Failure> {
    let dir = match dir {
        Some(dir) if dir.exists() => {
            let message = format!("{} exists already; the demo makes a directory of its own", dir.display());
            return Err(Failure::usage(message).next("aileron-pub demo DIR, with a directory that does not exist yet"));
        }
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(DiskError::at(Operation::CreateDirectory, dir))?;
            dir.to_owned()
        }
        None => {
            let made = tempfile::Builder::new().prefix("aileron-demo-").tempdir();
            made.map_err(DiskError::about(Operation::CreateDirectory, "in", &std::env::temp_dir()))?.keep()
        }
    };
    let dir = disk::canonical(&dir)?;
    if let Ok(tree) = git::toplevel(&dir, context.spawner()) {
        let _ = std::fs::remove_dir(&dir); // it is empty: it was made a moment ago
        let message = format!("{} lies in the git work tree {}", dir.display(), tree.display());
        return Err(Failure::usage(message).next("aileron-pub demo, or a directory outside"));
    }
    std::env::set_current_dir(&dir).map_err(DiskError::at(Operation::Enter, &dir))?;
    Ok(dir)
}

struct DemoSteps<'a> {
    context: &'a Context,
    text: String,
    list: Vec<serde_json::Value>,
}

impl DemoSteps<'_> {
    fn say(&mut self, sentence: &str) {
        self.text.push_str(&format!("# {sentence}\n"));
    }

    /// One of our own commands, through the same parser and the same code.
    fn run(&mut self, args: &[&str]) -> Result<(), Failure> {
        let line = std::iter::once("aileron-pub").chain(args.iter().copied());
        let outcome = program::within(line.clone(), self.context)?;
        let command = typed(line);
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
        let author = ["-c", "user.name=demo", "-c", "user.email=demo@users.noreply.github.com"];
        let spawner = self.context.spawner();
        let run = || {
            let personal = git::personal(repository, spawner)?;
            git::making(spawner, &personal).args(author).args(args).within(repository).run()
        };
        let failed = |why: String| Failure::new(aileron_verifier::problem::Class::StoreUnwritable, Exit::Failure, why);
        match run() {
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
