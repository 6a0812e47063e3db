//! The real binary against the fake GitHub.

use std::fs;
use std::process::Command;

use aileron_testkit::github::{FakeGitHub, GitHub as Model, Repository as Remote};

use super::support::{self, Machine, OWNER, Repository, ends, ok, writes};
use super::{first_action, model, repository};

const TOKEN: &str = "ghp_0123456789abcdefSECRETSECRET";

/// A verb against the fake, with the repository's key and a token.
pub(crate) fn verb(repository: &Repository<'_>, fake: &FakeGitHub, args: &[&str]) -> Command {
    let mut command = repository.publisher(args);
    command
        .args(["--json"])
        .env("GITHUB_API_URL", fake.url())
        .env("GITHUB_SERVER_URL", fake.url())
        .env("GITHUB_TOKEN", TOKEN);
    command
}

fn release(repository: &Repository<'_>, fake: &FakeGitHub) -> Command {
    verb(repository, fake, &["release", "v0.1.0", "--max-wait", "0s", "--key", repository.key.to_str().unwrap()])
}

/// What every whole release of `repository` looks like from outside.
pub(crate) fn assert_public(fake: &FakeGitHub, actions: usize) {
    let github = fake.github();
    let releases: Vec<_> = github.repository.releases.values().collect();
    assert_eq!(releases.len(), actions + 1, "one release for each, no draft left");
    for release in &releases {
        let is_connector = release.tag_name == "v0.1.0";
        assert!(!release.draft && release.name.as_deref() == Some(release.tag_name.as_str()), "{}", release.tag_name);
        assert_eq!(release.prerelease, !is_connector, "{}", release.tag_name);
        let mut names: Vec<&str> = release.assets.iter().map(|asset| asset.name.as_str()).collect();
        names.sort_unstable();
        let whole = ["aileron.tar.gz", "cohort.json", "cohort.json.sig", "suite.toml"];
        assert_eq!(names, if is_connector { &whole[..] } else { &whole[..1] }, "{}", release.tag_name);
        let body = release.body.as_deref().unwrap_or_default();
        assert_eq!(is_connector, body.contains("content hash"), "{}: {body}", release.tag_name);
        assert_eq!(!is_connector, body.contains("belongs to [v0.1.0]"), "{}: {body}", release.tag_name);
        let commit = &github.repository.tags[&release.tag_name].commit;
        assert_eq!(*commit, release.target_commitish, "{}", release.tag_name);
    }
    let latest = github.repository.latest.and_then(|id| github.repository.releases.get(&id));
    assert_eq!(latest.map(|release| release.tag_name.as_str()), Some("v0.1.0"));
}

#[test] // artifacts.md §11
fn a_release_is_public_once_and_a_second_run_writes_nothing() {
    let (machine, fake) = (Machine::new(), FakeGitHub::start(model()));
    let repository = repository(&machine, 3);
    let status = ok(&mut verb(&repository, &fake, &["status", "v0.1.0"])).json();
    assert_eq!(status["status"], "fresh");
    let key = repository.key.to_str().unwrap();
    let plan = ok(&mut verb(&repository, &fake, &["plan", "v0.1.0", "--key", key])).json();
    // 3 writes for each release, 3 more assets and the notes for the cohort
    assert_eq!(plan["writes"]["total"], 4 * 3 + 4, "{plan}");
    assert!(plan["finish"].as_str().unwrap().ends_with(" UTC"), "{plan}");
    assert_eq!(fake.github().meter.usage.writes, 0, "a plan writes nothing");

    let reads = fake.github().meter.usage.reads;
    assert_eq!(writes(&ok(&mut release(&repository, &fake))), 16);
    assert_public(&fake, 3);
    assert_eq!(fake.github().meter.usage.writes, 16);
    let reads = fake.github().meter.usage.reads - reads;
    assert!(reads <= 12, "{reads} reads");

    assert_eq!(writes(&ok(&mut release(&repository, &fake))), 0);
    assert_eq!(fake.github().meter.usage.writes, 16);
    let status = ok(&mut verb(&repository, &fake, &["status", "v0.1.0"])).json();
    assert_eq!((status["status"].as_str(), status["public"].as_u64()), (Some("complete"), Some(4)));
}

#[test] // artifacts.md §11: only the highest final version is Latest
fn a_patch_of_an_older_line_and_a_pre_release_are_not_latest() {
    let (machine, fake) = (Machine::new(), FakeGitHub::start(model()));
    let repository = repository(&machine, 2);
    let key = repository.key.to_str().unwrap();
    for version in ["v0.2.0", "v0.1.0", "v0.3.0-rc.1"] {
        ok(&mut verb(&repository, &fake, &["release", version, "--key", key]));
        let github = fake.github();
        let latest = github.repository.latest.and_then(|id| github.repository.releases.get(&id));
        assert_eq!(latest.map(|release| release.tag_name.as_str()), Some("v0.2.0"), "after {version}");
        let released = github.repository.published(version).unwrap();
        assert_eq!(released.prerelease, version.contains('-'), "{version}");
    }
}

#[test] // artifacts.md §11: re-running after any interruption converges
fn dying_at_any_write_still_converges() {
    let machine = Machine::new();
    let repository = repository(&machine, 3);
    let every = |(method, count): (&'static str, usize)| (1..=count).map(move |nth| (method, nth));
    for (method, nth) in [("POST", 11), ("PATCH", 5)].into_iter().flat_map(every) {
        for when in ["before", "during", "after"] {
            let fake = FakeGitHub::start(model());
            let rule = format!(r#"{{"on": {{"method": "{method}", "nth": {nth}}}, "do": "reset", "when": "{when}"}}"#);
            fake.set_script(rule.parse().unwrap());
            let said = ends(&mut release(&repository, &fake), 5);
            let error = &said.json()["error"];
            assert_eq!((error["class"].as_str(), error["retriable"].as_bool()), (Some("incomplete"), Some(true)));
            assert!(error["next"].as_str().unwrap().contains("continues"), "{said}");
            fake.set_script("".parse().unwrap());
            ok(&mut release(&repository, &fake));
            assert_public(&fake, 3);
            assert_eq!(writes(&ok(&mut release(&repository, &fake))), 0, "{method} {nth} {when}");
        }
    }
}

#[test]
fn a_lost_answer_is_looked_after_within_the_run() {
    let machine = Machine::new();
    let repository = repository(&machine, 2);
    for (method, when) in [("POST", "after"), ("POST", "during"), ("PATCH", "after")] {
        let fake = FakeGitHub::start(model());
        let rule = format!(r#"{{"on": {{"method": "{method}", "nth": 2}}, "do": "reset", "when": "{when}"}}"#);
        fake.set_script(rule.parse().unwrap());
        let key = repository.key.to_str().unwrap();
        ok(&mut verb(&repository, &fake, &["release", "v0.1.0", "--key", key]));
        assert_public(&fake, 2);
    }
}

#[test]
fn what_stops_a_release_is_said_and_nothing_is_written() {
    let machine = Machine::new();
    let repository = repository(&machine, 2);
    let stopped = |fake: &FakeGitHub, code: i32, words: &str| {
        let said = ends(&mut release(&repository, fake), code);
        assert!(said.json()["error"]["message"].as_str().unwrap().contains(words), "{words}: {said}");
        assert_eq!(fake.github().meter.usage.writes, 0, "{words}");
    };
    let fake = FakeGitHub::start(model());
    fake.github().revoked.insert(TOKEN.to_owned());
    stopped(&fake, 1, "Bad credentials");
    let fake = FakeGitHub::start(Model::new(Remote::new(OWNER, "elsewhere")));
    stopped(&fake, 1, "no repository acme/aileron-connector-weather");
    let fake = FakeGitHub::start(Model::new(Remote::new("Acme", "aileron-connector-weather")));
    stopped(&fake, 1, "Acme/aileron-connector-weather");
    let fake = FakeGitHub::start(model());
    let elsewhere = aileron_cli::publisher::forge::model::TagRef::light("0".repeat(40));
    fake.github().repository.tags.insert("v0.1.0".to_owned(), elsewhere);
    stopped(&fake, 1, "points at commit 0000");
    let fake = FakeGitHub::start(model());
    fake.set_script(
        r#"{"on": {}, "do": "status", "status": 429, "headers": {"retry-after": "3600"}}"#.parse().unwrap(),
    );
    stopped(&fake, 5, "later than this run waits");
    let fake = FakeGitHub::start(model());
    let said = ends(release(&repository, &fake).env_remove("GITHUB_TOKEN"), 2);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("no GitHub token"), "{said}");
}

#[test] // artifacts.md §11: never overwritten
fn other_bytes_under_a_published_tag_are_a_conflict() {
    let (machine, fake) = (Machine::new(), FakeGitHub::start(model()));
    let repository = repository(&machine, 2);
    ok(&mut release(&repository, &fake));
    let before = fake.github().repository.visible();
    let (name, text) = first_action(&repository);
    repository.write(&format!("actions/{name}/action.md"), &format!("{text}\nMore.\n"));
    repository.commit("another text");
    let said = ends(&mut release(&repository, &fake), 1);
    let error = &said.json()["error"];
    assert_eq!(error["class"], "publish_failed");
    assert!(error["details"]["published"] != error["details"]["planned"], "{said}");
    assert_eq!(fake.github().repository.visible(), before);
}

#[test]
fn the_token_is_nowhere_but_in_the_request() {
    let (machine, fake) = (Machine::new(), FakeGitHub::start(model()));
    let repository = repository(&machine, 2);
    let file = machine.path("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let mut command = release(&repository, &fake);
    let done =
        ok(command.env_remove("GITHUB_TOKEN").env("RUST_LOG", "trace").args(["--token-file", file.to_str().unwrap()]));
    fs::remove_file(&file).unwrap();
    fake.set_script(r#"{"on": {}, "do": "reset"}"#.parse().unwrap());
    let failed = ends(&mut release(&repository, &fake), 5);
    for text in [&done.stdout, &done.stderr, &failed.stdout, &failed.stderr] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    for (path, bytes) in support::contents(machine.root()) {
        assert!(memchr::memmem::find(&bytes, TOKEN.as_bytes()).is_none(), "{path}");
    }
}
