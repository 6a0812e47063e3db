//! The consumer's side: the store as a library, and the verbs as people and scripts meet them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod authority;
mod bounds;
mod fail_closed;
mod guide;
#[path = "../verbs/house.rs"]
#[expect(dead_code, reason = "the house of all verbs; these need a part of it")]
mod house;
mod permissions;
mod session;
mod store;
mod storms;
mod transcripts;
mod two_users;
