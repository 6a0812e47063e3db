//! Extensions that go wrong, each in one way: it is found, with its row of the document's table.

use std::sync::Mutex;

use aileron_testkit::extensions::{architecture, extensions, manifest};
use aileron_testkit::home::TestHome;
use serde_json::{Value, json};

use super::{BAD_PLUGIN, left_in, processes_of, staged, tried};

/// A way, whether it needs patience to be found, and what is found: step, severity, row, rule, words of the message.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>, &'static str);

const STUCK: Option<&str> = Some("stuck_at_starting");
const CONFIG: Option<&str> = Some("config_not_applied");
const TIMES_OUT: Option<&str> = Some("connector_times_out");
const NO_EVENTS: Option<&str> = Some("never_sees_events");

#[rustfmt::skip]
const WAYS: [Row; 29] = [
    ("plugin.wrong-id", "GetDefinition", "error", Some("id_mismatch"), Some("definition.id"), "plugin subprocess reported id"),
    ("plugin.prints-first", "start", "error", None, None, "before its handshake"),
    ("plugin.exits-first", "start", "error", None, None, "ended before its handshake (exit status: 3)"),
    ("plugin.says-nothing", "start", "error", None, None, "printed no handshake within"),
    ("plugin.panics-early", "GetDefinition", "error", None, None, "the process ended meanwhile (exit status: 2)"),
    ("plugin.deep-schema", "GetDefinition", "error", None, Some("definition.schema"), "has 11 levels"),
    ("plugin.unknown-field-type", "GetDefinition", "warning", None, Some("definition.schema"), "unknown type \"date\""),
    ("plugin.wildcard-event", "GetDefinition", "warning", NO_EVENTS, Some("definition.events"), "subscription \"*\""),
    ("plugin.undeclared-event", "GetDefinition", "warning", NO_EVENTS, Some("definition.events"), "does not list events.log"),
    ("plugin.fails-initialize", "Initialize", "error", None, None, "Initialize failed: token"),
    ("plugin.blocks-initialize", "Initialize", "error", STUCK, None, "Initialize did not return within"),
    ("plugin.blocks-start", "Start", "error", STUCK, None, "Start did not return within"),
    ("plugin.stays-starting", "GetStatus", "error", STUCK, None, "the status is starting"),
    ("plugin.blocks-event", "HandleEvent RCON_CHAT_MESSAGE", "error", Some("blocks_the_server"), None, "HandleEvent did not return within"),
    ("plugin.panics", "HandleEvent RCON_CHAT_MESSAGE", "error", None, None, "the process ended meanwhile (exit status: 2)"),
    ("plugin.undeclared-api", "HandleEvent RCON_CHAT_MESSAGE", "error", None, Some("capability.undeclared"), "database api is unavailable"),
    ("plugin.undeclared-connector", "HandleEvent RCON_CHAT_MESSAGE", "warning", None, Some("definition.connectors"), "is not declared by this plugin"),
    ("plugin.blocks-update-config", "UpdateConfig", "error", CONFIG, None, "UpdateConfig did not return within"),
    ("plugin.deadlocks", "GetConfig", "error", CONFIG, None, "GetConfig did not return within"),
    ("plugin.keeps-config", "GetConfig", "error", CONFIG, None, "still has the old value of"),
    ("plugin.lost-command", "ExecuteCommand", "warning", None, None, "has no execution_id"),
    ("plugin.ignores-stop", "Stop", "error", None, None, "Stop did not return within"),
    ("connector.wrong-id", "GetDefinition", "error", Some("id_mismatch"), Some("definition.id"), "connector subprocess reported id"),
    ("connector.prints-first", "start", "error", None, None, "before its handshake"),
    ("connector.go-error", "Invoke", "error", TIMES_OUT, None, "was answered with a Go error"),
    ("connector.v-missing", "Invoke", "error", TIMES_OUT, None, "has v \"\""),
    ("connector.says-yes", "Invoke", "warning", None, None, "an unknown action was answered with ok"),
    ("connector.blocks-invoke", "Invoke ping", "error", TIMES_OUT, None, "Invoke did not return within"),
    ("plugin.starts-child", "", "", None, None, ""),
];

/// Tries one, and says what is not as it should be.
fn check(row: &Row) -> Result<(), String> {
    let (way, step, severity, table, rule, words) = row;
    let extensions = extensions().unwrap();
    let home = TestHome::new();
    staged(&home, extensions, way);
    // What blocks is given up after three seconds, which is a long time for what does not, on a busy machine too.
    let waits = ["blocks", "deadlocks", "says-nothing", "ignores"].iter().any(|word| way.contains(word));
    let ran = tried(&home, if waits { &["--patience", "3s", "--json"] } else { &["--json"] });
    let left = [left_in(&home), processes_of(&home)].concat();
    if !left.is_empty() {
        return Err(format!("{way} leaves {left:?}"));
    }
    let document = ran.value();
    let findings = document["findings"].as_array().ok_or_else(|| format!("{way}: {ran}"))?;
    if step.is_empty() {
        return if findings.is_empty() { Ok(()) } else { Err(format!("{way}: {document:#}")) };
    }
    let is_it = |finding: &&Value| {
        finding["step"] == **step
            && finding["severity"] == **severity
            && finding["row"] == json!(table)
            && finding["rule"] == json!(rule)
            && finding["message"].as_str().is_some_and(|message| message.contains(words))
    };
    let Some(_) = findings.iter().find(is_it) else { return Err(format!("{way}: {document:#}")) };
    let expected = if *severity == "error" { 6 } else { 0 };
    if ran.code != expected {
        return Err(format!("{way} ends with {}: {document:#}", ran.code));
    }
    Ok(())
}

#[test] // aegis-bundle.md §14.1, §14.3; §16 row 43, 44
fn every_way_to_go_wrong_is_found_with_its_row_and_nothing_is_left() {
    if extensions().is_none() {
        return;
    }
    let (wrong, next) = (Mutex::new(Vec::new()), Mutex::new(WAYS.iter()));
    std::thread::scope(|scope| {
        // Most of them wait.
        for _ in 0..10 {
            scope.spawn(|| {
                loop {
                    let Some(row) = next.lock().unwrap().next() else { break };
                    if let Err(why) = check(row) {
                        wrong.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test] // hashicorp/go-plugin#199
fn a_print_before_the_handshake_is_quoted_and_explained() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    staged(&home, extensions, "plugin.prints-first");
    let ran = tried(&home, &[]);
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.stdout.contains("error: it printed \"hello from the"), "{ran}");
    assert!(ran.stdout.contains("print nothing before Serve") && !ran.stdout.contains('\x1b'), "{ran}");
}

#[test] // hashicorp/go-plugin#223
fn a_binary_for_another_architecture_is_explained_and_not_started() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    let mut bytes = extensions.bad("plugin.good");
    // The machine of the ELF header: the other of the two.
    bytes[18] = if architecture() == "amd64" { 183 } else { 62 };
    extensions.staged(&home, "x", &manifest("plugin", BAD_PLUGIN, &[]), &bytes);
    let ran = tried(&home, &["--json"]);
    let finding = &ran.json()["findings"][0];
    assert_eq!((ran.code, &finding["row"]), (6, &json!("no_matching_target")), "{ran}");
    assert!(
        finding["message"].as_str().unwrap().contains("it is built for another architecture than the target's"),
        "{ran}"
    );
    assert_eq!(ran.json()["steps"], json!([]));
}

#[test] // the rows of the troubleshooting table that a host tells before it starts anything
fn what_a_host_refuses_is_not_started_and_names_its_row() {
    let home = TestHome::new();
    let of_target = |member: &str, value: Value| {
        let mut manifest = manifest("plugin", BAD_PLUGIN, &[]);
        manifest["targets"][0][member] = value;
        manifest
    };
    for (manifest, row, code) in [
        (of_target("sha256", json!("00".repeat(32))), "checksum_mismatch", 3),
        (of_target("target_arch", json!("s390x")), "no_matching_target", 3),
        (of_target("min_host_api_version", json!(2)), "no_matching_target", 3),
        (of_target("required_capabilities", json!(["api.telepathy"])), "unsupported_capabilities", 3),
    ] {
        let library = manifest["targets"][0]["library_path"].as_str().unwrap();
        home.write("x/manifest.json", manifest.to_string());
        home.write(&format!("x/{library}"), "#!/bin/sh\ntouch /started\n");
        let ran = tried(&home, &["--json"]);
        assert_eq!((ran.code, &ran.json()["error"]["details"]["row"]), (code, &json!(row)), "{ran}");
    }
}

#[test]
fn a_binary_of_the_other_kind_is_told() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    let bytes = extensions.bad("connector.good");
    extensions.staged(&home, "x", &manifest("plugin", BAD_PLUGIN, &[]), &bytes);
    let ran = tried(&home, &["--json"]);
    let message = ran.json()["findings"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("it is not a plugin: it does not take the handshake of one (exit status: 1)"), "{ran}");
}
