//! `[approval]`: does a person decide, and what are they shown. artifacts.md §3.

use std::collections::HashSet;

use crate::artifact::rules;
use crate::problem::Spanned;
use crate::text::printable;
use crate::text::toml::{Table, Value};

use super::step::{Scope, arguments};

/// `[approval]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Every call waits for a person; absent means no.
    pub required: bool,
    /// What they are shown.
    pub preview: Option<Preview>,
}

/// `[approval.preview]`: an op on the first step's connector, run before the question.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The op; [`super::bundle`] decides whether it is harmless enough.
    pub op: Spanned<String>,
    /// Arguments, as a step's inputs.
    pub args: Vec<(Spanned<String>, Spanned<Value>)>,
    /// Label → path into the op's result; at least one, none blank.
    pub render: Vec<(Spanned<String>, Spanned<String>)>,
    /// Labels whose text may have several lines.
    pub multiline: Vec<Spanned<String>>,
}

pub(super) fn read(table: &Table<'_>, scope: &Scope<'_>) -> Approval {
    let required = table.boolean("required").is_some_and(|required| required.value);
    let preview = table.table("preview").and_then(|table| preview(&table, scope));
    table.finish();
    Approval { required, preview }
}

fn preview(table: &Table<'_>, scope: &Scope<'_>) -> Option<Preview> {
    let op = table.string("op");
    match &op {
        None if !table.has("op") => table.report(rules::PREVIEW, table.end(), "the preview has no `op`"),
        Some(op) if op.value.trim().is_empty() => table.report(rules::PREVIEW, op.at.clone(), "`op` is blank"),
        _ => {}
    }
    let args = arguments(table, "args", scope, &HashSet::new());
    let render = match table.table("render") {
        Some(render) => {
            let labels = render.named_strings();
            if labels.is_empty() {
                table.report(rules::PREVIEW, render.at(), "`render` is empty");
            }
            Some(labels)
        }
        None => {
            if !table.has("render") {
                table.report(rules::PREVIEW, table.end(), "the preview has no `render`");
            }
            None
        }
    };
    for (label, path) in render.iter().flatten() {
        if label.value.trim().is_empty() {
            table.report(rules::PREVIEW, label.at.clone(), "a blank label");
        }
        if path.value.trim().is_empty() {
            table.report(rules::PREVIEW, path.at.clone(), "a blank path");
        }
    }
    let multiline = table.strings("multiline").map(|labels| labels.value).unwrap_or_default();
    let labels: HashSet<&str> = render.iter().flatten().map(|(label, _)| label.value.as_str()).collect();
    for label in multiline.iter().filter(|label| render.is_some() && !labels.contains(label.value.as_str())) {
        let message = format!("\"{}\" is no label of `render`", printable(&label.value));
        table.report(rules::PREVIEW, label.at.clone(), message);
    }
    table.finish();
    Some(Preview { op: op?, args, render: render?, multiline })
}
