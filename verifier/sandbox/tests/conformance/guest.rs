//! Guests in WebAssembly text, built for one test each: no toolchain, and every instruction in sight.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aileron_sandbox::engine::{Connector, Engine, LocalBuild};
use aileron_sandbox::failure::Failure;
use aileron_sandbox::host::{Exchange, ExchangeResult, Response};
use aileron_sandbox::invoke::{Args, Done, Invocation, Limits, invoke, runtime};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::{Class, Source};
use aileron_verifier::text::toml::Stage;
use serde_json::{Map, Value};

/// One engine for all tests of this binary, as a process has it.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).unwrap());

/// A guest under construction. It imports everything a host offers; its texts lie in the second page of memory and up.
pub(crate) struct Guest {
    memory: String,
    data: Vec<u8>,
    fields: String,
    body: String,
}

/// Where texts begin. The first page is the guest's to scribble on, from 512 up; below that, the prelude does.
const TEXTS: usize = 65_536;

const PRELUDE: &str = r#"
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "aileron_host" "log" (func $log (param i32 i32 i32 i32)))
  (import "aileron_host" "http_request" (func $http_request (param i32 i32) (result i32)))
  (import "aileron_host" "http_response_size" (func $http_response_size (result i32)))
  (import "aileron_host" "http_response_status" (func $http_response_status (result i32)))
  (import "aileron_host" "http_response_read" (func $http_response_read (param i32 i32) (result i32)))
  (import "aileron_host" "spawn" (func $spawn (param i32 i32) (result i32)))
  (import "aileron_host" "spawn_op" (func $spawn_op (param i32 i32 i32 i32) (result i32)))
  (import "aileron_host" "spawn_status" (func $spawn_status (result i32)))
  (import "aileron_host" "spawn_output_size" (func $spawn_output_size (param i32) (result i32)))
  (import "aileron_host" "spawn_output_read" (func $spawn_output_read (param i32 i32 i32) (result i32)))

  ;; writes a range to a stream, all of it
  (func $write (param $fd i32) (param $at i32) (param $len i32)
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (local.get $len))
    (drop (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24))))
  (func $print (param $at i32) (param $len i32)
    (call $write (i32.const 1) (local.get $at) (local.get $len)))

  ;; writes a signed decimal to standard output
  (func $print_i32 (param $n i32)
    (local $rest i32) (local $at i32)
    (local.set $at (i32.const 64))
    (local.set $rest (select (i32.sub (i32.const 0) (local.get $n)) (local.get $n) (i32.lt_s (local.get $n) (i32.const 0))))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
      (br_if $digit (local.tee $rest (i32.div_u (local.get $rest) (i32.const 10)))))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.const 45))))
    (call $print (local.get $at) (i32.sub (i32.const 64) (local.get $at))))

  ;; reads at most $len bytes of standard input to $at, and says how many
  (func $read (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (local.get $len))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
    (i32.load (i32.const 24)))

  ;; fills the 48 bytes of a clock subscription at 128: relative, monotonic
  (func $timer (param $nanos i64)
    (i32.store8 (i32.const 136) (i32.const 0))
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (local.get $nanos))
    (i64.store (i32.const 160) (i64.const 0))
    (i32.store (i32.const 168) (i32.const 0)))
  (func $sleep (param $nanos i64) (result i32)
    (call $timer (local.get $nanos))
    (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 320)))
"#;

impl Guest {
    pub(crate) fn new() -> Guest {
        Guest { memory: "3".into(), data: Vec::new(), fields: String::new(), body: String::new() }
    }

    /// Limits of memory in pages, as `(memory …)` takes them.
    pub(crate) fn memory(mut self, limits: &str) -> Guest {
        self.memory = limits.to_owned();
        self
    }

    /// Puts a text into memory; what comes back pushes its place and its length.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let at = TEXTS + self.data.len();
        self.data.extend_from_slice(text.as_bytes());
        format!("(i32.const {at}) (i32.const {})", text.len())
    }

    /// More fields of the module: functions, globals, tables.
    pub(crate) fn field(mut self, field: &str) -> Guest {
        self.fields.push_str(field);
        self
    }

    /// More instructions of `_start`.
    pub(crate) fn run(mut self, instructions: &str) -> Guest {
        self.body.push_str(instructions);
        self.body.push('\n');
        self
    }

    /// Writes a text to standard output.
    pub(crate) fn say(mut self, text: &str) -> Guest {
        let text = self.text(text);
        self.run(&format!("(call $print {text})"))
    }

    /// Evaluates expressions of type i32 in order and gives them as the output, under their names.
    pub(crate) fn report(mut self, values: &[(&str, &str)]) -> Guest {
        for (at, (name, expression)) in values.iter().enumerate() {
            // Evaluated before its name is written: the prelude's scratch may be overwritten by then.
            let name = self.text(&format!("{}\"{name}\":", if at == 0 { "{\"output\":{" } else { "," }));
            self = self.run(&format!(
                "(local.set $value {expression}) (call $print {name}) (call $print_i32 (local.get $value))"
            ));
        }
        self.say("}}\n")
    }

    pub(crate) fn wat(&self) -> String {
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            "(module {PRELUDE} (memory (export \"memory\") {}) {}\n(data (i32.const {TEXTS}) \"{data}\")\n\
             (func (export \"_start\") (local $value i32) (local $other i32)\n{}))",
            self.memory, self.fields, self.body
        )
    }

    pub(crate) fn wasm(&self) -> Vec<u8> {
        wat::parse_str(self.wat()).unwrap()
    }

    pub(crate) fn connector(&self) -> Connector {
        compile(&self.wasm(), "").unwrap()
    }

    /// Runs operation `x` without arguments and without a network.
    pub(crate) fn done(&self) -> Done {
        self.done_on(Arc::new(NoNetwork))
    }

    /// Runs operation `x` without arguments.
    pub(crate) fn done_on(&self, network: Arc<dyn Exchange>) -> Done {
        run(&self.connector(), Invocation::new("x", network))
    }
}

pub(crate) fn manifest(more: &str) -> ConnectorManifest {
    let text = format!("[connector]\nname = \"github://acme/x\"\nversion = \"0.1.0\"\n{more}");
    let source = Source::new("manifest.toml", text);
    let parsed = ConnectorManifest::parse(source, Stage::Artifact);
    assert_eq!(parsed.problems, []);
    parsed.document.unwrap()
}

pub(crate) fn compile(wasm: &[u8], more: &str) -> Result<Connector, Failure> {
    ENGINE.compile_local(&LocalBuild::new(wasm.to_vec(), manifest(more)).unwrap())
}

pub(crate) fn run(connector: &Connector, invocation: Invocation) -> Done {
    runtime().unwrap().block_on(invoke(connector, invocation))
}

pub(crate) fn call(connector: &Connector, op: &str, args: &str) -> Done {
    let args = Args::parse(args).unwrap();
    run(connector, Invocation { args, ..Invocation::new(op, Arc::new(NoNetwork)) })
}

/// Limits with the default memory.
pub(crate) fn wall(time: Duration) -> Limits {
    Limits::new(0, time)
}

pub(crate) fn output(done: &Done) -> Map<String, Value> {
    serde_json::from_str(done.result.as_ref().unwrap().as_ref().unwrap().text()).unwrap()
}

pub(crate) fn failure(done: &Done) -> &Failure {
    done.result.as_ref().unwrap_err()
}

/// No host may be reached.
pub(crate) struct NoNetwork;

impl Exchange for NoNetwork {
    fn exchange<'a>(&'a self, _: &'a [u8]) -> Pin<Box<dyn Future<Output = ExchangeResult> + Send + 'a>> {
        Box::pin(async { Err((-1, denial())) })
    }
}

/// What a gate says, for tests that only ask who is heard.
pub(crate) fn denial() -> Failure {
    Failure::new(Class::CapabilityDenied, "host:port not in declared grant")
        .with("requested", "network:evil.example:443")
}

/// Answers in the order of the list; the last one again and again. Remembers what it was asked.
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<ExchangeResult>>,
    pub(crate) asked: Mutex<Vec<Vec<u8>>>,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = ExchangeResult>) -> Arc<Scripted> {
        Arc::new(Scripted { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }
}

pub(crate) fn answer(status: u16, body: &str) -> ExchangeResult {
    Ok(Response { status, body: body.as_bytes().to_vec() })
}

impl Exchange for Scripted {
    fn exchange<'a>(&'a self, envelope: &'a [u8]) -> Pin<Box<dyn Future<Output = ExchangeResult> + Send + 'a>> {
        self.asked.lock().unwrap().push(envelope.to_vec());
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { next.unwrap() })
    }
}

/// Never answers.
pub(crate) struct Silence;

impl Exchange for Silence {
    fn exchange<'a>(&'a self, _: &'a [u8]) -> Pin<Box<dyn Future<Output = ExchangeResult> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}
