//! Shared test fixtures: a publisher whose key never changes, a toy connector with its actions, archives no honest tool
//! would write, a home in which both programs run, a GitHub, an OCI registry and a Squad Aegis host on a local port, servers that do what no honest one would, servers with TLS, and the optional vectors that lie beside the workspace.
//!
//! Everything here is deterministic. A fixture panics with a reason where it cannot be made: a broken fixture is a bug of
//! the test, not something to handle.

pub mod aegis;
#[cfg(unix)]
pub mod extensions;
pub mod fuzzed;
pub mod github;
#[cfg(unix)]
pub mod home;
pub mod languages;
pub mod peers;
#[cfg(unix)]
mod program;
mod publisher;
pub mod registry;
mod requirement;
pub mod scripted;
mod shared;
pub mod tar;
pub mod tls;
mod toy;

#[cfg(unix)]
pub use program::script;
pub use publisher::Publisher;
pub use requirement::{Requirement, say, skip};
pub use shared::{reference, shared, vectors};
pub use toy::{HASH_PLACEHOLDER, Toy, VERSION_PLACEHOLDER, action_text, manifest_text, module, module_of, pack};
