//! The reader: a document to a [`Unit`], or to everything that stands against it. cli-unit.md §2 and §7.

use crate::problem::{Problem, Rule, Source};
use crate::text::json::tape::Value;
use crate::text::quote::Quoted;

use super::decode::RawUnit;
use super::document::Unit;
use super::tree::{Fault, Node};
use super::{decode, rules, tree, validate};

/// A document that holds no unit. The text is what Aileron says; the problems say where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct UnitError {
    /// Never empty. Decoding finds several at once, validation stops at the first.
    pub problems: Vec<Problem>,
    /// The whole text, in one line.
    pub text: String,
}

impl UnitError {
    /// The rule of the first problem: the identifier of cli-unit.md §8.
    pub fn rule(&self) -> &'static Rule {
        self.problems.first().map_or(rules::CU001, |problem| problem.rule)
    }

    /// One problem, with its text after a prefix.
    pub(super) fn one(source: &Source, prefix: &str, fault: Fault) -> UnitError {
        let text = format!("{prefix}{}", fault.text);
        UnitError { problems: vec![source.problem(fault.rule, fault.at, text.clone())], text }
    }

    /// Problems of decoding: a prefix, then one after the other, each with its line if the carrier has lines.
    pub(super) fn several(source: &Source, prefix: &str, faults: Vec<Fault>, lines: bool) -> UnitError {
        let line = |fault: &Fault| match lines {
            true => format!("line {}: {}", source.position(fault.at.start).0, fault.text),
            false => fault.text.clone(),
        };
        let texts: Vec<String> = faults.iter().map(line).collect();
        let problem = |(fault, text): (Fault, &String)| source.problem(fault.rule, fault.at, format!("{prefix}{text}"));
        let text = format!("{prefix}{}", texts.join("; "));
        UnitError { problems: faults.into_iter().zip(&texts).map(problem).collect(), text }
    }

    /// The same, found inside something else.
    pub(super) fn within(mut self, prefix: &str) -> UnitError {
        self.text.insert_str(0, prefix);
        for problem in &mut self.problems {
            problem.message.insert_str(0, prefix);
        }
        self
    }
}

/// What every decode failure of a unit begins with. cli-unit.md §8.
const PARSE: &str = "cli: parse unit: ";

/// What reading found out, also where there is no unit in the end: lint goes on with it.
pub(super) struct Reading {
    pub(super) raw: Option<RawUnit>,
    /// Whether the text goes on after what was read. `CL120`.
    pub(super) rest: Option<std::ops::Range<usize>>,
    pub(super) unit: Result<Unit, UnitError>,
}

/// Reads a unit from YAML text. JSON is YAML: it is read the same way.
///
/// # Errors
/// [`UnitError`]
pub fn unit_from_yaml(source: &Source) -> Result<Unit, UnitError> {
    yaml(source).unit
}

/// Reads a unit from a JSON value inside `source`: a Feature's manifest or an image's label. cli-unit.md §2.1.
///
/// # Errors
/// [`UnitError`]
pub fn unit_from_json(source: &Source, value: Value<'_>) -> Result<Unit, UnitError> {
    json(source, value).unit
}

pub(super) fn yaml(source: &Source) -> Reading {
    match yaml_tree(source, PARSE) {
        Ok((root, rest)) => Reading { rest, ..decoded(source, &root, true) },
        Err(error) => Reading { raw: None, rest: None, unit: Err(error) },
    }
}

/// The first document of a YAML text and where the text goes on. An empty text is an error. D2.
pub(super) fn yaml_tree(source: &Source, prefix: &str) -> Result<(Node, Option<std::ops::Range<usize>>), UnitError> {
    match tree::from_yaml(&source.text) {
        Err(fault) => Err(UnitError::several(source, prefix, vec![fault], true)),
        Ok(document) => match document.root {
            Some(root) => Ok((root, document.rest)),
            None => {
                let fault = Fault { rule: rules::CU001, at: 0..0, text: "EOF".to_owned() };
                Err(UnitError::one(source, prefix, fault))
            }
        },
    }
}

pub(super) fn json(source: &Source, value: Value<'_>) -> Reading {
    match tree::from_json(value) {
        Ok(root) => decoded(source, &root, false),
        Err(fault) => {
            Reading { raw: None, rest: None, unit: Err(UnitError::several(source, PARSE, vec![fault], false)) }
        }
    }
}

fn decoded(source: &Source, root: &Node, lines: bool) -> Reading {
    match decode::unit(root) {
        Err(faults) => Reading { raw: None, rest: None, unit: Err(UnitError::several(source, PARSE, faults, lines)) },
        Ok(raw) => {
            let unit = validate::unit(&raw)
                .map_err(|fault| UnitError::one(source, &format!("cli: unit {}: ", Quoted(&raw.name.text)), fault));
            Reading { raw: Some(raw), rest: None, unit }
        }
    }
}
