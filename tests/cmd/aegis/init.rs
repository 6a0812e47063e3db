//! `aegis init`: what it makes, what it asks, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use aileron_testkit::Requirement;
use aileron_testkit::aegis::bundle::host;
use aileron_testkit::aegis::model::HostModel;
use aileron_testkit::aegis::{FakeHost, TOKEN};
use aileron_testkit::extensions::architecture;
use aileron_testkit::home::terminal::Terminal;
use aileron_testkit::home::{TestHome, ok};
use aileron_verifier::aegis::Kind::{Connector, Plugin};
use aileron_verifier::aegis::trust_store::TrustStore;
use serde_json::{Value, json};

use super::repository::PAIR;

/// The public half of it.
const PUBLIC: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

const PROFILES: [&str; 5] = ["chat-moderator", "discord-relay", "connector-consumer", "system-monitor", "player-data"];

const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const ESCAPE: &str = "\u{1b}";

/// The SDK: ours, or the real one where there is a copy.
fn sdk() -> PathBuf {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/kit/go/sdk").canonicalize().unwrap();
    std::env::var_os("AILERON_AEGIS_SDK").map_or_else(ours, PathBuf::from)
}

/// Every kind of extension in a directory of its own, below `all`.
fn every_extension(home: &TestHome) -> Vec<String> {
    let mut names = Vec::new();
    for profile in PROFILES {
        for flag in ["", " --command"] {
            let name = format!("{profile}{}", flag.replace(" --", "-"));
            home.ok(&format!(
                "aileron-pub aegis init plugin all/{name} --id com.acme.plugins.{profile} --profile {profile} --yes{flag}"
            ));
            names.push(name);
        }
    }
    home.ok("aileron-pub aegis init connector all/connector --id com.acme.connectors.geo --yes");
    names.push("connector".to_owned());
    names
}

/// go, in a directory of the home, with the caches of this machine.
fn go(home: &TestHome, dir: &str, words: &[&str]) -> Command {
    let mut command = home.command("go");
    command.current_dir(home.path(dir)).args(words).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    command
}

/// Lets a repository use the SDK that is here, as somebody would who has a copy.
fn with_sdk(home: &TestHome, dir: &str) {
    ok(&mut go(home, dir, &["mod", "edit", &format!("-replace=go.codycody31.dev/squad-aegis={}", sdk().display())]));
    ok(&mut go(home, dir, &["mod", "tidy"]));
}

#[test]
fn every_new_extension_is_formatted_as_go_formats_it_and_every_rule_holds() {
    let home = TestHome::new();
    for name in every_extension(&home) {
        let checked = home.ok(&format!("aileron-pub aegis check all/{name} --json")).json();
        assert_eq!(checked["problems"], json!([]), "{name}");
    }
    if Requirement::Go.is_met() {
        let unformatted = ok(home.command("gofmt").args(["-l", "all"])).stdout;
        assert_eq!(unformatted, "");
    }
}

/// Every kind of extension, as packages of one module so that what they share is built once, on the SDK that is here. `None`
/// after a skip.
fn with_an_sdk() -> Option<&'static TestHome> {
    static HOME: OnceLock<Option<TestHome>> = OnceLock::new();
    let make = || {
        Requirement::Go.is_met().then(|| {
            let home = TestHome::new();
            for name in every_extension(&home) {
                fs::rename(home.path(&format!("all/{name}/go.mod")), home.path("all/go.mod")).unwrap();
            }
            with_sdk(&home, "all");
            home
        })
    };
    HOME.get_or_init(make).as_ref()
}

#[test] // aegis-bundle.md §13: all methods with working bodies
fn the_tests_of_new_extensions_pass_without_a_host() {
    let Some(home) = with_an_sdk() else { return };
    ok(&mut go(home, "all", &["vet", "./..."]));
    // Tests are linked for each: those of a plugin without commands are part of those of one with them.
    let tested = PROFILES.iter().map(|profile| format!("./{profile}-command"));
    let tested: Vec<String> = tested.chain(["./connector".to_owned()]).collect();
    let words = [&["test", "-ldflags=-s -w"][..], &tested.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let ran = ok(&mut go(home, "all", &words));
    assert_eq!(ran.stdout.matches("ok  \t").count(), tested.len(), "{ran}");
}

#[test] // the issue: scaffolded plugin and connector start, report the manifest's id, answer
fn every_new_extension_runs_as_a_host_runs_it_with_nothing_found() {
    let Some(all) = with_an_sdk() else { return };
    let (home, arch) = (TestHome::new(), architecture());
    let programs = PROFILES.iter().map(|profile| format!("{profile}-command"));
    for name in programs.chain(["connector".to_owned()]) {
        let mut manifest: Value = serde_json::from_str(&all.read(&format!("all/{name}/manifest.json"))).unwrap();
        let targets = manifest["targets"].as_array_mut().unwrap();
        targets.retain(|target| target["target_arch"] == arch);
        let library = home.path(&name).join(targets[0]["library_path"].as_str().unwrap());
        home.write(&format!("{name}/manifest.json"), manifest.to_string());
        home.write(&format!("{name}.toml"), all.read(&format!("all/{name}/tests/try.toml")));
        let flags = ["build", "-trimpath", "-ldflags=-s -w", "-o", library.to_str().unwrap(), &format!("./{name}")];
        ok(go(all, "all", &flags).env("CGO_ENABLED", "0"));
        let tried = home.ok(&format!("aileron-pub aegis try {name} --answers {name}.toml --json")).json();
        assert_eq!(tried["findings"], json!([]), "{name}: {tried:#}");
    }
}

#[test] // the issue: real extensions, from a skeleton to a host
fn a_new_plugin_and_connector_are_built_signed_and_taken_by_a_host_and_another_path_gives_the_same_bytes() {
    let Some(all) = with_an_sdk() else { return };
    let home = TestHome::new();
    home.write("key", PAIR);
    home.write("token", TOKEN);
    home.ok(
        "aileron-pub aegis init plugin plugin --id com.acme.plugins.watch --profile chat-moderator --command --yes",
    );
    home.ok("aileron-pub aegis init connector connector --id com.acme.connectors.geo --yes");
    for (kind, id) in [(Plugin, "com.acme.plugins.watch"), (Connector, "com.acme.connectors.geo")] {
        let dir = kind.as_str();
        // The SDK as part of the repository: what lies outside of it is no source of a build.
        ok(home.command("cp").arg("-R").args([sdk(), home.path(&format!("{dir}/sdk"))]));
        ok(&mut go(&home, dir, &["mod", "edit", "-replace=go.codycody31.dev/squad-aegis=./sdk"]));
        ok(home.command("cp").args([all.path("all/go.sum"), home.path(&format!("{dir}/go.sum"))]));
        ok(&mut go(&home, dir, &["mod", "tidy"]));
        super::repository::commit(&home, dir);
        let checked = home.ok(&format!("aileron-pub aegis check {dir} --json")).json();
        assert_eq!(checked["problems"], json!([]), "{dir}");
        let built = home.ok(&format!("aileron-pub aegis build {dir} --out {dir}-dist --json")).json();
        assert_eq!(built["targets"].as_array().map(Vec::len), Some(2), "{built}");
        let moved = format!("at another place/{dir}");
        fs::create_dir_all(home.path("at another place")).unwrap();
        fs::rename(home.path(dir), home.path(&moved)).unwrap();
        let mut again = home.publisher(&["aegis", "build", &moved, "--out", "again", "--json"]);
        assert_eq!(ok(&mut again).json()["targets"], built["targets"], "another path, the same bytes");
        home.ok(&format!("aileron-pub aegis pack {dir}-dist --out {dir}.zip --sign --key-id k1 --key key"));
        for arch in ["amd64", "arm64"] {
            home.ok(&format!("aileron-pub aegis verify {dir}.zip --trust {PUBLIC} --host linux/{arch} --at-start"));
        }
        let mut host = host();
        host.trust.trusted = TrustStore::read(PUBLIC);
        let host = FakeHost::start(HostModel::new(host));
        home.ok(&format!("aileron-pub aegis upload {dir}.zip --to {} --token-file token", host.base()));
        assert_eq!(host.model().package(kind, id).map(|package| package.state), Some("ready"));
    }
}

#[test]
fn four_answers_make_a_plugin() {
    let home = TestHome::new();
    let mut terminal = Terminal::start(&home.typed("aileron-pub aegis init plugin chat-watch"));
    terminal.until("Id, which never changes");
    terminal.types("fog_of_war\r");
    terminal.until("built-in plugin");
    terminal.types(&format!("{}com.acme.plugins.chat-watch\r", "\u{7f}".repeat(10)));
    terminal.until("Name that operators see:");
    terminal.types(ENTER);
    terminal.until("is GPL-3.0");
    terminal.types(ENTER);
    terminal.until("What it does:");
    terminal.types("relay\r");
    let (code, said) = terminal.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("made chat-watch") && said.contains("go mod tidy"), "{said}");
    let manifest = home.read("chat-watch/manifest.json");
    for part in ["\"com.acme.plugins.chat-watch\"", "\"Chat Watch\"", "\"GPL-3.0-only\"", "\"api.discord\""] {
        assert!(manifest.contains(part), "{part}: {manifest}");
    }
}

#[test]
fn no_answer_ends_it_at_each_question_and_nothing_is_written() {
    let given = ["--id com.acme.plugins.x", "--name X", "--license MIT"];
    for (key, means) in [(CTRL_C, "interrupted"), (ESCAPE, "no answer given")] {
        for (count, question) in ["Id, which", "Name that", "License", "What it does"].into_iter().enumerate() {
            let home = TestHome::new();
            let line = format!("aileron-pub aegis init plugin x {}", given[..count].join(" "));
            let mut terminal = Terminal::start(&home.typed(&line));
            terminal.until(question);
            terminal.types(key);
            let (code, said) = terminal.end();
            assert!(code == 2 && said.contains(means) && said.contains("nothing was written"), "{question}: {said}");
            assert!(said.contains("--profile chat-moderator"), "{said}");
            assert_eq!(fs::read_dir(home.root()).unwrap().count(), 0, "{question}");
        }
    }
}

#[test]
fn off_a_terminal_all_that_is_missing_is_named_as_one_command() {
    let home = TestHome::new();
    for (said, flags, command) in [
        (
            "plugin chat-watch",
            "--id, --name, --license, --profile",
            "plugin chat-watch --id com.yourorg.plugins.chat-watch --name 'Chat Watch' --license GPL-3.0-only --profile chat-moderator",
        ),
        (
            "connector geo --license MIT",
            "--id, --name",
            "connector geo --license MIT --id com.yourorg.connectors.geo --name Geo",
        ),
        ("plugin x --command --yes", "--id", "plugin x --id com.yourorg.plugins.x --command --yes"),
    ] {
        let ran = home.run(&format!("aileron-pub aegis init {said}"));
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains(&format!("not given: {flags}\n")), "{ran}");
        assert!(ran.stderr.contains(&format!("next: aileron-pub aegis init {command}\n")), "{ran}");
        assert_eq!(ran.stderr.contains("the SDK is GPL-3.0"), flags.contains("license"), "{ran}");
        assert!(home.files().is_empty());
        let line = format!("aileron-pub aegis init {command} --dry-run");
        assert_eq!(home.finish(home.shell(&line), &line).code, 0, "{command}");
    }
}

#[test]
fn what_cannot_be_is_refused_and_leaves_everything_as_it_was() {
    let home = TestHome::new();
    home.write("used/notes", "mine");
    home.write("file", "mine");
    let before = home.files();
    let id = "--id com.acme.plugins.x --yes";
    for (line, code, says) in [
        (format!("plugin used {id}"), 2, "used is not an empty directory: notes is in the way"),
        (format!("plugin file {id}"), 2, "in the way"),
        (format!("plugin file/x {id}"), 2, "in the way"),
        (format!("gadget x {id}"), 2, "write plugin or connector"),
        (format!("plugin x {id} --profile fisher"), 2, "chat-moderator"),
        (format!("connector x {id} --command"), 2, "a connector has no --command"),
        (format!("connector x {id} --profile player-data"), 2, "a connector has no --profile"),
        ("plugin x --yes --id fog_of_war".to_owned(), 2, "is a built-in plugin"),
        ("connector x --yes --id discord".to_owned(), 2, "is a built-in connector"),
        ("plugin x --yes --id foo/bar".to_owned(), 2, "is not an id"),
        ("plugin x --yes --id ../x".to_owned(), 2, "is not an id"),
    ] {
        let ran = home.run(&format!("aileron-pub aegis init {line}"));
        assert!(ran.code == code && ran.stderr.contains(says), "{line}: {ran}");
        assert_eq!(home.files(), before, "{line}");
    }
    for (line, says) in [("--name=", "is not a name"), ("--license= ", "is not a license")] {
        let mut command = home.typed(&format!("aileron-pub aegis init plugin x {id}"));
        let ran = home.finish(
            {
                command.arg(line);
                command
            },
            line,
        );
        assert!(ran.code == 2 && ran.stderr.contains(says), "{line}: {ran}");
    }
    let warned = home.ok("aileron-pub aegis init plugin x --yes --id hello --dry-run");
    assert!(warned.stdout.contains("warning: \"hello\" is not in reverse-DNS form"), "{warned}");
    // A directory in which no user can make one, root included.
    let ran = home.run(&format!("aileron-pub aegis init plugin /proc/x {id}"));
    assert!(ran.code == 1 && ran.stderr.starts_with("store_unwritable: cannot create directory in /proc"), "{ran}");
    assert_eq!(home.files(), before);
}
