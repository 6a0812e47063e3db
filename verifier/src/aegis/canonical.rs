//! The bytes that are compared and signed: members sorted, no white space, strings as Go's `encoding/json` writes them,
//! numbers as they were written. Not RFC 8785. aegis-bundle.md §5.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use crate::text::json::tape::{Broken, Kind, Syntax, SyntaxError, Tape, Value};

/// Bytes begin with no JSON value. Shown as a host shows it, up to its parser's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid manifest payload: {0}")]
pub struct NotCanonicalizable(pub SyntaxError);

/// The canonical form of the first JSON value; what follows it is not looked at. aegis-bundle.md §5.
///
/// # Errors
/// [`NotCanonicalizable`].
pub fn canonical(bytes: &[u8]) -> Result<Vec<u8>, NotCanonicalizable> {
    let tape = first_value(bytes).map_err(NotCanonicalizable)?;
    let mut written = Vec::with_capacity(bytes.len());
    write(tape.root(), &mut written);
    Ok(written)
}

/// Reads one value and ignores what follows.
fn first_value(bytes: &[u8]) -> Result<Tape<'_>, SyntaxError> {
    match Tape::read(bytes, Syntax::STRICT) {
        Err(SyntaxError { at, why: Broken::After(_) }) => Tape::read(&bytes[..at], Syntax::STRICT),
        read => read,
    }
}

/// An array or object that is being written.
enum Open<'d> {
    List(std::vec::IntoIter<Value<'d>>),
    Object(std::collections::btree_map::IntoIter<Cow<'d, str>, Value<'d>>),
}

/// Appends the canonical form of a value. Depth costs memory, not stack.
pub(super) fn write(value: Value<'_>, to: &mut Vec<u8>) {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match value.kind() {
                Kind::Null | Kind::Boolean | Kind::Number => to.extend_from_slice(value.raw()),
                Kind::Text => text(&value.text().unwrap_or_default(), to),
                Kind::List => {
                    to.push(b'[');
                    open.push(Open::List(value.items().collect::<Vec<_>>().into_iter()));
                }
                Kind::Object => {
                    to.push(b'{');
                    // The last member of a name replaces the earlier ones whole.
                    let members = value.members().filter_map(|member| Some((member.name.text()?, member.value)));
                    open.push(Open::Object(members.collect::<BTreeMap<_, _>>().into_iter()));
                }
            }
        }
        let Some(innermost) = open.last_mut() else { return };
        let is_first = matches!(to.last(), Some(b'[' | b'{'));
        let (name, value, end) = match innermost {
            Open::List(items) => (None, items.next(), b']'),
            Open::Object(members) => match members.next() {
                Some((name, value)) => (Some(name), Some(value), b'}'),
                None => (None, None, b'}'),
            },
        };
        if value.is_none() {
            to.push(end);
            open.pop();
        } else if !is_first {
            to.push(b',');
        }
        if let Some(name) = name {
            text(&name, to);
            to.push(b':');
        }
        next = value;
    }
}

/// Appends a string with the escapes that Go's encoder writes.
pub(super) fn text(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    for char in text.chars() {
        match char {
            '"' => to.extend(b"\\\""),
            '\\' => to.extend(b"\\\\"),
            '\u{8}' => to.extend(b"\\b"),
            '\u{c}' => to.extend(b"\\f"),
            '\n' => to.extend(b"\\n"),
            '\r' => to.extend(b"\\r"),
            '\t' => to.extend(b"\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to memory cannot fail.
                let _ = write!(to, "\\u{:04x}", u32::from(char));
            }
            _ => to.extend(char.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let bytes = canonical(text.as_bytes()).map_err(|e| e.to_string());
        bytes.map_or_else(|error| error, |bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    #[test] // aegis-bundle.md §16, 1
    fn members_are_sorted_at_every_level_and_arrays_keep_their_order() {
        assert_eq!(
            of("{\n \"targets\": [ {\"b\": [2, 1], \"a\": null} , \"t\" ],\n \"name\": \"N\"\n}"),
            r#"{"name":"N","targets":[{"a":null,"b":[2,1]},"t"]}"#
        );
        for (text, form) in [
            ("01", "0"),
            ("{}x", "{}"),
            ("[[],{},[{}]]", "[[],{},[{}]]"),
            ("{\"\":1,\"{\":[\"[\"]}", "{\"\":1,\"{\":[\"[\"]}"),
            ("[\"[\",\"{\",1]", "[\"[\",\"{\",1]"),
            ("{\"a\":1,\"\\u0061\":-0.0E+2}", "{\"a\":-0.0E+2}"),
        ] {
            assert_eq!(of(text), form, "{text}");
        }
        assert!(of("").starts_with("invalid manifest payload: "));
    }

    #[test] // aegis-bundle.md §5: nesting is limited to 10000
    fn ten_thousand_levels_are_read_and_one_more_is_not() {
        for (depth, is_read) in [(10_000, true), (10_001, false)] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(canonical(text.as_bytes()).is_ok(), is_read, "{depth}");
        }
        let objects = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
        assert_eq!(of(&objects), objects);
    }

    proptest::proptest! {
        #[test] // aegis-bundle.md §5: the function is idempotent
        fn the_canonical_form_is_its_own_canonical_form(value in "\\PC{0,8}", bytes in proptest::collection::vec(0_u8.., 0..40)) {
            let text = serde_json::json!({ "b": [value.clone(), 1, null], "a": { value: "<&>\u{2028}\n" } }).to_string();
            for bytes in [text.as_bytes(), &bytes[..]] {
                if let Ok(form) = canonical(bytes) {
                    proptest::prop_assert_eq!(canonical(&form).ok(), Some(form));
                }
            }
        }
    }
}
