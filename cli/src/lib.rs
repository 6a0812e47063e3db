//! The publisher's tool and the consumer's, as a library both binaries share.

pub mod publisher;
pub mod secret;
