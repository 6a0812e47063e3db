//! `unit check`: every problem of a unit, of its Feature, or of an image's label.

use std::path::PathBuf;

use aileron_verifier::problem::Severity;
use aileron_verifier::text::Untrusted;
use clap::Args;
use serde_json::json;

use crate::event::counted;
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::unit_document::{DocumentKind, LABEL_LIMIT, UnitDocument, below};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome, shown};

/// Check a unit, or the Feature that carries it, and list all problems with file and line.
///
/// PATH is a Feature's folder, its manifest, a unit as YAML or JSON, or the value of an image's label. `CU…` is what Aileron
/// refuses, `CL…` what a publisher should know. Exit code 6 when there is an error.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub unit check gh", "aileron-pub unit check unit.yaml --json"))]
pub(crate) struct Check {
    /// What to check.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// PATH holds the value of an image's label devcontainer.metadata, whatever it looks like.
    #[arg(long)]
    label: bool,
}

impl Verb for Check {
    fn run(self, context: &Context) -> Answer {
        let path = below(context, &self.path);
        let document = match self.label {
            true => UnitDocument::label(&shown(&path), disk::read(&path, LABEL_LIMIT)?)?,
            false => UnitDocument::open(&path)?,
        };
        let [errors, warnings, notes] = document.counts();
        let names: Vec<&str> = document.checked.units.iter().map(|unit| unit.name.as_str()).collect();
        let fields = json!({
            "kind": document.kind.as_str(),
            "units": names,
            "problems": document.problems_json(),
            "errors": errors,
            "warnings": warnings,
            "notes": notes,
        });
        // A script is not drawn anything.
        let text = match context.output.json {
            true => String::new(),
            false => format!("{}{}: {}\n", document.drawn(), held(&document), document.summary()),
        };
        Ok(Outcome::new(text, fields).with_failure(failure(&document)))
    }
}

/// `unit gh`, or what there is instead.
fn held(document: &UnitDocument) -> String {
    match (document.checked.units.as_slice(), document.kind) {
        ([unit], _) => format!("unit {}", Untrusted(&unit.name)),
        ([], DocumentKind::Feature) if document.checked.error.is_none() => "a Feature without a unit".to_owned(),
        ([], _) if document.checked.error.is_some() => "no usable unit".to_owned(),
        (units, _) => counted(units.len(), "unit"),
    }
}

fn failure(document: &UnitDocument) -> Option<Failure> {
    let errors = document.of_severity(Severity::Error);
    let first = errors.first()?;
    let class = document.checked.error.as_ref().map_or(first.rule.class(), |error| error.rule().class());
    let failure = Failure::new(class, Exit::Policy, format!("{} in this unit", counted(errors.len(), "error")));
    Some(failure.at(first, Some(&document.source)).next("fix them, then run `aileron-pub unit check` again"))
}
