//! Things that others wrote, against ours: linters over our workflows, and GitHub as others know it against the fake.
//!
//! `.ci/peers` installs them; without one of them its test is skipped.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod aegis;
mod deflate;
mod emulated;
mod front;
mod gh;
mod linters;
mod mcp;
mod openapi;
mod recorded;
mod registry;
mod schema;
mod sealed;
mod vault;
