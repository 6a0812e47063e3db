//! `[[inputs]]`: what the agent fills in. artifacts.md §3.
//!
//! Name, type, duplicate and description are waivable rules: the words are kept as written, so that an action may be
//! read although its inputs break them.

use std::collections::HashSet;

use crate::artifact::rules;
use crate::problem::Spanned;
use crate::text::printable;
use crate::text::toml::Table;

const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
const ITEM_TYPES: [&str; 5] = ["string", "integer", "number", "boolean", "object"];

/// One declared input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `^[a-z][a-z0-9_]*$` and unique, unless waived.
    pub name: Spanned<String>,
    /// `string`, `integer`, `number`, `boolean`, `array` or `object`, unless waived. The key is `type`.
    pub kind: Spanned<String>,
    /// What the agent sees; not blank, unless waived.
    pub description: Spanned<String>,
    /// Must be given; the default.
    pub required: bool,
    /// What a person sees; an empty one in the file counts as absent.
    pub label: Option<String>,
    /// A text of several lines; only for type `string`.
    pub multiline: bool,
    /// Type of an array's items; an empty one in the file counts as absent.
    pub items_type: Option<String>,
}

pub(super) fn read(root: &Table<'_>) -> Vec<Input> {
    let tables = root.tables("inputs").map(|tables| tables.value).unwrap_or_default();
    let inputs: Vec<Input> = tables.iter().filter_map(input).collect();
    let mut seen = HashSet::new();
    for input in inputs.iter().filter(|input| !seen.insert(input.name.value.as_str())) {
        let message = format!("input \"{}\" is declared twice", printable(&input.name.value));
        root.report(rules::INPUT_DUPLICATE, input.name.at.clone(), message);
    }
    inputs
}

fn input(table: &Table<'_>) -> Option<Input> {
    let name = table.required("name");
    if let Some(name) = name.as_ref().filter(|name| !is_name(&name.value)) {
        let message = format!("\"{}\" is not an input name", printable(&name.value));
        table.report(rules::INPUT_NAME, name.at.clone(), message);
    }
    let kind = table.required("type");
    if let Some(kind) = kind.as_ref().filter(|kind| !TYPES.contains(&kind.value.as_str())) {
        let message = format!("\"{}\" is not an input type", printable(&kind.value));
        table.report(rules::INPUT_TYPE, kind.at.clone(), message);
    }
    let description = table.required("description");
    if let Some(description) = description.as_ref().filter(|description| description.value.trim().is_empty()) {
        table.report(rules::INPUT_DESCRIPTION, description.at.clone(), "the description is blank");
    }
    let required = table.boolean("required").is_none_or(|required| required.value);
    let label = table.string("label").filter(|label| !label.value.is_empty());
    if let Some(label) = label.as_ref().filter(|label| label.value.trim().is_empty()) {
        table.report(rules::INPUT_LABEL, label.at.clone(), "the label is blank");
    }
    let is = |wanted| kind.as_ref().is_none_or(|kind| kind.value == wanted);
    let multiline = table.boolean("multiline").filter(|multiline| multiline.value);
    if let Some(multiline) = multiline.as_ref().filter(|_| !is("string")) {
        table.report(rules::INPUT_MULTILINE, multiline.at.clone(), "`multiline = true` on a type that is not `string`");
    }
    let items_type = table.string("items_type").filter(|items_type| !items_type.value.is_empty());
    if let Some(items_type) = &items_type {
        let at = items_type.at.clone();
        if !is("array") {
            table.report(rules::INPUT_ITEMS_TYPE, at, "`items_type` on a type that is not `array`");
        } else if !ITEM_TYPES.contains(&items_type.value.as_str()) {
            let message = format!("\"{}\" is not a type of items", printable(&items_type.value));
            table.report(rules::INPUT_ITEMS_TYPE, at, message);
        }
    }
    table.finish();
    Some(Input {
        name: name?,
        kind: kind?,
        description: description?,
        required,
        label: label.map(|label| label.value),
        multiline: multiline.is_some(),
        items_type: items_type.map(|items_type| items_type.value),
    })
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
