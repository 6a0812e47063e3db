//! A blank variable is as good as none, in every verb: a secret that a workflow does not have arrives as an empty text, or as
//! a line break.

use std::process::Command;

use aileron_testkit::github::FakeGitHub;
use aileron_testkit::home::{TestHome, ends, ok, writes};

use super::over_http::verb;
use super::{model, repository};

const BLANK: [&str; 6] = ["", " ", "\n", "\r\n", " \t ", "\u{3000}"];

/// What the binaries read, and what libraries of theirs do.
const VARIABLES: [&str; 30] = [
    "AILERON_CLIENT_SECRET",
    "AILERON_HOME",
    "AILERON_HUB",
    "AILERON_KEY_PASSPHRASE",
    "AILERON_MIRROR",
    "AILERON_SIGNING_KEY",
    "ALL_PROXY",
    "CI",
    "CLICOLOR_FORCE",
    "GH_CONFIG_DIR",
    "GH_TOKEN",
    "GITHUB_ACTIONS",
    "GITHUB_API_URL",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_REPOSITORY",
    "GITHUB_SERVER_URL",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GITHUB_WORKSPACE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "WEATHER_OAUTH_CLIENT_SECRET",
    "http_proxy",
    "https_proxy",
];

/// Every variable blank, but those the command has already.
fn blank<'c>(command: &'c mut Command, value: &str) -> &'c mut Command {
    let set: Vec<_> =
        command.get_envs().filter(|(_, value)| value.is_some()).map(|(name, _)| name.to_owned()).collect();
    for name in VARIABLES.iter().filter(|name| !set.iter().any(|set| set == **name)) {
        command.env(name, value);
    }
    command
}

#[test]
fn a_release_with_every_other_variable_blank_is_a_release() {
    let home = TestHome::new();
    let repository = repository(&home, 2);
    let key = repository.key.to_str().unwrap();
    for value in BLANK {
        let fake = FakeGitHub::start(model());
        let mut release = verb(&repository, &fake, &["release", "v0.1.0", "--max-wait", "0s", "--key", key]);
        assert_eq!(writes(&ok(blank(&mut release, value))), 13, "{value:?}");
        std::fs::remove_dir_all(repository.root.join("dist")).unwrap();
    }
}

#[test]
fn a_blank_token_is_passed_over_and_blanks_around_a_token_are_left_out() {
    let home = TestHome::new();
    let repository = repository(&home, 2);
    let fake = FakeGitHub::start(model());
    let status = || verb(&repository, &fake, &["status", "v0.1.0"]);
    for value in BLANK {
        ok(status().env("GH_TOKEN", value).env("GITHUB_TOKEN", "ghp_x"));
        let said = ends(status().env("GITHUB_TOKEN", value).env("GH_TOKEN", value), 2);
        assert!(said.json()["error"]["message"].as_str().unwrap().contains("no GitHub token"), "{value:?}: {said}");
        let around = value.trim_matches('\u{3000}'); // no header may have that one
        ok(status().env("GH_TOKEN", format!("{around}ghp_x\r\n")));
        let file = home.path("token");
        std::fs::write(&file, value).unwrap();
        let said = ends(status().args(["--token-file", file.to_str().unwrap()]), 2);
        assert!(said.json()["error"]["message"].as_str().unwrap().contains("no GitHub token"), "{value:?}: {said}");
    }
}

#[test]
fn a_consumer_with_blank_variables_looks_where_it_would_without_them() {
    let home = TestHome::new();
    let repository = repository(&home, 2);
    let registry = home.path("registry");
    let (to, key) = (format!("dir:{}", registry.display()), repository.key.to_str().unwrap().to_owned());
    ok(&mut repository.publisher(&["release", "v0.1.0", "--to", &to, "--key", &key]));
    let reference = "github://acme/aileron-connector-weather@0.1.0";
    let asked = |value: Option<&str>, args: &[&str]| {
        let mut command = home.consumer(args);
        command.env_remove("AILERON_HOME");
        if let Some(value) = value {
            blank(&mut command, value);
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let from = registry.to_str().unwrap();
    for args in [
        &["verify", reference, "--from", from, "--json"][..],
        &["verify", reference, "--from", "https://127.0.0.1:1", "--json"],
        &["keyring", "list"],
        &["verify", "--installed", "--json"],
    ] {
        let unset = asked(None, args);
        for value in BLANK {
            assert_eq!(asked(Some(value), args), unset, "{args:?} {value:?}");
        }
    }
}
