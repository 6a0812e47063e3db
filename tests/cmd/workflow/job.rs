//! Whole jobs: the workflow of a new repository, run by the real runner on this home, against the fake GitHub.
//!
//! Google (OAuth, a client secret) and athena (AWS, none) as they are published, with the connector of the Go template in
//! the place of their sources, which are not here. The workflow gets two lines more: the binary under test, and no limits.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use aileron_cli::publisher::forge::model::{GitHub as Model, Limits, TagRef};
use aileron_cli::publisher::scaffold::ACTION_COMMIT;
use aileron_testkit::github::{FakeGitHub, Repository as Remote, Script};
use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{ALLOW, Ran, Repository, TestHome, module, ok, run};
use aileron_testkit::peers;
use aileron_testkit::reference;

use super::checkout;

pub(super) const TOKEN: &str = "ghs_0123456789abcdefSECRETSECRET";
pub(super) const CLIENT_SECRET: &str = "GOCSPX-0123456789-not-to-be-seen";
pub(super) const TAG: &str = "v1.2.3";

/// A publisher's repository, GitHub, and a runner.
pub(super) struct Job<'a> {
    act: PathBuf,
    pub(super) fake: FakeGitHub,
    pub(super) repository: Repository<'a>,
    pub(super) name: &'static str,
}

/// What the repository settles: who signs, and for linear the five rules that its actions break.
fn settings(name: &str, signing: &str) -> String {
    let rules = ALLOW.iter().filter(|word| **word != "--allow" && name == "linear");
    let allow =
        rules.map(|rule| format!("\n[[allow]]\nrule = \"{rule}\"\nreason = \"generated from the service's schema\"\n"));
    format!("signing = \"{signing}\"\n{}", allow.collect::<String>())
}

impl<'a> Job<'a> {
    pub(super) fn new(home: &'a TestHome, name: &'static str, signing: &str) -> Option<Job<'a>> {
        let (act, data) = (peers::program("act")?, reference(name)?);
        let repository = home.copy(&data, name);
        if name == "google" {
            let file = "actions/list-recent-emails/action.md"; // the one with a version of its own
            repository.write(file, &repository.read(file).replace("0.3.0", "0.0.0-dev"));
        }
        let template = home.scaffold_signing("template", "go", signing);
        let (here, there) = ("acme/aileron-connector-template", format!("ALRubinger/aileron-connector-{name}"));
        let workflow = template.read(".github/workflows/release.yml").replace(here, &there);
        let module_file = home.path("module.wasm");
        fs::write(&module_file, module()).unwrap();
        let binary = format!("command: release\n          binary: {}\n", env!("CARGO_BIN_EXE_aileron-pub"));
        let args = format!("--limits none --max-wait 0s --wasm {}\n", module_file.display());
        assert!(workflow.contains("command: release\n"));
        let workflow = match signing {
            "ci" => workflow.replace("command: release\n", &format!("{binary}          args: {args}")),
            _ => {
                assert!(workflow.contains("args: --propose\n"));
                workflow.replace("command: release\n", &binary).replace("--propose\n", &format!("--propose {args}"))
            }
        };
        repository.write(".github/workflows/release.yml", &workflow);
        repository.write("aileron-pub.toml", &settings(name, signing));
        repository.commit("a workflow");
        let repository = repository.with_key();
        repository.git(&["tag", TAG]);
        let mut github = Model::new(Remote::new("ALRubinger", format!("aileron-connector-{name}")));
        github.limits = Limits::none();
        github.repository.tags.insert(TAG.to_owned(), TagRef::light(repository.git(&["rev-parse", "HEAD"])));
        checkout(&home.path("act"), |_, text| text);
        Some(Job { act, fake: FakeGitHub::start(github), repository, name })
    }

    pub(super) fn event(&self, event: &str) -> Command {
        let home = self.repository.home;
        let payload = home.path("event.json");
        let text = match event {
            "push" | "workflow_dispatch" => format!(r#"{{"ref": "refs/tags/{TAG}", "inputs": {{}}}}"#),
            _ => r#"{"pull_request": {"head": {"ref": "topic"}, "base": {"ref": "main"}}, "number": 1}"#.to_owned(),
        };
        fs::write(&payload, text).unwrap();
        let mut command = home.command(&self.act);
        command.current_dir(&self.repository.root).arg(event).args(["-W", ".github/workflows/release.yml", "-e"]);
        command.arg(payload).args(["-P", "ubuntu-24.04=-self-hosted", "--no-cache-server"]);
        let action = format!("aileron-pub/aileron-pub@{ACTION_COMMIT}={}", home.path("act").display());
        command.args(["--local-repository", &action]);
        let repository = format!("ALRubinger/aileron-connector-{}", self.name);
        for (name, value) in [
            ("GITHUB_REPOSITORY", repository.as_str()),
            ("GITHUB_API_URL", &self.fake.url()),
            ("GITHUB_SERVER_URL", &self.fake.url()),
        ] {
            command.args(["--env", &format!("{name}={value}")]);
        }
        // Named without a value, a secret is taken from the runner's own environment: never an argument.
        command.args(["-s", "GITHUB_TOKEN"]).env("GITHUB_TOKEN", TOKEN);
        command
    }

    fn push(&self) -> Command {
        let mut command = self.event("push");
        command.args(["-s", "AILERON_SIGNING_KEY"]).env("AILERON_SIGNING_KEY", self.key());
        if self.name == "google" {
            command.args(["-s", "AILERON_CLIENT_SECRET"]).env("AILERON_CLIENT_SECRET", CLIENT_SECRET);
        }
        command
    }

    /// As a secret of CI holds it.
    fn key(&self) -> String {
        base64(&fs::read(&self.repository.key).unwrap())
    }

    pub(super) fn writes(&self) -> u64 {
        self.fake.github().meter.usage.writes
    }

    pub(super) fn script(&self, text: &str) {
        self.fake.set_script(text.parse::<Script>().unwrap());
    }

    fn succeeds(&self) -> String {
        let said = text(&ok(&mut self.push()));
        assert!(said.contains("Job succeeded"), "{said}");
        said
    }

    /// The job fails, says why, and leaves GitHub as it was.
    pub(super) fn fails(&self, command: &mut Command, words: &[&str]) {
        let before = (self.writes(), self.fake.github().repository.visible());
        let ended = run(command);
        let said = text(&ended);
        assert!(ended.code == 1 && said.contains("Job failed"), "{said}");
        // act lets both outputs of a program write to one buffer at the same time and loses a line now and then; the summary is
        // a file, and says the same.
        let in_summary = |word: &str| {
            let class = word.strip_prefix("::error title=").and_then(|rest| rest.split("::").next());
            class.is_some_and(|class| !class.is_empty() && said.contains(&format!("**{class}**")))
        };
        words.iter().for_each(|word| assert!(said.contains(word) || in_summary(word), "{word:?} is not in: {said}"));
        assert_eq!((self.writes(), self.fake.github().repository.visible()), before, "{said}");
    }
}

pub(super) fn text(said: &Ran) -> String {
    format!("{}{}", said.stdout, said.stderr)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub(super) fn output(said: &str, name: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.split_once(&format!("::set-output:: {name}=")))?;
    Some(line.1.trim().to_owned())
}

/// What a job is put through, in this order.
impl Job<'_> {
    /// What has to be there before anything is written.
    fn refuses_what_lacks(&self, home: &TestHome) {
        let stranger = home.scaffold("stranger", "wat");
        let stranger = base64(&fs::read(&stranger.key).unwrap());
        self.fails(self.push().env("AILERON_SIGNING_KEY", &stranger), &["::error title=", "keys/publisher.pub"]);
        self.fails(&mut self.event("push"), &["::error title=usage_error", "there is no signing key"]);
        if self.name == "google" {
            let mut without = self.event("push");
            without.args(["-s", "AILERON_SIGNING_KEY"]).env("AILERON_SIGNING_KEY", self.key());
            self.fails(&mut without, &["GOOGLE_OAUTH_CLIENT_SECRET"]);
        }
    }

    /// The tag was pushed, and then moved while the job waited.
    fn refuses_a_moved_tag(&self) {
        let commit = self.repository.git(&["rev-parse", "HEAD"]);
        let elsewhere = "0123456789".repeat(4);
        self.fake.github().repository.tags.insert(TAG.to_owned(), TagRef::light(&elsewhere));
        self.fails(&mut self.push(), &[&commit, &elsewhere]);
        self.fake.github().repository.tags.insert(TAG.to_owned(), TagRef::light(&commit));
    }

    /// Broken off in the middle, then run again.
    fn goes_on_after_a_break(&self, home: &TestHome) {
        self.script(r#"{"on": {"method": "POST", "nth": 12, "times": 1000}, "do": "reset"}"#);
        let broken = run(&mut self.push());
        let said = text(&broken);
        assert_eq!(broken.code, 1, "{said}");
        assert!(said.contains("::error title=incomplete::") && said.contains("gh run rerun 1 --failed"), "{said}");
        assert_eq!(output(&said, "status").as_deref(), Some("incomplete"), "{said}");
        assert!(self.fake.github().repository.visible().is_empty(), "nothing is public half-way");
        self.script("");
        let said = self.succeeds();
        let github = self.fake.github();
        let actions = fs::read_dir(self.repository.root.join("actions")).unwrap().count();
        assert_eq!(github.repository.visible().len(), actions + 1);
        assert!(github.repository.releases.values().all(|release| !release.draft));
        drop(github);
        assert_eq!(output(&said, "status").as_deref(), Some("complete"), "{said}");
        assert_eq!(output(&said, "tag").as_deref(), Some(TAG), "{said}");
        let hash = output(&said, "connector-hash").unwrap();
        assert!(
            hash.starts_with("sha256:") && said.contains(&format!("- content hash: `{hash}`")),
            "a summary: {said}"
        );
        let reference = format!("github://ALRubinger/aileron-connector-{}@1.2.3", self.name);
        let (from, key) = (self.fake.url(), self.repository.public_key());
        ok(&mut home.consumer(&["verify", &reference, "--from", &from, "--key", &key, "--hash", &hash]));
    }

    /// Again: nothing to write.
    fn writes_nothing_again(&self) {
        let before = self.writes();
        let said = self.succeeds();
        assert!(said.contains("it was complete, nothing was written"), "{said}");
        assert_eq!(self.writes(), before);
    }

    /// The tag of a published version moves to a commit with another text.
    fn refuses_another_text(&self) {
        let action = fs::read_dir(self.repository.root.join("actions")).unwrap().next().unwrap().unwrap().path();
        let action = format!("actions/{}/action.md", action.file_name().unwrap().to_str().unwrap());
        self.repository.write(&action, &format!("{}\nMore.\n", self.repository.read(&action)));
        let moved = self.repository.commit("another text");
        self.repository.git(&["tag", "--force", TAG]);
        self.fake.github().repository.tags.insert(TAG.to_owned(), TagRef::light(&moved));
        self.fails(&mut self.push(), &["::error title=publish_failed", "published versions never change"]);
    }

    /// A pull request that has got hold of everything.
    fn refuses_a_pull_request(&self) {
        let workflow = self.repository.read(".github/workflows/release.yml");
        let workflow = workflow.replace("${{ inputs.version || github.ref_name }}", "v1.2.4");
        let (_, rest) = workflow.split_once("permissions: {}").unwrap();
        self.repository.write(".github/workflows/release.yml", &format!("on: pull_request\npermissions: {{}}{rest}"));
        self.repository.commit("a proposal");
        let mut proposed = self.event("pull_request");
        proposed.args(["-s", "AILERON_SIGNING_KEY"]).env("AILERON_SIGNING_KEY", self.key());
        let requests = self.fake.log().len();
        self.fails(&mut proposed, &["::error title=usage_error::nothing is signed on the event pull_request"]);
        assert_eq!(self.fake.log().len(), requests, "GitHub was not even asked");
    }

    /// What all these runs left behind: outputs, caches, the runner's copies.
    pub(super) fn left_no_secret(&self, home: &TestHome) {
        let key = fs::read(&self.repository.key).unwrap();
        fs::remove_file(&self.repository.key).unwrap();
        let secrets = [base64(&key), String::from_utf8(key).unwrap(), TOKEN.to_owned(), CLIENT_SECRET.to_owned()];
        for (path, bytes) in contents(home.all()) {
            for secret in &secrets {
                assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{path} holds a secret");
            }
        }
    }
}

fn a_tag_is_released_by_its_workflow(name: &'static str) {
    let home = TestHome::new();
    let Some(job) = Job::new(&home, name, "ci") else { return };
    job.refuses_what_lacks(&home);
    job.refuses_a_moved_tag();
    job.goes_on_after_a_break(&home);
    job.writes_nothing_again();
    job.refuses_another_text();
    job.refuses_a_pull_request();
    job.left_no_secret(&home);
}

#[test]
fn a_workflow_releases_google_and_goes_on_and_refuses_what_it_must() {
    a_tag_is_released_by_its_workflow("google");
}

#[test]
fn a_workflow_releases_athena_and_goes_on_and_refuses_what_it_must() {
    a_tag_is_released_by_its_workflow("athena");
}
