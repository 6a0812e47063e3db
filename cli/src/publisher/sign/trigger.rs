//! What made a workflow run, and whether anything may be signed there.
//!
//! A pull request is another person's code. GitHub keeps secrets from those of forks, but not from those of branches, nor from
//! `pull_request_target` and from a `workflow_run` that follows one: a workflow that lends its key there would sign whatever
//! is proposed. So the key is not even looked for. What is not known counts as a pull request.

use std::path::Path;

use serde_json::Value;

use super::KeyError;
use crate::sys::disk;
use crate::sys::environment::Environment;

/// GitHub caps a webhook's payload at 25 MB.
const EVENT_LIMIT: u64 = 32 * 1024 * 1024;

/// Nothing is signed for a pull request, in whichever form one reaches a workflow.
///
/// Looks at `GITHUB_EVENT_NAME`; outside of a workflow there is none, and nothing stands in the way.
///
/// # Errors
/// [`KeyError::PullRequest`].
pub fn may_sign(environment: &Environment) -> Result<(), KeyError> {
    let Some(event) = environment.var("GITHUB_EVENT_NAME") else { return Ok(()) };
    let event = event.to_string_lossy();
    let refused = |why: &str| Err(KeyError::PullRequest { event: event.clone().into_owned(), why: why.to_owned() });
    if event.starts_with("pull_request") {
        return refused("what it proposes is not the repository's yet");
    }
    if event != "workflow_run" {
        return Ok(());
    }
    let payload = environment.var("GITHUB_EVENT_PATH").and_then(|path| payload(Path::new(path)));
    let Some(run) = payload.as_ref().and_then(|payload| payload.get("workflow_run")) else {
        return refused("GITHUB_EVENT_PATH does not say which run it follows");
    };
    let head = run["head_repository"]["full_name"].as_str();
    let ours = environment.var("GITHUB_REPOSITORY").and_then(|name| name.to_str());
    match (run["event"].as_str(), head.zip(ours)) {
        (Some(first), _) if first.starts_with("pull_request") => refused("it follows a pull request"),
        (Some(_), Some((head, ours))) if head.eq_ignore_ascii_case(ours) => Ok(()),
        _ => refused("it follows a run of another repository"),
    }
}

fn payload(path: &Path) -> Option<Value> {
    serde_json::from_slice(&disk::read(path, EVENT_LIMIT).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn a_pull_request_is_never_signed_and_everything_else_may_be() {
        assert!(may_sign(&environment(&[])).is_ok(), "not in a workflow");
        for (event, signed) in [
            ("push", true),
            ("workflow_dispatch", true),
            ("release", true),
            ("schedule", true),
            ("pull_request", false),
            ("pull_request_target", false),
            ("pull_request_review", false),
            ("pull_request_review_comment", false),
            ("workflow_run", false), // without a payload
        ] {
            assert_eq!(may_sign(&environment(&[("GITHUB_EVENT_NAME", event)])).is_ok(), signed, "{event}");
        }
    }

    #[test]
    fn a_workflow_run_is_signed_only_when_it_follows_a_run_of_our_own_that_is_no_pull_request() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("event.json");
        for (payload, signed) in [
            (r#"{"workflow_run": {"event": "push", "head_repository": {"full_name": "Acme/x"}}}"#, true),
            (r#"{"workflow_run": {"event": "push", "head_repository": {"full_name": "mallory/x"}}}"#, false),
            (r#"{"workflow_run": {"event": "pull_request", "head_repository": {"full_name": "acme/x"}}}"#, false),
            (r#"{"workflow_run": {"event": "push", "head_repository": null}}"#, false),
            (r#"{"workflow_run": {"head_repository": {"full_name": "acme/x"}}}"#, false),
            ("{}", false),
            ("no JSON", false),
        ] {
            std::fs::write(&path, payload).expect("writes");
            let file = path.to_str().expect("a path");
            let run =
                [("GITHUB_EVENT_NAME", "workflow_run"), ("GITHUB_EVENT_PATH", file), ("GITHUB_REPOSITORY", "acme/x")];
            assert_eq!(may_sign(&environment(&run)).is_ok(), signed, "{payload}");
            assert!(may_sign(&environment(&run[..2])).is_err(), "a repository that is not named is not ours");
        }
    }
}
