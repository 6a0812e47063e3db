//! Signed documents that are not archives, and the verdict on them.
//!
//! | room | one line |
//! |---|---|
//! | [`document`] | what every kind of statement is: a JSON document with a schema, and signatures in a file beside it |
//! | [`verify`] | [`UnverifiedStatement`] to [`Signed`]: the one home of the verdict |
//! | [`cohort`] | the index of a release (of artifacts, which it knows) |
//! | [`rotation`] | a publisher's key is followed by another one; both signed that. From key to key: [`rotation::Succession`] |
//! | [`revocation`] | a publisher's key counts no more; it or a successor signed that |
//!
//! A new kind is a file here that implements [`Document`], and a row of [`KINDS`] or [`OF_KEYS`].

pub mod cohort;
pub mod document;
pub mod revocation;
pub mod rotation;
pub mod verify;

pub use document::{Document, DocumentError, SIGNATURE_LIMIT, StatementKind};
pub use verify::{Signed, StatementError, UnverifiedStatement};

use crate::layout::SIGNATURE_SUFFIX;
use crate::trust::key::PublicKey;

/// Every kind of statement on a release: what it may hold beside its archive and its suite.
pub const KINDS: &[&StatementKind] = &[&cohort::KIND];

/// Every kind of statement about keys. They lie beside `keys/publisher.pub` in the repository, not on a release.
pub const OF_KEYS: &[&StatementKind] = &[&rotation::KIND, &revocation::KIND];

/// The file names of all statements on releases, and of their signatures.
pub fn assets() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|kind| [kind.asset, kind.signature_asset])
}

/// Whether a file of this name in `keys/` is a statement on keys, or its signatures.
pub fn is_of_keys(name: &str) -> bool {
    let id = |text: &str, start: &str| {
        let id = text.strip_prefix(start).map(str::as_bytes);
        id.is_some_and(|id| id.len() == 16 && id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let document = name.strip_suffix(SIGNATURE_SUFFIX).unwrap_or(name).strip_suffix(".json").unwrap_or_default();
    document == "rotation" || id(document, "rotation-") || id(document, "revoked-")
}

/// The first 16 hex digits of a key: enough to tell a publisher's own keys apart. Which key a file is about is in it.
fn file_id(key: &PublicKey) -> String {
    key.as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::layout::{ARCHIVE, ARCHIVE_LIMIT, SUITE};

    #[test]
    fn the_files_about_keys_are_known_by_their_names() {
        let key = PublicKey::from_bytes([0xab; 32]);
        for path in [crate::layout::ROTATION.to_owned(), rotation::path_to(&key), revocation::path_of(&key)] {
            let name = path.strip_prefix("keys/").expect("beside the key");
            assert!(is_of_keys(name) && is_of_keys(&format!("{name}.sig")), "{name}");
        }
        for name in [
            "publisher.pub",
            "README.md",
            "rotation",
            "rotation.sig",
            "rotation-.json",
            "revoked.json",
            "revoked-x.json",
            ".json",
            "",
        ] {
            assert!(!is_of_keys(name), "{name}");
        }
        assert_eq!(revocation::path_of(&key), "keys/revoked-abababababababab.json");
    }

    #[test]
    fn every_kind_has_file_names_of_its_own() {
        let names: BTreeSet<&str> = assets().chain([ARCHIVE, SUITE]).collect();
        assert_eq!(names.len(), 2 * KINDS.len() + 2);
        for kind in KINDS.iter().chain(OF_KEYS) {
            assert_eq!(kind.signature_asset, format!("{}.sig", kind.asset));
            assert!(kind.limit <= ARCHIVE_LIMIT, "{}: any asset of a release is read up to that", kind.asset);
        }
    }
}
