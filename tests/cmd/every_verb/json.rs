//! `--json`: one document on standard output, whatever happens; progress is one object per line on standard error.

use aileron_testkit::home::{PRIVATE_KEY, Ran, SECRETS, TestHome};
use serde_json::{Value, json};

use super::with_client_secret;
use crate::transcripts::on_a_repository;

/// Runs a line with `--json`; the document names the command and the exit code is as expected.
fn document(home: &TestHome, line: &str, command: &str, code: i32) -> Value {
    let ran = home.run(&format!("{line} --json"));
    assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
    let document = ran.json();
    assert_eq!(document["command"], command, "{line}");
    if code != 0 {
        whole_error(&document);
    }
    document
}

/// artifacts.md §8.
fn whole_error(document: &Value) {
    let error = document["error"].as_object().unwrap();
    let mut fields: Vec<_> = error.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["boundary", "class", "details", "file", "line", "message", "next", "retriable"]);
    assert!(
        error["class"].is_string() && error["message"].as_str().is_some_and(|text| !text.contains('\n')),
        "{error:?}"
    );
    assert!(["runtime", "external"].map(Value::from).contains(&error["boundary"]), "{error:?}");
    assert!(error["retriable"].is_boolean() && error["details"].is_object(), "{error:?}");
    assert_eq!(error["file"].is_string(), error["line"].is_u64(), "{error:?}");
}

#[test]
fn every_verb_that_succeeds_writes_one_document() {
    let home = TestHome::new();
    let made = document(&home, "aileron-pub init tea --owner acme --language wat --yes", "init", 0);
    assert_eq!(made["name"], "github://acme/aileron-connector-tea");
    let key = document(&home, "aileron-pub -C tea keys generate --out publisher.key", "keys generate", 0);
    assert_eq!(key["secret"], Value::Null);
    home.commit();
    let shown = document(&home, "aileron-pub -C tea keys show", "keys show", 0);
    assert_eq!(shown["fingerprint"], key["fingerprint"]);
    let checked = document(&home, "aileron-pub -C tea check v0.1.0", "check", 0);
    assert_eq!((&checked["problems"], &checked["actions"]), (&json!([]), &json!(2)));
    let built = document(&home, "aileron-pub -C tea build v0.1.0 --out tea.wasm", "build", 0);
    let making = "v0.1.0 --key publisher.key";
    let packed = document(&home, &format!("aileron-pub -C tea pack {making} --out packed"), "pack", 0);
    assert_eq!(packed["content_hash"], built["content_hash"]);
    let unsigned = document(&home, "aileron-pub -C tea plan v0.1.0 --to dir:registry", "plan", 0);
    assert_eq!((&unsigned["signed"], &unsigned["content_hash"]), (&json!(false), &built["content_hash"]));
    let planned = document(&home, &format!("aileron-pub -C tea plan {making} --to dir:registry"), "plan", 0);
    assert_eq!((&planned["signed"], &planned["state"]), (&json!(true), &json!("fresh")));
    let status = document(&home, "aileron-pub -C tea status v0.1.0 --to dir:registry", "status", 0);
    assert_eq!((&status["status"], &status["public"]), (&json!("fresh"), &json!(0)));
    let released = document(&home, &format!("aileron-pub -C tea release {making} --to dir:registry"), "release", 0);
    assert_eq!(released["writes"], planned["writes"]["total"]);
    assert_eq!(released["artifacts"], {
        let mut artifacts = packed["artifacts"].clone();
        artifacts.as_array_mut().unwrap().iter_mut().for_each(|artifact| artifact["verdict"] = json!("verified"));
        artifacts
    });
    let again = document(&home, &format!("aileron-pub -C tea release {making} --to dir:registry"), "release", 0);
    assert_eq!((&again["writes"], &again["found"]), (&json!(0), &json!("complete")));
    let status = document(&home, "aileron-pub -C tea status v0.1.0 --to dir:registry", "status", 0);
    assert_eq!((&status["status"], &status["public"]), (&json!("complete"), &json!(3)));
    for verify in ["aileron", "aileron-pub"] {
        let line = format!("{verify} verify registry --key tea/keys/publisher.pub");
        let judged = document(&home, &line, "verify", 0);
        assert_eq!((&judged["verified"], &judged["refused"]), (&json!(3), &json!(0)));
    }
    let demo = document(&home, "aileron-pub demo story", "demo", 0);
    assert!(demo["steps"].as_array().is_some_and(|steps| steps.len() == 7));
}

#[test]
fn every_verb_on_a_repository_writes_one_document() {
    let home = TestHome::with_tea();
    for (verb, line) in on_a_repository() {
        let ran = home.run(&format!("{line} --json"));
        assert_eq!(ran.json()["command"], *verb, "{line}");
    }
}

#[test]
fn every_verb_that_fails_writes_one_document() {
    let home = TestHome::released();
    for (line, command, class, code) in [
        ("aileron-pub init tea --owner acme --language wat --yes", "init", "usage_error", 2),
        ("aileron-pub demo tea", "demo", "usage_error", 2),
        ("aileron-pub -C registry check", "check", "validation_error", 6),
        ("aileron-pub -C tea build v0.2.0 --wasm gone.wasm", "build", "build_failed", 1),
        ("aileron-pub -C tea pack v0.2.0 --key gone.key", "pack", "fetch_failed", 1),
        ("aileron-pub -C tea plan v0.2.0 --to dir:publisher.key", "plan", "store_unwritable", 1),
        ("aileron-pub -C tea release v0.2.0 --to dir:registry", "release", "usage_error", 2),
        ("aileron-pub -C registry status v0.1.0 --to dir:registry", "status", "validation_error", 6),
        ("aileron-pub -C tea keys generate --out x", "keys generate", "usage_error", 2),
        ("aileron-pub -C registry keys show", "keys show", "validation_error", 6),
        ("aileron verify registry", "verify", "signature_failure", 3),
        ("aileron verify gone.tar.gz", "verify", "fetch_failed", 4),
    ] {
        let error = document(&home, line, command, code)["error"].clone();
        assert_eq!(error["class"], class, "{line}: {error}");
    }
}

#[test]
fn usage_errors_are_documents_too_and_name_the_verb() {
    let home = TestHome::new();
    for (line, command) in [
        ("aileron-pub", "usage"),
        ("aileron", "usage"),
        ("aileron-pub brew", "usage"),
        ("aileron-pub --brew", "usage"),
        ("aileron-pub keys", "keys"),
        ("aileron-pub keys generate --brew", "keys generate"),
        ("aileron-pub check vfoo", "check"),
        ("aileron-pub release v0.0.0-dev --to dir:registry", "release"),
        ("aileron-pub release v0.1.0 --to registry", "release"),
        ("aileron-pub release", "release"),
        ("aileron-pub check --allow no-such-rule", "check"),
        ("aileron verify", "verify"),
    ] {
        let error = document(&home, line, command, 2)["error"].clone();
        assert_eq!((&error["class"], error["next"].is_string()), (&json!("usage_error"), true), "{line}: {error}");
    }
    // A malformed name or hash has its own class wherever it is given. artifacts.md §1.
    for (line, class) in [
        ("aileron verify x.tar.gz --hash sha256:00", "validation_error"),
        ("aileron verify x.tar.gz --as tea", "validation_error"),
        ("aileron verify ftp://acme/tea@0.1.0", "unknown_scheme"),
    ] {
        let error = document(&home, line, "verify", 2)["error"].clone();
        assert_eq!((&error["class"], error["next"].is_string()), (&json!(class), true), "{line}: {error}");
    }
}

#[test]
fn check_lists_every_problem_with_file_line_and_column() {
    let home = TestHome::with_tea();
    home.replace("tea/connector/manifest.toml", "publisher = ", "publsher = ");
    home.replace("tea/actions/tea-ping/action.md", "tea-ping@0.0.0-dev", "tea-ping@0.3.0");
    let found = document(&home, "aileron-pub -C tea check", "check", 6);
    let problems = found["problems"].as_array().unwrap();
    assert!(problems.len() >= 2, "{problems:?}");
    for problem in problems {
        let mut fields: Vec<_> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["class", "column", "file", "help", "line", "message", "rule", "severity"]);
    }
    let place = |rule: &str| {
        let problem = problems.iter().find(|problem| problem["rule"] == rule);
        let problem = problem.unwrap_or_else(|| panic!("no {rule} in {problems:?}"));
        (problem["file"].clone(), problem["line"].clone(), problem["column"].clone(), problem["severity"].clone())
    };
    let line =
        1 + home.read("tea/connector/manifest.toml").lines().position(|line| line.starts_with("publsher")).unwrap();
    assert_eq!(place("unknown-key"), (json!("connector/manifest.toml"), json!(line), json!(1), json!("error")));
    let first = problems.iter().find(|problem| problem["severity"] == "error").unwrap();
    assert_eq!((&found["error"]["file"], &found["error"]["line"]), (&first["file"], &first["line"]));
    assert_eq!(found["errors"], json!(problems.iter().filter(|problem| problem["severity"] == "error").count()));
}

#[test]
fn a_warning_of_a_waived_rule_is_listed_and_the_verdict_is_yes() {
    let home = TestHome::with_tea();
    let action = home.read("tea/actions/tea-ping/action.md");
    let intent = action.lines().find(|line| line.starts_with("intent")).unwrap();
    home.replace("tea/actions/tea-ping/action.md", intent, "intent = \"\"");
    home.commit();
    let line = "aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry";
    let refused = document(&home, line, "release", 6);
    assert_eq!(refused["error"]["details"]["problems"][0]["rule"], "intent-empty");
    let released = document(&home, &format!("{line} --allow intent-empty"), "release", 0);
    assert_eq!(released["allowed"], json!(["intent-empty"]));
    let name = "github://acme/aileron-connector-tea/actions/tea-ping@0.1.0";
    let line = format!("aileron verify {name} --from registry --key tea/keys/publisher.pub");
    let warnings = document(&home, &line, "verify", 0)["warnings"].clone();
    assert_eq!((&warnings[0]["rule"], &warnings[0]["severity"]), (&json!("intent-empty"), &json!("warning")));
}

#[test]
fn quiet_leaves_standard_error_to_failures_and_json_makes_it_ndjson() {
    let home = TestHome::with_tea();
    let line = "aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry";
    let events = home.ok(&format!("{line} --json")).stderr;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "begin" && event["step"] == "signing"), "{events:?}");
    assert!(events.iter().any(|event| event["event"] == "end"), "{events:?}");
    for quiet in ["--quiet", "-q", "--json --quiet"] {
        assert_eq!(home.ok(&format!("{line} {quiet}")).stderr, "", "{quiet}");
    }
    assert!(home.ok(line).stderr.lines().any(|line| line.starts_with("signing: ")));
    home.ok(&format!("{line} --json --quiet")).json();
}

#[test]
fn no_document_and_no_progress_holds_a_secret() {
    let home = TestHome::with_tea();
    with_client_secret(&home);
    let secret = "client-5ecret \"quoted\" \\ & | é second line";
    let run = |line: &str| -> Ran {
        let mut command = home.typed(line);
        command.env("AILERON_SIGNING_KEY", PRIVATE_KEY).env("TEA_OAUTH_CLIENT_SECRET", secret);
        let ran = home.finish(command, line);
        assert_eq!(ran.code, 0, "{line}\n{}", ran.stderr);
        assert!(!ran.stdout.contains("second line") && !ran.stderr.contains("second line"), "{line}");
        ran
    };
    for verb in ["plan v0.1.0 --diff --to dir:registry", "release v0.1.0 --to dir:registry", "build v0.1.0"] {
        run(&format!("aileron-pub -C tea {verb} --json")).json();
        run(&format!("aileron-pub -C tea {verb}"));
    }
    let holds = |bytes: &[u8]| bytes.windows(SECRETS[2].len()).any(|window| window == SECRETS[2].as_bytes());
    let with: Vec<_> = home.files().into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect();
    assert!(with.is_empty(), "archives are compressed, nothing else may hold it: {with:?}");
}
