//! The two functions of WASI preview 1 that are ours: `proc_exit` and `poll_oneoff`. Everything else is the engine's.
//!
//! The engine's `proc_exit` refuses codes of 126 and above; every code has to reach the outcome (sandbox.md §15a). Its
//! `poll_oneoff` allocates for every subscription a guest cares to name, and cannot be told to return at once. In here
//! standard input, output and error are memory, always ready, and only time is worth waiting for.

use std::time::Duration;

use aileron_verifier::module::WASI_MODULE;
use wasmtime::{Caller, Linker, Result};

use super::State;
use super::clock::{Clock, Profile};
use super::memory;

/// The guest ended itself. Travels as an error from the call to the end of the run.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("exit with code {0}")]
pub(crate) struct GuestExit(pub(crate) u32);

/// Error numbers of preview 1.
mod errno {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const BADF: i32 = 8;
    pub(super) const FAULT: i32 = 21;
    pub(super) const INVAL: i32 = 28;
}

/// Puts both in the place of the engine's.
pub(super) fn link(linker: &mut Linker<State>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.func_wrap(WASI_MODULE, "proc_exit", |code: u32| -> Result<()> { Err(GuestExit(code).into()) })?;
    linker.func_wrap_async(
        WASI_MODULE,
        "poll_oneoff",
        |mut caller: Caller<'_, State>, (subscriptions, events, count, stored): (u32, u32, u32, u32)| {
            Box::new(async move {
                match wait(&mut caller, subscriptions, count) {
                    Err(code) => code,
                    Ok(Wait::Ready) => report(&mut caller, subscriptions, events, count, stored, Wait::Ready),
                    Ok(wait @ Wait::For { time, .. }) => {
                        if caller.data().profile == Profile::Real && !time.is_zero() {
                            tokio::time::sleep(time).await;
                        }
                        report(&mut caller, subscriptions, events, count, stored, wait)
                    }
                }
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What a poll has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// Nothing: some stream is ready.
    Ready,
    /// Time. Every clock that is due by then is reported with it.
    For { time: Duration },
}

/// One subscription. Layout: `struct subscription` of preview 1, 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscription {
    Clock { time: Duration },
    Stream { writes: bool },
}

const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;

fn wait(caller: &mut Caller<'_, State>, subscriptions: u32, count: u32) -> Result<Wait, i32> {
    let (memory, state) = memory::split(caller).ok_or(errno::FAULT)?;
    let listed = listed(memory, subscriptions, count)?;
    let mut wait = None;
    for entry in listed.chunks_exact(SUBSCRIPTION) {
        wait = match (wait, Subscription::read(entry, &state.clock)?) {
            (_, Subscription::Stream { .. }) | (Some(Wait::Ready), _) => Some(Wait::Ready),
            (Some(Wait::For { time: earlier }), Subscription::Clock { time }) if earlier <= time => wait,
            (_, Subscription::Clock { time }) => Some(Wait::For { time }),
        };
    }
    wait.ok_or(errno::INVAL) // sleeping for ever is not offered
}

/// Writes one event for each subscription that is due.
fn report(
    caller: &mut Caller<'_, State>,
    subscriptions: u32,
    events: u32,
    count: u32,
    stored: u32,
    waited: Wait,
) -> i32 {
    let Some((memory, state)) = memory::split(caller) else { return errno::FAULT };
    let clock = state.clock.clone();
    let mut due = 0u32;
    for index in 0..count {
        let at = |base: u32, size: usize, index: u32| u64::from(base) + size as u64 * u64::from(index);
        let Ok(from) = usize::try_from(at(subscriptions, SUBSCRIPTION, index)) else { return errno::FAULT };
        let Some(entry) = memory.get(from..from + SUBSCRIPTION) else { return errno::FAULT };
        let Ok(subscription) = Subscription::read(entry, &clock) else { return errno::INVAL };
        let (kind, available) = match (subscription, waited) {
            (Subscription::Stream { writes }, _) => (1 + u8::from(writes), 1u64),
            (Subscription::Clock { time }, Wait::For { time: waited }) if time <= waited => (0, 0),
            (Subscription::Clock { time }, _) if time.is_zero() => (0, 0),
            (Subscription::Clock { .. }, _) => continue,
        };
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&entry[..8]); // userdata
        event[10] = kind;
        event[16..24].copy_from_slice(&available.to_le_bytes());
        let Ok(to) = usize::try_from(at(events, EVENT, due)) else { return errno::FAULT };
        let Some(place) = memory.get_mut(to..to + EVENT) else { return errno::FAULT };
        place.copy_from_slice(&event);
        due += 1;
    }
    match memory::output(memory, stored, 4, &due.to_le_bytes()) {
        4 => errno::SUCCESS,
        _ => errno::FAULT,
    }
}

fn listed(memory: &[u8], subscriptions: u32, count: u32) -> Result<&[u8], i32> {
    let start = usize::try_from(subscriptions).map_err(|_| errno::FAULT)?;
    let length = SUBSCRIPTION.checked_mul(count as usize).ok_or(errno::FAULT)?;
    let end = start.checked_add(length).ok_or(errno::FAULT)?;
    memory.get(start..end).ok_or(errno::FAULT)
}

impl Subscription {
    /// Reads 48 bytes. Absolute times become the time that is left; the fixed clocks are not looked at, or polling would
    /// move them: what waits for them is due at once.
    fn read(entry: &[u8], clock: &Clock) -> Result<Subscription, i32> {
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&entry[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        match (entry[8], word(16)) {
            (0, id @ (0 | 1)) => {
                let time = Duration::from_nanos(number(24));
                let is_absolute = entry[40] & 1 != 0;
                let now = match (is_absolute, clock) {
                    (false, _) => Duration::ZERO,
                    (true, Clock::Fixed { .. }) => Duration::MAX,
                    (true, clock) if id == 0 => clock.wall(),
                    (true, clock) => clock.monotonic(),
                };
                Ok(Subscription::Clock { time: time.saturating_sub(now) })
            }
            (1, 0) => Ok(Subscription::Stream { writes: false }),
            (2, 1 | 2) => Ok(Subscription::Stream { writes: true }),
            (1 | 2, _) => Err(errno::BADF),
            _ => Err(errno::INVAL),
        }
    }
}
