//! Signed documents that are not archives.

pub mod cohort;
