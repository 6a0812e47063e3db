//! Publishing from end to end: the two programs, real repositories, a directory as registry.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test stops where it fails, and says what it skipped")]

#[path = "../../../verifier/sandbox/tests/net/certificate.rs"]
mod certificate;
mod diff;
mod links_out;
mod nothing_runs;
mod over_http;
mod real_input;
mod registry;
mod running;
mod same_bytes;
mod secrets;
#[path = "../../../verifier/sandbox/tests/net/server.rs"]
mod server;
mod support;
