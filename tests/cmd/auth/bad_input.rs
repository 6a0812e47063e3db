//! `auth`, `seal` and `launch --seal` where something they need is missing or broken: what it is is said, no login runs, no
//! command starts, and nothing is half-written.

use std::process::Command;

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Ran, TestHome, ends};
use aileron_testkit::{Requirement, skip};

use super::container::Docker;
use super::{TOKEN, stored};
use crate::vault::file;

/// The program with these words, away from any terminal, and standard input as the shell has it.
fn detached(docker: &Docker, line: &str) -> Command {
    let mut command = docker.home.command("setsid");
    command.args(["--wait", "sh", "-c", line]).env("AILERON", env!("CARGO_BIN_EXE_aileron"));
    command.env("PATH", docker.path());
    command
}

fn finish(docker: &Docker, line: &str) -> Ran {
    docker.home.finish(detached(docker, line), line)
}

/// `auth`, and the two ways to run a command with a credential; each would leave a file behind.
const LINES: [&str; 3] = ["auth gh", "seal -- touch ran", "launch --seal gh touch ran"];

/// A home with an accepted unit, a vault with a credential, and a stand-in for docker.
fn docker() -> Docker {
    let docker = Docker::new();
    docker.home.write("unit.yaml", crate::auth::UNIT);
    docker.home.ok("aileron unit accept unit.yaml --yes");
    docker.home.write("token.txt", "hunter2-token");
    docker.home.ok("aileron vault put user/github --from-file token.txt --passphrase-file passphrase.txt");
    docker
}

#[test]
fn a_vault_that_stays_locked_runs_nothing() {
    let docker = docker();
    docker.home.write("wrong.txt", "hunter3");
    docker.home.write("empty.txt", "\n");
    let (before, vault) = (contents(docker.home.all()), std::fs::read(file(&docker.home)).unwrap());
    for line in LINES {
        for (flags, said) in [
            ("", "cannot open terminal"),
            ("--passphrase-file wrong.txt", "wrong passphrase"),
            ("--passphrase-file empty.txt", "passphrase"),
            ("--passphrase-file absent.txt", "absent.txt"),
        ] {
            let (verb, rest) = line.split_once(' ').unwrap();
            let ran = finish(&docker, &format!("\"$AILERON\" {verb} {flags} {rest} </dev/null"));
            assert!(ran.code == 1 && ran.stderr.contains(said), "{line} {flags}: {ran}");
        }
    }
    assert_eq!(docker.calls(), [""; 0]);
    assert_eq!(contents(docker.home.all()).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(std::fs::read(file(&docker.home)).unwrap(), vault, "the vault is as it was");
}

#[test]
fn without_a_vault_a_command_is_not_run_and_the_next_step_is_named() {
    let docker = Docker::new();
    docker.home.write("unit.yaml", crate::auth::UNIT);
    docker.home.ok("aileron unit accept unit.yaml --yes");
    std::fs::remove_file(file(&docker.home)).unwrap();
    let ran =
        ends(&mut docker.home.consumer(&["seal", "--passphrase-file", "passphrase.txt", "--", "touch", "ran"]), 4);
    assert!(ran.stderr.contains("aileron vault init") && !docker.home.path("ran").exists(), "{ran}");
    // A login makes one: its token has to go somewhere.
    let ran = docker.home.finish(docker.auth(&[]), "auth");
    assert_eq!(
        (ran.code, stored(&docker.home, "user/github").map(|(_, value)| value)),
        (0, Some(TOKEN.to_owned())),
        "{ran}"
    );
}

#[test]
fn closed_standard_input_is_an_end_and_nothing_waits() {
    let docker = docker();
    let seal = "\"$AILERON\" seal --passphrase-file passphrase.txt -- sh -c 'cat; echo done' <&-";
    let ran = finish(&docker, seal);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "done\n"), "{ran}");
    let ran =
        finish(&docker, "\"$AILERON\" launch --passphrase-file passphrase.txt --seal gh sh -c 'cat; echo done' <&-");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "done\n"), "{ran}");
    // What is there is not replaced without an answer, and nothing was run for it.
    let ran = finish(&docker, "\"$AILERON\" auth gh --passphrase-file passphrase.txt <&-");
    assert!(ran.stdout.contains("Replace it? [y/N]"), "{ran}");
    assert_eq!(docker.calls(), [""; 0]);
    let ran = finish(&docker, "\"$AILERON\" auth gh --yes --passphrase-file passphrase.txt <&-");
    assert_eq!((ran.code, docker.calls().len()), (0, 5), "{ran}");
    assert_eq!(stored(&docker.home, "user/github").unwrap().1, TOKEN);
}

/// Whether `mount` or `umount` did it.
fn mounted(home: &TestHome, program: &str, arguments: &[&str]) -> bool {
    home.command(program).args(arguments).output().is_ok_and(|out| out.status.success())
}

#[test]
fn a_home_that_cannot_be_written_and_a_full_disk_are_said_before_a_login_and_lose_nothing() {
    let docker = docker();
    let home = &docker.home;
    let folder = file(home).parent().unwrap().display().to_string();
    let tmp = home.path("full").display().to_string();
    std::fs::create_dir(&tmp).unwrap();
    let saved: Vec<(String, Vec<u8>)> =
        contents(file(home).parent().unwrap()).into_iter().filter(|(name, _)| !name.contains('/')).collect();
    if !mounted(home, "mount", &["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", &folder]) {
        skip(Requirement::Mount, "this machine does not let a test mount a tmpfs");
        return;
    }
    for (name, bytes) in &saved {
        std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
        std::os::unix::fs::PermissionsExt::set_mode(
            &mut std::fs::metadata(format!("{folder}/{name}")).unwrap().permissions(),
            0o600,
        );
    }
    let mut wrong: Vec<String> = Vec::new();
    let mut expect = |what: &str, ran: &Ran, holds: bool| {
        if !holds {
            wrong.push(format!("{what}: {ran}"));
        }
    };
    let auth = "\"$AILERON\" auth gh --yes --passphrase-file passphrase.txt </dev/null";
    let here = "\"$AILERON\" auth gh --yes --here --passphrase-file passphrase.txt </dev/null";
    let seal = "\"$AILERON\" seal --passphrase-file passphrase.txt -- touch ran </dev/null";
    let before = std::fs::read(file(home)).unwrap();
    // Read only: nobody logs in for a token that cannot be kept; a credential that is there can be used.
    let read_only = mounted(home, "mount", &["-o", "remount,ro", &folder]);
    for line in [auth, here] {
        let ran = finish(&docker, line);
        expect(
            "read-only",
            &ran,
            ran.code == 1 && ran.stderr.contains("Read-only file system") && docker.calls().is_empty(),
        );
    }
    let ran = finish(&docker, seal);
    expect("read-only, seal", &ran, ran.code == 0 && home.path("ran").exists());
    let _ = std::fs::remove_file(home.path("ran"));
    let writable = mounted(home, "mount", &["-o", "remount,rw", &folder]);
    // Full: the old credential stays.
    std::fs::write(format!("{folder}/filler"), vec![0; 512 << 10]).unwrap_err();
    let ran = finish(&docker, auth);
    expect("full", &ran, ran.code == 1 && ran.stderr.contains("No space left") && !docker.is_running());
    let kept = std::fs::read(file(home)).unwrap() == before;
    expect("full: the vault is as it was", &ran, kept);
    std::fs::remove_file(format!("{folder}/filler")).unwrap();
    docker.calls();
    let ran = finish(&docker, auth);
    expect("room again", &ran, ran.code == 0 && docker.calls().len() == 5);
    let token = stored(home, "user/github").map(|(_, value)| value);
    // A full place for temporary files: the command is not run without its certificates.
    let full = mounted(home, "mount", &["-t", "tmpfs", "-o", "size=4k", "tmpfs", &tmp]);
    let _ = std::fs::write(format!("{tmp}/filler"), vec![0; 8 << 10]);
    let ran = finish(&docker, &format!("TMPDIR='{tmp}' {seal}"));
    expect(
        "full temporary directory",
        &ran,
        ran.code == 1 && ran.stderr.contains("No space left") && !home.path("ran").exists(),
    );
    let left = std::fs::read_dir(&tmp).unwrap().count();
    let undone = mounted(home, "umount", &[&tmp]) && mounted(home, "umount", &[&folder]);
    assert!(read_only && writable && full && undone, "the mounts could not be made and undone");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        (token.as_deref(), left),
        (Some(TOKEN), 1),
        "what fills the disk is all that is left in the temporary directory"
    );
}

#[test]
fn nothing_that_a_login_prints_is_repeated_in_any_output() {
    for (prints, code) in [
        ("echo {TOKEN}", 0),
        ("echo {TOKEN}; echo second", 1),
        ("printf '{TOKEN}\\0'", 1),
        ("echo {TOKEN}; echo 'cannot use {TOKEN}' >&2; exit 4", 1),
        ("echo {TOKEN}; kill -TERM $$", 1),
    ] {
        let docker = docker();
        docker.does("token", &prints.replace("{TOKEN}", TOKEN));
        for flags in [&["--yes"][..], &["--yes", "--json"]] {
            let ran = docker.home.finish(docker.auth(flags), prints);
            assert_eq!(ran.code, code, "{prints}: {ran}");
            assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{prints} {flags:?}: {ran}");
        }
        let holders = crate::seal::holders(docker.home.all(), TOKEN);
        assert_eq!(holders, ["bin/docker", "runtime/token"], "{prints}: on no disk");
    }
}
