//! A connector that runs: from the repository it is made in, from its recordings, and installed. sandbox.md 15a.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use aileron_testkit::Requirement;
use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{TestHome, ended, ends, ok};
use base64::Engine as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::certificate::identity;
use super::server::{self, Server, answer};
use crate::release::directory::{signal, start};

pub(crate) use aileron_testkit::home::{api_key, asking, installed};

pub(crate) const SECRET: &str = "s3cret-0123456789-abcdef";

/// A service that tells everything it was sent.
pub(crate) fn echo() -> Server {
    server::http(|request| {
        answer("200 OK\r\nContent-Type: application/json", json!({"sent": request.headers}).to_string())
    })
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn an_operation_runs_from_the_repository_and_a_second_run_builds_and_compiles_nothing() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let first = ok(&mut repository.publisher(&["run", "ping"]));
    assert_eq!(first.stdout, "{\"output\":{\"answer\":\"pong\"}}\n");
    assert!(first.stderr.contains("compiling the connector: done, and kept for the next run"), "{first}");
    let second = ok(&mut repository.publisher(&["run", "ping"]));
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), (first.stdout.as_str(), ""));
    let source = repository.read("connector/connector.wat").replace("pong", "PONG");
    repository.write("connector/connector.wat", &source);
    assert_eq!(ok(&mut repository.publisher(&["run", "ping"])).stdout, "{\"output\":{\"answer\":\"PONG\"}}\n");
    let json = ok(&mut repository.publisher(&["run", "ping", "--json"])).json();
    assert_eq!(
        (&json["command"], &json["ok"], &json["output"]),
        (&json!("run"), &json!(true), &json!({"answer": "PONG"}))
    );

    let unknown = ends(&mut repository.publisher(&["run", "nope"]), 1);
    let error = &document(&unknown.stdout)["error"];
    assert_eq!(
        (&error["class"], &error["details"]["connector_class"]),
        (&json!("connector_runtime_error"), &json!("unknown_op"))
    );
    assert!(unknown.stderr.starts_with("connector_runtime_error: the operations are about and ping\n"), "{unknown}");
    for args in [
        &["run"][..],
        &["run", "ping", "--args", "[]"],
        &["run", "ping", "--arg", "x"],
        &["run", "ping", "--credential-env", "GONE"],
    ] {
        ends(&mut repository.publisher(args), 2);
    }
}

/// Functions that take the compiler some seconds each, and stay below its budget.
fn slow_to_compile() -> String {
    let locals = "(local i32) ".repeat(1_000);
    let uses: String = (0..1_000).map(|local| format!("(local.set {local} (i32.load (i32.const {local})))")).collect();
    let sums: String = (0..1_000).map(|local| format!("(i32.store (i32.const 0) (local.get {local}))")).collect();
    let joins = "(loop $again (br_if $again (i32.load (i32.const 4))))".repeat(1_800);
    (0..4).map(|_| format!("(func {locals}{uses}{joins}{sums})\n")).collect()
}

#[test] // after Ctrl-C nothing is sent, whatever the program is busy with
fn ctrl_c_while_the_connector_is_compiled_ends_the_run_and_sends_nothing() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let service = echo();
    let host = format!("127.0.0.1:{}", service.port());
    asking(&repository, &format!("http://{host}/me"), "api_key", &api_key(&host));
    let module = repository.read("connector/connector.wat");
    let (module, end) = module.rsplit_once(')').unwrap();
    repository.write("connector/connector.wat", &format!("{module}{}){end}", slow_to_compile()));
    for signals in [1, 3] {
        let mut command =
            repository.publisher(&["run", "me", "--json", "--allow-private", &host, "--credential-env", "KEY"]);
        let mut child = start(command.env("KEY", SECRET));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("compiling the connector")), "{}", ended(child));
        (0..signals).for_each(|_| signal(&child, Signal::INT));
        let rest: Vec<String> = lines.collect();
        let said = ended(child);
        assert_eq!(said.code, 130, "{said}{rest:?}");
        assert!(service.seen().is_empty(), "{said}{rest:?}");
    }
}

#[test] // issue: credential bytes appear in no output, log, cassette or error
fn a_credential_reaches_the_service_and_no_file_or_stream() {
    let service = echo();
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let host = format!("127.0.0.1:{}", service.port());
    asking(&repository, &format!("http://{host}/me"), "api_key", &api_key(&host));

    let without = ends(&mut repository.publisher(&["run", "me"]), 1);
    assert_eq!(document(&without.stdout)["error"]["class"], "binding_required");
    assert!(without.stderr.contains("next: pass the credential with --credential-env"), "{without}");
    assert!(service.seen().is_empty());

    let run = |args: &[&str]| {
        let mut command = repository.publisher(args);
        command.env("TOKEN", SECRET);
        command
    };
    let recorded = ok(&mut run(&["run", "me", "--credential-env", "TOKEN", "--record", "tests/me.toml"]));
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    let output = &document(&recorded.stdout)["output"];
    assert!(output["sent"].to_string().contains("Bearer [REDACTED]"), "{output}");
    assert!(recorded.stderr.contains("[connector info] asked"), "{recorded}");

    let file = home.path("key");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    let from_file =
        ok(&mut repository.publisher(&["run", "me", "--credential-file", file.to_str().unwrap(), "--json"]));
    assert_eq!(service.seen()[1].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    fs::remove_file(file).unwrap();

    // Offline from here: the recording answers, and the credential is not needed.
    let replayed = ok(&mut repository.publisher(&["run", "me", "--replay", "tests/me.toml"]));
    assert_eq!(replayed.stdout, recorded.stdout);
    for scaffolded in ["about", "ping", "unknown-operation"] {
        fs::remove_file(repository.root.join(format!("tests/{scaffolded}.toml"))).unwrap();
    }
    assert!(ok(&mut repository.publisher(&["test"])).stdout.contains("ok      tests/me.toml\n1 recording: 0 failed\n"));
    assert_eq!(service.seen().len(), 2);

    for said in [&without, &recorded, &from_file, &replayed] {
        assert!(!said.stdout.contains(SECRET) && !said.stderr.contains(SECRET), "{said}");
    }
    for (name, bytes) in contents(home.all()) {
        assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "{name} holds the credential");
    }
}

#[test] // sandbox.md 15a: a request that does not match, or an exchange not used, fails
fn a_recording_that_does_not_fit_says_where() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    assert_eq!(
        ok(&mut repository.publisher(&["test"])).stdout,
        "ok      tests/about.toml\nok      tests/ping.toml\nok      tests/unknown-operation.toml\n3 recordings: 0 failed\n"
    );
    repository.write("tests/ping.toml", "op = \"ping\"\n[expect]\noutput = { answer = \"ping\", extra = 1 }\n");
    repository.write("tests/unused.toml", "op = \"ping\"\n[[exchange]]\nrequest = { method = \"GET\", url = \"https://a.example/\" }\nresponse = { status = 200 }\n");
    let failed = ends(&mut repository.publisher(&["test"]), 1);
    assert_eq!(
        failed.stdout,
        "ok      tests/about.toml\n\
         FAILED  tests/ping.toml\n    output.answer\n      - \"ping\"\n      + \"pong\"\n    output.extra\n      - 1\n      + (nothing)\n\n\
         ok      tests/unknown-operation.toml\n\
         FAILED  tests/unused.toml\n    1 recorded request not made:\n      GET https://a.example/\n\n\
         4 recordings: 2 failed\n"
    );
    assert!(failed.stderr.starts_with("connector_runtime_error: 2 of 4 recordings failed\n"), "{failed}");
    repository.write("tests/ping.toml", "ops = \"ping\"\n");
    let broken = ends(&mut repository.publisher(&["test"]), 6);
    assert!(broken.stderr.contains("ping.toml: not a cassette: unknown field `ops`"), "{broken}");
    fs::remove_dir_all(repository.root.join("tests")).unwrap();
    ends(&mut repository.publisher(&["test"]), 4);
}

#[test] // artifacts.md §2, sandbox.md 6.4; the issue: unused hosts it can prove
fn what_a_module_needs_and_what_it_is_granted_are_held_against_each_other() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let manifest = repository.read("connector/manifest.toml");
    repository.write(
        "connector/manifest.toml",
        &format!("{manifest}\n[capabilities.network]\nhosts = [\"a.example:443\"]\n"),
    );
    let before = ok(&mut repository.publisher(&["check", "--json"])).json();
    assert_eq!(before["problems"], json!([]), "no module was built yet");
    ok(&mut repository.publisher(&["run", "ping"]));
    let after = ok(&mut repository.publisher(&["check", "--json"])).json();
    assert_eq!((&after["problems"][0]["rule"], after["errors"].as_u64()), (&json!("host-unused"), Some(0)));

    let inspected = ok(&mut repository.publisher(&["inspect"])).stdout;
    for line in [
        "  host functions  none\n",
        "  WASI functions  fd_read, fd_write, proc_exit\n",
        "  may reach       a.example:443\n",
    ] {
        assert!(inspected.contains(line), "{inspected}");
    }
    let module = repository.root.join("dist/run/connector.wasm");
    let alone = ok(&mut home.publisher(&["inspect", "--json", "--wasm", module.to_str().unwrap()])).json();
    assert_eq!((alone["imports"].as_array().unwrap().len(), &alone["capabilities"]), (3, &Value::Null));
    ends(&mut home.publisher(&["inspect", "--wasm", "/dev/null"]), 3);
}

#[test] // roots come from the platform, and `SSL_CERT_FILE` replaces them
fn a_certificate_is_believed_when_ssl_cert_file_says_so() {
    let identity = identity(&["localhost"]);
    let service = server::https(&identity, |_| answer("200 OK", "{\"over\":\"tls\"}"));
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let host = format!("localhost:{}", service.port());
    asking(&repository, &format!("https://{host}/"), "", &api_key(&host));
    let encoded = base64::engine::general_purpose::STANDARD.encode(&identity.certificate);
    let pem = home.path("root.pem");
    fs::write(&pem, format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n")).unwrap();
    let refused = ends(&mut repository.publisher(&["run", "x"]), 1);
    assert_eq!(document(&refused.stdout)["error"]["class"], "connector_runtime_error");
    let trusting = ok(repository.publisher(&["run", "x"]).env("SSL_CERT_FILE", &pem));
    assert_eq!(trusting.stdout, "{\"output\":{\"over\":\"tls\"}}\n");
}

#[test] // the issue: `aileron connector run`, `aileron action run`
fn what_is_installed_runs() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let registry = home.path("registry");
    installed(&repository, &registry);
    for name in ["github://acme/aileron-connector-tea@0.1.0", "github://acme/aileron-connector-tea"] {
        let run = ok(&mut home.consumer(&["connector", "run", name, "ping"]));
        assert_eq!(run.stdout, "{\"output\":{\"answer\":\"pong\"}}\n");
    }
    let action = ok(&mut home.consumer(&["action", "run", "tea-ping"]));
    let expected = json!({"action": "tea-ping", "output": {"answer": "pong"}, "steps": {"ping": {"answer": "pong"}}});
    assert_eq!(document(&action.stdout), expected);
    let json = ok(&mut home.consumer(&["action", "run", "tea-ping", "--json"])).json();
    assert_eq!((&json["command"], &json["steps"]), (&json!("action run"), &expected["steps"]));
    ends(&mut home.consumer(&["action", "run", "tea-ping", "--arg", "x=1"]), 2);
    ends(&mut home.consumer(&["action", "run", "nope"]), 4);
    ends(&mut home.consumer(&["connector", "run", "github://acme/nope@0.1.0", "ping"]), 4);

    // A changed byte is refused before anything runs, and so is a publisher who is trusted no more.
    let store = home.home().join(".aileron/store/connectors/sha256");
    let entry = fs::read_dir(store).unwrap().next().unwrap().unwrap().path();
    let module = fs::read(entry.join("connector.wasm")).unwrap();
    fs::write(entry.join("connector.wasm"), [&module[..], b"\0"].concat()).unwrap();
    ends(&mut home.consumer(&["connector", "run", "github://acme/aileron-connector-tea", "ping"]), 3);
    fs::write(entry.join("connector.wasm"), module).unwrap();
    ok(&mut home.consumer(&["connector", "run", "github://acme/aileron-connector-tea", "ping"]));
    ok(&mut home.consumer(&["keyring", "revoke", "github://acme"]));
    ends(&mut home.consumer(&["connector", "run", "github://acme/aileron-connector-tea", "ping"]), 3);
}

#[test] // sandbox.md 15a, "Approval"
fn an_action_that_wants_approval_waits_for_a_yes() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let action = repository.read("actions/tea-about/action.md");
    let (front, body) = action.split_once("\n+++\n\n").unwrap();
    let input = "[[inputs]]\nname = \"why\"\ntype = \"string\"\ndescription = \"Why\"\n";
    let preview = "[approval]\nrequired = true\n[approval.preview]\nop = \"ping\"\n[approval.preview.render]\nSays = \"answer\"\nMore = \"x\"\n";
    repository.write("actions/tea-about/action.md", &format!("{front}\n{input}{preview}+++\n\n{body}"));
    repository.commit("an action that asks");
    installed(&repository, &home.path("registry"));
    let run = |more: &[&str], answer: &str| {
        let mut command = home.consumer(&["action", "run", "tea-about", "--arg", "why=\u{1b}[31mfun"]);
        let child = command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        ended(child)
    };
    for answer in ["", "n\n", "maybe\n"] {
        let no = run(&[], answer);
        assert_eq!(no.code, 6, "{no}");
        assert_eq!(document(&no.stdout)["error"]["class"], "approval_denied");
    }
    let yes = run(&[], "y\n");
    assert_eq!((yes.code, &document(&yes.stdout)["action"]), (0, &json!("tea-about")), "{yes}");
    for line in [
        "tea-about 0.1.0 wants your approval.\n",
        "    why: \\u{1b}[31mfun\n",
        "Preview:\n    Says: pong\n    More: n/a\n",
        "Run it? [y/N]: ",
    ] {
        assert!(yes.stderr.contains(line), "{yes}");
    }
    let approved = run(&["--approve"], "");
    assert_eq!((approved.code, approved.stderr.contains("approval")), (0, false), "{approved}");
}

#[test] // a Go connector, as init makes it, passes the recordings it comes with
fn a_scaffolded_go_connector_passes_its_recordings() {
    if !Requirement::Go.is_met() {
        return;
    }
    let home = TestHome::new();
    let repository = home.scaffold("tea", "go");
    let tested = ok(&mut repository.publisher(&["test"]));
    assert_eq!(
        tested.stdout,
        "ok      tests/comment-on-item-refused.toml\nok      tests/comment-on-item.toml\nok      tests/get-item-refused.toml\nok      tests/get-item.toml\nok      tests/unknown-operation.toml\n5 recordings: 0 failed\n"
    );
}
