//! Formats and trust for Aileron artifacts: bytes in, verdict out.
//!
//! # Architecture
//!
//! This crate forbids itself the disk, the network, the clock, the environment and every secret; time and keys are
//! parameters. One folder per family; a family knows the shared rooms above the line, and no other family but where the
//! table says so.
//!
//! | room | one line |
//! |---|---|
//! | [`name`] | names, authorities, Refs; SemVer and tags; content hash and archive digest |
//! | [`trust`] | public keys in every spelling; does a key accept; ring text and grants |
//! | [`problem`] | failure classes; what a rule is, byte ranges, positions |
//! | [`text`] | strict readers that keep byte ranges; untrusted text made harmless before it is shown |
//! | [`layout`] | names and sizes of a release's files, and their paths, there and back |
//! | — | — |
//! | [`artifact`] | connectors and actions: archives, documents, [`artifact::verify::Unverified`] to [`artifact::verify::Verified`] |
//! | [`statement`] | signed documents that are not archives, [`statement::UnverifiedStatement`] to [`statement::Signed`]: the index of a release (of artifacts, which it knows); from one key of a publisher to the next, and the end of one |
//! | [`proposal`] | what CI proposes and what a person answers: files of a draft that decide nothing by themselves |
//! | [`unit`] | CLI-capability units: reader, projections, layers, what a sealing proxy does with a request, lint |
//! | [`aegis`] | Squad Aegis bundles: what a host does with one, and what a publisher may write |
//! | [`rules`] | the families' tables of rules, as one list; a rule by its id |
//!
//! Publishing proves every archive with the same [`artifact::verify`] an installer runs, so the two cannot disagree.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
#![forbid(unsafe_code)]

pub mod aegis;
pub mod artifact;
pub mod layout;
pub mod name;
pub mod problem;
pub mod proposal;
pub mod rules;
pub mod statement;
pub mod text;
pub mod trust;
pub mod unit;
