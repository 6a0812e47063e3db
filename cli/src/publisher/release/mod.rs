//! A release, readable on one screen: [`release`] is the pipeline, each line makes what the next one takes.
//!
//! # How a release walks
//!
//! ```text
//! ReleaseRequest
//!   load      ─► Project       the repository at one commit                       load, over source and project
//!   check     ─► Ready         every rule; or all findings, and stop              load, over lint
//!   observe   ─► Remote        what the forge has of every tag; burned or unknown stops here
//!   unlock    ─► Unlocked      the private half of the committed key              sign_and_pack
//!   bind      ─► Bound         placeholders filled, in copies                     bind_and_build
//!   build     ─► Built         the module; imports compared with the manifest     bind_and_build, over publisher::build
//!   pin       ─► PinnedCohort  content hash, written into each action             bind_and_build
//!   sign      ─► Signed                                                           sign_and_pack
//!   pack      ─► Packed        same input, same bytes                             sign_and_pack
//!   prove     ─► Proven        each archive through the installer's own verifier  prove
//!   plan      ─► ReleasePlan   what is missing, or a conflict; pure               plan, over drafts or files
//!   lock                       others kept out, and what they did since is seen   apply
//!   stage                      drafts and uploads, out of consumers' sight        apply
//!   flip      ─► Public        the only line that makes a tag visible             apply
//!   recheck   ─► Receipt       fetched as a consumer would: the bytes proven      recheck
//! ```
//!
//! [`propose`] and [`approve`] do the same in two halves, on two machines: see `approval`.
//!
//! [`plan`] stops after its line, [`make`] after `prove`, [`preview`] after `pin`. `status` compares with what is published.

mod apply;
mod approval;
mod approval_error;
mod approval_state;
mod bind_and_build;
mod client_secret;
mod drafts;
mod error;
mod files;
mod load;
mod missing;
mod notes;
mod plan;
mod prove;
mod rebuild;
mod recheck;
mod sign_and_pack;
mod since;
mod status;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Waiver;
use aileron_verifier::statement::cohort::Tool;

pub use self::apply::Public;
pub use self::approval::{Approved, Proposed, Review, TakenBuild, Waiting, approve, propose, start_publishing};
pub use self::approval_error::{ApprovalError, Difference};
pub use self::approval_state::ApprovalState;
pub use self::bind_and_build::{
    Bound, Built, Change, Compiled, PinnedCohort, ReleasePreview, bind, build, compile, pin,
};
pub use self::client_secret::client_secret_names;
pub use self::error::ReleaseError;
pub(crate) use self::error::stops;
pub use self::load::{Ready, ready};
pub use self::missing::Conflict;
pub use self::plan::{ReleasePlan, Verdict};
pub use self::prove::{Proven, prove};
pub use self::rebuild::{Rebuilt, rebuild};
pub use self::recheck::Receipt;
pub use self::sign_and_pack::{Artifact, Packed, SignedBy, Unlocked, pack, sign, unlock};
pub use self::since::{Since, SinceLines};
pub use self::status::{ReleaseStatus, Standing, status};
use crate::event::{Event, Listener};
use crate::publisher::forge::{Forge, Remote};
use crate::publisher::project::Reading;
use crate::publisher::sign::Keychain;
use crate::secret::Secret;
use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

/// What is to be released, parsed.
pub struct ReleaseRequest {
    /// A directory in the repository.
    pub repository: PathBuf,
    /// The version.
    pub version: Version,
    /// Rules the publisher waives.
    pub waived: Vec<Waiver>,
    /// What a work tree that differs from its commit means.
    pub dirty: DirtyTree,
    /// A module built elsewhere, instead of building one.
    pub wasm: Option<PathBuf>,
    /// File with the signing key.
    pub key: Option<PathBuf>,
    /// Where the client secret comes from, if the publisher says so.
    pub client_secret: SecretSource,
    /// Replace a different key at the registry's `HEAD/keys/publisher.pub`.
    pub replace_key: bool,
}

/// What a work tree that differs from its commit means. The commit is the source either way but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirtyTree {
    /// The release is refused: the publisher may take the changes for a part of it.
    Refused,
    /// Nothing: only the commit is looked at.
    Ignored,
    /// The work tree is released, and the cohort says so.
    Released,
}

impl DirtyTree {
    fn reading(self) -> Reading {
        match self {
            DirtyTree::Ignored => Reading::Commit,
            // What is wrong with the changes is said before they are refused.
            DirtyTree::Refused | DirtyTree::Released => Reading::Changed,
        }
    }
}

/// Where a client secret comes from. artifacts.md §5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// `AILERON_CLIENT_SECRET`, else `<SERVICE>_OAUTH_CLIENT_SECRET`; ignored when no field wants one.
    Default,
    /// This variable.
    Variable(String),
    /// This file.
    File(PathBuf),
}

/// What a release needs of the world around it.
pub struct World<'a> {
    /// Variables.
    pub environment: &'a Environment,
    /// Set by an interrupt; looked at between pieces of work.
    pub stop: &'a AtomicBool,
    /// Takes progress.
    pub listener: Listener<'a>,
    /// The OS keychain.
    pub keychain: &'a (dyn Keychain + Sync),
    /// Asks for the passphrase of an encrypted key.
    pub passphrase: &'a (dyn Fn() -> Option<Secret> + Sync),
}

impl World<'_> {
    /// Starts child processes that know nothing of our secrets and end with the run.
    pub fn spawner(&self) -> Spawner<'_> {
        Spawner { environment: self.environment, stop: self.stop }
    }

    /// Ends the run here when it was interrupted.
    pub(crate) fn check_interrupted(&self) -> Result<(), ReleaseError> {
        if self.stop.load(Ordering::SeqCst) { Err(ReleaseError::Interrupted { done: 0, of: 0 }) } else { Ok(()) }
    }

    pub(crate) fn begin(&self, step: impl Into<String>, total: usize) {
        (self.listener)(Event::Begin { step: step.into(), total });
    }

    pub(crate) fn advance(&self) {
        (self.listener)(Event::Advance);
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        (self.listener)(Event::Note(text.into()));
    }

    pub(crate) fn end(&self, outcome: impl Into<String>) {
        (self.listener)(Event::End { outcome: outcome.into() });
    }
}

/// Publishes one version of everything in the repository.
///
/// # Errors
/// [`ReleaseError`]. Until the first flip nothing is visible to consumers; after any error the same call continues.
pub fn release(request: &ReleaseRequest, forge: &dyn Forge, world: &World<'_>) -> Result<Receipt, ReleaseError> {
    let ready = ready(request, world)?; // one commit, every rule
    may_sign_here(&ready, world)?; // the repository may want a person to sign elsewhere
    let remote = ready.observe(forge, world)?; // fresh, resumable or complete; burned or unknown stops here
    let key = unlock(&ready, request, world)?; // the private half of the committed key
    let bound = bind(ready, request, world)?; // placeholders filled, in copies
    let built = build(bound, request, world)?; // wasip1 module, imports compared
    let pinned = pin(built, world)?; // content hash, written into each action
    let signed = sign(pinned, SignedBy::Key(key), world)?;
    let packed = pack(signed, world)?; // same input, same bytes
    let proven = prove(packed, world)?; // the installer's own verdict
    publish(proven, &remote, request, forge, world)
}

/// This program, as the index and a proposal name it.
fn this_tool() -> Tool {
    Tool { name: "aileron-pub".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// A repository that wants an approval is not signed in CI, whatever key is there. artifacts.md §12 knows a CI by `CI`.
///
/// # Errors
/// [`ApprovalError::MustBeProposed`].
fn may_sign_here(ready: &Ready, world: &World<'_>) -> Result<(), ReleaseError> {
    let is_ci = world.environment.var("CI").is_some();
    match ready.checked.config.wants_approval() && is_ci {
        true => Err(ApprovalError::MustBeProposed.into()),
        false => Ok(()),
    }
}

/// The second half of a release: from archives to what consumers get.
///
/// # Errors
/// [`ReleaseError`]; the forge's journal keeps it.
pub fn publish(
    proven: Proven,
    remote: &Remote,
    request: &ReleaseRequest,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<Receipt, ReleaseError> {
    let public = deliver(proven, remote, request, forge, world);
    let ended = public.and_then(|public| recheck::recheck(public, forge, world)); // fetched as a consumer would
    forge.record_end(&ended.as_ref().map_or_else(ToString::to_string, |_| "complete".to_owned()));
    ended
}

/// From archives to public tags.
///
/// # Errors
/// [`ReleaseError`].
pub fn deliver(
    proven: Proven,
    remote: &Remote,
    request: &ReleaseRequest,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<Public, ReleaseError> {
    let plan = plan::plan(proven, remote, request)?; // what is missing, or a conflict
    let locked = apply::lock(plan, request, forge, world)?; // others kept out, and what they did since seen
    let staged = apply::stage(locked, forge, world)?; // out of consumers' sight
    apply::flip(staged, forge, world) // the only line that makes a tag visible
}

/// Everything up to the archives, proven; nothing is published.
///
/// # Errors
/// [`ReleaseError`].
pub fn make(request: &ReleaseRequest, world: &World<'_>) -> Result<Proven, ReleaseError> {
    let ready = ready(request, world)?;
    let key = unlock(&ready, request, world)?;
    seal(pinned(ready, request, world)?, key, world)
}

/// What a release would write; without a signing key, as far as hashes go.
pub enum Planned {
    /// Byte for byte.
    Signed(Box<ReleasePlan>),
    /// Nothing could be signed, so nothing published could be compared.
    Unsigned(ReleasePreview),
}

/// What [`release`] would write, and nothing more; without a signing key, as far as hashes go.
///
/// # Errors
/// [`ReleaseError`].
pub fn plan(request: &ReleaseRequest, forge: &dyn Forge, world: &World<'_>) -> Result<Planned, ReleaseError> {
    let ready = ready(request, world)?;
    let remote = ready.observe(forge, world)?;
    match unlock(&ready, request, world) {
        Ok(key) => {
            let proven = seal(pinned(ready, request, world)?, key, world)?;
            Ok(Planned::Signed(Box::new(plan::plan(proven, &remote, request)?)))
        }
        Err(ReleaseError::Key(error)) if error.is_absent() || error.is_occasion() => {
            Ok(Planned::Unsigned(pinned(ready, request, world)?.preview()))
        }
        Err(error) => Err(error),
    }
}

/// What publishing this cohort would write.
///
/// # Errors
/// [`ReleaseError::Conflict`].
pub fn planned(proven: Proven, remote: &Remote, request: &ReleaseRequest) -> Result<ReleasePlan, ReleaseError> {
    plan::plan(proven, remote, request)
}

/// What can be known without a signing key: bound texts and the connector's content hash.
///
/// # Errors
/// [`ReleaseError`].
pub fn preview(request: &ReleaseRequest, world: &World<'_>) -> Result<ReleasePreview, ReleaseError> {
    let ready = ready(request, world)?;
    Ok(pinned(ready, request, world)?.preview())
}

fn pinned(ready: Ready, request: &ReleaseRequest, world: &World<'_>) -> Result<PinnedCohort, ReleaseError> {
    let bound = bind(ready, request, world)?;
    let built = build(bound, request, world)?;
    pin(built, world)
}

fn seal(pinned: PinnedCohort, key: Unlocked, world: &World<'_>) -> Result<Proven, ReleaseError> {
    let signed = sign(pinned, SignedBy::Key(key), world)?;
    let packed = pack(signed, world)?;
    prove(packed, world)
}
