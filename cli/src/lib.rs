//! Everything behind the two binaries.

pub mod sys;
