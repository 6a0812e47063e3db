//! The half with the key: compare, ask, sign, answer.

use aileron_verifier::layout;
use aileron_verifier::name::digest::{ArchiveDigest, ContentHash};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::proposal::approval::SignedAction;
use aileron_verifier::proposal::{Approval, Proposal};
use aileron_verifier::statement::cohort::{CommitId, Toolchain};
use aileron_verifier::trust::key::Fingerprint;
use zeroize::Zeroizing;

pub use super::compare::TakenBuild;
use super::compare::{self, Compared, Downloaded};
use crate::publisher::forge::{AssetFile, Forge, Remote, TagState, WorkflowStart, Write};
use crate::publisher::release::approval_error::ApprovalError;
use crate::publisher::release::approval_state::staged;
use crate::publisher::release::sign_and_pack::SignedBy;
use crate::publisher::release::{
    Artifact, PinnedCohort, Proven, Ready, ReleaseError, ReleaseRequest, Since, World, build, load, pack, prove, sign,
    this_tool, unlock,
};

/// What a person is asked about: everything is compared, nothing is signed yet.
pub struct Review {
    /// The connector at the version.
    pub release: Ref,
    /// The commit.
    pub commit: CommitId,
    /// The connector's identity.
    pub content: ContentHash,
    /// Artifacts that will be signed.
    pub artifacts: usize,
    /// What compiled the module.
    pub toolchain: Toolchain,
    /// The module that was not built here, if it is one.
    pub taken: Option<TakenBuild>,
    /// Whether the manifest holds a client secret that only the proposal knows.
    pub secret: bool,
    /// What the connector may do that its newest older version could not, if there is one.
    pub growth: Option<Since>,
    /// The key that will sign.
    pub key: Fingerprint,
}

/// An approval that lies beside its proposal.
pub struct Approved {
    /// What was signed.
    pub proven: Proven,
    /// What was asked.
    pub review: Review,
    /// The forge as it was before.
    pub remote: Remote,
    /// `approval.json`.
    pub file: AssetFile,
    /// Writes this run made; 0 where the same was approved before.
    pub writes: usize,
}

/// Makes everything that is proposed again, compares it, asks, signs, and puts the signatures beside the proposal.
///
/// # Errors
/// [`ReleaseError`]. Nothing is signed where the proposal differs or the answer is no.
pub fn approve(
    request: &ReleaseRequest,
    take_build: bool,
    agree: &dyn Fn(&Review) -> bool,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<Approved, ReleaseError> {
    let ready = load::ready_as_tagged(request, world)?;
    let remote = ready.observe(forge, world)?;
    let found = download(&ready, &remote, forge)?;
    let key = unlock(&ready, request, world)?;
    let bound = compare::bind(ready, &found, request, world)?;
    let built = build(bound, request, world)?;
    let Compared { pinned, taken } = compare::compare(built, &found, take_build, world)?;
    let review = review(&pinned, taken, &remote, key.fingerprint());
    if !agree(&review) {
        return Err(ApprovalError::Declined(review.release).into());
    }
    let signed = sign(pinned, SignedBy::Key(key), world)?;
    let packed = pack(signed, world)?;
    let proven = prove(packed, world)?;
    let file = AssetFile::new(layout::APPROVAL, answer(&proven, found.digest).render());
    let writes = put(&file, &proven, found.digest, &remote, forge, world)?;
    Ok(Approved { proven, review, remote, file, writes })
}

/// Starts the workflow that publishes what was approved, where the forge runs one.
///
/// # Errors
/// [`ReleaseError::Forge`] when it could not be asked; a refusal is none.
pub fn start_publishing(approved: &Approved, forge: &dyn Forge) -> Result<WorkflowStart, ReleaseError> {
    let Approved { proven, .. } = approved;
    let started = forge.start_workflow(&proven.scope(), &proven.release.tag());
    started.map_err(|cause| ReleaseError::Forge { cause, done: approved.writes, of: approved.writes + 1 })
}

fn download(ready: &Ready, remote: &Remote, forge: &dyn Forge) -> Result<Downloaded, ReleaseError> {
    let tag = ready.release.tag();
    let is_public = |state: &TagState| matches!(state, TagState::Public { .. });
    let nothing = || match remote.states.get(tag.as_str()).is_some_and(is_public) {
        true => ReleaseError::from(ApprovalError::AlreadyPublic(ready.release.clone())),
        false => ReleaseError::from(ApprovalError::NothingProposed(ready.release.clone())),
    };
    staged(remote, &tag).filter(|staged| staged.contains_key(layout::PROPOSAL)).ok_or_else(nothing)?;
    let bytes = forge.fetch_staged(&ready.scope(), &tag, layout::PROPOSAL);
    let bytes = bytes.map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })?.ok_or_else(nothing)?;
    let bytes = Zeroizing::new(bytes);
    let proposal = Proposal::read(&bytes).map_err(ApprovalError::from)?;
    compare::heads(ready, &proposal.index)?;
    Ok(Downloaded { digest: ArchiveDigest::of(&[&bytes]), proposal })
}

fn review(pinned: &PinnedCohort, taken: Option<TakenBuild>, remote: &Remote, key: Fingerprint) -> Review {
    let credential = pinned.ready.checked.manifest.credential.as_ref();
    Review {
        release: pinned.ready.release.clone(),
        commit: pinned.ready.commit.clone(),
        content: pinned.content,
        artifacts: pinned.actions.len() + 1,
        toolchain: pinned.toolchain.clone(),
        taken,
        secret: credential.and_then(|credential| credential.oauth2.as_ref()?.client_secret.as_ref()).is_some(),
        growth: Since::of_pinned(pinned, remote),
        key,
    }
}

fn answer(proven: &Proven, proposal: ArchiveDigest) -> Approval {
    let action = |artifact: &Artifact| SignedAction {
        reference: artifact.reference.clone(),
        signature: artifact.signature.into(),
    };
    // Proven a moment ago: a signature of another length is none.
    let index_signature = <[u8; 64]>::try_from(&proven.signature.bytes[..]).unwrap_or([0; 64]);
    Approval {
        schema: Approval::SCHEMA,
        release: proven.release.clone(),
        commit: proven.cohort.commit.clone(),
        proposal,
        key: proven.signer(),
        tool: this_tool(),
        connector: proven.connector.signature.into(),
        actions: proven.actions.iter().map(action).collect(),
        cohort: String::from_utf8_lossy(&proven.index.bytes).into_owned(),
        cohort_signature: index_signature.into(),
    }
}

/// Puts the answer beside the proposal that was compared, and no other. The number of writes.
fn put(
    file: &AssetFile,
    proven: &Proven,
    proposal: ArchiveDigest,
    remote: &Remote,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<usize, ReleaseError> {
    let tag = proven.release.tag();
    let is_there = |remote: &Remote, name: &str, digest| {
        staged(remote, &tag).is_some_and(|staged| staged.get(name) == Some(&digest))
    };
    if is_there(remote, file.name, file.digest) && is_there(remote, layout::PROPOSAL, proposal) {
        return Ok(0); // no lock if there is nothing to write
    }
    world.check_interrupted()?;
    let scope = proven.scope();
    let failed = |cause| ReleaseError::Forge { cause, done: 0, of: 1 };
    let _lock = forge.lock(&scope).map_err(failed)?;
    let now = forge.observe(&scope).map_err(failed)?;
    if !is_there(&now, layout::PROPOSAL, proposal) {
        return Err(ApprovalError::Changed(proven.release.clone()).into());
    }
    if is_there(&now, file.name, file.digest) {
        return Ok(0);
    }
    forge.perform(&scope, &Write::Stage { tag, asset: file.clone() }).map_err(failed)?;
    forge.sync().map_err(failed)?;
    forge.record_end("approved");
    Ok(1)
}
