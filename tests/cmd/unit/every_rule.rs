//! Every rule of units, broken once: the verb says it with file, line and what to do. cli-unit.md §8 and §11.
//!
//! The documents are the cases of `tests/vectors/unit.json`.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aileron_testkit::home::TestHome;
use aileron_verifier::problem::{Rule, Severity};
use aileron_verifier::unit::rules;
use serde_json::Value;

/// Puts a case's document into a home, and says how it is checked.
fn placed(home: &TestHome, case: &Value) -> String {
    let input = &case["input"];
    if let Some(text) = input["unit"].as_str() {
        home.write("unit.yaml", text);
        return "aileron-pub unit check unit.yaml".to_owned();
    }
    if let Some(text) = input["label"].as_str() {
        home.write("label", text);
        return "aileron-pub unit check --label label".to_owned();
    }
    let folder = input["dir"].as_str().unwrap();
    let _ = std::fs::remove_dir_all(home.path(folder));
    home.write(&format!("{folder}/devcontainer-feature.json"), input["feature"].as_str().unwrap());
    if let Some(mode) = input["files"]["install.sh"].as_str() {
        let path = format!("{folder}/install.sh");
        home.write(&path, "#!/bin/sh\n");
        let mode = u32::from_str_radix(mode, 8).unwrap() & 0o777;
        std::fs::set_permissions(home.path(&path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    format!("aileron-pub unit check {folder}")
}

/// The first case that breaks a rule; of a line of 65,000 bytes, one made here.
fn case_of(rule: &Rule, cases: &[Value]) -> Value {
    if rule.id() == "CL154" {
        let label = format!("[{{\"x\":\"{}\"}}]", "y".repeat(65_000));
        return serde_json::json!({"input": {"label": label}, "findings": ["CL154"]});
    }
    let breaks =
        |case: &&Value| case["findings"].as_array().is_some_and(|found| found.iter().any(|id| id == rule.id()));
    cases.iter().find(breaks).unwrap_or_else(|| panic!("no case breaks {rule}")).clone()
}

#[test]
fn every_rule_is_said_with_file_line_and_fix() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/unit.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let home = TestHome::new();
    for rule in rules::TABLE {
        let case = case_of(rule, &cases);
        let line = placed(&home, &case);
        let ran = home.run(&format!("{line} --json"));
        let document = ran.json();
        let problems = document["problems"].as_array().unwrap();
        let found: BTreeSet<&str> = problems.iter().filter_map(|problem| problem["rule"].as_str()).collect();
        let wanted: BTreeSet<&str> = case["findings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(found, wanted, "{line} for {}", case["name"]);
        let problem = problems.iter().find(|problem| problem["rule"] == rule.id()).unwrap();
        assert_eq!((&problem["help"], &problem["severity"]), (&rule.help().into(), &rule.severity().as_str().into()));
        assert!(problem["line"].as_u64().is_some_and(|line| line > 0), "{problem}");
        assert!(line.ends_with(problem["file"].as_str().unwrap().split('/').next().unwrap()), "{problem}");
        let stops = problems.iter().any(|problem| problem["severity"] == Severity::Error.as_str());
        assert_eq!(ran.code, if stops { 6 } else { 0 }, "{line}");

        let drawn = home.run(&line);
        let help = rule.help().split_whitespace().next().unwrap();
        assert!(drawn.stdout.contains(rule.id()) && drawn.stdout.contains(help), "{}", drawn.stdout);
        assert_eq!(drawn.code, ran.code, "{line}");
    }
}
