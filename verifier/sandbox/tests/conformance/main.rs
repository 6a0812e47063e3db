//! The sandbox against sandbox.md §13 and the escape matrix: what a guest may do works, what it may not ends as the spec
//! says. Case numbers in the comments are the spec's; the network's own cases (N, C, S) are in `tests/net`.
//!
//! Cases of §13 that have no test, and why: P10 (compiling without a manifest) and N9 (no manifest) cannot be written, both
//! doors of the engine want one. N10, N11 (`origin = "local"`) name a key that is unknown here (artifacts.md §2). X11 (a
//! program gets the credential) waits for programs to be started at all (§15a). E and M are the executor's and the
//! manifest's own.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod cache;
#[path = "../net/certificate.rs"]
mod certificate;
mod compiling;
mod go;
mod guest;
mod host;
mod limits;
mod module;
mod network;
mod protocol;
#[expect(dead_code, reason = "the network's own tests use the rest of it")]
#[path = "../net/server.rs"]
mod server;
