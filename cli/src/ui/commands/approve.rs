//! `approve`: make what was proposed again, compare, ask, and sign.

use aileron_verifier::name::version::Version;
use aileron_verifier::statement::cohort::Toolchain;
use aileron_verifier::text::Untrusted;
use clap::Args;
use serde_json::json;

use super::plan::growth_text;
use super::registry::with_forge;
use super::{Answer, Context, Verb};
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::event::counted;
use crate::publisher::forge::{RELEASE_WORKFLOW, WorkflowStart};
use crate::publisher::release::{self, Approved, Receipt, Review, TakenBuild};
use crate::ui::args::{BuildFlags, RegistryFlags, SigningFlags, examples, version};
use crate::ui::report::Outcome;
use crate::ui::report::console::Terminal;

/// Approve a proposed release: make it again from its commit, compare every byte, and sign on this machine.
///
/// Nothing that was only downloaded is signed, but for the client secret and, with --take-build, the module. The next
/// `release --propose`, usually CI's, publishes what was approved.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub approve v0.1.0",
    "aileron-pub approve v0.1.0 --to dir:../registry --key ../publisher.key --yes --publish"
))]
pub(crate) struct Approve {
    /// The version that was proposed, with or without `v`.
    #[arg(value_parser = version)]
    version: Version,
    /// What decides the bytes.
    #[command(flatten)]
    build: BuildFlags,
    /// Who signs.
    #[command(flatten)]
    signing: SigningFlags,
    /// Where it was proposed.
    #[command(flatten)]
    registry: RegistryFlags,
    /// Sign the proposed module and its toolchain although this machine builds another one; both are shown first.
    #[arg(long)]
    take_build: bool,
    /// Publish it from here, instead of leaving that to CI.
    #[arg(long)]
    publish: bool,
    /// Approve without a question.
    #[arg(short, long)]
    yes: bool,
}

impl Verb for Approve {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let mut request = self.build.request(self.version, context.repository.clone());
        request.key = self.signing.key;
        let agree = |review: &Review| self.yes || agreed(review, context);
        let ((approved, receipt, started), registry) =
            with_forge(&self.registry, &request.version, context, |forge, world| {
                let approved = release::approve(&request, self.take_build, &agree, forge, world)?;
                if self.publish {
                    let proven = approved.proven.clone();
                    let receipt = release::publish(proven, &approved.remote, &request, forge, world)?;
                    return Ok((approved, Some(receipt), WorkflowStart::None));
                }
                let started = release::start_publishing(&approved, forge)?;
                Ok((approved, None, started))
            })?;
        let text = text(&approved, receipt.as_ref(), &started, &registry);
        Ok(Outcome::new(text, fields(&approved, receipt.as_ref(), &started, &registry)))
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.version)
    }
}

/// Shows what would be signed, and asks. No answer is no.
fn agreed(review: &Review, context: &Context) -> bool {
    let mut console = Terminal { json: context.output.json };
    let question = format!("Sign {} with this key? [y/N]: ", counted(review.artifacts, "artifact"));
    console.say(&review_text(review)).and_then(|()| consents(&mut console, &question)).unwrap_or(false)
}

/// What is to be signed, for a person.
fn review_text(review: &Review) -> String {
    let mut text = format!(
        "{}\n  commit        {}\n  content hash  {}\n  artifacts     {}\n  built with    {}\n  signs with    {}\n",
        review.release,
        review.commit,
        review.content,
        review.artifacts,
        toolchain_text(&review.toolchain),
        review.key,
    );
    if let Some(TakenBuild { proposed, here, same_module, capabilities }) = &review.taken {
        let what = if *same_module { "toolchain line" } else { "module" };
        text.push_str(&format!("  NOT BUILT HERE: the {what} is the proposal's\n"));
        text.push_str(&format!("    proposed    {}\n", toolchain_text(proposed)));
        text.push_str(&format!("    here        {}\n", toolchain_text(here)));
        let changes = [("only proposed", &capabilities.gained), ("only here", &capabilities.lost)];
        for (label, lines) in changes {
            lines.iter().for_each(|line| text.push_str(&format!("    {label:<14}{}\n", Untrusted(line))));
        }
        if !same_module && capabilities.gained.is_empty() && capabilities.lost.is_empty() {
            text.push_str("    both may do the same\n");
        }
    }
    if review.secret {
        text.push_str("  client secret as CI bound it: it is in no commit\n");
    }
    text.push_str(&growth_text(review.growth.as_ref()));
    text
}

/// A toolchain on one line.
pub(super) fn toolchain_text(toolchain: &Toolchain) -> String {
    match toolchain {
        Toolchain::Built { language, version, flags } => {
            Untrusted(format!("{language} {version} {}", flags.join(" ")).trim_end()).to_string()
        }
        Toolchain::Prebuilt { .. } => "a module that was built elsewhere".to_owned(),
    }
}

fn text(approved: &Approved, receipt: Option<&Receipt>, started: &WorkflowStart, registry: &str) -> String {
    let Approved { proven, writes, review, .. } = approved;
    let signed = format!("{} signed with {}", counted(review.artifacts, "artifact"), proven.signer());
    let said = match writes {
        0 => format!("{} was approved before: {signed}, nothing was written\n", proven.release),
        _ => format!("approved {} in {registry}: {signed}\n", proven.release),
    };
    let version = &proven.release.version;
    let next = match (receipt, started) {
        (Some(receipt), _) => format!(
            "{} is public in {registry}: {} writes, every archive fetched back and verified\n",
            proven.release, receipt.writes
        ),
        (None, WorkflowStart::Started) => {
            format!("started {RELEASE_WORKFLOW} on {}: it publishes\n", proven.release.tag())
        }
        (None, WorkflowStart::Refused(why)) => format!(
            "{RELEASE_WORKFLOW} could not be started from here ({}). Start it:\n  {}\n",
            Untrusted(why),
            start_line(approved)
        ),
        (None, WorkflowStart::None) => format!("publish it:\n  aileron-pub release v{version} --propose\n"),
    };
    format!("{said}{next}")
}

/// The line that starts the workflow by hand.
fn start_line(approved: &Approved) -> String {
    let release = &approved.proven.release;
    let (owner, repo) = (release.name.owner(), release.name.repo());
    format!("gh workflow run {RELEASE_WORKFLOW} --ref {} --repo {owner}/{repo}", release.tag())
}

fn fields(
    approved: &Approved,
    receipt: Option<&Receipt>,
    started: &WorkflowStart,
    registry: &str,
) -> serde_json::Value {
    let Approved { proven, review, file, writes, .. } = approved;
    let taken = review.taken.as_ref().map(|taken| {
        json!({"proposed": taken.proposed, "here": taken.here, "same_module": taken.same_module,
            "capabilities": taken.capabilities})
    });
    json!({
        "version": proven.release.version,
        "repository": proven.release.name.repository(),
        "registry": registry,
        "status": if receipt.is_some() { "complete" } else { "approved" },
        "writes": writes + receipt.map_or(0, |receipt| receipt.writes),
        "commit": proven.cohort.commit,
        "key": proven.signer(),
        "content_hash": proven.content,
        "toolchain": proven.cohort.toolchain,
        "taken_build": taken,
        "approval": {"sha256": file.digest, "size": file.bytes.len()},
        "artifacts": review.artifacts,
        "capabilities_since": review.growth.as_ref().map(|since| &since.capabilities),
        "authority_since": review.growth.as_ref().and_then(|since| since.permissions.as_ref()),
        "workflow": match started {
            WorkflowStart::Started => json!({"started": true}),
            WorkflowStart::Refused(why) => json!({"started": false, "why": why, "run": start_line(approved)}),
            WorkflowStart::None => serde_json::Value::Null,
        },
    })
}
