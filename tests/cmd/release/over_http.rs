//! The four published repositories through HTTP: released to the fake GitHub by the real binary, judged from there by
//! consumers who have no token.

use std::collections::BTreeMap;

use aileron_testkit::github::{FakeGitHub, GitHub as Model, Limits, Options, Repository as Remote};
use aileron_testkit::home::{ALLOW, Repository, TestHome, ok, run, writes};
use serde_json::json;

use super::real_input::{SECRETS, ready};

const TOKEN: &str = "ghp_0123456789abcdefSECRETSECRET";
/// Of linear's 516 actions every so many is asked for by name; the index answers for all of them.
const BY_NAME: usize = 24;

fn fake(name: &str, repository: &Repository<'_>) -> FakeGitHub {
    let mut github = Model::new(Remote::new("ALRubinger", format!("aileron-connector-{name}")));
    github.limits = Limits::none();
    FakeGitHub::with(Options { tree: Some(repository.root.clone()), ..Options::new(github) }).unwrap()
}

fn release(name: &str, repository: &Repository<'_>, fake: &FakeGitHub) -> u64 {
    let key = repository.key.to_str().unwrap();
    let args = ["release", "v1.2.3", "--limits", "none", "--json", "--quiet", "--key", key, "--wasm"];
    let mut command = repository.publisher(&args);
    command.arg(repository.home.path("module.wasm"));
    command.env("GITHUB_API_URL", fake.url()).env("GITHUB_SERVER_URL", fake.url()).env("GITHUB_TOKEN", TOKEN);
    for (_, variable, secret) in SECRETS.iter().filter(|(service, ..)| *service == name) {
        command.env(variable, secret);
    }
    if name == "linear" {
        command.args(ALLOW);
    }
    let said = ok(&mut command);
    let document = said.json();
    let published = fake.github().repository.visible();
    let digest = |tag: &str, asset: &str| published[tag][asset].to_string();
    let planned: BTreeMap<&str, &str> = document["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["tag"].as_str().unwrap(), one["archive"]["sha256"].as_str().unwrap()))
        .collect();
    assert_eq!(published.len(), planned.len(), "{name}: one release for each artifact, and no other");
    planned.iter().for_each(|(tag, sha256)| assert_eq!(digest(tag, "aileron.tar.gz"), *sha256, "{name}: {tag}"));
    assert_eq!(published["v1.2.3"].len(), 4, "{name}: archive, index, its signature, suite");
    writes(&said)
}

/// What a consumer on a machine of his own finds: trusts the key he fetches, then fetches and judges.
fn verify(name: &str, repository: &Repository<'_>, fake: &FakeGitHub) {
    let consumer = TestHome::new();
    let connector = format!("github://ALRubinger/aileron-connector-{name}");
    ok(&mut consumer.consumer(&["keyring", "trust", "--from", &fake.url(), &connector]));
    let actions = std::fs::read_dir(repository.root.join("actions")).unwrap();
    let mut actions: Vec<_> = actions.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    actions.sort();
    let every = (actions.len() / BY_NAME).max(1);
    let names = actions.iter().step_by(every).map(|action| format!("{connector}/actions/{action}"));
    for name in std::iter::once(connector.clone()).chain(names) {
        let reference = format!("{name}@1.2.3");
        let verdict = ok(consumer.consumer(&["verify", &reference, "--json"]).env("AILERON_MIRROR", fake.url())).json();
        assert_eq!((&verdict["verdict"], &verdict["reference"]), (&json!("verified"), &json!(reference)));
    }
    let whole = ["verify", "--json", "--from", &fake.url(), "--cohort", &format!("{connector}@1.2.3")];
    let verdict = ok(&mut consumer.consumer(&whole)).json();
    assert_eq!((&verdict["verified"], &verdict["refused"]), (&json!(actions.len() + 1), &json!(0)), "{verdict}");
    let absent = format!("{connector}@9.9.9");
    let said = run(&mut consumer.consumer(&["verify", &absent, "--from", &fake.url(), "--json"]));
    assert_eq!((said.code, &said.json()["error"]["class"]), (4, &json!("fetch_failed")), "{said}");
    let strangers = TestHome::new();
    let reference = format!("{connector}@1.2.3");
    let said = run(&mut strangers.consumer(&["verify", &reference, "--from", &fake.url(), "--json"]));
    assert_eq!((said.code, &said.json()["error"]["class"]), (3, &json!("signature_failure")), "{said}");
}

fn there_and_back(name: &'static str) {
    let home = TestHome::new();
    let Some(repository) = ready(&home, name) else { return };
    let repository = &repository;
    let fake = fake(name, repository);
    let actions = std::fs::read_dir(repository.root.join("actions")).unwrap().count();
    let written = release(name, repository, &fake);
    // A draft, its archive and its publication for each; three more assets and the notes for the cohort.
    assert_eq!(written, 3 * (actions as u64 + 1) + 4, "{name}");
    assert_eq!(release(name, repository, &fake), 0, "{name}: a second time");
    verify(name, repository, &fake);
}

#[test]
fn google_is_released_to_github_and_verified_from_it_without_a_token() {
    there_and_back("google");
}

#[test]
fn slack_is_released_to_github_and_verified_from_it_without_a_token() {
    there_and_back("slack");
}

#[test]
fn athena_is_released_to_github_and_verified_from_it_without_a_token() {
    there_and_back("athena");
}

#[test]
fn linear_is_released_to_github_and_verified_from_it_without_a_token() {
    there_and_back("linear");
}
