//! `aegis build`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use aileron_testkit::home::TestHome;
use aileron_testkit::{Requirement, script};
use serde_json::Value;

use super::repository::{ID, PAIR, plain, real};

const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

#[test] // aegis-bundle.md §12.1, §14.2
fn a_repository_becomes_a_staging_directory_that_packs_and_the_same_bytes_from_another_path() {
    if !Requirement::Go.is_met() {
        return;
    }
    let home = TestHome::new();
    plain(&home, "one");
    plain(&home, "quite/another place");
    let before = home.files();
    let built = home.ok("aileron-pub aegis build one --out dist --json").json();
    assert_eq!(built["targets"][1]["target"], "linux/arm64", "{built}");
    assert!(built["toolchain"]["version"].as_str().unwrap().starts_with("go1."), "{built}");
    assert_eq!(built["problems"], serde_json::json!([]), "{built}");
    // Every byte of the manifest but the checksums, and nothing in the repository.
    let mut expected = home.read("one/manifest.json");
    for target in built["targets"].as_array().unwrap() {
        expected = expected.replacen("REPLACE_WITH_BINARY_SHA256", target["sha256"].as_str().unwrap(), 1);
    }
    assert_eq!(home.read("dist/manifest.json"), expected);
    let after: Vec<_> = home.files().into_iter().filter(|(path, _)| !path.starts_with("dist")).collect();
    assert_eq!(after, before.into_iter().collect::<Vec<_>>());
    // A user's own settings have no say, and neither has the place.
    home.write("home/.config/go/env", "GOFLAGS=-tags=other\n");
    let line = "GOFLAGS=-ldflags=-X=main.x=y GOAMD64=v3 aileron-pub aegis build 'quite/another place' --out other";
    let ran = home.finish(home.shell(line), line);
    assert_eq!(ran.code, 0, "{ran}");
    for arch in ARCHITECTURES {
        let read =
            |directory: &str| std::fs::read(home.path(&format!("{directory}/bin/linux-{arch}/extension"))).unwrap();
        assert!(read("dist") == read("other"), "{arch}");
    }
    home.write("key", PAIR);
    home.ok("aileron-pub aegis pack other --out other.zip --sign --key-id k1 --key key");
    home.ok("aileron-pub aegis pack dist --out one.zip --sign --key-id k1 --key key");
    let trust = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    for arch in ARCHITECTURES {
        home.ok(&format!("aileron-pub aegis verify one.zip --trust {trust} --host linux/{arch}"));
    }
    // One target alone: its manifest has no other, so that it packs. The directory that was there is replaced.
    home.ok("aileron-pub aegis build one --target linux/arm64 --out dist --keep-symbols");
    let manifest: Value = serde_json::from_str(&home.read("dist/manifest.json")).unwrap();
    assert_eq!(manifest["targets"].as_array().unwrap().len(), 1);
    assert!(!home.path("dist/bin/linux-amd64").exists());
    home.ok("aileron-pub aegis check dist");
    // A repository is built on the way to its bundle.
    let packed = home.ok("aileron-pub aegis pack one --out built.zip --json").json();
    assert_eq!((&packed["filled"], &packed["built"]["targets"][0]["target"]), (&2.into(), &"linux/amd64".into()));
    home.ok("aileron-pub aegis pack other --out plain.zip");
    assert!(std::fs::read(home.path("built.zip")).unwrap() == std::fs::read(home.path("plain.zip")).unwrap());
}

#[test] // the issue: real extensions
fn a_plugin_and_a_connector_on_the_sdk_build_for_both_architectures_pack_and_verify() {
    if !Requirement::Go.is_met() {
        return;
    }
    let home = TestHome::new();
    home.write("key", PAIR);
    for (program, kind, id, capabilities) in [
        ("hello-plugin", "plugin", "com.example.plugins.hello", &["api.log", "api.rcon", "events.rcon"][..]),
        ("hello-connector", "connector", "com.example.connectors.hello", &[]),
    ] {
        let (one, other) = (format!("{program}/one"), format!("{program}/at another place"));
        real(&home, &one, program, kind, id, capabilities);
        let found = home.ok(&format!("aileron-pub aegis check {one} --json")).json();
        assert_eq!(found["problems"], serde_json::json!([]), "{found}");
        let built = home.ok(&format!("aileron-pub aegis build {one} --out {program}/dist --json")).json();
        assert_eq!(built["problems"], serde_json::json!([]), "{built}");
        let modules = built["modules"].as_array().unwrap();
        assert!(modules.iter().any(|module| module["path"] == "go.codycody31.dev/squad-aegis"), "{built}");
        assert!(modules.iter().any(|module| module["path"] == "github.com/hashicorp/go-plugin"), "{built}");
        std::fs::rename(home.path(&one), home.path(&other)).unwrap();
        let again = home.command("aileron-pub").args(["aegis", "build", &other, "--out", "again", "--json"]).output();
        let again: Value = serde_json::from_slice(&again.unwrap().stdout).unwrap();
        assert_eq!(again["targets"], built["targets"], "another path, the same bytes");
        home.ok(&format!("aileron-pub aegis pack {program}/dist --out {program}.zip --sign --key-id k1 --key key"));
        for arch in ARCHITECTURES {
            let trust = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
            home.ok(&format!("aileron-pub aegis verify {program}.zip --trust {trust} --host linux/{arch}"));
        }
    }
}

#[test] // the issue: bad input
fn a_build_that_cannot_be_says_why_and_leaves_nothing_behind() {
    if !Requirement::Go.is_met() {
        return;
    }
    let home = TestHome::new();
    plain(&home, "good");
    let broken = |name: &str, file: &str, text: &str| {
        plain(&home, name);
        home.write(&format!("{name}/{file}"), text);
    };
    broken("compile", "main.go", "package main\n\nfunc main() { undefined() }\n");
    broken("cgo", "main.go", "package main\n\nimport \"C\"\n\nfunc main() {}\n");
    broken("library", "main.go", "package plain\n");
    broken("two", "cmd/other/main.go", "package main\n\nfunc main() {}\n");
    broken("missing", "main.go", "package main\n\nimport _ \"github.com/hashicorp/go-plugin\"\n\nfunc main() {}\n");
    broken("outside", "go.mod", "module example.org/plain\n\ngo 1.24\n\nreplace example.org/o => ../good\n");
    broken("wrong-id", "plugin.go", "package main\n\nvar d = pluginrpc.PluginDefinition{PluginID: \"other\"}\n");
    plain(&home, "no-manifest");
    std::fs::remove_file(home.path("no-manifest/manifest.json")).unwrap();
    plain(&home, "no-git");
    std::fs::remove_dir_all(home.path("no-git/.git")).unwrap();
    home.write("full/notes.txt", "mine");
    home.write("file", "");
    let before = home.files();
    for (line, code, words) in [
        ("build compile", 1, "main.go:3:15: undefined: undefined"),
        ("build cgo", 1, "build constraints exclude all Go files"),
        ("build library", 1, "go.mod makes no program: an extension has one main package"),
        ("build two", 1, "go.mod makes the programs . and ./cmd/other: name the extension's with --package"),
        ("build missing", 1, "cannot find module providing package github.com/hashicorp/go-plugin"),
        ("build outside", 1, "go.mod:5 takes example.org/o from ../good, which is outside of this repository"),
        ("build wrong-id", 6, "1 problem stops building (wrong-id/plugin.go:3)"),
        (
            "build good --target linux/riscv64",
            2,
            "manifest.json has no target \"linux/riscv64\"; it has linux/amd64, linux/arm64",
        ),
        ("build good --package ./cmd/none", 1, "cmd/none"),
        ("build full", 6, "there is no go.mod in full"),
        ("build no-manifest", 6, "there is no manifest.json in no-manifest"),
        ("build no-git", 1, "no-git is not in a git repository\nnext: git init && git add -A"),
        (
            "build good --out full",
            6,
            "full has \"notes.txt\", which is not of a staging directory; nothing in it is touched",
        ),
        ("build good --out file/dist", 1, "file"),
        ("build good --out /proc/dist", 1, "/proc"),
        ("build good --max-upload-size 1000", 6, "2 problems stop packing what was built"),
    ] {
        let line = format!("aileron-pub aegis {line}");
        let ran = home.run(&line);
        assert_eq!(ran.code, code, "{line}\n{ran}");
        assert!(ran.stderr.contains(words), "{line}\n{ran}");
        assert!(!ran.stderr.contains(&home.tmp().display().to_string()), "{line}\n{ran}");
    }
    let line = "PATH=/nonexistent aileron-pub aegis build good";
    let ran = home.run(line);
    assert!(ran.code == 1 && !ran.stderr.contains("--wasm"), "{ran}");
    // A disk that takes nothing more, as far as a limit of the shell can play it.
    let line = "trap '' XFSZ; ulimit -f 64; aileron-pub aegis build good --out dist";
    let ran = home.finish(home.shell(line), line);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(home.files().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "nothing is left");
}

#[test] // the issue: no Go
fn without_go_the_error_says_where_it_is() {
    let home = TestHome::new();
    plain(&home, "good");
    // git is found; go is not.
    let line = "mkdir bin && ln -s $(command -v git) bin/git";
    assert_eq!(home.finish(home.shell(line), line).code, 0);
    let ran = home.run(&format!("PATH={} aileron-pub aegis build good", home.path("bin").display()));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("go was not found in PATH: install Go 1.24 or newer from https://go.dev/dl/"), "{ran}");
    assert!(!ran.stderr.contains("--wasm"), "{ran}");
    assert!(!home.path("good/dist").exists());
}

#[test] // the issue: Ctrl-C
fn an_interrupted_build_leaves_nothing() {
    let home = TestHome::new();
    plain(&home, "good");
    let started = home.path("started");
    let go = format!(
        "case $1 in mod) echo '{{}}' ;; env) echo '{{\"GOVERSION\":\"go1.99\"}}' ;; list) pwd ;; build) touch {}; exec sleep 60 ;; esac",
        started.display()
    );
    script(&home.path("bin/go"), &go);
    let path = format!("{}:{}", home.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = home.publisher(&["aegis", "build", "good", "--out", "dist"]);
    let mut child = command.env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while !started.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "the build never began");
        std::thread::yield_now();
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!home.path("dist").exists());
    assert_eq!(std::fs::read_dir(home.tmp()).unwrap().count(), 0);
    assert!(home.read("good/manifest.json").contains(ID));
}
