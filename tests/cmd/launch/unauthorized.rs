//! Every user and every web page of a machine can reach 127.0.0.1. Nothing is answered, and nothing run, without the token.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::json;

use super::{Launched, home};
use crate::run::running::{SECRET, echo};

const RUN: &str = "POST /v1/actions/tea-ping/run";
const HOST: &str = "host: 127.0.0.1:PORT";
const TOKEN: &str = "authorization: Bearer TOKEN";

#[test] // bitwarden/clients#3932: a local interface that answers every program
fn without_the_token_or_from_a_web_page_nothing_runs() {
    let service = echo();
    let home = home(&service);
    let launched = Launched::start(&home);
    for (head, status, code) in [
        (&[HOST][..], 401, "unauthorized"),
        (&[HOST, "authorization: Bearer guessed"], 401, "unauthorized"),
        (&[HOST, "authorization: Basic TOKEN"], 401, "unauthorized"),
        (&[HOST, "authorization: TOKEN"], 401, "unauthorized"),
        (&[HOST, "cookie: token=TOKEN"], 401, "unauthorized"),
        (&[TOKEN], 403, "foreign_host"),
        (&["host: evil.example:PORT", TOKEN], 403, "foreign_host"),
        (&["host: 127.0.0.1:1", TOKEN], 403, "foreign_host"),
        (&["host: localhost", TOKEN], 403, "foreign_host"),
        (&[HOST, "host: evil.example", TOKEN], 403, "foreign_host"),
        (&[HOST, TOKEN, "origin: https://evil.example"], 403, "foreign_origin"),
        (&[HOST, TOKEN, "origin: http://127.0.0.1:PORT"], 403, "foreign_origin"),
        (&[HOST, TOKEN, "origin: null"], 403, "foreign_origin"),
    ] {
        let came = launched.send(RUN, head, b"{}");
        assert_eq!((came.status, came.json()["error"]["code"].as_str()), (status, Some(code)), "{head:?}");
        assert_eq!(came.head.contains("\r\nwww-authenticate: bearer"), status == 401, "{}", came.head);
        assert!(!came.head.contains("access-control"), "{}", came.head);
    }
    let preflight = launched.send(
        "OPTIONS /v1/actions/tea-ping/run",
        &[HOST, "origin: https://evil.example", "access-control-request-method: POST"],
        b"",
    );
    assert_eq!(preflight.status, 403);
    assert!(service.seen().is_empty(), "nothing was run");
    // The same with the token runs.
    let came = launched.ask(RUN, "{}");
    assert_eq!(came.status, 200, "{}", came.json());
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    launched.end(Signal::INT);
}

#[test]
fn what_is_not_asked_for_properly_is_refused_and_runs_nothing() {
    let service = echo();
    let home = home(&service);
    let launched = Launched::start(&home);
    for (first, body, status, code) in [
        ("GET /v1/actions/tea-ping/run", "", 405, "method_not_allowed"),
        ("PUT /v1/actions/tea-ping/run", "{}", 405, "method_not_allowed"),
        ("POST /v1/bindings", "{}", 405, "method_not_allowed"),
        ("DELETE /v1/bindings/api_key%2Ftea%2Fhome", "", 404, "not_found"),
        ("POST /v1/vault/unlock", "{}", 404, "not_found"),
        ("GET /", "", 404, "not_found"),
        ("GET /v1/../v1/actions", "", 404, "not_found"),
        ("POST /v1/actions/../actions/tea-ping/run", "{}", 404, "not_found"),
        ("POST /v1/actions/..%2Ftea-ping/run", "{}", 404, "fetch_failed"),
        ("POST /v1/actions/nope/run", "{}", 404, "fetch_failed"),
        (RUN, "[]", 400, "usage_error"),
        (RUN, "{", 400, "usage_error"),
        (RUN, "{\"args\":{\"x\":1}}", 400, "usage_error"),
        (RUN, "{\"args\":[]}", 400, "usage_error"),
        (RUN, "{\"approve\":true}", 400, "usage_error"),
        (RUN, "{\"allow_private\":[\"x\"]}", 400, "usage_error"),
        (RUN, "{\"timeout\":\"soon\"}", 400, "usage_error"),
        (RUN, "{\"binding\":\"api_key/tea/gone\"}", 400, "usage_error"),
    ] {
        let came = launched.ask(first, body);
        assert_eq!((came.status, came.json()["error"]["code"].as_str()), (status, Some(code)), "{first} {body}");
    }
    assert!(launched.ask("GET /v1/actions/tea-ping/run", "").head.contains("\r\nallow: post"));

    let large = vec![b' '; (4 << 20) + 1];
    let came = launched.send(RUN, &[HOST, TOKEN], &large);
    assert_eq!((came.status, came.json()["error"]["code"].as_str()), (413, Some("too_large")));
    // A length that is only promised is refused before it is waited for.
    let came = launched.send(RUN, &[HOST, TOKEN, "content-length: 99999999999"], b"{");
    assert_eq!(came.status, 413);
    let chunks = [b"500000\r\n".as_slice(), &large, b"\r\n0\r\n\r\n"].concat();
    let came = launched.send(RUN, &[HOST, TOKEN, "transfer-encoding: chunked", "content-length: 0"], &chunks);
    assert!(came.status >= 400, "{}", came.head);
    let long = format!("x: {}", "x".repeat(64 << 10));
    assert_eq!(launched.send(RUN, &[HOST, TOKEN, &long], b"{}").status, 431);
    let many: Vec<String> = (0..100).map(|number| format!("x-{number}: x")).collect();
    let many: Vec<&str> = [HOST, TOKEN].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(launched.send(RUN, &many, b"{}").status, 431);
    assert_eq!(launched.send("GET /a b", &[HOST, TOKEN], b"").status, 400);
    assert!(service.seen().is_empty(), "nothing was run");
    launched.end(Signal::INT);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for_and_keeps_nobody_out() {
    let service = echo();
    let home = home(&service);
    let launched = Launched::start(&home);
    let connect = || TcpStream::connect(("127.0.0.1", launched.port)).unwrap();
    let mut silent: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
    for stream in &mut silent {
        stream.write_all(b"POST /v1/actions/tea-ping/run HTTP/1.1\r\nhost: ").unwrap();
    }
    assert_eq!(launched.ask("GET /v1/vault/status", "").status, 200, "others are answered meanwhile");
    for mut stream in silent {
        // It is closed from the other side, with an answer or without one.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
    }
    assert!(service.seen().is_empty());
    launched.end(Signal::INT);
}

#[test] // vault.md §6.4, §9
fn what_is_answered_names_everything_and_holds_no_secret() {
    let service = echo();
    let home = home(&service);
    let launched = Launched::start(&home);
    let status = launched.ask("GET /v1/vault/status", "");
    assert_eq!(status.json(), json!({"locked": false, "state": "unlocked"}));
    for line in ["content-type: application/json", "cache-control: no-store", "x-content-type-options: nosniff"] {
        assert!(status.head.contains(&format!("\r\n{line}")), "{}", status.head);
    }
    let bindings =
        launched.ask("GET /v1/bindings?connector_fqn=github%3A%2F%2Facme%2Faileron-connector-tea", "").json();
    assert_eq!(bindings["items"][0]["name"], "api_key/tea/home");
    assert_eq!(bindings["items"][0]["connector_fqn"], "github://acme/aileron-connector-tea");
    assert_eq!(launched.ask("GET /v1/bindings?kind=oauth2", "").json(), json!({"items": []}));
    let actions = launched.ask("GET /v1/actions", "").json();
    let names: Vec<&str> =
        actions["items"].as_array().unwrap().iter().map(|action| action["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tea-about", "tea-ping"]);
    assert_eq!(actions["items"][0]["needs_approval"], true);
    assert_eq!(actions["items"][0]["input_schema"]["required"], json!(["why"]));
    let ran = launched.ask(RUN, "").json();
    assert_eq!((&ran["action"], &ran["steps"]["ping"]), (&json!("tea-ping"), &ran["output"]));
    assert!(ran["output"]["sent"].to_string().contains("Bearer [REDACTED]"), "{ran}");

    // Another vault in its place: the key is not that one's, and nothing is sent.
    std::fs::rename(crate::vault::file(&home), home.path("old")).unwrap();
    assert_eq!(launched.ask("GET /v1/vault/status", "").json(), json!({"locked": true, "state": "missing"}));
    home.ok("aileron vault init --passphrase-file passphrase.txt");
    crate::vault::running::bind(&home, &[("api_key/tea/home", crate::vault::running::CONNECTOR, SECRET)]);
    let locked = launched.ask(RUN, "");
    assert_eq!((locked.status, &locked.json()["error"]["code"]), (423, &json!("vault_locked")));
    assert_eq!(launched.ask("GET /v1/vault/status", "").json(), json!({"locked": true, "state": "locked"}));
    // Its key went with the vault it was for.
    std::fs::rename(home.path("old"), crate::vault::file(&home)).unwrap();
    assert_eq!(launched.ask(RUN, "").status, 423);
    assert_eq!(service.seen().len(), 1);
    launched.end(Signal::INT);
}
