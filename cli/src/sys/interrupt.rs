//! Ctrl-C and friends: a flag that long steps look at between two pieces of work. Nothing is torn down from a signal
//! handler; the pipeline stops where it can say how to go on.

use std::sync::atomic::{AtomicBool, Ordering};

use super::terminal;

static STOP: AtomicBool = AtomicBool::new(false);
/// Whether signals are heard.
static LISTENING: AtomicBool = AtomicBool::new(false);
/// Whether the first signal ends the process.
static AT_ONCE: AtomicBool = AtomicBool::new(false);
/// Whether signals are for a program that was started, and mean nothing here.
static PASSED_ON: AtomicBool = AtomicBool::new(false);

/// Does not listen: a signal ends the process at once, as the system does it. For work whose every change is one step, and
/// for questions, where somebody who wants to leave is not to be kept.
pub fn ignored() -> &'static AtomicBool {
    &STOP
}

/// Starts listening for interrupt and termination. A second signal ends the process at once with exit code 130.
pub fn listen() -> &'static AtomicBool {
    AT_ONCE.store(false, Ordering::SeqCst);
    PASSED_ON.store(false, Ordering::SeqCst);
    if !LISTENING.swap(true, Ordering::SeqCst) {
        hear();
    }
    &STOP
}

/// Before the terminal is told to hide what is typed: a signal that ends the process puts the terminal in order first. Who
/// listens already goes on listening.
pub fn guard_terminal() {
    if !LISTENING.swap(true, Ordering::SeqCst) {
        AT_ONCE.store(true, Ordering::SeqCst);
        hear();
    }
}

/// From now on signals do nothing here: whoever calls this passes them on, and ends when that program does.
pub fn passed_on() {
    PASSED_ON.store(true, Ordering::SeqCst);
}

fn hear() {
    let heard = || {
        if PASSED_ON.load(Ordering::SeqCst) {
            return;
        }
        if STOP.swap(true, Ordering::SeqCst) || AT_ONCE.load(Ordering::SeqCst) {
            terminal::restore();
            std::process::exit(130);
        }
    };
    // Without a handler the default applies and the process simply ends: nothing is half-written either way.
    let _ = ctrlc::set_handler(heard);
}
