//! `keys`: signing keys.

#[cfg(target_os = "linux")]
mod keychain;
mod openssl;
mod signing;
