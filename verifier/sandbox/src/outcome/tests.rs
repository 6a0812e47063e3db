use serde_json::Value;

use super::*;

fn evidence(ended: Ended, stdout: &str) -> Evidence<'_> {
    Evidence {
        ended,
        overdue: false,
        sticky: None,
        growth_refused: false,
        stdout: stdout.as_bytes(),
        stderr: b"",
        wall_time: Duration::from_secs(30),
        memory: 64 << 20,
        stdout_cap: 16 << 20,
    }
}

fn sticky() -> Option<Failure> {
    Some(Failure::new(Class::CapabilityDenied, "host:port not in declared grant"))
}

const GOOD: &str = r#"{"output":{"n":1}}"#;
const BAD: &str = r#"{"error":{"class":"graphql_error","message":"no such field"}}"#;

/// The way it ended, once each.
fn endings() -> [Ended; 6] {
    [
        Ended::Returned,
        Ended::Exited(0),
        Ended::Exited(1),
        Ended::Trapped("unreachable".into()),
        Ended::LoadFailed("no such import".into()),
        Ended::StdoutLimit,
    ]
}

#[test] // sandbox.md §5.3, the whole table: every ending with and without each finding of the host
fn the_host_decides_before_the_guest_is_heard() {
    for ended in endings().into_iter().chain([Ended::Stopped]) {
        for stdout in [GOOD, BAD, "", "not json"] {
            for (overdue, sticky_set, growth_refused) in
                (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0))
            {
                let found = decide(Evidence {
                    overdue,
                    sticky: sticky_set.then(sticky).flatten(),
                    growth_refused,
                    ..evidence(ended.clone(), stdout)
                });
                let class = found.as_ref().err().map(|failure| failure.class);
                let limit =
                    found.as_ref().err().and_then(|failure| failure.details.get("limit")).and_then(Value::as_str);
                let normal = matches!(ended, Ended::Returned | Ended::Exited(0));
                let abnormal = matches!(ended, Ended::Exited(1..) | Ended::Trapped(_));
                let expected = match () {
                    () if overdue || ended == Ended::Stopped => (Some(Class::ResourceLimitExceeded), Some("wall_time")),
                    () if sticky_set => (Some(Class::CapabilityDenied), None),
                    () if abnormal && growth_refused => (Some(Class::ResourceLimitExceeded), Some("memory")),
                    () if matches!(ended, Ended::LoadFailed(_)) => (Some(Class::ConnectorLoadFailed), None),
                    () if normal && (stdout == GOOD || stdout.is_empty()) => (None, None),
                    () => (Some(Class::ConnectorRuntimeError), None),
                };
                assert_eq!((class, limit), expected, "{ended:?} {stdout} {overdue} {sticky_set} {growth_refused}");
                assert!(found.as_ref().err().is_none_or(|failure| failure.boundary == "sandbox" && !failure.retriable));
            }
        }
    }
}

#[test] // §5.2, one row per line of its table, and what its sentences add
fn standard_output_is_at_most_one_envelope() {
    let output = |stdout: &str| {
        decide(evidence(Ended::Exited(0), stdout)).map(|output| output.map(|output| output.text().to_owned()))
    };
    for nothing in
        ["", " \n\t\r", "{}", "null", " null\n", r#"{"output":null}"#, r#"{"error":null}"#, r#"{"other":[1]}"#]
    {
        assert_eq!(output(nothing), Ok(None), "{nothing}");
    }
    for (stdout, expected) in [
        ("{\"output\":{}}\n", "{}"),
        ("{\"x\":1,\"output\":{\"a\":[1]},\"error\":null}", "{\"a\":[1]}"),
        (r#"{"output":{"a":1},"output":{"b":2}}"#, r#"{"b":2}"#),
        (r#"{"Output":{"a":1}}"#, r#"{"a":1}"#),
        (r#"{"output":{"n":123456789012345678901234567890.10e5}}"#, r#"{"n":123456789012345678901234567890.10e5}"#),
    ] {
        assert_eq!(output(stdout), Ok(Some(expected.to_owned())), "{stdout}");
    }
    let deep = format!(r#"{{"output":{}1{}}}"#, "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for broken in [
        "not json",
        "{} {}",
        "{}x",
        "[]",
        "7",
        "\"text\"",
        r#"{"output":1}"#,
        r#"{"output":[]}"#,
        r#"{"output":"text"}"#,
        r#"{"output":"#,
        r#"{"error":"text"}"#,
        r#"{"error":{"class":7}}"#,
        r#"{"error":[]}"#,
        "\u{feff}{}",
        &deep,
        &"[".repeat(1 << 20),
        &"{\"output\":".repeat(1 << 16),
    ] {
        let failure = output(broken).unwrap_err();
        assert_eq!(failure.class, Class::ConnectorRuntimeError);
        let prefix = "connector stdout is not a valid JSON envelope: ";
        assert!(failure.message.starts_with(prefix), "{}", failure.message);
        assert!(!failure.details.contains_key("connector_class"));
    }
    let failure = decide(Evidence { stdout: b"{\"output\":{}}\xff", ..evidence(Ended::Returned, "") }).unwrap_err();
    assert_eq!(
        failure.message,
        "connector stdout is not a valid JSON envelope: trailing characters at line 1 column 14"
    );
}

#[test] // sandbox.md §5.2: no limits but the document's grammar
fn standard_output_is_read_as_the_existing_runtime_reads_it() {
    let read = |stdout: &[u8]| {
        let evidence = Evidence { stdout, ..evidence(Ended::Returned, "") };
        decide(evidence).map(|output| output.map(|output| output.text().to_owned()))
    };
    for (stdout, expected) in [
        (&b"{\"output\":{\"a\":\"\xff\"}}"[..], "{\"a\":\"\u{fffd}\"}"),
        (b"{\"output\":{\"a\":\"\xe2\x82\"}}", "{\"a\":\"\u{fffd}\u{fffd}\"}"),
        (b"{\"output\":{\"a\":\"\xc0\xafb\"}}", "{\"a\":\"\u{fffd}\u{fffd}b\"}"),
        (b"{\"output\":{\"\xff\":1}}", "{\"\u{fffd}\":1}"),
        (b"{\"\xff\":1,\"output\":{}}", "{}"),
        (b"{\"output\":{\"a\":\"\\ud800\"}}", "{\"a\":\"\\ufffd\"}"),
        (b"{\"output\":{\"a\":\"\\udc00\\ud800\"}}", "{\"a\":\"\\ufffd\\ufffd\"}"),
        (b"{\"output\":{\"a\":\"\\ud83d\\ude00\"}}", "{\"a\":\"\\ud83d\\ude00\"}"),
        (b"{\"output\":{\"\\ud800\":1}}", "{\"\\ufffd\":1}"),
        (b"{\"\\ud800\":1,\"output\":{}}", "{}"),
        (b"{\"output\":{\"a\":\"\\\\ud800\"}}", "{\"a\":\"\\\\ud800\"}"),
    ] {
        assert_eq!(read(stdout), Ok(Some(expected.to_owned())), "{}", String::from_utf8_lossy(stdout));
    }
    let error = read(b"{\"error\":{\"class\":\"x\",\"message\":\"\xff \\ud800\"}}").unwrap_err();
    assert_eq!(error.message, "\u{fffd} \u{fffd}");
    for bytes in [&b"\xff"[..], b"{\"output\":\xff}", b"{\xff\"output\":{}}", b"{\"output\":{}}\xff"] {
        assert_eq!(read(bytes).unwrap_err().class, Class::ConnectorRuntimeError, "{bytes:?}");
    }
}

#[test] // sandbox.md §5.2; a stack that overflows would end the process
fn ten_thousand_levels_of_nesting_are_read_and_one_more_is_refused() {
    let nested = |levels: usize, open: &str, close: &str| {
        format!("{{\"output\":{{\"a\":{}1{}}}}}", open.repeat(levels), close.repeat(levels))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[\"]]}}\\\"\",", "]")] {
        for levels in [1, 126, 127, 128, 1000, 9_998] {
            let stdout = nested(levels, open, close);
            let output = decide(evidence(Ended::Returned, &stdout)).unwrap().unwrap();
            assert_eq!(format!("{{\"output\":{}}}", output.text()), stdout, "{levels} {open}");
            assert_eq!(output.clone(), output);
        }
        for levels in [9_999, 10_000, 100_000, 1 << 20] {
            let failure = decide(evidence(Ended::Returned, &nested(levels, open, close))).unwrap_err();
            assert!(failure.message.ends_with("nested deeper than 10000 levels"), "{levels} {open}: {failure}");
        }
    }
    let brackets = format!("{{\"output\":{{\"a\":\"{}\"}}}}", "[{".repeat(20_000));
    assert!(decide(evidence(Ended::Returned, &brackets)).is_ok());
}

#[test] // decisions C2 and C5
fn a_guest_can_never_claim_a_class_of_the_host() {
    let classes = [
        "capability_denied",
        "binding_required",
        "resource_limit_exceeded",
        "connector_load_failed",
        "spawn_sandbox_unavailable",
        "hash_mismatch",
        "signature_failure",
        "approval_denied",
        "network_error",
        "http_unauthorized",
        "External_API_Error",
        "",
    ];
    for ended in [Ended::Returned, Ended::Exited(0), Ended::Exited(1), Ended::Exited(u32::MAX)] {
        for class in classes {
            let stdout = format!(
                r#"{{"output":{{}},"error":{{"class":"{class}","message":"m","boundary":"runtime","retriable":true,"details":{{"limit":"wall_time"}}}}}}"#
            );
            let failure = decide(evidence(ended.clone(), &stdout)).unwrap_err();
            let expected = Failure::new(Class::ConnectorRuntimeError, "m").with("connector_class", class);
            assert_eq!(failure, expected, "{ended:?}");
        }
        let failure = decide(evidence(ended.clone(), r#"{"error":{"class":"external_api_error","message":"429"}}"#));
        assert_eq!(failure.unwrap_err().class, Class::ExternalApiError);
        let failure = decide(evidence(ended, r#"{"ERROR":{"Class":"graphql_error","MESSAGE":"m"}}"#)).unwrap_err();
        assert_eq!(failure.details["connector_class"], "graphql_error");
    }
    let failure = decide(evidence(Ended::Returned, r#"{"error":{}}"#)).unwrap_err();
    assert_eq!((failure.class, failure.message.as_str()), (Class::ConnectorRuntimeError, ""));
    assert_eq!(failure.details["connector_class"], "connector_runtime_error");
}

#[test] // §5.3, decision C2: an error envelope is heard on a non-zero exit, an output is not
fn a_code_is_reported_with_the_end_of_standard_error() {
    let exited = |code, stdout: &'static str, stderr: &'static str| {
        decide(Evidence { stderr: stderr.as_bytes(), ..evidence(Ended::Exited(code), stdout) }).unwrap_err().message
    };
    assert_eq!(exited(1, "", ""), "connector exited 1; stderr: ");
    assert_eq!(exited(2, GOOD, "goroutine 1"), "connector exited 2; stderr: goroutine 1");
    assert_eq!(exited(u32::MAX, "not json", ""), "connector exited 4294967295; stderr: ");
    assert_eq!(exited(0xEFFF_FFFF, "", ""), "connector exited 4026531839; stderr: ");
    assert_eq!(exited(1, BAD, "x"), "no such field");
}

#[test]
fn every_breach_says_its_limit_and_what_was_configured() {
    let failure =
        decide(Evidence { overdue: true, wall_time: Duration::from_millis(500), ..evidence(Ended::Returned, GOOD) });
    let failure = failure.unwrap_err();
    assert_eq!(failure.message, "wall_time limit exceeded (configured: 500ms)");
    assert_eq!(Value::from(failure.details), serde_json::json!({"limit": "wall_time", "configured": "500ms"}));
    let failure = decide(Evidence { growth_refused: true, ..evidence(Ended::Exited(2), "") }).unwrap_err();
    assert_eq!(failure.message, "memory limit exceeded (configured: 67108864 bytes)");
    assert_eq!(Value::from(failure.details), serde_json::json!({"limit": "memory", "configured": 67_108_864}));
    let failure = decide(evidence(Ended::StdoutLimit, "")).unwrap_err();
    assert_eq!(failure.message, "connector stdout exceeds 16777216 bytes");
}

#[test] // P12
fn the_tail_is_cut_between_characters() {
    for (text, keep, expected) in [
        ("abcde", 256, "abcde"),
        ("abcde", 5, "abcde"),
        ("abcde", 4, "...bcde"),
        ("aéb", 2, "...b"),
        ("aéb", 3, "...éb"),
        ("a😀", 2, "..."),
        ("", 4, ""),
    ] {
        assert_eq!(tail(text.as_bytes(), keep), expected, "{text} {keep}");
    }
    assert_eq!(tail(b"\xff\xffab", 3), "...\u{fffd}ab");
    assert_eq!(tail(&[0x80; 40], 8), format!("...{}", "\u{fffd}".repeat(5)));
}

#[test] // §8.2: the notation of the existing runtime
fn a_duration_reads_as_the_existing_runtime_writes_it() {
    for (time, expected) in [
        (Duration::ZERO, "0s"),
        (Duration::from_nanos(7), "7ns"),
        (Duration::from_nanos(1_500), "1.5µs"),
        (Duration::from_millis(500), "500ms"),
        (Duration::from_micros(1_050), "1.05ms"),
        (Duration::from_secs(30), "30s"),
        (Duration::from_millis(1_500), "1.5s"),
        (Duration::from_millis(60_250), "1m0.25s"),
        (Duration::from_secs(300), "5m0s"),
        (Duration::from_secs(3_600), "1h0m0s"),
    ] {
        assert_eq!(duration(time), expected);
    }
}

#[test] // P13
fn a_failure_reads_as_class_message_and_boundary() {
    assert_eq!(Failure::new(Class::CapabilityDenied, "nope").to_string(), "capability_denied: nope (boundary=sandbox)");
}
