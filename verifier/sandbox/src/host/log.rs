//! `log`: what a connector says while it runs. sandbox.md §3.2.
//!
//! A guest may say anything, any number of times. What is kept is bounded, and what is printed cannot move a cursor.

use std::fmt;

use aileron_verifier::text::{printable, printable_within};

/// Lines kept of one invoke.
pub const LINES: usize = 1_000;

/// Bytes kept of one invoke, levels included.
pub const BYTES: usize = 64 << 10;

/// One line a connector logged. Both texts are the guest's own: valid UTF-8, and nothing else is promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Free text chosen by the guest; it is no level of the host's log.
    pub level: String,
    /// The message, cut short where the caps of this room ended it.
    pub message: String,
}

/// `[connector <level>] <message>` on one line, printable: safe on a terminal. The caps of this room bound its length.
impl fmt::Display for LogLine {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "[connector {}] {}", printable(&self.level), printable_within(&self.message, BYTES))
    }
}

/// What one invoke logged, in call order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    lines: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
}

impl Log {
    /// The kept lines.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// How many calls left no line behind because a cap was reached.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Records one call. `None` where a cap leaves no room for it.
    ///
    /// Invalid UTF-8 becomes U+FFFD. Only as much as may still be kept is looked at, however long the ranges are.
    pub(super) fn record(&mut self, level: &[u8], message: &[u8]) -> Option<&LogLine> {
        if self.lines.len() == LINES || self.bytes >= BYTES {
            self.dropped += 1;
            return None;
        }
        let level = fitting(level, BYTES - self.bytes);
        let message = fitting(message, BYTES - self.bytes - level.len());
        self.bytes += level.len() + message.len();
        self.lines.push(LogLine { level, message });
        self.lines.last()
    }
}

/// As much of the text as fits into `room` bytes once it is valid UTF-8.
fn fitting(bytes: &[u8], room: usize) -> String {
    // U+FFFD takes three bytes for at least one, so no more than `room` bytes can ever fit.
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(room)]).into_owned();
    if bytes.len() > room && std::str::from_utf8(&bytes[..room]).is_err_and(|error| error.error_len().is_none()) {
        text.pop(); // a character that was cut in two, not one that was broken
    }
    text.truncate(text.floor_char_boundary(room));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §3.2
    fn lines_are_kept_in_order_until_a_cap_is_reached() {
        let mut log = Log::default();
        assert_eq!(log.record(b"info", b"hello").unwrap().to_string(), "[connector info] hello");
        assert_eq!(log.record(b"", b"").unwrap(), &LogLine { level: String::new(), message: String::new() });
        assert_eq!(log.record(b"\xff", b"a\xf0\x9f").unwrap().message, "a\u{fffd}");
        for _ in 3..LINES {
            assert!(log.record(b"", b"").is_some());
        }
        assert!(log.record(b"", b"").is_none());
        assert_eq!((log.lines().len(), log.dropped()), (LINES, 1));
    }

    #[test]
    fn the_line_that_reaches_the_byte_cap_is_cut_and_the_next_ones_are_counted() {
        for (message, kept) in [
            (vec![b'x'; 1 << 20], BYTES - 4),
            ("é".repeat(1 << 20).into_bytes(), BYTES - 4),
            (vec![0xff; 1 << 20], (BYTES - 4) / 3 * 3),
            ([b"y".to_vec(), "é".repeat(1 << 20).into_bytes()].concat(), BYTES - 5),
        ] {
            let mut log = Log::default();
            let line = log.record(b"info", &message).unwrap();
            assert_eq!(line.message.len(), kept);
            while log.record(b"", b"z").is_some() {}
            let total: usize = log.lines().iter().map(|line| line.level.len() + line.message.len()).sum();
            assert_eq!((total, log.dropped()), (BYTES, 1));
        }
    }

    #[test]
    fn a_printed_line_cannot_steer_a_terminal() {
        let line = LogLine { level: "in\x1b[2Jfo".into(), message: "a\r\nb\u{9b}31m\u{202e}c\x07\u{2028}d é".into() };
        assert_eq!(line.to_string(), r"[connector in\u{1b}[2Jfo] a b\u{9b}31m\u{202e}c\u{7} d é");
    }
}
