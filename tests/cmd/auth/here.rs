//! `--here`: no container, and nothing of the user either. sealing.md §1.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use aileron_testkit::home::{TestHome, ended, ends, ok};
use aileron_testkit::peers;
use aileron_testkit::script;
use aileron_testkit::tls::{Reply, TlsServer};
use rustix::process::Signal;

use super::{CAPTURE, TOKEN, is_in_the_vault_alone, stored};
use crate::release::directory::signal;
use crate::seal::holders;

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

#[test] // the real gh, its device flow, and a GitHub on this machine
fn gh_logs_in_by_its_device_flow_and_its_token_is_in_the_vault_and_nowhere_else() {
    let Some(gh) = peers::program("gh") else { return };
    let github = TlsServer::plain(|asked| {
        let json = |text: &str| Reply::ok(text.to_owned()).with("content-type", "application/json");
        let is = |end: &str| asked.target.split('?').next().is_some_and(|target| target.ends_with(end));
        match () {
            () if is("/login/device/code") => json(
                r#"{"device_code":"d","user_code":"ABCD-1234","verification_uri":"http://github.localhost/login/device","expires_in":900,"interval":0}"#,
            ),
            () if is("/login/oauth/access_token") => {
                json(&format!(r#"{{"access_token":"{TOKEN}","token_type":"bearer","scope":"repo,read:org,gist"}}"#))
            }
            () if is("/graphql") => json(r#"{"data":{"viewer":{"login":"octocat"}}}"#),
            () => json("{}").with("x-oauth-scopes", "repo, read:org, gist"),
        }
    });
    let home = super::home(&CAPTURE.replace("github.com", "github.localhost"));
    let path = format!("{}:/usr/bin:/bin", gh.parent().unwrap().display());
    let mut command = auth(&home, &path);
    let ran = ok(command.env("HTTP_PROXY", format!("http://{}", github.address())));
    assert!(ran.stderr.contains("ABCD-1234") || ran.stdout.contains("ABCD-1234"), "{ran}");
    is_in_the_vault_alone(&home, &ran);
    assert_eq!(holders(home.all(), TOKEN), [""; 0]);
    assert!(!home.home().join(".config").exists());
}
