//! The fake GitHub over HTTP, driven by a client that others wrote.

use aileron_testkit::github::{FakeGitHub, GitHub, Limits, Options, Repository, Script, Timestamp};
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A client to be. The whole workspace shares one build of it, and that one wants its TLS named even for plain HTTP.
fn builder() -> ClientBuilder {
    // The first of the tests installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// A client with a token, and the fake it talks to.
struct World {
    fake: FakeGitHub,
    client: Client,
}

impl World {
    fn new() -> World {
        let mut github = GitHub::new(Repository::new("Acme", "Echo"));
        github.limits = Limits::none();
        World::of(github)
    }

    fn of(github: GitHub) -> World {
        let client = builder().user_agent("test").no_proxy().redirect(reqwest::redirect::Policy::none());
        World { fake: FakeGitHub::start(github), client: client.build().expect("a client") }
    }

    fn script(&self, text: &str) {
        self.fake.set_script(text.parse::<Script>().expect("a script"));
    }

    fn try_send(&self, method: &str, address: &str, body: Vec<u8>) -> reqwest::Result<Answer> {
        let address =
            if address.starts_with("http") { address.to_owned() } else { format!("{}{address}", self.fake.url()) };
        let request = self.client.request(method.parse().expect("a method"), address).bearer_auth("ghp_x").body(body);
        Answer::read(request.send()?)
    }

    fn send(&self, method: &str, address: &str, body: &Value) -> Answer {
        self.try_send(method, address, body.to_string().into_bytes()).expect("an answer")
    }

    fn get(&self, address: &str) -> Answer {
        self.try_send("GET", address, Vec::new()).expect("an answer")
    }

    fn draft(&self, tag: &str) -> Value {
        let answer = self.send("POST", "/repos/acme/echo/releases", &json!({"tag_name": tag, "draft": true}));
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn read(response: Response) -> reqwest::Result<Answer> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, bytes: response.bytes()?.to_vec() })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn a_release_walks_from_draft_to_download() {
    let world = World::new();
    let draft = world.draft("actions/send/v0.1.0");
    assert!(text(&draft, "url").starts_with(&world.fake.url()), "addresses are where the client asked");
    let upload = text(&draft, "upload_url").replace("{?name,label}", "?name=aileron.tar.gz");
    let asset = world.try_send("POST", &upload, b"the bytes".to_vec()).unwrap();
    assert_eq!((asset.status, text(&asset.json(), "state")), (201, "uploaded"));
    let public = "/acme/echo/releases/download/actions%2Fsend%2Fv0.1.0/aileron.tar.gz";
    assert_eq!(world.get(public).status, 404, "a draft is not downloaded");
    let published = world.send("PATCH", text(&draft, "url"), &json!({"draft": false, "prerelease": true}));
    assert_eq!(published.status, 200);
    let address = published.json()["assets"][0]["browser_download_url"].as_str().unwrap().to_owned();
    assert!(address.ends_with("/Acme/Echo/releases/download/actions%2Fsend%2Fv0.1.0/aileron.tar.gz"), "{address}");
    for address in [address.as_str(), public, text(&asset.json(), "url")] {
        let client = builder().user_agent("test").no_proxy().build().unwrap();
        let address =
            if address.starts_with('/') { format!("{}{address}", world.fake.url()) } else { address.to_owned() };
        let found = client.get(address).header("accept", "application/octet-stream").send().unwrap();
        assert_eq!(found.bytes().unwrap(), "the bytes", "through the redirect, without a token");
    }
    let by_tag = world.get("/repos/ACME/echo/releases/tags/actions%2Fsend%2Fv0.1.0");
    assert_eq!(by_tag.json()["id"], draft["id"]);
    assert_eq!(world.get("/repos/acme/echo/releases/latest").status, 404, "a pre-release is not Latest");
}

#[test]
fn pages_are_followed_to_the_end() {
    let world = World::new();
    for number in 0..25 {
        world.draft(&format!("v0.{number}.0"));
    }
    let mut next = "/repos/acme/echo/releases?per_page=10".to_owned();
    let mut tags = Vec::new();
    while !next.is_empty() {
        let page = world.get(&next);
        tags.extend(page.json().as_array().unwrap().iter().map(|release| text(release, "tag_name").to_owned()));
        let links = page.header("link").split(", ").map(|link| link.split_once(">; rel=").unwrap_or(("", "")));
        let following = links.filter(|(_, rel)| *rel == "\"next\"").map(|(address, _)| address.trim_start_matches('<'));
        next = following.collect();
    }
    assert_eq!(tags.len(), 25);
    assert_eq!(world.fake.log().iter().filter(|entry| entry.method == "GET").count(), 3);
}

#[test]
fn limits_are_told_in_headers_and_end_with_time() {
    let mut github = GitHub::new(Repository::new("Acme", "Echo"));
    github.limits.creations_per_minute = Some(2);
    let world = World::of(github);
    let start = Timestamp::from_secs(1_700_000_000);
    world.fake.set_time(start);
    world.draft("v1");
    world.draft("v2");
    let body = json!({"tag_name": "v3", "draft": true});
    let refused = world.send("POST", "/repos/acme/echo/releases", &body);
    assert_eq!((refused.status, refused.header("retry-after")), (403, "60"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "4997");
    assert_eq!(refused.header("x-ratelimit-reset"), (1_700_000_000 + 3600).to_string());
    world.fake.set_time(start.plus(60_000));
    assert_eq!(world.send("POST", "/repos/acme/echo/releases", &body).status, 201);
}

#[test]
fn faults_happen_as_scripted() {
    let world = World::new();
    let draft = world.draft("v1");
    let upload = text(&draft, "upload_url").replace("{?name,label}", "?name=a");
    let assets = || world.fake.github().repository.releases.values().next().unwrap().assets.clone();

    world.script(r#"{"on": {"path": "/rate_limit"}, "do": "status", "status": 503, "headers": {"retry-after": "7"}}"#);
    let refused = world.get("/rate_limit");
    assert_eq!((refused.status, refused.header("retry-after"), refused.bytes.len()), (503, "7", 0));

    world.script(r#"{"on": {"method": "POST", "path": "assets"}, "do": "status", "status": 502, "when": "during"}"#);
    assert_eq!(world.try_send("POST", &upload, b"bytes".to_vec()).unwrap().status, 502);
    assert_eq!(assets()[0].state.as_str(), "starter");
    let address = format!("/repos/acme/echo/releases/assets/{}", assets()[0].id);

    world.script(r#"{"on": {"method": "DELETE"}, "do": "reset", "when": "after"}"#);
    assert!(world.try_send("DELETE", &address, Vec::new()).is_err());
    assert!(assets().is_empty(), "only the answer was lost");

    world.script(r#"{"on": {"method": "POST", "nth": 2}, "do": "reset"}"#);
    assert_eq!(world.try_send("POST", &upload, b"bytes".to_vec()).unwrap().status, 201);
    assert!(world.try_send("POST", &upload, b"bytes".to_vec()).is_err());
    assert_eq!(world.try_send("POST", &upload, b"bytes".to_vec()).unwrap().status, 422);

    world.script(r#"{"on": {"path": "/releases"}, "do": "truncate"}"#);
    assert!(world.try_send("GET", "/repos/acme/echo/releases", Vec::new()).is_err());

    world.script(r#"{"on": {"path": "/releases"}, "do": "lag", "seconds": 3600}"#);
    assert_eq!(world.get("/repos/acme/echo/releases").json(), json!([]));

    world.script(r#"{"on": {"path": "/releases"}, "do": "stall", "seconds": 0}"#);
    assert!(world.try_send("GET", "/repos/acme/echo/releases", Vec::new()).is_err());
    world.script("");
    assert_eq!(world.get("/repos/acme/echo/releases").json().as_array().unwrap().len(), 1);
}

#[test]
fn a_client_that_goes_through_a_proxy_finds_its_own_addresses() {
    let world = World::new();
    world.draft("v1");
    let proxy = reqwest::Proxy::http(world.fake.url()).unwrap();
    let client = builder().user_agent("test").proxy(proxy).build().unwrap();
    let request = client.get("http://api.github.localhost/repos/acme/echo/releases").bearer_auth("x");
    let found: Value = serde_json::from_slice(&request.send().unwrap().bytes().unwrap()).unwrap();
    assert!(text(&found[0], "url").starts_with("http://api.github.localhost/repos/Acme/Echo/releases/"), "{found}");
    let nameless = builder().no_proxy().build().unwrap();
    assert_eq!(nameless.get(format!("{}/rate_limit", world.fake.url())).send().unwrap().status(), 403);
}

#[test]
fn a_restarted_fake_remembers_and_a_tree_is_what_was_pushed() {
    let directory = tempfile::tempdir().unwrap();
    let (state, log, tree) =
        (directory.path().join("s.json"), directory.path().join("log"), directory.path().join("t"));
    std::fs::create_dir_all(tree.join("keys")).unwrap();
    std::fs::write(tree.join("keys/publisher.pub"), "a key\n").unwrap();
    let git = |arguments: &[&str]| {
        let command = std::process::Command::new("git").arg("-C").arg(&tree).args(arguments).output().unwrap();
        assert!(command.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&command.stderr));
        String::from_utf8(command.stdout).unwrap().trim().to_owned()
    };
    let who = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
    git(&["init", "-q", "-b", "trunk"]);
    git(&["add", "."]);
    git(&[&who[..], &["commit", "-q", "-m", "one"]].concat());
    let options = || Options {
        state: Some(state.clone()),
        log: Some(log.clone()),
        tree: Some(tree.clone()),
        ..Options::new(GitHub::new(Repository::new("Acme", "Echo")))
    };
    let mut world = World::new();
    world.fake = FakeGitHub::with(options()).unwrap();
    assert_eq!(world.get("/acme/echo/HEAD/keys/publisher.pub").bytes, b"a key\n");
    assert_eq!(world.get("/repos/acme/echo").json()["default_branch"], json!("trunk"));
    let release = |commit: &str| json!({"tag_name": "v1", "target_commitish": commit, "draft": true});
    let unknown = world.send("POST", "/repos/acme/echo/releases", &release(&"1".repeat(40)));
    assert_eq!(unknown.status, 422, "a commit that was not pushed");
    git(&[&who[..], &["commit", "-q", "--allow-empty", "-m", "two"]].concat());
    let draft = world.send("POST", "/repos/acme/echo/releases", &release(&git(&["rev-parse", "HEAD"])));
    assert_eq!(draft.status, 201, "one that was pushed since");
    let upload = text(&draft.json(), "upload_url").replace("{?name,label}", "?name=a");
    world.try_send("POST", &upload, b"kept".to_vec()).unwrap();

    world.fake = FakeGitHub::with(options()).unwrap();
    let found = world.get("/repos/acme/echo/releases").json();
    let asset = found[0]["assets"][0]["url"].as_str().unwrap().replace("http://", "");
    let path = &asset[asset.find('/').unwrap()..];
    let address = format!("{}{path}", world.fake.url());
    let client = builder().user_agent("test").no_proxy().build().unwrap();
    let bytes = client.get(address).bearer_auth("x").header("accept", "application/octet-stream").send().unwrap();
    assert_eq!(bytes.bytes().unwrap(), "kept");
    let lines = std::fs::read_to_string(&log).unwrap();
    assert!(lines.starts_with("GET /acme/echo/HEAD/keys/publisher.pub 200\n"), "{lines}");
    assert!(lines.contains("POST /repos/acme/echo/releases 422\n"), "{lines}");
}

#[test]
fn the_binary_says_where_it_listens_and_what_a_script_is() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};

    let binary = env!("CARGO_BIN_EXE_fake-github");
    let help = Command::new(binary).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.contains(r#"{"on": {"method": "POST", "path": "/releases$", "nth": 3}, "do": "status", "status": 502}"#)
    );
    let mut child = Command::new(binary).args(["--repo", "acme/echo"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let client = builder().user_agent("test").no_proxy().build().unwrap();
    let found = client.get(format!("{}/repos/acme/echo", line.trim_end())).send();
    child.kill().unwrap();
    child.wait().unwrap();
    let found = found.unwrap();
    assert_eq!((found.status().as_u16(), found.headers()["x-ratelimit-limit"].to_str().unwrap()), (200, "60"));
    let wrong = Command::new(binary).args(["--repo", "acme"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn what_the_binary_cannot_use_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (script, state) = (file("script", "\n{\"on\": {}, \"do\": \"explode\"}\n"), file("state", "no state"));
    for (flag, value, words) in [
        ("--script", script.as_str(), "script: line 2 of the script: unknown variant `explode`"),
        ("--script", "/nowhere", "/nowhere: No such file"),
        ("--tree", "/nowhere", "/nowhere is not a directory"),
        ("--state", &state, "state: "),
        ("--log", "/nowhere/log", "/nowhere/log: No such file"),
        ("--listen", "192.0.2.1:1", "192.0.2.1:1: "),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fake-github"));
        let said = command.args(["--repo", "acme/echo", flag, value]).output().unwrap();
        let told = String::from_utf8(said.stderr).unwrap();
        assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0), "{flag}: {told}");
        assert!(
            told.starts_with("fake-github: ") && told.contains(words) && told.lines().count() == 1,
            "{flag}: {told}"
        );
    }
}

#[test]
fn every_flag_of_the_binary_does_what_its_help_says() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(path("tree/keys")).unwrap();
    std::fs::write(path("tree/keys/publisher.pub"), "a key\n").unwrap();
    std::fs::write(path("script"), r#"{"on": {"path": "latest$", "nth": 2}, "do": "status", "status": 503}"#).unwrap();
    let (tree, script, log, state) = (path("tree"), path("script"), path("log"), path("state"));
    let client = builder().user_agent("test").no_proxy().build().unwrap();
    let run = |work: &dyn Fn(&str)| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-github"));
        command.args(["--listen", "127.0.0.1:0", "--repo", "Acme/Echo", "--limits", "none", "--tree", &tree]);
        command.args(["--script", &script, "--log", &log, "--state", &state]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(line.trim_end())));
        child.kill().unwrap();
        child.wait().unwrap();
        done.unwrap();
    };
    run(&|base| {
        let get = |path: &str| client.get(format!("{base}{path}")).bearer_auth("x").send().unwrap();
        assert_eq!(get("/Acme/Echo/HEAD/keys/publisher.pub").text().unwrap(), "a key\n");
        assert!(get("/repos/acme/echo").headers().get("x-ratelimit-limit").is_none(), "no limits");
        // Below the Enterprise prefix addresses keep it; uploads have one of their own.
        let body = json!({"tag_name": "v1", "draft": true, "target_commitish": "1".repeat(40)}).to_string();
        let made = client.post(format!("{base}/api/v3/repos/acme/echo/releases")).bearer_auth("x").body(body);
        let made: Value = serde_json::from_slice(&made.send().unwrap().bytes().unwrap()).unwrap();
        assert!(text(&made, "url").starts_with(&format!("{base}/api/v3/repos/Acme/Echo/releases/")), "{made}");
        let upload = text(&made, "upload_url").replace("{?name,label}", "?name=a");
        assert!(upload.starts_with(base), "{upload}");
        assert_eq!(client.post(upload).bearer_auth("x").body("bytes").send().unwrap().status(), 201);
        let publish = client.patch(text(&made, "url")).bearer_auth("x").body(r#"{"draft": false}"#).send().unwrap();
        assert_eq!(publish.status(), 200, "a directory without git knows every commit");
        // The same under the name the client uses.
        let named = client.get(format!("{base}/repos/acme/echo/releases")).header("host", "github.example:8443");
        let named: Value = serde_json::from_slice(&named.send().unwrap().bytes().unwrap()).unwrap();
        assert!(text(&named[0], "html_url").starts_with("http://github.example:8443/Acme/Echo/"), "{named}");
        assert_eq!(get("/repos/acme/echo/releases/latest").status(), 200);
        assert_eq!(get("/repos/acme/echo/releases/latest").status(), 503, "the second, by script");
        assert_eq!(get("/repos/acme/echo/releases/latest").status(), 200);
    });
    run(&|base| {
        let public = client.get(format!("{base}/Acme/Echo/releases/download/v1/a")).send().unwrap();
        assert_eq!(public.text().unwrap(), "bytes", "kept, without a token");
    });
    let lines = std::fs::read_to_string(&log).unwrap();
    assert!(lines.starts_with("GET /Acme/Echo/HEAD/keys/publisher.pub 200\nGET /repos/acme/echo 200\n"), "{lines}");
    assert!(lines.contains("GET /repos/acme/echo/releases/latest 503\n"), "{lines}");
    assert!(lines.lines().all(|line| line.split(' ').count() == 3), "{lines}");
}
