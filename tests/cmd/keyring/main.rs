//! The keyring and the Hub: every row of keyring.md §13.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod commands;
mod home;
mod hub;
mod ring;
mod rows;
mod trust;
