//! Does this key accept this signature over these bytes?
//!
//! The answer is the one Go's `crypto/ed25519` gives, because existing installs rest on it: `S` below the group order, the
//! equation without cofactor, `R` compared byte by byte, keys in any encoding. One exception, ours: a key of small order
//! accepts nothing, since under it anyone can forge. artifacts.md §6, keyring.md §2.5.

use std::fmt;

use ed25519_dalek::ed25519::signature::MultipartVerifier as _;

use crate::trust::key::PublicKey;

/// A raw 64-byte ed25519 signature, as `signature.sig` holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// A signature that is not 64 bytes long; the number is its length. Class `signature_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature is {0} bytes long, want 64")]
pub struct WrongLength(pub usize);

impl Signature {
    /// Takes the bytes of `signature.sig`.
    ///
    /// # Errors
    /// [`WrongLength`].
    pub fn from_slice(bytes: &[u8]) -> Result<Signature, WrongLength> {
        bytes.try_into().map(Signature).map_err(|_| WrongLength(bytes.len()))
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Signature {
        Signature(bytes)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Whether `key` accepts `signature` over the concatenation of `payload`. Nothing is copied.
pub fn accepts(key: &PublicKey, payload: &[&[u8]], signature: &Signature) -> bool {
    key.point().is_some_and(|point| {
        !point.is_weak() && point.multipart_verify(payload, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test] // keyring.md §2.5, its worked vector
    fn the_payload_is_the_concatenation_of_its_parts() {
        let key = PublicKey::from_base64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").expect("key");
        let bytes = STANDARD
            .decode("yDoGp4VgrR4oc7Ak5LOA+gXR0qiloeREJ48Y6LwhV3JcyNqFhzYbSIItpBO2SgBdX3gS4QAIHS6aYIP74GluAA==")
            .expect("base64");
        let signature = Signature::from_slice(&bytes).expect("64 bytes");
        assert!(accepts(&key, &[b"BIN", b"MAN"], &signature));
        assert!(accepts(&key, &[b"BINM", b"", b"AN"], &signature));
        assert!(!accepts(&key, &[b"MAN", b"BIN"], &signature));
        for at in 0..64 {
            let mut changed = *signature.as_bytes();
            changed[at] ^= 1;
            assert!(!accepts(&key, &[b"BINMAN"], &Signature(changed)), "byte {at}");
        }
        assert_eq!(Signature::from_slice(&bytes[..63]), Err(WrongLength(63)));
    }

    #[test] // RFC 8032 §5.1.7: S + L is the same signature written again, and is refused
    fn s_must_be_canonical() {
        let key = PublicKey::from_base64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").expect("key");
        let order = STANDARD.decode("7dP1XBpjEljWnPei3vneFAAAAAAAAAAAAAAAAAAAABA=").expect("L");
        let mut bytes = STANDARD
            .decode("yDoGp4VgrR4oc7Ak5LOA+gXR0qiloeREJ48Y6LwhV3JcyNqFhzYbSIItpBO2SgBdX3gS4QAIHS6aYIP74GluAA==")
            .expect("base64");
        let mut carry = 0;
        for (byte, limb) in bytes[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(limb) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert_eq!(carry, 0);
        assert!(!accepts(&key, &[b"BINMAN"], &Signature::from_slice(&bytes).expect("64 bytes")));
    }
}
