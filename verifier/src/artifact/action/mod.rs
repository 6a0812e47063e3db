//! The action: what an agent may ask for, which connector ops that runs, and what a person approves. artifacts.md §3.
//!
//! One `action.md` is judged here, and rules over all actions of a repository in [`bundle`]. Not here: whether the
//! required connector exists, whether a placeholder may stand (`binding`), running anything.

mod approval;
mod bundle;
mod front;
mod input;
mod require;
mod step;
pub mod template;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

use crate::artifact::rules;
use crate::name;
use crate::name::fqn::{Ref, Scheme};
use crate::name::version::Version;
use crate::problem::{Parsed, Problem, Source, Spanned};
use crate::text::printable;
use crate::text::toml::{self, Stage, Table};

pub use approval::{Approval, Preview};
pub use bundle::bundle;
pub use input::Input;
pub use require::{Pin, Requirement};
pub use step::Step;

/// An `action.md`, read whole.
///
/// Input names, types and descriptions and the intent are the words of the file even where a waivable rule stands
/// against them; everything else keeps artifacts.md §3.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The file it was read from; all ranges point into it.
    pub source: Source,
    /// `name`, `^[a-z0-9][a-z0-9._-]*$`.
    pub name: Spanned<String>,
    /// `version`.
    pub version: Spanned<Version>,
    /// The key `source`: the Ref it is published under.
    pub reference: Spanned<Ref>,
    /// `requires.connectors`, at least one.
    pub requires: Vec<Requirement>,
    /// `match.intent`.
    pub intent: Spanned<String>,
    /// `inputs`, in file order.
    pub inputs: Vec<Input>,
    /// `execute`, in the order they run; at least one.
    pub steps: Vec<Step>,
    /// `approval`.
    pub approval: Option<Approval>,
    /// The TOML between the `+++` lines.
    pub front_matter: Range<usize>,
    /// The Markdown after them, verbatim.
    pub body: Range<usize>,
}

impl Action {
    /// Reads an action and reports all that is wrong with it, in file order.
    ///
    /// In [`Stage::Source`] the hash placeholder and `local://` requirements stand, [`Action::identity_fault`] counts, and
    /// there are warnings ([`rules::EMPTY_BODY`], [`rules::CAPABILITY_OP`], [`rules::IDEMPOTENT_MISSING`]). In
    /// [`Stage::Artifact`] a placeholder hash and a `local://` requirement are errors, and identity is left to the one who
    /// knows which name was asked for.
    pub fn parse(source: Source, stage: Stage) -> Parsed<Action> {
        let parts = match front::split(&source) {
            Ok(parts) => parts,
            Err(problem) => return Parsed { document: None, problems: vec![problem], more: 0 },
        };
        let within = parts.front_matter.clone();
        toml::read(&source, within, stage, |root| action(root, &parts, stage))
    }

    /// Whether `source` names this action: its path ends in `actions/<name>` and its version is `version`. A `local://`
    /// source is exempt. artifacts.md §3.
    pub fn identity_fault(&self) -> Option<Problem> {
        let message = identity_fault(&self.name.value, &self.version.value, &self.reference.value)?;
        Some(self.source.problem(rules::ACTION_SOURCE, self.reference.at.clone(), message))
    }

    /// Whether a call needs a person's approval.
    pub fn needs_approval(&self) -> bool {
        self.approval.as_ref().is_some_and(|approval| approval.required)
    }
}

fn action(root: &Table<'_>, parts: &front::Parts, stage: Stage) -> Option<Action> {
    let name = root.required("name").inspect(|name| check_name(root, name));
    let version = root.required("version").and_then(|text| root.parsed(name::rules::VERSION_FORM, text, str::parse));
    let reference = root.required("source").and_then(|text| root.parsed(name::rules::REF_FORM, text, Ref::parse_local));
    let requires = require::read(root, stage);
    let intent = intent(root);
    let inputs = input::read(root);
    let scope = step::Scope {
        connectors: requires.names.iter().map(String::as_str).collect(),
        inputs: inputs.iter().map(|input| input.name.value.as_str()).collect(),
    };
    let steps = step::read(root, &scope);
    let approval = root.table("approval").map(|table| approval::read(&table, &scope));
    root.finish();
    if stage == Stage::Source {
        if let (Some(name), Some(version), Some(reference)) = (&name, &version, &reference)
            && let Some(message) = identity_fault(&name.value, &version.value, &reference.value)
        {
            root.report(rules::ACTION_SOURCE, reference.at.clone(), message);
        }
        advise_on_body(root, parts);
        advise_on_steps(root, &requires.read, &steps, approval.as_ref());
    }
    Some(Action {
        source: root.source().clone(),
        name: name?,
        version: version?,
        reference: reference?,
        requires: requires.read,
        intent: intent?,
        inputs,
        steps,
        approval,
        front_matter: parts.front_matter.clone(),
        body: parts.body.clone(),
    })
}

fn identity_fault(name: &str, version: &Version, reference: &Ref) -> Option<String> {
    if reference.name.scheme() == Scheme::Local {
        return None;
    }
    if reference.name.action_name() != Some(name) {
        Some(format!("the path of `source` does not end in actions/{}", printable(name)))
    } else if reference.version != *version {
        Some(format!("`source` has version {}, `version` is {version}", reference.version))
    } else {
        None
    }
}

fn intent(root: &Table<'_>) -> Option<Spanned<String>> {
    let Some(table) = root.table("match") else {
        if !root.has("match") {
            root.missing("match.intent");
        }
        return None;
    };
    let intent = table.required("intent");
    if let Some(intent) = intent.as_ref().filter(|intent| intent.value.is_empty()) {
        table.report(rules::INTENT_EMPTY, intent.at.clone(), "the intent is empty");
    }
    table.finish();
    intent
}

fn check_name(root: &Table<'_>, name: &Spanned<String>) {
    let mut bytes = name.value.bytes();
    let is_head = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name = bytes.next().is_some_and(is_head) && bytes.all(|byte| is_head(byte) || b"._-".contains(&byte));
    if !is_name {
        let message = format!("\"{}\" is not an action name", printable(&name.value));
        root.report(rules::ACTION_NAME, name.at.clone(), message);
    }
}

fn advise_on_body(root: &Table<'_>, parts: &front::Parts) {
    let text = &root.source().text;
    if text[parts.body.clone()].trim().is_empty() {
        root.report(rules::EMPTY_BODY, text.len()..text.len(), "the Markdown body is empty");
    }
}

/// Every capability of a required connector should be an op that some step, or the preview, calls on it.
fn advise_on_steps(root: &Table<'_>, requires: &[Requirement], steps: &[Step], approval: Option<&Approval>) {
    for step in steps.iter().filter(|step| step.idempotent.is_none()) {
        let message = format!("step \"{}\" does not say whether it is idempotent", printable(&step.id.value));
        root.report(rules::IDEMPOTENT_MISSING, step.at.end..step.at.end, message);
    }
    let preview = approval.and_then(|approval| approval.preview.as_ref());
    let previewed = steps.first().zip(preview).map(|(step, preview)| (&step.connector, &preview.op));
    let called: HashSet<(&str, &str)> = (steps.iter().map(|step| (&step.connector, &step.op)))
        .chain(previewed)
        .map(|(connector, op)| (connector.value.as_str(), op.value.as_str()))
        .collect();
    for requirement in requires {
        let connector = requirement.name.value.to_string();
        let is_called = |op: &str| called.contains(&(connector.as_str(), op));
        for capability in requirement.capabilities.iter().filter(|capability| !is_called(&capability.value)) {
            let message = format!("no step calls \"{}\"", printable(&capability.value));
            root.report(rules::CAPABILITY_OP, capability.at.clone(), message);
        }
    }
}
