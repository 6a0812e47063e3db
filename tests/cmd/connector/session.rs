//! A transcript in the making: `$` is what was typed, `!` starts a line of standard error, `?` is the exit code.
//! `SNAPSHOTS=overwrite` writes them anew.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use crate::house::{House, Ran};

/// The connector of the house's repository.
pub(crate) const TEA: &str = "github://acme/aileron-connector-tea";

pub(crate) struct Session {
    pub(crate) house: House,
    text: String,
}

impl Session {
    pub(crate) fn new(house: House) -> Session {
        Session { house, text: String::new() }
    }

    /// A heading.
    pub(crate) fn note(&mut self, words: &str) -> &mut Session {
        write!(self.text, "{}# {words}\n\n", if self.text.is_empty() { "" } else { "\n" }).unwrap();
        self
    }

    /// Runs a line with nobody to answer. `TEA` stands for the connector's name.
    pub(crate) fn run(&mut self, line: &str) -> &mut Session {
        let line = line.replace("TEA", TEA);
        let ran = self.house.run(&line);
        self.show(&line, &ran)
    }

    /// Runs a line and answers its questions.
    pub(crate) fn answer(&mut self, answers: &str, line: &str) -> &mut Session {
        let line = line.replace("TEA", TEA);
        let ran = answered(&self.house, answers, &line);
        let echoed: Vec<String> = answers.lines().map(|answer| format!("echo {answer}")).collect();
        let input = if let [one] = echoed.as_slice() { one.clone() } else { format!("({})", echoed.join("; ")) };
        self.show(&format!("{input} | {line}"), &ran)
    }

    fn show(&mut self, line: &str, ran: &Ran) -> &mut Session {
        let errors: String = ran.stderr.lines().map(|line| format!("! {line}").trim_end().to_owned() + "\n").collect();
        // A question has no line end of its own.
        let end = if ran.stdout.is_empty() || ran.stdout.ends_with('\n') { "" } else { "\n" };
        let shown = format!("$ {line}\n{}{end}{errors}? {}\n", ran.stdout, ran.code);
        self.text.push_str(&self.house.redacted(&without_addresses(&shown)));
        self
    }

    pub(crate) fn is(&self, name: &str) {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cmd/connector/transcripts");
        let file = place.join(format!("{name}.txt"));
        let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(self.text.clone(), expected);
    }
}

/// Text in which the last part of a store's path, 64 hex digits, is `[HASH]`.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("/sha256/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(if digits == 64 { "/sha256/[HASH]" } else { "/sha256/" });
        out.push_str(if digits == 64 { &part[64..] } else { part });
    }
    out
}

/// Runs a line whose standard input is this text.
pub(crate) fn answered(house: &House, answers: &str, line: &str) -> Ran {
    let input = house.root.with_file_name("answers");
    std::fs::write(&input, answers).unwrap();
    let mut command = house.typed(line);
    command.stdin(File::open(&input).unwrap());
    house.finish(command, line)
}
