//! Where the front matter of an `action.md` ends and its Markdown begins. artifacts.md §3, first paragraph.

use std::ops::Range;

use crate::artifact::rules;
use crate::problem::{Problem, Source};
use crate::text::toml;

const FENCE: &str = "+++";

/// The two parts of an action file.
pub(super) struct Parts {
    /// Whole lines of TOML.
    pub(super) front_matter: Range<usize>,
    /// Everything after the closing line.
    pub(super) body: Range<usize>,
}

/// A line without regard for its line end.
struct Line {
    /// From its first byte to the first of the next.
    at: Range<usize>,
    is_fence: bool,
    is_blank: bool,
}

pub(super) fn split(file: &Source) -> Result<Parts, Problem> {
    let mut lines = lines(&file.text, toml::after_mark(file));
    let opening = lines.find(|line| !line.is_blank);
    let opening = match opening {
        Some(line) if line.is_fence => line,
        Some(line) => {
            let text = file.text[line.at.clone()].trim_end_matches(['\n', '\r']).len();
            let at = line.at.start..line.at.start + text;
            return Err(file.problem(rules::FRONT_MATTER, at, "the file does not start with a line `+++`"));
        }
        None => {
            let end = file.text.len();
            return Err(file.problem(rules::FRONT_MATTER, end..end, "the file is empty"));
        }
    };
    match lines.find(|line| line.is_fence) {
        Some(closing) => {
            Ok(Parts { front_matter: opening.at.end..closing.at.start, body: closing.at.end..file.text.len() })
        }
        None => {
            let end = file.text.len();
            Err(file.problem(rules::FRONT_MATTER, end..end, "no second line `+++` closes the front matter"))
        }
    }
}

fn lines(text: &str, start: usize) -> impl Iterator<Item = Line> {
    let mut start = start;
    text[start..].split_inclusive('\n').map(move |line| {
        let at = start..start + line.len();
        start = at.end;
        let trimmed = line.trim();
        Line { at, is_fence: trimmed == FENCE, is_blank: trimmed.is_empty() }
    })
}
