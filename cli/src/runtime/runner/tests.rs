//! Approval comes before anything runs, and a connector that is not there is the step's failure.

use std::sync::atomic::AtomicBool;

use aileron_sandbox::host::clock::Profile;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;

use super::*;
use crate::runtime::credential_source::NoCredentials;

const TEXT: &str = r#"+++
name = "post"
version = "1.0.0"
source = "github://acme/x/actions/post@1.0.0"
[match]
intent = "post"
[[inputs]]
name = "text"
type = "string"
description = "d"
[[requires.connectors]]
name = "github://acme/x"
version = "1.0.0"
hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
capabilities = ["find", "send"]
[[execute]]
id = "send"
connector = "github://acme/x"
op = "send"
inputs = {}
[approval]
required = true
[approval.preview]
op = "find"
args = {}
[approval.preview.render]
To = "to"
+++
# Post
"#;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Answers with what it holds, and keeps what it was shown.
struct Scripted(Option<Decision>, Vec<Option<Preview>>);

impl Approver for Scripted {
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> io::Result<Decision> {
        assert_eq!(request.action.name.value, "post");
        assert_eq!(request.arguments["text"], Json::from("hello"));
        self.1.push(request.preview.cloned());
        self.0.ok_or_else(|| io::Error::other("no terminal"))
    }
}

/// Runs the action on a machine where its connector is not installed.
fn run(approval: Approval<'_>) -> ActionError {
    let home = tempfile::tempdir().unwrap();
    let store = Store::at(home.path().join(".aileron"));
    let parsed = Action::parse(Source::new("action.md", TEXT), Stage::Artifact);
    let action = parsed.document.unwrap_or_else(|| panic!("{:?}", parsed.problems));
    let options = RunOptions { limits: Limits::default(), profile: Profile::Deterministic, log: None, stop: None };
    let session = Session::start(None, Box::new(|_| {}), &NEVER).unwrap();
    let runner = Runner { session, options, network: NetworkOptions::default(), credentials: &NoCredentials };
    let arguments = Arguments::from([("text".to_owned(), Json::from("hello"))]);
    let installed = Installed { store: &store, ring: &Keyring::default() };
    runner.run_action(&action, &arguments, installed, approval).unwrap_err()
}

#[test] // sandbox.md §10.4, 15a
fn an_action_runs_only_after_its_approval() {
    for (answer, expected) in [
        (Some(Decision::Denied), "post was not approved; nothing was run"),
        (None, "cannot ask for approval: no terminal"),
        (Some(Decision::Approved), "step send: "),
    ] {
        let mut approver = Scripted(answer, Vec::new());
        let error = run(Approval::Ask(&mut approver)).to_string();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(approver.1.len(), 1);
        assert!(
            matches!(&approver.1[0], Some(Err(why)) if why.starts_with("preview unavailable: ")),
            "{:?}",
            approver.1
        );
    }
}

#[test] // sandbox.md §10.5
fn a_connector_that_is_not_installed_is_the_failure_of_its_step() {
    let ActionError::Stopped(stopped) = run(Approval::Given) else { panic!("it was approved") };
    assert_eq!((stopped.step.as_str(), stopped.failure.boundary), ("send", "runtime"));
    assert_eq!(stopped.failure.details["connector_class"], Class::ConnectorsMissing.as_str());
}
