//! Both programs as people and scripts meet them: what they print, how they end, and what they leave behind.
//!
//! A folder per verb, named as the verb, with its transcript in it (see [`transcripts`]); `every_verb` holds what is true of all of them, `store` and `workflow` what lies
//! below and around them. One test binary: each one links the engine again.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod aegis;
mod auth;
mod connector;
mod doctor;
mod every_verb;
mod guide;
mod hub;
mod init;
mod keyring;
mod keys;
mod launch;
mod mcp;
mod plan;
mod readme;
mod release;
mod rows;
mod run;
mod seal;
mod store;
mod transcripts;
mod unit;
mod vault;
mod workflow;
