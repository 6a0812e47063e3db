//! A file as it was read, and places in it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{Problem, Rule, shorten};

/// Most characters of a message. A value of a megabyte is cut in its middle: what is said about it stays readable.
const LONGEST_MESSAGE: usize = 400;

/// A file as it was read: path for people, text for machines. Every [`Problem`] and span points into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path relative to the repository (or the member name inside an archive), `/`-separated.
    pub path: Arc<str>,
    /// The exact text, byte-order mark and line ends included.
    pub text: Arc<str>,
    lines: Lines,
}

impl Source {
    /// A text that is at hand.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Source {
        Source { path: path.into(), text: text.into(), lines: Lines::default() }
    }

    /// Builds a problem in this file. The range is widened to whole characters inside the text, so that it can always be
    /// sliced with; a message over 400 characters is cut in its middle.
    pub fn problem(&self, rule: &'static Rule, at: Range<usize>, message: impl Into<String>) -> Problem {
        let message = message.into();
        let message = match shorten(&message, LONGEST_MESSAGE) {
            std::borrow::Cow::Borrowed(_) => message,
            std::borrow::Cow::Owned(short) => short,
        };
        Problem { rule, file: self.path.clone(), at: on_characters(&self.text, at), message }
    }

    /// Line and column of a byte offset, both from 1; columns count characters. Offsets past the end mean the end.
    ///
    /// The cost is that of the one line: where lines begin is found out once for a text and all its clones.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let at = on_characters(&self.text, offset..offset).start;
        let starts = self.lines.of(&self.text);
        let line = starts.partition_point(|start| *start <= at);
        let start = starts.get(line.wrapping_sub(1)).copied().unwrap_or_default();
        (line, self.text[start..at].chars().count() + 1)
    }
}

/// Byte offsets at which lines begin, found when first asked for. They follow from the text, so they take no part in
/// comparisons.
#[derive(Clone, Default)]
struct Lines(Arc<OnceLock<Vec<usize>>>);

impl Lines {
    fn of(&self, text: &str) -> &[usize] {
        self.0.get_or_init(|| {
            let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after).collect()
        })
    }
}

impl PartialEq for Lines {
    fn eq(&self, _: &Lines) -> bool {
        true
    }
}

impl Eq for Lines {}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The range widened to whole characters inside the text, so that anyone may slice with it.
pub(crate) fn on_characters(text: &str, at: Range<usize>) -> Range<usize> {
    let mut start = at.start.min(text.len());
    let mut end = at.end.clamp(start, text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    // An empty range inside a character is the place before it.
    if at.start >= at.end { start..start } else { start..end }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::rules::NAME;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let source = Source::read("x", "a\r\nbé c\n".into()).expect("UTF-8");
        for (offset, expected) in
            [(0, (1, 1)), (3, (2, 1)), (5, (2, 2)), (6, (2, 3)), (99, (3, 1)), (usize::MAX, (3, 1))]
        {
            assert_eq!(source.position(offset), expected, "offset {offset}");
        }
        assert_eq!(Source::new("x", "").position(7), (1, 1));
    }

    #[test] // artifacts.md §10, bounds before the signature
    fn a_problem_fits_the_text_it_is_said_of_whatever_range_was_given() {
        let text = "é\n茶 🍵";
        let source = Source::new("x", text);
        let ends = (0..text.len() + 3).chain([usize::MAX / 2, usize::MAX]);
        for (start, end) in ends.clone().flat_map(|start| ends.clone().map(move |end| (start, end))) {
            let at = source.problem(NAME, start..end, "x").at;
            assert!(text.get(at.clone()).is_some(), "{start}..{end} became {at:?}");
        }
    }

    #[test]
    fn a_message_about_a_long_value_is_cut_in_its_middle() {
        let said = Source::new("x", "").problem(NAME, 0..0, format!("\"{}\" is no name", "a".repeat(1 << 20)));
        assert!(said.message.chars().count() <= LONGEST_MESSAGE + 1, "{}", said.message.len());
        assert!(said.message.starts_with("\"aaa") && said.message.ends_with("aaa\" is no name"), "{}", said.message);
    }

    proptest! {
        #[test]
        fn a_position_is_what_counting_from_the_start_says(text in "(\\PC|\n|\r){0,60}", offset in 0_usize..200) {
            let source = Source::new("x", text.as_str());
            let mut at = offset.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let line = text[..at].matches('\n').count() + 1;
            let column = text[..at].rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            prop_assert_eq!(source.position(offset), (line, column));
        }
    }
}
