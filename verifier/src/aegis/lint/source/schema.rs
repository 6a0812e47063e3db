//! The configuration schema, as far as it is written down in literals. aegis-bundle.md §13, §19.4.

use super::program::{File, Program};
use super::tokens::Kind;
use crate::aegis::definition::{FIELD_TYPES, MOST_LEVELS};
use crate::aegis::rules::{DEFINITION_SCHEMA, DEFINITION_SCHEMA_TYPE, SOURCE_OPTIONS};
use crate::problem::Problem;
use crate::text::quote::Quoted;

pub(super) fn check(program: &Program<'_>, found: &mut Vec<Problem>) {
    for file in &program.files {
        let mut end = 0;
        for open in file.literals(&["ConfigField", "ConfigSchema"]) {
            // One literal in another is a part of it.
            if open >= end {
                end = file.closing(open);
                literal(file, open, end, found);
            }
        }
    }
}

fn literal(file: &File<'_>, open: usize, end: usize, found: &mut Vec<Problem>) {
    // For each open brace, whether it begins nested fields.
    let (mut braces, mut is_nested) = (vec![false], false);
    for at in open + 1..end {
        let starts = file.is(at - 1, "{") || file.is(at - 1, ",");
        if file.is(at, "{") {
            braces.push(std::mem::take(&mut is_nested));
            let levels = 1 + braces.iter().filter(|nested| **nested).count();
            if levels == MOST_LEVELS + 1 && braces.last() == Some(&true) {
                let message = format!("fields are nested {levels} levels deep; hosts take {MOST_LEVELS}");
                found.push(file.source.problem(DEFINITION_SCHEMA, file.tokens[at].at.clone(), message));
            }
        } else if file.is(at, "}") {
            braces.pop();
        } else if starts && file.is(at + 1, ":") {
            let token = &file.tokens[at];
            is_nested = token.is_name("Nested");
            let value = file.token(at + 2).filter(|value| token.is_name("Type") && value.kind == Kind::Text);
            if let Some(value) = value.filter(|value| !FIELD_TYPES.contains(&value.text.as_str())) {
                let message = format!("{} is not a type of a field", Quoted(&value.text));
                found.push(file.source.problem(DEFINITION_SCHEMA_TYPE, value.at.clone(), message));
            }
            if token.is_name("Enum") {
                let message = "ConfigField has no field Enum";
                found.push(file.source.problem(SOURCE_OPTIONS, token.at.clone(), message));
            }
        }
    }
}
