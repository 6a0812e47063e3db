//! A sealed value: nonce, ciphertext and tag in one. vault.md §3.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of the nonce, which come first.
pub const NONCE: usize = 12;
/// Bytes of the tag, which come last.
pub const TAG: usize = 16;

/// A value that only the custodian can open. In the file it is base64 with padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

impl Blob {
    /// Reads base64; `None` where it is none. What the blob holds is not looked at.
    pub fn from_base64(text: &str) -> Option<Blob> {
        STANDARD.decode(text).ok().map(Blob)
    }

    /// As it stands in the file.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// Nonce, ciphertext, tag.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a blob does not open. It then gave nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than a nonce.
    #[error("blob too short")]
    TooShort,
    /// Another key, or changed since it was sealed.
    #[error("authentication failure")]
    Authentication,
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Blob {
        Blob(bytes)
    }
}
