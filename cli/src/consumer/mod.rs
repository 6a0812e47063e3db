//! The consumer's side: whom to trust, where to fetch, what the verdict is.
//!
//! May not come in: the publisher wing, signing keys, clap. The verdict itself is the verifier's.

pub mod action;
pub mod ask;
pub mod assets;
pub mod fetch;
pub mod hub;
pub mod install;
pub mod judge;
mod newest;
pub mod plan;
pub mod publisher_key;
pub mod refusal;
pub mod ring;
pub mod trust;
