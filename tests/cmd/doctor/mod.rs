//! `doctor` against the fake GitHub: each setting that is wrong is one finding, and nothing is changed.

use aileron_cli::publisher::forge::model::{Commits, TagRules};
use aileron_testkit::github::{FakeGitHub, GitHub as Model, Limits, Repository as Remote};
use aileron_testkit::home::{OWNER, Ran, Repository, TestHome, run};
use serde_json::Value;

/// Requests one look may take: below the twelve that are promised, so that growth is noticed.
const REQUESTS: u64 = 9;

/// A repository that is pushed, and everything in order there.
fn in_order<'h>(home: &'h TestHome) -> (Repository<'h>, FakeGitHub) {
    let repository = home.scaffold("tea", "wat");
    repository.git(&["remote", "add", "origin", "https://github.com/acme/aileron-connector-tea.git"]);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let mut remote = Remote::new(OWNER, "aileron-connector-tea");
    remote.commits = Commits::These([commit.clone()].into());
    remote.branches.insert("main".to_owned(), commit);
    remote.files.insert("keys/publisher.pub".to_owned(), repository.read("keys/publisher.pub").into_bytes());
    remote.immutable = true;
    remote.settings.secrets.insert("AILERON_SIGNING_KEY".to_owned(), String::new());
    remote.settings.tag_rules.push(TagRules { name: "releases".to_owned(), enforcement: "active".to_owned() });
    let mut github = Model::new(remote);
    github.limits = Limits::none();
    (repository, FakeGitHub::start(github))
}

fn doctor(repository: &Repository<'_>, fake: &FakeGitHub, token: &str) -> Ran {
    let mut command = repository.publisher(&["doctor", "--json", "--quiet", "--key"]);
    command.arg(&repository.key).env("GITHUB_API_URL", fake.url()).env("GITHUB_TOKEN", token);
    run(&mut command)
}

/// Checks with a verdict, in order.
fn with(said: &Ran, verdict: &str) -> Vec<String> {
    let document = said.json();
    let findings = document["findings"].as_array().unwrap().iter().filter(|finding| finding["verdict"] == verdict);
    findings.map(|finding: &Value| finding["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_in_order_is_seen_in_few_requests_and_nothing_is_written() {
    let home = TestHome::new();
    let (repository, fake) = in_order(&home);
    let before = fake.github().clone();
    let said = doctor(&repository, &fake, "ghp_test");
    assert_eq!((said.code, with(&said, "problem").len(), with(&said, "unknown").len()), (0, 0, 0), "{said}");
    assert_eq!(said.json()["requests"], REQUESTS, "{said}");
    assert_eq!(fake.log().len() as u64, REQUESTS);
    assert!(fake.log().iter().all(|entry| entry.method == "GET"), "reading only");
    assert_eq!(fake.github().repository.settings, before.repository.settings);
}

#[test]
fn each_setting_that_is_wrong_is_one_finding_with_its_command() {
    type Wrong = fn(&mut Model);
    let table: [(&str, &str, Wrong); 9] = [
        ("secrets", "keys github-secret", |github| github.repository.settings.secrets.clear()),
        ("permissions", "default_workflow_permissions=read", |github| {
            github.repository.settings.workflows_write = true
        }),
        ("permissions", "default_workflow_permissions=read", |github| {
            github.repository.settings.workflows_approve = true;
        }),
        ("releases", "immutable-releases", |github| github.repository.immutable = false),
        ("tags", "tag ruleset", |github| {
            github.repository.immutable = false;
            github.repository.settings.tag_rules.clear();
        }),
        ("pushed", "git push", |github| {
            github.repository.commits = Commits::These(Default::default());
            github.repository.branches.insert("main".to_owned(), "1".repeat(40));
        }),
        ("published key", "git push", |github| github.repository.files.clear()),
        ("repository", "name", |github| github.repository.owner = "Acme".to_owned()),
        ("repository", "gh repo create", |github| github.repository.name = "other".to_owned()),
    ];
    for (check, command, wrong) in table {
        let home = TestHome::new();
        let (repository, fake) = in_order(&home);
        wrong(&mut fake.github());
        let said = doctor(&repository, &fake, "ghp_test");
        assert_eq!(said.code, 6, "{check}: {said}");
        let document = said.json();
        let found = document["findings"].as_array().unwrap().iter();
        let found = found.filter(|finding| finding["verdict"] == "problem").find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("{check}: {said}"));
        assert!(found["command"].as_str().unwrap().contains(command), "{check}: {found}");
    }
}

#[test]
fn a_key_in_ci_is_wrong_where_a_person_signs() {
    let home = TestHome::new();
    let (repository, fake) = in_order(&home);
    repository.write("aileron-pub.toml", "signing = \"approve\"\n");
    assert_eq!(with(&doctor(&repository, &fake, "ghp_test"), "problem"), ["secrets"]);
    fake.github().repository.settings.secrets.clear();
    assert_eq!(with(&doctor(&repository, &fake, "ghp_test"), "problem"), Vec::<String>::new());
}

#[test] // what could not be asked is not in order, and not wrong
fn a_token_that_may_not_ask_leaves_settings_unknown() {
    let home = TestHome::new();
    let (repository, fake) = in_order(&home);
    let said = doctor(&repository, &fake, "ghs_workflow");
    assert_eq!(with(&said, "unknown"), ["secrets", "permissions", "releases"], "{said}");
    assert_eq!((said.code, with(&said, "problem").len()), (0, 0), "{said}");
    fake.github().revoked.insert("revoked".to_owned());
    let said = doctor(&repository, &fake, "revoked");
    assert_eq!((said.code, with(&said, "unknown")), (0, vec!["repository".to_owned()]), "{said}");
}

#[test] // axodotdev/cargo-dist#400
fn fix_makes_what_is_missing_and_writes_over_nothing() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "go");
    let fix = |args: &[&str]| {
        let mut command = repository.publisher(
            &[&["doctor", "--offline", "--json", "--key"][..], &[repository.key.to_str().unwrap()], args].concat(),
        );
        run(&mut command)
    };
    let workflow = ".github/workflows/release.yml";
    let by_hand = repository.read(workflow) + "# ours\n";
    repository.write(workflow, &by_hand);
    std::fs::remove_file(repository.root.join(".github/workflows/ci.yml")).unwrap();
    assert!(with(&fix(&[]), "problem").contains(&"workflows".to_owned()));
    let said = fix(&["--fix"]);
    assert!(said.json()["made"].as_array().unwrap().contains(&".github/workflows/ci.yml".into()), "{said}");
    assert_eq!(repository.read(workflow), by_hand);
    let document = said.json();
    let note = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["verdict"] == "note" && finding["check"] == "workflows");
    assert!(note.unwrap()["message"].as_str().unwrap().contains("in 1 line, by hand or by a bot"), "{said}");
}
