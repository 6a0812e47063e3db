//! References inside a step's texts: `${args.NAME}` and `${step.field}`. artifacts.md §3.
//!
//! The one home of the syntax: what is checked when an action is read is what gets replaced when it runs.

use std::ops::Range;

/// One reference in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'t> {
    /// `${args.NAME}`, the name as written. Good only if an input has exactly this name.
    Argument(&'t str),
    /// `${args.` that no `}` ends before the next brace. Always an error.
    Unclosed,
    /// `${step.field}`: the id of a step, and what of its result.
    Step {
        /// Everything before the first dot; no white space, braces or dots.
        id: &'t str,
        /// Everything between that dot and the closing brace; no braces, not empty.
        field: &'t str,
    },
}

/// Every reference with its bytes, in order. Any other `${` is literal text.
pub fn references(text: &str) -> Vec<(Range<usize>, Reference<'_>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|offset| from + offset) {
        let (len, reference) = reference(&text[start..]).unzip();
        let end = start + len.unwrap_or("${".len());
        found.extend(reference.map(|reference| (start..end, reference)));
        from = end;
    }
    found
}

/// The reference that `text` starts with, and its length.
fn reference(text: &str) -> Option<(usize, Reference<'_>)> {
    let inside = text.strip_prefix("${")?;
    if let Some(name) = inside.strip_prefix("args.") {
        return Some(match name.find(['{', '}']).filter(|end| name[*end..].starts_with('}')) {
            Some(end) => ("${args.".len() + end + 1, Reference::Argument(&name[..end])),
            None => ("${args.".len(), Reference::Unclosed),
        });
    }
    let end = inside.find(['{', '}']).filter(|end| inside[*end..].starts_with('}'))?;
    let (id, field) = inside[..end].split_once('.')?;
    if id.is_empty() || id.contains(char::is_whitespace) || field.is_empty() {
        return None;
    }
    Some(("${".len() + end + 1, Reference::Step { id, field }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §3
    fn only_the_two_forms_are_references() {
        let step = |id, field| Reference::Step { id, field };
        for (text, expected) in [
            ("", vec![]),
            ("x ${args.a} y ${args.b_2}", vec![Reference::Argument("a"), Reference::Argument("b_2")]),
            ("$${args.a}", vec![Reference::Argument("a")]),
            ("${args.}", vec![Reference::Argument("")]),
            ("${args.a b}", vec![Reference::Argument("a b")]),
            ("${args.a", vec![Reference::Unclosed]),
            ("${post.items[0].id}", vec![step("post", "items[0].id")]),
            ("${ args.a } ${a} ${.b} ${a.} ${a b.c} ${} ${", vec![]),
            ("${x ${args.a}", vec![Reference::Argument("a")]),
            ("${args.x ${args.a}", vec![Reference::Unclosed, Reference::Argument("a")]),
            ("${é.ü}", vec![step("é", "ü")]),
        ] {
            let found = references(text);
            assert_eq!(found.iter().map(|(_, reference)| *reference).collect::<Vec<_>>(), expected, "{text}");
            assert!(found.iter().all(|(at, _)| text[at.clone()].starts_with("${")), "{text}");
        }
    }
}
