//! The ring: who may sign for which authority. v1 and v2 text to grants, grants to v2 text, and the question a ring exists
//! for: does a key trusted for this authority accept this signature?
//!
//! In memory a ring is one map from authority to keys. Which of the file's two maps an entry came from is forgotten, order
//! within an authority is kept, nothing is deduplicated (keyring.md §1.3). Not here: the file itself, fetching keys, asking.

//!
//! | room | one line |
//! |---|---|
//! | `read`, `write` | the file's text, in both versions, to grants; grants to the text of version 2 |
//! | `verify` | does a key trusted for this authority accept this signature? |

mod read;
mod verify;
mod write;

use std::collections::BTreeMap;

use crate::name::digest::ArchiveDigest;
use crate::name::fqn::Authority;
use crate::trust::key::{Fingerprint, PublicKey};

pub use read::KeyringError;
pub use verify::SignatureRefused;

/// Grants: which keys may sign for which authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    /// No authority is empty text, and no list is empty.
    grants: BTreeMap<Authority, Vec<PublicKey>>,
    /// Trusted for every authority. Never part of a file.
    everywhere: Vec<PublicKey>,
}

impl Keyring {
    /// A ring without grants: what a missing file means.
    pub fn new() -> Keyring {
        Keyring::default()
    }

    /// A ring that trusts these keys for every authority, and no others. What `verify --key` uses.
    pub fn of_keys(keys: impl IntoIterator<Item = PublicKey>) -> Keyring {
        Keyring { grants: BTreeMap::new(), everywhere: keys.into_iter().collect() }
    }

    /// Adds a key at the end of an authority's list. `false` when it was there already, or the authority is empty text.
    ///
    /// Takes any key: before trust is granted on someone's word, ask [`PublicKey::refusing_small_order`] first.
    pub fn grant(&mut self, authority: Authority, key: PublicKey) -> bool {
        if authority.as_str().is_empty() {
            return false;
        }
        let keys = self.grants.entry(authority).or_default();
        let new = !keys.contains(&key);
        if new {
            keys.push(key);
        }
        new
    }

    /// Removes exactly this authority with all its keys. `false` when it was not there.
    pub fn revoke(&mut self, authority: &Authority) -> bool {
        self.grants.remove(authority).is_some()
    }

    /// Removes a key from every authority, and returns how many authorities had it. One left without keys is gone.
    pub fn revoke_key(&mut self, fingerprint: &Fingerprint) -> usize {
        let mut from = 0;
        self.grants.retain(|_, keys| {
            let before = keys.len();
            keys.retain(|key| key.fingerprint() != *fingerprint);
            from += usize::from(keys.len() < before);
            !keys.is_empty()
        });
        from
    }

    /// Every key that may sign for `authority`: its own, then its owner's. keyring.md §2.5.
    ///
    /// Text that does not parse as a name has only its exact entry, so malformed input cannot widen trust.
    pub fn keys(&self, authority: &Authority) -> Vec<PublicKey> {
        if authority.as_str().is_empty() {
            return Vec::new();
        }
        let owner = authority.owner();
        let owners = owner.as_ref().map_or(&[][..], |owner| self.exact(owner));
        [self.exact(authority), owners, &self.everywhere].concat()
    }

    /// The keys filed under exactly this text.
    pub fn exact(&self, authority: &Authority) -> &[PublicKey] {
        self.grants.get(authority).map_or(&[], Vec::as_slice)
    }

    /// Every authority with a grant, in ascending byte order.
    pub fn authorities(&self) -> impl Iterator<Item = &Authority> {
        self.grants.keys()
    }

    /// Tells rings apart: the same text for the same grants, wherever they came from. For remembering by which ring
    /// something was judged (artifacts.md §9).
    pub fn digest(&self) -> String {
        let everywhere: Vec<String> = self.everywhere.iter().map(PublicKey::to_base64).collect();
        ArchiveDigest::of(&[self.render().as_bytes(), everywhere.join("\n").as_bytes()]).to_string()
    }

    /// Whether no key is trusted for anything.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.everywhere.is_empty()
    }

    /// The small-order keys of this ring: they load, verify nothing, and deserve a warning. artifacts.md §6.
    pub fn weak(&self) -> Vec<(Authority, PublicKey)> {
        let all = self.grants.iter().flat_map(|(authority, keys)| keys.iter().map(move |key| (authority, key)));
        all.filter(|(_, key)| key.is_small_order()).map(|(authority, key)| (authority.clone(), *key)).collect()
    }
}

#[cfg(test)]
mod tests;
