//! Broken rules, drawn with their source line, or as JSON.

use std::ops::Range;

use aileron_verifier::problem::{Problem, Rule, Severity, Source, Waiver};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, NamedSource, Report,
    SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};

/// Draws one problem; without a source (a missing file) only its text.
pub fn draw(problem: &Problem, source: Option<&Source>, waived: &[Waiver]) -> String {
    let severity = match problem.severity(waived) {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let message = match source {
        Some(_) => problem.message.clone(),
        None => format!("{}: {}", problem.file, problem.message),
    };
    let diagnostic = MietteDiagnostic::new(message)
        .with_code(problem.rule.id())
        .with_severity(severity)
        .with_help(problem.rule.help());
    let report = match source {
        Some(source) => {
            let label = LabeledSpan::at(visible(source, problem), problem.rule.short());
            let text = NamedSource::new(&source.path, WholeLines(masked(source, problem)));
            Report::new(diagnostic.with_label(label)).with_source_code(text)
        }
        None => Report::new(diagnostic),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .with_links(false)
        .with_context_lines(1); // see `WholeLines`
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(_) => format!("{}: {} [{}]\n", problem.file, problem.message, problem.rule),
    }
}

/// Text that is drawn line by line: asked for a range with context, it gives the lines the range lies in, whole, and no
/// others. (Without context the drawing would begin in the middle of a line.)
struct WholeLines(String);

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        if before == 0 {
            return self.0.read_span(span, 0, 0);
        }
        let (start, end) = (span.offset(), span.offset() + span.len());
        let start = self.0[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = self.0[end..].find('\n').map_or(self.0.len(), |at| end + at);
        self.0.read_span(&(start..end).into(), 0, 0)
    }
}

/// The range to underline. A place at a line's end, where something is missing, has nothing to draw under: the character
/// before it stands for it.
fn visible(source: &Source, problem: &Problem) -> Range<usize> {
    let text = &source.text;
    if !text[problem.at.clone()].trim_matches(['\r', '\n']).is_empty() {
        return problem.at.clone();
    }
    let before = text[..problem.at.start].trim_end_matches(['\r', '\n']);
    match before.char_indices().next_back() {
        Some((start, last)) => start..start + last.len_utf8(),
        None => problem.at.clone(),
    }
}

/// The text to show: a real client secret in source is a finding, and drawing it (or the line beside it) would spread it.
/// Masked byte for byte, so that ranges still fit; masking too much costs a reader nothing.
fn masked(source: &Source, problem: &Problem) -> String {
    let mut text = String::with_capacity(source.text.len());
    for line in source.text.split_inclusive('\n') {
        let value = line.find("client_secret").and_then(|key| Some(key + line[key..].find('=')? + 1));
        match value {
            Some(at) if line[at..].trim() != "\"bound-at-release\"" => {
                text.push_str(&line[..at]);
                text.push_str(&stars(&line[at..]));
            }
            _ => text.push_str(line),
        }
    }
    if problem.rule == Rule::OauthClientSecret {
        let stars = stars(&text[problem.at.clone()]);
        text.replace_range(problem.at.clone(), &stars);
    }
    text
}

fn stars(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' || byte == b'\r' { byte as char } else { '*' }).collect()
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
