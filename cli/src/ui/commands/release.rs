//! `release`: publish one version, and say what it took.

use std::path::PathBuf;

use serde_json::json;

use super::pack::{artifacts_json, artifacts_text};
use super::plan::growth_text;
use super::registry::with_forge;
use super::{Answer, Context, request};
use crate::publisher::release::{self, Receipt};
use crate::ui::args::Release;
use crate::ui::report::Outcome;

pub(super) fn run(args: Release, repository: PathBuf, context: &Context) -> Answer {
    let mut request = request(args.making, repository);
    request.key = args.signing.key;
    request.replace_key = args.replace_key;
    let (target, version) = (&args.target, &request.version);
    let (receipt, registry) = with_forge(target, version, &request.repository, context, |forge, world| {
        release::release(&request, forge, world)
    })?;
    let proven = &receipt.proven;
    let text = format!(
        "{}{} is public in {registry}: {}\n{}",
        artifacts_text(proven, "verified"),
        proven.release,
        writes(&receipt),
        growth_text(receipt.growth.as_ref()),
    );
    let fields = json!({
        "version": proven.release.version,
        "repository": proven.release.name.repository(),
        "registry": registry,
        "status": "complete",
        "found": receipt.found.as_str(),
        "writes": receipt.writes,
        "commit": proven.index.commit,
        "dirty": proven.index.dirty,
        "key": proven.signer(),
        "content_hash": proven.content,
        "toolchain": proven.index.toolchain,
        "allowed": proven.index.allowed,
        "capabilities": proven.index.capabilities,
        "capabilities_since": receipt.growth,
        "artifacts": artifacts_json(proven, "verified"),
    });
    Ok(Outcome::new(text, fields))
}

fn writes(receipt: &Receipt) -> String {
    match receipt.writes {
        0 => "it was complete, nothing was written".to_owned(),
        writes => format!("{writes} writes, every archive fetched back and verified"),
    }
}
