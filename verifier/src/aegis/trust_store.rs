//! Whose signature counts on a host, and what is revoked there. aegis-bundle.md §9, §10.

use std::collections::BTreeSet;

use super::key_file;
use super::manifest::decode::{Decoder, NotDecoded, Slot};
use crate::text::json::tape::{Syntax, Tape, Value};
use crate::trust::key::PublicKey;

/// The key that every host trusts, whatever its configuration says. aegis-bundle.md §1.
pub const BUILT_IN: PublicKey = PublicKey::from_bytes([
    0x01, 0x3c, 0xe2, 0xbf, 0x6b, 0xa0, 0x9b, 0xf0, 0xb3, 0x6e, 0x79, 0xd8, 0x48, 0xb6, 0x46, 0xb2, 0xaf, 0xde, 0x25,
    0xf0, 0xb1, 0x1c, 0x8f, 0x26, 0xbb, 0xf3, 0xad, 0xd7, 0xd4, 0x46, 0x98, 0x3d,
]);

/// The keys a host trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustStore {
    keys: BTreeSet<PublicKey>,
    skipped: Vec<String>,
}

impl TrustStore {
    /// Reads the one line of `plugins.trusted_signing_keys`. The built-in key is in every store.
    pub fn read(line: &str) -> TrustStore {
        let mut store = TrustStore { keys: BTreeSet::from([BUILT_IN]), skipped: Vec::new() };
        for piece in line.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
            match key_file::public_key(piece.as_bytes()) {
                Ok(key) => drop(store.keys.insert(key)),
                Err(_) => store.skipped.push(piece.to_owned()),
            }
        }
        store
    }

    /// Whether a key is in the store.
    pub fn has(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// The keys of the line, without the built-in one unless the line has it too.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }

    /// Pieces of the line that are no keys: a host skips them with a warning in its log.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }
}

/// What a host has revoked: labels, and keys by the SHA-256 of their 32 bytes in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    key_ids: BTreeSet<String>,
    fingerprints: BTreeSet<String>,
}

/// Bytes are no revocation file: the host keeps the list it had, which at its start is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a revocation file: {0}")]
pub struct NotARevocationFile(#[from] NotDecoded);

impl Revocations {
    /// Labels and fingerprints as they would stand in a file.
    pub fn new<'a>(
        key_ids: impl IntoIterator<Item = &'a str>,
        fingerprints: impl IntoIterator<Item = &'a str>,
    ) -> Revocations {
        let kept = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Revocations {
            key_ids: key_ids.into_iter().filter_map(kept).collect(),
            fingerprints: fingerprints.into_iter().filter_map(kept).map(|text| text.to_lowercase()).collect(),
        }
    }

    /// Reads the revocation file as a host does. aegis-bundle.md §10.1.
    ///
    /// # Errors
    /// [`NotARevocationFile`].
    pub fn read(bytes: &[u8]) -> Result<Revocations, NotARevocationFile> {
        let tape = Tape::read(bytes, Syntax::STRICT).map_err(NotDecoded::Syntax)?;
        let (mut key_ids, mut fingerprints) = (Slot::default(), Slot::default());
        let mut decoder = Decoder::default();
        decoder.object(
            tape.root(),
            &["revoked_key_ids", "revoked_public_key_fingerprints"],
            |decoder, at, value: Value<'_>| {
                decoder.list(value, if at == 0 { &mut key_ids } else { &mut fingerprints }, Decoder::text);
            },
        );
        decoder.finish()?;
        Ok(Revocations::new(key_ids.items().map(String::as_str), fingerprints.items().map(String::as_str)))
    }

    /// Whether a label is revoked; blanks around it do not save it.
    pub fn has_key_id(&self, key_id: &str) -> bool {
        self.key_ids.contains(key_id.trim())
    }

    /// Whether a key is revoked.
    pub fn has_key(&self, key: &PublicKey) -> bool {
        !self.fingerprints.is_empty() && self.fingerprints.contains(&key.hex_fingerprint())
    }

    /// The labels, sorted.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.key_ids.iter().map(String::as_str)
    }

    /// The fingerprints, sorted.
    pub fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.fingerprints.iter().map(String::as_str)
    }

    /// Both lists together.
    #[must_use]
    pub fn and(mut self, more: Revocations) -> Revocations {
        self.key_ids.extend(more.key_ids);
        self.fingerprints.extend(more.fingerprints);
        self
    }

    /// The file, fingerprints first: they are what someone who holds the key cannot dodge. aegis-bundle.md §10.1.
    pub fn write(&self) -> String {
        let list = |entries: &BTreeSet<String>| serde_json::json!(entries);
        let lists = serde_json::json!({
            "revoked_public_key_fingerprints": list(&self.fingerprints),
            "revoked_key_ids": list(&self.key_ids),
        });
        format!("{lists:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §1
    fn the_built_in_key_is_in_every_store() {
        assert_eq!(BUILT_IN.to_base64(), "ATziv2ugm/CzbnnYSLZGsq/eJfCxHI8mu/Ot19RGmD0=");
        assert!(TrustStore::read("").has(&BUILT_IN));
    }

    #[test] // aegis-bundle.md §10.1
    fn a_revocation_file_is_read_back_as_it_was_written() {
        let one = Revocations::new(["b", " a "], ["AB", ""]).and(Revocations::new(["<c>"], []));
        assert_eq!(Revocations::read(one.write().as_bytes()), Ok(one.clone()));
        assert_eq!(one.key_ids().collect::<Vec<_>>(), ["<c>", "a", "b"]);
        assert!(one.write().starts_with("{\n  \"revoked_public_key_fingerprints\": ["));
    }
}
