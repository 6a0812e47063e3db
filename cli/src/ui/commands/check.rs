//! `check`: every problem of the repository, drawn or listed.

use std::path::{Path, PathBuf};

use aileron_verifier::artifact::archive::MAX_MODULE;
use aileron_verifier::artifact::module::Module;
use aileron_verifier::name::version::Version;
use aileron_verifier::problem::{Problem, Severity, Waiver};
use clap::Args;
use serde_json::json;

use super::{Answer, Context, Verb};
use crate::event::counted;
use crate::publisher::lint::{self, Findings};
use crate::publisher::local::last;
use crate::publisher::project::Reading;
use crate::publisher::release::{self, ReleaseError};
use crate::sys::disk;
use crate::ui::args::{examples, version};
use crate::ui::report::{Exit, Failure, Outcome, drawing, problem_json};

/// Check the repository against every rule and list all problems, with file and line.
///
/// With a version the files of the commit are checked, without one those of the work tree. Exit code 6 when a release
/// would be refused. Nothing is built or written.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub check",
    "aileron-pub check v0.1.0 --allow input-type",
    "aileron-pub check --json"
))]
pub(crate) struct Check {
    /// The version about to be released; without it, the fields a release fills must hold their placeholders.
    #[arg(value_parser = version)]
    version: Option<Version>,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Also hold this module against the manifest [default: the one `run` built last, if no source changed].
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
}

impl Verb for Check {
    fn run(self, context: &Context) -> Answer {
        let reading = if self.version.is_some() { Reading::Commit } else { Reading::WorkTree };
        let project = context.project(reading)?;
        match &project.history {
            Err(error) if error.is_refusal() => return Err(ReleaseError::History(error.clone()).into()),
            Ok(history) if history.is_dirty() && reading == Reading::Commit => context.with_world(|world| {
                world.note(format!("the work tree differs from commit {}; only the commit is checked", history.commit));
            }),
            _ => {}
        }
        let mut findings = lint::check(project, self.version.as_ref(), &self.allow);
        if let Some(module) = module(self.wasm.as_deref(), &findings, context)? {
            findings.hold_against(&module);
        }
        let errors = findings.errors().count();
        let warnings = findings.problems.len() - errors;
        let listed: Vec<_> = findings
            .problems
            .iter()
            .map(|problem| problem_json(problem, findings.source(problem), &findings.waived))
            .collect();
        let mut fields =
            json!({"problems": listed, "errors": errors, "warnings": warnings, "actions": findings.actions});
        if findings.more > 0 {
            fields["more"] = json!(findings.more);
        }
        // A script is not drawn anything. artifacts.md §10.
        let text = if context.output.json { String::new() } else { text(&findings, errors, warnings) };
        Ok(Outcome::new(text, fields).with_failure(failure(&findings, errors)))
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}

/// The module to hold the manifest against: the one that is named, else the one `run` built last. Nothing is built.
fn module(wasm: Option<&Path>, findings: &Findings, context: &Context) -> Result<Option<Module>, Failure> {
    let bytes = match (wasm, &findings.checked) {
        (Some(path), _) => Some(disk::read(path, MAX_MODULE)?),
        (None, Some(checked)) => last(checked, context.spawner())?,
        (None, None) => None,
    };
    let parsed = bytes.map(|bytes| Module::of_build(&bytes)).transpose();
    parsed.map_err(|error| Failure::new(error.class(), Exit::Policy, error.to_string()))
}

fn failure(findings: &Findings, errors: usize) -> Option<Failure> {
    let first = findings.errors().next()?;
    let message = format!("{} a release", release::stops(errors));
    let waivable = findings.errors().all(|problem| problem.rule.is_waivable());
    let failure = Failure::new(findings.class(), Exit::Policy, message).at(first, findings.source(first));
    Some(if waivable {
        let rules: std::collections::BTreeSet<_> = findings.errors().map(|problem| problem.rule.id()).collect();
        let flags: Vec<String> = rules.into_iter().map(|rule| format!("--allow {rule}")).collect();
        failure.next(format!(
            "fix them, or waive the rules with {} (installers will refuse such actions by default)",
            flags.join(" ")
        ))
    } else {
        failure.next("fix them, then run `aileron-pub check` again")
    })
}

fn text(findings: &Findings, errors: usize, warnings: usize) -> String {
    let by_severity = |severity: Severity| -> Vec<&Problem> {
        findings.problems.iter().filter(|problem| problem.severity(&findings.waived) == severity).collect()
    };
    let mut text = String::new();
    for severity in [Severity::Note, Severity::Warning, Severity::Error] {
        let drawn = drawing(&by_severity(severity), findings).text();
        if !drawn.is_empty() {
            text.push_str(&drawn);
            text.push_str("\n\n");
        }
    }
    let (actions, errors) = (counted(findings.actions, "action"), counted(errors, "error"));
    text.push_str(&format!("{actions}: {errors}, {}", counted(warnings, "warning")));
    if findings.more > 0 {
        text.push_str(&format!(", and {} more that are not listed", findings.more));
    }
    text.push('\n');
    text
}
