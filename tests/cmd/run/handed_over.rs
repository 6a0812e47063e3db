//! What is handed to a command and what it hands back: arguments from files and standard input, digit for digit.

use std::io::Write as _;
use std::process::Stdio;

use aileron_testkit::home::TestHome;

const ECHO: &str = "(module\n\
  (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))\n\
  (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))\n\
  (memory (export \"memory\") 64)\n\
  (data (i32.const 0) \"{\\\"output\\\":\")\n\
  (data (i32.const 16) \"}\")\n\
  (func $put (param $at i32) (param $length i32)\n\
    (i32.store (i32.const 32) (local.get $at)) (i32.store (i32.const 36) (local.get $length))\n\
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40))))\n\
  (func (export \"_start\") (local $end i32)\n\
    (local.set $end (i32.const 65536))\n\
    (block $done (loop $more\n\
      (i32.store (i32.const 32) (local.get $end)) (i32.store (i32.const 36) (i32.const 65536))\n\
      (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)))\n\
      (br_if $done (i32.eqz (i32.load (i32.const 40))))\n\
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 40))))\n\
      (br $more)))\n\
    (call $put (i32.const 0) (i32.const 10))\n\
    (call $put (i32.const 65536) (i32.sub (local.get $end) (i32.const 65536)))\n\
    (call $put (i32.const 16) (i32.const 1))))\n";

#[test] // sandbox.md 15a
fn arguments_come_from_the_command_line_a_file_or_standard_input() {
    let home = TestHome::with_tea();
    home.write("tea/connector/connector.wat", ECHO);
    let object = "{\"id\": 18446744073709551617, \"n\": [0.12345678901234567890123, 1.10], \"t\": \"é\"}";
    let compact = "{\"id\":18446744073709551617,\"n\":[0.12345678901234567890123,1.10],\"t\":\"é\"}";
    home.write("args.json", object);
    home.write("marked.json", format!("\u{feff}{object}\n"));
    let expected = format!("{{\"output\":{{\"args\":{compact},\"op\":\"echo\"}}}}\n");
    for arguments in ["@args.json", "@marked.json"] {
        let ran = home.ok(&format!("aileron-pub -q -C tea run echo --args {arguments}"));
        assert_eq!(ran.stdout, expected, "{arguments}");
    }
    let mut command = home.typed("aileron-pub -q -C tea run echo --args -");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    // More than an argument of a process may hold.
    let long = format!("{{\"body\":\"{}\"}}", "x".repeat(1 << 20));
    home.write("long.json", &long);
    let ran = home.ok("aileron-pub -q -C tea run echo --args @long.json");
    assert!(ran.stdout.contains(&long), "{}", ran.stdout.len());
    let json = home.ok("aileron-pub -q -C tea run echo --args @args.json --json");
    assert!(json.stdout.contains(compact), "every digit, in the document too: {}", json.stdout);
    json.json();

    home.write("bytes.json", b"{\"a\":\"\xff\"}");
    home.write("list.json", "[1]");
    for (arguments, code, words) in [
        ("@absent.json", 1, "absent.json"),
        ("@bytes.json", 2, "byte 6 is not UTF-8"),
        ("@list.json", 2, "--args is not a JSON object: it is an array"),
        ("@tea", 1, "tea"),
        ("{", 2, "--args is not a JSON object: EOF"),
        ("-", 2, "--args is not a JSON object"),
    ] {
        let ran = home.run(&format!("aileron-pub -q -C tea run echo --args {arguments}"));
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn a_number_where_text_was_wanted_is_explained() {
    let home = TestHome::with_tea();
    for (arguments, hint) in [
        ("--arg id=42", Some("--arg 'id=\"42\"'")),
        ("--arg name=Ann --arg on=true", Some("--arg 'on=\"true\"'")),
        ("--arg name=Ann", None),
        ("--args {\"id\":42}", None),
    ] {
        let ran = home.run(&format!("aileron-pub -q -C tea run no-such-op {arguments}"));
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        match hint {
            Some(hint) => assert!(ran.stderr.contains(&format!("wanted text here: {hint}")), "{}", ran.stderr),
            None => assert!(!ran.stderr.contains("wanted text"), "{}", ran.stderr),
        }
    }
}
