//! Other terminals of the same user: how they find it, what they send there, and what they report.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use aileron_testkit::home::{Ran, TestHome, ended, ends, ok, run};
use rustix::process::Signal;
use serde_json::json;

use super::{Launched, home, launch};
use crate::release::directory::signal;
use crate::run::running::{SECRET, echo};
use crate::vault::PASSPHRASE;

/// `aileron action run` without a controlling terminal.
fn action_run(home: &TestHome, more: &[&str]) -> std::process::Command {
    let mut command = home.command("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "action", "run"]).args(more);
    command
}

#[test]
fn a_run_is_sent_there_instead_of_asking_and_reported_as_if_it_had_run_here() {
    let service = echo();
    let home = home(&service);
    let here = ok(&mut action_run(&home, &["tea-ping", "--passphrase-file", "passphrase.txt"]));
    let mut launched = Launched::start(&home);
    let there = ok(&mut action_run(&home, &["tea-ping"]));
    assert_eq!(service.seen().len(), 2);
    assert_eq!(service.seen()[1].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert_eq!(there.stdout, here.stdout);
    assert!(there.stderr.contains("using api_key/tea/home of the vault for github://acme/aileron-connector-tea\n"));
    let note = format!("using the vault of aileron launch at http://127.0.0.1:{}/v1\n", launched.port);
    assert!(there.stderr.contains(&note), "{there}");
    assert!(launched.line().contains("using api_key/tea/home"));
    assert!(launched.line().contains("asked"), "what the connector logs is shown where it runs");
    let json = ok(&mut action_run(&home, &["tea-ping", "--json"])).json();
    assert_eq!((&json["command"], &json["action"]), (&json!("action run"), &json!("tea-ping")));
    // A passphrase or a credential that is given by hand is made use of here.
    let mut by_hand = action_run(&home, &["tea-ping", "--credential-env", "KEY"]);
    assert!(!ok(by_hand.env("KEY", "by-hand-0123456789")).stderr.contains("aileron launch"));
    let mut by_passphrase = action_run(&home, &["tea-ping"]);
    assert!(!ok(by_passphrase.env("AILERON_VAULT_PASSPHRASE", PASSPHRASE)).stderr.contains("aileron launch"));
    launched.end(Signal::INT);
    let alone = ends(&mut action_run(&home, &["tea-ping"]), 1);
    assert!(alone.stderr.contains("cannot open terminal"), "{alone}");
}

#[test]
fn a_run_that_fails_there_fails_here_in_the_same_way() {
    let service = crate::run::server::http(|_| crate::run::server::answer("200 OK", "not JSON"));
    let home = home(&service);
    let here = ends(&mut action_run(&home, &["tea-ping", "--passphrase-file", "passphrase.txt"]), 1);
    let launched = Launched::start(&home);
    let there = ends(&mut action_run(&home, &["tea-ping"]), 1);
    assert_eq!(there.stdout, here.stdout);
    let first =
        |ran: &Ran| ran.stderr.lines().find(|line| line.starts_with("connector_runtime_error")).map(str::to_owned);
    assert_eq!((first(&there), first(&here).is_some()), (first(&here), true), "{there}\n{here}");

    // Approval: not from outside, whatever is said there, and that one has no terminal.
    let seen = service.seen().len();
    for more in [&[][..], &["--approve"]] {
        let denied = ends(&mut action_run(&home, &[&["tea-about", "--arg", "why=it's"], more].concat()), 6);
        let error = &denied.value()["error"];
        assert_eq!((&error["class"], &error["boundary"]), (&json!("approval_denied"), &json!("user")), "{denied}");
        let line = "aileron action run tea-about --args '{\"why\":\"it'\\''s\"}'";
        assert_eq!(error["details"]["command"], line);
        assert!(denied.stderr.contains(&format!("next: in a terminal: {line}\n")), "{denied}");
    }
    assert_eq!(service.seen().len(), seen, "nothing was run");
    launched.end(Signal::TERM);
}

#[test]
fn its_file_is_for_this_user_alone_and_goes_with_it() {
    let service = echo();
    let home = home(&service);
    let path = home.home().join(".aileron/launch.json");
    for with in [Signal::INT, Signal::TERM, Signal::HUP] {
        let launched = Launched::start(&home);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let second = ends(&mut launch(&home, &[]), 1);
        assert!(second.stderr.starts_with("vault_unavailable: aileron launch runs already, as process "), "{second}");
        ok(&mut launch(&home, &["true"]));
        let ended = launched.end(with);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "Stopped; the vault is locked again.\n"), "{ended}");
        assert!(!path.exists() && !path.with_extension("json.lock").exists());
    }
}

#[test]
fn a_file_that_was_left_behind_is_ignored_and_replaced() {
    let service = echo();
    let home = home(&service);
    let path = home.home().join(".aileron/launch.json");
    let killed = Launched::start(&home).end(Signal::KILL);
    assert_eq!(killed.code, -9);
    assert!(path.exists());
    // Its port is another program's now, which is not sent the token.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let address = format!("http://{}/v1", stranger.local_addr().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["address"] = json!(address);
    std::fs::write(&path, document.to_string()).unwrap();
    let asked = ends(&mut action_run(&home, &["tea-ping"]), 1);
    assert!(asked.stderr.contains("cannot open terminal"), "{asked}");
    assert!(stranger.accept().is_err(), "no connection");
    let launched = Launched::start(&home);
    ok(&mut action_run(&home, &["tea-ping"]));
    launched.end(Signal::INT);
}

#[test]
fn the_token_is_sent_to_this_machine_only() {
    let service = echo();
    let home = home(&service);
    let with = |url: &str| {
        let mut command = action_run(&home, &["tea-ping"]);
        run(command.env("AILERON_API_URL", url).env("AILERON_TOKEN", "the-token"))
    };
    for url in ["http://evil.example/v1", "https://127.0.0.1:1/v1", "http://127.0.0.1@evil.example/v1", "x"] {
        let refused = with(url);
        assert_eq!(refused.code, 2, "{url}: {refused}");
        assert!(
            refused.stderr.starts_with("usage_error: AILERON_API_URL must be http://127.0.0.1:PORT/v1"),
            "{refused}"
        );
    }
    let silent = with("http://127.0.0.1:1/v1");
    assert_eq!(silent.code, 1);
    assert!(silent.stderr.contains("vault_unavailable: aileron launch does not answer: "), "{silent}");
    // A proxy of the environment is for the web, not for this machine.
    let launched = Launched::start(&home);
    let url = format!("http://127.0.0.1:{}/v1", launched.port);
    let wrong = with(&url);
    assert!(wrong.stderr.contains("vault_unavailable: aileron launch refused the token\n"), "{wrong}");
    let mut proxied = action_run(&home, &["tea-ping"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        proxied.env(name, "http://127.0.0.1:1");
    }
    let proxied = ok(&mut proxied);
    assert!(proxied.stderr.contains(&url), "{proxied}");
    launched.end(Signal::INT);
}

#[test] // artifacts.md §8
fn with_json_it_says_where_it_is_as_an_event_and_ends_with_one_document() {
    let home = crate::vault::with_vault();
    let mut command = home.consumer(&["launch", "--json", "--passphrase-file", "passphrase.txt"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(event["text"].as_str().unwrap().starts_with("✓ Listening on http://localhost:"), "{event}");
    signal(&child, Signal::INT);
    let document = ended(child).json();
    assert_eq!(document["command"], "launch");
    assert!(document["address"].as_str().unwrap().ends_with("/v1"), "{document}");
}

#[test]
fn a_port_that_is_taken_is_another_one_and_said() {
    let service = echo();
    let home = home(&service);
    let is_taken = super::usual_port_is_taken();
    let launched = Launched::start(&home);
    assert!(!is_taken || launched.port != 8721);
    assert_eq!(launched.ask("GET /v1/vault/status", "").status, 200);
    launched.end(Signal::INT);
}
