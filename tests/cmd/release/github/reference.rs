//! The four reference repositories: published by the real binary over HTTP, and installed from there by anybody.

use std::fs;

use aileron_testkit::github::{FakeGitHub, GitHub as Model, Limits, Repository as Remote};
use aileron_testkit::home::{Repository, TestHome, ok, writes};
use aileron_testkit::reference;

use super::over_http::verb;

const WAIVED: [&str; 5] = ["input-name", "input-type", "input-duplicate", "input-description", "intent-empty"];
const SECRETS: [(&str, &str); 2] =
    [("GOOGLE_OAUTH_CLIENT_SECRET", "GOCSPX-reference"), ("SLACK_OAUTH_CLIENT_SECRET", "0123456789abcdef")];

fn repository<'a>(home: &'a TestHome, name: &str) -> Option<Repository<'a>> {
    let repository = home.copy(&reference(name)?, name);
    if name == "google" {
        // Its one hard-coded version stops every release; the publisher would write the placeholder.
        let file = "actions/list-recent-emails/action.md";
        repository.write(file, &repository.read(file).replace("0.3.0", "0.0.0-dev"));
    }
    Some(repository.with_key())
}

#[test] // issue, "Must hold"
fn the_reference_repositories_are_published_and_verified_over_http_without_a_token() {
    let home = TestHome::new();
    let wasm = home.path("module.wasm");
    fs::write(&wasm, aileron_testkit::module()).unwrap();
    for (name, actions) in [("slack", 3), ("athena", 15), ("google", 21), ("linear", 516)] {
        let Some(repository) = repository(&home, name) else { return };
        let mut github = Model::new(Remote::new("ALRubinger", format!("aileron-connector-{name}")));
        github.limits = Limits::none();
        let fake = FakeGitHub::start(github);
        let release = || {
            let key = repository.key.to_str().unwrap();
            let args = ["release", "v1.2.3", "--limits", "none", "--key", key, "--wasm", wasm.to_str().unwrap()];
            let mut command = verb(&repository, &fake, &args);
            command.envs(SECRETS);
            if name == "linear" {
                command.args(WAIVED.iter().flat_map(|rule| ["--allow", rule]));
            }
            ok(&mut command)
        };
        let first = release();
        let files = fake.github().repository.published("v1.2.3").unwrap().assets.len();
        assert_eq!(writes(&first), 3 * (actions + 1) + files as u64, "{name}");
        let artifacts = first.json()["artifacts"].as_array().unwrap().clone();
        assert_eq!(artifacts.len() as u64, actions + 1, "{name}");
        let (from, key) = (fake.url(), repository.public_key());
        let verify = |what: &[&str]| {
            let said = ok(home.consumer(&["verify", "--json", "--from", &from, "--key", &key]).args(what));
            assert_eq!(said.json()["ok"], true, "{said}");
            said.json()
        };
        verify(&[&format!("{}@1.2.3", artifacts.last().unwrap()["fqn"].as_str().unwrap())]);
        let whole = verify(&["--cohort", &format!("github://ALRubinger/aileron-connector-{name}@1.2.3")]);
        assert_eq!(whole["verified"].as_u64(), Some(actions + 1), "{name}: {whole}");
        assert_eq!(writes(&release()), 0, "{name}");
    }
}
