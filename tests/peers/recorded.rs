//! Conversations with the real GitHub, as octokit recorded them: the same requests to the fake get the same statuses, and
//! every field and header GitHub sent, with the same kind of value.
//!
//! What a recording begins with (a release, an asset, a branch) is made first. Numbers and addresses are the fake's own.

use std::fs;

use aileron_cli::publisher::forge::model::GitHub as Model;
use aileron_testkit::github::{FakeGitHub, Repository as Remote};
use aileron_testkit::home::{TestHome, run};
use aileron_testkit::peers;
use serde_json::{Value, json};

const OWNER: &str = "octokit-fixture-org";

/// An exchange: as recorded, or as it was with the fake.
struct Exchange {
    what: String,
    status: u64,
    headers: Vec<String>,
    kind: String,
    body: Value,
}

struct Conversation {
    home: TestHome,
    fake: FakeGitHub,
    repository: &'static str,
    recorded: Vec<Value>,
    /// As in the recording → as in the fake.
    numbers: Vec<(String, String)>,
}

impl Conversation {
    fn about(repository: &'static str) -> Option<Conversation> {
        let file = format!("@octokit/fixtures/scenarios/api.github.com/{repository}/normalized-fixture.json");
        let recorded = serde_json::from_slice(&fs::read(peers::package(&file)?).unwrap()).unwrap();
        let mut github = Model::new(Remote::new(OWNER, repository));
        let first = format!("{:0>40}", 1);
        github.repository.branches.insert("main".to_owned(), first);
        let (home, fake) = (TestHome::new(), FakeGitHub::start(github));
        Some(Conversation { home, fake, repository, recorded, numbers: Vec::new() })
    }

    /// A release v1.0.0, as the recording has one.
    fn with_release(mut self) -> Conversation {
        let made = self.say("post", "/releases", &json!({"tag_name": "v1.0.0", "name": "v1.0.0"}), "application/json");
        assert_eq!(made.status, 201, "{}", made.body);
        self.numbers.push(("/releases/1000".to_owned(), format!("/releases/{}", made.body["id"])));
        self
    }

    fn say(&self, method: &str, path: &str, body: &Value, kind: &str) -> Exchange {
        let (head, answer) = (self.home.path("head"), self.home.path("answer"));
        let _ = fs::remove_file(&answer); // an answer without a body leaves none
        let mut command = self.home.command("curl");
        command.args(["--silent", "--show-error", "--request", &method.to_uppercase(), "--dump-header"]).arg(&head);
        command.arg("--output").arg(&answer).args(["-H", "authorization: token x", "-H", "user-agent: octokit"]);
        if !body.is_null() && body != "" {
            let data = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            command.args(["-H", &format!("content-type: {kind}"), "--data-binary", &data]);
        }
        let url = format!("{}/repos/{OWNER}/{}{path}", self.fake.url(), self.repository);
        let said = run(command.arg(url));
        assert_eq!(said.code, 0, "{said}");
        let head = fs::read_to_string(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, kind)| kind.clone());
        Exchange {
            what: format!("{method} {path}"),
            status,
            headers: headers.into_iter().map(|(name, _)| name).collect(),
            kind: kind.unwrap_or_default(),
            body: fs::read(answer).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(Value::Null),
        }
    }

    /// Replays the recording.
    fn replay(&mut self) {
        assert!(!self.recorded.is_empty());
        for recorded in std::mem::take(&mut self.recorded) {
            let text = |key: &str| recorded[key].as_str().unwrap();
            let path = text("path").strip_prefix(&format!("/repos/{OWNER}/{}", self.repository)).unwrap();
            let path = self.numbers.iter().fold(path.to_owned(), |path, (theirs, ours)| path.replace(theirs, ours));
            // All refs were listed under this address until GitHub gave it another name.
            let path = if path == "/git/refs/" { "/git/matching-refs/".to_owned() } else { path };
            let kind = recorded["reqheaders"]["content-type"].as_str().unwrap_or_default();
            let ours = self.say(text("method"), &path, &recorded["body"], kind);
            let theirs = Exchange {
                what: ours.what.clone(),
                status: recorded["status"].as_u64().unwrap(),
                headers: recorded["headers"].as_object().unwrap().keys().cloned().collect(),
                kind: recorded["headers"]["content-type"].as_str().unwrap_or_default().to_owned(),
                body: recorded["response"].clone(),
            };
            alike(&theirs, &ours);
            if text("method") == "post" && path.contains("/assets?") && ours.status == 201 {
                let number = |id: &Value| format!("/releases/assets/{id}");
                self.numbers.push((number(&theirs.body["id"]), number(&ours.body["id"])));
            }
        }
    }
}

/// Headers of GitHub's web servers and of scopes, which say nothing about releases.
const ELSEWHERE: [&str; 17] = [
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "date",
    "etag",
    "last-modified",
    "referrer-policy",
    "strict-transport-security",
    "x-accepted-oauth-scopes",
    "x-content-type-options",
    "x-frame-options",
    "x-oauth-scopes",
    "x-poll-interval",
    "x-xss-protection",
];

fn alike(theirs: &Exchange, ours: &Exchange) {
    let what = &theirs.what;
    assert_eq!(theirs.status, ours.status, "{what}: {}", ours.body);
    assert_eq!(theirs.kind, ours.kind, "{what}: content-type");
    let missing: Vec<_> = theirs
        .headers
        .iter()
        .filter(|name| !ELSEWHERE.contains(&name.as_str()) && !ours.headers.contains(name))
        .collect();
    assert!(missing.is_empty(), "{what}: no {missing:?}");
    let mut differences = Vec::new();
    shape(&theirs.body, &ours.body, "", &mut differences);
    assert!(differences.is_empty(), "{what}: {differences:#?}\n{}", ours.body);
}

/// Every field GitHub sent, with a value of the same kind; more may follow, as GitHub itself adds fields.
fn shape(theirs: &Value, ours: &Value, place: &str, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                match ours.get(key) {
                    Some(found) => shape(value, found, &format!("{place}.{key}"), differences),
                    None => differences.push(format!("{place}.{key} is missing")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => match (theirs.as_slice(), ours.as_slice()) {
            ([], _) => {}
            ([one, ..], [found, ..]) if theirs.len() == ours.len() => {
                shape(one, found, &format!("{place}[0]"), differences);
            }
            _ => differences.push(format!("{place} has {} elements, recorded are {}", ours.len(), theirs.len())),
        },
        (Value::Null | Value::String(_), Value::Null | Value::String(_)) // an empty body is recorded as ""
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_)) => {}
        _ => differences.push(format!("{place} is {ours}, recorded is {theirs}")),
    }
}

#[test]
fn assets_are_uploaded_listed_renamed_and_deleted_as_recorded() {
    let Some(conversation) = Conversation::about("release-assets") else { return };
    conversation.with_release().replay();
}

#[test]
fn a_second_asset_of_a_name_conflicts_as_recorded() {
    let Some(conversation) = Conversation::about("release-assets-conflict") else { return };
    let mut conversation = conversation.with_release();
    // The recording begins with the first asset in place.
    let release = conversation.numbers[0].1.clone();
    let upload = format!("{release}/assets?name=test-upload.txt&label=test");
    let first = conversation.say("post", &upload, &json!("Hello, world!\n"), "text/plain");
    assert_eq!(first.status, 201, "{}", first.body);
    conversation.numbers.push(("/releases/assets/1000".to_owned(), format!("/releases/assets/{}", first.body["id"])));
    conversation.replay();
}

#[test]
fn refs_are_listed_made_moved_and_deleted_as_recorded() {
    let Some(mut conversation) = Conversation::about("git-refs") else { return };
    conversation.replay();
}

#[test]
fn a_refusal_says_what_is_wrong_in_the_recorded_form() {
    let Some(conversation) = Conversation::about("errors") else { return };
    let recorded = &conversation.recorded[0];
    let ours = conversation.say("post", "/releases", &json!({"tag_name": ""}), "application/json");
    assert_eq!(recorded["status"].as_u64(), Some(ours.status), "{}", ours.body);
    let mut differences = Vec::new();
    shape(&recorded["response"], &ours.body, "", &mut differences);
    assert!(differences.is_empty(), "{differences:#?}\n{}", ours.body);
    assert_eq!(ours.body["message"], recorded["response"]["message"]);
}
