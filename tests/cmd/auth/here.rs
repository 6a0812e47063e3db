//! `--here`: no container, and nothing of the user either. sealing.md §1.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use aileron_cli::secret::Secret;
use aileron_cli::vault::file::{VaultFile, value};
use aileron_testkit::github::{FakeGitHub, GitHub, Login, Options, Repository, USER_CODE};
use aileron_testkit::home::{TestHome, ended, ends, ok};
use aileron_testkit::{Requirement, peers, script};
use rustix::process::Signal;

use super::{CAPTURE, TOKEN, is_in_the_vault_alone, stored};
use crate::release::directory::signal;
use crate::seal::holders;
use crate::vault::{PASSPHRASE, file};

/// A home in which `gh` is this script.
fn with_gh(text: &str) -> (TestHome, String) {
    let home = super::home(CAPTURE);
    script(&home.all().join("bin/gh"), text);
    let path = format!("{}:/usr/bin:/bin", home.all().join("bin").display());
    (home, path)
}

fn auth(home: &TestHome, path: &str) -> Command {
    let mut command = home.consumer(&["auth", "gh", "--here", "--passphrase-file", "passphrase.txt"]);
    command.env("PATH", path);
    command
}

#[test] // sealing.md §1, `--here`
fn both_commands_have_one_private_empty_home_and_none_of_the_users_environment() {
    let seen = "seen=$(dirname \"$0\")/../seen; { echo \"$*\"; env | sort; stat -c '%a %n' \"$HOME\" \"$HOME/..\"; ls -A \"$HOME\"; } >> \"$seen\"";
    let text =
        format!("{seen}\ncase $2 in login) echo logged in; echo {TOKEN} > $HOME/token;; token) cat $HOME/token;; esac");
    let (home, path) = with_gh(&text);
    let mut command = auth(&home, &path);
    command.env("GH_TOKEN", "ghp_mine").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus").env("BROWSER", "firefox");
    command.env("GH_CONFIG_DIR", home.home()).env("TERM", "vt100").env("HTTP_PROXY", "http://127.0.0.1:9");
    let ran = ok(&mut command);
    assert!(ran.stdout.starts_with("logged in\n"), "{ran}");
    is_in_the_vault_alone(&home, &ran);
    let seen = std::fs::read_to_string(home.all().join("seen")).unwrap();
    let (login, token) = seen.split_at(seen.find("auth token").unwrap());
    let place = home.home().join(".aileron/auth-here");
    for (text, first) in [
        (login, "auth login --hostname github.com --git-protocol https --web"),
        (token, "auth token --hostname github.com"),
    ] {
        assert_eq!(text.lines().next(), Some(first));
        for (name, directory) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "runtime"),
        ] {
            assert!(text.contains(&format!("{name}={}\n", place.join(directory).display())), "{name}: {text}");
        }
        for gone in ["GH_TOKEN", "DBUS_SESSION_BUS_ADDRESS", "GH_CONFIG_DIR", "AILERON_", "firefox"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert!(text.contains("HTTP_PROXY=http://127.0.0.1:9\n"));
        assert_eq!(text.matches("\n700 ").count(), 2, "{text}");
    }
    assert!(login.contains("\nBROWSER=echo\n") && login.contains("\nTERM=vt100\n") && !token.contains("BROWSER"));
    assert!(!login.trim_end().ends_with("token") && token.trim_end().ends_with("\ntoken"), "empty, and then the same");
    assert!(!place.exists());
    assert_eq!(holders(home.all(), TOKEN), ["bin/gh"]);
}

#[test] // sealing.md §1: removed afterwards on every way out
fn the_private_home_goes_whatever_happens_and_after_a_kill_with_the_next_run() {
    let place = |home: &TestHome| home.home().join(".aileron/auth-here");
    let (home, path) = with_gh("case $2 in login) echo x > $HOME/token; exit 3;; esac");
    let ran = ends(&mut auth(&home, &path), 1);
    assert!(ran.stderr.contains("exit code 3") && !place(&home).exists(), "{ran}");
    // Ctrl-C.
    let waits = format!("case $2 in login) echo {TOKEN} > $HOME/token; touch ${{0%/*}}/ready; exec sleep 1000;; esac");
    let (home, path) = with_gh(&waits);
    let mut child = auth(&home, &path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !home.all().join("bin/ready").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    signal(&child, Signal::INT);
    let ran = ended(child);
    assert_eq!((ran.code, place(&home).exists()), (130, false), "{ran}");
    // Killed: what was left is for this user alone, and the next run removes it.
    let (home, path) = with_gh(&format!("case $2 in login) echo {TOKEN} > $HOME/token; kill -KILL $PPID;; esac"));
    assert_eq!(aileron_testkit::home::run(&mut auth(&home, &path)).code, -9);
    assert_eq!(place(&home).metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(stored(&home, "user/github"), None);
    script(&home.all().join("bin/gh"), "ls -A $HOME >&2; exit 5");
    let ran = ends(&mut auth(&home, &path), 1);
    assert!(!ran.stderr.contains("token\n") && !place(&home).exists(), "{ran}");
}

#[test] // sealing.md §1: every step that changes the disk, of the private home and of the vault
fn killed_at_any_change_of_the_disk_the_old_or_the_new_token_is_there_and_the_next_run_leaves_nothing() {
    /// What changes a disk, but for the bytes of a file, which count once it is renamed. Not every system has each of them.
    const CHANGES: [&str; 10] = [
        "?mkdir",
        "?mkdirat",
        "?rename",
        "?renameat",
        "?renameat2",
        "?unlink",
        "?unlinkat",
        "?rmdir",
        "?fsync",
        "?fdatasync",
    ];
    if !Requirement::Strace.is_met() {
        return;
    }
    let (home, path) = with_gh("case $2 in login) echo x > $HOME/file;; token) cat ${0%/*}/token;; esac");
    let run = |token: &str, strace: &[&str]| {
        std::fs::write(home.all().join("bin/token"), token).unwrap();
        let program = env!("CARGO_BIN_EXE_aileron");
        let mut command = home.command(strace.first().unwrap_or(&program));
        command.args(strace.iter().skip(1));
        if !strace.is_empty() {
            command.arg(program);
        }
        command.args(["auth", "gh", "--here", "--yes", "--passphrase-file", "passphrase.txt"]).env("PATH", &path);
        aileron_testkit::home::run(&mut command).code
    };
    assert_eq!(run("first", &[]), 0);
    let files = aileron_testkit::home::tree::listing(home.all());
    let vault = VaultFile::at(file(&home));
    let custodian = vault.unlock(&Secret::from(PASSPHRASE.to_owned())).unwrap();
    let stored = || {
        let document = vault.read().unwrap().unwrap();
        let value = value("user/github", document.entry("user/github").unwrap(), &custodian).unwrap();
        String::from_utf8(value.expose().to_vec()).unwrap()
    };
    let (mut before, mut steps) = ("first".to_owned(), 0);
    for call in CHANGES {
        // Each run finds what the one before it left, until there is no further call of this kind.
        for number in 1.. {
            let token = format!("{call}-{number}");
            let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={number}"));
            let code = run(&token, &["strace", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
            let stored = stored();
            assert!(stored == before || stored == token, "killed at {call} {number}: {stored}");
            assert!(code == -9 || (code == 0 && stored == token), "{call} {number}: {code}");
            before = stored;
            if code == 0 {
                break;
            }
            steps += 1;
        }
    }
    assert!(steps > 15, "{steps}");
    assert_eq!(run("last", &[]), 0);
    assert_eq!(aileron_testkit::home::tree::listing(home.all()), files, "nothing else is left");
    assert_eq!(stored(), "last");
}

#[test] // sealing.md §1, `--here`: config_dir
fn the_directory_that_a_unit_names_is_below_the_private_home() {
    let seen = "echo \"$GH_CONFIG_DIR\" >> ${0%/*}/seen; test -d \"$GH_CONFIG_DIR\"";
    let text = format!(
        "{seen} || exit 9; case $2 in login) echo {TOKEN} > $GH_CONFIG_DIR/t;; token) cat $GH_CONFIG_DIR/t;; esac"
    );
    for (written, below) in [("/cfg", "container/cfg"), ("a/b", "container/a/b"), ("/", "container")] {
        let (home, path) = with_gh(&text);
        let capture = CAPTURE.replace("config_dir: \"\"", &format!("config_dir: GH_CONFIG_DIR={written}"));
        std::fs::write(home.home().join(".aileron/capture-descriptors.yaml"), capture).unwrap();
        let ran = ok(&mut auth(&home, &path));
        is_in_the_vault_alone(&home, &ran);
        let place = home.home().join(".aileron/auth-here").join(below).display().to_string();
        assert_eq!(std::fs::read_to_string(home.all().join("bin/seen")).unwrap(), format!("{place}\n{place}\n"));
        assert!(!std::path::Path::new("/cfg").exists());
    }
    let (home, path) = with_gh(&text);
    let capture = CAPTURE.replace("config_dir: \"\"", "config_dir: GH_CONFIG_DIR=/../../x");
    std::fs::write(home.home().join(".aileron/capture-descriptors.yaml"), capture).unwrap();
    let ran = ends(&mut auth(&home, &path), 1);
    assert!(ran.stderr.contains("leads out of the private home that --here gives the login"), "{ran}");
    assert!(!home.all().join("bin/seen").exists() && stored(&home, "user/github").is_none());
}

#[test] // the real gh, its device flow, and a GitHub on this machine
fn gh_logs_in_by_its_device_flow_and_its_token_is_in_the_vault_and_nowhere_else() {
    let Some(gh) = peers::program("gh") else { return };
    let login = Some(Login::new("octocat", TOKEN));
    let github =
        FakeGitHub::with(Options { login, ..Options::new(GitHub::new(Repository::new("acme", "tea"))) }).unwrap();
    let home = super::home(&CAPTURE.replace("github.com", "github.localhost"));
    let path = format!("{}:/usr/bin:/bin", gh.parent().unwrap().display());
    let mut command = auth(&home, &path);
    let ran = ok(command.env("HTTP_PROXY", github.url()));
    assert!(ran.stderr.contains(USER_CODE) || ran.stdout.contains(USER_CODE), "{ran}");
    assert!(github.is_logged_in());
    is_in_the_vault_alone(&home, &ran);
    assert_eq!(holders(home.all(), TOKEN), [""; 0]);
    assert!(!home.home().join(".config").exists());
}
