//! `keys`: signing keys.

mod openssl;
