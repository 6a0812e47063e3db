//! A release in two halves: CI makes everything and proposes it; the holder of the key makes it again, compares, and signs.
//!
//! # How an approved release walks
//!
//! ```text
//! propose   no key             ready, observe, bind, build, pin, as any release
//!   offer     ─► Waiting       a draft with proposal.tar.gz: module, bound manifest, bound actions
//! approve   where the key is   ready_as_tagged, observe, unlock
//!   download  ─► Downloaded    the proposal, trusted for nothing
//!   bind, build                from git and in a copy, as any release; a client secret is taken from the proposal
//!   compare   ─► Compared      every byte of both; or the differences, and stop
//!   agree                      one question, with what is new to consumers
//!   sign, pack, prove          over the bytes of this machine
//!   answer    ─► Approved      approval.json beside the proposal
//! propose   again, no key      finds the answer
//!   answered  ─► Proven        the proposal's bytes with its signatures, through the installer's verdict
//!   plan, stage, flip, recheck as any release; both files are removed before anything is public
//! ```
//!
//! A token that can write the draft can spoil a release or hold it up. It cannot make one that verifies: what is signed was
//! made on the machine that signs, but for a client secret and, with `take_build`, the module.

mod answered;
mod approve;
mod compare;
mod propose;
mod staged;

pub use self::approve::{Approved, Review, TakenBuild, approve, start_publishing};
pub use self::propose::{Proposed, Waiting, propose};
