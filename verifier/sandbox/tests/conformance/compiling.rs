//! Compiling ends: by a budget before it begins, by its time limit, or because the caller wants no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aileron_sandbox::engine::{Connector, Engine, LocalBuild};
use aileron_sandbox::failure::Failure;
use aileron_sandbox::invoke::Invocation;
use aileron_verifier::problem::Class;

use crate::guest::{Guest, Scripted, answer, compile, failure, manifest, run};

/// A connector with these fields beside its entry and its memory.
fn connector(fields: &str) -> Vec<u8> {
    let rest = "(memory (export \"memory\") 1) (func (export \"_start\"))";
    wat::parse_str(format!("(module {rest} {fields})")).unwrap()
}

fn by(engine: &Engine, wasm: &[u8]) -> Result<Connector, Failure> {
    engine.compile_local(&LocalBuild::new(wasm.to_vec(), manifest("")).unwrap())
}

fn locals(count: usize) -> String {
    format!("(local {})", "i32 ".repeat(count))
}

#[test] // hostile shapes: what would take minutes and gigabytes is refused before the compiler sees it
fn a_module_that_costs_too_much_is_refused_before_it_is_compiled() {
    let table = |labels: usize| format!("(br_table {} (i32.const 0))", "0 ".repeat(labels));
    for (what, fields) in [
        ("loops", format!("(func {} {})", locals(1000), "(loop (br_if 0 (i32.const 0)))".repeat(6_000))),
        (
            "few loops over many locals",
            format!("(func {} {})", locals(20_000), "(loop (br_if 0 (i32.const 0)))".repeat(300)),
        ),
        ("blocks", format!("(func {} {})", locals(1000), "(block (br_if 0 (i32.const 0)))".repeat(6_000))),
        ("nested", format!("(func {} {}{})", locals(1000), "(loop ".repeat(5_000), ")".repeat(5_000))),
        ("one table", format!("(func {} (loop {}))", locals(1000), table(5_000))),
        ("many tables", format!("(func {} (loop {}))", locals(100), table(500).repeat(200))),
    ] {
        let failure = compile(&connector(&fields), "").err().unwrap();
        assert_eq!(failure.class, Class::ConnectorLoadFailed, "{what}: {failure}");
        assert!(failure.message.starts_with("compile WASM: "), "{what}: {failure}");
        assert!(failure.message.contains("too costly to compile"), "{what}: {failure}");
    }
}

#[test]
fn a_module_of_ordinary_size_is_compiled() {
    for (what, fields) in [
        ("functions", "(func)".repeat(2000)),
        ("locals of one function", format!("(func {})", locals(10_000))),
        ("nested blocks", format!("(func {}{})", "(block ".repeat(2000), ")".repeat(2000))),
        ("a table", format!("(func (loop (br_table {} (i32.const 0))))", "0 ".repeat(5_000))),
        ("data", format!("(data (i32.const 0) \"{}\")", "x".repeat(60_000))),
        ("elements", format!("(table 5000 funcref) (func $f) (elem (i32.const 0) {})", "$f ".repeat(5_000))),
    ] {
        assert!(compile(&connector(&fields), "").is_ok(), "{what}");
    }
}

#[test]
fn compiling_ends_at_its_time_limit() {
    let engine = Engine::new(None).unwrap().compiling_within(Duration::ZERO);
    let slow = connector(&format!("(func {} {})", locals(100), "(loop (br_if 0 (i32.const 0)))".repeat(2_000)));
    let failure = by(&engine, &slow).err().unwrap();
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (Class::ConnectorLoadFailed, "compile WASM: takes more than 0 s")
    );
}

#[test] // sandbox.md §8.2: a caller's stop is reported like the deadline
fn a_caller_who_wants_no_more_ends_compiling() {
    static BEFORE: AtomicBool = AtomicBool::new(true);
    let failure = by(&Engine::new(None).unwrap().stopped_by(&BEFORE), &connector("")).err().unwrap();
    assert_eq!(failure.class, Class::ResourceLimitExceeded);
    // Whether the stop comes before, during or after the work: it ends, and never with another failure.
    static DURING: AtomicBool = AtomicBool::new(false);
    let engine = Engine::new(None).unwrap().stopped_by(&DURING);
    let slow = connector(&format!("(func {} {})", locals(100), "(loop (br_if 0 (i32.const 0)))".repeat(2_000)));
    let stopper = std::thread::spawn(|| DURING.store(true, Ordering::Relaxed));
    let compiled = by(&engine, &slow);
    stopper.join().unwrap();
    assert!(compiled.is_ok() || compiled.is_err_and(|failure| failure.class == Class::ResourceLimitExceeded));
    assert_eq!(by(&engine, &slow).err().map(|failure| failure.class), Some(Class::ResourceLimitExceeded));
}

#[test]
fn what_is_stopped_before_it_starts_sends_nothing() {
    static STOP: AtomicBool = AtomicBool::new(true);
    let mut guest = Guest::new();
    let envelope = guest.text("{}");
    let guest = guest.run(&format!("(drop (call $http_request {envelope}))")).say("{\"output\":{}}");
    let network = Scripted::new([answer(200, "hi")]);
    let invocation = Invocation { stop: Some(&STOP), ..Invocation::new("x", network.clone()) };
    let done = run(&guest.connector(), invocation);
    assert_eq!(failure(&done).class, Class::ResourceLimitExceeded);
    assert!(network.asked.lock().unwrap().is_empty());
}
