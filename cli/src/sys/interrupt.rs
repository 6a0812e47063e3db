//! Ctrl-C and friends: a flag that long steps look at between two pieces of work. Nothing is torn down from a signal
//! handler; the pipeline stops where it can say how to go on.

use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// Does not listen: a signal ends the process at once, as the system does it. For work whose every change is one step, and
/// for questions, where somebody who wants to leave is not to be kept.
pub fn ignored() -> &'static AtomicBool {
    &STOP
}

/// Starts listening for interrupt and termination. A second signal ends the process at once with exit code 130.
pub fn listen() -> &'static AtomicBool {
    let heard = || {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    // Without a handler the default applies and the process simply ends: nothing is half-written either way.
    let _ = ctrlc::set_handler(heard);
    &STOP
}
