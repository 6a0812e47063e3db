//! Text as it is read and shown.

pub mod printable;

pub use printable::{Untrusted, printable, screen};
