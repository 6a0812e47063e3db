//! What running a connector costs, and what of it is ours: `cargo bench -p aileron-sandbox --bench run [-- compile|warm]`.
//!
//! A Go connector of some 6 MB is compiled with several settings, loaded from the cache, and invoked; beside each figure
//! stands the same done with the bare engine. Of each figure the median and the least are shown, in milliseconds: on a busy
//! machine believe the least, and of a compile the processor time. Needs Go.

#![expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to report")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aileron_sandbox::engine::{Cache, Engine, LocalBuild};
use aileron_sandbox::host::{Exchange, ExchangeResult};
use aileron_sandbox::invoke::{Args, Invocation, invoke, runtime};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use tokio::runtime::Runtime;
use wasmtime::{Config, InstancePre, Linker, Module, OptLevel, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let part = match arguments.as_slice() {
        [once, cache] if once == "--once" => return self::once(Path::new(cache)),
        [part] => Some(part.as_str()),
        _ => None,
    };
    let Some(path) = build() else { return println!("SKIPPED: no go in PATH") };
    let wasm = std::fs::read(&path).unwrap();
    println!("module: Go, {:.1} MB", wasm.len() as f64 / 1e6);
    if part != Some("warm") {
        compiling(&wasm);
    }
    if part != Some("compile") {
        running(&wasm);
    }
    println!("peak resident memory of this process, compiling included: {}", peak());
}

fn build() -> Option<PathBuf> {
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench.wasm");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags", "large", "-o"])
        .arg(&out)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/go"))
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local")])
        .status()
        .ok()?;
    built.success().then_some(out)
}

fn manifest() -> ConnectorManifest {
    let text = "[connector]\nname = \"github://acme/x\"\nversion = \"0.1.0\"\n";
    let source = Source::new("manifest.toml", text);
    ConnectorManifest::parse(source, Stage::Artifact).document.unwrap()
}

/// What some rounds of one thing took.
struct Took {
    median: Duration,
    least: Duration,
    /// Processor time of all threads, per round; meaningful from some ten milliseconds up.
    processor: Duration,
}

fn measure(rounds: usize, mut round: impl FnMut()) -> Took {
    let before = processor();
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            round();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let processor = (processor() - before) / u32::try_from(rounds).unwrap();
    Took { median: times[rounds / 2], least: times[0], processor }
}

/// What this process has used so far, in steps of the kernel's 10 ms; nothing where the kernel does not say.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn line(what: &str, took: &Took, more: &str) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{what:<58} {:>10.3} {:>10.3}  {more}", ms(took.median), ms(took.least));
}

const COMPILES: usize = 3;

fn compiling(wasm: &[u8]) {
    println!("\ncold compile: median and least of {COMPILES}, ms");
    let with = |change: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        change(&mut config);
        wasmtime::Engine::new(&config).unwrap()
    };
    let small = |config: &mut Config| {
        config.debug_symbols(false);
        config.wasm_backtrace_max_frames(None);
        config.generate_address_map(false);
        config.native_unwind_info(cfg!(windows));
    };
    let bare = with(&|_| ());
    let rows: [(&str, wasmtime::Engine); 5] = [
        ("bare engine, defaults", bare),
        (
            "+ epochs",
            with(&|config| {
                config.epoch_interruption(true);
            }),
        ),
        (
            "+ epochs, no symbols, address map and unwind tables: ours",
            with(&|config| {
                small(config);
                config.epoch_interruption(true);
            }),
        ),
        (
            "+ epochs, optimised for size too",
            with(&|config| {
                small(config);
                config.epoch_interruption(true).cranelift_opt_level(OptLevel::SpeedAndSize);
            }),
        ),
        (
            "+ epochs, not optimised",
            with(&|config| {
                small(config);
                config.epoch_interruption(true).cranelift_opt_level(OptLevel::None);
            }),
        ),
    ];
    for (name, engine) in rows {
        let mut last = None;
        let took = measure(COMPILES, || last = Some(Module::from_binary(&engine, wasm).unwrap()));
        let size = last.unwrap().serialize().unwrap().len();
        let cpu = took.processor.as_secs_f64();
        line(name, &took, &format!("{cpu:.2} s of processor, {:.1} MB of code", size as f64 / 1e6));
    }
    let engine = Engine::new(None).unwrap();
    let build = LocalBuild::new(wasm.to_vec(), manifest()).unwrap();
    let ours = measure(COMPILES, || drop(engine.compile_local(&build).unwrap()));
    line("ours: checks, compile, link", &ours, &format!("{:.2} s of processor", ours.processor.as_secs_f64()));
    let mut dirs = Vec::new();
    let stored = measure(COMPILES, || {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::new(Some(Cache::open(dir.path().join("compiled")).unwrap())).unwrap();
        drop(engine.compile_local(&build).unwrap());
        dirs.push(dir);
    });
    line("ours, and into the cache", &stored, &format!("{:.2} s of processor", stored.processor.as_secs_f64()));
}

struct NoNetwork;

impl Exchange for NoNetwork {
    fn exchange<'a>(&'a self, _: &'a [u8]) -> std::pin::Pin<Box<dyn Future<Output = ExchangeResult> + Send + 'a>> {
        Box::pin(std::future::pending())
    }
}

fn echo() -> Invocation {
    let args = Args::parse(r#"{"value":"hello"}"#).unwrap();
    Invocation { args, ..Invocation::new("echo", Arc::new(NoNetwork)) }
}

const RUNS: usize = 101;

fn running(wasm: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("compiled");
    let open = || Engine::new(Some(Cache::open(&cache).unwrap())).unwrap();
    let build = LocalBuild::new(wasm.to_vec(), manifest()).unwrap();
    open().compile_local(&build).unwrap();

    println!("\nwarm: median and least, ms");
    line("engine and linker", &measure(RUNS, || drop(open())), "once per process");
    let engine = open();
    let recall = || engine.recall(build.content(), build.manifest()).unwrap();
    line("recall under a stamp that holds", &measure(RUNS, || drop(recall())), "");
    let seal = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let seal = seal.into_iter().find(|path| path.extension().is_some_and(|end| end == "seal")).unwrap();
    let text = std::fs::read_to_string(&seal).unwrap();
    let unstamped = format!("{}\n\n", text.lines().next().unwrap());
    let digest = measure(21, || {
        std::fs::write(&seal, &unstamped).unwrap();
        drop(recall());
    });
    line("recall, digest checked", &digest, "");

    let runtime = runtime().unwrap();
    let connector = recall();
    let ours = measure(RUNS, || assert!(runtime.block_on(invoke(&connector, echo())).result.is_ok()));
    line("invoke of the Go connector", &ours, "");
    let bare = Bare::new(wasm);
    let theirs = measure(RUNS, || bare.run(&runtime));
    line("the same on the bare engine, async", &theirs, "");
    let tiny = wat::parse_str(TINY).unwrap();
    let small = Engine::new(None).unwrap().compile_local(&LocalBuild::new(tiny.clone(), manifest()).unwrap()).unwrap();
    let ours = measure(10 * RUNS, || assert!(runtime.block_on(invoke(&small, echo())).result.is_ok()));
    line("invoke of a connector of ten instructions", &ours, "overhead is here");
    let bare = Bare::new(&tiny);
    line("the same on the bare engine, async", &measure(10 * RUNS, || bare.run(&runtime)), "");

    let hundred = measure(3, || {
        for _ in 0..100 {
            assert!(runtime.block_on(invoke(&connector, echo())).result.is_ok());
        }
    });
    line("100 operations in a row", &hundred, &format!("{:.2} s of processor", hundred.processor.as_secs_f64()));

    std::fs::write(&seal, &text).unwrap();
    recall(); // the seal is another file now; its stamp is of the code and still holds
    let me = std::env::current_exe().unwrap();
    let mut resident = String::new();
    let process = measure(21, || {
        let out = Command::new(&me).arg("--once").arg(&cache).output().unwrap();
        assert!(out.status.success());
        resident = String::from_utf8(out.stdout).unwrap().trim().to_owned();
    });
    line("a process of its own: start, recall, invoke, end", &process, &format!("resident {resident}"));
}

/// What `aileron connector run` does when everything is warm, but for its store: the content hash is given.
fn once(cache: &Path) {
    let engine = Engine::new(Some(Cache::open(cache).unwrap())).unwrap();
    let manifest = manifest();
    // The content hash belongs to the store's check, which remembers it; an entry's name stands for that here.
    let entry = std::fs::read_dir(cache).unwrap().next().unwrap().unwrap().file_name();
    let content = format!("sha256:{}", &entry.to_str().unwrap()[..64]).parse().unwrap();
    let connector = engine.recall(content, &manifest).unwrap();
    assert!(runtime().unwrap().block_on(invoke(&connector, echo())).result.is_ok());
    println!("{}", peak());
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

const TINY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\0d\00\00\00{\22output\22:{}}")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))"#;

/// The engine as its own examples use it.
struct Bare {
    engine: wasmtime::Engine,
    instance: InstancePre<WasiP1Ctx>,
}

impl Bare {
    fn new(wasm: &[u8]) -> Bare {
        let engine = wasmtime::Engine::default();
        let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
        p1::add_to_linker_async(&mut linker, |state| state).unwrap();
        // The host's functions, doing nothing.
        let module = Module::from_binary(&engine, wasm).unwrap();
        linker.define_unknown_imports_as_traps(&module).unwrap();
        let instance = linker.instantiate_pre(&module).unwrap();
        Bare { engine, instance }
    }

    fn run(&self, runtime: &Runtime) {
        runtime.block_on(async {
            let stdout = MemoryOutputPipe::new(1 << 20);
            let mut wasi = WasiCtxBuilder::new();
            wasi.stdin(MemoryInputPipe::new(r#"{"args":{"value":"hello"},"op":"echo"}"#)).stdout(stdout.clone());
            let mut store = Store::new(&self.engine, wasi.build_p1());
            let instance = self.instance.instantiate_async(&mut store).await.unwrap();
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
            let ended = start.call_async(&mut store, ()).await;
            let good = match &ended {
                Ok(()) => true,
                Err(error) => error.downcast_ref::<I32Exit>().is_some_and(|exit| exit.0 == 0),
            };
            assert!(good && !stdout.contents().is_empty(), "{ended:?}");
        });
    }
}
