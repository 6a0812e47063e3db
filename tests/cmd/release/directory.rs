//! A directory as registry: what lies where, what is refused, and that no interruption leaves half a release.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aileron_testkit::Requirement;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    Machine, Repository, contents, copy_tree, ends, listing, ok, said, sha256, stats, strings, to, unpack, writes,
};

const CONNECTOR: &str = "acme/aileron-connector-demo";
const NAME: &str = "github://acme/aileron-connector-demo";

fn demo(machine: &Machine) -> Repository<'_> {
    machine.scaffold("demo", "wat")
}

/// A connector with this many actions, `step-00` and so on.
fn many(machine: &Machine, count: usize) -> Repository<'_> {
    let repository = demo(machine);
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

fn error(said: &crate::support::Said) -> Value {
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
    ok(&mut repository.release("v0.1.0", &registry));
    if !Requirement::Openssl.is_met() {
        return;
    }
    let place = registry.join(CONNECTOR).join("releases/download/v0.1.0");
    let mut openssl = machine.command("openssl");
    openssl.current_dir(&place).args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]);
    openssl.arg(repository.public_key()).args(["-in", "cohort.json", "-sigfile", "cohort.json.sig"]);
    ok(&mut openssl);
    assert_eq!(fs::metadata(place.join("cohort.json.sig")).unwrap().len(), 64);
}

#[test] // artifacts.md §12
fn another_publisher_key_is_refused_until_it_is_replaced_on_purpose() {
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    ok(&mut machine.consumer(&["verify", &reference, "--from", from, "--key", &repository.public_key()]));
}

#[test] // artifacts.md §11: an asset whose digest differs is an error showing both, never overwritten
fn a_published_version_never_changes() {
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
    let status = || {
        let said = ok(&mut repository.publisher(&["status", "v0.1.0", "--json", "--to", &to(&registry)])).json();
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
    let plan = |key: Option<&str>| {
        let mut command = repository.publisher(&["plan", "v0.1.0", "--diff", "--json", "--to", &to(&registry)]);
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
    let machine = Machine::new();
    let (repository, registry) = (demo(&machine), machine.path("registry"));
    ok(&mut repository.publisher(&["build", "v0.1.0"]));
    let mut other_module = fs::read(repository.root.join("dist/connector.wasm")).unwrap();
    other_module.extend([0, 2, 1, b'x']); // a custom section: the same program, another connector
    let pipe = machine.path("module.wasm");
    ok(machine.command("mkfifo").arg(&pipe));
    let mut slow = repository.release("v0.1.0", &registry);
    let slow = start(slow.args(["--wasm", pipe.to_str().unwrap()]));
    // Opening the pipe for writing returns once the slow release reads it: by then it has looked at the registry.
    let mut its_module = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    ok(&mut repository.release("v0.1.0", &registry));
    let before = contents(&registry);
    std::io::Write::write_all(&mut its_module, &other_module).unwrap();
    drop(its_module);
    let slow = said(slow);
    assert_eq!((slow.code, &error(&slow)["class"]), (Some(1), &json!("publish_failed")), "{slow}");
    assert_eq!(contents(&registry), before);
}

#[test]
fn two_releases_at_once_leave_one_whole_release() {
    let machine = Machine::new();
    let repository = many(&machine, 20);
    let whole = machine.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    for round in 0..5 {
        let registry = machine.path(&format!("registry-{round}"));
        let both = [(); 2].map(|()| start(&mut repository.release("v0.1.0", &registry)));
        let both = both.map(said);
        assert!(both.iter().any(|said| said.code == Some(0)), "{} {}", both[0], both[1]);
        for loser in both.iter().filter(|said| said.code != Some(0)) {
            assert_eq!(loser.code, Some(1), "{loser}");
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

/// Waits for a condition while the child runs; whether it came true in time.
fn until(child: &mut Child, condition: impl Fn() -> bool) -> bool {
    while !condition() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn count(directory: &Path, file: &str) -> usize {
    listing(directory).iter().filter(|path| path.ends_with(file)).count()
}

/// After any interruption: what is listed verifies, and the same command makes of it exactly the uninterrupted release.
fn converges(repository: &Repository<'_>, registry: &Path, whole: &Path, when: &str) {
    let place = registry.join(CONNECTOR);
    let index = fs::read(place.join("releases/index.json")).ok();
    let listed = index.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["versions"].clone());
    if listed.is_some_and(|versions| versions == json!(["0.1.0"])) {
        let verdict = ok(&mut repository.verify(registry)).json();
        let all = count(whole, "/aileron.tar.gz");
        assert_eq!(verdict["verified"], json!(all), "{when}: a listed version is whole");
    } else if count(&place.join("releases"), "/aileron.tar.gz") > 0 {
        ok(&mut repository.verify(registry)); // what is public already is at least true
    }
    ok(&mut repository.release("v0.1.0", registry));
    // Killed when nothing was left to write, a run leaves its lock file behind, unlocked; the next run has nothing to write
    // and takes no lock.
    let (mut found, mut bytes) = (listing(registry), contents(registry));
    found.remove(".release.lock");
    bytes.remove(".release.lock");
    assert!(found == listing(whole), "{when}: {found:?}");
    assert!(bytes == contents(whole), "{when}: other bytes than an uninterrupted release");
}

#[test]
fn a_release_killed_at_any_moment_converges() {
    let machine = Machine::new();
    let repository = many(&machine, 60);
    let whole = machine.path("whole");
    let started = Instant::now();
    ok(&mut repository.release("v0.1.0", &whole));
    let lasts = started.elapsed();
    let mut seed = 0x5eed_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u32
    };
    for round in 0..20 {
        let registry = machine.path(&format!("random-{round}"));
        let mut child = start(&mut repository.release("v0.1.0", &registry));
        // The delay is what is tested here, not a way to wait for something.
        std::thread::sleep(lasts * (random() % 1000) / 1000);
        child.kill().unwrap();
        child.wait().unwrap();
        converges(&repository, &registry, &whole, &format!("killed at random, round {round}"));
    }
}

#[test]
fn a_release_killed_between_any_two_writes_converges() {
    let machine = Machine::new();
    let repository = many(&machine, 60);
    let whole = machine.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    let mut during = 0;
    for round in 0..12 {
        let registry = machine.path(&format!("registry-{round}"));
        let place = registry.join(CONNECTOR);
        let (staged, public) = (round % 6 * 10, round >= 6);
        let mut child = start(&mut repository.release("v0.1.0", &registry));
        let area = place.join(if public { "releases" } else { ".staging" });
        let reached = until(&mut child, || area.exists() && count_quietly(&area) > staged);
        child.kill().unwrap();
        child.wait().unwrap();
        during += usize::from(reached && !place.join("releases/index.json").exists());
        let when = format!("killed after {staged} {}", if public { "flips" } else { "uploads" });
        converges(&repository, &registry, &whole, &when);
    }
    assert!(during >= 3, "only {during} of 12 kills fell between writes");
}

/// Archives below a directory that changes while it is read.
fn count_quietly(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let archive = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count_quietly(&entry.path()),
        _ => usize::from(entry.file_name() == "aileron.tar.gz"),
    };
    entries.map(archive).sum()
}

#[test] // what a kill leaves in the narrowest places: a temporary not yet renamed, staging directories just emptied
fn debris_of_a_killed_release_is_swept_by_the_next() {
    let machine = Machine::new();
    let (repository, whole) = (demo(&machine), machine.path("whole"));
    ok(&mut repository.release("v0.1.0", &whole));
    let registry = machine.path("registry");
    copy_tree(&whole, &registry);
    let place = registry.join(CONNECTOR);
    fs::remove_file(place.join("releases/index.json")).unwrap();
    for debris in [".staging/actions/demo-ping/v0.1.0", ".staging/v0.1.0"] {
        fs::create_dir_all(place.join(debris)).unwrap();
    }
    for debris in ["HEAD/keys", "releases", ".staging/v0.1.0"] {
        fs::write(place.join(debris).join(".aileron-a1B2c3"), "half").unwrap();
    }
    ok(&mut repository.release("v0.1.0", &registry));
    assert_eq!(listing(&registry), listing(&whole));
}

#[test] // artifacts.md §8 and §12
fn an_interrupted_release_says_how_to_go_on() {
    let machine = Machine::new();
    let repository = many(&machine, 60);
    let whole = machine.path("whole");
    ok(&mut repository.release("v0.1.0", &whole));
    for json in [true, false] {
        let stopped =
            (0..20).find_map(|round| interrupt(&repository, &machine.path(&format!("r-{json}-{round}")), json));
        let (registry, said) = stopped.expect("one of 20 signals arrives between two writes");
        if json {
            let error = error(&said);
            assert_eq!(error["class"], "incomplete");
            assert!(error["next"].as_str().unwrap().contains("run the same command again"), "{error}");
        } else {
            assert!(said.stderr.contains("incomplete: interrupted after "), "{said}");
            assert!(said.stderr.contains("run the same command again"), "{said}");
        }
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        assert!(!registry.join(CONNECTOR).join("releases/index.json").exists());
        converges(&repository, &registry, &whole, "interrupted");
    }
}

/// Stops a release in its first uploads, interrupts it, lets it go on: it hears the signal with most writes ahead.
fn interrupt(
    repository: &Repository<'_>,
    registry: &Path,
    json: bool,
) -> Option<(std::path::PathBuf, crate::support::Said)> {
    let key = repository.key.to_str().unwrap();
    let mut command = repository.publisher(&["release", "v0.1.0", "--to", &to(registry), "--key", key]);
    let mut child = start(command.args(json.then_some("--json")));
    let staging = registry.join(CONNECTOR).join(".staging");
    let reached = until(&mut child, || staging.exists());
    if reached {
        signal(&child, Signal::STOP);
        signal(&child, Signal::INT);
        signal(&child, Signal::CONT);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "an interrupted release ends");
        std::thread::yield_now();
    }
    let said = said(child);
    assert!(matches!(said.code, Some(0 | 130)), "{said}");
    (said.code == Some(130) && reached).then(|| (registry.to_owned(), said))
}
