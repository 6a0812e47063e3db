//! One write after another, and nothing but writes: the plan decided everything.
//!
//! Staging is durable before the first flip, every flip is durable before success is reported. An interruption between two
//! writes stops here; what was staged is found again by the next run.

use super::plan::Plan;
use super::{Proven, ReleaseError, World};
use crate::publisher::forge::{Forge, ForgeError, Scope, Write};

/// Everything is in place, out of consumers' sight.
pub(super) struct Staged {
    plan: Plan,
    done: usize,
    _lock: Option<Box<dyn Send>>,
}

/// Everything is visible.
pub(super) struct Public {
    pub(super) plan: Plan,
    pub(super) writes: usize,
}

pub(super) fn stage(plan: Plan, forge: &dyn Forge, world: &World<'_>) -> Result<Staged, ReleaseError> {
    let total = plan.writes();
    if total == 0 {
        return Ok(Staged { plan, done: 0, _lock: None }); // not even a lock is taken: zero writes are zero
    }
    let failed = |cause| ReleaseError::Forge { cause, done: 0, of: total };
    let lock = forge.lock().map_err(failed)?;
    world.begin(format!("staging in {}", forge.describe()), plan.stage.len());
    let done = perform(&plan.stage, &plan.proven, 0, total, forge, world)?;
    world.end(format!("{done} files"));
    Ok(Staged { plan, done, _lock: Some(lock) })
}

pub(super) fn flip(staged: Staged, forge: &dyn Forge, world: &World<'_>) -> Result<Public, ReleaseError> {
    let Staged { plan, done, _lock } = staged;
    let total = plan.writes();
    if plan.flip.is_empty() {
        return Ok(Public { plan, writes: done });
    }
    world.begin("publishing", plan.flip.len());
    let writes = perform(&plan.flip, &plan.proven, done, total, forge, world)?;
    world.end(format!("{} is public", plan.proven.release));
    Ok(Public { plan, writes })
}

/// Does the writes in order, then makes them durable in one pass. Returns how many writes of the whole plan are done.
fn perform(
    writes: &[Write],
    proven: &Proven,
    before: usize,
    total: usize,
    forge: &dyn Forge,
    world: &World<'_>,
) -> Result<usize, ReleaseError> {
    let scope = Scope { connector: &proven.release.name, release: &proven.release, tags: &proven.tags };
    let mut done = before;
    let failed = |done| move |cause: ForgeError| ReleaseError::Forge { cause, done, of: total };
    for write in writes {
        if world.stop.load(std::sync::atomic::Ordering::SeqCst) {
            forge.settle().map_err(failed(done))?;
            return Err(ReleaseError::Interrupted { done, of: total });
        }
        forge.perform(&scope, write).map_err(failed(done))?;
        done += 1;
        world.advance();
    }
    forge.settle().map_err(failed(done))?;
    Ok(done)
}
