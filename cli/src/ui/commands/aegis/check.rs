//! `aegis check`: every rule over a repository, a staging directory or a zip file.

use std::path::PathBuf;

use aileron_verifier::aegis::DEFAULT_UPLOAD_LIMIT;
use aileron_verifier::problem::{Problem, Severity};
use clap::Args;
use serde_json::{Value, json};

use crate::event::counted;
use crate::publisher::aegis::Findings;
use crate::publisher::aegis::check::{self, Subject};
use crate::publisher::release;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Outcome, bundle_drawing, of_bundle, problem_json};

/// Check a bundle against every rule, and list all problems with file and line.
///
/// A directory with go.mod is checked as a repository: its manifest.json, whose checksums may still be
/// REPLACE_WITH_BINARY_SHA256, and its Go source against it (ids, capabilities, events, connectors, printing before Serve), as
/// far as texts and constants show it; what is computed at run time is not seen. Any other directory is a staging directory:
/// manifest, every target's file and checksum. A zip file is checked as it is, byte by byte. Exit code 6 when something stops
/// publishing. Nothing is written or started.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis check",
    "aileron-pub aegis check dist",
    "aileron-pub aegis check hello.zip --json"
))]
pub(crate) struct Check {
    /// A repository, a staging directory, or a zip file [default: the directory of -C].
    path: Option<PathBuf>,
    /// The upload limit of the hosts that are meant, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_UPLOAD_LIMIT)]
    max_upload_size: u64,
}

impl Verb for Check {
    fn run(self, context: &Context) -> Answer {
        let path = self.path.unwrap_or_else(|| context.repository.clone());
        let findings = check::check(&path, self.max_upload_size)?;
        let errors = findings.errors().count();
        let warnings = findings.problems.len() - errors;
        let text = if context.output.json { String::new() } else { text(&findings, errors, warnings) };
        let message = format!("{} publishing", release::stops(errors));
        let failure = (errors > 0).then(|| of_bundle(&findings, message));
        Ok(Outcome::new(text, fields(&findings, errors, warnings)).with_failure(failure))
    }
}

pub(super) fn fields(findings: &Findings, errors: usize, warnings: usize) -> Value {
    let listed: Vec<_> =
        findings.problems.iter().map(|problem| problem_json(problem, findings.source(problem), &[])).collect();
    let subject = match findings.subject {
        Subject::Repository => "repository",
        Subject::Staging => "staging",
        Subject::Zip => "zip",
    };
    let mut fields = json!({
        "subject": subject,
        "kind": findings.kind.map(aileron_verifier::aegis::Kind::as_str),
        "targets": findings.targets,
        "problems": listed,
        "errors": errors,
        "warnings": warnings,
    });
    if findings.more > 0 {
        fields["more"] = json!(findings.more);
    }
    fields
}

pub(super) fn text(findings: &Findings, errors: usize, warnings: usize) -> String {
    let by_severity = |severity: Severity| -> Vec<&Problem> {
        findings.problems.iter().filter(|problem| problem.rule.severity() == severity).collect()
    };
    let mut text = String::new();
    for severity in [Severity::Note, Severity::Warning, Severity::Error] {
        let problems = by_severity(severity);
        let drawn = if problems.is_empty() { String::new() } else { bundle_drawing(&problems, findings).text() };
        if !drawn.is_empty() {
            text.push_str(&drawn);
            text.push_str("\n\n");
        }
    }
    let kind = findings.kind.map_or("no manifest", aileron_verifier::aegis::Kind::as_str);
    let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
    text.push_str(&format!("{kind}, {}: {errors}, {warnings}\n", counted(findings.targets, "target")));
    text
}
