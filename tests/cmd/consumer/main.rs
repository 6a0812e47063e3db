//! The consumer's side: the store as a library, and the verbs as people and scripts meet them.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod store;
