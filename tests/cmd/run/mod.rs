//! `run`, `test` and `inspect`: a connector at work in its repository.

#[path = "../../../verifier/sandbox/tests/net/certificate.rs"]
mod certificate;
mod handed_over;
mod running;
#[path = "../../../verifier/sandbox/tests/net/server.rs"]
mod server;
mod waived;
