//! The machine, thinly: clock, disk, child processes, environment, interruption. Decisions live above; nothing here knows what a
//! release is.

pub mod bytes;
pub mod clock;
pub mod disk;
pub mod environment;
pub mod git;
pub mod http;
pub mod interrupt;
pub mod process;
pub mod steps;
