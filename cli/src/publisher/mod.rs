//! The publishing wing. The other wings do not come in here.

pub mod build;
pub mod scaffold;
