//! `release`: publish one version, and say what it took.

use std::time::Duration;

use aileron_verifier::name::version::Version;
use clap::Args;
use serde_json::json;

use super::approve::toolchain_text;
use super::pack::{artifacts_json, artifacts_text};
use super::plan::growth_text;
use super::registry::{Rehearsed, rehearse, with_forge};
use super::{Answer, Context, Verb};
use crate::publisher::release::{self, Proposed, Receipt, ReleaseRequest, Waiting};
use crate::sys::calendar::{moment, rfc3339};
use crate::ui::args::{RegistryFlags, RegistryName, ReleaseFlags, SigningFlags, duration, examples};
use crate::ui::report::{Failure, Outcome};

/// Publish one version of the connector and every action.
///
/// Nothing is visible to consumers before everything is staged. After an interruption the same command continues;
/// when everything is published it writes nothing.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub release v0.1.0",
    "aileron-pub release v0.1.0 --to dir:../registry --key ../publisher.key",
    "aileron-pub release v0.1.0 --propose"
))]
pub(crate) struct Release {
    /// What to build, and as which version.
    #[command(flatten)]
    release: ReleaseFlags,
    /// Who signs.
    #[command(flatten)]
    signing: SigningFlags,
    /// Where to publish.
    #[command(flatten)]
    registry: RegistryFlags,
    /// Replace a different publisher key in a directory registry; on GitHub the key is committed, not published.
    #[arg(long)]
    replace_key: bool,
    /// Propose what would be signed, or publish it once it was approved; needs no signing key.
    #[arg(long, conflicts_with_all = ["key", "rehearse", "allow_dirty"])]
    propose: bool,
    /// Publish into a model of GitHub instead: no network, no token, no waiting; shows what it takes and how long.
    #[arg(long)]
    rehearse: bool,
    /// Wait this long for another release that writes to the same place, as in 10m [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait_lock: Option<Duration>,
}

impl Verb for Release {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let mut request = self.release.request(context.repository.clone());
        request.key = self.signing.key;
        request.replace_key = self.replace_key;
        let target = &RegistryFlags { wait_lock: self.wait_lock, ..self.registry };
        let version = &request.version;
        if self.rehearse {
            return rehearsed(&request, target, context);
        }
        if self.propose {
            return match with_forge(target, version, context, |forge, world| release::propose(&request, forge, world))?
            {
                (Proposed::Waiting(waiting), registry) => Ok(waits(&waiting, &registry)),
                (Proposed::Published(receipt), registry) => Ok(published(&receipt, &registry)),
            };
        }
        let (receipt, registry) =
            with_forge(target, version, context, |forge, world| release::release(&request, forge, world))?;
        Ok(published(&receipt, &registry))
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.release.version)
    }
}

/// What was proposed, and what it waits for.
fn waits(waiting: &Waiting, registry: &str) -> Outcome {
    let Waiting { release, content, commit, toolchain, artifacts, file, writes } = waiting;
    let found = if *writes == 0 { " (it was proposed before, nothing was written)" } else { "" };
    let approve = format!("aileron-pub approve v{}", release.version);
    let text = format!(
        "proposed {release} in {registry}{found}\n  commit        {commit}\n  content hash  {content}\n  artifacts     {artifacts}\n  built with    {}\nnothing is signed or public yet; next, on the machine with the key, in a clone that has this commit:\n  {approve}\n",
        toolchain_text(toolchain),
    );
    Outcome::new(
        text,
        json!({
            "version": release.version,
            "repository": release.name.repository(),
            "registry": registry,
            "status": "proposed",
            "writes": writes,
            "commit": commit,
            "content_hash": content,
            "toolchain": toolchain,
            "proposal": {"sha256": file.digest, "size": file.bytes.len()},
            "artifacts": artifacts,
            "approve": approve,
        }),
    )
}

fn published(receipt: &Receipt, registry: &str) -> Outcome {
    let proven = &receipt.proven;
    let text = format!(
        "{}{} is public in {registry}: {}\n{}",
        artifacts_text(proven, "verified"),
        proven.release,
        writes(receipt),
        growth_text(receipt.growth.as_ref()),
    );
    let fields = json!({
        "version": proven.release.version,
        "repository": proven.release.name.repository(),
        "registry": registry,
        "status": "complete",
        "found": receipt.found.as_str(),
        "writes": receipt.writes,
        "commit": proven.cohort.commit,
        "dirty": proven.cohort.dirty,
        "key": proven.signer(),
        "content_hash": proven.content,
        "toolchain": proven.cohort.toolchain,
        "allowed": proven.cohort.allowed,
        "capabilities": proven.cohort.capabilities,
        "capabilities_since": receipt.growth.as_ref().map(|since| &since.capabilities),
        "authority_since": receipt.growth.as_ref().and_then(|since| since.permissions.as_ref()),
        "artifacts": artifacts_json(proven, "verified"),
    });
    Outcome::new(text, fields)
}

/// The same release in front of a model of GitHub.
fn rehearsed(request: &ReleaseRequest, target: &RegistryFlags, context: &Context) -> Answer {
    if target.to != RegistryName::GitHub {
        let usage = Failure::usage("--rehearse plays GitHub; a directory is published to as fast as it is written");
        return Err(usage.next("leave --rehearse out, or publish to another directory first"));
    }
    let ready = context.with_silent_world(|world| release::ready(request, world))?;
    let (receipt, Rehearsed { usage, took, until }) =
        rehearse(target, &ready.release.name, context, |forge, world| release::release(request, forge, world))?;
    let proven = &receipt.proven;
    let changes = usage.writes - usage.creations;
    let text = format!(
        "{}rehearsed: {} would be public after {} writes ({} creations, {changes} changes) and {} reads\n  takes         {}, done by {} if it began now\n  nothing left this machine\n",
        artifacts_text(proven, "rehearsed"),
        proven.release,
        usage.writes,
        usage.creations,
        usage.reads,
        length(took),
        moment(until, until.checked_sub(took).unwrap_or(until)),
    );
    Ok(Outcome::new(
        text,
        json!({
            "version": proven.release.version,
            "status": "rehearsed",
            "writes": usage.writes,
            "requests": {"creations": usage.creations, "changes": changes, "reads": usage.reads},
            "refused_for_a_limit": usage.limited,
            "seconds": took.as_secs(),
            "finish": rfc3339(until),
            "content_hash": proven.content,
            "artifacts": artifacts_json(proven, "rehearsed"),
        }),
    ))
}

/// `2 h 5 min`, `3 min 20 s`, `16 s`.
fn length(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn writes(receipt: &Receipt) -> String {
    match receipt.writes {
        0 => "it was complete, nothing was written".to_owned(),
        writes => format!("{writes} writes, every archive fetched back and verified"),
    }
}
