//! Everything behind the two binaries.

pub mod publisher;
pub mod sys;
