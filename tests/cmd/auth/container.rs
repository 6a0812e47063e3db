//! The container path, with a stand-in for the runtime that records how it is called. sealing.md §1, cli-unit.md §5.1.

use std::process::{Command, Stdio};

use aileron_testkit::home::{TestHome, ended, ends, ok, run};
use aileron_testkit::script;
use rustix::process::Signal;

use super::{CAPTURE, TOKEN, is_in_the_vault_alone, stored};
use crate::release::directory::signal;
use crate::seal::holders;

/// A home in which `docker`, or another program of that name, is a stand-in.
struct Docker {
    home: TestHome,
    path: String,
}

impl Docker {
    fn new() -> Docker {
        Docker::named("docker", CAPTURE)
    }

    fn named(name: &str, capture: &str) -> Docker {
        let home = super::home(capture);
        let state = home.all().join("runtime").display().to_string();
        std::fs::create_dir(&state).unwrap();
        let text = format!(
            "cd '{state}'
            printf '%s' \"$1\" >> calls; first=$1; shift; for word; do printf ' <%s>' \"$word\" >> calls; done; echo >> calls
            case \"$first $*\" in
            rm*) rm -f container ;;
            run*) test -e run && {{ sh ./run; exit $?; }}; test -e container && {{ echo 'name in use' >&2; exit 125; }}; touch container; echo 0123 ;;
            exec*' login '*) test -e container || exit 1; test -e login && {{ . ./login; }}; exit 0 ;;
            exec*' token '*) test -e container || exit 1; test -e token && {{ . ./token; exit; }}; echo {TOKEN} ;;
            esac"
        );
        script(&home.all().join("bin").join(name), &text);
        let path = format!("{}:/usr/bin:/bin", home.all().join("bin").display());
        Docker { home, path }
    }

    /// What the stand-in does at a step instead.
    fn does(&self, step: &str, text: &str) {
        std::fs::write(self.home.all().join("runtime").join(step), text).unwrap();
    }

    fn auth(&self, args: &[&str]) -> Command {
        let mut command = self.home.consumer(&["auth", "gh", "--passphrase-file", "passphrase.txt"]);
        command.args(args).env("PATH", &self.path);
        command
    }

    fn calls(&self) -> Vec<String> {
        let file = self.home.all().join("runtime/calls");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    fn is_running(&self) -> bool {
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
fn killed_at_every_step_nothing_is_stored_and_the_next_run_heals() {
    for step in ["run", "login", "token"] {
        let docker = Docker::new();
        // Whoever started the step is killed in the middle of it.
        let text = match step {
            "run" => "touch container; kill -KILL $(awk '/^PPid/ {print $2}' /proc/$PPID/status)",
            _ => "kill -KILL $PPID",
        };
        docker.does(step, text);
        let ran = run(&mut docker.auth(&[]));
        assert_eq!(ran.code, -9, "{step}: {ran}");
        assert!(docker.is_running(), "{step}");
        assert_eq!(stored(&docker.home, "user/github"), None, "{step}");
        std::fs::remove_file(docker.home.all().join("runtime").join(step)).unwrap();
        docker.calls();
        let ran = ok(&mut docker.auth(&[]));
        assert_eq!(docker.calls(), [REMOVE, RUN, LOGIN, READ, REMOVE], "{step}");
        assert!(!docker.is_running());
        is_in_the_vault_alone(&docker.home, &ran);
    }
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
