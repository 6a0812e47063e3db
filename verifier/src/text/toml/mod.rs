//! Strict TOML 1.0 with byte ranges: the reader under every document.
//!
//! Existing runtimes read TOML 1.0, so a form that only 1.1 knows is refused here although the parser below would take
//! it (`strict`). Values come out of a closed-schema [`Table`] that collects every problem instead of stopping at the
//! first. Nothing is ever printed back: toml_edit drops line ends and marks when it prints, and documents are signed.

mod strict;
mod table;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::ops::Range;

use toml_edit::{Document, Item};

use crate::problem::{MOST_PROBLEMS, MOST_PROBLEMS_OF_SOURCE, Parsed, Problems, Rule, Source, Spanned, on_characters};
use crate::text::rules;

pub use table::Table;

/// A UTF-8 byte-order mark. One is skipped, at the first byte of a file only. artifacts.md §2.
pub const MARK: char = '\u{feff}';

/// Where a document stands, which decides what may be in it. artifacts.md §2, §3, §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Committed text: placeholders stand, secrets must not, and there is advice to give.
    Source,
    /// Text inside an archive: nothing is bound any more, and advice comes too late.
    Artifact,
}

impl Stage {
    /// How many problems of a document are kept. An archive may come from anybody. artifacts.md §10.
    pub fn most_problems(self) -> usize {
        match self {
            Stage::Source => MOST_PROBLEMS_OF_SOURCE,
            Stage::Artifact => MOST_PROBLEMS,
        }
    }
}

/// A value in a step's inputs: a scalar, a date, or a list of them; never a table. artifacts.md §3.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, escapes resolved.
    String(String),
    /// A 64-bit integer.
    Integer(i64),
    /// A float; may be infinite or not a number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date, a time or both, exactly as written.
    Datetime(String),
    /// A list, of mixed types if so written.
    List(Vec<Spanned<Value>>),
}

/// Collects the problems of one document while its tables are read.
pub(crate) struct Sheet<'s> {
    source: &'s Source,
    base: usize,
    problems: RefCell<Problems>,
}

impl Sheet<'_> {
    fn of(source: &Source, base: usize, stage: Stage) -> Sheet<'_> {
        Sheet { source, base, problems: RefCell::new(Problems::up_to(stage.most_problems())) }
    }

    fn report(&self, rule: &'static Rule, at: Range<usize>, message: impl Into<String>) {
        self.problems.borrow_mut().push(self.source.problem(rule, at, message));
    }

    /// A range of the parsed slice as a range of the file.
    fn absolute(&self, at: Range<usize>) -> Range<usize> {
        self.base + at.start..self.base + at.end
    }
}

/// Where the text of a whole-file document begins: after the byte-order mark, if there is one.
pub fn after_mark(source: &Source) -> usize {
    if source.text.starts_with(MARK) { MARK.len_utf8() } else { 0 }
}

/// Parses the bytes `within` of a file as strict TOML 1.0 and lets `body` read the root table.
///
/// All ranges, in problems and values, count from the start of the file. The document is there when `body` returned one
/// and nothing but waivable rules and warnings stands against it. A second mark is a syntax error: skip the first with
/// [`after_mark`].
pub fn read<T>(
    source: &Source,
    within: Range<usize>,
    stage: Stage,
    body: impl FnOnce(&Table<'_>) -> Option<T>,
) -> Parsed<T> {
    let sheet = Sheet::of(source, within.start, stage);
    let document = parse(&sheet, within).and_then(|document| {
        let root = Table::root(&sheet, document.as_table());
        body(&root)
    });
    Parsed::new(document, sheet.problems.into_inner())
}

/// Every string value of a TOML document, keys excepted, in document order; nothing when it is not strict TOML 1.0.
///
/// Serves checks over *values* as opposed to text: a placeholder in a comment does not count. artifacts.md §5.
pub fn string_values(source: &Source, within: Range<usize>) -> Vec<Spanned<String>> {
    let sheet = Sheet::of(source, within.start, Stage::Artifact);
    let mut found = Vec::new();
    if let Some(document) = parse(&sheet, within) {
        collect(&sheet, document.as_item(), &mut found);
    }
    found.sort_by_key(|value| value.at.start);
    found
}

fn collect(sheet: &Sheet<'_>, item: &Item, found: &mut Vec<Spanned<String>>) {
    match item {
        Item::None => {}
        Item::Value(value) => collect_value(sheet, value, found),
        Item::Table(table) => table.iter().for_each(|(_, item)| collect(sheet, item, found)),
        Item::ArrayOfTables(tables) => {
            tables.iter().flat_map(|table| table.iter()).for_each(|(_, item)| collect(sheet, item, found));
        }
    }
}

fn collect_value(sheet: &Sheet<'_>, value: &toml_edit::Value, found: &mut Vec<Spanned<String>>) {
    match value {
        toml_edit::Value::String(text) => {
            let at = sheet.absolute(value.span().unwrap_or_default());
            found.push(Spanned { value: text.value().clone(), at });
        }
        toml_edit::Value::Array(list) => list.iter().for_each(|value| collect_value(sheet, value, found)),
        toml_edit::Value::InlineTable(table) => {
            table.iter().for_each(|(_, value)| collect_value(sheet, value, found));
        }
        _ => {}
    }
}

/// Both passes: the one that knows TOML 1.0, then toml_edit, which knows tables. None after a syntax problem.
fn parse<'s>(sheet: &Sheet<'s>, within: Range<usize>) -> Option<Document<&'s str>> {
    let text = &sheet.source.text[within];
    if !strict::check(sheet, text) {
        return None;
    }
    match Document::parse(text) {
        Ok(document) => Some(document),
        Err(error) => {
            let at = error.span().unwrap_or_default();
            sheet.report(rules::TOML_SYNTAX, sheet.absolute(on_characters(text, at)), error.message().trim());
            None
        }
    }
}

/// A TOML 1.0 basic string, on one line, that reads back as exactly `text`.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => quoted.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
