//! `aegis try`: an extension started and driven here, as a host would.

use std::path::PathBuf;

use aileron_verifier::aegis::time::GoDuration;
use clap::Args;

use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};

/// Start a plugin or connector on this machine and find what would go wrong on a host.
///
/// Runs the binary for this machine's architecture, as nothing else here does: only try what you would run. It gets a host's
/// environment and no variable of yours, a process group and a private directory of its own, and a recorder in place of the
/// game server. Its definition is compared with the manifest; then Initialize, Start, every event it subscribes to, a change
/// of its configuration, its commands or, for a connector, requests, and Stop, each under the limit a host has. What is found
/// names the row of the document's troubleshooting table. Exit code 6 when something would go wrong. Nothing is left of the
/// process, also after Ctrl-C.
///
/// Samples are sent unless tests/*.toml of the repository (PATH, else -C) or --event say what: `[config]`, `[[event]]` with type and data,
/// `[[invoke]]` with data, `[answers]` and `[failures]` by method of the host API.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis try hello.zip",
    "aileron-pub aegis try dist --patience 2s",
    "aileron-pub aegis try hello.zip --event RCON_CHAT_MESSAGE '{\"message\": \"!hello\"}' --json"
))]
pub(crate) struct Try {
    /// A bundle, a staging directory, or a repository, which is built first [default: the directory of -C].
    path: Option<PathBuf>,
    /// The main package of a repository, where there are several, as in ./cmd/hello.
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// An event to send: its type, and its data as JSON.
    #[arg(long, num_args = 2, value_names = ["TYPE", "JSON"], action = clap::ArgAction::Append)]
    event: Vec<String>,
    /// Longest wait for any one answer, as a Go duration [default: a host's limits].
    #[arg(long, value_name = "DURATION")]
    patience: Option<GoDuration>,
    /// A file like those of tests/, in place of them.
    #[arg(long, value_name = "FILE")]
    answers: Vec<PathBuf>,
}

#[cfg(unix)]
impl Verb for Try {
    fn run(self, context: &Context) -> Answer {
        use crate::publisher::aegis::check;
        use crate::publisher::aegis::extension::subject::{Subject, architecture};
        use crate::publisher::aegis::extension::{self, TryOptions};
        use crate::ui::report::Failure;

        let events = events(&self.event)?;
        let patience = self.patience.map(|patience| match u64::try_from(patience.nanoseconds()) {
            Ok(nanoseconds) if nanoseconds > 0 => Ok(std::time::Duration::from_nanos(nanoseconds)),
            _ => Err(Failure::usage("--patience must be longer than nothing, as in 2s")),
        });
        let patience = patience.transpose()?;
        let path = self.path.as_deref().unwrap_or(&context.repository);
        let (arch, listener) = (architecture()?, |event| context.progress.take(event));
        let subject = if check::is_repository(path) {
            Subject::build(path, self.package.as_deref(), arch, context.spawner(), &listener)?
        } else {
            Subject::load(path, arch)?
        };
        let answers = report::answers(
            &self.answers,
            if check::is_repository(path) { path } else { context.repository.as_path() },
        )?;
        let options = TryOptions { answers, events, patience };
        let trial = extension::run(&subject, &options, context.spawner(), &listener)?;
        Ok(report::outcome(&subject, &trial))
    }
}

#[cfg(not(unix))]
impl Verb for Try {
    fn run(self, _: &Context) -> Answer {
        let _ = (self.path, self.package, self.event, self.patience, self.answers);
        Err(crate::ui::report::Failure::usage("an extension runs on Linux: try it there, or in a container"))
    }
}

/// `--event TYPE JSON`, as often as it is given.
#[cfg(unix)]
fn events(given: &[String]) -> Result<Vec<(String, serde_json::Value)>, crate::ui::report::Failure> {
    let event = |pair: &[String]| {
        let data = serde_json::from_str(&pair[1]).map_err(|error| {
            let message =
                format!("--event {}: the data is not JSON: {error}", aileron_verifier::text::printable(&pair[0]));
            crate::ui::report::Failure::usage(message)
                .next("quote it for the shell, as in --event RCON_CHAT_MESSAGE '{\"message\": \"hi\"}'")
        })?;
        Ok((pair[0].clone(), data))
    };
    given.chunks_exact(2).map(event).collect()
}

#[cfg(unix)]
mod report {
    //! What a trial found, for people and for scripts.

    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use aileron_verifier::aegis::Kind;
    use aileron_verifier::problem::{Class, Severity};
    use aileron_verifier::text::{printable, printable_within};
    use serde_json::{Value, json};

    use crate::event::counted;
    use crate::publisher::aegis::AegisError;
    use crate::publisher::aegis::extension::answers::Answers;
    use crate::publisher::aegis::extension::finding::Finding;
    use crate::publisher::aegis::extension::subject::Subject;
    use crate::publisher::aegis::extension::{Trial, TryError};
    use crate::sys::disk;
    use crate::ui::report::{Exit, Failure, Outcome};

    /// Longest file of answers.
    const LONGEST: u64 = 1 << 20;
    /// Characters of a message, and of a line of the extension's output, that a person is shown.
    const LONGEST_MESSAGE: usize = 700;
    const LONGEST_LINE: usize = 200;

    /// The files that were named; else those of a repository's `tests`.
    pub(super) fn answers(named: &[PathBuf], repository: &Path) -> Result<Answers, TryError> {
        let mut files = named.to_vec();
        let is_of_an_extension = || repository.join("go.mod").is_file() && repository.join("manifest.json").is_file();
        if files.is_empty() && is_of_an_extension() {
            let tests = repository.join("tests");
            let listed = disk::list(&tests).map_err(AegisError::from)?.unwrap_or_default();
            let toml = listed.into_keys().map(|name| tests.join(name));
            files.extend(toml.filter(|path| path.extension().is_some_and(|extension| extension == "toml")));
        }
        let mut answers = Answers::default();
        for file in files {
            let bytes = disk::read(&file, LONGEST).map_err(AegisError::from)?;
            answers.add(&file.display().to_string(), &String::from_utf8_lossy(&bytes))?;
        }
        Ok(answers)
    }

    pub(super) fn outcome(subject: &Subject, trial: &Trial) -> Outcome {
        let failure = (trial.faults() > 0).then(|| {
            let message = format!("{} would go wrong on a host", counted(trial.faults(), "thing"));
            let failure = Failure::new(Class::ValidationError, Exit::Policy, message);
            failure.next("correct them, pack it again, and run `aileron-pub aegis try` again")
        });
        Outcome::new(text(subject, trial), fields(subject, trial)).with_failure(failure)
    }

    fn text(subject: &Subject, trial: &Trial) -> String {
        let Subject { name, kind, id, version, target, library, .. } = subject;
        let mut text = format!("{}\n", printable(name));
        let mut line = |name: &str, value: &str| {
            text.push_str(&format!("  {:<34}{}\n", printable(name), printable_within(value, LONGEST_MESSAGE)))
        };
        line(kind.as_str(), &format!("{id} {version}"));
        line("target", &format!("{}/{}, {library}", target.target_os, target.target_arch));
        for step in &trial.steps {
            line(&step.name, &step.outcome);
        }
        if *kind == Kind::Plugin && !trial.calls.is_empty() {
            line("calls of the host API", &called(trial));
        }
        for finding in &trial.findings {
            text.push_str(&told(finding));
        }
        for (what, lines) in
            [("printed to standard output", &trial.printed), ("wrote to standard error", &trial.errors)]
        {
            if !lines.is_empty() {
                text.push_str(&format!("\nit {what}\n"));
            }
            for line in lines {
                text.push_str(format!("  {}", printable_within(line, LONGEST_LINE)).trim_end());
                text.push('\n');
            }
        }
        let warnings = trial.findings.len() - trial.faults();
        let found = format!("{}, {}", counted(trial.faults(), "error"), counted(warnings, "warning"));
        text.push_str(&format!("\n{found}\n"));
        text
    }

    /// Methods and how often each was called, in the order of the first calls.
    fn called(trial: &Trial) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut order = Vec::new();
        for call in &trial.calls {
            let count = counts.entry(&call.method).or_default();
            if *count == 0 {
                order.push(call.method.as_str());
            }
            *count += 1;
        }
        let each = order.into_iter().map(|method| match counts[method] {
            1 => method.to_owned(),
            times => format!("{method} ({times} times)"),
        });
        let each: Vec<String> = each.collect();
        let more = if trial.more_calls > 0 { format!(", and {} more", trial.more_calls) } else { String::new() };
        format!("{}{more}", each.join(", "))
    }

    fn told(finding: &Finding) -> String {
        let rule = finding.rule.map(|rule| format!("[{rule}]")).unwrap_or_default();
        let mut told =
            format!("\n{}{rule}: {}\n", finding.severity.as_str(), printable_within(&finding.message, LONGEST_MESSAGE));
        told.push_str(&format!("  in            {}\n", printable(&finding.step)));
        if let Some(row) = finding.row {
            told.push_str(&format!("  table         {}\n", row.symptom()));
        }
        told.push_str(&format!("  help          {}\n", finding.help));
        told
    }

    fn fields(subject: &Subject, trial: &Trial) -> Value {
        let Subject { name, kind, id, version, target, library, bytes } = subject;
        let steps = trial.steps.iter().map(|step| {
            let took = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
            json!({"step": step.name, "outcome": step.outcome, "milliseconds": took})
        });
        let findings = trial.findings.iter().map(|finding| {
            json!({
                "severity": finding.severity.as_str(),
                "step": finding.step,
                "row": finding.row.map(|row| row.name()),
                "symptom": finding.row.map(|row| row.symptom()),
                "rule": finding.rule.map(|rule| rule.id()),
                "message": finding.message,
                "help": finding.help,
            })
        });
        let calls =
            trial.calls.iter().map(|call| json!({"method": call.method, "request": call.request, "error": call.error}));
        let warnings = trial.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
        json!({
            "bundle": name,
            "kind": kind.as_str(),
            "id": id,
            "version": version,
            "target": {"os": target.target_os, "arch": target.target_arch, "library": library, "size": bytes.len()},
            "steps": steps.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "errors": trial.faults(),
            "warnings": warnings,
            "calls": calls.collect::<Vec<_>>(),
            "more_calls": trial.more_calls,
            "stdout": trial.printed,
            "stderr": trial.errors,
        })
    }
}
