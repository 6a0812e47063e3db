//! From a proposal and its answer to archives that every installer takes.

use aileron_verifier::artifact::capability::Capabilities;
use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::proposal::{Approval, Proposal};
use zeroize::Zeroizing;

use crate::publisher::forge::Forge;
use crate::publisher::release::approval_error::ApprovalError;
use crate::publisher::release::bind_and_build::connector_module;
use crate::publisher::release::sign_and_pack::SignedBy;
use crate::publisher::release::{PinnedCohort, Proven, Ready, ReleaseError, World, pack, prove, sign};

/// The proposal's bytes with the approval's signatures, proven.
///
/// # Errors
/// [`ApprovalError`] where they do not belong to this release or to each other; what `prove` gives where a signature does not
/// verify.
pub(super) fn answered(ready: Ready, forge: &dyn Forge, world: &World<'_>) -> Result<Proven, ReleaseError> {
    let tag = ready.release.tag();
    let fetch = |asset| {
        let found = forge.fetch_staged(&ready.scope(), &tag, asset);
        let found = found.map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })?;
        found.ok_or_else(|| ReleaseError::from(ApprovalError::Changed(ready.release.clone())))
    };
    let bytes = Zeroizing::new(fetch(layout::PROPOSAL)?);
    let approval = Approval::read(&fetch(layout::APPROVAL)?).map_err(ApprovalError::from)?;
    fits(&approval, &ready, ArchiveDigest::of(&[&bytes]))?;
    let proposal = Proposal::read(&bytes).map_err(ApprovalError::from)?;
    let pinned = pinned(ready, proposal)?;
    let by = SignedBy::approval(&pinned, approval)?;
    let signed = sign(pinned, by, world)?;
    let packed = pack(signed, world)?;
    prove(packed, world)
}

/// It speaks of this release, this commit, the committed key and this proposal. Better messages, and nothing to rely on: what
/// counts are the signatures.
fn fits(approval: &Approval, ready: &Ready, proposal: ArchiveDigest) -> Result<(), ReleaseError> {
    let public = ready.checked.publisher_key.ok_or(ReleaseError::NoPublisherKey)?;
    let unfit = |why: String| Err(ApprovalError::Unfit { why }.into());
    if approval.release != ready.release {
        return unfit(format!("it is for {}, this is {}", approval.release, ready.release));
    }
    if approval.commit != ready.commit {
        return unfit(format!("it is for commit {}, this is {}", approval.commit, ready.commit));
    }
    if approval.key != public.fingerprint() {
        return unfit(format!("{} signed it, keys/publisher.pub is {}", approval.key, public.fingerprint()));
    }
    if approval.proposal != proposal {
        return unfit(format!("it is for the proposal {}, {proposal} is there", approval.proposal));
    }
    Ok(())
}

/// What was proposed, in the place of what this run would have made.
fn pinned(ready: Ready, proposal: Proposal) -> Result<PinnedCohort, ReleaseError> {
    let Proposal { index, wasm, manifest, actions } = proposal;
    let (manifest, unfit) = (Zeroizing::new(manifest), |why: &str| ApprovalError::Unfit { why: why.to_owned() });
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| unfit("a document is no text"));
    let here = ready
        .checked
        .actions
        .iter()
        .map(|action| Ref { name: action.reference.value.name.clone(), version: ready.release.version.clone() });
    if index.release != ready.release || !here.eq(index.actions.iter().map(|action| action.reference.clone())) {
        return Err(unfit("the proposal is for other artifacts than this commit has").into());
    }
    let documents = index.actions.into_iter().zip(&actions);
    let actions = documents.map(|(action, document)| Ok((action.reference, text(document)?)));
    let actions = actions.collect::<Result<Vec<_>, ApprovalError>>()?;
    let module = connector_module(&wasm, &ready.checked)?;
    Ok(PinnedCohort {
        capabilities: Capabilities::of(&ready.checked.manifest, &module),
        manifest: Zeroizing::new(text(&manifest)?),
        content: index.content_hash,
        toolchain: index.toolchain,
        changes: Vec::new(),
        wasm,
        actions,
        ready,
    })
}
