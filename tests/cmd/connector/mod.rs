//! `connector` and `action`: what is installed, and what never is.

mod authority;
mod bounds;
mod fail_closed;
mod permissions;
mod session;
mod storms;
mod transcripts;
mod two_users;
