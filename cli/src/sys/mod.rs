//! The machine, thinly: clock, disk, child processes, environment, interruption. Decisions live above; nothing here knows what a
//! release is. How a file changes ([`steps`]) and whether other users could have changed it ([`private`]) stands in the sandbox's crate,
//! which keeps compiled code by the same rules.

#![expect(clippy::disallowed_methods, reason = "through these rooms everything else reaches the system")]

pub mod address;
pub mod browser;
pub mod bytes;
pub mod calendar;
pub mod clock;
pub mod core_files;
pub mod disk;
pub mod environment;
pub mod git;
pub mod http;
pub mod input;
pub mod interrupt;
pub mod process;
pub mod terminal;

pub use self::disk::lock;
pub use aileron_sandbox::disk::steps;
pub use aileron_sandbox::private;
