//! The half without a key: offer what would be signed; or publish it, once it was approved.

use aileron_verifier::layout;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::proposal::Proposal;
use aileron_verifier::proposal::archive::ProposalHead;
use aileron_verifier::statement::cohort::{self, CommitId, Toolchain};

use super::{answered, staged};
use crate::publisher::forge::{AssetFile, Forge, Remote, TagState, Write};
use crate::publisher::release::approval_state::{self, ApprovalState};
use crate::publisher::release::{
    PinnedCohort, Ready, Receipt, ReleaseError, ReleaseRequest, World, bind, build, pin, plan, publish, ready,
    this_tool,
};

/// What proposing came to.
pub enum Proposed {
    /// It waits for an approval.
    Waiting(Box<Waiting>),
    /// It was approved, and is public now.
    Published(Box<Receipt>),
}

/// A proposal that lies on its draft.
pub struct Waiting {
    /// The connector at the version.
    pub release: Ref,
    /// Its identity.
    pub content: ContentHash,
    /// The commit everything was made from.
    pub commit: CommitId,
    /// What compiled the module.
    pub toolchain: Toolchain,
    /// Artifacts that would be signed.
    pub artifacts: usize,
    /// `proposal.tar.gz`.
    pub file: AssetFile,
    /// Writes this run made; 0 where the same was proposed before.
    pub writes: usize,
}

/// Proposes a release, or publishes it where it was approved. Needs no signing key.
///
/// # Errors
/// [`ReleaseError`]; after any error the same call continues.
pub fn propose(request: &ReleaseRequest, forge: &dyn Forge, world: &World<'_>) -> Result<Proposed, ReleaseError> {
    let ready = ready(request, world)?;
    // No approval could be published without it.
    ready.checked.publisher_key.ok_or(ReleaseError::NoPublisherKey)?;
    let remote = ready.observe(forge, world)?;
    let connector = ready.release.tag();
    let proven = if ApprovalState::of(&remote, &connector) == Some(ApprovalState::Approved) {
        answered::answered(ready, forge, world)?
    } else if is_signed(&remote, &ready)
        && let Some(proven) = staged::restored(&ready, &remote, forge, world)?
    {
        proven // both files are gone, or one of them: an earlier run came so far
    } else {
        let bound = bind(ready, request, world)?;
        let built = build(bound, request, world)?;
        return offer(pin(built, world)?, &remote, forge, world);
    };
    publish(proven, &remote, request, forge, world).map(|receipt| Proposed::Published(Box::new(receipt)))
}

/// Whether everything was staged or is public: the signed index is there, and no proposal that waits.
fn is_signed(remote: &Remote, ready: &Ready) -> bool {
    let holds = |assets: &std::collections::BTreeMap<_, _>| {
        [cohort::ASSET, cohort::SIGNATURE_ASSET].iter().all(|asset| assets.contains_key(*asset))
    };
    match remote.states.get(ready.release.tag().as_str()) {
        Some(TagState::Draft(staged)) => holds(staged) && !staged.contains_key(layout::PROPOSAL),
        Some(TagState::Public { assets, staged }) => holds(assets) || holds(staged),
        Some(TagState::Absent | TagState::Burned | TagState::Unknown(_)) | None => false,
    }
}

/// Puts the proposal on the connector's draft.
fn offer(
    pinned: PinnedCohort,
    remote: &Remote,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<Proposed, ReleaseError> {
    let PinnedCohort { ready, wasm, manifest, content, actions, toolchain, .. } = pinned;
    let head = ProposalHead {
        release: ready.release.clone(),
        commit: ready.commit.clone(),
        tool: this_tool(),
        toolchain: toolchain.clone(),
    };
    let actions: Vec<_> = actions.into_iter().map(|(reference, text)| (reference, text.into_bytes())).collect();
    let artifacts = actions.len() + 1;
    let proposal = Proposal::new(head, wasm, manifest.as_bytes().to_vec(), actions);
    let file = AssetFile::new(layout::PROPOSAL, proposal.pack());
    let writes = put(&file, &ready, remote, forge, world)?;
    let (release, commit) = (ready.release, ready.commit);
    Ok(Proposed::Waiting(Box::new(Waiting { release, content, commit, toolchain, artifacts, file, writes })))
}

/// Writes what is missing of a draft with this file. The number of writes.
fn put(
    file: &AssetFile,
    ready: &Ready,
    remote: &Remote,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<usize, ReleaseError> {
    if missing(file, ready, remote).is_empty() {
        return Ok(0); // no lock if there is nothing to write
    }
    world.check_interrupted()?;
    let scope = ready.scope();
    let failed = |done, of| move |cause| ReleaseError::Forge { cause, done, of };
    let _lock = forge.lock(&scope).map_err(failed(0, 0))?;
    let remote = forge.observe(&scope).map_err(failed(0, 0))?;
    plan::may_go_on(&remote)?;
    let writes = missing(file, ready, &remote);
    world.begin(format!("proposing in {}", forge.describe()), writes.len());
    for (done, write) in writes.iter().enumerate() {
        forge.perform(&scope, write).map_err(failed(done, writes.len()))?;
        world.advance();
    }
    forge.sync().map_err(failed(writes.len(), writes.len()))?;
    forge.record_end("proposed");
    world.end(format!("{} bytes to approve", file.bytes.len()));
    Ok(writes.len())
}

fn missing(file: &AssetFile, ready: &Ready, remote: &Remote) -> Vec<Write> {
    let tag = ready.release.tag();
    let staged = approval_state::staged(remote, &tag);
    if staged.is_some_and(|staged| staged.get(file.name) == Some(&file.digest)) {
        return Vec::new();
    }
    let pre_release = ready.release.version.is_prerelease();
    let draft = staged.is_none().then(|| Write::Draft { tag: tag.clone(), pre_release });
    draft.into_iter().chain([Write::Stage { tag, asset: file.clone() }]).collect()
}
