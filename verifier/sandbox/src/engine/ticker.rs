//! Lets running guests look up: every tick, each of them hands control back once, and its own deadline is looked at.
//!
//! A guest in a loop never waits for anything, so no timer of its thread would ever run. A tick ends no guest: it only
//! makes the guests of this engine yield.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::EngineWeak;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(10);

/// Ticks while somebody runs; one thread per engine, started by the first run.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

struct Shared {
    engine: EngineWeak,
    state: Mutex<TickerState>,
    changed: Condvar,
}

#[derive(Default)]
struct TickerState {
    running: usize,
    started: bool,
    closed: bool,
}

/// Ticking lasts as long as this does.
pub(crate) struct Ticking(Arc<Shared>);

impl Ticker {
    pub(super) fn new(engine: EngineWeak) -> Ticker {
        Ticker { shared: Arc::new(Shared { engine, state: Mutex::default(), changed: Condvar::new() }) }
    }

    /// Ticks until the guard is dropped.
    ///
    /// # Errors
    /// The system refuses a thread. Without one no deadline could be kept, so nothing may run.
    pub(crate) fn run(&self) -> std::io::Result<Ticking> {
        let mut state = self.shared.lock();
        if !state.started {
            let shared = Arc::clone(&self.shared);
            thread::Builder::new().name("aileron-ticker".into()).spawn(move || shared.tick())?;
            state.started = true;
        }
        state.running += 1;
        // Only the first one wakes the thread: a wake-up begins a new tick, and steady ones would put it off for ever.
        if state.running == 1 {
            self.shared.changed.notify_all();
        }
        Ok(Ticking(Arc::clone(&self.shared)))
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, TickerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut state = self.lock();
        while !state.closed {
            state = if state.running == 0 {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                let (state, waited) = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() {
                    match self.engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
                state
            };
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}
