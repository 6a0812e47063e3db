//! Text as it is read and shown.

pub mod printable;
mod shorten;

pub use printable::{Untrusted, printable, screen};
pub use shorten::shorten;
