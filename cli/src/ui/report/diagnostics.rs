//! Broken rules, drawn with their source line, or as JSON.
//!
//! What is drawn is bounded whatever the document is: five problems of a rule, a window of a few lines each, and a number
//! of bytes in all. Nothing is drawn until a person is to read it. artifacts.md §10.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aileron_verifier::problem::{Problem, Rule, Severity, Source, Waiver};
use aileron_verifier::text::printable;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report};
use serde_json::{Value, json};

use super::excerpt::Excerpt;
use super::mask::Mask;

/// Problems of one rule that are drawn.
const SHOWN_PER_RULE: usize = 5;
/// Most bytes that are drawn for one answer: with what stands around them, below the 64 KiB of artifacts.md §10.
const MOST_BYTES: usize = 48 * 1024;

/// Problems to be drawn when somebody reads them: the first of each rule, and how many more there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawing {
    problems: Vec<(Problem, Option<Source>)>,
    waived: Vec<Waiver>,
    /// Not drawn, by rule.
    left: BTreeMap<&'static Rule, usize>,
    /// A script finds all of them in the document.
    listed: bool,
    /// Never listed at all: a document with more problems than are kept.
    more: usize,
}

impl Drawing {
    /// Takes the problems in the order they are to be drawn.
    pub(crate) fn new<'a>(
        problems: impl IntoIterator<Item = (&'a Problem, Option<&'a Source>)>,
        waived: &[Waiver],
    ) -> Drawing {
        let mut seen: BTreeMap<&'static Rule, usize> = BTreeMap::new();
        let mut drawing = Drawing { waived: waived.to_vec(), ..Drawing::default() };
        for (problem, source) in problems {
            let count = seen.entry(problem.rule).or_default();
            *count += 1;
            if *count <= SHOWN_PER_RULE {
                drawing.problems.push((problem.clone(), source.cloned()));
            } else {
                *drawing.left.entry(problem.rule).or_default() += 1;
            }
        }
        drawing
    }

    /// The same, of problems that `--json` lists all of.
    pub(crate) fn listed(self) -> Drawing {
        Drawing { listed: true, ..self }
    }

    /// Adds problems that were counted and not kept.
    pub(crate) fn and_more(self, more: usize) -> Drawing {
        Drawing { more: self.more + more, ..self }
    }

    /// Draws them: no line end at the end, nothing where there is nothing to draw.
    pub(crate) fn text(&self) -> String {
        let mut masks: HashMap<Arc<str>, Mask> = HashMap::new();
        let mut left = self.left.clone();
        let mut text = String::new();
        for (problem, source) in &self.problems {
            let drawn = match source {
                Some(source) => {
                    let mask = masks.entry(source.path.clone()).or_insert_with(|| Mask::of(&source.path, &source.text));
                    draw(problem, Some((source, mask)), &self.waived)
                }
                None => draw(problem, None, &self.waived),
            };
            if text.len() + drawn.len() <= MOST_BYTES {
                text.push_str(&drawn);
            } else {
                *left.entry(problem.rule).or_default() += 1;
            }
        }
        let hint = if self.listed { " (--json lists them all)" } else { "" };
        for (rule, count) in left {
            text.push_str(&format!("… and {count} more of rule {rule}{hint}\n"));
        }
        if self.more > 0 {
            text.push_str(&format!("… and {} more that are not listed: fix these first\n", self.more));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Draws one problem; without a source (a missing file, one that is not text) only its text.
fn draw(problem: &Problem, source: Option<(&Source, &Mask)>, waived: &[Waiver]) -> String {
    let severity = match problem.severity(waived) {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Note => miette::Severity::Advice,
    };
    let source = source.filter(|(source, _)| !source.text.is_empty());
    let message = match source {
        Some(_) => problem.message.clone(),
        None => format!("{}: {}", printable(&problem.file), problem.message),
    };
    let diagnostic = MietteDiagnostic::new(message)
        .with_code(problem.rule.id())
        .with_severity(severity)
        .with_help(problem.rule.help());
    let report = match source {
        Some((source, mask)) => {
            let excerpt = Excerpt::of(source, mask, problem.at.clone());
            let label = match excerpt.hidden_lines {
                0 => problem.rule.short().to_owned(),
                lines => format!("{} ({lines} more lines)", problem.rule.short()),
            };
            let label = LabeledSpan::at(excerpt.label.clone(), label);
            Report::new(diagnostic.with_label(label)).with_source_code(excerpt)
        }
        None => Report::new(diagnostic),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .with_links(false)
        .with_context_lines(1); // see `Excerpt`
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(_) => format!("{}: {} [{}]\n", printable(&problem.file), printable(&problem.message), problem.rule),
    }
}

/// The object `check --json` lists for a problem.
pub fn problem_json(problem: &Problem, source: Option<&Source>, waived: &[Waiver]) -> Value {
    let (line, column) = source.map_or((1, 1), |source| source.position(problem.at.start));
    json!({
        "rule": problem.rule.id(),
        "severity": problem.severity(waived).as_str(),
        "class": problem.rule.class().as_str(),
        "file": &*problem.file,
        "line": line,
        "column": column,
        "message": problem.message,
        "help": problem.rule.help(),
    })
}
