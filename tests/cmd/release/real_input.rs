//! Four published repositories as they are: what `check` says of them, and all 559 artifacts in one registry.
//!
//! The figures are counted here a second time, over raw lines and without any parser of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use aileron_testkit::home::tree::{self, sha256, stats, unpack};
use aileron_testkit::home::{ALLOW, Ran, Repository, TestHome, directory, ends, module, ok, run, strings, writes};
use aileron_testkit::{Requirement, reference};
use serde_json::{Value, json};

const REPOSITORIES: [(&str, usize); 4] = [("google", 21), ("slack", 3), ("athena", 15), ("linear", 516)];

/// `(severity, rule, file, line)` of every problem.
type Finding = (String, String, String, u64);

fn found(document: &Value) -> Vec<Finding> {
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap().to_owned();
    let finding = |problem: &Value| {
        let line = problem["line"].as_u64().unwrap();
        (text(problem, "severity"), text(problem, "rule"), text(problem, "file"), line)
    };
    document["problems"].as_array().unwrap().iter().map(finding).collect()
}

fn finding(severity: &str, rule: &str, file: &str, line: usize) -> Finding {
    (severity.into(), rule.into(), file.into(), line as u64)
}

/// Warnings of every repository that declares no imports and has no key yet.
fn usual(repository: &Repository<'_>) -> [Finding; 2] {
    let manifest = repository.read("connector/manifest.toml");
    assert!(!manifest.contains("[capabilities.runtime]"));
    [
        finding("warning", "runtime-missing", "connector/manifest.toml", manifest.lines().count() + 1),
        finding("warning", "publisher-key-missing", "keys/publisher.pub", 1),
    ]
}

/// Lines, from 1, that satisfy a condition.
fn lines(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    text.lines().zip(1..).filter(|(line, _)| wanted(line)).map(|(_, number)| number).collect()
}

fn as_it_is<'a>(home: &'a TestHome, name: &str) -> Option<Repository<'a>> {
    Some(home.copy(&reference(name)?, name))
}

#[test]
fn check_names_the_three_places_where_google_holds_a_version() {
    let home = TestHome::new();
    let Some(google) = as_it_is(&home, "google") else { return };
    let file = "actions/list-recent-emails/action.md";
    let places = lines(&google.read(file), |line| line.contains("0.3.0"));
    assert_eq!(places, [3, 4, 8]);
    let mut expected: Vec<_> = places.into_iter().map(|line| finding("error", "placeholder", file, line)).collect();
    expected.extend(usual(&google));
    let document = ends(&mut google.publisher(&["check", "--json"]), 6).json();
    assert_eq!(found(&document), expected);
    assert_eq!((&document["errors"], &document["warnings"], &document["ok"]), (&json!(3), &json!(2), &json!(false)));
    let columns: Vec<_> = (0..3).map(|problem| document["problems"][problem]["column"].as_u64().unwrap()).collect();
    assert_eq!(columns, [11, 10, 11], "at the opening quote of each value");
    let waived = ends(google.publisher(&["check", "--json"]).args(ALLOW), 6).json();
    assert_eq!(found(&waived), expected, "no waiver covers a placeholder");
}

#[test]
fn check_has_nothing_against_slack_and_athena() {
    let home = TestHome::new();
    for (name, steps) in [("slack", vec!["list-channels", "search-messages"]), ("athena", vec![])] {
        let Some(repository) = as_it_is(&home, name) else { return };
        let undecided = |action: &&str| {
            let file = format!("actions/{action}/action.md");
            let text = repository.read(&file);
            assert!(lines(&text, |line| line.starts_with("idempotent")).is_empty());
            let at = lines(&text, |line| line == "[[execute]]");
            assert_eq!(at.len(), 1);
            finding("warning", "idempotent-missing", &file, at[0])
        };
        let mut expected: Vec<_> = steps.iter().map(undecided).collect();
        expected.extend(usual(&repository));
        let document = ok(&mut repository.publisher(&["check", "--json"])).json();
        assert_eq!(found(&document), expected, "{name}");
        assert_eq!(document["errors"], 0);
    }
}

const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];

/// What raw lines say of linear, by rule: `(file, line)`.
fn recount(root: &Path) -> BTreeMap<&'static str, BTreeSet<(String, u64)>> {
    let mut counted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for entry in fs::read_dir(root.join("actions")).unwrap().map(Result::unwrap) {
        let file = format!("actions/{}/action.md", entry.file_name().to_str().unwrap());
        let text = fs::read_to_string(root.join(&file)).unwrap();
        let (mut table, mut seen, mut body, mut fences) = ("", BTreeSet::new(), String::new(), 0);
        let (mut capability, mut op) = (("", 0), "");
        for (line, number) in text.lines().zip(1_u64..) {
            let mut note = |rule| counted.entry(rule).or_default().insert((file.clone(), number));
            if line == "+++" {
                fences += 1;
            } else if fences == 2 {
                body.push_str(line);
            } else if line.starts_with('[') {
                table = line;
            }
            let Some((key, value)) = line.split_once(" = ").filter(|_| fences == 1) else { continue };
            let value = value.trim_matches('"');
            match (table, key) {
                ("[[inputs]]", "name") => {
                    let snake = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
                    if !value.starts_with(|first: char| first.is_ascii_lowercase()) || !value.bytes().all(snake) {
                        note("input-name");
                    }
                    if !seen.insert(value) {
                        note("input-duplicate");
                    }
                }
                ("[[inputs]]", "type") if !TYPES.contains(&value) => drop(note("input-type")),
                ("[[inputs]]", "description") if value.trim().is_empty() => drop(note("input-description")),
                ("[match]", "intent") if value.is_empty() => drop(note("intent-empty")),
                ("[[requires.connectors]]", "capabilities") => {
                    capability = (value.trim_start_matches("[\"").trim_end_matches("\"]"), number);
                }
                ("[[execute]]", "op") => op = value,
                _ => {}
            }
        }
        if capability.0 != op {
            counted.entry("capability-op").or_default().insert((file.clone(), capability.1));
        }
        if body.trim().is_empty() {
            counted.entry("empty-body").or_default().insert((file, 0));
        }
    }
    counted
}

#[test]
fn check_says_file_by_file_what_consumers_refuse_in_linear() {
    let home = TestHome::new();
    let Some(linear) = as_it_is(&home, "linear") else { return };
    let document = ends(&mut linear.publisher(&["check", "--json"]), 6).json();
    let found = found(&document);
    let by_rule = |wanted: &str| -> BTreeSet<(String, u64)> {
        let of_rule = found.iter().filter(|(_, rule, ..)| rule == wanted);
        of_rule.map(|(_, _, file, line)| (file.clone(), if wanted == "empty-body" { 0 } else { *line })).collect()
    };
    let raw = recount(&linear.root);
    let figures = [
        ("input-name", 309, 1470),
        ("input-type", 491, 2764),
        ("input-duplicate", 11, 53),
        ("input-description", 20, 47),
        ("intent-empty", 1, 1),
        ("empty-body", 516, 516),
        ("capability-op", 4, 4),
    ];
    for (rule, files, places) in figures {
        let ours = by_rule(rule);
        let distinct: BTreeSet<_> = ours.iter().map(|(file, _)| file).collect();
        assert_eq!((distinct.len(), ours.len()), (files, places), "{rule}");
        assert_eq!(Some(&ours), raw.get(rule), "{rule}: the same places as the raw lines have");
    }
    let errors: Vec<_> = found.iter().filter(|(severity, ..)| severity == "error").collect();
    let files: BTreeSet<_> = errors.iter().map(|(_, _, file, _)| file).collect();
    let rules: BTreeSet<_> = errors.iter().map(|(_, rule, ..)| rule.as_str()).collect();
    assert_eq!((files.len(), errors.len()), (492, 4335));
    assert!(rules.into_iter().eq(["input-description", "input-duplicate", "input-name", "input-type", "intent-empty"]));
    assert_eq!((&document["actions"], &document["errors"]), (&json!(516), &json!(4335)));
    let waived = ok(linear.publisher(&["check", "--json"]).args(ALLOW)).json();
    assert_eq!((&waived["errors"], &waived["problems"].as_array().unwrap().len()), (&json!(0), &found.len()));
}

pub(crate) const SECRETS: [(&str, &str, &str); 2] = [
    ("google", "GOOGLE_OAUTH_CLIENT_SECRET", "GOCSPX-\"two\"\\three"),
    ("slack", "SLACK_OAUTH_CLIENT_SECRET", "slack & secret | x"),
];

/// A published repository with a key, google corrected as its publisher would; and the module it is released with.
pub(crate) fn ready<'a>(home: &'a TestHome, name: &str) -> Option<Repository<'a>> {
    let repository = as_it_is(home, name)?;
    if name == "google" {
        let file = "actions/list-recent-emails/action.md";
        repository.write(file, &repository.read(file).replace("0.3.0", "0.0.0-dev"));
        repository.commit("the placeholder, as everywhere else");
    }
    fs::write(home.path("module.wasm"), module()).unwrap();
    Some(repository.with_key())
}

fn four(home: &TestHome) -> Option<Vec<(&'static str, Repository<'_>)>> {
    REPOSITORIES.iter().map(|(name, _)| Some((*name, ready(home, name)?))).collect()
}

/// A release with what each repository needs: its secret in the service's own variable, waivers for linear only.
fn release(name: &str, repository: &Repository<'_>, registry: &Path) -> Command {
    let mut command = repository.release("v1.2.3", registry);
    command.arg("--wasm").arg(repository.home.path("module.wasm"));
    for (_, variable, secret) in SECRETS.iter().filter(|(service, ..)| *service == name) {
        command.env(variable, secret);
    }
    if name == "linear" {
        command.args(ALLOW);
    }
    command
}

#[test]
fn all_559_artifacts_are_released_and_verified_and_released_again_without_a_write() {
    let home = TestHome::new();
    let Some(four) = four(&home) else { return };
    let registry = home.path("registry");
    let (mut actions, mut connectors) = (0, 0);
    for (name, repository) in &four {
        let count = REPOSITORIES.iter().find(|(other, _)| other == name).unwrap().1;
        let receipt = ok(&mut release(name, repository, &registry)).json();
        let artifacts = receipt["artifacts"].as_array().unwrap();
        let of_connector = artifacts.iter().filter(|artifact| !artifact["content_hash"].is_null()).count();
        connectors += of_connector;
        actions += artifacts.len() - of_connector;
        assert_eq!((artifacts.len(), of_connector), (count + 1, 1), "{name}");
        let allowed = if *name == "linear" { 5 } else { 0 };
        assert_eq!(strings(&receipt["allowed"]).len(), allowed, "{name}: waived rules are recorded");
        let place = registry.join(format!("ALRubinger/aileron-connector-{name}"));
        let verdict = ok(&mut repository.verify(&place)).json();
        assert_eq!((&verdict["verified"], &verdict["refused"]), (&json!(count + 1), &json!(0)), "{name}");
        let warned: usize =
            verdict["artifacts"].as_array().unwrap().iter().map(|one| one["warnings"].as_array().unwrap().len()).sum();
        assert_eq!(warned > 0, *name == "linear", "{name}: {warned} warnings");
        only_the_named_fields_differ(name, repository, &place, count);
    }
    assert_eq!((actions, connectors, actions + connectors), (555, 4, 559));

    let before = stats(&registry);
    for (name, repository) in &four {
        let first = ok(&mut release(name, repository, &registry));
        assert_eq!((writes(&first), &first.json()["found"]), (0, &json!("complete")), "{name}");
        let digests = first.json()["artifacts"].clone();
        for again in elsewhere(name, repository, &registry) {
            let again = again.json();
            assert_eq!((&again["writes"], &again["artifacts"]), (&json!(0), &digests), "{name}");
        }
    }
    assert!(stats(&registry) == before, "a release of what is published touched the registry");

    for (name, repository) in &four {
        for (key, of) in four.iter().filter(|(other, _)| other != name).take(1) {
            let place = registry.join(format!("ALRubinger/aileron-connector-{name}"));
            let mut verify = home.consumer(&["verify", place.to_str().unwrap(), "--json", "--key", &of.public_key()]);
            let refused = ends(&mut verify, 3).json();
            assert_eq!(refused["verified"], 0, "{name} with the key of {key}");
        }
        let status = ["status", "v1.2.3", "--json", "--to", &directory(&registry)];
        assert_eq!(ok(&mut repository.publisher(&status)).json()["status"], "complete");
    }
}

/// The same release from another path, from a clone, from the same tree committed at another time, elsewhere in the world.
fn elsewhere(name: &str, repository: &Repository<'_>, registry: &Path) -> Vec<Ran> {
    let home = repository.home;
    let at = |root: &str| Repository { root: home.path(root), ..repository.clone() };
    let moved = at(&format!("somewhere else/{name}"));
    tree::copy(&repository.root, &moved.root);
    let cloned = at(&format!("{name}-clone"));
    let from = repository.root.to_str().unwrap();
    ok(home.command("git").args(["clone", "--quiet", from, cloned.root.to_str().unwrap()]));
    // A clone's origin is a path, which says nothing about an owner; the commit is the same one.
    assert_eq!(cloned.git(&["rev-parse", "HEAD"]), repository.git(&["rev-parse", "HEAD"]));
    let recommitted = at(&format!("{name}-later"));
    tree::copy(&repository.root, &recommitted.root);
    let mut later = home.command("git");
    later.current_dir(&recommitted.root).env("GIT_COMMITTER_DATE", "2031-05-06T07:08:09+11:00");
    ok(later.args(["commit", "--quiet", "--amend", "--no-edit", "--date", "2031-05-06T07:08:09+11:00"]));
    assert_ne!(recommitted.git(&["rev-parse", "HEAD"]), repository.git(&["rev-parse", "HEAD"]));
    let abroad = |command: Command| {
        let mut abroad = home.command("sh");
        abroad.current_dir(command.get_current_dir().unwrap()).args(["-c", "umask 077; exec \"$0\" \"$@\""]);
        abroad.arg(command.get_program()).args(command.get_args());
        abroad.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        abroad.env("TZ", "Pacific/Kiritimati").env("LC_ALL", "C").env("SOURCE_DATE_EPOCH", "1");
        abroad
    };
    vec![
        ok(&mut release(name, &moved, registry)),
        ok(&mut release(name, &cloned, registry)),
        ok(&mut abroad(release(name, &recommitted, registry))),
    ]
}

/// Binding proof: line by line, what was published differs from what is committed in the fields of artifacts.md §5 alone.
fn only_the_named_fields_differ(name: &str, repository: &Repository<'_>, place: &Path, count: usize) {
    let archive =
        |tag: &str| unpack(&fs::read(place.join("releases/download").join(tag).join("aileron.tar.gz")).unwrap());
    let connector = archive("v1.2.3");
    let content = sha256(&[&connector["connector.wasm"], &connector["manifest.toml"]]);
    assert_eq!(connector["connector.wasm"], module());

    let committed = repository.read("connector/manifest.toml");
    let bound = String::from_utf8(connector["manifest.toml"].clone()).unwrap();
    let changed = changed_lines(&committed, &bound);
    let mut expected = vec![("version = \"0.0.0-dev\"".to_owned(), "version = \"1.2.3\"".to_owned())];
    if let Some((_, _, secret)) = SECRETS.iter().find(|(service, ..)| *service == name) {
        let quoted = serde_json::to_string(secret).unwrap();
        expected.push(("client_secret = \"bound-at-release\"".to_owned(), format!("client_secret = {quoted}")));
    }
    assert_eq!(changed, expected, "{name}");
    if name == "athena" {
        let comment = "# `client_secret = \"bound-at-release\"` placeholder that the release";
        assert!(committed.contains(comment) && bound.contains(comment), "a comment is no field");
    }

    let mut actions = 0;
    for entry in fs::read_dir(repository.root.join("actions")).unwrap().map(Result::unwrap) {
        let action = entry.file_name().into_string().unwrap();
        let committed = repository.read(&format!("actions/{action}/action.md"));
        let bound = archive(&format!("actions/{action}/v1.2.3"))["action.md"].clone();
        let changed = changed_lines(&committed, &String::from_utf8(bound).unwrap());
        let source = |version: &str| {
            format!("source = \"github://ALRubinger/aileron-connector-{name}/actions/{action}@{version}\"")
        };
        let version = ("version = \"0.0.0-dev\"".to_owned(), "version = \"1.2.3\"".to_owned());
        let hash = ("hash = \"sha256:bound-at-release\"".to_owned(), format!("hash = \"{content}\""));
        assert_eq!(changed, [version.clone(), (source("0.0.0-dev"), source("1.2.3")), version, hash], "{action}");
        actions += 1;
    }
    assert_eq!(actions, count);
}

/// Pairs of lines that differ; both texts have as many lines, and end alike.
fn changed_lines(committed: &str, bound: &str) -> Vec<(String, String)> {
    let (from, to): (Vec<_>, Vec<_>) = (committed.split('\n').collect(), bound.split('\n').collect());
    assert_eq!(from.len(), to.len());
    let pairs = from.into_iter().zip(to).filter(|(from, to)| from != to);
    pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
}

#[test]
fn a_connector_built_with_go_in_the_pipeline_is_the_same_every_time() {
    if !Requirement::Go.is_met() {
        return;
    }
    let home = TestHome::new();
    let Some(athena) = as_it_is(&home, "athena") else { return };
    let template = home.scaffold("template", "go");
    for file in ["go.mod", "main.go", "dispatch.go", "helpers.go"] {
        athena.write(&format!("connector/{file}"), &template.read(&format!("connector/{file}")));
    }
    athena.commit("a connector in Go");
    let athena = athena.with_key();
    let registry = home.path("registry");
    let receipt = ok(&mut athena.release("v1.2.3", &registry)).json();
    assert_eq!((&receipt["toolchain"]["language"], &receipt["writes"]), (&json!("go"), &json!(37)));
    let version = run(home.command("go").args(["env", "GOVERSION"])).stdout;
    assert_eq!(receipt["toolchain"]["version"], version.trim());
    let before = stats(&registry);
    let moved = Repository { root: home.path("other place/athena"), ..athena.clone() };
    tree::copy(&athena.root, &moved.root);
    let again = ok(moved.release("v1.2.3", &registry).env("GOFLAGS", "-tags=other").env("TZ", "Asia/Tokyo"));
    assert_eq!((writes(&again), &again.json()["artifacts"]), (0, &receipt["artifacts"]));
    assert!(stats(&registry) == before);
}
