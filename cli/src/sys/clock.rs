//! What time it is, and waiting: a seam, so that tests wait hours in no time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Tells the time and lets it pass.
pub trait Clock {
    /// Now.
    fn now(&self) -> SystemTime;

    /// Returns at `until`, or soon after `stop` was set.
    fn sleep_until(&self, until: SystemTime, stop: &AtomicBool);
}

/// The machine's clock.
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, until: SystemTime, stop: &AtomicBool) {
        const SLICE: Duration = Duration::from_millis(100);
        while !stop.load(Ordering::SeqCst) {
            match until.duration_since(SystemTime::now()) {
                Ok(left) if !left.is_zero() => std::thread::sleep(left.min(SLICE)),
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_when_the_run_is_stopped() {
        let far = SystemTime::now() + Duration::from_secs(3600);
        Machine.sleep_until(far, &AtomicBool::new(true));
    }
}
