//! Text as it is read and shown.

pub mod json;
pub mod printable;
mod shorten;

pub use json::Json;
pub use printable::{Untrusted, printable, screen};
pub use shorten::shorten;
