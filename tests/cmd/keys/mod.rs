//! `keys`: signing keys.

mod environment;
#[cfg(target_os = "linux")]
mod keychain;
mod openssl;
mod signing;
