//! The machine, thinly: clock, disk, child processes, environment, interruption. Decisions live above; nothing here knows what a
//! release is. Whether a file can be changed by other users is decided by [`private`], for the sandbox's compiled code too.

#![expect(clippy::disallowed_methods, reason = "through these rooms everything else reaches the system")]

pub mod address;
pub mod bytes;
pub mod clock;
pub mod core_files;
pub mod disk;
pub mod environment;
pub mod git;
pub mod http;
pub mod interrupt;
pub mod process;
pub mod terminal;

pub use self::disk::lock;
pub use aileron_sandbox::disk::steps;
pub use aileron_sandbox::private;
