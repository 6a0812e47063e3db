//! What is read, by which token, and where: lists, a renamed repository, git, the one GraphQL query.

use serde_json::json;

use super::*;

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
