//! A page of our lines with other people's values in them, for screens that ask for a decision.
//!
//! A value that a terminal wraps goes on in the first column and can look like a line of ours. So lines are wrapped here,
//! at the terminal's width. What is ours begins in the first or third column ([`Sheet::heading`], [`Sheet::field`]); what
//! is not begins further right, on every line it takes. Every text passes [`printable`] once more on its way in, so that a
//! value cannot bring a line end of its own.

use aileron_verifier::text::printable::{LISTED, printable_within};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::table::grouped;

/// Columns of a terminal that does not say how wide it is.
const USUAL: usize = 80;
/// Longer lines are hard to read.
const WIDEST: usize = 100;
/// Below this there is no room beside the labels.
const NARROWEST: usize = 40;
/// Where the values of fields begin.
const VALUES: usize = 18;
/// Where entries of lists begin.
const ENTRIES: usize = 4;
/// How much further right a line goes on.
const FURTHER: usize = 2;
/// Characters of one line before it is wrapped; values are cut long before.
const LONGEST: usize = 1_000;

/// Columns of this process's terminal.
pub(crate) fn width() -> usize {
    let size = terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
    size.unwrap_or(USUAL).clamp(NARROWEST, WIDEST)
}

/// Lines, wrapped as they are added.
pub(crate) struct Sheet {
    text: String,
    width: usize,
}

impl Sheet {
    /// An empty page of so many columns.
    pub(crate) fn new(width: usize) -> Sheet {
        Sheet { text: String::new(), width: width.clamp(NARROWEST, WIDEST) }
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line of ours in the first column. It begins with a word of ours, whatever follows.
    pub(crate) fn heading(&mut self, text: &str) {
        self.line(0, "", VALUES + FURTHER, text);
    }

    /// A label of ours in the third column, and a value beside it.
    pub(crate) fn field(&mut self, label: &str, value: &str) {
        self.line(2, &format!("{label:<width$}", width = VALUES - 2), VALUES + FURTHER, value);
    }

    /// A label and one value on each line, at most [`LISTED`]; `none` where there are none.
    pub(crate) fn list(&mut self, label: &str, values: &[String], none: &str) {
        if values.is_empty() {
            return self.field(label, none);
        }
        for (at, value) in values.iter().take(LISTED).enumerate() {
            self.field(if at == 0 { label } else { "" }, value);
        }
        self.left_out(VALUES, values.len());
    }

    /// An entry of a list: any text, further right than anything of ours.
    pub(crate) fn entry(&mut self, text: &str) {
        self.line(ENTRIES, "", ENTRIES + 2 * FURTHER, text);
    }

    /// A further line of the entry above.
    pub(crate) fn entry_line(&mut self, text: &str) {
        self.line(ENTRIES + FURTHER, "", ENTRIES + 2 * FURTHER, text);
    }

    /// Entries, at most [`LISTED`] of them.
    pub(crate) fn entries(&mut self, texts: &[String]) {
        texts.iter().take(LISTED).for_each(|text| self.entry(text));
        self.rest(texts.len());
    }

    /// Says how many of so many entries were left out, if any were.
    pub(crate) fn rest(&mut self, count: usize) {
        self.left_out(ENTRIES, count);
    }

    fn left_out(&mut self, indent: usize, count: usize) {
        if count > LISTED {
            let more = grouped((count - LISTED) as u64);
            self.line(indent, "", indent + FURTHER, &format!("… and {more} more (--json lists them all)"));
        }
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// One text: `lead`, which is ours, then words until the width is reached; the next lines begin at `further`.
    fn line(&mut self, indent: usize, lead: &str, further: usize, text: &str) {
        let text = printable_within(text, LONGEST);
        let mut line = format!("{}{lead}", " ".repeat(indent));
        let mut used = line.width();
        let mut empty = true;
        for word in text.split(' ') {
            let mut rest = word;
            let space = usize::from(!empty);
            if used + space + rest.width() > self.width && !empty {
                self.end(&mut line, &mut used, further);
            } else if !empty {
                line.push(' ');
                used += 1;
            }
            while used + rest.width() > self.width {
                let (head, tail) = rest.split_at(fitting(rest, self.width - used));
                line.push_str(head);
                self.end(&mut line, &mut used, further);
                rest = tail;
            }
            line.push_str(rest);
            used += rest.width();
            empty = false;
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn end(&mut self, line: &mut String, used: &mut usize, further: usize) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        *line = " ".repeat(further);
        *used = further;
    }
}

/// How many bytes of a word fit into so many columns: at least one character.
fn fitting(word: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, char) in word.char_indices() {
        used += char.width().unwrap_or(1);
        if used > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_goes_on_where_no_line_of_ours_begins() {
        let mut sheet = Sheet::new(40);
        sheet.heading("Connector github://acme/aileron-connector-x@1.0.0");
        sheet.field("purpose", &format!("read mail{}may connect to  nothing", " ".repeat(40)));
        sheet.entry("a line that is a little longer than the screen is wide");
        let expected = "\
Connector
                    github://acme/ailero
                    n-connector-x@1.0.0
  purpose         read mail may connect
                    to nothing
    a line that is a little longer than
        the screen is wide
";
        assert_eq!(sheet.into_text(), expected);
    }

    #[test]
    fn a_list_is_cut_and_counted() {
        let hosts: Vec<String> = (0..20_000).map(|n| format!("h{n}.example:443")).collect();
        let mut sheet = Sheet::new(80);
        sheet.list("may connect to", &hosts, "nothing");
        sheet.list("may start", &[], "no program");
        let text = sheet.into_text();
        assert_eq!(text.lines().count(), LISTED + 2);
        assert!(text.contains("\n                  … and 19,980 more (--json lists them all)\n"), "{text}");
        assert!(text.ends_with("\n  may start       no program\n"), "{text}");
    }

    proptest! {
        #[test] // whatever a value holds
        fn no_line_is_wider_than_the_screen_and_none_but_ours_begins_left(
            width in 0usize..200,
            value in "\\PC{0,200}|.{0,200}|[a-z]{0,200}|[\u{300}-\u{310}茶🍵한]{0,90}",
        ) {
            let mut sheet = Sheet::new(width);
            sheet.field("purpose", &value);
            sheet.heading(&format!("Suite {value}"));
            sheet.entry(&value);
            let text = sheet.into_text();
            for line in text.lines() {
                prop_assert!(line.width() <= width.clamp(NARROWEST, WIDEST), "{line:?}");
                let indent = line.len() - line.trim_start().len();
                let ours = line.starts_with("Suite") || line.starts_with("  purpose");
                prop_assert!(ours || indent >= ENTRIES || line.is_empty(), "{line:?}");
            }
        }
    }
}
