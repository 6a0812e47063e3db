//! Formats and trust for Aileron artifacts: bytes in, verdict out.
//!
//! # Architecture
//!
//! This crate forbids itself the disk, the network, the clock, the environment and every secret; time and keys are
//! parameters. One room, one idea:
//!
//! | room | one line |
//! |---|---|
//! | [`fqn`], [`version`], [`digest`] | names, authorities, Refs; SemVer and tags; content hash and archive digest |
//! | [`key`], [`signature`], [`keyring`] | public keys in every spelling; does a key accept; ring text and grants |
//! | [`archive`] | strict reader and deterministic writer, side by side |
//! | [`toml`], [`manifest`], [`action`], [`suite`] | documents with byte ranges: parse, validate, all problems at once up to a hundred |
//! | [`binding`] | fill placeholder fields, and prove every other byte is untouched |
//! | [`module`], [`capability`] | what a wasm file imports, exports and uses of WebAssembly; what an artifact may do, as `cohort.json` says it |
//! | [`permission`] | every leaf of what a connector may do, and what is new: what a person consents to |
//! | [`verify`] | [`verify::Unverified`] to [`verify::Verified`]: the one home of the verdict |
//! | [`cohort`], [`catalog`] | the signed index of one release; entries of the Hub's catalog and their schema |
//! | [`problem`], [`quote`] | rules, byte ranges, failure classes: the closed lists; text shown as `%q` |
//! | [`text`] | text that is not ours, made harmless before it is shown; long text cut in its middle |
//!
//! Publishing proves every archive with the same [`verify`] an installer runs, so the two cannot disagree.

#![forbid(unsafe_code)]

pub mod action;
pub mod archive;
pub mod binding;
pub mod capability;
pub mod catalog;
pub mod cohort;
pub mod digest;
pub mod fqn;
pub mod key;
pub mod keyring;
pub mod manifest;
pub mod module;
pub mod permission;
pub mod problem;
pub mod quote;
pub mod signature;
pub mod suite;
pub mod text;
pub mod toml;
pub mod verify;
pub mod version;
