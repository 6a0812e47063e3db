//! `keys github-secret` against the fake GitHub: what it asks, what it says first, what arrives there.

use std::process::Command;

use aileron_testkit::github::{FakeGitHub, GitHub as Model, Limits, Repository as Remote};
use aileron_testkit::home::{OWNER, Repository, TestHome, ends, ok, run};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dryoc::classic::crypto_box::crypto_box_seal_open;

const NAME: &str = "AILERON_SIGNING_KEY";
/// The private half of the fake's key for secrets.
const PRIVATE: [u8; 32] = [7; 32];

fn fake() -> FakeGitHub {
    let mut github = Model::new(Remote::new(OWNER, "aileron-connector-tea"));
    github.limits = Limits::none();
    FakeGitHub::start(github)
}

fn secret(repository: &Repository<'_>, fake: &FakeGitHub, token: &str, args: &[&str]) -> Command {
    let key = repository.key.to_str().unwrap();
    let mut command = repository.publisher(&[&["keys", "github-secret", "--key", key, "--json"][..], args].concat());
    command.env("GITHUB_API_URL", fake.url()).env("GITHUB_TOKEN", token);
    command
}

/// What stands there, opened as GitHub would.
fn opened(fake: &FakeGitHub) -> Option<Vec<u8>> {
    let github = fake.github();
    let sealed = STANDARD.decode(github.repository.settings.secrets.get(NAME)?).unwrap();
    let public: [u8; 32] = STANDARD.decode(&github.repository.settings.secrets_key).unwrap().try_into().unwrap();
    let mut opened = vec![0; sealed.len() - 48];
    crypto_box_seal_open(&mut opened, &sealed, &public, &PRIVATE).unwrap();
    Some(opened)
}

#[test]
fn the_key_arrives_sealed_and_stands_in_no_other_place() {
    let (home, fake) = (TestHome::new(), fake());
    let repository = home.scaffold("tea", "wat");
    for new in [true, false] {
        let said = ok(&mut secret(&repository, &fake, "ghp_test", &["--yes"]));
        assert_eq!(said.json()["new"], new, "{said}");
        let sent = opened(&fake).unwrap();
        let pem = STANDARD.decode(&sent).unwrap();
        assert_eq!(pem, std::fs::read(&repository.key).unwrap(), "base64 of the PEM, as `--print-secret` prints it");
        let text = String::from_utf8(sent).unwrap();
        for log in [&said.stdout, &said.stderr, &format!("{:?}", fake.log())] {
            assert!(!log.contains(&text) && !log.contains(&text[30..60]), "{log}");
        }
    }
}

#[test]
fn it_asks_first_and_everything_but_yes_sets_nothing() {
    let (home, fake) = (TestHome::new(), fake());
    let repository = home.scaffold("tea", "wat");
    let key = repository.key.display();
    for (answer, code, there) in [("", 2, false), ("n\n", 2, false), ("yes please\n", 2, false), ("y\n", 0, true)] {
        let line = format!(
            "GITHUB_API_URL={} GITHUB_TOKEN=ghp_test aileron-pub -C {} keys github-secret --key {key}",
            fake.url(),
            repository.root.display()
        );
        let said = home.answered(answer, &line);
        assert_eq!((said.code, opened(&fake).is_some()), (code, there), "{answer:?}: {said}");
        assert!(said.stdout.contains("everyone who may change a workflow can sign with it"), "{said}");
    }
}

#[test]
fn it_is_refused_where_a_person_signs_and_for_tokens_that_may_not() {
    let (home, fake) = (TestHome::new(), fake());
    let repository = home.scaffold("tea", "wat");
    // A workflow's own token has no say over secrets.
    let said = ends(&mut secret(&repository, &fake, "ghs_workflow", &["--yes"]), 1);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("not accessible"), "{said}");
    fake.github().revoked.insert("revoked".to_owned());
    let said = run(&mut secret(&repository, &fake, "revoked", &["--yes"]));
    assert!(said.code != 0 && opened(&fake).is_none(), "{said}");
    repository.write("aileron-pub.toml", "signing = \"approve\"\n");
    let said = ends(&mut secret(&repository, &fake, "ghp_test", &["--yes"]), 2);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("a person signs"), "{said}");
    assert!(opened(&fake).is_none());
    ok(&mut secret(&repository, &fake, "ghp_test", &["--yes", "--force"]));
    assert!(opened(&fake).is_some());
    // A server whose key for secrets is none, or one that hides nothing.
    for key in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        fake.github().repository.settings.secrets.clear();
        fake.github().repository.settings.secrets_key = key.to_owned();
        ends(&mut secret(&repository, &fake, "ghp_test", &["--yes", "--force"]), 1);
        assert!(fake.github().repository.settings.secrets.is_empty(), "{key:?}");
    }
}
