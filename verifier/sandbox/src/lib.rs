//! Runs an Aileron connector, and nothing else.
//!
//! # Architecture
//!
//! May not come in: publishing, prompts, the store, the vault. A credential is seen only through the port of
//! [`credential`]; trust roots, the resolver and the clock are handed in.
//!
//! | room | one line |
//! |---|---|
//! | [`engine`] | wasmtime's settings; a module becomes compiled code, within a budget and a time limit, and compiled code a cache entry |
//! | [`grant`] | may this host and port be dialled; pure |
//! | [`host`] | the ten functions a guest may call: `log`, `http`, `spawn` |
//! | [`invoke`] | one operation: stdin, limits, deadline, stdout |
//! | [`outcome`] | how it ended becomes one result; a pure decision table |
//! | [`credential`] | a kind becomes a header; sigv4; the port a vault plugs into |
//! | [`disk`] | how files change, each way once: replaced whole, made new; each change a step that a test can crash at |
//! | [`private`] | files that only this user can change; the one check of it, for the whole project |
//! | [`failure`], [`secret`] | the one shape of every failure; bytes that cannot be shown |

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod credential;
pub mod disk;
pub mod engine;
pub mod failure;
pub mod grant;
pub mod host;
pub mod invoke;
pub mod outcome;
pub mod private;
pub mod secret;
