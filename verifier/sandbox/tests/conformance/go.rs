//! Connectors built as real ones are: Go, wasip1. Skipped, loudly, where there is no Go.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use aileron_sandbox::credential::StaticCredential;
use aileron_sandbox::engine::{Cache, Connector, Engine, LocalBuild};
use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::http::{Network, Roots};
use aileron_sandbox::invoke::{Args, Done, Invocation, Limits};
use aileron_sandbox::secret::Secret;
use aileron_testkit::{Requirement, skip};
use aileron_verifier::artifact::module::{HOST_MODULE, Module, WASI_MODULE};
use aileron_verifier::problem::Class;
use serde_json::{Value, json};

use crate::certificate::identity;
use crate::guest::{NoNetwork, call, failure, manifest, output, run, wall};
use crate::server::{Server, answer, http, https};

/// Builds the fixture with these tags; `None`, after a [`skip`], without a toolchain.
fn build(tags: &str) -> Option<Vec<u8>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/go");
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("guest-{tags}.wasm"));
    let built = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags", tags, "-o"])
        .arg(&out)
        .arg(".")
        .current_dir(source)
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "")])
        .output();
    match built {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skip(Requirement::Go, "no go in PATH, so no connector built with it was run");
            None
        }
        built => {
            let built = built.unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            Some(std::fs::read(out).unwrap())
        }
    }
}

/// The fixture with athena's and google's imports.
static FIXTURE: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| build(""));

/// Compiled once for all tests; what a manifest grants is the network's to keep.
static CONNECTOR: LazyLock<Option<Connector>> = LazyLock::new(|| FIXTURE.as_ref().map(|wasm| compile(wasm)));

/// Compiles a Go module, which takes seconds, or finds it where the last run of these tests left it.
fn compile(wasm: &[u8]) -> Connector {
    let cache = Cache::open(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")).unwrap();
    let engine = Engine::new(Some(cache)).unwrap();
    engine.compile_local(&LocalBuild::new(wasm.to_vec(), manifest("")).unwrap()).unwrap()
}

fn invoke_on(connector: &Connector, network: Network, op: &str, args: &Value) -> Done {
    let args = Args::parse(&args.to_string()).unwrap();
    run(connector, Invocation { args, ..Invocation::new(op, Arc::new(network)) })
}

#[test] // sandbox.md §2.4, §14: the import sets of the real connectors
fn a_go_connector_imports_what_the_real_ones_import() {
    let Some(wasm) = FIXTURE.as_ref() else { return };
    let module = Module::parse(wasm).unwrap();
    let names = |of: &str| {
        let mut names: Vec<_> =
            module.imports.iter().filter(|import| import.module == of).map(|import| import.name.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(HOST_MODULE),
        ["http_request", "http_response_read", "http_response_size", "http_response_status", "log"]
    );
    let expected = [
        "args_get",
        "args_sizes_get",
        "clock_time_get",
        "environ_get",
        "environ_sizes_get",
        "fd_close",
        "fd_fdstat_get",
        "fd_fdstat_set_flags",
        "fd_prestat_dir_name",
        "fd_prestat_get",
        "fd_read",
        "fd_write",
        "fd_write",
        "poll_oneoff",
        "proc_exit",
        "random_get",
        "sched_yield",
    ];
    assert_eq!(names(WASI_MODULE), expected);
    let linear = Module::parse(&build("nolog").unwrap()).unwrap();
    assert_eq!(linear.imports.len(), module.imports.len() - 1);
    assert!(!linear.host_functions().contains(&"log"));
    assert_eq!(linear.faults(None), []);
}

#[test] // P1, P6, P7, §5.3
fn the_fixture_operations_end_as_the_spec_lists_them() {
    let Some(connector) = CONNECTOR.as_ref() else { return };
    for value in ["hello", "world"] {
        let done = call(connector, "echo", &json!({ "value": value }).to_string());
        assert_eq!(json!(output(&done)), json!({ "echo": value }));
    }
    let done = call(connector, "log", "{}");
    assert_eq!((json!(output(&done)), done.log.lines().len()), (json!({"logged": true}), 1));
    assert_eq!(done.log.lines()[0].message, "hello from connector");
    let done = call(connector, "nonesuch", "{}");
    assert_eq!(
        (failure(&done).class, &failure(&done).details["connector_class"]),
        (Class::ConnectorRuntimeError, &json!("unknown_op"))
    );
    let done = call(connector, "panic", "{}");
    assert_eq!(
        (failure(&done).class, failure(&done).message.as_str()),
        (Class::ConnectorRuntimeError, "panicking as asked")
    );
    // A Go panic is exit code 2 with a goroutine dump, of which the end is shown.
    let done = call(connector, "die", "{}");
    let message = &failure(&done).message;
    let dump = "connector exited 2; stderr: panic: dying as asked\n\ngoroutine 1 [running]:\nmain.main()";
    assert!(message.starts_with(dump), "{message}");
    for code in [0, 1, 125, 126, 255] {
        let done = call(connector, "exit", &json!({ "code": code }).to_string());
        let message = done.result.err().map(|failure| failure.message);
        assert_eq!(message, (code > 0).then(|| format!("connector exited {code}; stderr: ")));
    }
}

#[test] // P8, decisions C1 and C4
fn time_and_memory_of_a_go_connector_are_the_hosts_to_give() {
    let Some(connector) = CONNECTOR.as_ref() else { return };
    let began = Instant::now();
    let limits = wall(Duration::from_millis(500));
    let done = run(connector, Invocation { limits, ..Invocation::new("loop", Arc::new(NoNetwork)) });
    assert_eq!(
        (failure(&done).class, &failure(&done).details["limit"]),
        (Class::ResourceLimitExceeded, &json!("wall_time"))
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    let done = call(connector, "hoard", "{}");
    assert_eq!(
        (failure(&done).class, &failure(&done).details["limit"]),
        (Class::ResourceLimitExceeded, &json!("memory"))
    );
    let sleep = |profile, ms: u64| {
        let args = Args::parse(&json!({ "ms": ms }).to_string()).unwrap();
        let limits = Limits::new(0, Duration::from_secs(20));
        output(&run(connector, Invocation { args, profile, limits, ..Invocation::new("sleep", Arc::new(NoNetwork)) }))
    };
    let real = sleep(Profile::Real, 30);
    assert!(real["slept_ms"].as_u64().unwrap() >= 30 && real["year"].as_u64().unwrap() > 2022);
    // An hour passes in no time, and to the same millisecond.
    let fixed = sleep(Profile::Deterministic, 60_000);
    assert_eq!(fixed, sleep(Profile::Deterministic, 60_000));
    assert_eq!(fixed["year"], 2022);
}

#[test] // §2.4
fn a_go_connector_that_looks_around_finds_nothing() {
    let Some(wasm) = build("wide") else { return };
    let done = call(&compile(&wasm), "look", "{}");
    let nothing = json!({
        "args": 0, "environ": 0, "directory": false, "file": false, "created": false, "working": true, "dialled": false,
    });
    assert_eq!(json!(output(&done)), nothing);
}

/// A manifest that grants the server, under this host, and declares a credential.
fn granting(host: &str, server: &Server, credential: &str) -> String {
    format!("[capabilities.network]\nhosts = [\"{host}:{}\"]\n{credential}", server.port())
}

const OAUTH2: &str = r#"
[capabilities.credential]
kind = "oauth2"
[capabilities.credential.oauth2]
authorize_url = "https://accounts.example/authorize"
token_url = "https://accounts.example/token"
client_id = "id"
scopes = ["read"]
"#;

const API_KEY: &str = r#"
[capabilities.credential]
kind = "api_key"
header = "Authorization"
format = "{key}"
"#;

const SIGV4: &str = r#"
[capabilities.credential]
kind = "aws_sigv4"
service = "athena"
"#;

fn given(secret: &str) -> Arc<StaticCredential> {
    Arc::new(StaticCredential {
        secret: Arc::new(Secret::from(secret.to_owned())),
        region: Some("us-east-1".into()),
        access_key_id: Some("AKIDEXAMPLE".into()),
    })
}

#[test] // N13, N14, N17, P15, P18: the network of a Go connector
fn a_go_connector_reaches_what_it_was_granted_and_nothing_else() {
    let Some(connector) = CONNECTOR.as_ref() else { return };
    let other = http(|_| answer("200 OK", "never"));
    let away = format!("302 Found\r\nLocation: http://{}/stolen", other.address);
    let server = http(move |request| match request.target.as_str() {
        "/away" => answer(&away, ""),
        "/empty" => answer("204 No Content", ""),
        "/broken" => answer("503 Service Unavailable", "later"),
        _ => answer("200 OK", "hi"),
    });
    let network = || Network::of(&manifest(&granting("127.0.0.1", &server, "")));
    let get = |server: &Server, path: &str| {
        invoke_on(connector, network(), "http", &json!({ "url": format!("http://{}{path}", server.address) }))
    };
    assert_eq!(json!(output(&get(&server, "/"))), json!({"status": 200, "size": 2, "body": "hi"}));
    assert_eq!(json!(output(&get(&server, "/empty"))), json!({"status": 204, "size": 0, "body": ""}));
    assert_eq!(json!(output(&get(&server, "/broken"))), json!({"status": 503, "size": 5, "body": "later"}));
    for done in [get(&server, "/away"), get(&other, "/")] {
        assert_eq!(failure(&done).class, Class::CapabilityDenied, "{}", failure(&done));
        assert_eq!(failure(&done).details["requested"], format!("network:{}", other.address));
    }
    assert_eq!(other.seen().len(), 0);
}

#[test] // C-3, C-7, C-9, C-13, S1 and the escape matrix: the credential is in the request and nowhere else
fn a_credential_is_in_the_request_and_in_nothing_a_guest_or_a_reader_sees() {
    let Some(connector) = CONNECTOR.as_ref() else { return };
    let secret = "xoxb-very-secret-token";
    // An echo: whatever came in the headers goes back in the body.
    let echo = |request: &crate::server::Request| answer("200 OK", format!("{:?}", request.headers));
    let identity = identity(&["localhost"]);
    let (plain, secure) = (http(echo), https(&identity, echo));
    for (kind, declared) in [("oauth2", OAUTH2), ("api_key", API_KEY), ("aws_sigv4", SIGV4)] {
        for (server, scheme) in [(&plain, "http"), (&secure, "https")] {
            let manifest = manifest(&granting("localhost", server, declared));
            let network = || Network::of(&manifest).trusting(Roots::Only(vec![identity.certificate.clone()]));
            let args = json!({
                "method": "POST", "url": format!("{scheme}://localhost:{}/x?b=1&a=2", server.port()), "credential": kind,
                "body": "{\"q\":1}", "headers": {"authorization": "Bearer the-guests-own"},
            });
            let before = server.seen().len();
            let done = invoke_on(connector, network(), "http_cred", &args);
            assert_eq!(failure(&done).class, Class::BindingRequired, "{kind}");
            assert!(failure(&done).message.contains("aileron binding setup"));
            assert_eq!(server.seen().len(), before, "{kind}: a request left without its credential");

            let dump: Arc<Mutex<Vec<u8>>> = Arc::default();
            let memory = Arc::clone(&dump);
            let network = Arc::new(network().with_credentials(given(secret)));
            let done = run(
                connector,
                Invocation {
                    args: Args::parse(&args.to_string()).unwrap(),
                    inspect: Some(Box::new(move |bytes| memory.lock().unwrap().extend_from_slice(bytes))),
                    ..Invocation::new("http_cred", network)
                },
            );
            assert_eq!(output(&done)["status"], 200, "{kind} {scheme}");
            let seen = server.seen().split_off(before);
            assert_eq!((seen.len(), seen[0].body.as_slice()), (1, b"{\"q\":1}".as_slice()));
            let authorization = seen[0].header("authorization").unwrap();
            match kind {
                "oauth2" => assert_eq!(authorization, format!("Bearer {secret}")),
                "api_key" => assert_eq!(authorization, secret),
                _ => {
                    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
                    assert!(
                        authorization.contains("/us-east-1/athena/aws4_request, SignedHeaders="),
                        "{authorization}"
                    );
                }
            }
            let dump = dump.lock().unwrap();
            assert!(dump.len() > 1 << 20);
            let shown = format!("{done:?}");
            for place in [dump.as_slice(), shown.as_bytes()] {
                let holds = |text: &str| place.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!holds(secret), "{kind} {scheme}: the secret is where it must not be");
            }
        }
    }
}
