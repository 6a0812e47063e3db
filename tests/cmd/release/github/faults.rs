//! What can go wrong at any request, and what people do meanwhile: it ends in success, in "run it again", or in an error that
//! says what was found and what to do. Nothing published is ever deleted.

mod every_answer;
mod immutable;
mod lists;
mod others;
mod stopped;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aileron_cli::github::Limits;
use aileron_cli::publisher::forge::model::wire::Call;
use aileron_cli::publisher::forge::model::{
    Asset, Beyond, Body, GitHub as Model, Release, Response, TagRef, Timestamp, Token,
};
use aileron_cli::publisher::release::ReleaseError;
use aileron_cli::ui::report::{Exit, Failure};
use serde_json::{Value, json};

use super::crash::is_write;
use super::stage::{BEGAN, Cohort, Fate, Stage, assert_public, journal_text};

fn cohort() -> &'static Cohort {
    static SMALL: std::sync::OnceLock<Cohort> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| Cohort::of(3))
}

/// How a run ended, in the terms a user sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ended {
    Well,
    Again,
    Error,
}

fn ended<T>(result: Result<T, ReleaseError>) -> (Ended, String) {
    let Err(error) = result else { return (Ended::Well, String::new()) };
    let failure = Failure::from(error);
    let next = failure.next.clone().unwrap_or_default();
    assert!(!failure.message.is_empty() && !next.is_empty(), "{failure:?}");
    let ended = if failure.exit == Exit::Incomplete { Ended::Again } else { Ended::Error };
    (ended, format!("{} → {next}", failure.message))
}

fn public(github: &Model) -> BTreeMap<String, Vec<(String, Option<aileron_verifier::name::digest::ArchiveDigest>)>> {
    let releases = github.repository.releases.values().filter(|release| !release.draft);
    let assets = |release: &Release| release.assets.iter().map(|asset| (asset.name.clone(), asset.digest)).collect();
    releases.map(|release| (release.tag_name.clone(), assets(release))).collect()
}

/// What is public stays, whatever happens.
fn assert_kept(before: &Model, after: &Model, what: &str) {
    let after = public(after);
    for (tag, assets) in public(before) {
        assert_eq!(after.get(&tag), Some(&assets), "{what}: {tag}");
    }
}

fn refused(status: u16, message: &str) -> Response {
    Response::json(status, json!({"message": message}))
}

const REQUESTS: [(&str, &str, &str); 10] = [
    ("the repository", "GET", "connector-weather"),
    ("the list", "GET", "/releases"),
    ("the commit", "GET", "/git/commits/"),
    ("the tags", "GET", "/git/matching-refs/"),
    ("a draft", "POST", "/releases"),
    ("an upload", "POST", "/assets"),
    ("a flip", "PATCH", "false"),
    ("the notes", "PATCH", "make_latest\":\"true"),
    ("a download", "GET", "/releases/download/"),
    ("the limits", "GET", "/rate_limit"),
];

/// Not asked of the API's budget: what comes back decides nothing there.
const OUTSIDE: [&str; 2] = ["a download", "the limits"];

fn is(call: &Call, (_, method, mark): (&str, &str, &str)) -> bool {
    let body = String::from_utf8_lossy(&call.body);
    let found = match (method, mark) {
        ("GET", "connector-weather" | "/releases") | ("POST", _) => call.path.ends_with(mark),
        ("PATCH", "false") => body.contains("\"draft\":false"),
        ("PATCH", mark) => body.contains(mark),
        _ => call.path.contains(mark),
    };
    call.method == method && found
}

/// A name, and what comes back.
type Answer = (&'static str, fn() -> Fate);

fn answers() -> Vec<Answer> {
    vec![
        ("401", || Fate::Instead(refused(401, "Bad credentials"))),
        ("403", || Fate::Instead(refused(403, "Resource not accessible by personal access token"))),
        ("403 secondary", || {
            let text = "You have exceeded a secondary rate limit.";
            Fate::Instead(refused(403, text).with("retry-after", "60"))
        }),
        ("403 primary", || {
            let limited = refused(403, "API rate limit exceeded").with("x-ratelimit-limit", "5000");
            let reset = (BEGAN + 600).to_string();
            Fate::Instead(limited.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", reset))
        }),
        ("404", || Fate::Instead(refused(404, "Not Found"))),
        ("409", || Fate::Instead(refused(409, "Conflict"))),
        ("422 invalid", || {
            let errors = json!([{"resource": "Release", "code": "invalid", "field": "tag_name"}]);
            Fate::Instead(Response::json(422, json!({"message": "Validation Failed", "errors": errors})))
        }),
        ("422 exists", || {
            let errors = json!([{"resource": "Release", "code": "already_exists", "field": "tag_name"}]);
            Fate::Instead(Response::json(422, json!({"message": "Validation Failed", "errors": errors})))
        }),
        ("429", || Fate::Instead(refused(429, "Too Many Requests"))),
        ("500", || Fate::Instead(refused(500, "Server Error"))),
        ("502", || {
            let headers = vec![("content-type", "text/html".to_owned())];
            Fate::Instead(Response { status: 502, headers, body: Body::Bytes(b"<html>"[..].into()) })
        }),
        ("200 and nonsense", || {
            let headers = vec![("content-type", "application/json".to_owned())];
            Fate::Instead(Response { status: 200, headers, body: Body::Bytes(b"{\"id\": 1"[..].into()) })
        }),
        ("307", || {
            Fate::Instead(refused(307, "Temporary Redirect").with("location", "https://api.github.com/repositories/1"))
        }),
        ("lost before", || Fate::LostBefore),
        ("lost after", || Fate::LostAfter),
        ("broken", || Fate::Broken),
    ]
}

/// Runs with something happening at the nth write.
fn meanwhile(write: usize, happens: impl FnOnce(&mut Model) + Send + 'static) -> (Arc<Stage>, Ended, String) {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    let (mut seen, mut happens) = (0, Some(happens));
    stage.script(move |call, github| {
        seen += usize::from(is_write(call));
        if seen > write
            && let Some(happens) = happens.take()
        {
            happens(github);
        }
        Fate::Answer
    });
    let (end, said) = ended(stage.publish(cohort));
    stage.script(|_, _| Fate::Answer);
    (stage, end, said)
}

/// A stranger's release under a tag of ours.
fn stranger(
    github: &mut Model,
    tag: &str,
    bytes: &[u8],
    digest: Option<aileron_verifier::name::digest::ArchiveDigest>,
) {
    let id = github.repository.releases.keys().max().copied().unwrap_or(0) + 500_000;
    let asset = Asset {
        id: id + 1,
        name: "aileron.tar.gz".to_owned(),
        label: None,
        state: aileron_cli::publisher::forge::model::AssetState::Uploaded,
        content_type: "application/octet-stream".to_owned(),
        size: bytes.len() as u64,
        digest,
        created: Timestamp(BEGAN * 1000),
        bytes: bytes.into(),
    };
    let release = Release {
        id,
        tag_name: tag.to_owned(),
        target_commitish: "main".to_owned(),
        name: Some("mine".to_owned()),
        body: None,
        draft: false,
        prerelease: true,
        immutable: false,
        created: Timestamp(BEGAN * 1000),
        published: Some(Timestamp(BEGAN * 1000)),
        updated: Timestamp(BEGAN * 1000),
        assets: vec![asset],
    };
    github.repository.releases.insert(id, release);
}
