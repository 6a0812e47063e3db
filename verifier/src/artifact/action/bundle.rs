//! Rules over all actions of a repository. artifacts.md §3, bundle rules.

use std::collections::HashSet;

use super::Action;
use crate::artifact::rules;
use crate::problem::Problem;
use crate::text::printable;

/// Judges actions that are published together: names are unique, and a preview runs only an op that some action declares
/// idempotent and none gates with approval. Each problem names its own file; they come in the order of the actions.
pub fn bundle(actions: &[&Action]) -> Vec<Problem> {
    let mut idempotent = HashSet::new();
    let mut gated = HashSet::new();
    for action in actions {
        for step in &action.steps {
            let call = (step.connector.value.as_str(), step.op.value.as_str());
            if step.idempotent == Some(true) {
                idempotent.insert(call);
            }
            if action.needs_approval() {
                gated.insert(call);
            }
        }
    }
    let mut names = HashSet::new();
    let mut problems = Vec::new();
    for action in actions {
        let name = &action.name;
        if !names.insert(name.value.as_str()) {
            let message = format!("another action is named \"{}\" too", name.value);
            problems.push(action.source.problem(rules::ACTION_DUPLICATE, name.at.clone(), message));
        }
        let preview = action.approval.as_ref().and_then(|approval| approval.preview.as_ref());
        let Some((preview, first)) = preview.zip(action.steps.first()) else { continue };
        let call = (first.connector.value.as_str(), preview.op.value.as_str());
        let fault = if gated.contains(&call) {
            "is gated by approval itself"
        } else if !idempotent.contains(&call) {
            "is declared `idempotent = true` by no action on this connector"
        } else {
            continue;
        };
        let message = format!("preview op \"{}\" {fault}", printable(&preview.op.value));
        problems.push(action.source.problem(rules::PREVIEW_OP, preview.op.at.clone(), message));
    }
    problems
}
