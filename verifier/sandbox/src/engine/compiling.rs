//! Compiling, within bounds: a budget before it starts, a time limit and the caller's stop while it runs.
//!
//! The compiler cannot be interrupted, so it works on a thread of its own and this one waits. When waiting ends early the
//! thread is left behind: its result is dropped, and the end of the process ends it.

#![expect(clippy::disallowed_methods, reason = "how long a compilation may take is measured")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::Module;

use super::{STOP_CHECK, budget, load_failed};
use crate::failure::Failure;
use aileron_verifier::problem::Class;

/// Longest time one module may take to compile. The largest connectors known take 15 s on a slow machine.
pub const COMPILE_TIME: Duration = Duration::from_secs(120);

/// How long compiling is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// The longest time.
    pub(super) limit: Duration,
    /// Set by a caller who wants no more.
    pub(super) stop: Option<&'static AtomicBool>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { limit: COMPILE_TIME, stop: None }
    }
}

impl Patience {
    fn is_stopped(self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// Compiles a module.
///
/// # Errors
/// `connector_load_failed`, `compile WASM: …`: it is not valid, over budget, or takes too long (sandbox.md §5.3).
/// `resource_limit_exceeded`: the caller stopped it (§8.2, as for a run).
pub(super) fn compile(engine: &wasmtime::Engine, wasm: &[u8], patience: Patience) -> Result<Module, Failure> {
    let failed = |why: String| load_failed(format!("compile WASM: {why}"));
    if patience.is_stopped() {
        return Err(stopped());
    }
    budget::check(wasm).map_err(|over| failed(over.to_string()))?;
    let until = Instant::now() + patience.limit;
    let (sender, receiver) = sync_channel(1);
    let (engine, wasm) = (engine.clone(), wasm.to_vec());
    let work = move || drop(sender.send(Module::from_binary(&engine, &wasm))); // the caller may have given up
    let spawned = thread::Builder::new().name("aileron-compiler".to_owned()).spawn(work);
    spawned.map_err(|error| failed(format!("no thread for the compiler: {error}")))?;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left.min(STOP_CHECK)) {
            _ if patience.is_stopped() => return Err(stopped()),
            Ok(compiled) => return compiled.map_err(|error| failed(format!("{error:#}"))),
            Err(RecvTimeoutError::Disconnected) => return Err(failed("the compiler ended unexpectedly".to_owned())),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                return Err(failed(format!("takes more than {} s", patience.limit.as_secs_f32())));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn stopped() -> Failure {
    Failure::new(Class::ResourceLimitExceeded, "stopped while the connector was being compiled")
}
