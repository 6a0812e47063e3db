//! The publishing guide from end to end: a key by openssl, a ring by hand, google's connector and its 21 actions published
//! to GitHub, installed, upgraded, revoked, refused.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aileron_testkit::github::{FakeGitHub, GitHub, Limits, Options, Repository};
use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::shared;
use serde_json::{Value, json};

const GOOGLE: &str = "github://ALRubinger/aileron-connector-google";
const TOKEN: &str = "ghp_0123456789abcdef";

/// A publisher's and a consumer's home, and GitHub between them.
struct Guide {
    home: TestHome,
    fake: FakeGitHub,
}

impl Guide {
    /// Google's repository, corrected as its publisher would, with a key made by openssl and everything committed.
    fn new() -> Option<Guide> {
        let reference = shared("reference/google")?;
        let home = TestHome::new();
        home.ok("aileron-pub init template --owner acme --language wat --yes");
        home.ok("aileron-pub -C template build --out module.wasm");
        for entry in walk(&reference) {
            let inside = entry.strip_prefix(&reference).unwrap().to_str().unwrap().to_owned();
            home.write(&format!("tea/{inside}"), fs::read(&entry).unwrap());
        }
        home.replace("tea/actions/list-recent-emails/action.md", "0.3.0", "0.0.0-dev");
        let shell = |line: &str| {
            let output = home.command("sh").args(["-ec", line]).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        // As the guide has it.
        shell("mkdir tea/keys; openssl genpkey -algorithm ed25519 -out publisher.key");
        shell("openssl pkey -in publisher.key -pubout -out tea/keys/publisher.pub");
        shell("git -C tea init --quiet");
        home.commit();
        let mut github = GitHub::new(Repository::new("ALRubinger", "aileron-connector-google"));
        github.limits = Limits::none(); // two releases in a minute, without waiting for an hour to pass
        let options = Options { tree: Some(home.path("tea")), ..Options::new(github) };
        let fake = FakeGitHub::with(options).unwrap();
        Some(Guide { home, fake })
    }

    /// A command that finds GitHub at the fake.
    fn command(&self, line: &str) -> Command {
        let line = line.replace("GOOGLE", GOOGLE);
        let mut command = self.home.typed(&line);
        command.env("GITHUB_API_URL", self.fake.url()).env("GITHUB_SERVER_URL", self.fake.url());
        command
    }

    fn release(&self, version: &str) {
        let line = format!("aileron-pub -C tea release {version} --wasm module.wasm --key publisher.key --quiet");
        let mut command = self.command(&line);
        command.env("GITHUB_TOKEN", TOKEN).env("GOOGLE_OAUTH_CLIENT_SECRET", "GOCSPX-not-so-secret");
        let ran = self.home.finish(command, &line);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }

    fn run(&self, line: &str) -> Ran {
        self.home.finish(self.command(line), line)
    }

    /// Runs a line with answers to its questions; it must succeed.
    fn ok(&self, answers: &str, line: &str) -> String {
        let input = self.home.all().join("answers");
        fs::write(&input, answers).unwrap();
        let mut command = self.command(line);
        command.stdin(fs::File::open(&input).unwrap());
        let ran = self.home.finish(command, line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    fn home(&self) -> PathBuf {
        self.home.home().join(".aileron")
    }

    /// `~/.aileron/keyring.json` as the guide writes it: the raw key by openssl, the file by jq, by hand where there is none.
    fn ring_by_hand(&self) {
        let raw = "openssl pkey -in tea/keys/publisher.pub -pubin -outform DER | tail -c 32 | base64";
        let line = format!(
            "KEY=$({raw}); mkdir -p \"$AILERON_HOME\"; umask 077; \
             if command -v jq >/dev/null; then \
               jq -n --arg key \"$KEY\" '{{version:1, publishers:{{\"{GOOGLE}\":[$key]}}}}'; \
             else \
               printf '{{\"version\":1,\"publishers\":{{\"{GOOGLE}\":[\"%s\"]}}}}' \"$KEY\"; \
             fi > \"$AILERON_HOME/keyring.json\""
        );
        let status = self.home.command("sh").args(["-ec", &line]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    }
}

fn walk(root: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// What every installed thing was judged as.
fn verdicts(guide: &Guide) -> (i32, Value, Value) {
    let ran = guide.run("aileron verify --installed --json");
    let document = ran.json();
    (ran.code, document["verified"].clone(), document["refused"].clone())
}

#[test] // the issue: "Existing flow of the guide"
fn the_guides_flow_works_from_the_key_to_the_refusal() {
    let Some(guide) = Guide::new() else { return };
    guide.release("v1.2.3");
    assert_eq!(guide.fake.github().repository.releases.len(), 22);

    // No key is trusted yet: the question comes with the fingerprint, and no is no.
    let ran = guide.run("aileron connector install GOOGLE@1.2.3");
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("is not yet trusted") && ran.stdout.contains("Fingerprint: sha256:"), "{}", ran.stdout);
    assert!(!guide.home().join("store").exists() && !guide.home().join("keyring.json").exists());

    guide.ring_by_hand();
    let said = guide.ok("y\n", "aileron connector install GOOGLE@1.2.3");
    assert!(said.contains("www.googleapis.com:443") && said.contains("uses your       oauth2\n"), "{said}");
    assert!(said.contains(&format!("Installed: {GOOGLE}@1.2.3\n  hash: sha256:")), "{said}");
    assert!(!said.contains("Trust publisher"), "the ring written by hand counts: {said}");

    let said = guide.ok("y\n", "aileron action add GOOGLE/actions/list-recent-emails@1.2.3");
    assert!(said.contains("Installed: ") && guide.home().join("actions/list-recent-emails.md").is_file(), "{said}");
    let said = guide.ok("y\n", "aileron action add-suite GOOGLE@1.2.3");
    assert!(said.contains("20 actions, signed by") && said.contains("Installed already and unchanged: 1"), "{said}");
    assert_eq!(verdicts(&guide), (0, json!(22), json!(0)));
    let cohort = guide.run("aileron verify --cohort GOOGLE@1.2.3 --json");
    assert_eq!((cohort.code, &cohort.json()["verified"]), (0, &json!(22)));

    // A second version that talks to one host more.
    guide.home.replace("tea/connector/manifest.toml", "hosts = [", "hosts = [\n  \"chat.googleapis.com:443\",");
    guide.home.commit();
    guide.release("v1.3.0");
    let said = guide.ok("y\n", "aileron connector upgrade");
    assert!(said.contains(&format!("compared with   {GOOGLE}@1.2.3")), "{said}");
    let growth: Vec<&str> = said.lines().filter(|line| line.contains("NEW")).collect();
    assert_eq!(growth, ["    + NEW: may connect to chat.googleapis.com:443"], "{said}");
    let asked = guide.fake.github().meter.usage.reads;
    let said = guide.ok("y\n", "aileron action upgrade");
    assert!(said.contains("Installed: 21 actions"), "{said}");
    let asked = guide.fake.github().meter.usage.reads - asked;
    assert!(asked <= 2, "{asked} questions to the API for 21 actions");
    assert_eq!(verdicts(&guide), (0, json!(23), json!(0)));
    guide.ok("", &format!("aileron connector remove {GOOGLE}@1.2.3 --yes"));
    let ran = guide.run(&format!("aileron connector remove {GOOGLE} --yes"));
    assert_eq!(ran.code, 1, "21 actions pin it: {}", ran.stderr);
    assert_eq!(guide.run("aileron connector check --json").json()["ok"], true);

    // Revoked: what is installed is refused, and nothing new comes in.
    guide.ok("", "aileron keyring revoke GOOGLE");
    assert_eq!(verdicts(&guide), (3, json!(0), json!(22)));
    let ran = guide.run("aileron action add GOOGLE/actions/get-email@1.2.3 --force");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("not trusted"), "{}", ran.stderr);
}

#[test] // artifacts.md §10: anonymous first, on 404 again with the token, assets too
fn a_private_repository_opens_to_its_token_alone() {
    let Some(guide) = Guide::new() else { return };
    guide.release("v1.2.3");
    guide.fake.github().repository.private = true;
    let ran = guide.run("aileron action add-suite GOOGLE@1.2.3 --yes --json");
    assert_eq!((ran.code, ran.json()["error"]["class"].as_str()), (4, Some("fetch_failed")), "{}", ran.stderr);
    assert!(!guide.home().join("store").exists());
    for (name, other) in [("GH_TOKEN", "GITHUB_TOKEN"), ("GITHUB_TOKEN", "GH_TOKEN")] {
        let _ = fs::remove_dir_all(guide.home());
        let line = "aileron action add-suite GOOGLE@1.2.3 --yes --json";
        let mut command = guide.command(line);
        command.env(name, TOKEN).env_remove(other);
        let ran = guide.home.finish(command, line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.json()["installed"].as_array().unwrap().len(), 22);
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN));
    }
}

#[test] // artifacts.md §11: between the first and the last flip
fn an_action_that_is_listed_and_not_there_yet_is_worth_another_try() {
    let Some(guide) = Guide::new() else { return };
    guide.release("v1.2.3");
    {
        let mut github = guide.fake.github();
        let tag = "actions/get-email/v1.2.3";
        github.repository.releases.retain(|_, release| release.tag_name != tag);
    }
    let ran = guide.run("aileron action add-suite GOOGLE@1.2.3 --yes --json");
    let error = &ran.json()["error"];
    assert_eq!((ran.code, &error["class"], &error["retriable"]), (4, &json!("fetch_failed"), &json!(true)), "{error}");
    assert!(error["message"].as_str().unwrap().contains("not public yet"), "{error}");
    assert!(!guide.home().join("store").exists());
}

#[test]
fn a_server_that_fails_is_worth_another_try_and_one_that_has_nothing_is_not() {
    let Some(guide) = Guide::new() else { return };
    guide.release("v1.2.3");
    guide.ring_by_hand();
    for (rule, retriable) in [
        (r#"{"on": {"path": "/download/"}, "do": "status", "status": 503}"#, true),
        (r#"{"on": {"path": "/download/"}, "do": "status", "status": 429}"#, true),
        (r#"{"on": {"path": "/download/"}, "do": "reset"}"#, true),
        (r#"{"on": {"path": "release-asset"}, "do": "truncate"}"#, true),
        (r#"{"on": {"path": "/download/"}, "do": "status", "status": 404}"#, false),
        (r#"{"on": {"path": "/download/"}, "do": "status", "status": 403}"#, false),
    ] {
        guide.fake.set_script(rule.parse().unwrap());
        let ran = guide.run("aileron connector install GOOGLE@1.2.3 --yes --json");
        let error = &ran.json()["error"];
        let found = (ran.code, &error["class"], &error["retriable"]);
        assert_eq!(found, (4, &json!("fetch_failed"), &json!(retriable)), "{rule}: {error}");
        assert!(!guide.home().join("store").exists(), "{rule}");
    }
}
