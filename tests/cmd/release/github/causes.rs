//! What GitHub says about a request is what the user is told: how long to wait, what the token lacks, where it may go.

use aileron_cli::publisher::forge::model::{Body, Release, Response, TagRef, Timestamp};
use aileron_cli::publisher::release::ReleaseError;
use aileron_cli::ui::report::{Exit, Failure};
use serde_json::json;

use super::crash::is_write;
use super::stage::{BEGAN, Cohort, Fate, Stage, assert_public};

fn cohort() -> &'static Cohort {
    static SMALL: std::sync::OnceLock<Cohort> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| Cohort::of(2))
}

fn failure<T>(result: Result<T, ReleaseError>) -> Failure {
    result.err().map(Failure::from).expect("a failure")
}

fn date(second: u64) -> String {
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(second))
}

/// Publishes while the n-th write is answered with this status and these headers once.
fn answered_once(
    status: u16,
    headers: &[(&'static str, String)],
    nth: usize,
) -> (std::sync::Arc<Stage>, Result<(), Failure>) {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    let headers = headers.to_vec();
    let mut seen = 0;
    stage.script(move |call, _| {
        seen += usize::from(is_write(call));
        if is_write(call) && seen == nth {
            let refused = Response::json(status, json!({"message": "Slow down"}));
            return Fate::Instead(
                headers.iter().fold(refused, |answer, (name, value)| answer.with(name, value.clone())),
            );
        }
        Fate::Answer
    });
    let result = stage.publish(cohort).map(drop).map_err(Failure::from);
    (stage, result)
}

#[test] // RFC 9110 §10.2.3
fn a_wait_is_as_long_as_the_header_says_in_either_form() {
    for status in [403, 429, 503] {
        for (retry_after, least, most) in
            [("40".to_owned(), 40, 60), (date(BEGAN + 40), 20, 60), ("0".to_owned(), 0, 20), (date(BEGAN - 600), 0, 20)]
        {
            let headers = [("retry-after", retry_after.clone()), ("date", date(BEGAN))];
            let (stage, result) = answered_once(status, &headers, 2);
            assert!(result.is_ok(), "{status} {retry_after}: {result:?}");
            assert_public(&cohort().proven, &stage.github());
            let took = stage.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - BEGAN;
            assert!((least..=most + 20).contains(&took), "{status} {retry_after}: {took} s");
        }
    }
}

#[test]
fn no_number_in_a_header_ends_the_process() {
    let huge = || u64::MAX.to_string();
    for headers in [
        vec![("retry-after", huge())],
        vec![("retry-after", "99999999999999999999999999".to_owned())],
        vec![("retry-after", date(253_402_300_799))],
        vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", huge()), ("x-ratelimit-limit", huge())],
        vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", (1_u64 << 63).to_string())],
        vec![("x-ratelimit-remaining", huge()), ("x-ratelimit-limit", "0".to_owned()), ("x-ratelimit-reset", huge())],
        vec![("retry-after", "nonsense".to_owned())],
        vec![("retry-after", "-5".to_owned())],
        vec![("date", "Fri, 31 Dec 9999 23:59:59 GMT".to_owned()), ("retry-after", "5".to_owned())],
        vec![("date", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned()), ("x-ratelimit-reset", "0".to_owned())],
    ] {
        for status in [403, 429, 503, 200] {
            let (_, result) = answered_once(status, &headers, 1);
            if let Err(failure) = result {
                assert!(matches!(failure.exit, Exit::Incomplete | Exit::Failure), "{status} {headers:?}: {failure:?}");
            }
        }
    }
}

#[test]
fn a_refusal_names_what_the_token_lacks_and_is_final() {
    let integration = "Resource not accessible by integration";
    for (headers, message, lacks) in [
        (vec![("x-accepted-github-permissions", "contents=write")], integration, "the permission contents=write"),
        (
            vec![("x-accepted-github-permissions", "contents=write,workflows=write")],
            integration,
            "the permission contents=write and workflows=write",
        ),
        (vec![], "Resource not accessible by personal access token", "GitHub does not say which"),
        (
            vec![("x-oauth-scopes", "gist"), ("x-accepted-oauth-scopes", "repo")],
            "Must have push access to repository",
            "the scope repo",
        ),
        (vec![("x-github-sso", "required; url=https://github.com/orgs/acme/sso")], "Protected", "single sign-on"),
    ] {
        let cohort = cohort();
        let stage = Stage::new(cohort.hosted());
        stage.script(move |call, _| {
            if is_write(call) {
                let refused = Response::json(403, json!({"message": message}));
                return Fate::Instead(headers.iter().fold(refused, |answer, (name, value)| answer.with(name, *value)));
            }
            Fate::Answer
        });
        let failure = failure(stage.publish(cohort));
        assert_eq!(failure.exit, Exit::Failure, "{failure:?}");
        assert!(failure.message.contains(lacks) && !failure.message.contains(".github/workflows"), "{failure:?}");
        assert!(failure.next.is_some() && failure.details["lacks"].as_str().unwrap().contains(lacks), "{failure:?}");
        assert_eq!(failure.details["writes_done"], 0, "{failure:?}");
        assert!(stage.github().repository.releases.is_empty());
    }
}

#[test]
fn the_token_goes_to_no_other_place_than_the_api_and_its_uploads() {
    for upload_url in [
        "https://uploads.example.com/repos/a/b/releases/1/assets{?name,label}",
        "http://127.0.0.1:9/up{?name,label}",
        "https://api.github.com.evil.example/up{?name}",
        "https://token@uploads.github.com/up{?name}",
        "https://uploads.github.com:8443/up{?name}",
        "http://uploads.github.com/up{?name}",
        "https://uploads.github.com.evil.example/up",
        "https://user:pass@api.github.com/up",
        "file:///etc/passwd",
        "//uploads.github.com/up",
        "",
    ] {
        let cohort = cohort();
        let stage = Stage::new(cohort.hosted());
        let foreign = upload_url.to_owned();
        stage.script(move |call, github| {
            if call.method == "POST" && call.path.ends_with("/releases") {
                let mut made = github.answer(Timestamp(BEGAN * 1000), call);
                if let Body::Json(document) = &mut made.body {
                    document["upload_url"] = json!(foreign);
                }
                return Fate::Instead(made);
            }
            assert!(!call.path.ends_with("/up"), "sent to {foreign}");
            Fate::Answer
        });
        let failure = failure(stage.publish(cohort));
        let said = ["the token is not sent to this address: it ", "(the API is https://api.github.com/)"];
        assert!(said.iter().all(|part| failure.message.contains(part)), "{upload_url}: {failure:?}");
        assert_eq!(failure.exit, Exit::Failure, "{upload_url}");
        assert!(!failure.message.contains("pass@"), "{failure:?}");
    }
}

#[test] // artifacts.md §12
fn a_tag_of_a_tag_is_followed_to_its_commit() {
    let cohort = cohort();
    let tag = cohort.proven.tags[0].to_string();
    let commit = cohort.proven.cohort.commit.to_string();
    let object = |depth: usize| format!("{depth:040}");
    for (tags, other) in [(1, false), (2, false), (5, false), (3, true), (40, false), (257, false), (300, false)] {
        let stage = Stage::new(cohort.hosted());
        let last = if other { "d".repeat(40) } else { commit.clone() };
        let pointed = TagRef::annotated(last.clone(), [object(1)]);
        stage.github().repository.tags.insert(tag.clone(), pointed);
        stage.script(move |call, _| {
            let Some((_, id)) = call.path.split_once("/git/tags/") else { return Fate::Answer };
            let depth: usize = id.parse().unwrap();
            let (kind, sha) = if depth == tags { ("commit", last.clone()) } else { ("tag", object(depth + 1)) };
            Fate::Instead(Response::json(200, json!({"sha": id, "object": {"type": kind, "sha": sha}})))
        });
        let result = stage.publish(cohort).map(drop).map_err(Failure::from);
        match (tags, other) {
            (..=256, false) => assert!(result.is_ok(), "{tags}: {result:?}"),
            _ => {
                let failure = result.expect_err("another commit, or no end");
                let found =
                    if other { "points at commit dddd" } else { "points at a tag behind more than 256 other tags" };
                assert!(failure.message.contains(found), "{tags}: {failure:?}");
            }
        }
    }
}

#[test]
fn a_draft_with_notes_of_others_is_reported_and_left_alone() {
    let cohort = cohort();
    for artifact in 0..2 {
        for body in ["Highlights of this release", " \n written by hand", "- [x] todo"] {
            let stage = Stage::new(cohort.hosted());
            let tag = cohort.proven.tags[artifact].to_string();
            let draft = Release {
                id: 4711,
                tag_name: tag.clone(),
                target_commitish: "main".to_owned(),
                name: Some("Big news".to_owned()),
                body: Some(body.to_owned()),
                draft: true,
                prerelease: false,
                immutable: false,
                created: Timestamp((BEGAN - 3600) * 1000),
                published: None,
                updated: Timestamp((BEGAN - 3600) * 1000),
                assets: Vec::new(),
            };
            stage.github().repository.releases.insert(4711, draft);
            let failure = failure(stage.publish(cohort));
            assert!(failure.message.contains("has notes that this tool did not write"), "{failure:?}");
            assert!(failure.message.contains(&tag) && failure.next.is_some(), "{failure:?}");
            let github = stage.github();
            assert_eq!(github.repository.releases.len(), 1, "nothing was made beside it");
            assert_eq!(github.repository.releases[&4711].body.as_deref(), Some(body));
        }
    }
}

#[test]
fn workflow_files_are_blamed_only_where_they_were_seen_to_differ() {
    let cohort = cohort();
    let commit = cohort.proven.cohort.commit.to_string();
    let both = "contents=write; contents=write,workflows=write";
    for (token, accepted, differ, message, not) in [
        ("ghp_x", both, false, "the token lacks the permission contents=write:", "workflows"),
        ("ghp_x", both, true, "other files in .github/workflows than the default branch, and a token without", "lacks"),
        ("github_pat_x", both, true, "a token without the permission workflows=write may not tag", "lacks"),
        ("ghp_x", "contents=write", true, "the token lacks the permission contents=write:", "workflows"),
        ("ghp_x", "", true, "GitHub does not say which", "workflows"),
        ("ghs_x", both, false, "the token lacks the permission contents=write:", "workflows"),
        ("ghs_x", both, true, "a workflow's own token may not tag such a commit", "lacks"),
    ] {
        let stage = Stage::with(cohort.hosted(), |stage| stage.token = token.to_owned());
        if differ {
            stage.github().repository.touches_workflows.insert(commit.clone());
        }
        stage.script(move |call, _| {
            if is_write(call) {
                let refused = Response::json(403, json!({"message": "Resource not accessible by integration"}));
                return Fate::Instead(refused.with("x-accepted-github-permissions", accepted));
            }
            Fate::Answer
        });
        let failure = failure(stage.publish(cohort));
        assert!(failure.message.contains(message), "{token} {accepted} {differ}: {failure:?}");
        assert!(!failure.message.contains(not) && failure.exit == Exit::Failure, "{token} {accepted}: {failure:?}");
    }
    // Where they cannot be compared, they are neither blamed nor ruled out.
    let stage = Stage::with(cohort.hosted(), |stage| stage.token = "ghp_x".to_owned());
    stage.script(move |call, _| match (is_write(call), call.path.contains("/contents/")) {
        (true, _) => {
            let refused = Response::json(403, json!({"message": "Resource not accessible by personal access token"}));
            Fate::Instead(refused.with("x-accepted-github-permissions", both))
        }
        (_, true) => Fate::LostBefore,
        _ => Fate::Answer,
    });
    let failure = failure(stage.publish(cohort));
    assert!(failure.message.contains("contents=write, or contents=write and workflows=write"), "{failure:?}");
}

#[test] // artifacts.md §12
fn a_tag_that_leads_to_no_commit_is_named_with_what_it_leads_to() {
    let cohort = cohort();
    let tag = cohort.proven.tags[1].to_string();
    let commit = cohort.proven.cohort.commit.to_string();
    let (a, b) = ("a".repeat(40), "b".repeat(64));
    let object = |kind: &str, sha: &str| json!({"type": kind, "sha": sha});
    for (first, last, found) in [
        (object("tree", &a), object("tree", &a), format!("points at tree {a}")),
        (object("blob", &b), object("blob", &b), format!("points at blob {b}")),
        (object("tag", &a), object("tree", &b), format!("points at tree {b}")),
        (object("tag", &a), object("tag", &a), "points at a tag that leads back to itself".to_owned()),
        (object("tag", &b), object("commit", &a), format!("points at commit {a}")),
        (object("tag", "../../user"), object("commit", &commit), "points at tag ../../user".to_owned()),
        (object("tag", ""), object("commit", &commit), "points at tag ".to_owned()),
        (object("commit", &commit[..39]), json!({}), format!("points at commit {}", &commit[..39])),
        (json!({"type": 7, "sha": [1]}), json!({}), "points at ".to_owned()),
        (json!(null), json!(null), "points at ".to_owned()),
        (object("commit", "\u{1b}[2J"), json!({}), "points at commit \\u{1b}[2J".to_owned()),
    ] {
        let stage = Stage::new(cohort.hosted());
        let named = tag.clone();
        stage.script(move |call, _| {
            if call.path.contains("/git/tags/") {
                return Fate::Instead(Response::json(200, json!({"sha": "x", "object": last})));
            }
            if call.path.contains("/git/matching-refs/tags/actions") {
                return Fate::Instead(Response::json(
                    200,
                    json!([{"ref": format!("refs/tags/{named}"), "object": first}]),
                ));
            }
            Fate::Answer
        });
        let failure = failure(stage.publish(cohort));
        assert!(failure.message.contains(&found) && failure.message.contains(&tag), "{found}: {failure:?}");
        assert!(failure.message.contains(&commit), "{failure:?}");
        assert!(stage.github().repository.releases.is_empty());
    }
}

#[test]
fn a_former_address_is_asked_only_where_it_is_the_apis_own() {
    let cohort = cohort();
    for location in [
        "https://evil.example/repositories/1",
        "https://api.github.com.evil.example/repositories/1",
        "https://api.github.com@evil.example/repositories/1",
        "https://api.github.com:444/repositories/1",
        "http://api.github.com/repositories/1",
        "//api.github.com/repositories/1",
        "https://user:pass@api.github.com/repositories/1",
    ] {
        let stage = Stage::new(cohort.hosted());
        stage.script(move |call, _| {
            assert!(call.origin == "https://api.github.com" && !call.path.contains("repositories"), "sent to {call:?}");
            let moved = Response::json(301, json!({"message": "Moved Permanently"}));
            Fate::Instead(moved.with("location", location))
        });
        let failure = failure(stage.publish(cohort));
        assert!(
            failure.message.contains("renamed or transferred") && !failure.message.contains("pass@"),
            "{failure:?}"
        );
    }
}
