//! Someone who signs.

use aileron_verifier::name::fqn::Authority;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use ed25519_dalek::{Signer as _, SigningKey};

/// A publisher with an ed25519 key made from one byte: the same byte, the same key, on every run.
#[derive(Clone)]
pub struct Publisher {
    signing: SigningKey,
}

impl Publisher {
    /// The publisher whose private seed is this byte, 32 times. Two numbers are two strangers.
    pub fn from_seed(seed: u8) -> Publisher {
        Publisher { signing: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// The private seed: a test key, public by construction.
    pub fn seed(&self) -> [u8; 32] {
        self.signing.to_bytes()
    }

    /// What others are to trust.
    pub fn key(&self) -> PublicKey {
        PublicKey::from_bytes(self.signing.verifying_key().to_bytes())
    }

    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.key().fingerprint()
    }

    /// The signature over the concatenation of `parts`, as `signature.sig` holds it.
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.signing.sign(&parts.concat()).to_bytes().to_vec()
    }

    /// A ring that trusts this publisher for one authority, as `github://acme` or `github://acme/echo`.
    pub fn ring(&self, authority: &str) -> Keyring {
        let mut ring = Keyring::new();
        ring.grant(Authority::new(authority), self.key());
        ring
    }
}
