//! `aileron mcp` in the hands of the client that agents' hosts are built with (npm `@modelcontextprotocol/sdk`).

use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::peers::{package, program};
use serde_json::{Value, json};

/// A home with 120 actions of a connector that reaches nothing; one of them wants approval.
fn home() -> TestHome {
    let home = TestHome::new();
    {
        let repository = home.scaffold("tea", "wat");
        let about = repository.read("actions/tea-about/action.md");
        let (front, body) = about.split_once("\n+++\n\n").unwrap();
        let more =
            "[[inputs]]\nname = \"why\"\ntype = \"string\"\ndescription = \"Why\"\n[approval]\nrequired = true\n";
        repository.write("actions/tea-about/action.md", &format!("{front}\n{more}+++\n\n{body}"));
        let ping = repository.read("actions/tea-ping/action.md");
        let mut listed = vec!["actions/tea-about".to_owned(), "actions/tea-ping".to_owned()];
        for number in 2..120 {
            let name = format!("tea-ping-{number}");
            let text = ping.replace("name = \"tea-ping\"", &format!("name = \"{name}\""));
            let text = text.replace("actions/tea-ping@", &format!("actions/{name}@"));
            repository.write(&format!("actions/{name}/action.md"), &text);
            listed.push(format!("actions/{name}"));
        }
        let suite = repository.read("suite.toml");
        let (head, _) = suite.split_once("actions = ").unwrap();
        repository.write("suite.toml", &format!("{head}actions = {}\n", json!(listed)));
        repository.commit("many actions");
        let registry = home.path("registry");
        ok(&mut repository.release("v0.1.0", &registry));
        ok(&mut home.consumer(&["keyring", "trust", "--key-file", &repository.public_key(), "github://acme"]));
        let reference = "github://acme/aileron-connector-tea@0.1.0";
        ok(&mut home.consumer(&["action", "add-suite", reference, "--from", registry.to_str().unwrap(), "--yes"]));
    }
    home
}

#[test]
fn the_sdks_client_lists_calls_and_asks() {
    let (Some(node), Some(sdk)) = (program("node"), package("@modelcontextprotocol/sdk")) else { return };
    let home = home();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/mcp.mjs");
    let seen = ok(home.command(node).arg(script).arg(sdk).arg(env!("CARGO_BIN_EXE_aileron"))).value();
    assert_eq!(seen["server"]["name"], "aileron");
    assert_eq!((&seen["capabilities"], &seen["pages"]), (&json!({"tools": {}}), &json!([100, 20])));
    assert_eq!(seen["tool"]["inputSchema"]["required"], json!(["why"]));
    let document =
        |name: &str| -> Value { serde_json::from_str(seen[name]["content"][0]["text"].as_str().unwrap()).unwrap() };
    for (name, failed, field, value) in [
        ("called", false, "/output/answer", json!("pong")),
        ("wrong", true, "/error/class", json!("usage_error")),
        ("denied", true, "/error/class", json!("approval_denied")),
        ("approved", false, "/action", json!("tea-about")),
    ] {
        assert_eq!(seen[name]["isError"] == true, failed, "{name}: {seen}");
        assert_eq!(document(name).pointer(field), Some(&value), "{name}: {seen}");
        assert_eq!(seen[name]["structuredContent"], document(name));
    }
    assert_eq!(seen["unknown"]["code"], -32602, "{seen}");
    assert_eq!(seen["asked"].as_array().unwrap().len(), 2);
    assert!(seen["nothing"]["result"].is_null() || seen["nothing"]["result"]["prompts"] == json!([]), "{seen}");
}
