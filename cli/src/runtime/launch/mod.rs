//! `aileron launch`: one process holds the vault's key, others have it run actions for them. vault.md §9.
//!
//! ```text
//! another process ─► client ─ bearer token ─► server ─► gate: host, origin, token, route ─► Service (the verb's)
//!        ▲                                      ▲
//!        └── its environment, or announcement (launch.json) ── where the server is, and its token
//! ```
//!
//! | room | one line |
//! |---|---|
//! | [`token`] | what a caller must show |
//! | [`gate`] | which request may come in, and what it asks for; pure |
//! | [`request`] | what is sent to have an action run |
//! | [`document`] | what is answered about bindings and actions; pure |
//! | [`server`] | connections, time and size; the thread that answers |
//! | [`announcement`] | `launch.json`: how other terminals find it |
//! | [`client`] | the other end |
//! | [`error`] | why not |
//!
//! The server listens on 127.0.0.1, where every user and every web page of this machine can reach it: nothing is answered
//! without the token. What is run, with which credentials and after whose approval is the [`server::Service`]'s business.

pub mod announcement;
pub mod client;
pub mod document;
pub mod error;
pub mod gate;
pub mod request;
pub mod server;
pub mod token;

/// What the addresses of everything served begin with.
pub const BASE: &str = "/v1";
/// The port that is asked for. The system chooses where it is taken.
pub const PORT: u16 = 8721;
