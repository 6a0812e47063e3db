//! Manifests, actions and suites, and the reference repositories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aileron_testkit::{shared, vectors};
use aileron_verifier::artifact::action::{Action, bundle};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::suite::{InstallSuite, RepositorySuite};
use aileron_verifier::problem::{Class, Parsed, Problem, Rule, Severity, Source};
use aileron_verifier::rules;
use aileron_verifier::text::toml::Stage;
use serde_json::Value;

use super::{bytes, compare, text};

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
        Err(problem) => Parsed { document: None, problems: vec![problem], more: 0 },
    };
    assert!(parsed.problems.is_sorted_by_key(|problem| problem.at.start), "{:?}", parsed.problems);
    if verdict(&parsed).is_none() {
        assert!(parsed.document.is_some());
    }
    parsed
}

#[test] // artifacts.md §2
fn every_manifest_vector_has_its_verdict_and_class() {
    for row in vectors("manifest") {
        let parsed = judge(bytes(&row["input"]), |source| ConnectorManifest::parse(source, Stage::Artifact));
        compare(&row, verdict(&parsed));
    }
}

#[test] // artifacts.md §3
fn every_action_vector_has_its_verdict_and_class() {
    for row in vectors("action_manifest") {
        // `local://` and identity inside one file are judged in source; archives have `verify` for that.
        compare(&row, verdict(&judge(bytes(&row["input"]), |source| Action::parse(source, Stage::Source))));
    }
}

#[test] // artifacts.md §3, bundle rules
fn every_bundle_vector_has_its_verdict() {
    for row in vectors("bundle") {
        let files = row["files"].as_array().expect("files");
        let read = |file: &Value| {
            let source = Source::read(text(&file["name"]), text(&file["text"]).into()).expect("UTF-8");
            Action::parse(source, Stage::Artifact).document.unwrap_or_else(|| panic!("{}", row["id"]))
        };
        let actions: Vec<Action> = files.iter().map(read).collect();
        let problems = bundle(&actions.iter().collect::<Vec<_>>());
        compare(&row, problems.first().map(|problem| problem.rule.class()));
        assert!(problems.iter().all(|p| files.iter().any(|file| text(&file["name"]) == &*p.file)), "{}", row["id"]);
    }
}

#[test] // the existing runtime's verdict on what is published today
fn the_reference_files_are_judged_as_existing_consumers_judge_them() {
    let (Some(rows), Some(base)) = (shared("vectors/archives/reference.jsonl"), shared("reference")) else { return };
    for line in std::fs::read_to_string(rows).expect("readable").lines() {
        let row: Value = serde_json::from_str(line).expect("a row is JSON");
        let path = text(&row["path"]);
        let bytes = std::fs::read(base.join(path)).expect("readable");
        let (class, waivable) = if path.ends_with("action.md") {
            let parsed = judge(bytes, |source| Action::parse(source, Stage::Source));
            assert!(parsed.document.is_some(), "{path}: waivable at most: {:?}", parsed.problems);
            (verdict(&parsed), parsed.problems.iter().any(|problem| problem.rule.is_waivable()))
        } else if path.ends_with("manifest.toml") {
            (verdict(&judge(bytes, |source| ConnectorManifest::parse(source, Stage::Source))), false)
        } else {
            (verdict(&judge(bytes, RepositorySuite::parse)), false)
        };
        assert_eq!(class.is_none(), row["verdict"] == "accept", "{path}");
        assert_eq!(class.is_some(), waivable, "{path}");
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
        let rules: Vec<&'static Rule> = parsed.problems.iter().map(|problem| problem.rule).collect();
        refused += usize::from(verdict(parsed).is_some());
        for rule in rules::all().filter(|rule| rules.contains(rule)) {
            *files.entry(rule.id()).or_insert(0) += 1;
            *places.entry(rule.id()).or_insert(0) += rules.iter().filter(|found| **found == rule).count();
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
