//! The consumer's questions as plain lines: on standard output, or with `--json` as events on standard error, where
//! standard output belongs to the one document. There is no terminal detection: a pipe may answer. keyring.md §7.4.

use std::io::{self, BufRead};

use serde_json::json;

use super::door::{self, Stream};
use crate::consumer::trust::prompt::Console;
use crate::sys::input;

/// Longest line that is an answer. A longer one is read to its end, so that it never answers the next question, and counts
/// as an empty one.
const LONGEST: usize = 1024;

/// Standard input and output.
pub struct Terminal {
    /// Whether standard output is kept for one JSON document.
    pub json: bool,
}

impl Terminal {
    fn show(&self, event: &str, text: &str) -> io::Result<()> {
        if self.json {
            let event = json!({"event": event, "text": text});
            door::write_json(Stream::Err, &format!("{event}\n"))
        } else {
            door::write_text(Stream::Out, text)
        }
    }
}

impl Console for Terminal {
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.show("note", text)
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.show("question", question)?;
        line(&mut input::lines()?)
    }
}

/// One line without its end; `None` at the end of input.
fn line(input: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut answer = Vec::new();
    let text = |answer: &[u8]| {
        if answer.len() > LONGEST { String::new() } else { String::from_utf8_lossy(answer).into_owned() }
    };
    loop {
        let buffer = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            return Ok((!answer.is_empty()).then(|| text(&answer)));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (LONGEST + 1).saturating_sub(answer.len());
        answer.extend_from_slice(&part[..part.len().min(room)]);
        let read = end.map_or(buffer.len(), |end| end + 1);
        input.consume(read);
        if end.is_some() {
            return Ok(Some(text(&answer)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md §7.4
    fn each_question_takes_one_line_whatever_it_holds() {
        let long = format!("y{}no\n", " ".repeat(LONGEST));
        let text = ["y\r\n", "\n", &long, "n\n", "\u{0}\n", "yes"].concat();
        for capacity in [1, 7, 100_000] {
            let mut input = io::BufReader::with_capacity(capacity, text.as_bytes());
            let mut next = || line(&mut input).expect("reads");
            assert_eq!(next().as_deref(), Some("y\r"));
            assert_eq!(next().as_deref(), Some(""));
            assert_eq!(next().as_deref(), Some(""), "cut off, it would be a yes");
            assert_eq!(next().as_deref(), Some("n"));
            assert_eq!(next().as_deref(), Some("\0"));
            assert_eq!(next().as_deref(), Some("yes"));
            assert_eq!((next(), next()), (None, None));
        }
        let mut broken = io::BufReader::new(&b"\xff\n"[..]);
        assert_eq!(line(&mut broken).expect("reads").as_deref(), Some("\u{fffd}"));
    }
}
