//! The signing key as a secret of GitHub Actions: sealed for the repository's key, so that only GitHub opens it.
//!
//! libsodium's sealed box, which GitHub asks for (GitHub Docs, "Encrypting secrets for the REST API"): a key pair for this
//! one message, X25519, XSalsa20-Poly1305.

use aileron_verifier::problem::Class;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dryoc::classic::crypto_box::crypto_box_seal;
use dryoc::constants::CRYPTO_BOX_SEALBYTES;

use crate::secret::Secret;

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not 32 bytes in base64.
    #[error("the repository's key for secrets is not a key: 32 bytes in base64 are")]
    NotAKey,
    /// The key is one that would hide nothing.
    #[error("the repository's key for secrets cannot be used: what is sealed for it could be opened by anyone")]
    WeakKey,
}

impl SealError {
    /// Always `publish_failed`: the server gave a key that is none.
    pub fn class(&self) -> Class {
        match self {
            SealError::NotAKey | SealError::WeakKey => Class::PublishFailed,
        }
    }

    /// Never: the server gives the same key again.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// A secret, sealed for a public key in base64; itself in base64, as the API takes it.
///
/// # Errors
/// [`SealError`].
pub fn seal(secret: &Secret, key: &str) -> Result<String, SealError> {
    let key: [u8; 32] = STANDARD.decode(key).ok().and_then(|key| key.try_into().ok()).ok_or(SealError::NotAKey)?;
    let mut sealed = vec![0; secret.expose().len() + CRYPTO_BOX_SEALBYTES];
    crypto_box_seal(&mut sealed, secret.expose(), &key).map_err(|_| SealError::WeakKey)?;
    Ok(STANDARD.encode(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dryoc::classic::crypto_box::{crypto_box_seal_open, crypto_box_seed_keypair};

    #[test]
    fn what_is_sealed_is_opened_with_the_key_and_with_no_other() {
        let (public, private) = crypto_box_seed_keypair(&[3; 32]);
        let (other, other_private) = crypto_box_seed_keypair(&[4; 32]);
        let secret = || Secret::from("a private key".to_owned());
        let key = STANDARD.encode(public);
        let sealed = STANDARD.decode(seal(&secret(), &key).expect("sealed")).expect("base64");
        let mut opened = vec![0; sealed.len() - CRYPTO_BOX_SEALBYTES];
        crypto_box_seal_open(&mut opened, &sealed, &public, &private).expect("opens");
        assert_eq!(opened, b"a private key");
        assert!(crypto_box_seal_open(&mut opened, &sealed, &other, &other_private).is_err());
        assert_ne!(seal(&secret(), &key), seal(&secret(), &key), "a key of its own for each");
    }

    #[test]
    fn a_key_that_is_none_or_hides_nothing_is_refused() {
        let secret = || Secret::from("x".to_owned());
        for key in ["", "x", "E75P6uryBMf9M1j8nAByGIHRdCeBKCJ+xnTzf3/pe2", "RUVF"] {
            assert_eq!(seal(&secret(), key), Err(SealError::NotAKey), "{key}");
        }
        for point in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            assert_eq!(seal(&secret(), &STANDARD.encode(point)), Err(SealError::WeakKey));
        }
    }
}
