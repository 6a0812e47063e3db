//! `aileron launch PROGRAM`: what it gets, what it does not, how both end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aileron_testkit::home::{ended, ends, ok, run};
use rustix::process::Signal;

use super::{home, launch, listening};
use crate::release::directory::signal;
use crate::run::running::{SECRET, echo};
use crate::vault::refresh::{expired, refreshes, stored, waiting};
use crate::vault::{PASSPHRASE, with_vault};

#[test]
fn it_runs_actions_with_the_vault_and_knows_neither_passphrase_nor_credential() {
    let service = echo();
    let home = home(&service);
    let program = "aileron action run tea-ping && env";
    let mut command = launch(&home, &["sh", "-c", program]);
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("AILERON_VAULT_PASSPHRASE", PASSPHRASE).env("TERM", "vt100").env("MY_TOKEN", "mine");
    let ran = ok(&mut command);
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert!(ran.stdout.starts_with("{\"action\":\"tea-ping\""), "{ran}");
    let variables: Vec<&str> = ran.stdout.lines().skip(1).collect();
    let ours = |name: &str| variables.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert!(ours("AILERON_API_URL").is_some_and(|url| url.starts_with("http://127.0.0.1:") && url.ends_with("/v1")));
    assert_eq!(ours("AILERON_TOKEN").map(str::len), Some(43));
    assert!(ours("AILERON_VAULT_PASSPHRASE").is_none());
    // It is the user's own program: the rest of the environment is as it was.
    assert_eq!((ours("TERM"), ours("MY_TOKEN")), (Some("vt100"), Some("mine")));
    assert!(ours("AILERON_HOME").is_some_and(|path| path.ends_with(".aileron")));
    assert!(
        !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET) && !ran.stderr.contains("[connector"),
        "{ran}"
    );
    // Nothing is announced: it is this program's alone.
    assert!(!home.home().join(".aileron/launch.json").exists());
}

fn bin() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_aileron")).parent().unwrap().to_owned()
}

#[test]
fn its_exit_code_is_ours_and_everything_after_its_name_is_its_own() {
    let home = with_vault();
    for (program, code, stdout) in [
        (&["true"][..], 0, ""),
        (&["false"], 1, ""),
        (&["sh", "-c", "exit 42"], 42, ""),
        (&["sh", "-c", "exit 255"], 255, ""),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (&["sh", "-c", "kill -KILL $$"], 137, ""),
        (&["sh", "-c", "printf '%s ' \"$@\"", "sh", "--json", "-q", "--", "--help"], 0, "--json -q -- --help "),
        (&["--", "sh", "-c", "cat; echo $0", "-x"], 0, "-x\n"),
    ] {
        let ran = run(&mut launch(&home, program));
        assert_eq!((ran.code, ran.stdout.as_str()), (code, stdout), "{program:?}: {ran}");
        assert!(ran.stderr.contains("✓ Vault unlocked\n✓ Listening on http://localhost:"), "{ran}");
    }
}

#[test]
fn what_cannot_be_run_is_said_before_a_passphrase_is_asked_for() {
    let home = with_vault();
    home.write("plain.txt", "text");
    for program in ["no-such-program", "./no-such-program", "./plain.txt", "/"] {
        let ran = ends(&mut home.consumer(&["launch", program]), 2);
        assert!(ran.stderr.starts_with(&format!("usage_error: {program} was not found")), "{ran}");
    }
    let ran = ends(&mut home.consumer(&["launch", "--json", "true"]), 2);
    assert_eq!(ran.json()["error"]["message"], "--json: standard output is PROGRAM's");
    ends(&mut home.consumer(&["launch", "--no-such-flag"]), 2);
    let relative = ok(&mut {
        home.write("tool.sh", "#!/bin/sh\necho \"here: $1\"\n");
        ok(home.command("chmod").args(["+x", "tool.sh"]));
        launch(&home, &["./tool.sh", "x"])
    });
    assert_eq!(relative.stdout, "here: x\n");
}

#[test]
fn a_program_has_our_streams() {
    let home = with_vault();
    let mut command = launch(&home, &["sh", "-c", "cat >&2; echo out"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    child.stdin.as_mut().unwrap().write_all(b"typed\n").unwrap();
    let ran = ended(child);
    assert_eq!(ran.stdout, "out\n");
    assert!(ran.stderr.ends_with("/v1\ntyped\n"), "{ran}");
}

/// A program that says which signal it got, and ends with a code of its own. A signal that arrives right before `read` waits
/// is seen when that looks up again: a shell has no way to wait for both.
const TELLS: &str =
    "trap 'echo got INT; exit 7' INT; trap 'echo got TERM; exit 8' TERM; trap 'echo got HUP; exit 9' HUP;
    echo ready; while :; do read -r -t 1 line || [ $? -gt 128 ] || exit 3; done";

#[test]
fn signals_are_passed_on_and_it_ends_when_the_program_does() {
    let home = with_vault();
    for (sent, said, code) in [(Signal::INT, "INT", 7), (Signal::TERM, "TERM", 8), (Signal::HUP, "HUP", 9)] {
        let mut command = launch(&home, &["bash", "-c", TELLS]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        signal(&child, sent);
        let stdin = child.stdin.take();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let ran = ended(child);
        drop(stdin);
        assert_eq!((ran.code, rest), (code, format!("got {said}\n")), "{ran}");
    }
}

#[test] // a second Ctrl-C would be one too many: agents end at two
fn ctrl_c_on_the_terminal_reaches_the_program_once() {
    let home = with_vault();
    let counts = "trap 'n=$((n+1)); echo \"interrupted $n\"' INT; echo ready; until read -r -t 1 line; do :; done; echo \"said $line after $n\"; exit 5";
    home.write("counts.sh", counts);
    let mut terminal = crate::vault::terminal::Terminal::start(
        &home,
        "trap : INT; \"$AILERON\" launch --passphrase-file passphrase.txt bash counts.sh",
    );
    terminal.sees("ready").types("\x03");
    terminal.sees("interrupted 1").types("\x03");
    terminal.sees("interrupted 2").types("enough\r");
    terminal.sees("said enough after 2");
    terminal.ends(&home, 5);
}

#[test] // bitwarden/clients#3932, its other half: what was open is closed when its user goes
fn nobody_is_answered_after_the_program_ended() {
    let home = with_vault();
    let mut command = launch(&home, &["sh", "-c", "read -r line"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let port = listening(&mut errors);
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    drop(child.stdin.take());
    assert_eq!(ended(child).code, 1);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test] // vault.md §12: a token that was asked for is stored, also when its op has ended
fn a_program_that_ends_in_mid_refresh_loses_no_token() {
    let (provider, asked, go) = waiting();
    let home = expired(&provider);
    let ends_when_told = "aileron action run tea-ping >/dev/null 2>&1 & echo $$; read -r line; exit 4";
    let mut command = launch(&home, &["sh", "-c", ends_when_told]);
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap());
    command.env("PATH", path);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut process = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut process).unwrap();
    asked.recv().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "end").unwrap();
    while Path::new("/proc").join(process.trim()).exists() {
        std::thread::yield_now(); // until the program has ended, and that was seen
    }
    go.send(()).unwrap();
    let ran = ended(child);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(stored(&home)["refresh_token"], "refresh-2-0123456789");
    assert_eq!(refreshes(&provider), 1);
}
