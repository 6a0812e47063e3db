//! The vault: credentials in one file, sealed with a key that comes from a passphrase. vault.md.
//!
//! ```text
//! passphrase ─► custodian (derives the key, holds it) ─ seal a value, open a blob ─┐
//! secrets.json ─► document (entries: plain names and metadata, sealed values) ─────┴─► an entry's value, for one use
//! ```
//!
//! | room | one line |
//! |---|---|
//! | [`custodian`] | derives and holds the key; the only room that sees one |
//! | [`document`] | the file as a value; reads every shape there is, writes one |
//! | [`file`] | the file on disk: read, changed under a lock, replaced whole |
//! | [`binding`] | which entries are for which connector |
//! | [`drift`] | which of them are not enough any more |
//! | [`blob`] | a sealed value |
//! | [`name`] | namespaces, names of bindings |
//! | [`error`] | why not |
//!
//! Names and metadata are plain text and need no key: listing never asks for a passphrase.
//!
//! May not come in: prompts, the environment, the network, clap.

pub mod binding;
pub mod blob;
pub mod custodian;
pub mod document;
pub mod drift;
pub mod error;
pub mod file;
pub mod name;

/// Longest file that is read, and the longest that is written.
pub const LIMIT: u64 = 16 << 20;
