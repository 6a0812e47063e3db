//! Text as it is read and shown.

pub mod json;
pub mod printable;
pub mod quote;
mod shorten;
pub mod toml;
pub mod yaml;

pub use json::Json;
pub use printable::{LISTED, SHOWN, Untrusted, hidden, is_shown, listed, printable, printable_within, screen};
pub use shorten::shorten;
