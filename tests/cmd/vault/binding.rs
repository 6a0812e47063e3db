//! A binding from its making to its end. vault.md §8, §10; rows B9, B10, B13, B14.

use std::io::Write as _;
use std::process::Stdio;

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Ran, TestHome, ended};
use serde_json::json;

use super::PASSPHRASE;
use super::running::{CONNECTOR, home, run};
use crate::run::running::{SECRET, api_key, asking, echo, installed};

/// `aileron binding …` with this on standard input, and the passphrase in the environment.
fn binding(home: &TestHome, input: &str, words: &[&str]) -> Ran {
    let mut command = home.command("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "binding"]).args(words);
    command.env("AILERON_VAULT_PASSPHRASE", PASSPHRASE);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // Who does not read it has ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    ended(child)
}

#[test] // B15; vault.md §7, §14
fn an_access_key_is_bound_with_its_id_and_signs() {
    let service = echo();
    let home = TestHome::new();
    {
        let repository = home.scaffold("tea", "wat");
        let host = format!("127.0.0.1:{}", service.port());
        let capabilities = api_key(&host).replace("kind = \"api_key\"", "kind = \"aws_sigv4\"\nservice = \"s3\"");
        asking(&repository, &format!("http://{host}/me"), "aws_sigv4", &capabilities);
        installed(&repository, &home.path("registry"));
    }
    home.write("passphrase.txt", PASSPHRASE);
    let words = ["setup", CONNECTOR, "--identity", "prod", "--region", "us-east-1"];
    let empty = binding(&home, "AKIATEA\n\n", &words);
    assert!(empty.code == 1 && empty.stderr.starts_with("value is required\n"), "{empty}");
    let created = binding(&home, &format!("AKIATEA\n{SECRET}\n"), &words);
    assert!(created.code == 0 && created.stdout.ends_with("Created: aws_sigv4/tea/prod\n"), "{created}");
    let inspected = binding(&home, "", &["list", "--json"]);
    let shown = inspected.stdout;
    assert!(shown.contains("aws_sigv4/tea/prod") && !shown.contains(SECRET), "{shown}");
    let vault = std::fs::read_to_string(super::file(&home)).unwrap();
    assert!(vault.contains("AKIATEA") && vault.contains("us-east-1") && !vault.contains(SECRET), "{vault}");
    assert_eq!(run(&home, &["--passphrase-file", "passphrase.txt"]).output().unwrap().status.code(), Some(0));
    let sent = service.only().header("authorization").unwrap().to_owned();
    assert!(sent.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEA/") && sent.contains("/us-east-1/s3/"), "{sent}");
}

#[test]
fn a_key_is_bound_used_exchanged_and_revoked() {
    let service = echo();
    let home = home(&service);
    let with = ["--passphrase-file", "passphrase.txt"];
    let created = binding(&home, &format!("team\n{SECRET}\n"), &["setup", CONNECTOR]);
    let expected = "Identity (e.g. work, personal): Created: api_key/tea/team\n";
    assert_eq!((created.code, created.stdout.as_str()), (0, expected), "{created}");
    assert_eq!(run(&home, &with).output().unwrap().status.code(), Some(0));
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));

    // The same name again is skipped, and nothing is asked for.
    let again = binding(&home, "", &["setup", CONNECTOR, "--identity", "team"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, "Skipped (already bound): api_key/tea/team\n"), "{again}");
    let inspected = binding(&home, "", &["inspect", "api_key/tea/team", "--json"]).json();
    for (field, value) in [
        ("connector_fqn", CONNECTOR),
        ("service", "tea"),
        ("identity", "team"),
        ("scope", "read"),
        ("status", "active"),
        ("account", ""),
    ] {
        assert_eq!(inspected["binding"][field], value, "{inspected}");
    }
    assert!(inspected["binding"]["created_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{inspected}");

    let rebound = binding(&home, "new-key-0123456789\r\n", &["rebind", "api_key/tea/team"]);
    assert_eq!((rebound.code, rebound.stdout.as_str()), (0, "Rebound: api_key/tea/team\n"), "{rebound}");
    assert_eq!(run(&home, &with).output().unwrap().status.code(), Some(0));
    assert_eq!(service.seen()[1].header("authorization"), Some("Bearer new-key-0123456789"));
    assert_eq!(binding(&home, "", &["inspect", "api_key/tea/team", "--json"]).json(), inspected, "labels stay");

    let kept = binding(&home, "n\n", &["revoke", "api_key/tea/team"]);
    assert_eq!((kept.code, kept.stdout.as_str()), (0, "Revoke api_key/tea/team? [y/N]: cancelled\n"), "{kept}");
    let revoked = binding(&home, "", &["revoke", "api_key/tea/team", "--yes"]);
    assert_eq!((revoked.code, revoked.stdout.as_str()), (0, "Revoked: api_key/tea/team\n"), "{revoked}");
    for words in [
        &["revoke", "api_key/tea/team", "--yes"][..],
        &["rebind", "api_key/tea/team"],
        &["inspect", "api_key/tea/team"],
    ] {
        let gone = binding(&home, "", words);
        assert!(gone.code == 4 && gone.stderr.starts_with("binding not found: api_key/tea/team\n"), "{gone}");
    }
    for (name, bytes) in contents(home.root()) {
        assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "{name} holds the credential");
    }
}

#[test]
fn what_cannot_be_bound_is_said_before_anything_is_asked_or_written() {
    let service = echo();
    let home = home(&service);
    for (input, words, code, text) in [
        ("", &["setup", CONNECTOR][..], 1, "identity is required\n"),
        ("\n", &["setup", CONNECTOR], 1, "identity is required\n"),
        ("Team A\n", &["setup", CONNECTOR], 2, "usage_error: api_key/tea/Team A is not the name of a binding\n"),
        ("", &["setup", CONNECTOR, "--identity", "a", "--service", "../x"], 2, "usage_error: api_key/../x/a is not"),
        ("", &["setup", "github://acme/aileron-connector-none", "--identity", "a"], 4, "connectors_missing: "),
        ("", &["setup", CONNECTOR, "--identity", "a", "--passphrase-file", "-"], 2, "usage_error: --passphrase-file -"),
    ] {
        let refused = binding(&home, input, words);
        assert!(refused.code == code && refused.stderr.starts_with(text), "{words:?}: {refused}");
        assert!(!home.path("home/.aileron/secrets.json").exists(), "{words:?}");
    }
    for (input, text) in [("a\n\n", "value is required\n"), ("a\nhunter2\0x\n", "the value holds a line break or NUL")]
    {
        let refused = binding(&home, input, &["setup", CONNECTOR]);
        assert!(refused.code == 1 && refused.stderr.contains(text), "{refused}");
    }
    assert_eq!(binding(&home, "", &["list", "--json"]).json()["bindings"], json!([]));
}
