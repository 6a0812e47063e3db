//! Broken rules, drawn with their source line, or as JSON.

use aileron_verifier::problem::{Problem, Rule, Severity, Source, Waiver};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::{Value, json};

/// Draws one problem; without a source (a missing file) only its text.
pub fn draw(problem: &Problem, source: Option<&Source>, waived: &[Waiver]) -> String {
    let severity = match problem.severity(waived) {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let diagnostic = MietteDiagnostic::new(problem.message.clone())
        .with_code(problem.rule.id())
        .with_severity(severity)
        .with_help(problem.rule.help());
    let report = match source {
        Some(source) => {
            let label = LabeledSpan::at(problem.at.clone(), problem.rule.short());
            let text = NamedSource::new(&source.path, masked(source, problem)).with_language("TOML");
            Report::new(diagnostic.with_label(label)).with_source_code(text)
        }
        None => Report::msg(format!("{}: {}", problem.file, problem.message)),
    };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .with_links(false)
        .with_context_lines(0);
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text,
        Err(_) => format!("{}: {} [{}]\n", problem.file, problem.message, problem.rule),
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
