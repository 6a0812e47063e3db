//! What things are called: names, versions and tags, hashes. artifacts.md §1.

pub mod digest;
pub mod fqn;
pub mod rules;
pub mod version;
