//! How files change, for the whole project: each way once, and each change of the disk a step that a test can end at.
//!
//! | file | one line |
//! |---|---|
//! | [`steps`] | the changes themselves, one at a time: a seam |
//! | [`replace`] | a file that is whole or as it was: temporary sibling, flush, rename |
//! | [`error`] | what was attempted, where, and what the system said |
//! | [`crash`] | a disk that stops after so many steps, for tests |
//!
//! The sandbox writes compiled code; everything else is written by the layers above, with the same steps. Who else could
//! have written a file is [`crate::private`]'s question.

#![expect(clippy::disallowed_methods, reason = "through these rooms everything else changes files")]

pub mod crash;
pub mod error;
pub mod replace;
pub mod steps;

pub use self::error::{DiskError, Operation};
pub use self::replace::{Readers, Replace, TEMPORARY, create};
pub use self::steps::{Disk, Steps};
