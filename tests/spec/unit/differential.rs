//! Our YAML reader beside Go's: `gopkg.in/yaml.v3` v3.0.1 with known fields, which Aileron reads units with.
//! cli-unit.md §2.2.
//!
//! Documents are generated and mutated, always the same ones. What Go refuses we refuse; what both take has the same values,
//! or breaks the same rule of validation. Where we refuse what Go takes, the parsers differ and refusing is the answer: how
//! often that happens is bounded.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aileron_testkit::{Requirement, fuzzed, say, skip};
use aileron_verifier::problem::Source;
use aileron_verifier::text::json::tape::{Syntax, Tape};
use aileron_verifier::unit::{unit_from_json, unit_from_yaml};
use serde_json::{Value, json};

const DOCUMENTS: usize = 20_000;

/// Of what Go takes, the part that we may refuse because the parsers differ.
const MOST_REFUSED: f64 = 0.05;

/// The Go program, built; none, loudly, where there is no Go or no way to the module.
fn program(into: &Path) -> Option<PathBuf> {
    if !Requirement::Go.is_met() {
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/unit/yaml");
    for file in ["main.go", "go.mod", "go.sum"] {
        std::fs::copy(sources.join(file), into.join(file)).expect("a copy");
    }
    let built = Command::new("go").args(["build", "-o", "yaml", "."]).current_dir(into).output().expect("go starts");
    if !built.status.success() {
        let why = String::from_utf8_lossy(&built.stderr).into_owned();
        skip(Requirement::Go, format_args!("gopkg.in/yaml.v3 cannot be had or built: {}", why.trim()));
        return None;
    }
    Some(into.join("yaml"))
}

/// What the program answers to each document.
fn answers(program: &Path, documents: &[String]) -> Vec<Value> {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let lines: String = documents.iter().map(|text| format!("{}\n", json!(text))).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends").expect("it reads everything");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an answer")).collect()
}

/// Numbers that are the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const SCALARS: &[&str] = &[
    "gh",
    "user/github",
    "a b",
    "\"a\\tb\\u00e9\"",
    "'it''s'",
    "~",
    "null",
    "",
    "true",
    "No",
    "1",
    "0x10",
    "1.50",
    "1e3",
    "2001-12-14",
    "<host>",
    "\"\"",
    "''",
    "<<",
    "-",
    "--web",
    "*a",
    "&a x",
    "!!str 5",
    "!!int x",
    "!!binary Z2g=",
    "!!binary Z2g",
    "! x",
    "!local y",
    "\"a\n  b\"",
    "'a\n\n  b'",
    "api.github.com",
    "'*.example.com'",
    "a: b",
    "a #b",
    "#c",
    "@x",
    "`x",
    "%x",
    "x:",
    "[x]",
    "{a: b}",
    "|\n    text\n",
    ">-\n    folded\n    text",
    "é",
    "\u{1F375}",
    "\\",
    "a\\b",
    "\"\\x41\\/\"",
    "x-access-token",
    "{token}",
    "\"{token}\"",
    "? x",
    "- x",
    "=",
    ".",
    "...",
    "---",
];

const NAMES: &[&str] = &[
    "name",
    "key",
    "presence",
    "acquisition",
    "sealing",
    "state",
    "store_at",
    "credential_ref",
    "kind",
    "mode",
    "container_name",
    "login_cmd",
    "token_cmd",
    "browser_shim",
    "config_dir",
    "image",
    "host",
    "scheme",
    "emit_mechanism",
    "sentinel",
    "username",
    "header",
    "template",
    "query_param",
    "value",
    "env",
    "builtin",
    "bogus",
    "Name",
    "<<",
    "~",
    "\"name\"",
    "'key'",
    "? name\n",
    "!!str name",
    "*a",
];

/// Bits of text that change the meaning of what stands around them.
const BITS: &[&str] = &[
    "\n",
    " ",
    "  ",
    "\t",
    ":",
    ": ",
    "- ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " #",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "~",
    "<<: ",
    "? ",
    "---\n",
    "...\n",
    "%",
    "\\",
    "\r\n",
    "\r",
    "@",
    "`",
    "0",
    "null",
    "é",
    "\u{a0}",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "%YAML 1.1\n---\n",
    "%TAG ! x\n",
    "-",
    "=",
    "x",
    "key: ",
];

fn scalar(dice: &mut Dice) -> String {
    dice.pick(SCALARS).to_owned()
}

fn list(dice: &mut Dice) -> String {
    match dice.roll(4) {
        0 => scalar(dice),
        1 => format!("\n    - {}\n    - {}", scalar(dice), scalar(dice)),
        _ => {
            let items: Vec<String> = (0..dice.roll(4)).map(|_| scalar(dice)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

/// A document that has the shape of a unit, with some of its parts odd.
fn generated(dice: &mut Dice) -> String {
    let mut text = String::new();
    let odd = |dice: &mut Dice, usual: &str| match dice.roll(6) {
        0 => scalar(dice),
        _ => usual.to_owned(),
    };
    let name = |dice: &mut Dice, usual: &str| match dice.roll(24) {
        0 => dice.pick(NAMES).to_owned(),
        _ => usual.to_owned(),
    };
    for (member, usual) in [("name", "gh"), ("key", "user/github")] {
        text.push_str(&format!("{}: {}\n", name(dice, member), odd(dice, usual)));
    }
    text.push_str(&format!("{}:\n", name(dice, "acquisition")));
    for (member, usual) in [("mode", "device-flow"), ("container_name", "c"), ("image", "x")] {
        text.push_str(&format!("  {}: {}\n", name(dice, member), odd(dice, usual)));
    }
    for member in ["login_cmd", "token_cmd"] {
        let value = if dice.roll(3) == 0 { list(dice) } else { "[gh, auth]".to_owned() };
        text.push_str(&format!("  {}: {value}\n", name(dice, member)));
    }
    if dice.roll(2) == 0 {
        text.push_str("sealing:\n");
        for _ in 0..=dice.roll(2) {
            text.push_str(&format!("  - {}: {}\n", name(dice, "host"), odd(dice, "api.github.com")));
            text.push_str(&format!("    {}: {}\n", name(dice, "scheme"), odd(dice, "bearer")));
            if dice.roll(3) == 0 {
                text.push_str("    emit_mechanism: sentinel-swap\n");
                text.push_str(&format!("    sentinel: {{value: {}, env: E}}\n", odd(dice, "v")));
            }
        }
    }
    for _ in 0..dice.roll(2) {
        text.push_str(&format!("{}: {}\n", dice.pick(NAMES), scalar(dice)));
    }
    text
}

/// The same with a few bits put in, taken out, or a piece repeated.
fn mutated(dice: &mut Dice, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.roll(3) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (one, other) = (places[dice.roll(places.len())], places[dice.roll(places.len())]);
        match dice.roll(4) {
            0 => text.insert_str(one, dice.pick(BITS)),
            1 => text.replace_range(
                one..places.get(places.iter().position(|at| *at == one).unwrap_or(0) + 1).copied().unwrap_or(one),
                dice.pick(BITS),
            ),
            2 if one < other && other - one < 40 => text.replace_range(one..other, ""),
            _ => {
                let line = text.lines().nth(dice.roll(text.lines().count().max(1))).unwrap_or_default().to_owned();
                text.insert_str(one, &line);
            }
        }
    }
    text
}

fn documents() -> Vec<String> {
    let own = std::fs::read_to_string(super::vectors::own()).expect("the cases are readable");
    let cases: Vec<Value> = serde_json::from_str(&own).expect("an array of cases");
    let text_of = |case: &Value| case["input"]["unit"].as_str().or(case["input"].as_str()).map(str::to_owned);
    let seeds: Vec<String> = cases.iter().filter(|case| case["op"] != "label").filter_map(text_of).collect();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut documents = seeds.clone();
    while documents.len() < DOCUMENTS {
        let base = match dice.roll(3) {
            0 => seeds[dice.roll(seeds.len())].clone(),
            _ => generated(&mut dice),
        };
        documents.push(if dice.roll(3) == 0 { base } else { mutated(&mut dice, &base) });
    }
    documents
}

/// What we make of what Go decoded: a unit, or the rule of validation it breaks.
fn validated(answer: &Value) -> Result<Value, String> {
    let mut unit = answer["unit"].clone();
    if answer["state"].as_object().is_some_and(|state| !state.is_empty()) {
        unit["state"] = json!({"x": 1});
    }
    let text = unit.to_string();
    let tape = Tape::read(text.as_bytes(), Syntax::STRICT).expect("JSON");
    let read = unit_from_json(&Source::new("go.json", text.as_str()), tape.root());
    read.map(|unit| json!(unit)).map_err(|error| error.to_string())
}

/// What is wrong between the two, if anything; and whether we are the stricter one.
fn compared(text: &str, answer: &Value) -> Result<bool, String> {
    let ours = unit_from_yaml(&Source::new("unit.yaml", text));
    let is_decoding = |error: &str| error.starts_with("cli: parse unit: ");
    let theirs = answer["error"].as_str();
    match (&ours, theirs) {
        (Err(error), Some(_)) if is_decoding(&error.text) => Ok(false),
        (Err(error), None) if is_decoding(&error.text) => Ok(true),
        (Ok(unit), Some(why)) => Err(format!("Go refuses ({why}), we take {}", json!(unit))),
        (Err(error), Some(why)) => Err(format!("Go refuses ({why}), we decode, and then say {error}")),
        (ours, None) => {
            let ours = ours.as_ref().map(|unit| json!(unit)).map_err(ToString::to_string);
            let theirs = validated(answer);
            if ours == theirs { Ok(false) } else { Err(format!("Go: {theirs:?}\nwe: {ours:?}")) }
        }
    }
}

#[test] // cli-unit.md §2.2, D1 to D12
fn what_we_take_is_what_go_takes_with_the_same_values() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(program) = program(directory.path()) else { return };
    let documents = documents();
    let answers = answers(&program, &documents);
    assert_eq!(answers.len(), documents.len());
    let (mut wrong, mut stricter) = (Vec::new(), Vec::new());
    for (text, answer) in documents.iter().zip(&answers) {
        match compared(text, answer) {
            Ok(false) => {}
            Ok(true) => stricter.push(text),
            Err(why) => wrong.push(format!("{text:?}\n{why}")),
        }
    }
    let taken = answers.iter().filter(|answer| answer["error"].is_null()).count();
    if let Some(shown) = std::env::var_os("SHOW_STRICTER") {
        let most = shown.to_str().and_then(|text| text.parse().ok()).unwrap_or(20);
        for text in stricter.iter().take(most) {
            say(format_args!("{text:?}\n  {}", unit_from_yaml(&Source::new("u", text.as_str())).expect_err("refused")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), documents.len(), wrong[..wrong.len().min(12)].join("\n\n"));
    assert!(taken > documents.len() / 10, "only {taken} documents are taken by Go");
    let share = stricter.len() as f64 / taken as f64;
    say(format_args!("{} documents, {taken} taken by Go, {} of these refused by us", documents.len(), stricter.len()));
    assert!(share < MOST_REFUSED, "{} of {taken} are refused by us alone", stricter.len());
}

#[test] // cli-unit.md §9.3, §11
fn whatever_is_taken_comes_back_out_of_what_it_renders_to() {
    for text in documents() {
        fuzzed::unit::document(text.as_bytes());
        // The same text where JSON is wanted: what is JSON is judged, all else is refused.
        fuzzed::unit::manifest(text.as_bytes());
        fuzzed::unit::label(text.as_bytes());
    }
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(super::vectors::own()).expect("readable")).expect("cases");
    for case in cases {
        if let Some(text) = case["input"]["feature"].as_str() {
            fuzzed::unit::manifest(text.as_bytes());
        }
        if let Some(text) = case["input"]["label"].as_str() {
            fuzzed::unit::label(text.as_bytes());
        }
    }
}
