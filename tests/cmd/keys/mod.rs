//! `keys`: signing keys.

mod environment;
mod github_secret;
#[cfg(target_os = "linux")]
mod keychain;
mod openssl;
mod signing;
