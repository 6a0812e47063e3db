//! `unit render`: the documents a unit becomes, and the guard against their drift.

use std::path::PathBuf;

use aileron_verifier::problem::{Class, Source};
use aileron_verifier::unit::{Unit, UnitError, read_bindings, read_capture, render};
use clap::{Args, ValueEnum};
use serde_json::json;
use similar::TextDiff;

use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::unit_document::{UnitDocument, below};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome, shown};

/// Most bytes of a document that is compared.
const LIMIT: u64 = 1 << 20;

/// Print what a unit becomes: the capture descriptor, or the bindings.
///
/// With --against the values of an existing document are compared instead of its bytes, so comments do not count: exit code 1
/// and the difference when they differ.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub unit render capture gh",
    "aileron-pub unit render binding gh --against github.yaml"
))]
pub(crate) struct Render {
    /// Which of the two.
    document: Which,
    /// A Feature's folder, its manifest, or a unit.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Compare with this document.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// A document a unit renders to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// How the credential is acquired.
    Capture,
    /// Where it is used.
    Binding,
}

impl Which {
    fn as_str(self) -> &'static str {
        match self {
            Which::Capture => "capture",
            Which::Binding => "binding",
        }
    }

    fn of(self, unit: &Unit) -> String {
        match self {
            Which::Capture => render::capture(&unit.capture()),
            Which::Binding => render::bindings(&unit.entries()),
        }
    }

    /// A document in its canonical form.
    fn canonical(self, source: &Source) -> Result<String, UnitError> {
        Ok(match self {
            Which::Capture => render::capture(&read_capture(source)?),
            Which::Binding => render::bindings(&read_bindings(source)?),
        })
    }
}

impl Verb for Render {
    fn run(self, context: &Context) -> Answer {
        let document = UnitDocument::open(&below(context, &self.file))?;
        let ours = self.document.of(document.unit()?);
        let which = self.document.as_str();
        let Some(against) = self.against else {
            return Ok(Outcome::new(ours.clone(), json!({"document": which, "text": ours})));
        };
        let path = below(context, &against);
        let source = Source::read(&shown(&path), disk::read(&path, LIMIT)?)
            .map_err(|problem| Failure::new(problem.rule.class(), Exit::Refused, problem.message))?;
        let theirs = self.document.canonical(&source).map_err(|error| refused(&error, &source))?;
        let same = ours == theirs;
        let difference = match same {
            true => String::new(),
            false => {
                let (from, to) = (shown(&path), format!("{} (rendered)", shown(&self.file)));
                TextDiff::from_lines(&theirs, &ours).unified_diff().context_radius(3).header(&from, &to).to_string()
            }
        };
        let fields = json!({"document": which, "against": shown(&path), "same": same, "difference": difference});
        let text = match same {
            true => format!("{} says what the unit says\n", shown(&path)),
            false => difference,
        };
        let failure = (!same).then(|| {
            let message = format!("{} is not what the unit renders to", shown(&path));
            let next = format!(
                "aileron-pub unit render {which} {} > {}, or change the unit",
                shown(&self.file),
                shown(&against)
            );
            Failure::new(Class::ValidationError, Exit::Failure, message).next(next)
        });
        Ok(Outcome::new(text, fields).with_failure(failure))
    }
}

fn refused(error: &UnitError, source: &Source) -> Failure {
    let failure = Failure::new(error.rule().class(), Exit::Refused, error.to_string());
    match error.problems.first() {
        Some(first) => failure.at(first, Some(source)),
        None => failure,
    }
}
