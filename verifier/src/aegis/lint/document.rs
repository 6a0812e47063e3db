//! The bytes of a manifest as JSON that survives the host's database. aegis-bundle.md §3.1, §3.9.

use std::collections::BTreeSet;

use super::{Checked, Checksums, Findings, fields};
use crate::aegis::Kind;
use crate::aegis::rules::{
    JSON_BOM, JSON_DEPTH, JSON_DUPLICATE, JSON_NUL, JSON_NUMBER, JSON_SURROGATE, JSON_SYNTAX, JSON_TRAILING, JSON_UTF8,
};
use crate::problem::Source;
use crate::text::json::tape::{self, Broken, Replaced, Syntax, SyntaxError, Tape, Value};
use crate::text::quote::Quoted;

/// Deepest nesting that is published. aegis-bundle.md §3.9.
const MOST_LEVELS: usize = 64;
const MARK: &str = "\u{feff}";

pub(super) fn check(path: &str, bytes: &[u8], kind: Option<Kind>, checksums: Checksums) -> Checked {
    let text = String::from_utf8_lossy(bytes);
    let mut findings = Findings::new(Source::new(path, &*text));
    broken_utf8(bytes, &mut findings);
    let mut rest = &*text;
    if let Some(after) = rest.strip_prefix(MARK) {
        findings.at(JSON_BOM, 0..MARK.len(), "the file begins with a byte-order mark");
        findings.shift = MARK.len();
        rest = after;
    }
    let read = match Tape::read(rest.as_bytes(), Syntax::STRICT) {
        Err(SyntaxError { at, why: Broken::After(_) }) => {
            findings.at(JSON_TRAILING, at..rest.len(), "something follows the document");
            Tape::read(&rest.as_bytes()[..at], Syntax::STRICT)
        }
        read => read,
    };
    let fields::Fields { kind, id, version, targets } = match &read {
        Ok(tape) => {
            values(tape.root(), &mut findings);
            fields::check(tape.root(), kind, checksums, &mut findings)
        }
        Err(why) => {
            findings.at(JSON_SYNTAX, why.at..why.at + 1, why.to_string());
            fields::Fields::none(kind.unwrap_or(Kind::Plugin))
        }
    };
    let (problems, more) = findings.problems.sorted();
    Checked { source: findings.source, problems, more, kind, id, version, targets }
}

/// Every place that is not UTF-8, where it stands in the text in which it was replaced.
fn broken_utf8(bytes: &[u8], findings: &mut Findings) {
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            let replaced = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
            findings.at(JSON_UTF8, replaced.clone(), "these bytes are not UTF-8");
            at = replaced.end;
        }
    }
}

/// Every value of the document, without recursion.
fn values(root: Value<'_>, findings: &mut Findings) {
    let mut values = vec![(root, 1)];
    let mut is_deep = false;
    while let Some((value, level)) = values.pop() {
        match value.kind() {
            tape::Kind::Text => text(value, findings),
            tape::Kind::Number => number(value, findings),
            tape::Kind::List | tape::Kind::Object if level > MOST_LEVELS => {
                if !is_deep {
                    findings.at(
                        JSON_DEPTH,
                        value.at().start..value.at().start + 1,
                        "this is the 65th level of nesting",
                    );
                }
                is_deep = true;
            }
            tape::Kind::List => values.extend(value.items().map(|item| (item, level + 1))),
            tape::Kind::Object => {
                let mut names = BTreeSet::new();
                for member in value.members() {
                    text(member.name, findings);
                    let name = member.name.text().unwrap_or_default();
                    if !names.insert(name.clone()) {
                        findings.of(JSON_DUPLICATE, member.name, format!("{} is written twice", Quoted(&name)));
                    }
                    values.push((member.value, level + 1));
                }
            }
            tape::Kind::Null | tape::Kind::Boolean => {}
        }
    }
}

fn text(value: Value<'_>, findings: &mut Findings) {
    if let Some((at, Replaced::LoneSurrogate)) = value.replaced() {
        findings.at(JSON_SURROGATE, at..at + 6, "half of a surrogate pair");
    }
    if value.text().is_some_and(|text| text.contains('\0')) {
        findings.of(JSON_NUL, value, "the text has \\u0000");
    }
}

fn number(value: Value<'_>, findings: &mut Findings) {
    let number = value.number().unwrap_or_default();
    let digits = number.strip_prefix('-').unwrap_or(number);
    if number == "-0" || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        findings.of(JSON_NUMBER, value, format!("{number} is not a plain integer"));
    }
}
