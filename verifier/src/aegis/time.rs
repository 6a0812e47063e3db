//! Instants and durations in the spellings that Go writes and reads.

mod duration;
mod instant;

pub use duration::{DurationError, GoDuration};
pub use instant::{Instant, NotAnInstant};
