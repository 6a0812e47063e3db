//! `status`: how far a version has been published; builds nothing.

use aileron_verifier::name::version::Version;
use aileron_verifier::rules;
use aileron_verifier::text::printable_within;
use clap::Args;
use serde_json::json;

use super::plan::{estimate_text, requests_json};
use super::registry::with_forge;
use super::{Answer, Context, Verb};
use crate::publisher::release::{self, ApprovalState, DirtyTree, ReleaseRequest, Standing};
use crate::sys::calendar::rfc3339;
use crate::ui::args::{BuildFlags, RegistryFlags, examples, version};
use crate::ui::report::Outcome;
use crate::ui::report::table::table;

/// Show how far a version has been published.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub status v0.1.0",
    "aileron-pub status v0.1.0 --to dir:../registry"
))]
pub(crate) struct Status {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    version: Version,
    /// Where it is published.
    #[command(flatten)]
    registry: RegistryFlags,
}

impl Verb for Status {
    fn run(self, context: &Context) -> Answer {
        // Nothing is written: a dirty tree or an action that an installer would refuse does not matter here.
        let allow = rules::waivers().collect();
        let build = BuildFlags { allow, ..BuildFlags::default() };
        let request = build.request(self.version, context.repository.clone());
        let request = ReleaseRequest { dirty: DirtyTree::Ignored, ..request };
        let (target, version) = (&self.registry, &request.version);
        let (status, registry) = with_forge(target, version, context, |forge, world| {
            release::status(&release::ready(&request, world)?, forge, world)
        })?;
        let rows: Vec<Vec<String>> =
            status.tags.iter().map(|standing| vec![standing.tag.clone(), standing.state.to_owned()]).collect();
        let public = status.tags.iter().filter(|standing| standing.state == "public").count();
        let left = status.estimate.filter(|left| left.creations + left.changes > 0);
        let text = format!(
            "{}{} in {registry}: {} ({public} of {} public)\n{}{}{}",
            table(&["tag", "state"], &rows),
            status.release,
            status.verdict.as_str(),
            status.tags.len(),
            status.tags.iter().filter_map(reason).collect::<String>(),
            status.approval.map(|state| approval_text(state, version)).unwrap_or_default(),
            left.map(estimate_text).unwrap_or_default(),
        );
        let tags: Vec<_> = status
            .tags
            .iter()
            .map(|standing| json!({"tag": standing.tag, "state": standing.state, "why": standing.why}))
            .collect();
        Ok(Outcome::new(
            text,
            json!({
                "version": status.release.version,
                "registry": registry,
                "status": status.verdict.as_str(),
                "approval": status.approval.map(ApprovalState::as_str),
                "commit": status.commit,
                "public": public,
                "requests": left.map(requests_json),
                "finish": left.map(|left| rfc3339(left.finish)),
                "limit": left.and_then(|left| left.limit),
                "tags": tags,
            }),
        ))
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.version)
    }
}

fn approval_text(state: ApprovalState, version: &Version) -> String {
    match state {
        ApprovalState::Proposed => format!("  proposed, waits for: aileron-pub approve v{version}\n"),
        ApprovalState::Approved => format!("  approved, waits for: aileron-pub release v{version} --propose\n"),
    }
}

fn reason(standing: &Standing) -> Option<String> {
    Some(format!("  {}: {}\n", standing.tag, printable_within(standing.why.as_ref()?, 400)))
}
