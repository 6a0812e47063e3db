//! The real binary against the fake GitHub.

use std::fs;
use std::process::Command;

use aileron_testkit::github::{FakeGitHub, GitHub as Model, Options, Repository as Remote};
use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{OWNER, Repository, TestHome, ends, ok, writes};

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
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 3);
    let status = ok(&mut verb(&repository, &fake, &["status", "v0.1.0"])).json();
    assert_eq!(status["status"], "fresh");
    let key = repository.key.to_str().unwrap();
    let plan = ok(&mut verb(&repository, &fake, &["plan", "v0.1.0", "--key", key])).json();
    // 3 writes for each release, 3 more assets and the notes for the cohort
    assert_eq!(plan["writes"]["total"], 4 * 3 + 4, "{plan}");
    let finish = plan["finish"].as_str().unwrap();
    assert!(finish.len() == "2026-02-03T04:05:06Z".len() && finish.contains('T') && finish.ends_with('Z'), "{plan}");
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
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
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
    let home = TestHome::new();
    let repository = repository(&home, 3);
    let every = |(method, count): (&'static str, usize)| (1..=count).map(move |nth| (method, nth));
    for (method, nth) in [("POST", 11), ("PATCH", 5)].into_iter().flat_map(every) {
        // Every write, and the three moments in turn; of each kind of request, all of them once.
        let all = ["before", "during", "after"];
        for when in if nth == 1 { &all[..] } else { &all[nth % 3..=nth % 3] } {
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
    let home = TestHome::new();
    let repository = repository(&home, 2);
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
    let home = TestHome::new();
    let repository = repository(&home, 2);
    let stopped = |fake: &FakeGitHub, code: i32, words: &str| {
        let said = ends(&mut release(&repository, fake), code);
        assert!(said.json()["error"]["message"].as_str().unwrap().contains(words), "{words}: {said}");
        assert_eq!(fake.github().meter.usage.writes, 0, "{words}");
    };
    let fake = FakeGitHub::start(model());
    fake.github().revoked.insert(TOKEN.to_owned());
    stopped(&fake, 1, "Bad credentials");
    let fake = FakeGitHub::start(Model::new(Remote::new(OWNER, "elsewhere")));
    stopped(&fake, 1, "repository acme/aileron-connector-weather not found");
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
    stopped(&fake, 5, "stopped because of --max-wait");
    let fake = FakeGitHub::start(model());
    let said = ends(release(&repository, &fake).env_remove("GITHUB_TOKEN"), 2);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("no GitHub token"), "{said}");
}

#[test] // artifacts.md §12: a tag peels, through however many tags, to the commit
fn a_tag_of_a_tag_that_was_pushed_is_released_under() {
    let home = TestHome::new();
    let repository = repository(&home, 2);
    repository.git(&["tag", "--annotate", "--message", "candidate", "rc"]);
    repository.git(&["tag", "--annotate", "--message", "checked", "checked", "rc"]);
    repository.git(&["tag", "--annotate", "--message", "approved", "v0.1.0", "checked"]);
    let tree = Some(repository.root.clone());
    let fake = FakeGitHub::with(Options { tree, ..Options::new(model()) }).unwrap();
    assert_eq!(fake.github().repository.tags["v0.1.0"].behind.len(), 2, "the fake has what was pushed");
    ok(&mut release(&repository, &fake));
    assert_public(&fake, 2);

    // The same names at another commit are told, and nothing is written.
    repository.write("README.md", "another commit\n");
    repository.commit("another commit");
    let fake = FakeGitHub::with(Options { tree: Some(repository.root.clone()), ..Options::new(model()) }).unwrap();
    repository.git(&["tag", "--delete", "v0.1.0"]);
    let said = ends(&mut release(&repository, &fake), 1);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("v0.1.0 points at commit "), "{said}");
    assert_eq!(fake.github().meter.usage.writes, 0);
}

#[test] // artifacts.md §11: never overwritten
fn other_bytes_under_a_published_tag_are_a_conflict() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
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

#[test] // issue, "Secrets"
fn token_and_key_are_in_nothing_a_run_leaves_behind() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
    let file = home.path("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let token_file = file.to_str().unwrap();
    let mut said = Vec::new();
    let debugging = |command: &mut Command| {
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("ACTIONS_STEP_DEBUG", "true");
    };
    let mut run = |args: &[&str], code: i32| {
        let mut command = verb(&repository, &fake, args);
        debugging(command.env_remove("GITHUB_TOKEN").args(["--token-file", token_file]));
        let done = ends(&mut command, code);
        said.extend([done.stdout, done.stderr]);
    };
    let key = repository.key.to_str().unwrap();
    run(&["plan", "v0.1.0", "--key", key], 0);
    fake.set_script(r#"{"on": {"method": "POST", "nth": 3}, "do": "reset"}"#.parse().unwrap());
    run(&["release", "v0.1.0", "--key", key, "--max-wait", "0s"], 5);
    fake.set_script("".parse().unwrap());
    run(&["release", "v0.1.0", "--key", key], 0);
    run(&["status", "v0.1.0"], 0);
    fake.set_script(r#"{"on": {}, "do": "status", "status": 500}"#.parse().unwrap());
    run(&["status", "v0.1.0", "--max-wait", "0s"], 5);
    said.push(ok(&mut repository.publisher(&["report", "v0.1.0", "--json"])).stdout);
    fs::remove_file(&file).unwrap();

    // PKCS#8: the private half is the 32 bytes at the end.
    let pem = fs::read_to_string(&repository.key).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &base64).unwrap();
    let seed = der[16..48].to_vec();
    fs::remove_file(&repository.key).unwrap();
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let inner = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &seed);
    let secrets: [&[u8]; 5] = [TOKEN.as_bytes(), &seed, hex.as_bytes(), &base64.as_bytes()[22..], inner.as_bytes()];
    let github = fake.github();
    let notes = github.repository.releases.values().filter_map(|release| release.body.clone());
    let texts = said.into_iter().chain(notes).map(|text| ("what was said".to_owned(), text.into_bytes()));
    let mut looked_at = 0;
    for (path, bytes) in texts.chain(contents(home.all())) {
        looked_at += 1;
        for secret in secrets {
            assert!(memchr::memmem::find(&bytes, secret).is_none(), "{path}");
        }
    }
    assert!(looked_at > 20, "{looked_at}");
    assert!(repository.root.join("dist/0.1.0/journal.jsonl").is_file(), "the journal was among them");
}

#[test]
fn a_rehearsal_is_a_release_without_a_network() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 3);
    let key = repository.key.to_str().unwrap();
    let args = ["release", "v0.1.0", "--rehearse", "--limits", "github", "--key", key];
    let rehearsed = ok(verb(&repository, &fake, &args).env_remove("GITHUB_TOKEN")).json();
    assert_eq!((rehearsed["status"].as_str(), rehearsed["writes"].as_u64()), (Some("rehearsed"), Some(16)));
    assert_eq!(rehearsed["requests"]["creations"], 11);
    assert_eq!(rehearsed["refused_for_a_limit"], 0);
    assert!((15..20).contains(&rehearsed["seconds"].as_u64().unwrap()), "{rehearsed}");
    assert_eq!(fake.log(), [], "no request was made");
    assert!(!repository.root.join("dist").exists(), "and nothing stays");
    let released = ok(&mut release(&repository, &fake)).json();
    assert_eq!(released["content_hash"], rehearsed["content_hash"]);
    assert_eq!(released["writes"], rehearsed["writes"]);
}

#[test]
fn a_report_tells_runs_apart_and_sends_no_request() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
    let report = |code| ends(&mut repository.publisher(&["report", "v0.1.0", "--json"]), code).json();
    assert_eq!(report(4)["error"]["class"], "fetch_failed");
    fake.set_script(r#"{"on": {"method": "POST", "nth": 4}, "do": "reset", "when": "after"}"#.parse().unwrap());
    ends(&mut release(&repository, &fake), 5);
    fake.set_script("".parse().unwrap());
    ok(&mut release(&repository, &fake));
    let requests = fake.log().len();
    let told = report(0);
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{told}");
    assert_eq!((runs[0]["writes"].as_u64(), runs[1]["writes"].as_u64()), (Some(3), Some(9)), "one was only looked for");
    assert!(runs[0]["how"].as_str().unwrap().contains("after 3 of 13 writes"), "{}", runs[0]["how"]);
    assert_eq!(runs[1]["how"], "complete");
    let text = ok(&mut repository.publisher(&["report", "v0.1.0"])).stdout;
    assert!(text.contains("run 2 of 2") && text.contains("no answer: "), "{text}");
    assert_eq!(fake.log().len(), requests);
}

#[test]
fn two_runs_of_a_version_do_not_write_at_once() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
    let dist = repository.root.join("dist/0.1.0");
    let lock = aileron_cli::publisher::forge::github::journal::Journal::new(dist).lock("here").unwrap();
    let said = ends(&mut release(&repository, &fake), 1);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("another release is writing"), "{said}");
    assert_eq!(fake.github().meter.usage.writes, 0);
    ok(&mut verb(&repository, &fake, &["status", "v0.1.0"]));
    drop(lock);
    ok(&mut release(&repository, &fake));
}

#[test]
fn the_token_of_gh_is_the_last_resort_and_gh_sees_no_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
    let bin = home.path("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!("#!/bin/sh\n/usr/bin/env > {0}/env; echo \"$@\" > {0}/args; echo {TOKEN}\n", bin.display());
    fs::write(bin.join("gh"), script).unwrap();
    fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths(
        std::iter::once(bin.clone()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    fake.github().tokens.insert(TOKEN.to_owned(), aileron_testkit::github::Token::personal());
    let mut command = verb(&repository, &fake, &["status", "v0.1.0"]);
    command.env("PATH", path.unwrap()).env("AILERON_SIGNING_KEY", "sEcReT").env("GITHUB_TOKEN", " ");
    assert_eq!(ok(&mut command).json()["status"], "fresh");
    assert_eq!(fs::read_to_string(bin.join("args")).unwrap(), "auth token --hostname 127.0.0.1\n");
    let seen = fs::read_to_string(bin.join("env")).unwrap();
    assert!(!seen.contains("sEcReT") && !seen.contains("GITHUB_TOKEN"), "{seen}");
}

#[test]
fn a_token_is_never_sent_in_the_clear() {
    let (home, fake) = (TestHome::new(), FakeGitHub::start(model()));
    let repository = repository(&home, 2);
    for variable in ["GITHUB_API_URL", "GITHUB_SERVER_URL"] {
        let mut command = verb(&repository, &fake, &["status", "v0.1.0"]);
        let said = ends(command.env(variable, "http://github.example.com"), 2);
        assert_eq!(said.json()["error"]["class"], "usage_error", "{said}");
    }
}
