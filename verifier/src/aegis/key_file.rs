//! `manifest.sig` and `manifest.pub`: padded standard base64, with the tolerances of the host's decoder. aegis-bundle.md §7.2.

use crate::trust::key::{BadByte, PublicKey, decode_padded};
use crate::trust::signature::Signature;

/// Why a file holds no key or signature. The words are the host's; after "encoding:" they are its library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not base64.
    #[error("invalid plugin public key encoding: {0}")]
    PublicKeyEncoding(BadByte),
    /// Another length.
    #[error("plugin public key has {0} bytes, want 32")]
    PublicKeyLength(usize),
    /// Not base64.
    #[error("invalid plugin signature encoding: {0}")]
    SignatureEncoding(BadByte),
    /// Another length.
    #[error("plugin signature has {0} bytes, want 64")]
    SignatureLength(usize),
}

/// Reads `manifest.pub`.
///
/// # Errors
/// [`KeyFileError`].
pub fn public_key(file: &[u8]) -> Result<PublicKey, KeyFileError> {
    let bytes = decode_padded(super::trim(file)).map_err(KeyFileError::PublicKeyEncoding)?;
    let length = bytes.len();
    bytes.try_into().map(PublicKey::from_bytes).map_err(|_| KeyFileError::PublicKeyLength(length))
}

/// Reads `manifest.sig`.
///
/// # Errors
/// [`KeyFileError`].
pub fn signature(file: &[u8]) -> Result<Signature, KeyFileError> {
    let bytes = decode_padded(super::trim(file)).map_err(KeyFileError::SignatureEncoding)?;
    Signature::from_slice(&bytes).map_err(|wrong| KeyFileError::SignatureLength(wrong.0))
}
