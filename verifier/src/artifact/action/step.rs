//! `[[execute]]`: the connector ops an action runs, and what goes into them. artifacts.md §3.

use std::collections::HashSet;
use std::ops::Range;

use crate::artifact::rules;
use crate::problem::Spanned;
use crate::text;
use crate::text::printable;
use crate::text::toml::{Table, Value};

use super::template::{self, Reference};

/// One connector op to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Unique in the action; later steps refer to results by it.
    pub id: Spanned<String>,
    /// The name of a required connector, as written there.
    pub connector: Spanned<String>,
    /// The op; not empty.
    pub op: Spanned<String>,
    /// Whether repeating it does no harm, if the author said.
    pub idempotent: Option<bool>,
    /// Arguments by name, in file order. Texts may hold [`template`] references.
    pub inputs: Vec<(Spanned<String>, Spanned<Value>)>,
    /// The step's header.
    pub at: Range<usize>,
}

/// What a step may refer to.
pub(super) struct Scope<'a> {
    pub(super) connectors: HashSet<&'a str>,
    pub(super) inputs: HashSet<&'a str>,
}

pub(super) fn read(root: &Table<'_>, scope: &Scope<'_>) -> Vec<Step> {
    let tables = root.tables("execute");
    match &tables {
        None if !root.has("execute") => root.missing("execute"),
        Some(tables) if tables.value.is_empty() => {
            root.report(text::rules::REQUIRED, tables.at.clone(), "`execute` is empty");
        }
        _ => {}
    }
    let mut earlier = HashSet::new();
    let mut steps = Vec::new();
    for table in tables.into_iter().flat_map(|tables| tables.value) {
        steps.extend(step(&table, scope, &mut earlier));
    }
    steps
}

fn step(table: &Table<'_>, scope: &Scope<'_>, earlier: &mut HashSet<String>) -> Option<Step> {
    let id = table.required("id");
    let connector = table.required("connector");
    if let Some(name) = connector.as_ref().filter(|name| !scope.connectors.contains(name.value.as_str())) {
        let message = format!("connector \"{}\" is not under [[requires.connectors]]", printable(&name.value));
        table.report(rules::STEP_CONNECTOR, name.at.clone(), message);
    }
    let op = table.required("op");
    if let Some(op) = op.as_ref().filter(|op| op.value.is_empty()) {
        table.report(rules::STEP_OP, op.at.clone(), "`op` is empty");
    }
    let idempotent = table.boolean("idempotent").map(|idempotent| idempotent.value);
    let inputs = arguments(table, "inputs", scope, earlier);
    if let Some(id) = &id {
        let fault = if id.value.is_empty() {
            Some("the step id is empty".to_owned())
        } else if id.value == "args" {
            // `${args.x}` is an argument, so nothing could refer to this step. sandbox.md 15a.
            Some("no step may be called \"args\"".to_owned())
        } else if !earlier.insert(id.value.clone()) {
            Some(format!("step \"{}\" is there twice", printable(&id.value)))
        } else {
            None
        };
        fault.into_iter().for_each(|message| table.report(rules::STEP_ID, id.at.clone(), message));
    }
    table.finish();
    Some(Step { id: id?, connector: connector?, op: op?, idempotent, inputs, at: table.at() })
}

/// A table of arguments: no table at any depth, and every reference names something that is there.
pub(super) fn arguments(
    table: &Table<'_>,
    key: &'static str,
    scope: &Scope<'_>,
    earlier: &HashSet<String>,
) -> Vec<(Spanned<String>, Spanned<Value>)> {
    let Some(inputs) = table.table(key) else { return Vec::new() };
    let values = inputs.named_values();
    values.iter().for_each(|(_, value)| check_references(table, value, scope, earlier));
    values
}

fn check_references(table: &Table<'_>, value: &Spanned<Value>, scope: &Scope<'_>, earlier: &HashSet<String>) {
    let text = match &value.value {
        Value::String(text) if text.contains("${") => text,
        Value::List(list) => return list.iter().for_each(|value| check_references(table, value, scope, earlier)),
        _ => return,
    };
    let mut reported = HashSet::new();
    let mut place = Place { file: &table.source().text, rest: value.at.clone(), whole: value.at.clone() };
    for (written, reference) in template::references(text) {
        let (rule, message) = match reference {
            Reference::Argument(name) if scope.inputs.contains(name) => continue,
            Reference::Argument(name) => {
                (rules::ARG_REFERENCE, format!("no input \"{}\" is declared", printable(name)))
            }
            Reference::Unclosed => (rules::ARG_REFERENCE, "`${args.` without a name and `}`".to_owned()),
            Reference::Step { id, .. } if earlier.contains(id) => continue,
            Reference::Step { id, .. } => (rules::STEP_REFERENCE, format!("\"{}\" is no earlier step", printable(id))),
        };
        let written = &text[written];
        if reported.insert(written) {
            table.report(rule, place.of(written), message);
        }
    }
}

/// Finds references, in their order, in the bytes that spell a value.
struct Place<'s> {
    file: &'s str,
    /// Not searched yet; empty once a search was in vain, so that the whole takes one pass.
    rest: Range<usize>,
    whole: Range<usize>,
}

impl Place<'_> {
    /// The reference's own bytes where the value spells it literally; else the whole value's.
    fn of(&mut self, written: &str) -> Range<usize> {
        match self.file[self.rest.clone()].find(written) {
            Some(offset) => {
                let start = self.rest.start + offset;
                self.rest.start = start + written.len();
                start..self.rest.start
            }
            None => {
                self.rest.start = self.rest.end;
                self.whole.clone()
            }
        }
    }
}
