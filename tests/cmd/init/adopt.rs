//! `init --adopt`: repositories as their owners have them take over the release, and nothing that consumers see changes.

use std::fs;

use aileron_testkit::home::{ALLOW, Repository, TestHome, ends, module, ok};
use aileron_testkit::reference;
use serde_json::{Value, json};

/// A release as it was written by hand, with a secret of its own.
const BY_HAND: &str = "name: release\non:\n  push:\n    tags: ['v*.*.*']\njobs:\n  release:\n    runs-on: ubuntu-latest\n    \
    steps:\n      - run: sed -i s/0.0.0-dev/x/ connector/manifest.toml\n        env:\n          \
    SECRET: ${{ secrets.TEA_OAUTH_CLIENT_SECRET }}\n";

const WORKFLOW: &str = ".github/workflows/release.yml";

/// What consumers would get: names, tags, every bound field and the content hash.
fn seen(repository: &Repository<'_>, module: &str, flags: &[&str]) -> Value {
    let to = format!("dir:{}", repository.home.path("nowhere").display());
    let run = |verb: &[&str], flags: &[&str]| {
        let mut command = repository.publisher(&[verb, &["--to", &to, "--json"], flags].concat());
        ok(command.env("AILERON_CLIENT_SECRET", "tea-secret")).json()
    };
    let plan = run(&["plan", "v0.1.0", "--diff", "--wasm", module], flags);
    let status = run(&["status", "v0.1.0"], &[]);
    json!([plan["content_hash"], plan["changes"], status["tags"]])
}

fn adopts(repository: &Repository<'_>, flags: &[&str]) -> Value {
    ok(&mut repository.publisher(&[&["init", "--adopt", ".", "--json"], flags].concat())).json()
}

fn written(said: &Value) -> Vec<(&str, &str)> {
    let files = said["files"].as_array().unwrap().iter();
    files.map(|file| (file["path"].as_str().unwrap(), file["change"].as_str().unwrap())).collect()
}

/// One of the four, with a Go connector in the place of its sources, which are not here.
fn adopted(name: &str) {
    let home = TestHome::new();
    let Some(data) = reference(name) else { return };
    let repository = home.copy(&data, name);
    if name == "google" {
        let file = "actions/list-recent-emails/action.md"; // the one with a version of its own
        repository.write(file, &repository.read(file).replace("0.3.0", "0.0.0-dev"));
    }
    repository.write("connector/go.mod", "module example.com/connector\n\ngo 1.23\n");
    repository.write("connector/main.go", "package main\n\nfunc main() {}\n");
    repository.write(WORKFLOW, BY_HAND);
    repository.commit("released by hand");
    let repository = repository.with_key();
    let file = home.path("module.wasm");
    fs::write(&file, module()).unwrap();
    let module = file.to_str().unwrap();
    let allow = if name == "linear" { &ALLOW[..] } else { &[] };
    let before = seen(&repository, module, allow);
    let untouched = repository.git(&["status", "--porcelain"]);

    let shown = ok(&mut repository.publisher(&["init", "--adopt", ".", "--dry-run"]));
    assert!(
        shown.stdout.contains("\n-      - run: sed -i") && shown.stdout.contains("\n+signing = \"approve\""),
        "{shown}"
    );
    assert_eq!(repository.git(&["status", "--porcelain"]), untouched, "a dry run writes nothing");

    let said = adopts(&repository, &[]);
    assert_eq!(written(&said), [("aileron-pub.toml", "new"), (WORKFLOW, "replaced")], "{said}");
    let workflow = repository.read(WORKFLOW);
    let wants_secret = ["google", "slack"].contains(&name);
    assert_eq!(workflow.contains("secrets.TEA_OAUTH_CLIENT_SECRET"), wants_secret, "{workflow}");
    assert!(workflow.contains(&format!("github.repository == 'ALRubinger/aileron-connector-{name}'")), "{workflow}");
    repository.commit("released by aileron-pub");
    ok(&mut repository.publisher(&["check", "v0.1.0"]));
    assert_eq!(seen(&repository, module, &[]), before, "what consumers get is what they got");

    assert_eq!(written(&adopts(&repository, &[])), []);
    assert_eq!(repository.git(&["status", "--porcelain"]), "", "twice writes nothing");
}

#[test]
fn google_is_adopted() {
    adopted("google");
}

#[test]
fn slack_is_adopted() {
    adopted("slack");
}

#[test]
fn athena_is_adopted() {
    adopted("athena");
}

#[test]
fn linear_is_adopted() {
    adopted("linear");
}

#[test]
fn what_would_be_lost_or_cannot_be_built_is_not_adopted() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    for (edit, code, words) in [
        (&(|| repository.write(WORKFLOW, BY_HAND)) as &dyn Fn(), 6, "is not committed as it is: it would be lost"),
        (&|| fs::remove_file(repository.root.join("connector/connector.wat")).unwrap(), 1, "nothing to build in"),
        (
            &|| {
                repository
                    .write("connector/manifest.toml", "[connector]\nname = \"github://acme/aileron-connector-tea\"\n")
            },
            6,
            "stops every release",
        ),
    ] {
        edit();
        let before = repository.git(&["status", "--porcelain"]);
        let said = ends(&mut repository.publisher(&["init", "--adopt", "."]), code);
        assert!(said.stderr.contains(words), "{words}: {said}");
        assert_eq!(repository.git(&["status", "--porcelain"]), before, "nothing was written");
        repository.git(&["checkout", "--quiet", "."]);
    }
    // A directory that is not there holds no connector either.
    let said = ends(&mut home.publisher(&["init", "--adopt", "nowhere"]), 6);
    assert!(said.stderr.contains("no connector manifest") && said.stderr.contains("next: "), "{said}");
    // With no git there is no way back to what was there.
    let bare = home.path("bare");
    aileron_testkit::home::tree::copy(&repository.root, &bare);
    fs::remove_dir_all(bare.join(".git")).unwrap();
    fs::write(bare.join(WORKFLOW), BY_HAND).unwrap();
    ends(&mut home.publisher(&["init", "--adopt", bare.to_str().unwrap()]), 6);
    assert_eq!(fs::read_to_string(bare.join(WORKFLOW)).unwrap(), BY_HAND);
}
