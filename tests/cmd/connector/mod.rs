//! `connector` and `action`: what is installed, and what never is.

mod authority;
mod bounds;
mod fail_closed;
mod json;
mod permissions;
mod storms;
mod two_users;

/// The connector of the repository `tea`.
const TEA: &str = "github://acme/aileron-connector-tea";
