//! What a guest may use up, and how each breach ends: sandbox.md §8 and the escape matrix.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aileron_sandbox::host::log::{BYTES, LINES};
use aileron_sandbox::host::{Exchange, Listener};
use aileron_sandbox::invoke::{Invocation, Limits};
use aileron_verifier::problem::Class;
use serde_json::json;

use crate::guest::{Guest, NoNetwork, Scripted, Silence, answer, failure, output, run, wall};

#[test] // P8 and the escape matrix: a loop, a sleep, a silent server, and what repeats itself
fn the_deadline_ends_whatever_a_guest_is_doing() {
    let mut asking = Guest::new();
    let _envelope = asking.text("{}");
    let rows: [(&str, Guest, Arc<dyn Exchange>); 7] = [
        ("an empty loop", Guest::new().run("(loop $l (br $l))"), Arc::new(NoNetwork)),
        ("a busy loop of calls", Guest::new().run("(loop $l (drop (call $sched_yield)) (br $l))"), Arc::new(NoNetwork)),
        ("a sleep of an hour", Guest::new().run("(drop (call $sleep (i64.const 3600000000000)))"), Arc::new(NoNetwork)),
        (
            "endless naps",
            Guest::new().run("(loop $l (drop (call $sleep (i64.const 1000000))) (br $l))"),
            Arc::new(NoNetwork),
        ),
        (
            "endless polls",
            Guest::new().run("(loop $l (drop (call $sleep (i64.const 0))) (br $l))"),
            Arc::new(NoNetwork),
        ),
        (
            "a server that never answers",
            asking.run("(drop (call $http_request (i32.const 65536) (i32.const 2)))").say("{}"),
            Arc::new(Silence),
        ),
        (
            "a loop before the start",
            Guest::new().field("(start $spin) (func $spin (loop $l (br $l)))"),
            Arc::new(NoNetwork),
        ),
    ];
    for (name, guest, network) in rows {
        let connector = guest.connector();
        let began = Instant::now();
        let limits = wall(Duration::from_millis(150));
        let done = run(&connector, Invocation { limits, ..Invocation::new("x", network) });
        assert!(began.elapsed() < Duration::from_secs(5), "{name} took {:?}", began.elapsed());
        let failure = failure(&done);
        assert_eq!(failure.class, Class::ResourceLimitExceeded, "{name}: {failure}");
        assert_eq!(failure.message, "wall_time limit exceeded (configured: 150ms)", "{name}");
        assert_eq!(failure.details["limit"], "wall_time", "{name}");
    }
}

#[test] // §5.3: logs are kept; the deadline beats a sticky error and an output
fn a_breach_keeps_the_log_and_beats_every_other_finding() {
    let mut guest = Guest::new();
    let (info, line) = (guest.text("info"), guest.text("before the loop"));
    let guest = guest
        .run(&format!("(call $log {info} {line})"))
        .run("(drop (call $http_request (i32.const 65536) (i32.const 2)))")
        .say("{\"output\":{}}")
        .run("(loop $l (br $l))");
    let limits = wall(Duration::from_millis(100));
    let done = run(&guest.connector(), Invocation { limits, ..Invocation::new("x", Arc::new(NoNetwork)) });
    assert_eq!(failure(&done).details["limit"], "wall_time");
    assert_eq!(done.log.lines()[0].message, "before the loop");
}

#[test] // §8.2: caller cancellation is reported the same way
fn a_caller_who_wants_no_more_is_heard() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let connector = Guest::new().run("(drop (call $http_request (i32.const 0) (i32.const 2)))").connector();
    let began = Instant::now();
    let stopper = std::thread::spawn(|| STOP.store(true, Ordering::Relaxed));
    let done = run(&connector, Invocation { stop: Some(&STOP), ..Invocation::new("x", Arc::new(Silence)) });
    stopper.join().unwrap();
    assert_eq!(failure(&done).details, json!({"limit": "wall_time", "configured": "30s"}).as_object().unwrap().clone());
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test] // a run that ended by itself was not stopped
fn a_cancellation_that_arrives_too_late_changes_nothing() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let mut guest = Guest::new();
    let (level, line) = (guest.text("info"), guest.text("last words"));
    let connector = guest.run(&format!("(call $log {level} {line})")).say("{\"output\":{}}").connector();
    let invocation = Invocation::new("x", Arc::new(NoNetwork));
    let listener: Listener = Arc::new(|_| STOP.store(true, Ordering::Relaxed));
    let done = run(&connector, Invocation { stop: Some(&STOP), listener: Some(listener), ..invocation });
    assert!(STOP.load(Ordering::Relaxed) && done.result.is_ok());
}

#[test] // a guest that loops takes no time of other guests
fn one_endless_guest_does_not_hold_up_another() {
    let endless = Guest::new().run("(loop $l (br $l))").connector();
    let quick = Guest::new().say("{\"output\":{}}").connector();
    let runtime = aileron_sandbox::invoke::runtime().unwrap();
    runtime.block_on(async {
        let limits = wall(Duration::from_secs(2));
        let long = aileron_sandbox::invoke::invoke(
            &endless,
            Invocation { limits, ..Invocation::new("x", Arc::new(NoNetwork)) },
        );
        let mut long = std::pin::pin!(long);
        let short = aileron_sandbox::invoke::invoke(&quick, Invocation::new("x", Arc::new(NoNetwork)));
        let mut short = std::pin::pin!(short);
        // Polled together on one thread: the endless one is asked first, every time.
        std::future::poll_fn(|context| {
            assert!(long.as_mut().poll(context).is_pending(), "the endless guest ended");
            short.as_mut().poll(context).map(|done| assert!(done.result.is_ok()))
        })
        .await;
    });
}

/// Grows memory page by page until it is refused, then reports how many pages there are.
fn glutton() -> Guest {
    Guest::new().run("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))")
}

#[test] // decision C4 and the escape matrix
fn memory_grows_to_the_limit_and_not_one_page_further() {
    for (asked, pages) in [(0, 1_024), (1 << 20, 16), ((1 << 20) + 1, 17)] {
        let limits = Limits::new(asked, Duration::ZERO);
        let connector = glutton().report(&[("pages", "(memory.size)")]).connector();
        let done = run(&connector, Invocation { limits, ..Invocation::new("x", Arc::new(NoNetwork)) });
        assert_eq!(output(&done)["pages"], pages); // who copes with a refusal has done nothing wrong
    }
}

#[test] // decision C4
fn a_guest_that_dies_of_a_refused_growth_is_reported_as_such() {
    for end in ["(call $exit (i32.const 2))", "(unreachable)"] {
        let done = glutton().run(end).done();
        let failure = failure(&done);
        assert_eq!(failure.class, Class::ResourceLimitExceeded);
        assert_eq!(failure.details, json!({"limit": "memory", "configured": 67_108_864}).as_object().unwrap().clone());
    }
    // The module's own maximum is no limit of the host's.
    let done = glutton().memory("3 4").run("(call $exit (i32.const 2))").done();
    assert_eq!(failure(&done).class, Class::ConnectorRuntimeError);
    let done = Guest::new().run("(drop (memory.grow (i32.const -1)))").run("(unreachable)").done();
    assert_eq!(failure(&done).details["limit"], "memory");
}

#[test] // §8.2, last sentence
fn a_module_that_starts_above_the_limit_does_not_load() {
    let done = Guest::new().memory("1025").done();
    assert_eq!(failure(&done).class, Class::ConnectorLoadFailed);
    assert!(failure(&done).message.contains("memory"), "{}", failure(&done).message);
    assert!(Guest::new().memory("1024").done().result.is_ok());
}

#[test]
fn tables_are_bounded_too() {
    let guest = Guest::new().field("(table $a 1 funcref) (table $b 1 funcref)").report(&[
        ("a", "(table.grow $a (ref.null func) (i32.const 1000000))"),
        ("b", "(table.grow $b (ref.null func) (i32.const 1000000))"),
        ("more", "(table.grow $b (ref.null func) (i32.const 10))"),
    ]);
    assert_eq!(json!(output(&guest.done())), json!({"a": 1, "b": -1, "more": 1}));
    let done = Guest::new().field("(table 2000000 funcref)").done();
    assert_eq!(failure(&done).class, Class::ConnectorLoadFailed);
}

#[test] // §8.3 and the escape matrix
fn a_flood_of_standard_output_ends_the_run() {
    let flood = Guest::new().run("(loop $l (call $print (i32.const 65536) (i32.const 65536)) (br $l))");
    let done = flood.done();
    assert_eq!(failure(&done).class, Class::ConnectorRuntimeError);
    assert_eq!(failure(&done).message, "connector stdout exceeds 16777216 bytes");
    // One write, larger than the cap: not an error number the guest may ignore.
    let once = Guest::new().memory("512").run("(call $print (i32.const 0) (i32.const 33554432))");
    assert_eq!(failure(&once.done()).message, "connector stdout exceeds 16777216 bytes");
    // Just below it, the guest is judged by what it wrote.
    let full = Guest::new().memory("256").run("(call $print (i32.const 0) (i32.const 16777216))");
    assert!(failure(&full.done()).message.starts_with("connector stdout is not a valid JSON envelope"));
}

#[test] // §8.3: only the end of standard error is kept, and no amount of it ends anything
fn a_flood_of_standard_error_drowns_nothing() {
    let guest = Guest::new()
        .run("(local.set $value (i32.const 1000))")
        .run(
            "(loop $l (call $write (i32.const 2) (i32.const 65536) (i32.const 65536))
              (br_if $l (local.tee $value (i32.sub (local.get $value) (i32.const 1)))))",
        )
        .say("{\"output\":{}}");
    assert!(guest.done().result.is_ok());
}

#[test] // §3.2 and the escape matrix
fn a_flood_of_log_lines_is_counted_and_dropped() {
    let guest = Guest::new().run("(local.set $value (i32.const 100000))").run(
        "(loop $l (call $log (i32.const 65536) (i32.const 4) (i32.const 65536) (i32.const 8))
              (br_if $l (local.tee $value (i32.sub (local.get $value) (i32.const 1)))))",
    );
    let done = guest.done();
    assert!(done.result.is_ok());
    assert_eq!((done.log.lines().len(), done.log.dropped()), (LINES, 100_000 - LINES as u64));
    let done = Guest::new()
        .memory("1000")
        .run("(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65000000))")
        .done();
    assert_eq!(done.log.lines()[0].message.len(), BYTES);
}

#[test] // the escape matrix
fn ten_thousand_requests_are_ten_thousand_exchanges() {
    let network = Scripted::new([answer(200, "ok")]);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let guest = guest
        .run("(local.set $value (i32.const 10000))")
        .run(
            "(loop $l (drop (call $http_request (i32.const 65536) (i32.const 2)))
              (br_if $l (local.tee $value (i32.sub (local.get $value) (i32.const 1)))))",
        )
        .report(&[("size", "(call $http_response_size)")]);
    assert_eq!(output(&guest.done_on(network.clone()))["size"], 2);
    assert_eq!(network.asked.lock().unwrap().len(), 10_000);
}

#[test]
fn a_poll_of_many_subscriptions_costs_the_host_nothing() {
    // A million subscriptions of zero bytes each are relative, realtime and due: as many events follow.
    let guest = Guest::new().memory("1024").report(&[
        ("rc", "(call $poll_oneoff (i32.const 131072) (i32.const 131072) (i32.const 1000000) (i32.const 0))"),
        ("due", "(i32.load (i32.const 0))"),
        ("too_many", "(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 2000000) (i32.const 0))"),
        ("far_too_many", "(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))"),
        ("none", "(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"),
    ]);
    let expected = json!({"rc": 0, "due": 1_000_000, "too_many": 21, "far_too_many": 21, "none": 28});
    assert_eq!(json!(output(&guest.done())), expected);
}
