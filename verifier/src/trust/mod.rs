//! Who is trusted, and whether a signature is theirs. Keys are public here; nothing in this crate holds a private one.

pub mod key;
pub mod keyring;
pub mod signature;
