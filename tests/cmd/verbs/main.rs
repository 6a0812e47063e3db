//! Both binaries as people and scripts meet them: what they print, how they end, and what they leave behind.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bad_input;
mod deaf;
mod handed_over;
mod house;
mod hub_entry;
mod json;
mod keys;
mod memory;
mod network;
mod screen;
mod transcripts;
mod waived;
