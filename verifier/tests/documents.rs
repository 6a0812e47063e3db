//! Manifests, actions and suites against the shared vectors and the reference repositories.
//!
//! The shared files live beside the workspace. Where they are not, these tests say so on stderr and pass; the rules
//! themselves are covered by the unit tests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aileron_verifier::action::{Action, bundle};
use aileron_verifier::manifest::ConnectorManifest;
use aileron_verifier::problem::{Class, Parsed, Problem, Rule, Severity, Source};
use aileron_verifier::suite::{InstallSuite, RepositorySuite};
use aileron_verifier::toml::Stage;
use base64::Engine as _;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    id: String,
    kind: String,
    #[serde(default)]
    input: Input,
    #[serde(default)]
    files: Vec<File>,
    spec: String,
    spec_class: Option<String>,
}

#[derive(Deserialize, Default)]
struct Input {
    text: Option<String>,
    base64: Option<String>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    text: String,
}

#[derive(Deserialize)]
struct ReferenceRow {
    path: String,
    verdict: String,
}

/// To stderr past the test runner, which hides what a passing test prints.
fn say(line: std::fmt::Arguments<'_>) {
    writeln!(std::io::stderr(), "{line}").expect("stderr");
}

/// The shared directory below the workspace's neighbour, or a loud skip.
fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if !found.exists() {
        say(format_args!("SKIPPED: {} is not here", found.display()));
    }
    Some(found).filter(|found| found.exists())
}

fn rows<T: for<'de> Deserialize<'de>>(path: &str) -> Vec<T> {
    let Some(path) = shared(path) else { return Vec::new() };
    let text = std::fs::read_to_string(&path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

impl Input {
    fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(encoded)) => base64::prelude::BASE64_STANDARD.decode(encoded).expect("base64"),
            _ => panic!("one of text and base64"),
        }
    }
}

/// The class of a refused document: reading comes before judging. None when nothing of error severity is wrong.
fn verdict<T>(parsed: &Parsed<T>) -> Option<Class> {
    let errors = |problem: &&Problem| problem.severity(&[]) == Severity::Error;
    let classes: Vec<Class> = parsed.problems.iter().filter(errors).map(|problem| problem.rule.class()).collect();
    let parse = classes.iter().find(|class| **class == Class::ParseError);
    parse.or(classes.first()).copied()
}

fn judge<T>(bytes: Vec<u8>, parse: impl FnOnce(Source) -> Parsed<T>) -> Parsed<T> {
    let parsed = match Source::read("file", bytes) {
        Ok(source) => {
            let text = source.text.clone();
            let parsed = parse(source);
            for problem in &parsed.problems {
                assert!(text.get(problem.at.clone()).is_some(), "{problem:?}");
            }
            parsed
        }
        Err(problem) => Parsed { document: None, problems: vec![problem] },
    };
    assert!(parsed.problems.is_sorted_by_key(|problem| problem.at.start), "{:?}", parsed.problems);
    if verdict(&parsed).is_none() {
        assert!(parsed.document.is_some());
    }
    parsed
}

#[test] // artifacts.md §2 and §3, one row per vector
fn every_manifest_and_action_vector_has_its_verdict_and_class() {
    let mut wrong = Vec::new();
    for row in rows::<Row>("vectors/archives/index.jsonl") {
        let class = match row.kind.as_str() {
            "manifest" => {
                let parsed = judge(row.input.bytes(), |source| ConnectorManifest::parse(source, Stage::Artifact));
                verdict(&parsed)
            }
            // `local://` and identity inside one file are judged in source; archives have `verify` for that.
            "action_manifest" => verdict(&judge(row.input.bytes(), |source| Action::parse(source, Stage::Source))),
            _ => continue,
        };
        let found = class.map(Class::as_str);
        if found.is_some() != (row.spec == "refuse") || found != row.spec_class.as_deref() {
            wrong.push(format!("{}: {found:?}, expected {} {:?}", row.id, row.spec, row.spec_class));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test] // artifacts.md §3, bundle rules
fn every_bundle_vector_has_its_verdict() {
    for row in rows::<Row>("vectors/archives/index.jsonl").into_iter().filter(|row| row.kind == "bundle") {
        let read = |file: &File| {
            let source = Source::read(&file.name, file.text.clone().into_bytes()).expect("UTF-8");
            Action::parse(source, Stage::Artifact).document.expect(&row.id)
        };
        let actions: Vec<Action> = row.files.iter().map(read).collect();
        let problems = bundle(&actions.iter().collect::<Vec<_>>());
        assert_eq!(problems.is_empty(), row.spec == "accept", "{}: {problems:?}", row.id);
        assert!(problems.iter().all(|p| p.rule.class().as_str() == row.spec_class.as_deref().unwrap_or_default()));
        assert!(problems.iter().all(|p| row.files.iter().any(|file| *file.name == *p.file)), "{}", row.id);
    }
}

#[test] // the existing runtime's verdict on what is published today
fn the_reference_files_are_judged_as_existing_consumers_judge_them() {
    for row in rows::<ReferenceRow>("vectors/archives/reference.jsonl") {
        let Some(path) = shared("reference").map(|base| base.join(&row.path)) else { return };
        let bytes = std::fs::read(&path).expect("readable");
        let (class, waivable) = if row.path.ends_with("action.md") {
            let parsed = judge(bytes, |source| Action::parse(source, Stage::Source));
            assert!(parsed.document.is_some(), "{}: waivable at most: {:?}", row.path, parsed.problems);
            (verdict(&parsed), parsed.problems.iter().any(|problem| problem.rule.is_waivable()))
        } else if row.path.ends_with("manifest.toml") {
            (verdict(&judge(bytes, |source| ConnectorManifest::parse(source, Stage::Source))), false)
        } else {
            (verdict(&judge(bytes, RepositorySuite::parse)), false)
        };
        assert_eq!(class.is_none(), row.verdict == "accept", "{}", row.path);
        assert_eq!(class.is_some(), waivable, "{}", row.path);
    }
}

/// `(path, parsed)` of every action of one reference repository.
fn actions(repository: &str, stage: Stage) -> Vec<(PathBuf, Parsed<Action>)> {
    let Some(base) = shared(&format!("reference/{repository}/actions")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(base)
        .expect("readable")
        .map(|entry| entry.expect("entry").path().join("action.md"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let source = Source::read(&path.to_string_lossy(), std::fs::read(&path).expect("readable")).expect("UTF-8");
        (path, Action::parse(source, stage))
    };
    paths.into_iter().map(read).collect()
}

#[test] // artifacts.md §3, the paragraph about linear
fn linear_breaks_exactly_the_rules_that_are_known() {
    let actions = actions("linear", Stage::Source);
    if actions.is_empty() {
        return;
    }
    let (mut files, mut places) = (BTreeMap::new(), BTreeMap::new());
    let mut refused = 0;
    for (_, parsed) in &actions {
        let rules: Vec<Rule> = parsed.problems.iter().map(|problem| problem.rule).collect();
        refused += usize::from(verdict(parsed).is_some());
        for rule in Rule::ALL.iter().filter(|rule| rules.contains(rule)) {
            *files.entry(rule.id()).or_insert(0) += 1;
            *places.entry(rule.id()).or_insert(0) += rules.iter().filter(|found| *found == rule).count();
        }
    }
    assert_eq!((actions.len(), refused), (516, 492));
    let expected = [
        ("capability-op", 4),
        ("empty-body", 516),
        ("input-description", 20),
        ("input-duplicate", 11),
        ("input-name", 309),
        ("input-type", 491),
        ("intent-empty", 1),
    ];
    assert_eq!(files, BTreeMap::from(expected));
    assert_eq!((places["capability-op"], places["empty-body"], places["input-name"]), (4, 516, 1470));
}

#[test] // reference/README.md, its table of counts
fn nothing_is_lost_between_a_reference_file_and_its_document() {
    for (repository, count, members, approvals) in
        [("google", 21, 21, 4), ("slack", 3, 3, 1), ("athena", 15, 15, 1), ("linear", 516, 516, 360)]
    {
        let Some(base) = shared(&format!("reference/{repository}")) else { return };
        let read = |path: &str| Source::read(path, std::fs::read(base.join(path)).expect(path)).expect("UTF-8");
        let manifest = ConnectorManifest::parse(read("connector/manifest.toml"), Stage::Source);
        assert!(verdict(&manifest).is_none(), "{:?}", manifest.problems);
        let manifest = manifest.document.expect("a document");
        let written = |source: &Source, at: &std::ops::Range<usize>| source.text[at.clone()].to_owned();
        let quoted = |value: &dyn std::fmt::Display| format!("\"{value}\"");
        assert_eq!(written(&manifest.source, &manifest.name.at), quoted(&manifest.name.value));
        assert_eq!(written(&manifest.source, &manifest.version.at), quoted(&"0.0.0-dev"));
        for host in &manifest.hosts {
            assert_eq!(written(&manifest.source, &host.at), quoted(&host.value));
        }
        let suite = RepositorySuite::parse(read("suite.toml"));
        assert!(suite.problems.is_empty(), "{:?}", suite.problems);
        let suite = suite.document.expect("a document");
        assert_eq!(suite.actions.len(), members, "{repository}");
        let actions = actions(repository, Stage::Source);
        assert_eq!(actions.len(), count, "{repository}");
        let mut approved = 0;
        for (path, parsed) in &actions {
            let action = parsed.document.as_ref().expect("a document");
            let text = &action.source.text;
            let slice = |at: &std::ops::Range<usize>| &text[at.clone()];
            assert_eq!(slice(&action.name.at), quoted(&action.name.value));
            assert_eq!(slice(&action.version.at), quoted(&action.version.value));
            assert_eq!(slice(&action.reference.at), quoted(&action.reference.value));
            assert_eq!(path.parent().and_then(Path::file_name), Some(action.name.value.as_ref()));
            for requirement in &action.requires {
                assert_eq!(slice(&requirement.name.at), quoted(&manifest.name.value));
                assert_eq!(slice(&requirement.version.at), quoted(&requirement.version.value));
                assert_eq!(slice(&requirement.hash.at), "\"sha256:bound-at-release\"");
            }
            assert_eq!(text.matches("[[inputs]]").count(), action.inputs.len(), "{}", path.display());
            assert_eq!(text.matches("\n[[execute]]").count(), action.steps.len(), "{}", path.display());
            assert!(slice(&action.front_matter).starts_with("name = "));
            assert!(text[..action.body.start].trim_end().ends_with("\n+++"));
            assert!(suite.names().any(|name| name == action.name.value));
            approved += usize::from(action.needs_approval());
        }
        assert_eq!(approved, approvals, "{repository}");
        let read: Vec<&Action> = actions.iter().filter_map(|(_, parsed)| parsed.document.as_ref()).collect();
        assert_eq!(bundle(&read), [], "{repository}");
        let install = InstallSuite {
            name: suite.name.value,
            description: suite.description.value,
            actions: read.iter().map(|action| action.reference.value.clone()).collect(),
        };
        let rendered = Source::read("suite.toml", install.render().into_bytes()).expect("UTF-8");
        assert_eq!(InstallSuite::parse(rendered).document, Some(install));
    }
}

#[test]
fn five_hundred_actions_are_read_in_a_blink() {
    let Some(base) = shared("reference/linear/actions") else { return };
    let sources: Vec<Source> = std::fs::read_dir(base)
        .expect("readable")
        .map(|entry| std::fs::read(entry.expect("entry").path().join("action.md")).expect("readable"))
        .map(|bytes| Source::read("action.md", bytes).expect("UTF-8"))
        .collect();
    let started = Instant::now();
    let read = sources.iter().filter(|s| Action::parse((*s).clone(), Stage::Source).document.is_some()).count();
    let each = started.elapsed() / u32::try_from(sources.len()).expect("a small number");
    say(format_args!("{each:?} per action"));
    assert_eq!(read, sources.len());
    // Ten times what an unoptimised build needs on a slow machine: this catches a parser gone quadratic, not noise.
    assert!(each.as_millis() < 20, "{each:?}");
}
