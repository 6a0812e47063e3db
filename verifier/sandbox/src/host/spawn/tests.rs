use std::sync::Arc;

use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;

use super::*;

/// The manifest of sandbox.md §13, Spawn.
const TABLE: &str = r#"
[capabilities.spawn]
programs = [{ path = "/usr/bin/git" }]
env_passthrough = ["GIT_AUTHOR_NAME", "GH_TOKEN"]
fs_read = ["~/code/"]

[capabilities.spawn.operations]
log = { argv = "git log --since={since}" }
status = { argv = "git status" }
"#;

fn spawning(table: &str, subset: &[&str]) -> Spawning {
    let text = format!("[connector]\nname = \"github://acme/x\"\nversion = \"0.1.0\"\n{table}");
    let parsed = ConnectorManifest::parse(Source::new("manifest.toml", text), Stage::Artifact);
    assert_eq!(parsed.problems, []);
    let policy = Arc::new(Policy::of(&parsed.document.unwrap()));
    Spawning { policy, subset: subset.iter().map(|path| (*path).to_owned()).collect(), sticky: None }
}

fn spawn(spawning: &Spawning, envelope: Value) -> SpawnRefusal {
    spawning.spawn(envelope.to_string().as_bytes())
}

#[test] // X1 to X10, X14: what is denied, and that what is not denied is unavailable
fn every_gate_is_checked_and_nothing_is_started() {
    let git = "/usr/bin/git";
    let request = |more: Value| {
        let mut request = serde_json::json!({ "program": git, "argv": ["git", "status"] });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let spawning = spawning(TABLE, &[]);
    for allowed in [
        request(serde_json::json!({})),
        request(serde_json::json!({ "argv": ["git", "log", "--since=2026-01-01"] })),
        request(serde_json::json!({ "env": { "GIT_AUTHOR_NAME": "x" }, "cwd": "~/code/aileron" })),
        request(serde_json::json!({ "cwd": "~/code", "stdin": "text", "credential_env_keys": ["GH_TOKEN"] })),
        request(serde_json::json!({ "cwd": "", "env": null, "unknown": 1 })),
    ] {
        let (code, failure) = spawn(&spawning, allowed.clone());
        assert_eq!((code, failure.class), (-3, Class::SpawnSandboxUnavailable), "{allowed}");
        assert_eq!(failure.message, "spawn: sandbox unavailable on this platform");
        assert_eq!(failure.details["program"], git);
    }
    for (asked, detail, value) in [
        (serde_json::json!({ "program": "/usr/bin/curl" }), "requested", "spawn:/usr/bin/curl"),
        (serde_json::json!({ "program": "" }), "boundary_detail", "envelope"),
        (serde_json::json!({ "program": null }), "boundary_detail", "envelope"),
        (serde_json::json!({ "argv": [] }), "boundary_detail", "envelope"),
        (serde_json::json!({ "argv": ["git", "push", "--force"] }), "requested", "spawn:/usr/bin/git"),
        (serde_json::json!({ "env": { "AWS_SECRET_KEY": "x" } }), "requested", "env:AWS_SECRET_KEY"),
        (serde_json::json!({ "credential_env_keys": ["OTHER"] }), "requested", "env:OTHER"),
        (serde_json::json!({ "cwd": "~/other/path" }), "requested", "cwd:~/other/path"),
        (serde_json::json!({ "cwd": "~/code/../other" }), "requested", "cwd:~/code/../other"),
        (serde_json::json!({ "cwd": "~/codex" }), "requested", "cwd:~/codex"),
    ] {
        let (code, failure) = spawn(&spawning, request(asked.clone()));
        assert_eq!((code, failure.class), (-1, Class::CapabilityDenied), "{asked}");
        assert_eq!(failure.details[detail], value, "{asked}");
    }
    let (_, failure) = spawn(&spawning, request(serde_json::json!({ "program": "/usr/bin/curl" })));
    assert_eq!(failure.details["granted"], serde_json::json!(["spawn:/usr/bin/git"]));
}

#[test] // X1, X7, X9
fn a_missing_table_a_declared_cwd_and_a_subset_deny() {
    let status = serde_json::json!({ "program": "/usr/bin/git", "argv": ["git", "status"] });
    let (code, failure) = spawn(&spawning("", &[]), status.clone());
    assert_eq!((code, &failure.details["boundary_detail"]), (-1, &Value::from("connector_manifest")));
    assert_eq!(failure.details["connector"], "github://acme/x");
    let (code, failure) = spawn(&spawning(TABLE, &["/usr/bin/hg"]), status.clone());
    assert_eq!((code, &failure.details["boundary_detail"]), (-1, &Value::from("action")));
    assert_eq!(failure.details["action_subset"], serde_json::json!(["spawn:/usr/bin/hg"]));
    assert_eq!(spawn(&spawning(TABLE, &["/usr/bin/git"]), status.clone()).0, -3);
    let declared = TABLE.replace("fs_read", "cwd = \"~/code/aileron\"\nfs_read");
    for (cwd, code) in [("~/code/elsewhere", -1), ("~/code/aileron", -3)] {
        let mut status = status.clone();
        status["cwd"] = cwd.into();
        assert_eq!(spawn(&spawning(&declared, &[]), status).0, code, "{cwd}");
    }
}

#[test] // §11.3, last paragraph
fn an_operation_is_found_filled_and_judged() {
    let spawning = spawning(TABLE, &[]);
    assert_eq!(spawning.spawn_op(b"status", b"").0, -3);
    assert_eq!(spawning.spawn_op(b"log", br#"{"since":"2026"}"#).0, -3);
    let (code, failure) = spawning.spawn_op(b"log", b"{}");
    assert_eq!((code, &failure.details["placeholder"]), (-1, &Value::from("since")));
    let (code, failure) = spawning.spawn_op(b"push", b"null");
    assert_eq!((code, &failure.details["granted"]), (-1, &serde_json::json!(["log", "status"])));
    assert_eq!(spawning.spawn_op(b"", b"").0, -1);
    for (op, args) in [(&b"log"[..], &b"[]"[..]), (b"log", b"{\"since\":1}"), (b"log", b"{"), (b"\xff", b"")] {
        let (code, failure) = spawning.spawn_op(op, args);
        assert_eq!((code, failure.class), (-2, Class::ConnectorRuntimeError));
    }
    for envelope in [&b"{"[..], b"[]", b"{\"argv\":7}", b"\xff"] {
        assert_eq!(spawning.spawn(envelope).0, -2);
    }
}

#[test] // X13
fn a_path_lies_under_another_by_its_components() {
    for (path, root, under) in [
        ("~/code", "~/code/", true),
        ("~/code/", "~/code", true),
        ("~/code/a/./b", "~/code", true),
        ("/var", "/var/spool", false),
        ("/variable", "/var", false),
        ("/var/../etc", "/var", false),
        ("/x", "/", true),
        ("~", "/", false),
        ("x", "/", false),
    ] {
        assert_eq!(is_under(path, root), under, "{path} {root}");
    }
}
