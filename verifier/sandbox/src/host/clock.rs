//! Time and randomness of a guest: real, or fixed for reproducible runs. sandbox.md §2.4, decision C1.

#![expect(clippy::disallowed_methods, reason = "here a guest's clock is the machine's")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// Which clocks and which randomness a guest sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The host's clocks, sleep that takes its time, the system's randomness.
    #[default]
    Real,
    /// Clocks that start at 2022-01-01T00:00:00Z and at 0 and move 1 ms with every look; sleep returns at once; the same
    /// randomness in every run. What the guest can see of the world is then its input and what the network answers.
    Deterministic,
}

/// The two clocks of one invoke.
#[derive(Clone, Debug)]
pub(crate) enum GuestClock {
    Real { start: Instant },
    Fixed { wall_looks: Arc<AtomicU64>, monotonic_looks: Arc<AtomicU64> },
}

/// Where the fixed wall clock starts: 2022-01-01T00:00:00Z.
const FIXED_START: Duration = Duration::from_secs(1_640_995_200);

/// How far a look moves a fixed clock.
const STEP: Duration = Duration::from_millis(1);

impl GuestClock {
    pub(crate) fn of(profile: Profile) -> GuestClock {
        match profile {
            Profile::Real => GuestClock::Real { start: Instant::now() },
            Profile::Deterministic => GuestClock::Fixed { wall_looks: Arc::default(), monotonic_looks: Arc::default() },
        }
    }

    /// Time since 1970.
    pub(crate) fn wall(&self) -> Duration {
        match self {
            GuestClock::Real { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            GuestClock::Fixed { wall_looks, .. } => FIXED_START + looked(wall_looks),
        }
    }

    /// Time since the invoke began.
    pub(crate) fn monotonic(&self) -> Duration {
        match self {
            GuestClock::Real { start } => start.elapsed(),
            GuestClock::Fixed { monotonic_looks, .. } => looked(monotonic_looks),
        }
    }
}

fn looked(looks: &AtomicU64) -> Duration {
    let before = looks.fetch_add(1, Ordering::Relaxed);
    STEP.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX))
}

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        self.wall()
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Gives a guest its clocks and its randomness.
pub(crate) fn configure(wasi: &mut WasiCtxBuilder, profile: Profile, clock: &GuestClock) {
    wasi.wall_clock(clock.clone()).monotonic_clock(clock.clone());
    if profile == Profile::Deterministic {
        wasi.secure_random(Deterministic::new(fixed_randomness()));
    }
}

/// 64 KiB of a hash's output, the same on every machine, in every version.
fn fixed_randomness() -> Vec<u8> {
    let block = |number: u32| Sha256::new().chain_update(b"aileron --deterministic").chain_update(number.to_le_bytes());
    (0..2048).flat_map(|number| block(number).finalize()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §2.4
    fn a_fixed_clock_moves_one_millisecond_with_every_look() {
        let clock = GuestClock::of(Profile::Deterministic);
        let walls = [(); 3].map(|()| clock.clone().wall().as_millis());
        assert_eq!(walls, [1_640_995_200_000, 1_640_995_200_001, 1_640_995_200_002]);
        assert_eq!([(); 3].map(|()| clock.monotonic().as_millis()), [0, 1, 2]);
    }

    #[test]
    fn fixed_randomness_never_changes() {
        let digest = |bytes: &[u8]| format!("{:02x?}", &Sha256::digest(bytes)[..4]);
        let bytes = fixed_randomness();
        assert_eq!((bytes.len(), digest(&bytes).as_str()), (65_536, "[79, f0, a5, 93]"));
    }
}
