//! The consumer's side: whom to trust, where to fetch, what the verdict is, what is installed.
//!
//! | room | one line |
//! |---|---|
//! | [`home`] | the store and the ring of one user |
//! | [`trust`] | the ring, changes to it, the question, a publisher's key |
//! | [`authority`] | an authority by name, and its key: from a file, a repository, the catalog |
//! | [`fetch`] | where artifacts come from, and which version is the newest |
//! | [`install`] | plan, show, ask, commit; installed connectors, checked against what is published |
//! | [`unit`] | CLI-capability units: which are accepted, what they would do, what holds once the layers are merged |
//! | [`verify`] | bytes from somewhere, one verdict each |
//! | [`hub`] | the catalog, and what the ring says about its entries |
//!
//! May not come in: the publisher wing, signing keys, clap. The verdict itself is the verifier's.

pub mod authority;
pub mod fetch;
pub mod home;
pub mod hub;
pub mod install;
pub mod trust;
pub mod unit;
pub mod verify;
