//! Whole jobs of a repository that wants an approval: CI proposes without a key, a person approves on a machine of their own,
//! CI publishes.

use std::fs;
use std::process::Command;

use aileron_testkit::home::{Ran, TestHome, ok, run};

use super::job::{CLIENT_SECRET, Job, TAG, TOKEN, output, text};

impl Job<'_> {
    /// A run of the workflow, which has no signing key.
    fn runs(&self, event: &str) -> Command {
        let mut command = self.event(event);
        if self.name == "google" || self.name == "slack" {
            command.args(["-s", "AILERON_CLIENT_SECRET"]).env("AILERON_CLIENT_SECRET", CLIENT_SECRET);
        }
        command
    }

    /// It succeeds, says this status, and writes so much.
    fn comes_to(&self, event: &str, status: &str, writes: Option<u64>) -> String {
        let before = self.writes();
        let said = text(&ok(&mut self.runs(event)));
        assert!(said.contains("Job succeeded"), "{said}");
        assert_eq!(output(&said, "status").as_deref(), Some(status), "{said}");
        if let Some(writes) = writes {
            assert_eq!(self.writes() - before, writes, "{said}");
        }
        said
    }

    /// What a person types, on the machine with the key; no client secret is there.
    fn approved(&self) -> Ran {
        let (module, key) =
            (self.repository.home.path("module.wasm"), self.repository.key.to_str().unwrap().to_owned());
        let mut command = self.repository.publisher(&["approve", TAG, "--yes", "--json", "--limits", "none"]);
        command.args(["--wasm", module.to_str().unwrap(), "--key", &key]);
        command.env("GITHUB_TOKEN", TOKEN);
        command.env("GITHUB_API_URL", self.fake.url()).env("GITHUB_SERVER_URL", self.fake.url());
        ok(&mut command)
    }

    fn is_public(&self) -> usize {
        self.fake.github().repository.visible().len()
    }
}

fn proposed_approved_published(name: &'static str) {
    let home = TestHome::new();
    let Some(job) = Job::new(&home, name, "approve") else { return };
    let workflow = fs::read(job.repository.root.join(".github/workflows/release.yml")).unwrap();
    job.fake.github().repository.files.insert(".github/workflows/release.yml".to_owned(), workflow);
    let actions = fs::read_dir(job.repository.root.join("actions")).unwrap().count();

    // A fork does nothing, and asks nothing.
    let requests = job.fake.log().len();
    let mut fork = job.runs("push");
    fork.args(["--env", &format!("GITHUB_REPOSITORY=someone/aileron-connector-{name}")]);
    let said = text(&run(&mut fork));
    assert_eq!(job.fake.log().len(), requests, "{said}");

    // Proposed, proposed again, and started before it was approved.
    job.comes_to("push", "proposed", Some(2));
    job.comes_to("push", "proposed", Some(0));
    job.comes_to("workflow_dispatch", "proposed", Some(0));
    assert_eq!(job.is_public(), 0);

    let approved = job.approved().json();
    assert_eq!(
        (&approved["status"], &approved["workflow"]["started"]),
        (&"approved".into(), &true.into()),
        "{approved}"
    );
    assert_eq!(job.fake.github().repository.started, [("release.yml".to_owned(), TAG.to_owned())]);
    assert_eq!(job.is_public(), 0);

    // What was started, broken off in the middle, then again.
    job.script(r#"{"on": {"method": "POST", "nth": 5, "times": 1000}, "do": "reset"}"#);
    let broken = text(&run(&mut job.runs("workflow_dispatch")));
    assert_eq!(output(&broken, "status").as_deref(), Some("incomplete"), "{broken}");
    assert_eq!(job.is_public(), 0, "nothing is public half-way");
    job.script("");
    job.comes_to("workflow_dispatch", "complete", None);
    assert_eq!(job.is_public(), actions + 1);
    {
        let github = job.fake.github();
        let files = github.repository.releases.values().flat_map(|release| &release.assets);
        let left: Vec<&str> = files.map(|asset| asset.name.as_str()).filter(|name| name.contains("propos")).collect();
        assert_eq!(left, [""; 0], "the proposal is not published");
    }
    job.comes_to("push", "complete", Some(0));
    let reference = format!("github://ALRubinger/aileron-connector-{name}@1.2.3");
    let (from, key) = (job.fake.url(), job.repository.public_key());
    ok(&mut home.consumer(&["verify", &reference, "--from", &from, "--key", &key]));
    job.left_no_secret(&home);
}

#[test]
fn google_is_proposed_approved_and_published() {
    proposed_approved_published("google");
}

#[test]
fn slack_is_proposed_approved_and_published() {
    proposed_approved_published("slack");
}

#[test]
fn athena_is_proposed_approved_and_published() {
    proposed_approved_published("athena");
}

#[test]
fn linear_is_proposed_approved_and_published() {
    proposed_approved_published("linear");
}

#[test] // a pull request that has got hold of everything
fn a_pull_request_proposes_nothing() {
    let home = TestHome::new();
    let Some(job) = Job::new(&home, "athena", "approve") else { return };
    let workflow = job.repository.read(".github/workflows/release.yml");
    let workflow = workflow.replace("${{ inputs.version || github.ref_name }}", "v1.2.4");
    let (_, rest) = workflow.split_once("permissions: {}").unwrap();
    job.repository.write(".github/workflows/release.yml", &format!("on: pull_request\npermissions: {{}}{rest}"));
    job.repository.commit("a proposal");
    let requests = job.fake.log().len();
    job.fails(
        &mut job.runs("pull_request"),
        &["::error title=usage_error::nothing is signed on the event pull_request"],
    );
    assert_eq!(job.fake.log().len(), requests, "GitHub was not even asked");
}
