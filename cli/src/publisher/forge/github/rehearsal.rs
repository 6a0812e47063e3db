//! A rehearsal: the pure model of GitHub in place of the network, and a clock that is put forward instead of waited for.
//! Everything else is the code of a release.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};

use super::journal::milliseconds;
use crate::github::Server;
use crate::publisher::forge::model::wire::Call;
use crate::publisher::forge::model::{GitHub, Timestamp};
use crate::sys::clock::Clock;

/// The model, and what time it is there.
pub struct Rehearsal {
    github: Mutex<GitHub>,
    now: AtomicU64,
}

impl Rehearsal {
    /// A rehearsal in front of this GitHub, beginning now.
    pub fn new(github: GitHub, now: SystemTime) -> Rehearsal {
        Rehearsal { github: Mutex::new(github), now: AtomicU64::new(milliseconds(now)) }
    }

    /// The model, to look at and to change behind a client's back.
    pub fn github(&self) -> MutexGuard<'_, GitHub> {
        self.github.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is, as the model takes it.
    pub fn time(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}

impl Clock for Rehearsal {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, until: SystemTime, _: &AtomicBool) {
        // Rounded up: after waiting for an instant it must have come.
        let whole = milliseconds(until) + u64::from(until > UNIX_EPOCH + Duration::from_millis(milliseconds(until)));
        self.now.fetch_max(whole, Ordering::SeqCst);
    }
}

impl Server for Rehearsal {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String> {
        Ok(self.github().answer(self.time(), &Call::of(request)).into_http())
    }
}
