//! What a publisher should know about a unit, a Feature and an image. cli-unit.md §11.
//!
//! Nothing in here changes what the reader takes: findings are added to the reader's own, and are looked for also where it
//! refuses, as far as there is something to look at.
//!
//! | file | |
//! |---|---|
//! | `unit` | `CL100` to `CL121`: one unit |
//! | `feature` | `CL130` to `CL141`: the Feature that carries it |
//! | `credential` | the sibling block of §11.1 |
//! | `label` | `CL151` to `CL154`: an image |

mod credential;
mod feature;
mod label;
mod unit;

use std::collections::BTreeSet;

pub use feature::{Folder, check_feature};
pub use label::check_label;

use super::document::Unit;
use super::read::{self, Reading, UnitError};
use super::rules;
use crate::problem::{Problem, Severity, Source};
use crate::text::json::tape::{Kind, Tape, Value};

/// A document, and everything there is to say about it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The units it holds; none where the reader refuses.
    pub units: Vec<Unit>,
    /// Why the reader refuses, if it does. Its problems are among the following.
    pub error: Option<UnitError>,
    /// All findings, in file order.
    pub problems: Vec<Problem>,
}

impl Checked {
    fn new(units: Result<Vec<Unit>, UnitError>, findings: Vec<Problem>) -> Checked {
        let (units, error) = match units {
            Ok(units) => (units, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut problems: Vec<Problem> =
            error.iter().flat_map(|error| error.problems.iter().cloned()).chain(findings).collect();
        problems.sort_by_key(|problem| (problem.at.start, problem.rule));
        problems.dedup();
        Checked { units, error, problems }
    }

    /// Whether something stands against it.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.rule.severity() == Severity::Error)
    }
}

/// Checks a unit that stands alone, as YAML or JSON text.
pub fn check_unit(source: &Source) -> Checked {
    let Reading { raw, rest, unit } = read::yaml(source);
    let mut findings = raw.as_ref().map(|raw| unit::findings(source, raw)).unwrap_or_default();
    if let Some(rest) = rest {
        let message = "the text goes on after the first document; nothing of it is read";
        findings.push(source.problem(rules::CL120, rest, message));
    }
    Checked::new(unit.map(|unit| vec![unit]), findings)
}

/// Members that are there twice, anywhere in a JSON text. `CL139`.
fn duplicates(source: &Source, tape: &Tape<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut open = vec![tape.root()];
    while let Some(value) = open.pop() {
        open.extend(value.items().filter(|item| is_inner(*item)));
        let mut names = BTreeSet::new();
        for member in value.members() {
            let name = member.name.text().unwrap_or_default().into_owned();
            if is_inner(member.value) {
                open.push(member.value);
            }
            if names.contains(&name) {
                let message = format!("member \"{name}\" is there twice; readers keep the last one");
                problems.push(source.problem(rules::CL139, member.name.at(), message));
            }
            names.insert(name);
        }
    }
    problems
}

fn is_inner(value: Value<'_>) -> bool {
    matches!(value.kind(), Kind::List | Kind::Object)
}

/// Names that are `customizations`, `aileron` or `cli` but for their letter case, where those stand. `CL138`.
fn near_misses(source: &Source, element: Value<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut level = vec![element];
    for wanted in ["customizations", "aileron", "cli"] {
        let members = level.iter().flat_map(|value| value.members());
        let alike: Vec<_> =
            members.filter(|member| member.name.text().is_some_and(|name| name.eq_ignore_ascii_case(wanted))).collect();
        for member in alike.iter().filter(|member| !member.is_named(wanted)) {
            let name = member.name.text().unwrap_or_default();
            let message = format!("\"{name}\" is not \"{wanted}\": some readers take it for that, some do not");
            problems.push(source.problem(rules::CL138, member.name.at(), message));
        }
        level = alike.into_iter().map(|member| member.value).collect();
    }
    problems
}

/// Bytes of a value on one line of a Dockerfile: without blanks, and with the escapes a quoted LABEL needs.
fn label_bytes(raw: &[u8]) -> usize {
    let (mut in_text, mut escaped, mut count) = (false, false, 0);
    for byte in raw {
        if !in_text && byte.is_ascii_whitespace() {
            continue;
        }
        count += if matches!(byte, b'"' | b'\\' | b'$') { 2 } else { 1 };
        match (in_text, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (_, _, b'"') => in_text = !in_text,
            _ => {}
        }
    }
    count
}

/// Bytes of a LABEL line up to which no builder cuts it.
const LABEL_LINE: usize = 65_000;

fn too_long(source: &Source, at: std::ops::Range<usize>, bytes: usize) -> Option<Problem> {
    let message = format!("{bytes} bytes on one line of the image's label: builders have cut such lines at 65,518");
    (bytes > LABEL_LINE).then(|| source.problem(rules::CL154, at, message))
}
