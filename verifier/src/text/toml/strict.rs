//! What TOML 1.0 does not have, found in the event stream before any tree is built.
//!
//! The same pass bounds nesting, so that neither building nor dropping a tree can exhaust the stack.

use std::ops::Range;

use toml_parser::decoder::Encoding;
use toml_parser::lexer::Token;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span};

use super::{MARK, Sheet};
use crate::problem::on_characters;
use crate::text::rules;

/// Lists and inline tables may nest this deep. No schema here asks for more than two levels.
const NESTING: u32 = 64;
/// A dotted key or a table header may have this many parts. No schema here knows more than five.
const KEY_PARTS: usize = 16;

/// A document may have this many tokens (keys, values, marks, spaces and line ends between them): a list of small tables
/// takes three hundred times the room of what it is written in. An action of a real repository has some hundreds.
/// artifacts.md §10, bounds before the signature.
const TOKENS: usize = 150_000;

/// Reports the first error of grammar (scalars and comments are left to the tree) and every TOML 1.1 form; false when there is no point in building a tree.
pub(super) fn check(sheet: &Sheet<'_>, text: &str) -> bool {
    if text.starts_with(MARK) {
        sheet.report(rules::TOML_SYNTAX, sheet.absolute(0..MARK.len_utf8()), "a second byte-order mark");
        return false;
    }
    let source = Source::new(text);
    let tokens: Vec<Token> = source.lex().take(TOKENS + 1).collect();
    if let Some(over) = tokens.get(TOKENS) {
        let message = format!("more than {TOKENS} keys, values and marks between them");
        sheet.report(rules::TOML_SYNTAX, sheet.absolute(range(over.span())), message);
        return false;
    }
    let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
    let mut first = First(None);
    parse_document(&tokens, &mut RecursionGuard::new(&mut events, NESTING), &mut first);
    if let Some(error) = first.0 {
        let at = error.unexpected().or(error.context()).map_or(0..0, range);
        sheet.report(rules::TOML_SYNTAX, sheet.absolute(on_characters(text, at)), error.description());
        return false;
    }
    if let Some(at) = overlong_key(&events) {
        let message = format!("a key of more than {KEY_PARTS} parts");
        sheet.report(rules::TOML_SYNTAX, sheet.absolute(at), message);
        return false;
    }
    for (at, form) in newer_forms(text, &events) {
        sheet.report(rules::TOML_VERSION, sheet.absolute(at), format!("{form} is TOML 1.1"));
    }
    true
}

/// Keeps the first error; later ones are mostly its echo.
struct First(Option<ParseError>);

impl ErrorSink for First {
    fn report_error(&mut self, error: ParseError) {
        self.0.get_or_insert(error);
    }
}

fn range(span: Span) -> Range<usize> {
    span.start()..span.end()
}

fn overlong_key(events: &[Event]) -> Option<Range<usize>> {
    let mut parts = 0;
    for event in events {
        match event.kind() {
            EventKind::SimpleKey => parts += 1,
            EventKind::KeySep | EventKind::Whitespace => {}
            _ => parts = 0,
        }
        if parts > KEY_PARTS {
            return Some(range(event.span()));
        }
    }
    None
}

fn newer_forms(text: &str, events: &[Event]) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    let mut in_inline_table: Vec<bool> = Vec::new();
    let mut comma = None;
    for event in events {
        let inside = in_inline_table.last() == Some(&true);
        match event.kind() {
            EventKind::InlineTableOpen => in_inline_table.push(true),
            EventKind::ArrayOpen => in_inline_table.push(false),
            EventKind::ArrayClose => drop(in_inline_table.pop()),
            EventKind::InlineTableClose => {
                in_inline_table.pop();
                found.extend(comma.take().map(|at| (at, "a trailing comma in an inline table")));
            }
            EventKind::Newline if inside => found.push((range(event.span()), "a new line in an inline table")),
            EventKind::ValueSep if inside => {
                comma = Some(range(event.span()));
                continue;
            }
            EventKind::SimpleKey | EventKind::Scalar => scalar(text, event, &mut found),
            _ => {}
        }
        if !matches!(event.kind(), EventKind::Whitespace | EventKind::Newline | EventKind::Comment) {
            comma = None;
        }
    }
    found
}

fn scalar(text: &str, event: &Event, found: &mut Vec<(Range<usize>, &'static str)>) {
    let at = range(event.span());
    let raw = text[at.clone()].as_bytes();
    match event.encoding() {
        Some(Encoding::BasicString | Encoding::MlBasicString) => {
            let mut offset = 0;
            while let Some(next) = raw[offset..].iter().position(|byte| *byte == b'\\') {
                let backslash = offset + next;
                let form = match raw.get(backslash + 1) {
                    Some(b'e') => Some((2, "the escape \\e")),
                    Some(b'x') => Some((2, "the escape \\x")),
                    _ => None,
                };
                found.extend(form.map(|(len, form)| (at.start + backslash..at.start + backslash + len, form)));
                offset = raw.len().min(backslash + 2);
            }
        }
        Some(_) => {}
        None if event.kind() == EventKind::Scalar && raw.first().is_some_and(u8::is_ascii_digit) => {
            let colon = raw.iter().position(|byte| *byte == b':');
            if colon.is_some_and(|colon| raw.get(colon + 3) != Some(&b':')) {
                found.push((at, "a time without seconds"));
            }
        }
        None => {}
    }
}
