//! The README shows what really happens: every `console` block is run, in order, in one shell session's directory, and
//! what it prints is compared with what the README says.
//!
//! Keys are random, so fingerprints, digests and sizes are compared by shape. `UPDATE_README=1 cargo test --test cmd readme`
//! writes the real output into the README.

use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// One `$ command` and the lines below it.
struct Step {
    command: String,
    expected: String,
}

#[test]
fn every_command_of_the_readme_prints_what_the_readme_says() {
    let readme = std::fs::read_to_string(README).expect("the README is there");
    let session = Session::new();
    let mut updated = readme.clone();
    let mut ran = 0;
    for block in blocks(&readme) {
        let mut shown = String::new();
        for step in steps(block) {
            let printed = session.run(&step.command);
            if std::env::var_os("UPDATE_README").is_none() {
                assert_eq!(shape(&printed), shape(&step.expected), "$ {}\n{printed}", step.command);
            }
            shown.push_str(&format!("$ {}\n{}\n", step.command, printed));
            ran += 1;
        }
        updated = updated.replace(block, &format!("{}\n", shown.trim_end()));
    }
    assert!(ran >= 10, "the walk-through has {ran} commands");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(README, updated).expect("the README can be written");
    }
}

#[test]
fn the_readme_names_the_limits_that_are_kept() {
    let readme = std::fs::read_to_string(README).expect("the README is there");
    let words: Vec<&str> = readme.split_whitespace().collect();
    let limits = aileron_cli::github::Limits::github().to_string();
    assert!(words.join(" ").contains(&limits), "the README does not say: {limits}");
}

/// The `console` blocks, without their fences.
fn blocks(readme: &str) -> Vec<&str> {
    readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().expect("a block ends")).collect()
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ").filter(|_| !inside_demo(&steps)) {
            Some(command) => steps.push(Step { command: command.to_owned(), expected: String::new() }),
            None => {
                let step = steps.last_mut().expect("a block starts with a command");
                step.expected.push_str(line);
                step.expected.push('\n');
            }
        }
    }
    steps
}

/// The demo prints the commands it stands for: they are its output, not steps of ours.
fn inside_demo(steps: &[Step]) -> bool {
    steps.last().is_some_and(|step| step.command.ends_with("demo"))
}

/// What stays the same when keys, sizes and places differ: fingerprints, digests, numbers and times of day by kind, spaces
/// folded.
fn shape(text: &str) -> String {
    let word = |word: &str| {
        if let Some(at) = word.find("sha256:") {
            return format!("{}sha256:*", &word[..at]);
        }
        if let Some(at) = word.find("aileron-demo-") {
            return format!("{}aileron-demo-*", word[..at].rsplit('/').next_back().unwrap_or_default());
        }
        // The port is the system's choice where another program has the usual one.
        let hosts = ["http://localhost:", "http://127.0.0.1:"];
        if let Some(host) = hosts.into_iter().find(|host| word.starts_with(host)) {
            return format!("{host}*{}", word[host.len()..].trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        if word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return "COMMIT".to_owned();
        }
        let digits = word.trim_matches(['(', ')', ',', ':']);
        let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ':');
        if number { "N".to_owned() } else { word.to_owned() }
    };
    // A time of another day comes with its date.
    let undated = |line: String| match line.split_once(" UTC on N ") {
        Some((before, date)) => format!("{before} UTC {}", date.split(' ').skip(2).collect::<Vec<_>>().join(" ")),
        None => line,
    };
    let line = |line: &str| undated(line.split_whitespace().map(word).collect::<Vec<_>>().join(" "));
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A directory, a home and a `PATH` of its own.
struct Session {
    directory: tempfile::TempDir,
    path: std::ffi::OsString,
}

impl Session {
    fn new() -> Session {
        let binaries = PathBuf::from(env!("CARGO_BIN_EXE_aileron-pub"));
        let own = binaries.parent().expect("a directory").to_owned();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&inherited)));
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("tmp")).expect("a directory");
        Session { directory, path: path.expect("a PATH") }
    }

    /// Runs a line in bash, as typed; standard output and error together, as a terminal shows them.
    fn run(&self, command: &str) -> String {
        // A reader has cargo at hand; here the binary is built already.
        let command = command.replace("cargo run --bin aileron-pub --", "aileron-pub");
        let here = self.directory.path();
        // What a shell keeps between two lines: the directory, and what was exported.
        let script = format!(
            "[ ! -f .session ] || . ./.session; {{ {command}; }} 2>&1; {{ echo cd \"'$PWD'\"; export -p | grep AILERON_; }} > {}",
            quoted(&here.join(".session"))
        );
        let run = Command::new("bash")
            .args(["-c", &script])
            .current_dir(here)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", here)
            .env("TMPDIR", here.join("tmp"))
            .env("GIT_AUTHOR_NAME", "Acme")
            .env("GIT_AUTHOR_EMAIL", "acme@example.com")
            .env("GIT_COMMITTER_NAME", "Acme")
            .env("GIT_COMMITTER_EMAIL", "acme@example.com")
            .output()
            .expect("bash runs");
        // The reader's temporary directory is /tmp; ours goes away with the test.
        let printed = String::from_utf8(run.stdout).expect("UTF-8");
        printed.replace(&*here.join("tmp").to_string_lossy(), "/tmp").replace(&*here.to_string_lossy(), "~")
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
