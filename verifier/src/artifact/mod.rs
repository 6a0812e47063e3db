//! Connectors and actions: their archives, their documents, and the verdict on them.
//!
//! | room | one line |
//! |---|---|
//! | [`archive`] | strict reader and deterministic writer, side by side |
//! | [`manifest`], [`action`], [`suite`], [`catalog`] | documents with byte ranges: parse, validate, all problems at once |
//! | [`config`] | `aileron-pub.toml`, the settings of a repository |
//! | [`binding`] | fill placeholder fields, and prove every other byte is untouched |
//! | [`module`], [`capability`], [`permission`] | what a wasm file imports and exports; what an artifact may do, and what is new |
//! | [`rules`] | the table of their rules |
//! | [`verify`] | [`verify::Unverified`] to [`verify::Verified`]: the one home of the verdict |

pub mod action;
pub mod archive;
pub mod binding;
pub mod capability;
pub mod catalog;
pub mod config;
pub mod manifest;
pub mod module;
pub mod permission;
pub mod rules;
pub mod suite;
pub mod verify;
