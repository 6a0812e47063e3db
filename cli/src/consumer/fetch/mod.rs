//! Where bytes come from, and which versions there are.

pub mod assets;
mod newest;
pub mod origin;
