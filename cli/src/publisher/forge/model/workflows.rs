//! Starting a workflow by a request.

use serde_json::Value;

use super::git::WORKFLOWS;
use super::{GitHub, Response};

impl GitHub {
    /// GitHub Docs, "Create a workflow dispatch event": the workflow is one of the default branch, says that it can be started
    /// so, and runs on a branch or tag that is there.
    pub(super) fn start_workflow(&mut self, workflow: &str, fields: &Value) -> Result<Response, Response> {
        let page = "/actions/workflows#create-a-workflow-dispatch-event";
        let repository = &self.repository;
        let file = repository.files.get(&format!("{WORKFLOWS}/{workflow}"));
        let text = file.map(|bytes| String::from_utf8_lossy(bytes)).ok_or_else(|| Response::not_found(page))?;
        if !text.contains("workflow_dispatch") {
            return Err(Response::refusal(422, "Workflow does not have 'workflow_dispatch' trigger", page));
        }
        // Which input it is does not matter here: a release needs one, its version.
        if text.contains("required: true") && fields["inputs"].as_object().is_none_or(serde_json::Map::is_empty) {
            return Err(Response::refusal(422, "Required input 'version' not provided", page));
        }
        let on = fields["ref"].as_str().unwrap_or_default();
        let short = on.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        if !repository.branches.contains_key(short) && !repository.tags.contains_key(short) {
            return Err(Response::refusal(422, format!("No ref found for: {on}"), page));
        }
        self.repository.started.push((workflow.to_owned(), short.to_owned()));
        Ok(Response::empty(204))
    }
}
