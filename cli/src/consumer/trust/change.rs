//! Changes to the ring that a person asks for, and what the ring holds by owner. keyring.md §6.

use std::collections::BTreeMap;

use aileron_verifier::name::fqn::Authority;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::trust::ring::{RingError, RingFile};

/// What a grant came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whether the ring changed: `false` where it held the key already.
    pub changed: bool,
    /// Repositories of the same owner that are trusted with another key; looked for where nothing changed.
    pub differing: Vec<Authority>,
}

/// Grants a key to an authority. `announce` is called before the ring is written, where it is going to be.
///
/// # Errors
/// [`RingError`].
pub fn grant(
    file: &RingFile,
    authority: &Authority,
    key: PublicKey,
    announce: impl FnOnce(),
) -> Result<Granted, RingError> {
    file.edit(|ring| {
        if ring.exact(authority).contains(&key) {
            return Granted { changed: false, differing: differing(ring, authority, &key) };
        }
        announce();
        Granted { changed: ring.grant(authority.clone(), key), differing: Vec::new() }
    })
}

/// Repositories of an owner that are trusted with another key than this one.
fn differing(ring: &Keyring, owner: &Authority, key: &PublicKey) -> Vec<Authority> {
    let of_owner = |authority: &&Authority| *authority != owner && authority.owner().as_ref() == Some(owner);
    let differs = |authority: &&Authority| ring.exact(authority).iter().any(|other| other != key);
    ring.authorities().filter(of_owner).filter(differs).cloned().collect()
}

/// What is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every key of this authority.
    Authority(Authority),
    /// The key of this fingerprint, everywhere. What is no fingerprint matches no key.
    Key(String),
}

impl Revocation {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        match self {
            Revocation::Authority(authority) => authority.as_str(),
            Revocation::Key(key) => key,
        }
    }

    /// Withdraws it, and returns the number of authorities it was removed from.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn revoke(&self, file: &RingFile) -> Result<usize, RingError> {
        file.edit(|ring| match self {
            Revocation::Authority(authority) => usize::from(ring.revoke(authority)),
            Revocation::Key(key) => key.parse().map_or(0, |fingerprint| ring.revoke_key(&fingerprint)),
        })
    }
}

/// Every owner of the ring, with the repositories that have grants of their own.
pub fn by_owner(ring: &Keyring) -> BTreeMap<Authority, Vec<Authority>> {
    let mut owners: BTreeMap<Authority, Vec<Authority>> = BTreeMap::new();
    for authority in ring.authorities() {
        match authority.owner() {
            Some(owner) => owners.entry(owner).or_default().push(authority.clone()),
            None => drop(owners.entry(authority.clone()).or_default()),
        }
    }
    owners
}
