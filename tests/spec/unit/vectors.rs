//! `cli-unit.json`: every case, wherever the file lies. cli-unit.md §13.
//!
//! Own cases lie in `tests/vectors/unit.json`, in the same form; the large file may lie beside the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aileron_testkit::shared;
use aileron_verifier::problem::{Problem, Severity, Source};
use aileron_verifier::unit::{
    BindingEntry, CaptureDescriptor, Checked, Effective, Folder, Layer, Origin, Unit, UnitError, check_feature,
    check_label, check_unit, read_bindings, read_capture, render, rules, unit_from_manifest, unit_from_yaml,
    units_from_label,
};
use serde_json::{Value, json};

pub(super) fn own() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors/unit.json")
}

fn cases(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the vectors are readable");
    serde_json::from_str(&text).expect("an array of cases")
}

/// A case's answer: its projection, or the error's whole text and its identifier.
type Answer = Result<Value, (String, String)>;

fn refused(error: &UnitError) -> (String, String) {
    (error.to_string(), error.rule().id().to_owned())
}

fn aggregated(units: &[Unit]) -> Value {
    let captures: Vec<CaptureDescriptor> = units.iter().map(Unit::capture).collect();
    let entries: Vec<BindingEntry> = units.iter().flat_map(Unit::entries).collect();
    json!({"capture": captures, "entries": entries})
}

fn label_units(text: &str) -> Result<Vec<Unit>, UnitError> {
    let units = units_from_label(&Source::new("label", text))?;
    Ok(units.into_iter().map(|found| found.unit).collect())
}

fn merged(input: &Value) -> Result<Value, UnitError> {
    let text = |name: &str| input[name].as_str().map(|text| Source::new(name, text));
    let mut effective = Effective::default();
    for (layer, capture, bindings) in
        [(Layer::User, "user_capture", "user_bindings"), (Layer::BuiltIn, "builtin_capture", "builtin_bindings")]
    {
        if let Some(source) = text(capture) {
            effective.add_capture(read_capture(&source)?, Origin::of(layer, capture));
        }
        if let Some(source) = text(bindings) {
            for entry in read_bindings(&source)? {
                effective.add_binding(entry, Origin::of(layer, bindings));
            }
        }
    }
    for unit in label_units(input["label"].as_str().unwrap_or_default())? {
        effective.add_unit(&unit, "label");
    }
    let captures: Vec<_> = effective.captures().map(|placed| &placed.record).collect();
    let entries: Vec<_> = effective.bindings().map(|placed| &placed.record).collect();
    Ok(json!({"capture": captures, "entries": entries}))
}

fn answer(case: &Value) -> Answer {
    let input = &case["input"];
    let source = |text: &Value| Source::new("unit.yaml", text.as_str().expect("a text"));
    let unit = |text: &Value| unit_from_yaml(&source(text)).map_err(|error| refused(&error));
    Ok(match case["op"].as_str().expect("an op") {
        "unit" => {
            let unit = unit(input)?;
            json!({"capture": unit.capture(), "entries": unit.entries()})
        }
        "feature" => {
            let found = unit_from_manifest(&source(input)).map_err(|error| refused(&error))?;
            aggregated(found.as_slice())
        }
        "label" => aggregated(&label_units(input.as_str().expect("a label")).map_err(|error| refused(&error))?),
        "render" => {
            let unit = unit(input)?;
            json!({"capture_yaml": render::capture(&unit.capture()), "bindings_yaml": render::bindings(&unit.entries())})
        }
        "exec" => {
            let capture = unit(&input["unit"])?.capture();
            let login = capture.login_vector(input["tty"] == true);
            json!({"login": login, "token": capture.token_vector(), "store_at": capture.store_at, "kind": capture.kind})
        }
        "merge" => merged(input).map_err(|error| refused(&error))?,
        op => panic!("op {op} is not known"),
    })
}

fn checked(input: &Value) -> Checked {
    if let Some(text) = input["unit"].as_str() {
        return check_unit(&Source::new("unit.yaml", text));
    }
    if let Some(text) = input["label"].as_str() {
        return check_label(&Source::new("label", text));
    }
    let files: BTreeMap<String, u32> = input["files"].as_object().map_or_else(BTreeMap::new, |files| {
        let mode = |text: &Value| u32::from_str_radix(text.as_str().expect("a mode"), 8).expect("octal");
        files.iter().map(|(path, text)| (path.clone(), mode(text))).collect()
    });
    let folder = input["dir"].as_str().map(|name| Folder { name: name.to_owned(), files });
    let text = input["feature"].as_str().expect("a manifest");
    check_feature(&Source::new("devcontainer-feature.json", text), folder.as_ref())
}

/// The line a finding is said of.
fn line_of(input: &Value, problem: &Problem) -> usize {
    let text = ["unit", "feature", "label"].iter().find_map(|name| input[name].as_str()).expect("a text");
    Source::new("x", text).position(problem.at.start).0
}

/// What is wrong with the answer to a case, if anything.
fn mismatch(case: &Value) -> Option<String> {
    let fails = case["expect"] == "err";
    if case["op"] == "lint" {
        let checked = checked(&case["input"]);
        let found: BTreeSet<&str> = checked.problems.iter().map(|problem| problem.rule.id()).collect();
        let wanted: BTreeSet<&str> =
            case["findings"].as_array().expect("findings").iter().filter_map(Value::as_str).collect();
        let stops = checked.problems.iter().any(|problem| problem.rule.severity() == Severity::Error);
        if found != wanted || stops != fails {
            return Some(format!("found {found:?}, wanted {wanted:?}"));
        }
        let line = checked.problems.iter().map(|problem| line_of(&case["input"], problem)).max();
        let wanted = case["line"].as_u64().map(|line| line as usize);
        return (wanted.is_some() && line != wanted).then(|| format!("said of line {line:?}, wanted {wanted:?}"));
    }
    match (answer(case), fails) {
        (Ok(found), false) => (found != case["projection"]).then(|| format!("found {found}")),
        (Ok(found), true) => Some(format!("accepted as {found}")),
        (Err((text, _)), false) => Some(format!("refused: {text}")),
        (Err((text, code)), true) => {
            let has = |name: &str, fits: &dyn Fn(&str) -> bool| case[name].as_str().is_none_or(fits);
            let fits = has("error", &|wanted| text == wanted)
                && has("error_contains", &|wanted| text.contains(wanted))
                && has("code", &|wanted| code == wanted);
            (!fits).then(|| format!("{code}: {text}"))
        }
    }
}

fn holds(cases: &[Value]) {
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case["name"], mismatch(case)?))).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test] // cli-unit.md §13
pub(super) fn every_recorded_case_is_answered_as_aileron_answers_it() {
    let Some(path) = shared("vectors/cli-unit.json") else { return };
    let cases = cases(&path);
    assert_eq!(cases.len(), 187);
    holds(&cases);
}

#[test] // cli-unit.md §13
fn every_case_of_our_own_holds() {
    let cases = cases(&own());
    assert_eq!(cases.iter().map(|case| case["name"].as_str()).collect::<BTreeSet<_>>().len(), cases.len());
    holds(&cases);
}

#[test] // cli-unit.md §8 and §11
fn every_rule_has_a_case_of_our_own_in_which_it_is_broken() {
    let cases = cases(&own());
    let broken: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| case["findings"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    // A line of 65,000 bytes does not belong in a file of cases: `a_label_that_a_builder_would_cut_is_named`.
    let missing: Vec<&str> =
        rules::TABLE.iter().map(|rule| rule.id()).filter(|id| !broken.contains(id) && *id != "CL154").collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test] // devcontainers/cli#1199: a lone entry was written as an object
fn a_label_that_is_one_object_is_no_list_of_one_and_the_help_says_who_writes_it() {
    let entry = r#"{"customizations": {"aileron": {"cli": {"name": "tool"}}}}"#;
    let checked = check_label(&Source::new("label", entry));
    assert!(checked.units.is_empty());
    let rules: Vec<_> = checked.problems.iter().map(|problem| (problem.rule.id(), problem.rule.help())).collect();
    assert!(matches!(rules[..], [("CU050", help)] if help.contains("before 0.86.0") && help.contains("rebuild")));
}

#[test] // cli-unit.md §10.3; docker/for-linux#157: a LABEL cut at 65,518 bytes
fn a_label_that_a_builder_would_cut_is_named() {
    let element = |bytes: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(bytes));
    for (label, long) in [
        (format!("[{}]", element(64_000)), false),
        (format!("[{}]", element(65_000)), true),
        (format!("[{},{}]", element(40_000), element(40_000)), false),
        (format!("[{{\"x\":\"{}\"}}]", "\\\"".repeat(16_500)), true),
    ] {
        let found = check_label(&Source::new("label", label)).problems;
        assert_eq!(
            found.iter().map(|problem| problem.rule.id()).collect::<Vec<_>>(),
            ["CL154"; 1][..usize::from(long)]
        );
    }
    let manifest = format!(
        "{{\"id\":\"x\",\"version\":\"0.0.1\",\"name\":\"x\",\"description\":\"x\",\"customizations\":{}}}",
        element(65_000)
    );
    let found = check_feature(&Source::new("devcontainer-feature.json", manifest), None).problems;
    assert_eq!(found.iter().map(|problem| problem.rule.id()).collect::<Vec<_>>(), ["CL154"]);
}
