//! What is handed to a command and what it hands back: arguments from files and standard input, a private key that must
//! arrive, memory that stays private, and a user's own git settings.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::house::{House, has, skipped};

#[test]
fn a_printed_key_that_does_not_arrive_leaves_nothing_behind() {
    let house = House::empty();
    house.ok("aileron-pub init tea --owner acme --language wat --yes");
    for flags in ["--print-secret", "--print-secret --json", "--print-secret --quiet"] {
        for broken in ["full", "closed pipe"] {
            let mut command = house.typed(&format!("aileron-pub -C tea keys generate {flags}"));
            let output = match broken {
                "full" => Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap()),
                _ => {
                    let (reader, writer) = std::io::pipe().unwrap();
                    drop(reader);
                    Stdio::from(writer)
                }
            };
            let status = command.stdout(output).stderr(Stdio::null()).status().unwrap();
            assert_eq!(status.code(), Some(1), "{flags}, {broken}");
            assert!(!house.path("tea/keys").exists(), "{flags}, {broken}: a public key whose private half is lost");
        }
    }
    house.ok("aileron-pub -C tea keys generate --print-secret");
    assert!(house.path("tea/keys/publisher.pub").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_both_programs_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    // A git of ours is a child that can look at its parent while it runs.
    let house = House::new();
    let seen = house.path("seen");
    let script = format!(
        "#!/bin/sh\nid -u > {seen}\nstat -c %u /proc/$PPID/environ >> {seen}\ngrep 'Max core file size' /proc/$PPID/limits >> {seen}\nexit 1\n",
        seen = seen.display()
    );
    house.write("bin/git", script);
    fs::set_permissions(house.path("bin/git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", house.path("bin").display(), std::env::var("PATH").unwrap());
    for line in ["aileron-pub -C tea check", "aileron hub search tea --catalog https://127.0.0.1:9/hub.git"] {
        let _ = house.finish(
            {
                let mut command = house.typed(line);
                command.env("PATH", &path);
                command
            },
            line,
        );
        let told = fs::read_to_string(&seen).unwrap_or_else(|error| panic!("{line} asked no git: {error}"));
        let lines: Vec<&str> = told.lines().collect();
        let core: Vec<&str> = lines[2].split_whitespace().collect();
        assert!(core.contains(&"0") && !core.contains(&"unlimited"), "{line}: {told}");
        // What is not dumpable belongs to root, whoever runs it.
        assert_eq!(lines[1], "0", "{line}: {told}");
        if lines[0] == "0" {
            skipped("as root every process belongs to root, so only the core limit was looked at");
        }
        fs::remove_file(&seen).unwrap();
    }
}

#[test] // artifacts.md §12
fn init_and_demo_are_deaf_to_the_users_git() {
    if !has("git", "--version") {
        return;
    }
    let hook = "#!/bin/sh\necho \"a hook of the user ran\" >&2\nexit 1\n";
    let reference = House::empty();
    reference.ok("aileron-pub init tea --owner acme --language wat --yes");
    let tree = |house: &House| house.git(&["ls-tree", "-r", "HEAD"]);
    let expected = tree(&reference);
    for settings in [
        "[core]\n\thooksPath = HOME/hooks\n",
        "[init]\n\ttemplateDir = HOME/template\n",
        "[commit]\n\tgpgSign = true\n[user]\n\tsigningKey = DEADBEEF\n[gpg]\n\tprogram = false\n",
        "[core]\n\tautocrlf = true\n\tsafecrlf = true\n",
        "[core]\n\teol = crlf\n\tattributesFile = HOME/attributes\n",
        "[core]\n\texcludesFile = HOME/ignore\n",
        "[commit]\n\ttemplate = HOME/missing\n\tverbose = true\n",
        "[core]\n\tfsmonitor = false-does-not-exist\n",
        "[core]\n\teditor = false\n\tpager = false\n",
        "[tag]\n\tgpgSign = true\n[commit]\n\tcleanup = scissors\n",
        "[user]\n\tuseConfigOnly = true\n",
        "[init]\n\tdefaultBranch = trunk\n",
    ] {
        let house = House::empty();
        let home = house.path("../home").canonicalize().unwrap();
        house.write("../home/.gitconfig", settings.replace("HOME", &home.display().to_string()));
        house.write("../home/attributes", "* text eol=crlf\n");
        house.write("../home/ignore", "*\n");
        for place in ["hooks", "template/hooks"] {
            for name in ["pre-commit", "commit-msg", "post-commit", "prepare-commit-msg"] {
                let path = format!("../home/{place}/{name}");
                house.write(&path, hook);
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt as _;
                    fs::set_permissions(house.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
                }
            }
        }
        let made = house.ok("aileron-pub init tea --owner acme --language wat --yes");
        assert!(!made.stderr.contains("hook"), "{settings}: {}", made.stderr);
        assert_eq!(tree(&house), expected, "{settings}");
        assert!(!house.path("tea/.git/hooks/pre-commit").exists(), "{settings}");
        house.ok("aileron-pub --quiet demo shown");
    }
}

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
    let house = House::new();
    house.write("tea/connector/connector.wat", ECHO);
    let object = "{\"id\": 18446744073709551617, \"n\": [0.12345678901234567890123, 1.10], \"t\": \"é\"}";
    let compact = "{\"id\":18446744073709551617,\"n\":[0.12345678901234567890123,1.10],\"t\":\"é\"}";
    house.write("args.json", object);
    house.write("marked.json", format!("\u{feff}{object}\n"));
    let expected = format!("{{\"output\":{{\"args\":{compact},\"op\":\"echo\"}}}}\n");
    for arguments in ["@args.json", "@marked.json"] {
        let ran = house.ok(&format!("aileron-pub -q -C tea run echo --args {arguments}"));
        assert_eq!(ran.stdout, expected, "{arguments}");
    }
    let mut command = house.typed("aileron-pub -q -C tea run echo --args -");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    // More than an argument of a process may hold.
    let long = format!("{{\"body\":\"{}\"}}", "x".repeat(1 << 20));
    house.write("long.json", &long);
    let ran = house.ok("aileron-pub -q -C tea run echo --args @long.json");
    assert!(ran.stdout.contains(&long), "{}", ran.stdout.len());
    let json = house.ok("aileron-pub -q -C tea run echo --args @args.json --json");
    assert!(json.stdout.contains(compact), "every digit, in the document too: {}", json.stdout);
    json.json();

    house.write("bytes.json", b"{\"a\":\"\xff\"}");
    house.write("list.json", "[1]");
    for (arguments, code, words) in [
        ("@absent.json", 1, "absent.json"),
        ("@bytes.json", 2, "byte 6 is not UTF-8"),
        ("@list.json", 2, "--args is not a JSON object: it is an array"),
        ("@tea", 1, "tea"),
        ("{", 2, "--args is not a JSON object: EOF"),
        ("-", 2, "--args is not a JSON object"),
    ] {
        let ran = house.run(&format!("aileron-pub -q -C tea run echo --args {arguments}"));
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn a_number_where_text_was_wanted_is_explained() {
    let house = House::new();
    for (arguments, hint) in [
        ("--arg id=42", Some("--arg 'id=\"42\"'")),
        ("--arg name=Ann --arg on=true", Some("--arg 'on=\"true\"'")),
        ("--arg name=Ann", None),
        ("--args {\"id\":42}", None),
    ] {
        let ran = house.run(&format!("aileron-pub -q -C tea run no-such-op {arguments}"));
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        match hint {
            Some(hint) => assert!(ran.stderr.contains(&format!("wanted text here: {hint}")), "{}", ran.stderr),
            None => assert!(!ran.stderr.contains("wanted text"), "{}", ran.stderr),
        }
    }
}

#[test] // artifacts.md §3
fn run_test_and_inspect_take_a_waiver_as_build_does() {
    let house = House::new();
    house.replace(
        "tea/actions/tea-ping/action.md",
        "[match]",
        "[[inputs]]\nname = \"ID\"\ntype = \"String\"\ndescription = \"d\"\nrequired = false\n\n[match]",
    );
    for verb in ["run ping", "test", "inspect", "build"] {
        let refused = house.run(&format!("aileron-pub -q -C tea {verb}"));
        assert_eq!(refused.code, 6, "{verb}: {}", refused.stderr);
        house.ok(&format!("aileron-pub -q -C tea {verb} --allow input-name --allow input-type"));
        let unknown = house.run(&format!("aileron-pub -q -C tea {verb} --allow version"));
        assert_eq!(unknown.code, 2, "{verb}: {}", unknown.stderr);
    }
}
