//! The container path, with a stand-in for the runtime that records how it is called. sealing.md §1, cli-unit.md §5.1.

use std::process::{Command, Stdio};

use aileron_testkit::home::{TestHome, ended, ends, ok, run};
use aileron_testkit::{Requirement, script, skip};
use rustix::process::Signal;

use super::{CAPTURE, TOKEN, is_in_the_vault_alone, stored};
use crate::release::directory::signal;
use crate::seal::holders;

/// A home in which `docker`, or another program of that name, is a stand-in.
pub(super) struct Docker {
    pub(super) home: TestHome,
    path: String,
}

impl Docker {
    pub(super) fn new() -> Docker {
        Docker::named("docker", CAPTURE)
    }

    pub(super) fn named(name: &str, capture: &str) -> Docker {
        let home = super::home(capture);
        let state = home.all().join("runtime").display().to_string();
        std::fs::create_dir(&state).unwrap();
        let text = format!(
            "cd '{state}'
            dies() {{ test -e dies && read -r at when < dies && test $when = $1 && test $(wc -l < calls) = $((at + 1)) && kill -KILL $PPID && exit; }}
            printf '%s' \"$1\" >> calls; first=$1; shift; for word; do printf ' <%s>' \"$word\" >> calls; done; echo >> calls; dies before
            case \"$first $*\" in
            rm*) rm -f container; dies after ;;
            run*) test -e run && {{ sh ./run; exit $?; }}; test -e container && {{ echo 'name in use' >&2; exit 125; }}; touch container; dies after; echo 0123 ;;
            exec*' login '*) test -e container || exit 1; test -e login && {{ . ./login; }}; dies after; exit 0 ;;
            exec*' token '*) test -e container || exit 1; test -e token && {{ . ./token; exit; }}; echo {TOKEN}; dies after; exit 0 ;;
            esac"
        );
        script(&home.all().join("bin").join(name), &text);
        let path = format!("{}:/usr/bin:/bin", home.all().join("bin").display());
        Docker { home, path }
    }

    /// What the stand-in does at a step instead.
    pub(super) fn does(&self, step: &str, text: &str) {
        std::fs::write(self.home.all().join("runtime").join(step), text).unwrap();
    }

    /// The program that makes call number `call` is killed, before or after the call does what it is asked. The call ends with
    /// it: a stand-in that went on would change files while the test reads them.
    fn dies(&self, call: usize, after: bool) {
        self.does("dies", &format!("{call} {}\n", if after { "after" } else { "before" }));
    }

    fn lives(&self) {
        std::fs::remove_file(self.home.all().join("runtime/dies")).unwrap();
    }

    pub(super) fn auth(&self, args: &[&str]) -> Command {
        let mut command = self.home.consumer(&["auth", "gh", "--passphrase-file", "passphrase.txt"]);
        command.args(args).env("PATH", &self.path);
        command
    }

    /// Where programs are looked up.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn calls(&self) -> Vec<String> {
        let file = self.home.all().join("runtime/calls");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn is_running(&self) -> bool {
        self.home.all().join("runtime/container").exists()
    }
}

const REMOVE: &str = "rm <-f> <aileron-auth-github>";
const RUN: &str = "run <-d> <--name> <aileron-auth-github> <ghcr.io/acme/gh:1> <sleep> <3600>";
const LOGIN: &str = "exec <-i> <--env=BROWSER=echo> <aileron-auth-github> <gh> <auth> <login> <--hostname> <github.com> <--git-protocol> <https> <--web>";
const READ: &str = "exec <aileron-auth-github> <gh> <auth> <token> <--hostname> <github.com>";

#[test] // sealing.md §1, steps 1 to 7; cli-unit.md §5.1
fn the_login_runs_in_one_container_with_exactly_these_vectors_and_the_token_is_stored() {
    let docker = Docker::new();
    let ran = ok(&mut docker.auth(&[]));
    assert_eq!(docker.calls(), [REMOVE, RUN, LOGIN, READ, REMOVE]);
    assert_eq!(ran.stdout, "Stored user/github\naileron seal -- COMMAND runs a command that uses it\n");
    is_in_the_vault_alone(&docker.home, &ran);
    assert_eq!(holders(docker.home.all(), TOKEN), ["bin/docker"]);
    assert!(!docker.is_running());
    let json = ok(&mut docker.auth(&["--yes", "--json", "--image", "other/image:2"])).json();
    assert_eq!((&json["key"], &json["kind"], &json["replaced"]), (&"user/github".into(), &"user".into(), &true.into()));
    assert!(docker.calls()[1].contains("<other/image:2>"));
}

#[test] // cli-unit.md §5.1: `-t` where standard input is a terminal, config_dir on both
fn a_terminal_and_a_configuration_directory_are_passed_on() {
    let docker = Docker::named("docker", &CAPTURE.replace("config_dir: \"\"", "config_dir: GH_CONFIG_DIR=/cfg"));
    let line = format!("PATH='{}' \"$AILERON\" auth gh --passphrase-file passphrase.txt", docker.path);
    let mut terminal = crate::vault::terminal::Terminal::start(&docker.home, &line);
    terminal.sees("Stored user/github");
    terminal.ends(&docker.home, 0);
    let calls = docker.calls();
    assert_eq!(calls[2], LOGIN.replace("<-i>", "<-i> <-t>").replace("=echo>", "=echo> <--env=GH_CONFIG_DIR=/cfg>"));
    assert_eq!(calls[3], READ.replace("exec ", "exec <--env=GH_CONFIG_DIR=/cfg> "));
}

#[test]
fn the_runtime_is_docker_or_podman_or_the_one_that_is_named() {
    let podman = Docker::named("podman", CAPTURE);
    ok(&mut podman.auth(&[]));
    assert_eq!(podman.calls().len(), 5);
    ok(&mut podman.auth(&["--yes", "--runtime", "podman"]));
    let ran = ends(&mut podman.auth(&["--yes", "--runtime", "docker"]), 1);
    assert!(ran.stderr.contains("docker was not found in PATH"), "{ran}");
    let mut none = podman.auth(&[]);
    let ran = ends(none.env("PATH", "/nonexistent"), 2);
    assert!(ran.stderr.contains("neither docker nor podman") && ran.stderr.contains("--here"), "{ran}");
    let nameless = Docker::named("docker", &CAPTURE.replace("ghcr.io/acme/gh:1", "\"\""));
    let ran = ends(&mut nameless.auth(&[]), 2);
    assert!(ran.stderr.contains("gh names no image") && ran.stderr.contains("--image IMAGE"), "{ran}");
    assert!(nameless.calls().is_empty());
}

#[test] // sealing.md §1, step 5, and the cap of step 4
fn what_is_no_token_is_refused_and_nothing_is_stored() {
    for (prints, said) in [
        ("true", "capture: token read returned an empty value; login did not complete"),
        ("printf ' \\n'", "capture: token read returned an empty value; login did not complete"),
        ("printf 'one\\ntwo\\n'", "the token command printed more than one line"),
        ("printf 'one\\000two'", "the token command printed something that is not text"),
        ("printf '\\377\\376\\001'", "the token command printed something that is not text"),
        ("head -c 1000000 /dev/zero | tr '\\000' a", "the token command printed more than 64 KiB"),
        ("echo 'not logged in' >&2; exit 4", "gh auth token --hostname github.com failed: not logged in"),
    ] {
        let docker = Docker::new();
        docker.does("token", prints);
        let ran = ends(&mut docker.auth(&[]), 1);
        assert!(ran.stderr.contains(said), "{prints}: {ran}");
        assert_eq!(stored(&docker.home, "user/github"), None, "{prints}");
        assert_eq!((docker.calls().last().map(String::as_str), docker.is_running()), (Some(REMOVE), false), "{prints}");
    }
}

#[test] // sealing.md §1, steps 2 and 3
fn a_container_that_does_not_start_and_a_login_that_fails_are_said() {
    let docker = Docker::new();
    docker.does("run", "echo 'no such image: ghcr.io/acme/gh:1' >&2; exit 125");
    let ran = ends(&mut docker.auth(&[]), 1);
    assert!(ran.stderr.contains("docker did not start aileron-auth-github: no such image"), "{ran}");
    assert_eq!(docker.calls(), [REMOVE, RUN, REMOVE]);
    let docker = Docker::new();
    docker.does("login", "echo 'denied' >&2; exit 3");
    let ran = ends(&mut docker.auth(&[]), 1);
    assert!(ran.stderr.contains("denied") && ran.stderr.contains("the login ended with exit code 3"), "{ran}");
    assert_eq!(docker.calls(), [REMOVE, RUN, LOGIN, REMOVE]);
    assert_eq!(stored(&docker.home, "user/github"), None);
}

#[test] // sealing.md §1, step 6
fn what_is_there_is_replaced_after_a_question() {
    let docker = Docker::new();
    docker.home.write("old.txt", "old");
    docker.home.ok("aileron vault put user/github --from-file old.txt --passphrase-file passphrase.txt");
    let ran = run(&mut docker.auth(&[]));
    assert!(ran.stdout.contains("user/github is in the vault. Replace it? [y/N]"), "{ran}");
    assert_eq!(docker.calls(), [""; 0], "nothing ran");
    assert_eq!(stored(&docker.home, "user/github").unwrap().1, "old");
    ok(&mut docker.auth(&["--yes"]));
    assert_eq!(stored(&docker.home, "user/github").unwrap().1, TOKEN);
}

#[test] // sealing.md §1, step 7
fn ctrl_c_removes_the_container() {
    for step in ["login", "token"] {
        let docker = Docker::new();
        docker.does(step, "touch ready; exec sleep 1000");
        let mut command = docker.auth(&[]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !docker.home.all().join("runtime/ready").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            std::thread::yield_now();
        }
        signal(&child, Signal::INT);
        let ran = ended(child);
        assert_eq!(ran.code, 130, "{step}: {ran}");
        assert_eq!((docker.calls().last().map(String::as_str), docker.is_running()), (Some(REMOVE), false), "{step}");
        assert_eq!(stored(&docker.home, "user/github"), None);
    }
}

#[test] // sealing.md §1, step 7: after a kill the next run's step 1 heals
fn killed_before_or_after_any_call_nothing_is_stored_and_the_next_run_heals() {
    let docker = Docker::new();
    let usual = [REMOVE, RUN, LOGIN, READ, REMOVE];
    for call in 0..5 {
        for after in [false, true] {
            // Each run finds what the one before it left.
            docker.dies(call, after);
            let ran = run(&mut docker.auth(&[]));
            assert_eq!(ran.code, -9, "call {call}: {ran}");
            assert_eq!(docker.calls(), usual[..=call], "call {call}");
            assert_eq!(stored(&docker.home, "user/github"), None, "call {call}");
            assert_eq!(holders(docker.home.all(), TOKEN), ["bin/docker"], "call {call}");
        }
    }
    docker.lives();
    let ran = ok(&mut docker.auth(&[]));
    assert_eq!((docker.calls(), docker.is_running()), (usual.map(str::to_owned).to_vec(), false));
    is_in_the_vault_alone(&docker.home, &ran);
}

#[test]
fn a_name_that_nobody_accepted_runs_nothing() {
    let docker = Docker::new();
    let mut command = docker.home.consumer(&["auth", "nope", "--passphrase-file", "passphrase.txt"]);
    let ran = ends(command.env("PATH", &docker.path), 4);
    assert!(
        ran.stderr.contains("no accepted unit is named nope") && ran.stderr.contains("aileron unit accept"),
        "{ran}"
    );
    let elsewhere = Docker::named("docker", &CAPTURE.replace("store_at: user/github", "store_at: agents/claude"));
    let ran = ends(&mut elsewhere.auth(&[]), 2);
    assert!(ran.stderr.contains("gh stores its credential at agents/claude"), "{ran}");
    assert!(docker.calls().is_empty() && elsewhere.calls().is_empty());
}

/// A program of this machine's PATH.
fn installed(name: &str) -> bool {
    Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test] // the real thing, as far as this machine has it
fn a_real_engine_runs_the_login_and_a_client_without_one_says_so() {
    let Some(client) = ["docker", "podman"].into_iter().find(|name| installed(name)) else {
        return skip(Requirement::Containers, "neither docker nor podman is in PATH");
    };
    let home = super::home(&CAPTURE.replace("ghcr.io/acme/gh:1", "aileron-test-login:1"));
    let auth = || {
        let mut command = home.consumer(&["auth", "gh", "--runtime", client, "--passphrase-file", "passphrase.txt"]);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    };
    if !Requirement::Containers.is_met() {
        let ran = ends(&mut auth(), 1);
        let said = format!("{client} did not start aileron-auth-github");
        assert!(ran.stderr.contains(&said) && ran.stderr.contains("--here"), "{ran}");
        let mut show = home.consumer(&["unit", "show", "image:aileron-test-login:1", "--runtime", client]);
        let ran = ends(show.env("PATH", std::env::var_os("PATH").unwrap()), 4);
        assert!(ran.stderr.contains("cannot look into image aileron-test-login:1"), "{ran}");
        assert_eq!(stored(&home, "user/github"), None);
        return;
    }
    if !std::path::Path::new("/bin/busybox").exists() {
        return skip(Requirement::Containers, "there is no /bin/busybox to make an image of");
    }
    // An image without a registry: busybox, and a script for gh.
    let gh = format!("#!/bin/sh\ncase $2 in login) echo {TOKEN} > /token;; token) cat /token;; esac\n");
    home.write("image/bin/gh", gh);
    let make = "cd image && cp /bin/busybox bin && for name in sh sleep cat echo; do ln -s busybox bin/$name; done && \
        chmod +x bin/gh && tar -c . | $CLIENT import - aileron-test-login:1";
    ok(home.command("sh").args(["-c", make]).env("CLIENT", client).env("PATH", std::env::var_os("PATH").unwrap()));
    let ran = ok(&mut auth());
    is_in_the_vault_alone(&home, &ran);
    let listed = Command::new(client).args(["ps", "-a", "--format", "{{.Names}}"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&listed.stdout).contains("aileron-auth-github"), "it was removed");
    ok(Command::new(client).args(["rmi", "aileron-test-login:1"]));
}
