//! The few lines around a range, made so that drawing them costs little and shows nothing that acts.
//!
//! The drawing crate is given these lines and never the document: it copies what it is given for each problem, and takes
//! no column beyond 65,535. artifacts.md §10: a window of 200 columns.

use std::ops::Range;

use aileron_verifier::problem::Source;
use aileron_verifier::text::screen;
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::mask::Mask;

/// Columns of a line that are shown.
const WINDOW: usize = 200;
/// Of these, columns before the range, where the line has more.
const LEAD: usize = 60;
/// Lines of a range that are shown.
const LINES: usize = 5;

/// Lines of a document as they are drawn, and the range to underline in them.
pub(super) struct Excerpt {
    path: String,
    text: String,
    /// Line and column of the range in the document, from 0.
    place: (usize, usize),
    /// Bytes of `text`.
    pub(super) label: Range<usize>,
    /// Lines of the range that are not shown.
    pub(super) hidden_lines: usize,
}

impl Excerpt {
    /// Cuts out the lines of `at`, which is moved onto whole characters inside the text.
    pub(super) fn of(source: &Source, mask: &Mask, at: Range<usize>) -> Excerpt {
        let text = &*source.text;
        let at = visible(text, within(text, at));
        let (line, column) = source.position(at.start);
        let mut excerpt = Excerpt {
            path: screen(&source.path).replace('\n', " "),
            text: String::new(),
            place: (line - 1, column - 1),
            label: 0..0,
            hidden_lines: 0,
        };
        let mut start = text[..at.start].rfind('\n').map_or(0, |at| at + 1);
        for shown in 0.. {
            let next = text[start..].find('\n').map(|length| start + length + 1);
            let whole = &text[start..next.unwrap_or(text.len())];
            let end = start + whole.trim_end_matches(['\r', '\n']).len();
            let label = at.start.clamp(start, end) - start..at.end.clamp(start, end) - start;
            let (line, label) = window(&mask.line(text, start..end), label);
            if shown > 0 {
                excerpt.text.push('\n');
            } else {
                excerpt.label.start = label.start;
            }
            excerpt.label.end = excerpt.text.len() + label.end;
            excerpt.text.push_str(&line);
            match next {
                Some(next) if next < at.end && shown + 1 == LINES => {
                    excerpt.hidden_lines = text[next..at.end].lines().count();
                    break;
                }
                Some(next) if next < at.end => start = next,
                _ => break,
            }
        }
        excerpt
    }
}

/// The drawing asks for the range without context, to name its line and column, and then for the range with its context.
impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (line, column) = self.place;
        let (data, span, column) = match before {
            0 => (self.text.get(self.label.clone()).unwrap_or_default(), *span, column),
            _ => (&*self.text, (0..self.text.len()).into(), 0),
        };
        let lines = data.matches('\n').count() + 1;
        Ok(Box::new(MietteSpanContents::new_named(self.path.clone(), data.as_bytes(), span, line, column, lines)))
    }
}

fn within(text: &str, at: Range<usize>) -> Range<usize> {
    let floor = |at: usize| text.floor_char_boundary(at.min(text.len()));
    let start = floor(at.start);
    start..floor(at.end).max(start)
}

/// The range to underline. A place at a line's end, where something is missing, has nothing to draw under: the character
/// before it stands for it.
fn visible(text: &str, at: Range<usize>) -> Range<usize> {
    if !text[at.clone()].trim_matches(['\r', '\n']).is_empty() {
        return at;
    }
    let before = text[..at.start].trim_end_matches(['\r', '\n']);
    match before.char_indices().next_back() {
        Some((start, last)) => start..start + last.len_utf8(),
        None => at,
    }
}

/// At most [`WINDOW`] columns of a line, with `…` where it was cut, harmless, and the range in what is left.
fn window(line: &str, label: Range<usize>) -> (String, Range<usize>) {
    let mut start = 0;
    let mut end = advance(line, 0, WINDOW);
    if end < line.len() {
        let before = line[..label.start].char_indices().rev();
        let mut columns = 0;
        let lead = before.take_while(|(_, char)| {
            columns += width(*char);
            columns <= LEAD
        });
        start = lead.last().map_or(label.start, |(at, _)| at);
        end = advance(line, start, WINDOW);
    }
    let label = label.start.clamp(start, end)..label.end.clamp(start, end);
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
    }
    shown.push_str(&one_line(&line[start..label.start]));
    let from = shown.len();
    shown.push_str(&one_line(&line[label.clone()]));
    let to = shown.len();
    shown.push_str(&one_line(&line[label.end..end]));
    if end < line.len() {
        shown.push('…');
    }
    (shown, from..to)
}

/// The end of at most `columns` columns from `start` on.
fn advance(line: &str, start: usize, columns: usize) -> usize {
    let mut left = columns;
    for (at, char) in line[start..].char_indices() {
        match left.checked_sub(width(char)) {
            Some(less) => left = less,
            None => return start + at,
        }
    }
    line.len()
}

/// Columns a character takes once it is drawn, at most: its escape's where it has one, two where it may be wide.
fn width(char: char) -> usize {
    match char {
        ' '..='~' => 1,
        char if aileron_verifier::text::printable::is_shown(char) => 2,
        char => char.escape_unicode().count(),
    }
}

fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    screen(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, at: Range<usize>) -> (String, String, (usize, usize)) {
        let source = Source::new("x", text);
        let excerpt = Excerpt::of(&source, &Mask::of("x", text), at);
        (excerpt.text[excerpt.label.clone()].to_owned(), excerpt.text, excerpt.place)
    }

    #[test] // artifacts.md §10
    fn a_long_line_is_shown_as_a_window_around_the_range() {
        for (before, after) in
            [(0, 0), (10, 300), (61, 0), (199, 1), (200, 1), (70_000, 70_000), (1 << 20, 0), (0, 1 << 20)]
        {
            let text = format!("{}bad{}\n", "a".repeat(before), "z".repeat(after));
            let (label, shown, place) = excerpt(&text, before..before + 3);
            assert_eq!((label.as_str(), place), ("bad", (0, before)), "{before} {after}");
            assert!(shown.chars().count() <= WINDOW + 2, "{before} {after}: {}", shown.len());
            assert_eq!(shown.starts_with('…'), before > LEAD && before + 3 + after > WINDOW, "{before} {after}");
        }
        let all = "é".repeat(100_000);
        let (label, shown, _) = excerpt(&all, 0..all.len());
        assert!(label.starts_with('é') && shown.ends_with('…') && shown.chars().count() <= WINDOW + 1);
    }

    #[test] // artifacts.md §10
    fn what_acts_is_escaped_and_the_range_still_fits() {
        for (text, at, label, shown) in [
            ("\u{1b}[2J bad", 5..8, "bad", r"\u{1b}[2J bad"),
            ("\u{202e}x\u{202c}y", 3..4, "x", r"\u{202e}x\u{202c}y"),
            ("a\tb", 2..3, "b", "a b"),
            ("a\u{200b}b", 1..4, r"\u{200b}", r"a\u{200b}b"),
            ("茶 = 1", 0..3, "茶", "茶 = 1"),
            ("a\rb\n", 2..3, "b", r"a\u{d}b"),
            ("a\r\nb", 1..1, "a", "a"),
            ("x = 1\ny", 4..5, "1", "x = 1"),
            ("", 0..0, "", ""),
            ("", 70..90, "", ""),
            ("é", 1..1, "", "é"),
            ("ab", 1..900, "b", "ab"),
        ] {
            let (found, line, _) = excerpt(text, at);
            assert_eq!((found.as_str(), line.as_str()), (label, shown), "{text:?}");
        }
    }

    #[test]
    fn a_range_over_many_lines_shows_the_first_few() {
        let text = "a\n".repeat(1_000);
        let source = Source::new("x", text.as_str());
        let excerpt = Excerpt::of(&source, &Mask::of("x", &text), 2..text.len());
        assert_eq!((excerpt.text.as_str(), excerpt.hidden_lines), ("a\na\na\na\na", 994));
        assert_eq!(excerpt.label, 0..9);
    }
}
