//! Extensions that are good: every step, the calls they make, and the same binaries under go-plugin's own client.

use std::fs;

use aileron_testkit::extensions::{extensions, manifest};
use aileron_testkit::home::{TestHome, ok};
use serde_json::{Value, json};

use super::super::repository::real;
use super::{outcome, tried};

const PLUGIN: &str = "com.example.plugins.hello";
const CONNECTOR: &str = "com.example.connectors.hello";

fn staged(home: &TestHome, program: &str, kind: &str, id: &str, capabilities: &[&str]) -> bool {
    let Some(extensions) = extensions() else { return false };
    let bytes = fs::read(extensions.program(program)).unwrap();
    extensions.staged(home, "x", &manifest(kind, id, capabilities), &bytes);
    true
}

fn plugin(home: &TestHome) -> bool {
    staged(home, "hello-plugin", "plugin", PLUGIN, &["api.log", "api.rcon", "events.rcon"])
}

#[test] // aegis-bundle.md §14.1, §19; §16 row 43
fn row_43_a_good_plugin_goes_through_every_step_and_its_calls_are_recorded() {
    let home = TestHome::new();
    if !plugin(&home) {
        return;
    }
    let document = tried(&home, &["--json"]).json();
    assert_eq!((&document["errors"], &document["warnings"]), (&json!(0), &json!(0)), "{document:#}");
    for (step, expected) in [
        ("GetDefinition", "id com.example.plugins.hello, 1 event"),
        ("Initialize", "ok"),
        ("Start", "ok"),
        ("GetStatus", "running"),
        ("HandleEvent RCON_CHAT_MESSAGE", "ok"),
        ("UpdateConfig", "ok"),
        ("GetConfig", "as it was set"),
        ("GetCommands", "2 commands"),
        ("ExecuteCommand greet", "ok hello"),
        ("ExecuteCommand count", "completed 100%"),
        ("Stop", "ok"),
        ("exit", "ok"),
    ] {
        assert_eq!(outcome(&document, step), expected, "{step}");
    }
    let calls = document["calls"].as_array().unwrap();
    assert_eq!(
        calls[0],
        json!({"method": "LogInfo", "request": {"message": "hello", "fields": {"trigger": "!hello"}}, "error": null})
    );
    assert_eq!(calls[1]["method"], "RconSendWarningToPlayer");
    assert_eq!(calls[1]["request"]["message"], "Hello from Squad Aegis.");
    assert!(super::left_in(&home).is_empty() && super::processes_of(&home).is_empty());
}

#[test] // aegis-bundle.md §16 row 44
fn row_44_a_good_connector_answers_ping_and_says_what_it_does_not_know() {
    let home = TestHome::new();
    if !staged(&home, "hello-connector", "connector", CONNECTOR, &[]) {
        return;
    }
    let document = tried(&home, &["--json"]).json();
    assert_eq!((&document["errors"], &document["warnings"]), (&json!(0), &json!(0)), "{document:#}");
    assert_eq!(outcome(&document, "Invoke ping"), "ok");
    assert_eq!(outcome(&document, "Invoke unknown action"), "not ok: unknown action: no-such-action-of-aileron");
    assert_eq!(outcome(&document, "Invoke no data"), "not ok: missing request data");
    assert_eq!(outcome(&document, "Invoke version 2"), "not ok: this connector speaks version 1");
}

#[test]
fn the_authors_files_say_what_is_sent_and_what_the_host_answers() {
    let home = TestHome::new();
    if !plugin(&home) {
        return;
    }
    home.write("repo/go.mod", "module x\n");
    home.write("repo/manifest.json", "{}");
    let toml = "[config]\ntrigger = \"!hi\"\n\
                [[event]]\ntype = \"RCON_CHAT_MESSAGE\"\ndata = { message = \" !HI \", steam_id = \"7\" }\n\
                [failures]\nRconSendWarningToPlayer = \"player is not here\"\n";
    home.write("repo/tests/chat.toml", toml);
    let document = tried(&home, &["-C", "repo", "--json"]).json();
    let warned = &document["calls"][1];
    assert_eq!(warned["request"], json!({"player_id": "7", "message": "Hello from Squad Aegis."}));
    assert_eq!(warned["error"], "player is not here");
    assert_eq!(outcome(&document, "HandleEvent RCON_CHAT_MESSAGE"), "error: player is not here");
    // An event on the command line is sent beside them; one that is not subscribed to is not.
    let hi = r#"{"message":"!hi","eos_id":"8"}"#;
    let event = ["--event", "RCON_CHAT_MESSAGE", hi, "--event", "LOG_TICK_RATE", "{}"];
    let document = tried(&home, &[&event[..], &["-C", "repo", "--json"]].concat()).json();
    let players: Vec<&Value> =
        document["calls"].as_array().unwrap()[1..].iter().map(|call| &call["request"]["player_id"]).collect();
    assert_eq!(players, [&json!("7"), &json!("8")]);
    let unsent = document["findings"].as_array().unwrap().iter().find(|finding| finding["row"] == "never_sees_events");
    assert!(unsent.unwrap()["message"].as_str().unwrap().starts_with("LOG_TICK_RATE is not sent"), "{document:#}");
    home.write("repo/tests/chat.toml", "[answer]\n");
    let refused = tried(&home, &["-C", "repo"]);
    assert!(refused.code == 6 && refused.stderr.contains("answer is not a member"), "{refused}");
}

#[test] // aegis-bundle.md §19.1: a host always uses mutual TLS, with certificates that this project has no curve for
fn go_plugins_own_client_starts_the_same_binaries_with_mutual_tls() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    let asked = |kind: &str, program: &str| {
        let mut host = home.command(extensions.program("host"));
        ok(host.arg(kind).arg(extensions.program(program))).value()
    };
    assert_eq!(
        asked("plugin", "hello-plugin"),
        json!({"id": PLUGIN, "events": ["RCON_CHAT_MESSAGE"], "status": "stopped"})
    );
    assert_eq!(asked("connector", "hello-connector"), json!({"id": CONNECTOR, "ping": true, "status": "running"}));
}

#[test] // hashicorp/terraform#22198
fn a_tmpdir_of_200_characters_is_no_trouble_for_sockets() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    super::staged(&home, extensions, "plugin.prints-later");
    let deep = home.path(&"d".repeat(200));
    fs::create_dir(&deep).unwrap();
    let ran = aileron_testkit::home::run(super::try_command(&home, &["--json"]).env("TMPDIR", &deep));
    let document = ran.json();
    let variables = environment(&document);
    let sockets = variables.iter().find_map(|variable| variable.strip_prefix("PLUGIN_UNIX_SOCKET_DIR=")).unwrap();
    assert!(sockets.len() < 80 && !fs::exists(sockets).unwrap(), "{sockets}");
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
}

/// What `prints-later` says its environment is.
fn environment(document: &Value) -> Vec<String> {
    let printed = document["stdout"][0].as_str().unwrap();
    let list = printed.strip_prefix("[\"").unwrap().split("\"]").next().unwrap();
    list.split("\" \"").map(str::to_owned).collect()
}

#[test] // aegis-bundle.md §16 row 45, as far as it is not about TLS; §14.1
fn row_45_an_extension_has_the_environment_of_a_host_and_nothing_of_ours() {
    let Some(extensions) = extensions() else { return };
    let home = TestHome::new();
    super::staged(&home, extensions, "plugin.prints-later");
    let mut command = super::try_command(&home, &["--json"]);
    command.env("AILERON_SIGNING_KEY", "hunter2").env("LD_PRELOAD_X", "x");
    let ran = aileron_testkit::home::run(&mut command);
    let mut variables = environment(&ran.json());
    variables.sort();
    let sockets = variables.pop().unwrap();
    assert!(sockets.starts_with(&format!("PLUGIN_UNIX_SOCKET_DIR={}/ae-", home.tmp().display())), "{sockets}");
    let expected = [
        "AEGIS_NATIVE_PLUGIN=squad-aegis-plugin-v1",
        "HOME=/nonexistent",
        "LANG=C.UTF-8",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PLUGIN_PROTOCOL_VERSIONS=1",
    ];
    assert_eq!(variables, expected);
    // What it prints is a stranger's: a person sees it harmless.
    let shown = tried(&home, &[]).stdout;
    assert!(shown.contains("AEGIS_NATIVE_PLUGIN") && !shown.contains('\x1b'), "{shown}");
}

#[test]
fn a_bundle_is_tried_as_it_is_packed() {
    let home = TestHome::new();
    if !plugin(&home) {
        return;
    }
    ok(&mut home.publisher(&["aegis", "pack", "x", "--out", "hello.zip"]));
    let document = ok(&mut home.publisher(&["aegis", "try", "hello.zip", "--json"])).json();
    assert_eq!((&document["id"], &document["errors"]), (&json!(PLUGIN), &json!(0)));
}

#[test]
fn a_repository_is_built_first_and_its_own_files_say_what_is_sent() {
    if extensions().is_none() {
        return;
    }
    let home = TestHome::new();
    real(&home, "hello", "hello-plugin", "plugin", PLUGIN, &["api.log", "api.rcon", "events.rcon"]);
    home.write("hello/tests/chat.toml", "[config]\ntrigger = \"!other\"\n");
    let before = home.read("hello/manifest.json");
    let document = ok(&mut home.publisher(&["aegis", "try", "hello", "--json"])).json();
    assert_eq!((&document["id"], &document["errors"]), (&json!(PLUGIN), &json!(0)), "{document:#}");
    assert_eq!(document["calls"][0]["request"]["fields"]["trigger"], "!other");
    assert_eq!((home.read("hello/manifest.json"), home.path("hello/dist").exists()), (before, false));
}
