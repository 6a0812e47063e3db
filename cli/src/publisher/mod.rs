//! The publishing wing. The consumer's and the runtime's wings may not come in here, nor this one there.

pub mod keys;
pub mod sign;
