//! The sandbox against sandbox.md §13 and the escape matrix: what a guest may do works, what it may not ends as the spec
//! says. Case numbers in the comments are the spec's.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod cache;
#[path = "../net/certificate.rs"]
mod certificate;
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
