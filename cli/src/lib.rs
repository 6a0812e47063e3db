//! `aileron-pub`, the publisher's tool, and `aileron`, its consumer side, as one library.
//!
//! # Architecture
//!
//! ```text
//! bin ──► ui ──► publisher | consumer | runtime ──► github, store, vault ──► sys      (the wings never import each other)
//! everything ──► aileron-verifier: formats and the verdict        publisher, runtime, sys::disk ──► aileron-sandbox
//! ```
//!
//! | wing | what it is |
//! |---|---|
//! | [`ui`] | one file per verb: its arguments, help and handler; the flags that verbs share; reports and exit codes; `report/door`, through which everything leaves |
//! | [`publisher`] | a repository at one commit becomes a signed cohort on a forge: GitHub, or a directory |
//! | [`consumer`] | whom to trust, where to fetch, what the verdict is, what an install would do, what is installed |
//! | [`runtime`] | `Runner`: an op, or an action's ops one after the other, in the sandbox; ports for credentials and approval. `launch`, `mcp`: runs for other programs, over HTTP on this machine and as an agent's tools. `capture`, `seal`: a command-line tool's credential, acquired by its own login and put into its requests by a proxy |
//! | [`github`] | one GitHub for publisher and consumer: addresses, token, limits, what an answer means, typed documents |
//! | [`store`] | verified artifacts on disk |
//! | [`vault`] | credentials on disk, sealed with a passphrase |
//! | [`sys`] | disk (one way to replace a file, one lock, one check of what only this user can change; the sandbox writes with the same), clock and calendar, child processes, environment, interruption, HTTP with caps; addresses as they are shown |
//!
//! Progress travels as [`event::Event`] values, secrets as [`secret::Secret`].

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod consumer;
pub mod event;
pub mod github;
pub mod publisher;
pub mod runtime;
pub mod secret;
pub mod store;
pub mod sys;
pub mod ui;
pub mod vault;

/// Where this project lives: `repository` of `Cargo.toml`. `action/obtain.sh` has it once more, and a test compares them.
pub const HOME: &str = env!("CARGO_PKG_REPOSITORY");
