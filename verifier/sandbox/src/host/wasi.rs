//! The functions of WASI preview 1 that are ours: `proc_exit` and `poll_oneoff`; and `fd_write` and `fd_read`, which hand the
//! engine's one buffer after the other. Everything else is the engine's.
//!
//! The engine's `proc_exit` refuses codes of 126 and above; every code has to reach the outcome (sandbox.md §15a). Its
//! `poll_oneoff` allocates for every subscription a guest cares to name, and cannot be told to return at once. In here
//! standard input, output and error are memory, always ready, and only time is worth waiting for.

use std::time::Duration;

use aileron_verifier::artifact::module::WASI_MODULE;
use wasmtime::{Caller, Linker, Result};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1 as _};
use wiggle::GuestMemory;

use super::State;
use super::clock::{GuestClock, Profile};
use super::memory;

/// The guest ended itself. Travels as an error from the call to the end of the run.
/// No failure and no class: [`crate::outcome`] says what an exit code means.
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

/// Bytes of one entry of a list of buffers: pointer and length.
const BUFFER: u32 = 8;

/// Buffers one call moves at most: `IOV_MAX` of the systems guests are written for. A guest that names more hears how many
/// bytes were moved, and comes again.
const BUFFERS: usize = 1024;

/// Bytes the engine may copy for one call. A list can name the same megabytes a thousand times.
const HOSTCALL_BYTES: usize = 128 << 20;

/// Makes one of the engine's functions, which moves the first buffer that is not empty, move them all.
macro_rules! link_all_buffers {
    ($linker:expr, $name:ident) => {
        $linker.func_wrap_async(
            WASI_MODULE,
            stringify!($name),
            |mut caller: Caller<'_, State>, (fd, list, count, moved): (u32, u32, u32, u32)| {
                Box::new(async move {
                    let Some((memory, state)) = memory::split(&mut caller) else { return Ok(errno::FAULT) };
                    let transfers = match transfers(memory, list, count) {
                        Ok(transfers) => transfers,
                        Err(code) => return Ok(code),
                    };
                    state.wasi.set_hostcall_fuel(HOSTCALL_BYTES);
                    let mut total = 0u32;
                    for Transfer { list, count, length } in transfers {
                        let mut guest = GuestMemory::Unshared(&mut *memory);
                        let (fd, list, count) = (fd.cast_signed(), list.cast_signed(), count.cast_signed());
                        let wasi = &mut state.wasi;
                        let call = preview1::$name(wasi, &mut guest, fd, list, count, moved.cast_signed());
                        match call.await? {
                            errno::SUCCESS => {}
                            code if total == 0 => return Ok(code),
                            // The guest hears of what was moved; the error comes with its next call.
                            _ => break,
                        }
                        let now = memory::range(memory, moved, 4).and_then(|bytes| bytes.try_into().ok());
                        let now = now.map_or(0, u32::from_le_bytes);
                        total = total.saturating_add(now);
                        if now < length {
                            break;
                        }
                    }
                    Ok(match memory::output(memory, moved, 4, &total.to_le_bytes()) {
                        4 => errno::SUCCESS,
                        _ => errno::FAULT,
                    })
                })
            },
        )
    };
}

/// Puts them in the place of the engine's.
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
    link_all_buffers!(linker, fd_write)?;
    link_all_buffers!(linker, fd_read)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// One call of the engine: a list of buffers in guest memory, of which it moves the first that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transfer {
    list: u32,
    count: u32,
    /// Bytes of that buffer.
    length: u32,
}

/// One transfer for each buffer that is not empty. Where there is none, one for the whole list: the engine looks at the
/// descriptor.
fn transfers(memory: &[u8], list: u32, count: u32) -> Result<Vec<Transfer>, i32> {
    let size = count.checked_mul(BUFFER).ok_or(errno::FAULT)?;
    let entries = memory::range(memory, list, size).ok_or(errno::FAULT)?;
    let length = |entry: &[u8]| u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
    let lengths = (0..count).zip(entries.chunks_exact(BUFFER as usize).map(length));
    let buffers = lengths.filter(|(_, length)| *length > 0).take(BUFFERS);
    let transfers: Vec<Transfer> =
        buffers.map(|(index, length)| Transfer { list: list + index * BUFFER, count: 1, length }).collect();
    Ok(if transfers.is_empty() { vec![Transfer { list, count, length: 0 }] } else { transfers })
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
    fn read(entry: &[u8], clock: &GuestClock) -> Result<Subscription, i32> {
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
                    (true, GuestClock::Fixed { .. }) => Duration::MAX,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_buffer_that_is_not_empty_is_one_transfer() {
        let lists: &[(&[u32], &[u32])] = &[
            (&[], &[]),
            (&[0], &[]),
            (&[0, 0, 0], &[]),
            (&[5], &[0]),
            (&[5, 6], &[0, 1]),
            (&[0, 5, 0, 0, 7, 0], &[1, 4]),
            (&[u32::MAX, 1], &[0, 1]),
        ];
        for (lengths, kept) in lists {
            let mut memory = vec![0; 16];
            lengths.iter().for_each(|length| memory.extend([[0; 4], length.to_le_bytes()].concat()));
            let count = u32::try_from(lengths.len()).unwrap();
            let expected: Vec<Transfer> = match kept {
                [] => vec![Transfer { list: 16, count, length: 0 }],
                kept => kept
                    .iter()
                    .map(|at| Transfer { list: 16 + at * 8, count: 1, length: lengths[*at as usize] })
                    .collect(),
            };
            assert_eq!(transfers(&memory, 16, count), Ok(expected), "{lengths:?}");
            assert_eq!(transfers(&memory, 17, count.max(1)), Err(errno::FAULT), "{lengths:?}");
        }
        for (list, count) in [(0, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX), (0, 1 << 29), (8, 2), (17, 0)] {
            assert_eq!(transfers(&[1; 16], list, count), Err(errno::FAULT), "{list} {count}");
        }
        let many = [0, 0, 0, 0, 1, 0, 0, 0].repeat(BUFFERS * 2);
        assert_eq!(transfers(&many, 0, 2048).map(|transfers| transfers.len()), Ok(BUFFERS));
    }
}
