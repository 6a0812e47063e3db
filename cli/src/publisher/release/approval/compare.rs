//! A proposal against what this machine makes from the same commit: byte for byte, every difference at once.
//!
//! A client secret is in no commit. It is taken from the proposal, and the manifest that is bound with it here must then be
//! the proposed one: no other byte can differ. A module that this machine cannot build to the same bytes is signed only where
//! that was asked for.

use aileron_verifier::artifact::capability::{Capabilities, Difference as Grown};
use aileron_verifier::layout::{action_directory, member};
use aileron_verifier::name::digest::{ArchiveDigest, FileDigest};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::proposal::{Proposal, ProposalIndex};
use aileron_verifier::statement::cohort::Toolchain;

use crate::publisher::release::approval_error::{ApprovalError, Difference};
use crate::publisher::release::bind_and_build::{bind_with, connector_module};
use crate::publisher::release::client_secret;
use crate::publisher::release::{
    Bound, Built, PinnedCohort, Ready, ReleaseError, ReleaseRequest, SecretSource, World, pin,
};

/// A proposal as it was downloaded: trusted for nothing.
pub(super) struct Downloaded {
    /// Digest of the whole file.
    pub(super) digest: ArchiveDigest,
    /// What it holds.
    pub(super) proposal: Proposal,
}

/// A module of the proposal that this machine did not build.
pub struct TakenBuild {
    /// What the proposal says compiled it.
    pub proposed: Toolchain,
    /// What compiled here.
    pub here: Toolchain,
    /// Whether the modules are the same, and only the toolchains differ.
    pub same_module: bool,
    /// What the connector may do with the one and not with the other.
    pub capabilities: Grown,
}

/// Names the release, the commit and the artifacts; differences in these say that nothing else needs to be compared.
pub(super) fn heads(ready: &Ready, index: &ProposalIndex) -> Result<(), ApprovalError> {
    let mut differences = Vec::new();
    if index.release != ready.release {
        differences.push(Difference::new("release", &index.release, &ready.release));
    }
    if index.commit != ready.commit {
        differences.push(Difference::new("commit", &index.commit, &ready.commit));
    }
    let here = ready
        .checked
        .actions
        .iter()
        .map(|action| Ref { name: action.reference.value.name.clone(), version: ready.release.version.clone() });
    let here: Vec<Ref> = here.collect();
    let proposed: Vec<&Ref> = index.actions.iter().map(|action| &action.reference).collect();
    let only_here = here.iter().filter(|one| !proposed.contains(one));
    let only_proposed = proposed.iter().filter(|one| !here.contains(one));
    differences.extend(only_here.map(|one| Difference::new(one.to_string(), "not there", "an action")));
    differences.extend(only_proposed.map(|one| Difference::new(one.to_string(), "an action", "not there")));
    if differences.is_empty() { Ok(()) } else { Err(ApprovalError::Differs(differences)) }
}

/// Binds the manifest here, with the client secret of the proposal unless the request says where another one is.
pub(super) fn bind(
    ready: Ready,
    found: &Downloaded,
    request: &ReleaseRequest,
    world: &World<'_>,
) -> Result<Bound, ReleaseError> {
    let manifest = &ready.checked.manifest;
    let secret = match &request.client_secret {
        SecretSource::Default => client_secret::proposed(manifest, &found.proposal.manifest)?,
        source => client_secret::find(manifest, source, None, world.environment)?,
    };
    bind_with(ready, secret, request)
}

/// What is to be signed, and the part of it that was not made here.
pub(super) struct Compared {
    pub(super) pinned: PinnedCohort,
    pub(super) taken: Option<TakenBuild>,
}

/// Compares module, manifest and actions.
///
/// # Errors
/// [`ApprovalError::Differs`] with all differences.
pub(super) fn compare(
    built: Built,
    found: &Downloaded,
    take_build: bool,
    world: &World<'_>,
) -> Result<Compared, ReleaseError> {
    let proposal = &found.proposal;
    let mut differences = Vec::new();
    if *proposal.manifest != *built.bound.manifest.as_bytes() {
        let here = client_secret::masked(built.bound.manifest.as_bytes());
        let proposed = client_secret::masked(&proposal.manifest);
        differences.push(first_line(member::MANIFEST, &proposed, &here));
    }
    let same_module = built.wasm == proposal.wasm;
    let is_taken = !same_module || built.toolchain != proposal.index.toolchain;
    if !take_build && !same_module {
        let digest = |wasm: &[u8]| FileDigest::of(&[wasm]);
        differences.push(Difference::new(member::MODULE, digest(&proposal.wasm), digest(&built.wasm)));
    }
    if !take_build && is_taken {
        let (proposed, here) = (toolchain(&proposal.index.toolchain), toolchain(&built.toolchain));
        differences.push(Difference::new("toolchain", proposed, here));
    }
    let (built, taken) = if is_taken { exchanged(built, proposal, same_module)? } else { (built, None) };
    // With the module that is proposed the actions pin the same hash, so what differs in them is their own.
    let pinned = pin(built, world)?;
    let documents =
        pinned.actions.iter().zip(&proposal.actions).filter(|((_, here), there)| here.as_bytes() != **there);
    differences.extend(documents.map(|((reference, here), there)| {
        let name = reference.name.subpath().unwrap_or_default().trim_start_matches("actions/");
        first_line(&format!("{}/{}", action_directory(name), member::DOCUMENT), there, here.as_bytes())
    }));
    if differences.is_empty() {
        Ok(Compared { pinned, taken })
    } else {
        Err(ApprovalError::Differs(differences).into())
    }
}

/// The same with the proposed module, and what that means.
fn exchanged(
    built: Built,
    proposal: &Proposal,
    same_module: bool,
) -> Result<(Built, Option<TakenBuild>), ReleaseError> {
    let checked = &built.bound.ready.checked;
    let module = connector_module(&proposal.wasm, checked)?;
    let [proposed, here] = [&module, &built.module].map(|module| Capabilities::of(&checked.manifest, module));
    let taken = TakenBuild {
        proposed: proposal.index.toolchain.clone(),
        here: built.toolchain,
        same_module,
        capabilities: proposed.since(&here),
    };
    let toolchain = proposal.index.toolchain.clone();
    Ok((Built { bound: built.bound, wasm: proposal.wasm.clone(), module, toolchain }, Some(taken)))
}

/// A toolchain on one line.
pub(super) fn toolchain(toolchain: &Toolchain) -> String {
    serde_json::to_string(toolchain).unwrap_or_default()
}

/// The first line that differs.
fn first_line(file: &str, proposed: &[u8], here: &[u8]) -> Difference {
    let [proposed, here] = [proposed, here].map(|bytes| String::from_utf8_lossy(bytes));
    let (mut ours, mut theirs) = (here.split_inclusive('\n'), proposed.split_inclusive('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let (theirs, ours) = (theirs.next(), ours.next());
        if theirs != ours || ours.is_none() {
            let shown = |line: Option<&str>| line.map_or("no such line".to_owned(), |line| format!("{:?}", line));
            return Difference::new(format!("{file}:{number}"), shown(theirs), shown(ours));
        }
    }
}
