//! Publishing: from a repository at one commit to a signed cohort in a registry.
//!
//! May not come in: the consumer wing, clap, terminals. Progress leaves as [`crate::event::Event`] values, problems as
//! byte ranges; drawing them is `ui`'s.

pub mod adopt;
pub mod build;
pub mod catalog;
pub mod committed_key;
pub mod config;
pub mod doctor;
pub mod fingerprint_mark;
pub mod forge;
pub mod keys;
pub mod lint;
pub mod local;
pub mod project;
pub mod release;
pub mod scaffold;
pub mod sign;
pub mod source;
pub mod unit;
