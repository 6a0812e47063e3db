//! Input, output, exit: sandbox.md §5 and the lifecycle cases of §13.

use std::sync::{Arc, Mutex};

use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::log::LogLine;
use aileron_sandbox::invoke::Invocation;
use aileron_verifier::problem::Class;
use serde_json::json;

use crate::guest::{Guest, NoNetwork, Scripted, answer, call, denial, failure, output, run};

/// Gives back what it read: `{"output": <standard input>}`.
fn mirror() -> Guest {
    Guest::new()
        .say("{\"output\":")
        .run("(local.set $value (call $read (i32.const 1024) (i32.const 60000)))")
        .run("(call $print (i32.const 1024) (local.get $value))")
        .say("}\n")
}

#[test] // P1
fn nothing_is_carried_over_from_one_invoke_to_the_next() {
    let connector = mirror().connector();
    for value in ["hello", "world"] {
        let done = call(&connector, "echo", &json!({ "value": value }).to_string());
        assert_eq!(output(&done)["args"]["value"], value);
    }
}

#[test] // P2
fn a_guest_reads_the_request_and_then_the_end() {
    let done = call(&mirror().connector(), "x", "{}");
    assert_eq!(done.result.unwrap().unwrap().text(), r#"{"args":{},"op":"x"}"#);
    let again = Guest::new().run("(drop (call $read (i32.const 1024) (i32.const 60000)))").report(&[
        ("more", "(call $read (i32.const 1024) (i32.const 60000))"),
        ("and_more", "(call $read (i32.const 1024) (i32.const 60000))"),
    ]);
    assert_eq!(json!(output(&again.done())), json!({"more": 0, "and_more": 0}));
}

#[test] // §5.1: numbers stay exact, both ways
fn no_digit_is_lost_on_the_way_in_and_out() {
    let args = r#"{"n":9007199254740993,"m":123456789012345678901234567890,"d":0.1000000000000000055511151231257827}"#;
    let done = call(&mirror().connector(), "x", args);
    assert_eq!(done.result.unwrap().unwrap().text(), format!(r#"{{"args":{args},"op":"x"}}"#));
}

#[test] // P3, P4, §5.2
fn standard_output_decides_a_good_end() {
    assert_eq!(Guest::new().done().result.unwrap(), None);
    assert_eq!(Guest::new().say("\n").run("(call $exit (i32.const 0))").done().result.unwrap(), None);
    let done = Guest::new().say("not json").done();
    assert_eq!(failure(&done).class, Class::ConnectorRuntimeError);
    assert!(failure(&done).message.starts_with("connector stdout is not a valid JSON envelope: "));
}

#[test] // P5, P7, decisions C2 and C5
fn a_guests_error_is_heard_whatever_its_code_and_never_as_the_hosts() {
    for code in [0, 1, 2, 255] {
        for class in ["http_unauthorized", "capability_denied"] {
            let said = json!({"error": {"class": class, "message": "no"}}).to_string();
            let done = Guest::new().say(&said).run(&format!("(call $exit (i32.const {code}))")).done();
            assert_eq!((failure(&done).class, failure(&done).message.as_str()), (Class::ConnectorRuntimeError, "no"));
            assert_eq!(failure(&done).details["connector_class"], class);
            assert_eq!(failure(&done).boundary, "sandbox");
        }
    }
}

#[test] // §5.3 and the escape matrix
fn every_exit_code_reaches_the_outcome() {
    // The code is the second letter of the op and the ones after it, as bytes: no code is compiled in.
    let connector = Guest::new()
        .run("(drop (call $read (i32.const 1024) (i32.const 64)))")
        // {"args":{"n":1234567890},"op":"x"}: digits from 1037 up to the brace
        .run("(local.set $other (i32.const 1037))")
        .run(
            "(loop $digit (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10))
                (i32.sub (i32.load8_u (local.get $other)) (i32.const 48))))
              (local.set $other (i32.add (local.get $other) (i32.const 1)))
              (br_if $digit (i32.ne (i32.load8_u (local.get $other)) (i32.const 125))))",
        )
        .run("(call $exit (local.get $value))")
        .connector();
    for code in (0..=255).chain([256, 0x7fff_ffff, 0x8000_0000, 0xEFFF_FFFF, 0xFFFF_FFFF_u32]) {
        let done = call(&connector, "x", &format!(r#"{{"n":{code}}}"#));
        match code {
            0 => assert_eq!(done.result.unwrap(), None),
            code => {
                assert_eq!(failure(&done).class, Class::ConnectorRuntimeError);
                assert_eq!(failure(&done).message, format!("connector exited {code}; stderr: "));
            }
        }
    }
}

#[test] // §5.4
fn only_the_end_of_standard_error_is_shown_and_only_with_a_code() {
    let mut guest = Guest::new();
    let text = guest.text(&format!("{}é{}", "x".repeat(300), "y".repeat(255)));
    let guest = guest.run(&format!("(call $write (i32.const 2) {text})"));
    let done = guest.run("(call $exit (i32.const 3))").done();
    assert_eq!(failure(&done).message, format!("connector exited 3; stderr: ...{}", "y".repeat(255)));
}

#[test] // decision C3
fn a_trap_is_a_runtime_error_with_the_engines_words() {
    for (instructions, words) in [
        ("(unreachable)", "unreachable"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(drop (i32.trunc_f64_s (f64.const nan)))", "invalid conversion to integer"),
        ("(call $recurse)", "call stack exhausted"),
    ] {
        let guest = Guest::new().field("(func $recurse (call $recurse) (call $recurse))").say("{}").run(instructions);
        let done = guest.done();
        assert_eq!(failure(&done).class, Class::ConnectorRuntimeError);
        assert!(failure(&done).message.contains(words), "{}", failure(&done).message);
    }
}

#[test] // P6 and §3.2
fn a_logged_line_is_kept_and_heard_as_it_comes() {
    let mut guest = Guest::new();
    let (info, hello) = (guest.text("info"), guest.text("hello from connector"));
    let connector = guest.run(&format!("(call $log {info} {hello})")).connector();
    let heard: Arc<Mutex<Vec<LogLine>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let done = run(
        &connector,
        Invocation {
            listener: Some(Arc::new(move |line| listener.lock().unwrap().push(line.clone()))),
            ..Invocation::new("log", Arc::new(NoNetwork))
        },
    );
    let expected = [LogLine { level: "info".into(), message: "hello from connector".into() }];
    assert_eq!(done.log.lines(), expected);
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// Asks the network once and keeps the code.
fn ask() -> String {
    "(local.set $other (call $http_request (i32.const 65536) (i32.const 2)))".to_owned()
}

#[test] // P16, P17, N14's shape, §5.3: the sticky error wins over whatever the guest says
fn what_the_host_refused_last_is_the_outcome() {
    for (said, code) in [
        (r#"{"output":{"fine":true}}"#, 0),
        (r#"{"error":{"class":"connector_runtime_error","message":"http_request failed"}}"#, 0),
        (r#"{"error":{"class":"graphql_error","message":"x"}}"#, 1),
        ("not json", 0),
        ("", 2),
    ] {
        let mut guest = Guest::new();
        let _envelope = guest.text("{}");
        let (error, line) = (guest.text("error"), guest.text("request refused"));
        let guest = guest.run(&ask()).run(&format!("(call $log {error} {line})")).say(said);
        let done = guest.run(&format!("(call $exit (i32.const {code}))")).done();
        assert_eq!(failure(&done), &denial(), "{said} {code}");
        assert_eq!(done.log.lines()[0].message, "request refused");
    }
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let done = guest.run(&ask()).run("(unreachable)").done();
    assert_eq!(failure(&done).class, Class::CapabilityDenied);
}

#[test] // P18
fn a_request_that_succeeds_clears_what_the_last_one_failed_with() {
    let network = Scripted::new([Err((-1, denial())), answer(200, "hi")]);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let guest = guest.run(&ask()).report(&[
        ("first", "(local.get $other)"),
        ("second", "(call $http_request (i32.const 65536) (i32.const 2))"),
        ("status", "(call $http_response_status)"),
    ]);
    assert_eq!(json!(output(&guest.done_on(network))), json!({"first": -1, "second": 0, "status": 200}));
}

#[test] // decision C1: the world of a reproducible run
fn the_deterministic_profile_gives_the_same_world_to_every_run() {
    let connector = Guest::new()
        .run("(drop (call $random_get (i32.const 1024) (i32.const 8)))")
        .run("(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 2048)))")
        .run("(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 2056)))")
        .run("(drop (call $sleep (i64.const 3600000000000)))")
        .run("(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 2064)))")
        .report(&[
            ("random", "(i32.load (i32.const 1024))"),
            ("seconds", "(i32.wrap_i64 (i64.div_u (i64.load (i32.const 2048)) (i64.const 1000000000)))"),
            ("before", "(i32.load (i32.const 2056))"),
            ("after", "(i32.load (i32.const 2064))"),
        ])
        .connector();
    let world = |profile| {
        let done = run(&connector, Invocation { profile, ..Invocation::new("x", Arc::new(NoNetwork)) });
        output(&done)
    };
    let first = world(Profile::Deterministic);
    assert_eq!(first, world(Profile::Deterministic));
    assert_eq!(
        (&first["seconds"], &first["before"], &first["after"]),
        (&json!(1_640_995_200), &json!(0), &json!(1_000_000))
    );
}

#[test] // decision C1
fn the_real_profile_has_the_hosts_clock_and_never_the_same_randomness() {
    let connector = Guest::new()
        .run("(drop (call $random_get (i32.const 1024) (i32.const 8)))")
        .run("(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 2048)))")
        .run("(drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 2056)))")
        .report(&[
            ("slept", "(call $sleep (i64.const 20000000))"),
            ("events", "(i32.load (i32.const 320))"),
            ("moved", "(call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 2064))"),
            ("random", "(i32.xor (i32.load (i32.const 1024)) (i32.load (i32.const 1028)))"),
            ("seconds", "(i32.wrap_i64 (i64.div_u (i64.load (i32.const 2048)) (i64.const 1000000000)))"),
            (
                "waited",
                "(i64.ge_u (i64.sub (i64.load (i32.const 2064)) (i64.load (i32.const 2056))) (i64.const 20000000))",
            ),
        ])
        .connector();
    let world = || output(&call(&connector, "x", "{}"));
    let (first, second) = (world(), world());
    assert_ne!(first["random"], second["random"]);
    assert!(first["seconds"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!((&first["slept"], &first["events"], &first["waited"]), (&json!(0), &json!(1), &json!(1)));
}

#[test] // §1.4: compiled connectors run side by side, each with a state of its own
fn invokes_run_side_by_side_without_meeting() {
    let connector = mirror().connector();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let connector = connector.clone();
            scope.spawn(move || {
                for round in 0..25 {
                    let value = format!("{thread}/{round}");
                    let done = call(&connector, "x", &json!({ "value": value }).to_string());
                    assert_eq!(output(&done)["args"]["value"], value);
                }
            });
        }
    });
}
