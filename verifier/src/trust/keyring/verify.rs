//! The question a ring exists for. keyring.md §2.5.

use std::collections::HashSet;

use super::Keyring;
use crate::name::fqn::Authority;
use crate::problem::Class;
use crate::text::quote::Quoted;
use crate::trust::key::{Fingerprint, PublicKey};
use crate::trust::signature::{Signature, WrongLength, accepts};

/// Why a ring does not stand behind a signature. All are class `signature_failure`. keyring.md §2.5.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    /// No key was ever trusted for it.
    #[error("no signing key registered for authority {}", Quoted(.authority.as_str()))]
    NoKey {
        /// Who was asked about.
        authority: Authority,
    },
    /// There are keys, and none accepts. `tried` is evidence for the reader, not part of the verdict.
    #[error("signature does not verify against any key registered for authority {}", Quoted(.authority.as_str()))]
    NoMatch {
        /// Who was asked about.
        authority: Authority,
        /// The keys that were tried, each once, in order.
        tried: Vec<Fingerprint>,
    },
    /// There are keys, and the signature is none at all.
    #[error(transparent)]
    WrongLength(#[from] WrongLength),
}

impl SignatureRefused {
    /// Always `signature_failure`.
    pub fn class(&self) -> Class {
        match self {
            SignatureRefused::NoKey { .. } | SignatureRefused::NoMatch { .. } | SignatureRefused::WrongLength(_) => {
                Class::SignatureFailure
            }
        }
    }
}

impl Keyring {
    /// Asks whether some key trusted for `authority` signed the concatenation of `payload`, and names that key.
    ///
    /// # Errors
    /// [`SignatureRefused`].
    pub fn verify(
        &self,
        authority: &Authority,
        payload: &[&[u8]],
        signature: &[u8],
    ) -> Result<Fingerprint, SignatureRefused> {
        let keys = self.keys(authority);
        if keys.is_empty() {
            return Err(SignatureRefused::NoKey { authority: authority.clone() });
        }
        let signature = Signature::from_slice(signature)?;
        match keys.iter().find(|key| accepts(key, payload, &signature)) {
            Some(key) => Ok(key.fingerprint()),
            None => {
                let mut seen = HashSet::new();
                let fingerprints = keys.iter().map(PublicKey::fingerprint);
                let tried = fingerprints.filter(|fingerprint| seen.insert(*fingerprint)).collect();
                Err(SignatureRefused::NoMatch { authority: authority.clone(), tried })
            }
        }
    }
}
