//! Transcripts: what a person types and sees. Every verb has one, `tests/cmd/<verb>/transcript.txt`; other `.txt` files
//! beside it are more of them.
//!
//! A transcript is run from top to bottom in a home of its own, which its first line names: `home: empty`, `tea` (a
//! repository), `released` (and its version 0.1.0 in `registry`) or `bindings` (a vault with credentials). `$` is what was
//! typed, a line of a shell, `>` continues it, `!` starts a line of standard error, `?` is the exit code. To add one, write
//! `$` and `? 0` lines only: `SNAPSHOTS=overwrite cargo test --test cmd transcripts` writes down what happens now.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aileron_cli::ui::commands::{Consumer, Publisher};
use aileron_testkit::home::TestHome;
use clap::{Command, CommandFactory as _};

/// A transcript as it is written down.
struct Transcript {
    file: PathBuf,
    home: String,
    parts: Vec<Part>,
}

enum Part {
    /// Headings and empty lines.
    Text(String),
    /// What was typed, and the exit code it had.
    Typed { lines: String, code: i32 },
}

impl Transcript {
    fn read(file: PathBuf) -> Transcript {
        let text = fs::read_to_string(&file).unwrap();
        let mut lines = text.lines().peekable();
        let home = lines.next().and_then(|line| line.strip_prefix("home: ")).map(str::to_owned);
        let home = home.unwrap_or_else(|| panic!("{}: the first line does not name a home", file.display()));
        let mut parts = Vec::new();
        while let Some(line) = lines.next() {
            if !line.starts_with("$ ") {
                parts.push(Part::Text(line.to_owned() + "\n"));
                continue;
            }
            let mut typed = line[2..].to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with('>')) {
                typed = format!("{typed}\n{}", more[1..].strip_prefix(' ').unwrap_or_default());
            }
            let code = lines.by_ref().find_map(exit_code);
            let code = code.unwrap_or_else(|| panic!("{}: write `? 0` below $ {line}", file.display()));
            parts.push(Part::Typed { lines: typed, code });
        }
        Transcript { file, home, parts }
    }

    /// The same with what happens now.
    fn replayed(&self) -> String {
        let home = match self.home.as_str() {
            "empty" => TestHome::new(),
            "tea" => TestHome::with_tea(),
            "released" => TestHome::released(),
            "bindings" => crate::vault::with_bindings(),
            other => panic!("{}: there is no home {other:?}", self.file.display()),
        };
        let mut text = format!("home: {}\n", self.home);
        for part in &self.parts {
            match part {
                Part::Text(line) => text.push_str(line),
                Part::Typed { lines, .. } => {
                    let ran = home.finish(home.shell(lines), lines);
                    writeln!(text, "$ {}", lines.replace('\n', "\n> ").replace("> \n", ">\n")).unwrap();
                    // A question has no line end of its own.
                    let end = if ran.stdout.is_empty() || ran.stdout.ends_with('\n') { "" } else { "\n" };
                    let errors = ran.stderr.lines().map(|line| format!("! {line}").trim_end().to_owned() + "\n");
                    let said = format!("{}{end}{}? {}\n", ran.stdout, errors.collect::<String>(), ran.code);
                    text.push_str(&home.redacted(&said));
                }
            }
        }
        text
    }
}

fn exit_code(line: &str) -> Option<i32> {
    line.strip_prefix("? ")?.parse().ok()
}

/// Every `.txt` of a verb, or of all of them.
fn transcripts(verb: &str) -> Vec<Transcript> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cmd").join(verb)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().map(Transcript::read).collect()
}

/// What was typed, one line, in a verb's transcripts, with the exit codes.
fn typed(verb: &str) -> Vec<(String, i32)> {
    let parts = transcripts(verb).into_iter().flat_map(|transcript| transcript.parts);
    let typed = parts.filter_map(|part| match part {
        Part::Typed { lines, code } if !lines.contains('\n') => Some((lines, code)),
        _ => None,
    });
    typed.collect()
}

/// The words of a line from the program's name on, without `-C`: `aileron-pub check`.
fn words(line: &str) -> Vec<&str> {
    let mut words = line.split_whitespace().skip_while(|word| !["aileron", "aileron-pub"].contains(word));
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if word == "-C" {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept
}

/// Every command below `command`, as words; and those that do something, not groups of others.
pub(crate) fn commands(command: &Command) -> Vec<(Vec<String>, bool)> {
    let mut all = vec![(vec![command.get_name().to_owned()], !command.has_subcommands())];
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let with_name = |(path, leaf): (Vec<String>, bool)| ([&all[0].0[..], &path[..]].concat(), leaf);
        let below: Vec<_> = commands(below).into_iter().map(with_name).collect();
        all.extend(below);
    }
    all
}

/// Both programs' commands.
pub(crate) fn every_command() -> Vec<(Vec<String>, bool)> {
    [commands(&Publisher::command()), commands(&Consumer::command())].concat()
}

/// For each verb of the publisher that works on a repository, its name and how its transcript runs it on `tea`: the first
/// line that succeeds, which needs no shell.
pub(crate) fn on_a_repository() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (path, _) in commands(&Publisher::command()).into_iter().filter(|(_, leaf)| *leaf) {
        let line = typed(&path[1]).into_iter().find(|(line, code)| {
            *code == 0
                && line.starts_with("aileron-pub -C tea ")
                && !line.contains(['|', '>', '<', ';', '&', '$', '"', '\'', '`'])
                && words(line).starts_with(&path.iter().map(String::as_str).collect::<Vec<_>>())
                && !line.contains("--help")
        });
        lines.extend(line.map(|(line, _)| (path[1..].join(" "), line)));
    }
    lines
}

#[test]
fn what_happens_is_what_is_written_down() {
    let (all, next, wrong) = (transcripts(""), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(transcript) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let compared = catch_unwind(AssertUnwindSafe(|| {
                let expected = snapbox::Data::read_from(&transcript.file, Some(snapbox::data::DataFormat::Text));
                let assert = snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV);
                let assert = assert.normalize_paths(false); // a backslash is a backslash
                assert.eq(transcript.replayed(), expected);
            }));
            if compared.is_err() {
                wrong.lock().unwrap().push(transcript.file.clone());
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// They succeed where somebody answers: a provider whose page was visited (`vault::browser`), GitHub (`keys::github_secret`), an
/// extension (`aegis::trial`); or where Go is (`aegis::build`).
const ELSEWHERE: [[&str; 3]; 4] = [
    ["aileron", "binding", "reauthorize"],
    ["aileron-pub", "keys", "github-secret"],
    ["aileron-pub", "aegis", "build"],
    ["aileron-pub", "aegis", "try"],
];

#[test]
fn every_verb_has_a_transcript_with_its_help_and_a_success() {
    let mut missing = BTreeSet::new();
    for (path, leaf) in every_command() {
        let verb = path.get(1).map_or("every_verb", String::as_str);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cmd").join(verb).join("transcript.txt");
        if !file.exists() {
            missing.insert(format!("tests/cmd/{verb}/transcript.txt"));
            continue;
        }
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let typed = typed(verb);
        let runs = |line: &str| words(line).starts_with(&path);
        let is_help = |line: &str| words(line) == [&path[..], &["--help"]].concat();
        if !typed.iter().any(|(line, _)| is_help(line)) {
            missing.insert(format!("{}: `{} --help`", file.display(), path.join(" ")));
        }
        if leaf
            && !ELSEWHERE.iter().any(|known| path == *known)
            && !typed.iter().any(|(line, code)| *code == 0 && runs(line) && !is_help(line))
        {
            missing.insert(format!("{}: `{}` with exit code 0", file.display(), path.join(" ")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_help_has_examples_that_parse_and_a_table_of_exit_codes() {
    let home = TestHome::new();
    for (path, _) in every_command() {
        let line = format!("COLUMNS=200 {} --help", path.join(" "));
        let help = home.ok(&line).stdout;
        let Some((_, examples)) = help.split_once("Examples:\n") else { continue };
        let (examples, codes) = examples.split_once("\n\nExit codes:\n").unwrap_or((examples, ""));
        if !codes.is_empty() {
            let codes: Vec<&str> = codes.lines().filter_map(|line| line.split_whitespace().next()).collect();
            assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "130"], "{line}");
        }
        for example in examples.lines() {
            let command = example.trim().split("    ").next().unwrap().trim();
            // In a directory without a repository, an example fails for that reason and not for its words.
            if !command.contains(" demo") && !command.contains(" init") {
                let line = format!("AILERON_MIRROR=nowhere {command}");
                let ran = home.finish(home.shell(&line), &line);
                assert!(!ran.stderr.contains("--help"), "{command}\n{}", ran.stderr);
            }
        }
    }
}
