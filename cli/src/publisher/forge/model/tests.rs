//! One table per rule.

use serde_json::{Value, json};

use super::wire::{Call, encode};
use super::*;

const COMMIT: &str = "1111111111111111111111111111111111111111";
const WORKFLOW: &str = "2222222222222222222222222222222222222222";

/// A client of the model: its requests are a second apart, so that nobody is hasty.
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
fn an_asset_gets_the_name_github_gives_it() {
    for (name, stored) in [
        ("aileron.tar.gz", "aileron.tar.gz"),
        ("cohort.json.sig", "cohort.json.sig"),
        ("my title.exe", "my.title.exe"),
        ("tobwen-1.1.0-1~buster_amd64.deb", "tobwen-1.1.0-1.buster_amd64.deb"),
        ("v1.3.0-(15-5)-x.apk", "v1.3.0-.15-5.-x.apk"),
        ("a+b", "a+b"),
        ("a #$%b", "a.b"),
        (".hidden.", "hidden"),
    ] {
        assert_eq!(assets::stored_name(name), stored);
    }
}

#[test]
fn an_upload_is_taken_or_refused_with_the_reason() {
    let mut client = Client::new();
    client.github.asset_limits = AssetLimits { bytes: 10, per_release: 3 };
    let id = client.draft("v1");
    for (name, bytes, status, why) in [
        ("a b", "x", 201, ""),
        ("a.b", "x", 422, "ReleaseAsset.name already_exists"),
        ("", "x", 422, "ReleaseAsset.name missing_field"),
        ("c", "", 422, "ReleaseAsset.size custom"),
        ("c", "0123456789", 422, "ReleaseAsset.size custom"),
        ("c", "012345678", 201, ""),
        ("d", "x", 201, ""),
        ("e", "x", 422, "ReleaseAsset.file_count custom"),
    ] {
        let answer = client.upload(id, name, bytes.as_bytes());
        assert_eq!((answer.status, reasons(&answer).join(",")), (status, why.to_owned()), "{name}");
    }
    assert_eq!(client.upload(1, "a", b"a").status, 404);
    assert!(client.upload(id, "a", b"a").header("x-ratelimit-limit").is_none());
}

#[test]
fn a_broken_upload_takes_the_name_until_it_is_deleted() {
    let mut client = Client::new();
    let id = client.draft("v1");
    let path = format!("/api/uploads/repos/acme/echo/releases/{id}/assets");
    let call = Call {
        method: "POST".into(),
        path,
        query: "name=a".into(),
        user_agent: Some("test".into()),
        ..Call::default()
    };
    let mut request = wire::understand(&call).unwrap();
    request.token = Some("ghp_x".into());
    let Operation::Upload(mut upload) = request.operation else { panic!("an upload") };
    upload.bytes = b"bytes"[..].into();
    request.operation = Operation::BrokenUpload(upload);
    assert_eq!(client.github.handle(client.now, &request).status, 502);
    let listed = client.get(&format!("/releases/{id}/assets"));
    let asset = &listed.document()[0];
    assert_eq!((&asset["state"], &asset["digest"], &asset["size"]), (&json!("starter"), &Value::Null, &json!(0)));
    let number = asset["id"].clone();
    assert_eq!(reasons(&client.upload(id, "a", b"bytes")), ["ReleaseAsset.name already_exists"]);
    assert_eq!(client.send("DELETE", &format!("/releases/assets/{number}"), &json!({})).status, 204);
    assert_eq!(client.upload(id, "a", b"bytes").status, 201);
}

#[test]
fn who_may_not_is_told_how() {
    let mut client = Client::new();
    let now = client.now;
    client.github.tokens.insert("soon".into(), Token::personal().expiring(now));
    client.github.tokens.insert("later".into(), Token::personal().expiring(now.plus(3_600_000)));
    client.github.tokens.insert("ro".into(), Token::personal().read_only());
    client.github.tokens.insert("ghs_ro".into(), Token::actions().read_only());
    client.github.revoked.insert("bad".into());
    for (token, private, read, write, message) in [
        (None, false, 200, 401, "Requires authentication"),
        (None, true, 404, 404, "Not Found"),
        (Some("bad"), false, 401, 401, "Bad credentials"),
        (Some(""), false, 401, 401, "Bad credentials"),
        (Some("soon"), false, 401, 401, "Bad credentials"),
        (Some("later"), true, 200, 201, ""),
        (Some("ro"), true, 200, 403, "Resource not accessible by personal access token"),
        (Some("ghs_ro"), false, 200, 403, "Resource not accessible by integration"),
    ] {
        client.token = token;
        client.github.repository.private = private;
        assert_eq!(client.get("").status, read, "{token:?} {private}");
        let answer = client.send("POST", "/releases", &json!({"tag_name": "v1", "draft": true}));
        assert_eq!(answer.status, write, "{token:?} {private}");
        if status_is_refusal(write) {
            assert_eq!(answer.document()["message"], json!(message), "{token:?}");
            assert_eq!(answer.document()["status"], json!(write.to_string()), "{token:?}");
        }
    }
}

fn status_is_refusal(status: u16) -> bool {
    status >= 400
}

#[test]
fn the_list_has_pages_a_cap_and_a_lag() {
    let mut client = Client::new();
    for number in 0..7 {
        client.draft(&format!("v0.{number}.0"));
    }
    let tags = |answer: &Response| -> Vec<String> {
        let tag = |release: &Value| release["tag_name"].as_str().unwrap().to_owned();
        answer.document().as_array().unwrap().iter().map(tag).collect()
    };
    let page = client.get("/releases?per_page=3&page=2");
    assert_eq!(tags(&page), ["v0.3.0", "v0.2.0", "v0.1.0"]);
    let link = page.header("link").unwrap();
    for rel in ["page=1>; rel=\"prev\"", "page=3>; rel=\"next\"", "page=3>; rel=\"last\"", "page=1>; rel=\"first\""] {
        assert!(link.contains(rel), "{link}");
    }
    assert!(client.get("/releases").header("link").is_none());
    for (cap, beyond, page, status, listed) in [
        (6, Beyond::Refused, 2, 200, 3),
        (6, Beyond::Refused, 3, 422, 0),
        (6, Beyond::Empty, 3, 200, 0),
        (8, Beyond::Refused, 4, 200, 0),
    ] {
        client.github.listing = Listing { cap, beyond, lag: 0 };
        let answer = client.get(&format!("/releases?per_page=3&page={page}"));
        let length = answer.document().as_array().map_or(0, Vec::len);
        assert_eq!((answer.status, length), (status, listed), "{cap} {beyond:?} {page}");
    }
    client.github.listing = Listing { cap: 10_000, beyond: Beyond::Refused, lag: 30_000 };
    let young = client.draft("v0.9.0");
    assert!(!tags(&client.get("/releases")).contains(&"v0.9.0".to_owned()));
    assert_eq!(client.get(&format!("/releases/{young}")).status, 200, "by number it is there at once");
    client.now = client.now.plus(30_000);
    assert!(tags(&client.get("/releases")).contains(&"v0.9.0".to_owned()));
}

#[test]
fn a_renamed_repository_redirects() {
    let mut client = Client::new();
    client.github.repository.former.push("old/echo".into());
    for (method, path, status, location) in [
        (
            "GET",
            "/repos/OLD/echo/releases?per_page=100",
            301,
            "http://h/repositories/1000/releases?per_page=100&page=1",
        ),
        ("POST", "/api/v3/repos/old/echo/releases", 307, "http://h/api/v3/repositories/1000/releases"),
        ("GET", "/old/echo/releases/download/v1/a", 301, "http://h/Acme/Echo/releases/download/v1/a"),
    ] {
        let answer = client.call(method, path, b"{\"tag_name\": \"v1\"}");
        assert_eq!((answer.status, answer.header("location")), (status, Some(location)), "{path}");
    }
    assert_eq!(client.call("GET", "/repositories/1000/releases", b"").status, 200);
    assert_eq!(client.call("GET", "/repos/acme/else", b"").status, 404);
    assert_eq!(client.get("").document()["full_name"], json!("Acme/Echo"), "in the canonical spelling");
}

#[test]
fn git_is_read_as_far_as_it_was_pushed() {
    let mut client = Client::new();
    for (path, status) in [
        (format!("/commits/{COMMIT}"), 200),
        ("/commits/main".into(), 200),
        (format!("/commits/{}", "3".repeat(40)), 422),
        (format!("/git/commits/{COMMIT}"), 200),
        (format!("/git/commits/{}", "3".repeat(40)), 404),
        ("/git/ref/heads/main".into(), 200),
        ("/git/ref/heads/mai".into(), 404),
        ("/contents/keys/publisher.pub".into(), 200),
        ("/contents/keys/other.pub".into(), 404),
    ] {
        assert_eq!(client.get(&path).status, status, "{path}");
    }
    let files = client.get(&format!("/commits/{WORKFLOW}")).document()["files"].clone();
    assert_eq!(files[0]["filename"], json!(".github/workflows/release.yml"));
    assert_eq!(client.get("/git/matching-refs/heads/m").document().as_array().unwrap().len(), 1);
    assert_eq!(client.call("GET", "/acme/echo/HEAD/keys/publisher.pub", b"").body_bytes(), b"a key\n");
}

#[test]
fn a_ref_is_made_moved_and_deleted() {
    let mut client = Client::new();
    client.github.repository.immutable = true;
    client.released("v9", json!({}));
    for (method, path, fields, status) in [
        ("POST", "/git/refs", json!({"ref": "refs/tags/a/v1", "sha": COMMIT}), 201),
        ("POST", "/git/refs", json!({"ref": "refs/tags/a/v1", "sha": COMMIT}), 422),
        ("POST", "/git/refs", json!({"ref": "refs/tags/v2", "sha": "3".repeat(40)}), 422),
        ("POST", "/git/refs", json!({"ref": "v2", "sha": COMMIT}), 422),
        ("PATCH", "/git/refs/tags/a/v1", json!({"sha": WORKFLOW}), 200),
        ("PATCH", "/git/refs/tags/v3", json!({"sha": WORKFLOW}), 422),
        ("PATCH", "/git/refs/tags/v9", json!({"sha": WORKFLOW}), 422),
        ("DELETE", "/git/refs/tags/v9", json!({}), 422),
        ("GET", "/git/ref/tags/a/v1", json!({}), 200),
        ("DELETE", "/git/refs/tags/a/v1", json!({}), 204),
        ("DELETE", "/git/refs/tags/a/v1", json!({}), 422),
        ("GET", "/git/ref/tags/a/v1", json!({}), 404),
    ] {
        assert_eq!(client.send(method, path, &fields).status, status, "{method} {path} {fields}");
    }
}

#[test]
fn the_one_graphql_query_finds_drafts_by_tag() {
    let mut client = Client::new();
    let id = client.draft("v1");
    let query = "query RepositoryReleaseByTag{repository{release(tagName: $tagName){databaseId,isDraft}}}";
    let ask = |tag: &str, query: &str| {
        json!({"query": query, "variables": {"owner": "acme", "name": "echo", "tagName": tag}}).to_string()
    };
    for (tag, found) in [("v1", json!({"databaseId": id, "isDraft": true})), ("v2", Value::Null)] {
        let answer = client.call("POST", "/api/graphql", ask(tag, query).as_bytes());
        assert_eq!(answer.document()["data"]["repository"]["release"], found, "{tag}");
    }
    assert_eq!(client.call("POST", "/graphql", ask("v1", "query{viewer{login}}").as_bytes()).status, 404);
}

#[test]
fn the_primary_limit_is_an_hour_of_requests() {
    for (token, limit) in [(Some("ghp_x"), 5000), (Some("ghs_x"), 1000), (None, 60)] {
        let mut client = Client::new();
        client.github.limits = Limits { primary: Limits::github().primary, ..Limits::none() };
        client.token = token;
        client.get("");
        let start = client.now;
        for _ in 1..limit {
            client.now = start.plus(10);
            assert_eq!(client.get("").status, 200, "{token:?}");
        }
        client.now = start.plus(20);
        let refused = client.get("");
        assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, Some("0")), "{token:?}");
        assert!(refused.header("retry-after").is_none());
        assert!(refused.document()["message"].as_str().unwrap().starts_with("API rate limit exceeded for "));
        let reset: u64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert_eq!(reset, start.secs() + 3600);
        assert_eq!(client.call("GET", "/rate_limit", b"").document()["rate"]["remaining"], json!(0));
        client.now = Timestamp(reset * 1000 - 1000 - 1);
        assert_eq!(client.get("").status, 403, "{token:?} a moment before the reset");
        client.now = Timestamp(reset * 1000 - 1000);
        let fresh = client.get("");
        assert_eq!((fresh.status, fresh.header("x-ratelimit-used")), (200, Some("1")), "{token:?}");
    }
}

#[test]
fn creations_and_points_slide() {
    let github = Limits::github();
    let minute = Limits { creations_per_minute: github.creations_per_minute, ..Limits::none() };
    let hour = Limits { creations_per_hour: github.creations_per_hour, ..Limits::none() };
    for (limits, allowed, window) in [(minute, 80, 60_000), (hour, 500, 3_600_000)] {
        let mut client = Client::new();
        client.github.limits = limits;
        let start = client.now;
        for number in 0..allowed {
            client.now = start;
            client.draft(&format!("v0.{number}.0"));
        }
        let body = json!({"tag_name": "v1", "draft": true});
        client.now = start.plus(window - 2500);
        let refused = client.send("POST", "/releases", &body);
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (403, Some("3")),
            "1,5 s before the end, and 1 s per call"
        );
        assert!(
            refused.document()["message"].as_str().unwrap().starts_with("You have exceeded a secondary rate limit")
        );
        assert_eq!(client.get("/releases").status, 200, "reading goes on");
        client.now = start.plus(window);
        assert_eq!(client.send("POST", "/releases", &body).status, 201);
        assert_eq!(client.github.meter.usage.limited, 1);
    }
    let mut client = Client::new();
    let id = client.draft("v1");
    client.github.meter = Meter::default();
    client.github.limits = Limits { points_per_minute: github.points_per_minute, ..Limits::none() };
    let start = client.now;
    for _ in 0..180 {
        client.now = start;
        assert_eq!(client.send("PATCH", &format!("/releases/{id}"), &json!({})).status, 200);
    }
    client.now = start;
    assert_eq!(client.get("").header("retry-after"), Some("60"), "180 writes of 5 are 900 points");
    assert_eq!(client.github.meter.usage.hasty_writes, 179, "and far less than a second apart");
    client.now = start.plus(60_000);
    assert_eq!(client.get("").status, 200);
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
