//! The ten functions at their edges: sandbox.md §3, §6.5, §11.2 and the escape matrix.

use std::sync::Arc;
use std::sync::Mutex;

use aileron_sandbox::invoke::Invocation;
use aileron_verifier::problem::Class;
use serde_json::json;

use crate::guest::{Guest, NoNetwork, Scripted, answer, compile, denial, failure, output, run};

#[test] // P19, P20, §3.3
fn a_response_is_read_from_its_start_as_often_as_one_likes() {
    let network = Scripted::new([answer(200, "abcdef"), answer(204, ""), Err((-1, denial())), answer(500, "x")]);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let ask = "(call $http_request (i32.const 65536) (i32.const 2))";
    let read = |at: usize, len: usize| format!("(call $http_response_read (i32.const {at}) (i32.const {len}))");
    let (short, again, long, none) = (read(1024, 2), read(1026, 2), read(1024, 60000), read(1024, 0));
    let (beyond, wild) = (read(0xffff_fff0, 0x20), read(0x7fff_ffff, 1));
    let guest = guest.report(&[
        ("size_before", "(call $http_response_size)"),
        ("status_before", "(call $http_response_status)"),
        ("read_before", &none),
        ("rc", ask),
        ("size", "(call $http_response_size)"),
        ("status", "(call $http_response_status)"),
        ("short", &short),
        ("again", &again),
        ("same", "(i32.eq (i32.load16_u (i32.const 1024)) (i32.load16_u (i32.const 1026)))"),
        ("none", &none),
        ("beyond", &beyond),
        ("wild", &wild),
        ("all", &long),
        ("empty_rc", ask),
        ("empty_size", "(call $http_response_size)"),
        ("empty_read", &long),
        ("empty_status", "(call $http_response_status)"),
        ("denied", ask),
        ("still_204", "(call $http_response_status)"),
        ("still_empty", "(call $http_response_size)"),
        ("last", ask),
        ("server_error", "(call $http_response_status)"),
    ]);
    let expected = json!({
        "size_before": -1, "status_before": -1, "read_before": -1,
        "rc": 0, "size": 6, "status": 200, "short": 2, "again": 2, "same": 1, "none": 0, "beyond": -1, "wild": -1, "all": 6,
        "empty_rc": 0, "empty_size": 0, "empty_read": 0, "empty_status": 204,
        "denied": -1, "still_204": 204, "still_empty": 0,
        "last": 0, "server_error": 500,
    });
    assert_eq!(json!(output(&guest.done_on(network))), expected);
}

#[test] // P21, §3 and the escape matrix: pointers that wrap around 4 GiB
fn a_range_that_does_not_lie_in_memory_is_an_answer_not_a_trap() {
    for (pointer, length) in [
        (0u32, 0u32),
        (65_536, 0),
        (196_608, 1),
        (196_607, 2),
        (0, 196_609),
        (u32::MAX, 1),
        (u32::MAX, u32::MAX),
        (1, u32::MAX),
        (0x8000_0000, 0x8000_0000),
        (0x8000_0000, 0x8000_0100),
        (0xffff_ff00, 0x200),
    ] {
        let (pointer, length) = (pointer.cast_signed(), length.cast_signed());
        let range = format!("(i32.const {pointer}) (i32.const {length})");
        let network = Scripted::new([answer(200, "never")]);
        let guest = Guest::new().report(&[("rc", &format!("(call $http_request {range})"))]);
        let done = guest.done_on(network.clone());
        assert_eq!(failure(&done).class, Class::ConnectorRuntimeError, "{range}");
        assert_eq!(failure(&done).message, "http_request: invalid memory range", "{range}");
        assert!(network.asked.lock().unwrap().is_empty());

        let line = Guest::new().run(&format!("(call $log {range} {range})")).done();
        assert!(line.result.is_ok());
        assert_eq!((line.log.lines().len(), line.log.lines()[0].to_string().as_str()), (1, "[connector ] "));

        let spawn = Guest::new().report(&[("rc", &format!("(call $spawn {range})"))]).done();
        assert_eq!(failure(&spawn).message, "spawn: invalid memory range");
        let probe = Guest::new().run(&format!("(drop (call $spawn_op {range} {range}))")).done();
        let words = &failure(&probe).message;
        assert!(words == "spawn_op: invalid memory range" || words.contains("did not declare"), "{words}");
        let read = Guest::new().report(&[("rc", &format!("(call $spawn_output_read (i32.const 0) {range})"))]).done();
        assert_eq!(output(&read)["rc"], -1);
        // WASI's own functions answer with an error number.
        let random = Guest::new().report(&[
            ("random", &format!("(call $random_get {range})")),
            ("clock", &format!("(call $clock_time_get (i32.const 0) (i64.const 0) (i32.const {pointer}))")),
            (
                "poll",
                &format!("(call $poll_oneoff (i32.const {pointer}) (i32.const 0) (i32.const 1) (i32.const {pointer}))"),
            ),
        ]);
        let _ = random.done().result; // an output or a runtime error; never the host's crash
    }
    let edge = Guest::new().report(&[("rc", "(call $http_request (i32.const 196600) (i32.const 8))")]);
    let network = Scripted::new([answer(200, "")]);
    assert_eq!(output(&edge.done_on(network.clone()))["rc"], 0);
    assert_eq!(network.asked.lock().unwrap()[0], [0; 8]);
}

#[test] // §3: memory is looked up at every call, it may have grown
fn a_range_in_memory_that_has_grown_is_readable() {
    let network = Scripted::new([answer(200, "body")]);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let guest = guest.report(&[
        ("rc", "(call $http_request (i32.const 65536) (i32.const 2))"),
        ("before", "(call $http_response_read (i32.const 200000) (i32.const 4))"),
        ("grown", "(memory.grow (i32.const 5))"),
        ("after", "(call $http_response_read (i32.const 200000) (i32.const 4))"),
        ("body", "(i32.load (i32.const 200000))"),
    ]);
    let expected = json!({"rc": 0, "before": -1, "grown": 3, "after": 4, "body": u32::from_le_bytes(*b"body")});
    assert_eq!(json!(output(&guest.done_on(network))), expected);
}

#[test] // §2.4: no arguments, environment, directories, sockets
fn there_is_nothing_in_the_world_but_three_streams() {
    let guest = Guest::new().report(&[
        ("args", "(call $args_sizes_get (i32.const 1024) (i32.const 1028))"),
        ("argc", "(i32.or (i32.load (i32.const 1024)) (i32.load (i32.const 1028)))"),
        ("environ", "(call $environ_sizes_get (i32.const 1024) (i32.const 1028))"),
        ("variables", "(i32.or (i32.load (i32.const 1024)) (i32.load (i32.const 1028)))"),
        ("preopen", "(call $fd_prestat_get (i32.const 3) (i32.const 1024))"),
        (
            "open",
            "(call $path_open (i32.const 3) (i32.const 0) (i32.const 65536) (i32.const 1) (i32.const 0)
               (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 1024))",
        ),
        ("accept", "(call $sock_accept (i32.const 3) (i32.const 0) (i32.const 1024))"),
        ("accept_stdin", "(call $sock_accept (i32.const 0) (i32.const 0) (i32.const 1024))"),
    ]);
    let expected = json!({
        "args": 0, "argc": 0, "environ": 0, "variables": 0, "preopen": 8, "open": 8, "accept": 8, "accept_stdin": 57,
    });
    assert_eq!(json!(output(&guest.done())), expected);
}

#[test] // the escape matrix: reading another run's state
fn a_run_finds_nothing_of_the_one_before_it() {
    let network = Scripted::new([answer(200, "secret of the first run")]);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let connector = guest
        .field("(global $seen (mut i32) (i32.const 0)) (table $t 1 funcref) (elem declare func $mark) (func $mark)")
        .report(&[
            ("global", "(global.get $seen)"),
            ("memory", "(i32.load (i32.const 4096))"),
            ("pages", "(memory.size)"),
            ("table", "(ref.is_null (table.get $t (i32.const 0)))"),
            ("size", "(call $http_response_size)"),
            ("status", "(call $http_response_status)"),
            ("read", "(call $http_response_read (i32.const 1024) (i32.const 64))"),
        ])
        .run("(global.set $seen (i32.const 7)) (i32.store (i32.const 4096) (i32.const 7))")
        .run("(drop (memory.grow (i32.const 2))) (table.set $t (i32.const 0) (ref.func $mark))")
        .run("(drop (call $http_request (i32.const 65536) (i32.const 2)))")
        .connector();
    let fresh = json!({"global": 0, "memory": 0, "pages": 3, "table": 1, "size": -1, "status": -1, "read": -1});
    for _ in 0..3 {
        let done = run(&connector, Invocation::new("x", network.clone()));
        assert_eq!(json!(output(&done)), fresh);
    }
    assert_eq!(network.asked.lock().unwrap().len(), 3);
}

#[test] // §6.5: of a denial a guest sees the code alone
fn nothing_of_a_denial_is_in_the_guests_memory() {
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let memory = Arc::clone(&seen);
    let mut guest = Guest::new();
    let _envelope = guest.text("{}");
    let connector = guest.run("(drop (call $http_request (i32.const 65536) (i32.const 2)))").say("{}").connector();
    let done = run(
        &connector,
        Invocation {
            inspect: Some(Box::new(move |bytes| memory.lock().unwrap().extend_from_slice(bytes))),
            ..Invocation::new("x", Arc::new(NoNetwork))
        },
    );
    assert_eq!(failure(&done), &denial());
    let memory = seen.lock().unwrap();
    assert_eq!(memory.len(), 3 << 16);
    for word in ["evil.example", "capability_denied", "declared grant"] {
        assert!(!memory.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    assert!(memory.windows(2).any(|window| window == b"{}"));
}

const SPAWN: &str = r#"
[capabilities.spawn]
programs = [{ path = "/usr/bin/git" }]
[capabilities.spawn.operations]
status = { argv = "git status" }
"#;

#[test] // X1, X10, X12 and §11.2: the minimum host
fn spawning_links_denies_and_says_so() {
    let mut guest = Guest::new();
    let request = guest.text(r#"{"program":"/usr/bin/git","argv":["git","status"]}"#);
    let (status, args) = (guest.text("status"), guest.text("{}"));
    let probes = [
        ("status", "(call $spawn_status)".to_owned()),
        ("out", "(call $spawn_output_size (i32.const 0))".to_owned()),
        ("err", "(call $spawn_output_size (i32.const 1))".to_owned()),
        ("other", "(call $spawn_output_size (i32.const 99))".to_owned()),
        ("read", "(call $spawn_output_read (i32.const 0) (i32.const 1024) (i32.const 8))".to_owned()),
    ];
    let probes: Vec<_> = probes.iter().map(|(name, probe)| (*name, probe.as_str())).collect();
    let expected = json!({"status": -2, "out": -1, "err": -1, "other": -1, "read": -1});
    assert_eq!(json!(output(&Guest::new().report(&probes).done())), expected);

    let exit_with = |call: String| {
        let mut other = Guest::new();
        let (_, _, _) = (
            other.text(r#"{"program":"/usr/bin/git","argv":["git","status"]}"#),
            other.text("status"),
            other.text("{}"),
        );
        other.run(&format!("(call $exit (i32.sub (i32.const 100) {call}))")).wasm()
    };
    for (manifest, call, class) in [
        (SPAWN, format!("(call $spawn {request})"), Class::SpawnSandboxUnavailable),
        (SPAWN, format!("(call $spawn_op {status} {args})"), Class::SpawnSandboxUnavailable),
        ("", format!("(call $spawn {request})"), Class::CapabilityDenied),
        ("", format!("(call $spawn_op {status} {args})"), Class::CapabilityDenied),
        (SPAWN, format!("(call $spawn {args})"), Class::CapabilityDenied),
        (SPAWN, format!("(call $spawn {status})"), Class::ConnectorRuntimeError),
    ] {
        let connector = compile(&exit_with(call.clone()), manifest).unwrap();
        let done = run(&connector, Invocation::new("x", Arc::new(NoNetwork)));
        assert_eq!(failure(&done).class, class, "{call}");
    }
    // Whatever the guest makes of it, the host's word stands.
    let guest = guest.run(&format!("(drop (call $spawn {request}))")).say("{\"output\":{}}");
    let connector = compile(&guest.wasm(), SPAWN).unwrap();
    let done = run(&connector, Invocation::new("x", Arc::new(NoNetwork)));
    assert_eq!(failure(&done).class, Class::SpawnSandboxUnavailable);
    let done = run(
        &connector,
        Invocation { spawn_subset: vec!["/usr/bin/hg".into()], ..Invocation::new("x", Arc::new(NoNetwork)) },
    );
    assert_eq!(failure(&done).details["boundary_detail"], "action");
}

/// Stores the entries of a list of buffers at 1024, eight bytes each: pointer and length.
fn list(entries: &[(u32, u32)]) -> String {
    let entry = |(at, (pointer, length)): (usize, &(u32, u32))| {
        let at = 1024 + at * 8;
        let after = at + 4;
        format!(
            "(i32.store (i32.const {at}) (i32.const {pointer})) (i32.store (i32.const {after}) (i32.const {length}))"
        )
    };
    entries.iter().enumerate().map(entry).collect()
}

#[test] // WASI preview 1: a list of buffers is one stream of bytes
fn every_buffer_of_a_list_is_written() {
    let text = "{\"output\":{\"a\":1}}";
    let at = |from: u32, to: u32| (65_536 + from, to - from);
    for entries in [
        vec![at(0, 18)],
        vec![at(0, 9), at(9, 18)],
        vec![at(0, 1), at(1, 2), at(2, 18)],
        vec![(0, 0), at(0, 5), at(5, 18)],
        vec![at(0, 5), (0, 0), (0, 0), at(5, 18)],
        vec![at(0, 5), at(5, 18), (0, 0)],
        (0..18).map(|byte| at(byte, byte + 1)).collect(),
    ] {
        let count = entries.len();
        let mut guest = Guest::new();
        guest.text(text);
        let write =
            format!("(i32.eqz (call $fd_write (i32.const 1) (i32.const 1024) (i32.const {count}) (i32.const 24)))");
        let check = format!(
            "(if (i32.ne (i32.and {write} (i32.eq (i32.load (i32.const 24)) (i32.const 18))) (i32.const 1)) (then unreachable))"
        );
        let done = guest.run(&list(&entries)).run(&check).done();
        assert_eq!(output(&done)["a"], 1, "{entries:?}");
    }
}

#[test] // WASI preview 1: a list of buffers is one stream of bytes
fn every_buffer_of_a_list_is_filled() {
    // `{"args":{},"op":"x"}` has 20 bytes; read into two places, then to its end.
    let read = |entries: &[(u32, u32)]| {
        let count = entries.len();
        let call = format!("(call $fd_read (i32.const 0) (i32.const 1024) (i32.const {count}) (i32.const 24))");
        let guest = Guest::new().run(&list(entries)).run(&format!("(drop {call})"));
        let done = guest
            .report(&[
                ("n", "(i32.load (i32.const 24))"),
                ("first", "(i32.load8_u (i32.const 2048))"),
                ("second", "(i32.load8_u (i32.const 3072))"),
            ])
            .done();
        let found = output(&done);
        (found["n"].clone(), found["first"].clone(), found["second"].clone())
    };
    for (entries, expected) in [
        (vec![(2048, 20)], (20, b'{', 0)),
        (vec![(2048, 1), (3072, 1)], (2, b'{', b'"')),
        (vec![(2048, 8), (3072, 100)], (20, b'{', b'{')),
        (vec![(0, 0), (2048, 2), (0, 0), (3072, 3)], (5, b'{', b'a')),
        (vec![(2048, 100), (3072, 100)], (20, b'{', 0)),
    ] {
        let (n, first, second) = expected;
        assert_eq!(read(&entries), (json!(n), json!(first), json!(second)), "{entries:?}");
    }
}

#[test]
fn a_list_of_buffers_opens_no_descriptor_and_lies_in_memory() {
    // A descriptor that is not open stays closed, whatever the list; a list outside of memory is no list.
    let code = |call: &str| {
        output(&Guest::new().run(&list(&[(2048, 1), (3072, 1)])).report(&[("n", call)]).done())["n"].clone()
    };
    for (call, errno) in [
        ("(call $fd_write (i32.const 3) (i32.const 1024) (i32.const 2) (i32.const 24))", 8),
        ("(call $fd_write (i32.const 3) (i32.const 1024) (i32.const 0) (i32.const 24))", 8),
        ("(call $fd_read (i32.const 9) (i32.const 1024) (i32.const 2) (i32.const 24))", 8),
        ("(call $fd_write (i32.const 1) (i32.const -8) (i32.const 2) (i32.const 24))", 21),
        ("(call $fd_write (i32.const 1) (i32.const 1024) (i32.const -1) (i32.const 24))", 21),
    ] {
        assert_eq!(code(call), json!(errno), "{call}");
    }
}
