//! A command-line tool's credential, put into its requests on the way out: the tool itself never has it. sealing.md.
//!
//! ```text
//! child ──HTTPS_PROXY──► proxy: token? ─► route: where to, may it be dialled?
//!    host of no entry ─► tunnel: bytes, never decrypted
//!    host of an entry ─► ca: a certificate of this run ─► each request: decide ─► credential ─► inject ─► the server, verified
//! ```
//!
//! | room | one line |
//! |---|---|
//! | [`route`] | what a client asks of the proxy, and every refusal; pure |
//! | [`ca`] | the authority of one run, and its certificates |
//! | [`dial`] | the way to a server: addresses that may be dialled, TLS |
//! | [`idle`] | when a connection has been silent for too long |
//! | [`credential`] | the port: the vault, asked once for each request |
//! | [`head`] | a request's head, as a client sent it and as its server gets it; pure |
//! | [`inject`] | the credential in a request's head |
//! | [`exchange`] | one request through to the server and its answer back |
//! | [`proxy`] | connections: who may ask, tunnels, the end |
//! | [`event`] | one line for each request, without anything secret |
//! | [`plant`] | what the child is given: environment, certificates; pure but for the two files |
//!
//! May not come in: clap, prompts, which units there are.

pub mod ca;
pub mod credential;
pub mod dial;
pub mod error;
pub mod event;
mod exchange;
pub mod head;
mod idle;
mod inject;
pub mod plant;
pub mod proxy;
mod route;

/// Bytes that are read from a socket at once, and copied through a tunnel at once. TLS itself asks for 4 KiB at a time, which is
/// four times as many system calls as there are records.
const READ: usize = 32 << 10;

/// Names this program's certificates and its demand for proxy authorization. sealing.md §2.
const REALM: &str = "aileron sandbox proxy";
