//! `run`, `test` and `inspect`: a connector at work in its repository.

#[path = "../../../verifier/sandbox/tests/net/certificate.rs"]
mod certificate;
mod handed_over;
pub(crate) mod running;
#[path = "../../../verifier/sandbox/tests/net/server.rs"]
pub(crate) mod server;
mod waived;
