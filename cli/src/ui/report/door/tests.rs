use std::path::Path;

use aileron_verifier::text::is_shown;
use serde_json::{Value, json};

use super::*;

const DOORS: [Door; 2] = [Door::Plain, Door::Workflow];

/// What a line of output must never begin with, and what it must never hold, where a runner reads it.
fn gives_a_command(text: &str) -> bool {
    let begins = |line: &str| line.trim_start().starts_with("::");
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).any(begins) || text.contains("##[")
}

fn is_harmless(text: &str) -> bool {
    text.chars().all(|char| is_shown(char) || char == '\n')
}

/// Every character there is, in pieces.
fn every_character() -> impl Iterator<Item = Vec<char>> {
    let mut all = '\0'..=char::MAX;
    std::iter::from_fn(move || Some(all.by_ref().take(0x1000).collect::<Vec<_>>()).filter(|piece| !piece.is_empty()))
}

// The door of a job is the other one and more, and a debug build takes its time over a million characters.
#[test]
fn no_character_that_steers_or_hides_leaves_as_text() {
    for piece in every_character() {
        let text: String = piece.iter().map(|char| format!("a{char}##[error]y\n{char}::notice::z\n")).collect();
        let lines = Door::Workflow.text(&text);
        assert!(is_harmless(&lines) && !gives_a_command(&lines), "from {:?}", piece[0]);
        assert!(!one_line(&text).contains('\n'), "from {:?}", piece[0]);
    }
}

#[test]
fn no_character_that_steers_or_hides_leaves_in_json_and_the_value_stays() {
    for piece in every_character() {
        let value: Value = piece.iter().map(|char| json!(format!("a{char}##[error]"))).collect();
        let document = value.to_string();
        let written = Door::Workflow.json(&document);
        assert!(is_harmless(&written) && !written.contains('\n') && !gives_a_command(&written), "from {:?}", piece[0]);
        assert_eq!(serde_json::from_str::<Value>(&written).ok().as_ref(), Some(&value), "from {:?}", piece[0]);
    }
}

#[test]
fn json_of_others_stays_the_same_value() {
    for text in [
        "{\"output\":{\r\n\t\"a\" : \"\u{9b}2J\u{7f}\"}}\n",
        "{\"output\":\"\u{202e}\\u202e\\\\\u{200b}\"}\n",
        "{\"output\":\"a\u{300}\u{301}\u{302}\u{303}\"}\n",
        "{\"output\":\"\u{e0041}\u{e0001}\u{fe0f}\u{1d173}\"}\n",
        "{\"output\":\"\\ud83d\\ude00 😀 \u{f0000}\"}\n",
        "{\"output\":\"\u{2028}\u{2029}\u{85}\u{a0}\u{3000}\"}\n",
        "{\"output\":\"##[error]\\\\##[x]\"}\n",
        "{\"output\":[1e400,12345678901234567890,1.10]}\n",
        "{\"output\":\"\u{feff}\u{ad}\u{34f}\u{115f}\u{3164}\u{2800}\"}\n",
        "{\"output\":null}\n",
    ] {
        for door in DOORS {
            let written = door.json(text);
            assert!(is_harmless(&written), "{text:?}: {written:?}");
            let read = |text: &str| aileron_verifier::text::Json::read(text).map(|json| format!("{:?}", Loose(&json)));
            assert_eq!(read(&written).ok(), read(text).ok(), "{text:?}");
        }
    }
}

/// A value as it is compared: texts by what they say, numbers by how they are written.
struct Loose<'a>(&'a aileron_verifier::text::Json);

impl std::fmt::Debug for Loose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match serde_json::from_str::<Value>(self.0.text()) {
            Ok(value) => write!(f, "{value:?}"),
            Err(_) => f.write_str(self.0.text()),
        }
    }
}

#[test]
fn only_our_own_colours_are_drawn() {
    let text = "a\u{1b}[31mb c";
    let paint = |at, colour| Paint { at, colour };
    let painted = Door::Plain.painted(text, &[paint(0..1, Colour::Bold), paint(6..7, Colour::Red)]);
    assert_eq!(painted, "\x1b[1ma\x1b[0m\\u{1b}[31m\x1b[31mb\x1b[0m c");
    for wrong in [
        paint(5..99, Colour::Red),
        paint(std::ops::Range { start: 4, end: 2 }, Colour::Red),
        paint(99..100, Colour::Red),
    ] {
        assert_eq!(Door::Plain.painted("plain", &[wrong]), "plain");
    }
}

#[test]
fn a_line_is_one_line() {
    for (text, line) in [
        ("", ""),
        ("a  b", "a  b"),
        ("a\nb", "a b"),
        ("a\r\n  b\n\n", "a b"),
        ("a\u{85}b\u{2028}c\u{2029}d", "a b c d"),
        ("a\u{b}b\u{c}c", "a b c"),
        ("\n\n", ""),
        ("a\rConnector ok", "a Connector ok"),
        ("  a\nb", "a b"),
        ("a\tb", "a\tb"),
    ] {
        assert_eq!(one_line(text), line, "{text:?}");
    }
}

/// Words that write to a standard stream, or draw on one.
const WRITES: [&str; 8] =
    ["println!", "eprintln!", "print!(", "stdout()", "stderr()", "error.print()", "help.print()", "/dev/tty"];

#[test]
fn no_other_file_writes_to_a_standard_stream() {
    // Each with what it may do besides.
    let known = [
        ("ui/report/door.rs", "the door"),
        ("ui/report/progress.rs", "asks whether standard error is a terminal, and gives indicatif its target"),
        ("ui/report/hidden.rs", "asks whether standard error is a terminal"),
        ("sys/terminal.rs", "reads what is typed unseen; what it shows is its caller's"),
        ("sys/process/foreground.rs", "gives a program of the user's our standard error for what it writes"),
    ];
    let sandbox = concat!(env!("CARGO_MANIFEST_DIR"), "/../verifier/sandbox/src");
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../verifier/src");
    let mut others = Vec::new();
    for root in [ours, sandbox, verifier].into_iter().filter(|root| Path::new(root).is_dir()) {
        for entry in walkdir::WalkDir::new(root).into_iter().filter_map(Result::ok) {
            let path = entry.path();
            let is_known = known.iter().any(|(known, _)| path.ends_with(known));
            let is_test = path.to_string_lossy().contains("tests");
            if is_known || is_test || path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(path).expect("a source file");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                let line = line.replace("Capture::stdout()", "").replace("Capture::stderr()", "");
                let is_definition = line.contains("fn stdout()") || line.contains("fn stderr()");
                if !is_definition && WRITES.iter().any(|word| line.contains(word)) {
                    others.push(format!("{}: {line}", path.display()));
                }
            }
        }
    }
    assert!(others.is_empty(), "write through ui/report/door instead:\n{}", others.join("\n"));
}
