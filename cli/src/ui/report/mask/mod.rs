//! Which bytes of a document may be a secret and are not to be drawn.
//!
//! A client secret in source is a finding, and drawing the finding must not spread it: into a terminal's history, a log, a
//! workflow's annotations. What is hidden depends on the language: `members` reads JSON, YAML and Go, whose documents here have
//! no place for a secret; `toml` everything else, where in doubt a value is hidden.

mod members;
mod toml;

use std::ops::Range;

/// Words by which a key or a table header is taken for one that holds secrets.
const KEYS: [&str; 10] = [
    "credential",
    "secret",
    "oauth",
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "privatekey",
    "signingkey",
];

/// The bytes of a document that may be secret: ranges in order, none over a line's end.
pub(super) struct Mask(Vec<Range<usize>>);

impl Mask {
    /// Reads a document once. Its path tells its language.
    pub(super) fn of(path: &str, text: &str) -> Mask {
        let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
        Mask(match ending {
            Some("json" | "yaml" | "yml" | "go") => members::hidden(text),
            _ => toml::hidden(text),
        })
    }

    /// The line `at` of the text, with stars for what is hidden: one for each byte, so that ranges still fit.
    pub(super) fn line(&self, text: &str, at: Range<usize>) -> String {
        let mut line = text[at.clone()].to_owned();
        let from = self.0.partition_point(|hidden| hidden.end <= at.start);
        for hidden in self.0[from..].iter().take_while(|hidden| hidden.start < at.end) {
            let hidden = hidden.start.max(at.start) - at.start..hidden.end.min(at.end) - at.start;
            line.replace_range(hidden.clone(), &"*".repeat(hidden.len()));
        }
        line
    }
}

/// Whether one of the words stands in the text, whatever its case and the marks between its letters.
fn mentions(text: &str, words: &[&str]) -> bool {
    let plain: String = text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    words.iter().any(|word| plain.contains(word))
}

/// A whole document as it would be drawn.
#[cfg(test)]
fn shown(path: &str, text: &str) -> String {
    let mask = Mask::of(path, text);
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        start += line.len();
        mask.line(text, start - line.len()..start)
    });
    lines.collect()
}
