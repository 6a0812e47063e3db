//! The consumer's side: whom to trust, where to fetch, what the verdict is.
//!
//! May not come in: the publisher wing, signing keys, clap. The verdict itself is the verifier's.

pub mod fetch;
pub mod hub;
pub mod install;
pub mod trust;
pub mod verify;
