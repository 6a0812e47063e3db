//! `mcp`: what an agent's host sees of the installed actions, message by message.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Ran, TestHome, ended, ends, ok};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::launch::leaks::{Marked, holders, processes};
use crate::launch::{Launched, home};
use crate::release::directory::signal;
use crate::run::running::{SECRET, echo, installed};
use crate::run::server::{self, answer};
use crate::vault::running::{CONNECTOR, bind};

/// A host that has started the program.
struct Host {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// Number of the last request.
    last: u64,
}

impl Host {
    /// One that can ask its user, or cannot.
    fn start(command: &mut Command, can_ask: bool) -> Host {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut host = Host { child, to, from, last: 0 };
        let capabilities = if can_ask { json!({"elicitation": {}}) } else { json!({}) };
        let client = json!({"name": "test", "version": "1"});
        let initialized = host.request(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": client}),
        );
        assert_eq!(initialized["result"]["serverInfo"]["name"], "aileron", "{initialized}");
        host.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        host
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) {
        self.last += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}));
    }

    /// The next message: every line of standard output is one.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "it ended");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.ask(method, params);
        let answer = self.next();
        assert_eq!(answer["id"], self.last, "{answer}");
        answer
    }

    /// Calls a tool: whether it failed, and its document.
    fn call(&mut self, name: &str, arguments: &Value) -> (bool, Value) {
        let answer = self.request("tools/call", &json!({"name": name, "arguments": arguments}));
        called(&answer)
    }

    /// Goes away as a host does: standard input is closed.
    fn end(mut self) -> Ran {
        drop(self.to.take());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.from, &mut rest).unwrap();
        assert_eq!(rest, "", "everything was an answer");
        ended(self.child)
    }
}

fn called(answer: &Value) -> (bool, Value) {
    let result = &answer["result"];
    let document: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(result["structuredContent"], document, "{answer}");
    (result["isError"] == true, document)
}

/// `aileron mcp` without a controlling terminal.
fn mcp(home: &TestHome, more: &[&str]) -> Command {
    let mut command = home.command("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "mcp"]).args(more);
    command
}

const GIVEN: [&str; 2] = ["--passphrase-file", "passphrase.txt"];

#[test]
fn installed_actions_are_tools_and_run_with_the_vault() {
    let service = echo();
    let home = home(&service);
    let mut host = Host::start(&mut mcp(&home, &GIVEN), false);
    let listed = host.request("tools/list", &json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!((tools.len(), &listed["result"]["nextCursor"]), (2, &Value::Null));
    assert_eq!(tools[0]["name"], "tea_about");
    let properties = json!({"why": {"type": "string", "description": "Why"}});
    let schema =
        json!({"type": "object", "properties": properties, "required": ["why"], "additionalProperties": false});
    assert_eq!(tools[0]["inputSchema"], schema);
    let description = tools[1]["description"].as_str().unwrap();
    assert!(description.starts_with("check that the tea connector answers\n\n# Ping\n\nAsks the tea"), "{description}");
    assert!(service.seen().is_empty(), "listing runs nothing");

    let (failed, document) = host.call("tea_ping", &json!({}));
    assert_eq!((failed, &document["action"]), (false, &json!("tea-ping")), "{document}");
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert_eq!(document["output"], document["steps"]["ping"]);
    // The key is here now, and is not derived again.
    std::fs::remove_file(home.path("passphrase.txt")).unwrap();
    assert!(!host.call("tea_ping", &json!({})).0);

    let unknown = host.request("tools/call", &json!({"name": "tea-ping"}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    for (name, arguments, class) in [
        ("tea_ping", json!({"x": 1}), "usage_error"),
        ("tea_about", json!({}), "usage_error"),
        ("tea_about", json!({"why": 7}), "usage_error"),
    ] {
        let (failed, document) = host.call(name, &arguments);
        assert_eq!((failed, &document["error"]["class"]), (true, &json!(class)), "{document}");
    }
    assert_eq!(service.seen().len(), 2);
    let said = host.end();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("using api_key/tea/home of the vault for github://acme/aileron-connector-tea\n"));
}

#[test]
fn secrets_are_in_no_file_no_message_and_no_process_list() {
    let service = echo();
    let marked = Marked::new(&service);
    let mut host = Host::start(&mut mcp(&marked.home, &GIVEN), false);
    let (failed, document) = host.call("tea_ping", &json!({}));
    assert!(!failed, "{document}");
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {}", marked.secret).as_str()));
    let (files, shown) = (contents(marked.home.all()), processes());
    let said = host.end();
    assert_eq!(holders(&files, &marked.secret), [""; 0]);
    assert_eq!(holders(&files, &marked.passphrase), ["work/passphrase.txt"]);
    for marker in marked.markers() {
        assert_eq!(holders(&shown, marker), [""; 0], "{marker}");
        assert!(!said.stderr.contains(marker) && !document.to_string().contains(marker), "{said}");
    }
}

#[test] // sandbox.md §10.5
fn what_fails_is_a_result_that_says_so() {
    let service = server::http(|_| answer("200 OK", "not JSON"));
    let home = home(&service);
    let mut host = Host::start(&mut mcp(&home, &GIVEN), false);
    let (failed, document) = host.call("tea_ping", &json!({}));
    let error = &document["error"];
    assert_eq!(
        (failed, &error["class"], &error["boundary"]),
        (true, &json!("connector_runtime_error"), &json!("sandbox"))
    );
    assert!(error["message"].is_string() && error["retriable"] == false && error["details"]["step"] == "ping");
    // Others are answered meanwhile; what is open when the host goes is not lost.
    host.ask("tools/call", &json!({"name": "tea_ping"}));
    host.ask("ping", &json!({}));
    let mut answered: Vec<u64> = (0..2).map(|_| host.next()["id"].as_u64().unwrap()).collect();
    answered.sort_unstable();
    assert_eq!(answered, [3, 4]);
    assert_eq!(host.end().code, 0);

    bind(&home, &[("api_key/tea/work", CONNECTOR, "work-key-0123456789")]);
    let mut host = Host::start(&mut mcp(&home, &GIVEN), false);
    let (failed, document) = host.call("tea_ping", &json!({}));
    assert_eq!((failed, &document["error"]["class"]), (true, &json!("binding_required")), "never picked silently");
    host.end();
    let mut host = Host::start(&mut mcp(&home, &[&GIVEN[..], &["--binding", "api_key/tea/work"]].concat()), false);
    let before = service.seen().len();
    host.call("tea_ping", &json!({}));
    assert_eq!(service.seen()[before].header("authorization"), Some("Bearer work-key-0123456789"));
    host.end();
}

#[test]
fn approval_is_the_hosts_users_or_nobodys() {
    let service = echo();
    let home = home(&service);
    let arguments = json!({"why": "for fun"});
    let mut host = Host::start(&mut mcp(&home, &GIVEN), false);
    let (failed, document) = host.call("tea_about", &arguments);
    assert_eq!((failed, &document["error"]["class"]), (true, &json!("approval_denied")));
    assert_eq!(document["error"]["details"]["command"], "aileron action run tea-about --args '{\"why\":\"for fun\"}'");
    host.end();
    let mut host = Host::start(&mut mcp(&home, &GIVEN), true);
    for (action, content, runs) in [
        ("decline", Value::Null, false),
        ("cancel", Value::Null, false),
        ("accept", json!({"approve": false}), false),
        ("accept", json!({}), false),
        ("accept", json!({"approve": "true"}), false),
        ("decline", json!({"approve": true}), false),
        ("accept", json!({"approve": true}), true),
    ] {
        let before = service.seen().len();
        host.ask("tools/call", &json!({"name": "tea_about", "arguments": arguments}));
        let question = host.next();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        let message = question["params"]["message"].as_str().unwrap();
        assert!(message.starts_with("tea-about 0.1.0 wants your approval.\n") && message.contains("why: for fun"));
        assert_eq!(question["params"]["requestedSchema"]["required"], json!(["approve"]));
        let mut result = json!({"action": action});
        if !content.is_null() {
            result["content"] = content.clone();
        }
        host.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
        let (failed, document) = called(&host.next());
        assert_eq!(failed, !runs, "{action} {content}: {document}");
        assert_eq!(service.seen().len() - before, usize::from(runs), "{action} {content}");
    }
    host.end();
}

#[test] // since 2026-07-28 a call is answered with the question, and made again with the answer
fn a_host_without_sessions_makes_the_call_again_with_its_users_answer() {
    let service = echo();
    let home = home(&service);
    let child = mcp(&home, &GIVEN).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
    let mut host = Host { child, to, from, last: 0 };
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    });
    let call = |why: &str| json!({"name": "tea_about", "arguments": {"why": why}, "_meta": meta});
    let asked = host.request("tools/call", &call("fun"));
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let question = &asked["result"]["inputRequests"]["approval"];
    assert_eq!(question["method"], "elicitation/create", "{asked}");
    assert!(question["params"]["message"].as_str().unwrap().contains("why: fun"));
    assert!(service.seen().is_empty(), "nothing was run yet");
    let again = |why: &str, action: &str, state: &Value| {
        let mut again = call(why);
        again["inputResponses"] = json!({"approval": {"action": action, "content": {"approve": true}}});
        again["requestState"] = state.clone();
        again
    };
    let state = &asked["result"]["requestState"];
    let (failed, document) = called(&host.request("tools/call", &again("fun", "decline", state)));
    assert_eq!((failed, &document["error"]["class"]), (true, &json!("approval_denied")));
    // A yes to something else is none.
    for (why, state) in [("harm", state), ("fun", &json!("guessed"))] {
        let other = host.request("tools/call", &again(why, "accept", state));
        assert_eq!(other["result"]["resultType"], "input_required", "{other}");
    }
    assert!(service.seen().is_empty());
    let (failed, document) = called(&host.request("tools/call", &again("fun", "accept", state)));
    assert_eq!((failed, &document["action"]), (false, &json!("tea-about")));
    assert_eq!(service.seen().len(), 1);
    assert_eq!(host.end().code, 0);
}

#[test]
fn the_vault_of_a_running_launch_is_made_use_of() {
    let service = echo();
    let home = home(&service);
    let mut host = Host::start(&mut mcp(&home, &[]), true);
    let (failed, document) = host.call("tea_ping", &json!({}));
    assert_eq!((failed, &document["error"]["class"]), (true, &json!("vault_locked")), "no terminal to type on");
    let next = document["error"]["next"].as_str().unwrap();
    assert!(next.starts_with("aileron launch, in a terminal, opens the vault for this"), "{next}");
    assert!(service.seen().is_empty());
    let launched = Launched::start(&home);
    assert!(!host.call("tea_ping", &json!({})).0);
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    // The launch that holds the vault decides about approval, and it has no terminal.
    let (failed, document) = host.call("tea_about", &json!({"why": "x"}));
    assert_eq!((failed, &document["error"]["class"]), (true, &json!("approval_denied")));
    launched.end(Signal::INT);
    assert!(host.call("tea_ping", &json!({})).0);
    assert_eq!(service.seen().len(), 1);
    host.end();
}

#[test]
fn many_actions_come_in_pages() {
    const ACTIONS: usize = 205;
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let ping = repository.read("actions/tea-ping/action.md");
    let mut listed = vec!["actions/tea-about".to_owned(), "actions/tea-ping".to_owned()];
    for number in 2..ACTIONS {
        let name = format!("tea-ping-{number:03}");
        let text = ping.replace("name = \"tea-ping\"", &format!("name = \"{name}\""));
        repository.write(
            &format!("actions/{name}/action.md"),
            &text.replace("actions/tea-ping@", &format!("actions/{name}@")),
        );
        listed.push(format!("actions/{name}"));
    }
    let suite = repository.read("suite.toml");
    let (head, _) = suite.split_once("actions = ").unwrap();
    repository.write("suite.toml", &format!("{head}actions = {}\n", json!(listed)));
    repository.commit("many actions");
    installed(&repository, &home.path("registry"));
    let mut host = Host::start(&mut mcp(&home, &[]), false);
    let (mut names, mut sizes, mut cursor) = (Vec::new(), Vec::new(), json!({}));
    loop {
        let page = host.request("tools/list", &cursor)["result"].clone();
        let tools = page["tools"].as_array().unwrap();
        sizes.push(tools.len());
        names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = json!({"cursor": next}),
            None => break,
        }
    }
    assert_eq!(sizes, [100, 100, 5]);
    let mut expected: Vec<String> = listed.iter().map(|path| path["actions/".len()..].replace('-', "_")).collect();
    expected.sort();
    assert_eq!(names, expected);
    let (failed, document) = host.call("tea_ping_204", &json!({}));
    assert_eq!((failed, &document["output"]), (false, &json!({"answer": "pong"})));
    host.end();
}

#[test]
fn it_ends_with_its_host_and_by_a_signal() {
    let home = TestHome::new();
    let mut host = Host::start(&mut home.consumer(&["mcp"]), false);
    assert_eq!(host.request("tools/list", &json!({}))["result"]["tools"], json!([]));
    signal(&host.child, Signal::TERM);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut host.from, &mut rest).unwrap();
    assert_eq!((ended(host.child).code, rest.as_str()), (0, ""));
    // Not started by a host.
    let alone = ends(&mut home.consumer(&["mcp"]), 2);
    assert!(alone.stdout.is_empty() && alone.stderr.contains("next: aileron mcp --config"), "{alone}");
    for more in [&["--json"][..], &["--passphrase-file", "-"]] {
        ends(&mut home.consumer(&[&["mcp"], more].concat()), 2);
    }
    let elsewhere = ok(home.consumer(&["mcp", "--config"]).env("PATH", "/nonexistent"));
    let command = elsewhere.value()["mcpServers"]["aileron"]["command"].as_str().unwrap().to_owned();
    assert!(command.ends_with("/aileron"), "{command}");
}
