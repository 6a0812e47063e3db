//! One table per rule. Here: drafts and releases; what is uploaded, read and limited has a file each.

mod limits;
mod reading;
mod uploads;

use serde_json::{Value, json};

use super::wire::{Call, encode};
use super::*;

const COMMIT: &str = "1111111111111111111111111111111111111111";
const WORKFLOW: &str = "2222222222222222222222222222222222222222";

/// A client of the model: its requests are a second apart, so that no limit of a second is met.
struct Client {
    github: GitHub,
    now: Timestamp,
    token: Option<&'static str>,
}

impl Client {
    fn new() -> Client {
        let mut repository = Repository::new("Acme", "Echo");
        repository.commits = Commits::These([COMMIT.to_owned(), WORKFLOW.to_owned()].into());
        repository.touches_workflows.insert(WORKFLOW.into());
        repository.files.insert("keys/publisher.pub".into(), b"a key\n".to_vec());
        let mut github = GitHub::new(repository);
        github.limits = Limits::none();
        Client { github, now: Timestamp::from_secs(1_700_000_000), token: Some("ghp_x") }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Response {
        self.now = self.now.plus(1000);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call {
            method: method.into(),
            origin: "http://h".into(),
            path: path.into(),
            query: query.into(),
            authorization: self.token.map(|token| format!("Bearer {token}")),
            user_agent: Some("test".into()),
            body: body.into(),
            ..Call::default()
        };
        self.github.answer(self.now, &call)
    }

    fn get(&mut self, path: &str) -> Response {
        self.call("GET", &format!("/repos/acme/echo{path}"), b"")
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> Response {
        self.call(method, &format!("/repos/acme/echo{path}"), body.to_string().as_bytes())
    }

    fn draft(&mut self, tag: &str) -> u64 {
        let answer =
            self.send("POST", "/releases", &json!({"tag_name": tag, "target_commitish": COMMIT, "draft": true}));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.document()["id"].as_u64().unwrap()
    }

    fn upload(&mut self, release: u64, name: &str, bytes: &[u8]) -> Response {
        let path = format!("/api/uploads/repos/acme/echo/releases/{release}/assets?name={}", encode(name));
        self.call("POST", &path, bytes)
    }

    fn publish(&mut self, id: u64) -> Response {
        self.send("PATCH", &format!("/releases/{id}"), &json!({"draft": false}))
    }

    fn released(&mut self, tag: &str, fields: Value) -> u64 {
        let id = self.draft(tag);
        let mut fields = fields;
        fields["draft"] = json!(false);
        let answer = self.send("PATCH", &format!("/releases/{id}"), &fields);
        assert_eq!(answer.status, 200, "{answer:?}");
        id
    }
}

/// `resource.field code` of every reason.
fn reasons(answer: &Response) -> Vec<String> {
    let reason = |error: &Value| {
        let word = |name: &str| error[name].as_str().unwrap_or("-").to_owned();
        format!("{}.{} {}", word("resource"), word("field"), word("code"))
    };
    answer.document()["errors"].as_array().map(|errors| errors.iter().map(reason).collect()).unwrap_or_default()
}

#[test]
fn a_draft_is_seen_by_those_who_may_push_and_has_no_tag() {
    let mut client = Client::new();
    let id = client.draft("actions/send/v0.1.0");
    let name = client.upload(id, "aileron.tar.gz", b"bytes").document()["browser_download_url"].clone();
    assert!(name.as_str().unwrap().starts_with("http://h/Acme/Echo/releases/download/untagged-"), "{name}");
    client.github.tokens.insert("ro".into(), Token::personal().read_only());
    for (token, path, status) in [
        (Some("ghp_x"), format!("/releases/{id}"), 200),
        (Some("ro"), format!("/releases/{id}"), 404),
        (None, format!("/releases/{id}"), 404),
        (None, format!("/releases/{id}/assets"), 404),
        (Some("ghp_x"), "/releases/tags/actions%2Fsend%2Fv0.1.0".into(), 404),
        (Some("ghp_x"), "/releases/tags/actions/send/v0.1.0".into(), 404),
        (Some("ghp_x"), "/git/ref/tags/actions/send/v0.1.0".into(), 404),
        (Some("ghp_x"), "/releases/latest".into(), 404),
    ] {
        client.token = token;
        assert_eq!(client.get(&path).status, status, "{token:?} {path}");
    }
    for (token, listed) in [(Some("ghp_x"), 1), (Some("ro"), 0), (None, 0)] {
        client.token = token;
        assert_eq!(client.get("/releases").document().as_array().unwrap().len(), listed, "{token:?}");
    }
    let path = "/acme/echo/releases/download/actions%2Fsend%2Fv0.1.0/aileron.tar.gz";
    assert_eq!(client.call("GET", path, b"").status, 404);
}

#[test]
fn publishing_makes_the_tag_and_the_download() {
    let mut client = Client::new();
    let id = client.draft("actions/send/v0.1.0");
    let uploaded = client.upload(id, "aileron.tar.gz", b"bytes");
    assert_eq!(uploaded.status, 201);
    let digest = aileron_verifier::name::digest::ArchiveDigest::of(&[b"bytes"]).to_string();
    assert_eq!(uploaded.document()["digest"], json!(digest));
    let published = client.publish(id);
    assert_eq!(published.document()["draft"], json!(false));
    assert_eq!(client.get("/git/ref/tags/actions/send/v0.1.0").document()["object"]["sha"], json!(COMMIT));
    assert_eq!(client.get("/git/ref/tags%2Factions%2Fsend%2Fv0.1.0").status, 200);
    assert_eq!(client.get("/releases/tags/actions%2Fsend%2Fv0.1.0").document()["id"], json!(id));
    client.token = None;
    for path in ["actions%2Fsend%2Fv0.1.0", "actions/send/v0.1.0"] {
        let found = client.call("GET", &format!("/ACME/echo/releases/download/{path}/aileron.tar.gz"), b"");
        assert_eq!(found.status, 302, "{path}");
        let location = found.header("location").unwrap().trim_start_matches("http://h").to_owned();
        assert_eq!(client.call("GET", &location, b"").body_bytes(), b"bytes");
        assert_eq!(client.call("GET", location.split('?').next().unwrap(), b"").status, 403, "without its signature");
    }
}

#[test]
fn what_cannot_be_a_release_is_refused_with_the_reason() {
    let long = "ü".repeat(BODY_LIMIT);
    let longer = format!("{long}x");
    for (fields, status, why) in [
        (json!({"tag_name": "v1", "target_commitish": "main"}), 201, vec![]),
        (json!({"tag_name": "v1", "target_commitish": COMMIT, "body": long}), 201, vec![]),
        (json!({"tag_name": "v1", "body": longer}), 422, vec!["Release.body custom"]),
        (json!({"tag_name": "v1", "target_commitish": "3".repeat(40)}), 422, vec!["Release.target_commitish invalid"]),
        (json!({"tag_name": "v1", "target_commitish": "nowhere"}), 422, vec!["Release.target_commitish invalid"]),
        (json!({"tag_name": "v1", "target_commitish": &COMMIT[..7]}), 422, vec!["Release.target_commitish invalid"]),
        (json!({}), 422, vec!["Release.tag_name missing_field"]),
        (json!({"tag_name": ""}), 422, vec!["Release.tag_name missing_field"]),
        (json!({"tag_name": 1}), 422, vec!["Release.tag_name invalid"]),
        (json!({"tag_name": "v1", "make_latest": "maybe"}), 422, vec!["Release.make_latest invalid"]),
        (json!([]), 400, vec![]),
    ] {
        let answer = Client::new().send("POST", "/releases", &fields);
        assert_eq!((answer.status, reasons(&answer)), (status, why.iter().map(|why| (*why).to_owned()).collect()));
    }
    for tag in ["a b", "v1..2", "v1.lock", ".v1", "v1.", "a//b", "/v1", "a/", "v1^", "a:b", "@", "-v1", COMMIT] {
        let answer = Client::new().send("POST", "/releases", &json!({"tag_name": tag, "draft": true}));
        assert_eq!(answer.status, 422, "{tag}");
    }
    assert_eq!(Client::new().call("POST", "/repos/acme/echo/releases", b"{").status, 400);
}

#[test]
fn a_tag_is_published_once_and_drafted_as_often_as_anyone_likes() {
    let mut client = Client::new();
    let first = client.draft("v1.0.0");
    let second = client.draft("v1.0.0");
    assert_eq!(client.publish(first).status, 200);
    let refused = client.publish(second);
    assert_eq!((refused.status, reasons(&refused)), (422, vec!["Release.tag_name already_exists".to_owned()]));
    let refused = client.send("POST", "/releases", &json!({"tag_name": "v1.0.0"}));
    assert_eq!(reasons(&refused), ["Release.tag_name already_exists"]);
    assert!(client.github.repository.releases[&second].draft, "a refused publication leaves the draft");
    client.draft("v1.0.0");
    assert_eq!(client.publish(first).status, 200, "publishing what is public changes nothing");
}

#[test]
fn an_existing_tag_keeps_its_commit() {
    let mut client = Client::new();
    let tag = TagRef::annotated(WORKFLOW, ["9".repeat(40)]);
    client.github.repository.tags.insert("v1.0.0".into(), tag);
    client.released("v1.0.0", json!({}));
    let found = client.get("/git/ref/tags/v1.0.0");
    assert_eq!(found.document()["object"]["type"], json!("tag"));
    let sha = found.document()["object"]["sha"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&format!("/git/tags/{sha}")).document()["object"]["sha"], json!(WORKFLOW));
    // A tag of a tag of a tag.
    let objects = ["7", "8", "9"].map(|digit| digit.repeat(40));
    client.github.repository.tags.insert("v2.0.0".into(), TagRef::annotated(WORKFLOW, objects.clone()));
    let mut object = client.get("/git/ref/tags/v2.0.0").document()["object"].clone();
    for expected in objects {
        assert_eq!((&object["type"], &object["sha"]), (&json!("tag"), &json!(expected)));
        object = client.get(&format!("/git/tags/{expected}")).document()["object"].clone();
    }
    assert_eq!((&object["type"], &object["sha"]), (&json!("commit"), &json!(WORKFLOW)));
}

#[test]
fn a_workflows_token_makes_no_tag_at_a_commit_that_touches_workflows() {
    for (token, commit, tagged, status) in [
        ("ghs_x", COMMIT, false, 201),
        ("ghs_x", WORKFLOW, false, 403),
        ("ghs_x", WORKFLOW, true, 201),
        ("ghp_x", WORKFLOW, false, 201),
    ] {
        let mut client = Client::new();
        client.token = Some(token);
        if tagged {
            client.github.repository.tags.insert("v1".into(), TagRef::light(WORKFLOW));
        }
        let answer = client.send("POST", "/releases", &json!({"tag_name": "v1", "target_commitish": commit}));
        assert_eq!(answer.status, status, "{token} {commit} {tagged}");
        if status == 403 {
            assert_eq!(answer.document()["message"], json!("Resource not accessible by integration"));
        }
    }
}

#[test]
fn an_immutable_release_is_frozen_and_burns_its_tag() {
    let mut client = Client::new();
    client.github.repository.immutable = true;
    let id = client.draft("v1.0.0");
    let asset = client.upload(id, "a", b"a").document()["id"].clone();
    assert_eq!(client.publish(id).document()["immutable"], json!(true));
    let refused = client.upload(id, "b", b"b");
    assert_eq!(refused.status, 422);
    assert_eq!(refused.document()["message"], json!("Cannot upload assets to an immutable release."));
    let release = format!("/releases/{id}");
    for (method, path, fields, status) in [
        ("DELETE", format!("/releases/assets/{asset}"), json!({}), 422),
        ("PATCH", format!("/releases/assets/{asset}"), json!({"name": "c"}), 422),
        ("PATCH", release.clone(), json!({"tag_name": "v2"}), 422),
        ("PATCH", release.clone(), json!({"draft": true}), 422),
        ("PATCH", release.clone(), json!({"name": "title", "body": "notes", "make_latest": "true"}), 200),
        ("DELETE", release, json!({}), 204),
    ] {
        assert_eq!(client.send(method, &path, &fields).status, status, "{method} {path} {fields}");
    }
    client.github.repository.tags.clear();
    client.github.repository.immutable = false;
    let again = client.draft("v1.0.0");
    let refused = client.publish(again);
    assert_eq!(refused.status, 422);
    assert!(refused.document().to_string().contains("tag_name was used by an immutable release"), "{refused:?}");
}

#[test]
fn latest_is_chosen_or_decided() {
    let mut client = Client::new();
    let latest = |client: &Client| client.github.latest().map(|release| release.tag_name.clone());
    client.released("v0.2.0", json!({}));
    assert_eq!(latest(&client).as_deref(), Some("v0.2.0"), "publishing makes Latest unless told otherwise");
    client.released("v0.1.9", json!({"make_latest": "false"}));
    assert_eq!(latest(&client).as_deref(), Some("v0.2.0"));
    let backport = client.released("v0.1.10", json!({}));
    assert_eq!(latest(&client).as_deref(), Some("v0.1.10"), "even a backport");
    client.send("PATCH", &format!("/releases/{backport}"), &json!({"make_latest": "legacy"}));
    assert_eq!(latest(&client).as_deref(), Some("v0.2.0"), "GitHub's own choice is the highest version");
    client.released("actions/send/v0.3.0", json!({"prerelease": true}));
    assert_eq!(latest(&client).as_deref(), Some("v0.2.0"), "a pre-release is never Latest");
    let pre = client.draft("v0.3.0-rc.1");
    for fields in [json!({"make_latest": "true"}), json!({"draft": false, "prerelease": true, "make_latest": "true"})] {
        let refused = client.send("PATCH", &format!("/releases/{pre}"), &fields);
        assert_eq!(refused.status, 422, "{fields}");
        assert!(refused.document().to_string().contains("Latest release cannot be draft or prerelease."));
    }
    assert!(client.github.repository.releases[&pre].draft);
}

#[test]
fn the_enterprise_prefix_is_in_the_answers() {
    let mut client = Client::new();
    let id = client.draft("v1");
    for (prefix, api) in [("", "http://h"), ("/api/v3", "http://h/api/v3")] {
        let found = client.call("GET", &format!("{prefix}/repos/acme/echo/releases/{id}"), b"");
        assert_eq!(found.document()["url"], json!(format!("{api}/repos/Acme/Echo/releases/{id}")));
        let upload = format!("http://h/api/uploads/repos/Acme/Echo/releases/{id}/assets{{?name,label}}");
        assert_eq!(found.document()["upload_url"], json!(upload));
    }
}

#[test]
fn the_state_can_be_written_down_and_read_again() {
    let mut client = Client::new();
    client.released("v1", json!({}));
    let text = serde_json::to_string(&client.github).unwrap();
    let again: GitHub = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&client.github).unwrap());
}
