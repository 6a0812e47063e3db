//! `plan`: what a release would write. With a key, byte for byte; without one, as far as hashes go.

use aileron_verifier::name::version::Version;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use super::registry::with_forge;
use super::{Answer, Context, Verb};
use crate::publisher::forge::Estimate;
use crate::publisher::release::{self, Change, Planned, Since, SinceLines};
use crate::sys::calendar::rfc3339;
use crate::ui::args::{RegistryFlags, ReleaseFlags, SigningFlags, examples};
use crate::ui::report::Outcome;

/// Show what a release would write.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub plan v0.1.0",
    "aileron-pub plan v0.1.0 --to dir:../registry --diff --key ../publisher.key"
))]
pub(crate) struct Plan {
    /// What to build, and as which version.
    #[command(flatten)]
    release: ReleaseFlags,
    /// Who signs; without a key the plan shows hashes, and cannot compare archives that are published already.
    #[command(flatten)]
    signing: SigningFlags,
    /// Where to publish.
    #[command(flatten)]
    registry: RegistryFlags,
    /// Show every line the release changes in your documents (secrets masked).
    #[arg(long)]
    diff: bool,
}

impl Verb for Plan {
    fn run(self, context: &Context) -> Answer {
        let mut request = self.release.request(context.repository.clone());
        request.key = self.signing.key;
        let (target, version) = (&self.registry, &request.version);
        let ((planned, estimate), registry) = with_forge(target, version, context, |forge, world| {
            let planned = release::plan(&request, forge, world)?;
            let estimate = match &planned {
                Planned::Signed(plan) => forge.estimate(&plan.stage, &plan.flip),
                Planned::Unsigned(_) => None,
            };
            Ok((planned, estimate))
        })?;
        let diff = |changes: &[Change]| if self.diff { diff_text(changes) } else { String::new() };
        match planned {
            Planned::Signed(plan) => {
                let (stage, flip) = (plan.stage.len(), plan.flip.len());
                let text = format!(
                    "{}{}\n  content hash  {}\n  registry      {registry}\n  state         {}\n  writes        {} ({stage} staged, {flip} published)\n{}{}",
                    diff(&plan.proven.changes),
                    plan.proven.release,
                    plan.proven.content,
                    plan.verdict.as_str(),
                    plan.writes(),
                    estimate.map(estimate_text).unwrap_or_default(),
                    growth_text(plan.growth.as_ref()),
                );
                let writes: Vec<String> = plan.stage.iter().chain(&plan.flip).map(|write| write.describe()).collect();
                Ok(Outcome::new(
                    text,
                    json!({
                        "version": plan.proven.release.version,
                        "content_hash": plan.proven.content,
                        "signed": true,
                        "state": plan.verdict.as_str(),
                        "writes": {"total": plan.writes(), "stage": stage, "publish": flip},
                        "finish": estimate.map(|estimate| rfc3339(estimate.finish)),
                        "limit": estimate.and_then(|estimate| estimate.limit),
                        "requests": estimate.map(requests_json),
                        "steps": writes,
                        "capabilities_since": plan.growth.as_ref().map(|since| &since.capabilities),
                        "authority_since": plan.growth.as_ref().and_then(|since| since.permissions.as_ref()),
                        "changes": self.diff.then(|| changes_json(&plan.proven.changes)),
                    }),
                ))
            }
            Planned::Unsigned(preview) => {
                let why = if context.may_sign().is_ok() { "no signing key" } else { "a pull request" };
                let text = format!(
                    "{}{}\n  content hash  {}\n  {why}: nothing was signed, so published archives could not be compared\n",
                    diff(&preview.changes),
                    preview.release,
                    preview.content,
                );
                Ok(Outcome::new(
                    text,
                    json!({
                        "version": preview.release.version,
                        "content_hash": preview.content,
                        "signed": false,
                        "changes": self.diff.then(|| changes_json(&preview.changes)),
                    }),
                ))
            }
        }
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.release.version)
    }
}

/// What it takes, when the last write can leave, and why not sooner.
pub(super) fn estimate_text(estimate: Estimate) -> String {
    let Estimate { limit, creations, changes, reads, .. } = estimate;
    let limit = limit.map(|limit| format!(", the limit is {limit}")).unwrap_or_default();
    format!(
        "  requests      {creations} creations, {changes} changes, {reads} reads\n  done by       {}{limit}\n",
        estimate.done_by()
    )
}

/// The same for scripts.
pub(super) fn requests_json(estimate: Estimate) -> serde_json::Value {
    json!({"creations": estimate.creations, "changes": estimate.changes, "reads": estimate.reads})
}

fn diff_text(changes: &[Change]) -> String {
    let mut text = String::new();
    let mut file = "";
    for change in changes {
        if change.file != file {
            file = &change.file;
            text.push_str(&format!("--- {0}\n+++ {0} (bound)\n", printable(file)));
        }
        text.push_str(&format!("@@ {} @@\n", change.line));
        change.from.lines().for_each(|line| text.push_str(&format!("-{line}\n")));
        change.to.lines().for_each(|line| text.push_str(&format!("+{line}\n")));
    }
    text.push('\n');
    text
}

fn changes_json(changes: &[Change]) -> serde_json::Value {
    let change = |c: &Change| json!({"file": c.file, "line": c.line, "from": c.from, "to": c.to});
    changes.iter().map(change).collect()
}

/// What the connector may do that its predecessor could not, line by line.
pub(super) fn growth_text(since: Option<&Since>) -> String {
    let Some(since) = since else { return String::new() };
    let SinceLines { gained, changed, lost } = since.lines();
    let mut text = String::new();
    if since.permissions.is_none() {
        text.push_str(&format!("  note          {}\n", Since::UNREADABLE));
    }
    for (label, lines) in [("now may", gained), ("changed", changed), ("no longer", lost)] {
        lines.iter().for_each(|line| text.push_str(&format!("  {label:<14}{line}\n")));
    }
    text
}
