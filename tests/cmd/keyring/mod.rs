//! The keyring and the Hub: every row of keyring.md §13.

mod commands;
pub(crate) mod home;
mod ring;
mod rows;
mod trust;
