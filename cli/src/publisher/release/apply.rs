//! One write after another, and nothing but writes: the plan decided everything.
//!
//! The forge keeps the order where one write needs another. Staging is durable before the first flip, every flip is durable before success is reported. An interruption between two
//! writes stops here; what was staged is found again by the next run.

use super::plan::{self, ReleasePlan};
use super::{Proven, ReleaseError, ReleaseRequest, World};
use crate::publisher::forge::{Forge, ForgeError, Write, WriteProgress};

/// A plan made under the lock: no other release can write any more.
pub(super) struct LockedPlan {
    plan: ReleasePlan,
    _lock: Option<Box<dyn Send>>,
}

/// Keeps other releases out, then plans again from what is there now: what was published since the first look counts.
pub(super) fn lock(
    plan: ReleasePlan,
    request: &ReleaseRequest,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<LockedPlan, ReleaseError> {
    let total = plan.writes();
    if total == 0 {
        return Ok(LockedPlan { plan, _lock: None }); // no lock if there is nothing to write
    }
    world.check_interrupted()?;
    let failed = |cause| ReleaseError::Forge { cause, done: 0, of: total };
    let lock = forge.lock(&plan.proven.scope()).map_err(failed)?;
    let remote = super::since::observe(forge, &plan.proven.scope()).map_err(failed)?;
    plan::may_go_on(&remote)?;
    let plan = plan::plan(plan.proven, &remote, request)?;
    if let Some(estimate) = forge.estimate(&plan.stage, &plan.flip).filter(|_| plan.writes() > 0) {
        let limit = estimate.limit.map(|limit| format!(", the limit is {limit}")).unwrap_or_default();
        world.note(format!("{} writes, done by {}{limit}", plan.writes(), estimate.done_by()));
    }
    Ok(LockedPlan { plan, _lock: Some(lock) })
}

/// Everything is in place, out of consumers' sight.
pub(super) struct Staged {
    plan: ReleasePlan,
    done: usize,
    _lock: Option<Box<dyn Send>>,
}

/// Everything is visible.
pub struct Public {
    pub(super) plan: ReleasePlan,
    /// Writes this run made.
    pub writes: usize,
}

pub(super) fn stage(locked: LockedPlan, forge: &dyn Forge, world: &World<'_>) -> Result<Staged, ReleaseError> {
    let LockedPlan { plan, _lock } = locked;
    let total = plan.writes();
    if total == 0 {
        return Ok(Staged { plan, done: 0, _lock });
    }
    world.begin(format!("staging in {}", forge.describe()), plan.stage.len());
    let done = perform(&plan.stage, &plan.proven, 0, total, forge, world)?;
    world.end(format!("{done} files"));
    Ok(Staged { plan, done, _lock })
}

pub(super) fn flip(staged: Staged, forge: &dyn Forge, world: &World<'_>) -> Result<Public, ReleaseError> {
    let Staged { plan, done, _lock } = staged;
    let total = plan.writes();
    if plan.flip.is_empty() {
        return Ok(Public { plan, writes: done });
    }
    world.begin("publishing", plan.flip.len());
    let failed = |cause| ReleaseError::Forge { cause, done, of: total };
    forge.before_flips(plan.flip.len()).map_err(failed)?;
    let writes = perform(&plan.flip, &plan.proven, done, total, forge, world)?;
    forge.after_flips(&plan.proven.scope()).map_err(failed)?;
    world.end(format!("{} is public", plan.proven.release));
    Ok(Public { plan, writes })
}

/// Does the writes, then makes them durable in one pass. Returns how many writes of the whole plan are done.
fn perform(
    writes: &[Write],
    proven: &Proven,
    before: usize,
    total: usize,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<usize, ReleaseError> {
    let advance = || world.advance();
    let progress = WriteProgress::new(world.stop, &advance);
    let performed = forge.perform_all(&proven.scope(), writes, &progress);
    let done = before + progress.done();
    let failed = |cause: ForgeError| ReleaseError::Forge { cause, done, of: total };
    performed.map_err(failed)?;
    forge.sync().map_err(failed)?;
    match progress.done() == writes.len() {
        true => Ok(done),
        false => Err(ReleaseError::Interrupted { done, of: total }),
    }
}
