//! A directory as registry: what lies where, what is refused, and that no interruption leaves half a release.

mod halves;
mod killed;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aileron_testkit::Requirement;
use aileron_testkit::home::tree::{self, contents, listing, sha256, stats, unpack};
use aileron_testkit::home::{Ran, Repository, TestHome, directory, ended, ends, ok, strings, writes};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const CONNECTOR: &str = "acme/aileron-connector-demo";
const NAME: &str = "github://acme/aileron-connector-demo";

fn demo(home: &TestHome) -> Repository<'_> {
    home.scaffold("demo", "wat")
}

/// A connector with this many actions, `step-00` and so on.
fn many(home: &TestHome, count: usize) -> Repository<'_> {
    let repository = demo(home);
    let pattern = repository.read("actions/demo-ping/action.md");
    fs::remove_dir_all(repository.root.join("actions")).unwrap();
    let names: Vec<String> = (0..count).map(|number| format!("step-{number:02}")).collect();
    for name in &names {
        repository.write(&format!("actions/{name}/action.md"), &pattern.replace("demo-ping", name));
    }
    let members: String = names.iter().map(|name| format!("\"actions/{name}\",\n")).collect();
    repository.write("suite.toml", &format!("name = \"many\"\ndescription = \"d\"\nactions = [\n{members}]\n"));
    repository.commit("many actions");
    repository
}

fn published(registry: &Path, path: &str) -> Vec<u8> {
    fs::read(registry.join(CONNECTOR).join(path)).unwrap()
}

fn json_of(registry: &Path, path: &str) -> Value {
    serde_json::from_slice(&published(registry, path)).unwrap()
}

fn error(said: &Ran) -> Value {
    said.json()["error"].clone()
}

/// Refused with this exit code and class; the registry is as it was, to the last stat. Returns the error.
fn refused(command: &mut Command, registry: &Path, code: i32, class: &str) -> Value {
    let before = stats(registry);
    let error = error(&ends(command, code));
    assert_eq!(error["class"], class, "{error}");
    assert_eq!(stats(registry), before, "a refused release wrote");
    error
}

#[test] // artifacts.md §1 and §11
fn a_registry_is_laid_out_like_download_urls() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    ok(&mut repository.release("v0.1.0", &registry));
    let files = [
        "HEAD/keys/publisher.pub",
        "releases/download/actions/demo-about/v0.1.0/aileron.tar.gz",
        "releases/download/actions/demo-ping/v0.1.0/aileron.tar.gz",
        "releases/download/v0.1.0/aileron.tar.gz",
        "releases/download/v0.1.0/cohort.json",
        "releases/download/v0.1.0/cohort.json.sig",
        "releases/download/v0.1.0/suite.toml",
        "releases/index.json",
    ];
    let files: Vec<String> = files.iter().map(|file| format!("{CONNECTOR}/{file}")).collect();
    assert!(contents(&registry).keys().eq(&files), "{:?}", listing(&registry));
    assert_eq!(published(&registry, "HEAD/keys/publisher.pub"), fs::read(repository.public_key()).unwrap());
    let index =
        format!("{{\n  \"schema\": 1,\n  \"repository\": \"{NAME}\",\n  \"versions\": [\n    \"0.1.0\"\n  ]\n}}\n");
    assert_eq!(String::from_utf8(published(&registry, "releases/index.json")).unwrap(), index);
    let suite = String::from_utf8(published(&registry, "releases/download/v0.1.0/suite.toml")).unwrap();
    let fqns: Vec<&str> = suite.lines().filter(|line| line.starts_with("fqn = ")).collect();
    let member = |name: &str| format!("fqn = \"{NAME}/actions/{name}@0.1.0\"");
    assert_eq!(fqns, [member("demo-about"), member("demo-ping")]);
    assert!(suite.starts_with("[suite]\nname = \"demo\"\n"), "{suite}");
}

#[test] // artifacts.md §11
fn the_cohort_index_names_exactly_what_is_published() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    let commit = repository.git(&["rev-parse", "HEAD"]);
    ok(&mut repository.release("v0.1.0", &registry));
    let text = published(&registry, "releases/download/v0.1.0/cohort.json");
    let archive = |tag: &str| {
        let bytes = published(&registry, &format!("releases/download/{tag}/aileron.tar.gz"));
        json!({"sha256": sha256(&[&bytes]), "size": bytes.len()})
    };
    let entries = unpack(&published(&registry, "releases/download/v0.1.0/aileron.tar.gz"));
    let shown = ok(&mut repository.publisher(&["keys", "show", "--json"])).json();
    let action = |name: &str, capability: &str| {
        let tag = format!("actions/{name}/v0.1.0");
        let archive = archive(&tag);
        json!({"name": name, "fqn": format!("{NAME}/actions/{name}"), "tag": tag, "archive": archive,
               "capabilities": [capability], "approval": false})
    };
    let cohort: Value = serde_json::from_slice(&text).unwrap();
    let toolchain = cohort["toolchain"].clone();
    assert_eq!(toolchain["language"], "wat");
    let expected = json!({
        "schema": 1, "repository": NAME, "version": "0.1.0", "commit": commit,
        "tool": {"name": "aileron-pub", "version": env!("CARGO_PKG_VERSION")}, "toolchain": toolchain,
        "key": shown["fingerprint"],
        "connector": {"fqn": NAME, "tag": "v0.1.0",
            "content_hash": sha256(&[&entries["connector.wasm"], &entries["manifest.toml"]]), "archive": archive("v0.1.0")},
        "actions": [action("demo-about", "about"), action("demo-ping", "ping")],
        "suite": {"name": "demo", "description": "Ask the demo connector whether it answers, and what it can do."},
        "capabilities": {"hosts": [], "imports": [], "spawn": []}, "allowed": [],
    });
    assert_eq!(cohort, expected);
    let order = [
        "schema",
        "repository",
        "version",
        "commit",
        "tool",
        "toolchain",
        "key",
        "connector",
        "actions",
        "suite",
        "capabilities",
        "allowed",
    ];
    let text = String::from_utf8(text).unwrap();
    let keys: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    assert_eq!(keys, order, "top-level keys, indented by two, in the order of the spec");
    assert!(text.ends_with("\n}\n") && !text.contains(['\r', '\t']));
}

#[test] // artifacts.md §11: signed like an action, over its own bytes
fn openssl_confirms_the_signature_of_the_cohort_index() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    ok(&mut repository.release("v0.1.0", &registry));
    if !Requirement::Openssl.is_met() {
        return;
    }
    let place = registry.join(CONNECTOR).join("releases/download/v0.1.0");
    let mut openssl = home.command("openssl");
    openssl.current_dir(&place).args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]);
    openssl.arg(repository.public_key()).args(["-in", "cohort.json", "-sigfile", "cohort.json.sig"]);
    ok(&mut openssl);
    assert_eq!(fs::metadata(place.join("cohort.json.sig")).unwrap().len(), 64);
}

#[test] // artifacts.md §12
fn another_publisher_key_is_refused_until_it_is_replaced_on_purpose() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    let old = ok(&mut repository.release("v0.1.0", &registry)).json()["key"].clone();
    fs::remove_dir_all(repository.root.join("keys")).unwrap();
    fs::remove_file(&repository.key).unwrap();
    let repository = repository.with_key();
    let error = refused(&mut repository.release("v0.2.0", &registry), &registry, 1, "publish_failed");
    let new = ok(&mut repository.publisher(&["keys", "show", "--json"])).json()["fingerprint"].clone();
    assert_ne!(old, new);
    for fingerprint in [&old, &new] {
        assert!(error["message"].as_str().unwrap().contains(fingerprint.as_str().unwrap()), "{error}");
    }
    assert!(error["next"].as_str().unwrap().contains("--replace-key"));
    ok(repository.release("v0.2.0", &registry).arg("--replace-key"));
    assert_eq!(published(&registry, "HEAD/keys/publisher.pub"), fs::read(repository.public_key()).unwrap());
    let reference = format!("{NAME}@0.2.0");
    let from = registry.to_str().unwrap();
    ok(&mut home.consumer(&["verify", &reference, "--from", from, "--key", &repository.public_key()]));
}

#[test] // artifacts.md §11: an asset whose digest differs is an error showing both, never overwritten
fn a_published_version_never_changes() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    ok(&mut repository.release("v0.1.0", &registry));
    let tag = "actions/demo-ping/v0.1.0";
    let before = sha256(&[&published(&registry, &format!("releases/download/{tag}/aileron.tar.gz"))]);
    repository.write("actions/demo-ping/action.md", &(repository.read("actions/demo-ping/action.md") + "More.\n"));
    repository.commit("more to say");
    let packed =
        ok(&mut repository.publisher(&["pack", "v0.1.0", "--json", "--key", repository.key.to_str().unwrap()]));
    let artifacts = packed.json()["artifacts"].clone();
    let planned = artifacts.as_array().unwrap().iter().find(|artifact| artifact["tag"] == tag).unwrap();
    let planned = planned["archive"]["sha256"].as_str().unwrap();
    let error = refused(&mut repository.release("v0.1.0", &registry), &registry, 1, "publish_failed");
    assert_eq!(error["details"], json!({"tag": tag, "published": before, "planned": planned}));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&before) && message.contains(planned), "{message}");
}

#[test] // artifacts.md §12
fn a_dirty_tree_is_refused_or_recorded() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    repository.write("dist/old.txt", "left over");
    repository.write(".git/info/exclude", "ignored.txt\n");
    repository.write("ignored.txt", "x");
    ok(&mut repository.release("v0.1.0", &registry));
    assert!(!json_of(&registry, "releases/download/v0.1.0/cohort.json").as_object().unwrap().contains_key("dirty"));
    repository.write("notes.txt", "not committed");
    let error = refused(&mut repository.release("v0.2.0", &registry), &registry, 6, "validation_error");
    assert!(error["message"].as_str().unwrap().contains("notes.txt"), "{error}");
    fs::remove_file(repository.root.join("notes.txt")).unwrap();
    repository.write("README.md", "changed");
    refused(&mut repository.release("v0.2.0", &registry), &registry, 6, "validation_error");
    ok(repository.release("v0.2.0", &registry).arg("--allow-dirty"));
    assert_eq!(json_of(&registry, "releases/download/v0.2.0/cohort.json")["dirty"], true);
}

#[test] // artifacts.md §12: a tag peels to the commit, or the release stops naming both
fn a_tag_on_another_commit_stops_a_release() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "--annotate", "--message", "earlier", "actions/demo-ping/v0.1.0"]);
    repository.write("README.md", "later");
    let second = repository.commit("later");
    let error = refused(&mut repository.release("v0.1.0", &registry), &registry, 1, "publish_failed");
    let message = error["message"].as_str().unwrap();
    for part in ["actions/demo-ping/v0.1.0", &first, &second] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!registry.exists());
    repository.git(&["tag", "v0.2.0"]);
    ok(&mut repository.release("v0.2.0", &registry));
}

#[test] // artifacts.md §11
fn a_later_version_says_what_the_connector_may_do_now() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    assert_eq!(ok(&mut repository.release("v0.1.0", &registry)).json()["capabilities_since"], Value::Null);
    let manifest = repository.read("connector/manifest.toml");
    repository.write(
        "connector/manifest.toml",
        &format!("{manifest}\n[capabilities.network]\nhosts = [\"api.example.com:443\"]\n"),
    );
    repository.commit("one more host");
    let grown = ok(&mut repository.release("v0.2.0", &registry)).json()["capabilities_since"].clone();
    let gained = strings(&grown["gained"]);
    assert!(gained.len() == 1 && gained[0].contains("api.example.com:443"), "{grown}");
    assert_eq!(grown["lost"], json!([]));
    ok(&mut repository.release("v0.3.0-rc.1", &registry));
    ok(&mut repository.release("v0.3.0", &registry));
    ok(&mut repository.release("v0.3.0-rc.2", &registry));
    let versions = json_of(&registry, "releases/index.json")["versions"].clone();
    assert_eq!(versions, json!(["0.1.0", "0.2.0", "0.3.0-rc.1", "0.3.0-rc.2", "0.3.0"]), "oldest first, by SemVer");
    let verdict = ok(&mut repository.verify(&registry)).json();
    assert_eq!((&verdict["verified"], &verdict["refused"]), (&json!(15), &json!(0)));
}

#[test] // artifacts.md §12: neither is an error
fn no_suite_and_no_actions_is_still_a_release() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    fs::remove_file(repository.root.join("suite.toml")).unwrap();
    repository.commit("no suite");
    ok(&mut repository.release("v0.1.0", &registry));
    assert!(!registry.join(CONNECTOR).join("releases/download/v0.1.0/suite.toml").exists());
    fs::remove_dir_all(repository.root.join("actions")).unwrap();
    repository.commit("no actions");
    ok(&mut repository.release("v0.2.0", &registry));
    let cohort = json_of(&registry, "releases/download/v0.2.0/cohort.json");
    assert_eq!(cohort["actions"], json!([]));
    assert!(!cohort.as_object().unwrap().contains_key("suite"));
    assert_eq!(writes(&ok(&mut repository.release("v0.2.0", &registry))), 0);
}

#[test] // artifacts.md §11
fn status_tells_fresh_from_resumable_from_complete() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    let status = || {
        let said = ok(&mut repository.publisher(&["status", "v0.1.0", "--json", "--to", &directory(&registry)])).json();
        (said["status"].as_str().unwrap().to_owned(), said["public"].as_u64().unwrap())
    };
    assert_eq!(status(), ("fresh".into(), 0));
    assert!(!registry.exists(), "looking makes no directory");
    ok(&mut repository.release("v0.1.0", &registry));
    let before = stats(&registry);
    assert_eq!(status(), ("complete".into(), 3));
    assert_eq!(stats(&registry), before);
    for gone in ["index.json", "download/v0.1.0/cohort.json", "download/actions/demo-ping/v0.1.0/aileron.tar.gz"] {
        fs::remove_file(registry.join(CONNECTOR).join("releases").join(gone)).unwrap();
        assert_eq!(status().0, "resumable", "without {gone}");
    }
    assert_eq!(status().1, 2);
    ok(&mut repository.release("v0.1.0", &registry));
    assert_eq!(status(), ("complete".into(), 3));
}

#[test]
fn a_plan_needs_no_key_and_writes_nothing() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    let plan = |key: Option<&str>| {
        let mut command = repository.publisher(&["plan", "v0.1.0", "--diff", "--json", "--to", &directory(&registry)]);
        ok(command.args(key.map(|key| ["--key", key]).into_iter().flatten())).json()
    };
    let (without, with) = (plan(None), plan(repository.key.to_str()));
    assert_eq!((&without["signed"], &with["signed"]), (&json!(false), &json!(true)));
    assert_eq!((&without["content_hash"], &without["changes"]), (&with["content_hash"], &with["changes"]));
    assert_eq!(with["changes"].as_array().unwrap().len(), 1 + 2 * 4, "version; per action two versions, source, hash");
    assert!(!registry.exists() && repository.git(&["status", "--porcelain"]).is_empty());
    let released = ok(&mut repository.release("v0.1.0", &registry));
    assert_eq!(with["writes"]["total"], writes(&released));
    assert_eq!(with["content_hash"], released.json()["content_hash"]);
    assert_eq!(plan(repository.key.to_str())["state"], "complete");
}

#[test] // the lock is held from the first write; what was seen before it is looked at again
fn a_release_that_was_overtaken_changes_nothing() {
    let home = TestHome::new();
    let (repository, registry) = (demo(&home), home.path("registry"));
    ok(&mut repository.publisher(&["build", "v0.1.0"]));
    let mut other_module = fs::read(repository.root.join("dist/connector.wasm")).unwrap();
    other_module.extend([0, 2, 1, b'x']); // a custom section: the same program, another connector
    let pipe = home.path("module.wasm");
    ok(home.command("mkfifo").arg(&pipe));
    let mut slow = repository.release("v0.1.0", &registry);
    let slow = start(slow.args(["--wasm", pipe.to_str().unwrap()]));
    // Opening the pipe for writing returns once the slow release reads it: by then it has looked at the registry.
    let mut its_module = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    ok(&mut repository.release("v0.1.0", &registry));
    let before = contents(&registry);
    std::io::Write::write_all(&mut its_module, &other_module).unwrap();
    drop(its_module);
    let slow = ended(slow);
    assert_eq!((slow.code, &error(&slow)["class"]), (1, &json!("publish_failed")), "{slow}");
    assert_eq!(contents(&registry), before);
}

#[test]
fn two_releases_at_once_leave_one_whole_release() {
    let home = TestHome::new();
    let repository = many(&home, 20);
    let whole = home.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    for round in 0..5 {
        let registry = home.path(&format!("registry-{round}"));
        let both = [(); 2].map(|()| start(&mut repository.release("v0.1.0", &registry)));
        let both = both.map(ended);
        assert!(both.iter().any(|said| said.code == 0), "{} {}", both[0], both[1]);
        for loser in both.iter().filter(|said| said.code != 0) {
            assert_eq!(loser.code, 1, "{loser}");
            assert!(error(loser)["message"].as_str().unwrap().contains("another release is writing"), "{loser}");
        }
        assert_eq!(contents(&registry), contents(&whole));
        assert_eq!(listing(&registry), listing(&whole));
    }
}

pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}
