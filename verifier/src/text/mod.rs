//! Text as it is read and shown.

pub mod json;
pub mod printable;
pub mod quote;
pub mod rules;
pub mod toml;
mod utf8;
pub mod yaml;

pub use crate::problem::shorten;
pub use json::Json;
pub use printable::{LISTED, SHOWN, Untrusted, hidden, is_shown, listed, printable, printable_within, screen};
