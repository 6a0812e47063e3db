//! Whom to trust: the ring's file, publishers' keys, the questions asked before a key is granted,
//! what publishers say of their keys.

pub mod change;
pub mod error;
pub mod grant;
pub mod prompt;
pub mod publisher_key;
pub mod ring;
pub mod succession;
