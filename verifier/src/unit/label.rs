//! The units of an image: its label `devcontainer.metadata`. cli-unit.md §10.

use std::ops::Range;

use crate::problem::{Problem, Source};
use crate::text::json::tape::{Kind, Syntax, Tape, Value};

use super::document::Unit;
use super::read::{self, Reading, UnitError};
use super::rules;
use super::tree::Fault;

/// The label's name.
pub const LABEL: &str = "devcontainer.metadata";

/// A unit and the entry of the label it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelUnit {
    /// The entry's place in the array, from 0.
    pub element: usize,
    /// The unit.
    pub unit: Unit,
    /// The bytes of its block.
    pub at: Range<usize>,
}

/// Reads a label's value. An absent one is an empty text: no units.
///
/// # Errors
/// [`UnitError`]. One bad entry fails the whole label; there is no partial result.
pub fn units_from_label(source: &Source) -> Result<Vec<LabelUnit>, UnitError> {
    let (trimmed, skipped) = trimmed(source);
    let read = || {
        let Some(tape) = tape(&trimmed)? else { return Ok(Vec::new()) };
        let mut units = Vec::new();
        for (element, value) in tape.root().items().enumerate() {
            let block = cli_block(value).map_err(|fault| array_error(&trimmed, fault))?;
            let Some(block) = block else { continue };
            let unit = read::unit_from_json(&trimmed, block).map_err(|error| error.within(&at_element(element)))?;
            units.push(LabelUnit { element, unit, at: block.at().start + skipped..block.at().end + skipped });
        }
        Ok(units)
    };
    read().map_err(|mut error: UnitError| {
        shift(&mut error.problems, skipped);
        error
    })
}

/// The text without the blanks around it, and how many bytes there were in front.
pub(super) fn trimmed(source: &Source) -> (Source, usize) {
    let text = source.text.trim();
    let skipped = source.text.len() - source.text.trim_start().len();
    match text.len() == source.text.len() {
        true => (source.clone(), 0),
        false => (Source::new(source.path.clone(), text), skipped),
    }
}

/// Moves problems back into the text with its blanks.
pub(super) fn shift(problems: &mut [Problem], by: usize) {
    for problem in problems {
        problem.at = problem.at.start + by..problem.at.end + by;
    }
}

/// The array, or none where the label says that there is nothing.
pub(super) fn tape(trimmed: &Source) -> Result<Option<Tape<'_>>, UnitError> {
    if matches!(&*trimmed.text, "" | "<no value>") {
        return Ok(None);
    }
    let fault = |at: Range<usize>, text: String| array_error(trimmed, Fault { rule: rules::CU050, at, text });
    let tape = Tape::read(trimmed.text.as_bytes(), Syntax::STRICT)
        .map_err(|error| fault(error.at..error.at + 1, error.to_string()))?;
    match tape.root().kind() {
        Kind::List => Ok(Some(tape)),
        Kind::Null => Ok(None),
        kind => Err(fault(0..1, format!("cannot unmarshal {} into an array", described(kind)))),
    }
}

fn array_error(source: &Source, fault: Fault) -> UnitError {
    UnitError::one(source, "unitloader: parse devcontainer.metadata array: ", fault)
}

pub(super) fn at_element(element: usize) -> String {
    format!("unitloader: parse cli unit at element {element}: ")
}

/// `customizations.aileron.cli` of one entry, whatever its value; a missing or null step on the way means none.
pub(super) fn cli_block(element: Value<'_>) -> Result<Option<Value<'_>>, Fault> {
    Ok(aileron_block(element)?.and_then(|aileron| aileron.member("cli")))
}

/// `customizations.aileron` of one entry of a label, or of a manifest.
pub(super) fn aileron_block(element: Value<'_>) -> Result<Option<Value<'_>>, Fault> {
    let mut value = element;
    for name in ["", "customizations", "aileron"] {
        if !name.is_empty() {
            match value.member(name) {
                None => return Ok(None),
                Some(member) => value = member,
            }
        }
        match value.kind() {
            Kind::Object => {}
            Kind::Null => return Ok(None),
            kind => {
                let what = if name.is_empty() { "an entry" } else { name };
                let text = format!("cannot unmarshal {} into {what}: want an object", described(kind));
                return Err(Fault { rule: rules::CU051, at: value.at(), text });
            }
        }
    }
    Ok(Some(value))
}

pub(super) fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Number => "a number",
        Kind::Text => "a string",
        Kind::List => "an array",
        Kind::Object => "an object",
    }
}

/// All of a label that lint looks at: each entry's block and what reading it gave.
pub(super) fn readings<'t>(source: &Source, tape: &'t Tape<'t>) -> Vec<(usize, Value<'t>, Reading)> {
    let blocks =
        tape.root().items().enumerate().filter_map(|(element, value)| Some((element, cli_block(value).ok()??)));
    blocks.map(|(element, block)| (element, block, read::json(source, block))).collect()
}
