//! Our client against a GitHub that others wrote: npm's `emulate`, a stateful server.
//!
//! It keeps no bytes of assets and makes no tags, so the good path is held against it up to the flip: commit known, drafts
//! made, every asset uploaded. It computes git's own object names, so the commit to release can be made there as it is here.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aileron_testkit::home::{OWNER, Repository, TestHome, ok, run};
use aileron_testkit::peers;
use serde_json::{Value, json};

const TOKEN: &str = "a_token_of_the_owner";

struct Emulate {
    child: Child,
    url: String,
}

impl Drop for Emulate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulate {
    /// It wants to be told a port; one that was free a moment ago, and another if somebody was quicker.
    fn start(program: &PathBuf, home: &TestHome) -> Emulate {
        let seed = home.path("seed.yaml");
        let text = format!(
            "tokens:\n  {TOKEN}:\n    login: {OWNER}\n    scopes: [repo, user]\ngithub:\n  users:\n    - login: {OWNER}\n  repos:\n    - owner: {OWNER}\n      name: aileron-connector-tea\n      auto_init: true\n"
        );
        fs::write(&seed, text).unwrap();
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut command = Command::new(program);
            command.args(["start", "--service", "github", "--port", &free.port().to_string()]);
            command.args(["--base-url", &format!("http://{free}"), "--seed"]).arg(&seed).env("HOME", home.all());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let started = lines.any(|line| line.is_ok_and(|line| line.contains(TOKEN)));
            std::thread::spawn(move || lines.for_each(drop));
            let emulate = Emulate { child, url: format!("http://{free}") };
            if started {
                return emulate;
            }
        }
        panic!("emulate does not start");
    }

    fn ask(&self, home: &TestHome, method: &str, path: &str, body: &Value) -> Value {
        let mut command = home.command("curl");
        command.args(["--silent", "--show-error", "--fail-with-body", "--request", method, "-H"]);
        command.args([&format!("authorization: token {TOKEN}"), "-H", "content-type: application/json"]);
        if !body.is_null() {
            command.args(["--data", &body.to_string()]);
        }
        ok(command.arg(format!("{}/repos/{OWNER}/aileron-connector-tea{path}", self.url))).value()
    }

    /// The repository's only commit, made again over there.
    fn push(&self, repository: &Repository<'_>) {
        let files = repository.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
        let entry =
            |path: &str| json!({"path": path, "mode": "100644", "type": "blob", "content": repository.read(path)});
        let tree: Vec<Value> = files.lines().map(entry).collect();
        let tree = self.ask(repository.home, "POST", "/git/trees", &json!({"tree": tree}));
        assert_eq!(tree["sha"], json!(repository.git(&["rev-parse", "HEAD^{tree}"])));
        let person = json!({"name": "Publisher", "email": "publisher@example.com", "date": "2025-01-02T03:04:05Z"});
        let commit =
            json!({"message": "all", "tree": tree["sha"], "parents": [], "author": person, "committer": person});
        let commit = self.ask(repository.home, "POST", "/git/commits", &commit);
        assert_eq!(commit["sha"], json!(repository.git(&["rev-parse", "HEAD"])));
    }
}

#[test]
fn the_good_path_up_to_the_flip_holds_on_another_server() {
    let Some(program) = peers::program("emulate") else { return };
    let home = TestHome::new();
    let emulate = Emulate::start(&program, &home);
    let repository = home.scaffold("tea", "wat");
    let only = repository.git(&["commit-tree", "HEAD^{tree}", "-m", "all"]);
    repository.git(&["reset", "--quiet", "--hard", &only]);
    emulate.push(&repository);

    let key = repository.key.to_str().unwrap();
    let args = ["release", "v0.1.0", "--limits", "none", "--max-wait", "0s", "--json", "--key", key];
    let mut command = repository.publisher(&args);
    command.env("GITHUB_API_URL", &emulate.url).env("GITHUB_SERVER_URL", &emulate.url).env("GITHUB_TOKEN", TOKEN);
    // It cannot succeed here: what was published is fetched back, and this server has kept no bytes.
    let said = run(&mut command);
    assert!(said.stderr.contains(r#"{"event":"end","outcome":"9 files"}"#), "everything was staged: {said}");

    let listed = emulate.ask(&home, "GET", "/releases?per_page=100", &Value::Null);
    let head = json!(repository.git(&["rev-parse", "HEAD"]));
    let mut releases = Vec::new();
    for release in listed.as_array().unwrap() {
        let tag = release["tag_name"].as_str().unwrap();
        assert_eq!((&release["name"], &release["target_commitish"]), (&json!(tag), &head), "{release}");
        let asset = |asset: &Value| {
            assert!(asset["state"] == "uploaded" && asset["size"].as_u64() > Some(0), "{asset}");
            asset["name"].as_str().unwrap().to_owned()
        };
        let mut assets: Vec<String> = release["assets"].as_array().unwrap().iter().map(asset).collect();
        assets.sort();
        releases.push((tag.to_owned(), release["prerelease"] == true, assets.join(" ")));
    }
    releases.sort();
    let expected = [
        ("actions/tea-about/v0.1.0", true, "aileron.tar.gz"),
        ("actions/tea-ping/v0.1.0", true, "aileron.tar.gz"),
        ("v0.1.0", false, "aileron.tar.gz cohort.json cohort.json.sig suite.toml"),
    ];
    assert_eq!(releases, expected.map(|(tag, pre, assets)| (tag.to_owned(), pre, assets.to_owned())));
}
