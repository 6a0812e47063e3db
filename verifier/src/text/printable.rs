//! The one door between text that is not ours and a screen.
//!
//! Documents, archives, guests, servers, git and file names may hold any character. Shown as it is, such text can move
//! the cursor, turn the reading direction, hide itself, or draw a line that looks like ours. [`printable`] makes a value
//! harmless before it becomes part of a sentence; [`screen`] goes over whole output once more, so that a value that was
//! forgotten still cannot act. artifacts.md §10 and DESIGN.md "text of strangers".

use std::borrow::Cow;
use std::fmt;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Characters of one value that are shown; the rest is counted.
pub const SHOWN: usize = 120;

/// Entries of one list that are shown; the rest is counted.
pub const LISTED: usize = 20;

/// Marks that may follow one character. Two are enough for every script in use; more of them climb over other lines.
const MARKS: usize = 2;

/// Text that is not ours. Displayed, it is [`printable`]; there is no other way to see it but [`Untrusted::raw`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted<'a>(pub &'a str);

impl<'a> Untrusted<'a> {
    /// The text as it came: for comparing and for documents of data, never for a screen.
    pub fn raw(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&printable(self.0))
    }
}

impl fmt::Debug for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// One value, on one line, of at most [`SHOWN`] characters and a count of the rest.
///
/// White space of every kind becomes single spaces, none at the ends. A character that steers a terminal or cannot be
/// seen (see [`is_shown`]) becomes its escape, `\u{1b}`; so does a third combining mark in a row.
pub fn printable(text: &str) -> Cow<'_, str> {
    printable_within(text, SHOWN)
}

/// [`printable`] with another limit: `most` characters of the result are kept.
///
/// The cost follows `most`, not the text, but for counting what is left out.
pub fn printable_within(text: &str, most: usize) -> Cow<'_, str> {
    // No space in front, and never two: a space in front would be the second one.
    let mut last = b' ';
    let is_as_shown =
        |byte: u8| matches!(byte, b' '..=b'~') && (byte, std::mem::replace(&mut last, byte)) != (b' ', b' ');
    if text.len() <= most && text.bytes().all(is_as_shown) && !text.ends_with(' ') {
        return Cow::Borrowed(text);
    }
    let text = text.trim_matches(is_space);
    let mut shown = String::new();
    let (mut length, mut marks, mut space) = (0, 0, false);
    for (at, char) in text.char_indices() {
        if is_space(char) {
            space = true;
            continue;
        }
        let start = shown.len();
        if std::mem::take(&mut space) {
            shown.push(' ');
            marks = 0;
        }
        push(&mut shown, char, &mut marks);
        let added = shown[start..].chars().count();
        if length + added > most {
            shown.truncate(start);
            let rest = text[at..].chars().count();
            shown.push_str(&format!("… {} more", grouped(rest)));
            break;
        }
        length += added;
    }
    Cow::Owned(shown)
}

/// Whole output of ours: lines and spaces stay, every character that steers a terminal or cannot be seen becomes its
/// escape. A tab becomes a space, but for the one that begins a flag's description in a usage text: after four spaces at the
/// beginning of a line (keyring.md §6.3).
pub fn screen(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for char in text.chars() {
        match char {
            '\n' | ' ' => {
                marks = 0;
                shown.push(char);
            }
            '\t' => shown.push(if shown.ends_with("\n    ") { '\t' } else { ' ' }),
            char if is_space(char) && !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}') => shown.push(' '),
            char => push(&mut shown, char, &mut marks),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is drawn where it stands and does nothing else: no control, no format or default-ignorable
/// character, no line or paragraph separator, none that is private or unassigned, no letter or pattern that is blank.
pub fn is_shown(char: char) -> bool {
    if char.is_ascii() {
        return !char.is_ascii_control();
    }
    let blank = matches!(char, '\u{2800}' | '\u{fffc}');
    let steers = matches!(
        CodePointMapData::<GeneralCategory>::new().get(char),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::Surrogate
    );
    !blank && !steers && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
}

/// Each character, with whether it must not be drawn as it is: [`is_shown`] denies it, or it is a third combining mark in
/// a row. For forms of text that have an escape of their own, as JSON has.
pub fn hidden(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut marks = 0;
    text.chars().map(move |char| (char, is_hidden(char, &mut marks)))
}

/// The first [`LISTED`] entries as lines, and where there are more, their number. Entries are made printable.
pub fn listed<T: AsRef<str>>(entries: impl ExactSizeIterator<Item = T>) -> Vec<String> {
    let more = entries.len().saturating_sub(LISTED);
    let mut lines: Vec<String> = entries.take(LISTED).map(|entry| printable(entry.as_ref()).into_owned()).collect();
    if more > 0 {
        lines.push(format!("… and {} more (--json lists them all)", grouped(more)));
    }
    lines
}

fn push(shown: &mut String, char: char, marks: &mut usize) {
    if is_hidden(char, marks) {
        shown.extend(char.escape_unicode());
    } else {
        shown.push(char);
    }
}

fn is_hidden(char: char, marks: &mut usize) -> bool {
    *marks = if is_mark(char) { *marks + 1 } else { 0 };
    !is_shown(char) || *marks > MARKS
}

fn is_mark(char: char) -> bool {
    !char.is_ascii()
        && matches!(
            CodePointMapData::<GeneralCategory>::new().get(char),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
        )
}

fn is_space(char: char) -> bool {
    char.is_whitespace()
}

/// `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_of_every_script_is_shown_as_it_is() {
        for text in [
            "",
            "Read your teas, größer — 茶",
            "ไทย ก็",
            "हिन्दी",
            "עברית",
            "العربية",
            "한국어",
            "e\u{301}",
            "🍵",
            "a\\b \"c\" 'd'",
        ] {
            assert_eq!(printable(text), text);
            assert_eq!(screen(text), text);
        }
    }

    #[test]
    fn what_steers_or_hides_is_escaped() {
        for (text, shown) in [
            ("\u{1b}[2Jgone", r"\u{1b}[2Jgone"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("\0\u{7f}", r"\u{0}\u{7f}"),
            ("evil\u{202e}live", r"evil\u{202e}live"),
            ("a\u{2066}b\u{200f}c", r"a\u{2066}b\u{200f}c"),
            ("a\u{200b}b\u{ad}c\u{feff}", r"a\u{200b}b\u{ad}c\u{feff}"),
            ("\u{180e}\u{3164}\u{115f}\u{2800}\u{34f}", r"\u{180e}\u{3164}\u{115f}\u{2800}\u{34f}"),
            ("\u{fe0f}\u{e0100}\u{fffc}\u{1d173}", r"\u{fe0f}\u{e0100}\u{fffc}\u{1d173}"),
            ("\u{e000}\u{378}\u{e0041}", r"\u{e000}\u{378}\u{e0041}"),
            ("a\u{300}\u{301}\u{302}", "a\u{300}\u{301}\\u{302}"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
            assert_eq!(screen(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_value_is_one_line_of_single_spaces() {
        for (text, shown) in [
            ("a\nConnector github://x/y", "a Connector github://x/y"),
            ("no\r  yes", "no yes"),
            ("  a \t\u{a0}\u{3000}\u{2028} b\u{85} ", "a b"),
            ("\n\n", ""),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
        assert_eq!(screen("a  b\n\tc\rd\u{2028}e\u{a0}f"), "a  b\n c\\u{d}d\\u{2028}e f");
        assert_eq!(screen("-h:\n    \ta\tb\n   \tc"), "-h:\n    \ta b\n    c", "a usage text (keyring.md §6.3)");
    }

    #[test]
    fn a_long_value_is_cut_and_counted() {
        assert_eq!(printable(&"x".repeat(SHOWN)), "x".repeat(SHOWN));
        assert_eq!(printable(&"x".repeat(SHOWN + 3_912)), "x".repeat(SHOWN) + "… 3,912 more");
        assert_eq!(printable(&"\u{1b}".repeat(1_000)), r"\u{1b}".repeat(20) + "… 980 more");
        assert_eq!(printable(&" ".repeat(1_000_000)), "");
        assert_eq!(Untrusted("a\nb").to_string(), "a b");
    }

    #[test]
    fn nothing_that_steers_is_left_of_any_character() {
        for char in '\0'..=char::MAX {
            let text = format!("a{char}b");
            for shown in [printable(&text), screen(&text)] {
                assert!(shown.chars().all(|char| is_shown(char) || char == '\n'), "{char:?}");
                assert!(!shown.contains('\n') || char == '\n', "{char:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_made_printable_stays_as_it_is(text in "\\PC{0,300}|.{0,300}") {
            let once = screen(&text).into_owned();
            proptest::prop_assert_eq!(screen(&once), &*once);
            let value = printable(&text);
            proptest::prop_assert!(value.chars().count() <= SHOWN + 20);
        }
    }
}
