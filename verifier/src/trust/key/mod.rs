//! Public keys in every spelling people write them in, and their fingerprint.
//!
//! A key is 32 bytes. Reading one never asks whether they are a point of the curve: a ring with a useless key must still
//! load (keyring.md §1.4). Whether a key accepts anything is [`crate::trust::signature`]'s question.

mod base64;
mod fingerprint;
mod pem;

use std::fmt;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::problem::Class;

pub use base64::{BadByte, decode_padded};
pub use fingerprint::{Fingerprint, NotAFingerprint};

/// A raw ed25519 public key. Any 32 bytes are one; only points of large order ever verify anything. In documents it is
/// base64, as a ring has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// Why a text holds no public key. The messages are the ones keyring.md §1.5, §4.1 and §4.2 pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// None of the four base64 forms decodes. §1.5.
    #[error("not valid base64")]
    NotBase64,
    /// The first base64 form that decodes gives another length. §1.5.
    #[error("decoded length {0}, want 32")]
    Length(usize),
    /// There is no complete PEM block. §4.1.
    #[error("no PEM block found")]
    NoPem,
    /// The block is no SubjectPublicKeyInfo. §4.1.
    #[error("parse PKIX public key: {0}")]
    NotPkix(&'static str),
    /// The block holds a public key of another kind; the name is Go's. §4.1.
    #[error("public key is not ed25519 (got {0})")]
    NotEd25519(&'static str),
    /// No PEM, and base64 of another length. §4.2.
    #[error("decoded {0} bytes; ed25519 public key must be 32 bytes")]
    TextLength(usize),
    /// Neither PEM nor base64. §4.2.
    #[error("not PEM and not base64-encoded raw ed25519 public key")]
    NotAKey,
    /// The key is of small order: anyone can sign for it. artifacts.md §6.
    #[error("public key {0} is of small order: anyone can forge signatures for it")]
    SmallOrder(Fingerprint),
}

impl PublicKeyError {
    /// Always `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            PublicKeyError::NotBase64
            | PublicKeyError::Length(_)
            | PublicKeyError::NoPem
            | PublicKeyError::NotPkix(_)
            | PublicKeyError::NotEd25519(_)
            | PublicKeyError::TextLength(_)
            | PublicKeyError::NotAKey
            | PublicKeyError::SmallOrder(_) => Class::ValidationError,
        }
    }
}

impl PublicKey {
    /// Takes the raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is an encoding, canonical or not, of a point of order 1, 2, 4 or 8. artifacts.md §6.
    pub fn is_small_order(&self) -> bool {
        self.point().is_some_and(|point| point.is_weak())
    }

    /// The key itself, for a place that grants trust: everything but a small-order key. artifacts.md §6.
    ///
    /// # Errors
    /// [`PublicKeyError::SmallOrder`].
    pub fn refusing_small_order(self) -> Result<PublicKey, PublicKeyError> {
        if self.is_small_order() { Err(PublicKeyError::SmallOrder(self.fingerprint())) } else { Ok(self) }
    }

    /// The point, when the bytes are one. Non-canonical encodings are taken, as Go takes them.
    pub(crate) fn point(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.0).ok()
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;
    fn try_from(text: String) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_base64(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_base64()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_base64(text).expect(text)
    }

    #[test] // artifacts.md §6
    fn every_encoding_of_a_small_order_point_is_recognised() {
        let hex = |text: &str| -> [u8; 32] {
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
            std::array::from_fn(|at| byte(at * 2))
        };
        let ys = [
            "0100000000000000000000000000000000000000000000000000000000000000", // identity
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
            "0000000000000000000000000000000000000000000000000000000000000000", // order 4
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p, not canonical
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p + 1, not canonical
        ];
        for y in ys {
            for sign in [0, 0x80] {
                let mut bytes = hex(y);
                bytes[31] |= sign;
                let key = PublicKey::from_bytes(bytes);
                assert!(key.is_small_order(), "{y}, sign {sign}");
                assert_eq!(key.refusing_small_order(), Err(PublicKeyError::SmallOrder(key.fingerprint())));
            }
        }
        for strong in [key(RFC), key("//////////////////////////////////////////8=")] {
            assert_eq!(strong.refusing_small_order(), Ok(strong));
        }
    }
}
