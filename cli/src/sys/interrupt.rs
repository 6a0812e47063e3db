//! Ctrl-C and friends: a flag that long steps look at between two pieces of work. Nothing is torn down from a signal
//! handler; the pipeline stops where it can say how to go on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::terminal;

static STOP: AtomicBool = AtomicBool::new(false);
/// Whether signals are heard.
static LISTENING: AtomicBool = AtomicBool::new(false);
/// Whether the first signal ends the process.
static AT_ONCE: AtomicBool = AtomicBool::new(false);
/// Whether signals are for a program that was started, and mean nothing here.
static PASSED_ON: AtomicBool = AtomicBool::new(false);

/// Pieces of work that no signal may cut short, at this moment.
static HELD: AtomicUsize = AtomicUsize::new(0);
/// Whether a signal came meanwhile that would have ended the process.
static DEFERRED: AtomicBool = AtomicBool::new(false);

/// A flag that is never set: for waiting that only its own time ends.
pub fn never() -> &'static AtomicBool {
    static NEVER: AtomicBool = AtomicBool::new(false);
    &NEVER
}

/// No signal ends the process until this is dropped; one that came meanwhile ends it then.
///
/// For the few steps that would lose something when they are cut in two, and that end by themselves: they have a deadline.
#[derive(Debug)]
pub struct Hold(());

/// Begins such a piece of work.
pub fn hold() -> Hold {
    HELD.fetch_add(1, Ordering::SeqCst);
    guard_terminal();
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        if HELD.fetch_sub(1, Ordering::SeqCst) == 1 && DEFERRED.load(Ordering::SeqCst) {
            end();
        }
    }
}

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

/// Before the terminal is told to hide what is typed, and for a [`Hold`]: a signal that ends the process puts the terminal in
/// order first. A process that listens already goes on listening.
pub fn guard_terminal() {
    if !LISTENING.swap(true, Ordering::SeqCst) {
        AT_ONCE.store(true, Ordering::SeqCst);
        hear();
    }
}

/// From now on signals do nothing here: the caller passes them on to a program, and ends when that program does.
pub fn passed_on() {
    PASSED_ON.store(true, Ordering::SeqCst);
}

fn hear() {
    let heard = || {
        if PASSED_ON.load(Ordering::SeqCst) {
            return;
        }
        if STOP.swap(true, Ordering::SeqCst) || AT_ONCE.load(Ordering::SeqCst) {
            DEFERRED.store(true, Ordering::SeqCst);
            if HELD.load(Ordering::SeqCst) == 0 {
                end();
            }
        }
    };
    // Without a handler the default applies and the process simply ends: nothing is half-written either way.
    let _ = ctrlc::set_handler(heard);
}

fn end() {
    terminal::restore();
    std::process::exit(130);
}
