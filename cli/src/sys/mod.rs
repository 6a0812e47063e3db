//! The world outside: what a room needs of it comes from here, as a value.

pub mod process;
