//! Signed documents that are not archives, and the verdict on them.
//!
//! | room | one line |
//! |---|---|
//! | [`document`] | what every kind of statement is: a JSON document of a release with a schema, and a signature beside it |
//! | [`verify`] | [`UnverifiedStatement`] to [`Signed`]: the one home of the verdict |
//! | [`cohort`] | the index of a release (of artifacts, which it knows) |
//!
//! A new kind is a file here that implements [`Document`], and a row of [`KINDS`].

pub mod cohort;
pub mod document;
pub mod verify;

pub use document::{Document, DocumentError, SIGNATURE_LIMIT, StatementKind};
pub use verify::{Signed, StatementError, UnverifiedStatement};

/// Every kind of statement there is: what a release may hold beside its archive and its suite.
pub const KINDS: &[&StatementKind] = &[&cohort::KIND];

/// The file names of all statements and of their signatures.
pub fn assets() -> impl Iterator<Item = &'static str> {
    KINDS.iter().flat_map(|kind| [kind.asset, kind.signature_asset])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::layout::{ARCHIVE, ARCHIVE_LIMIT, SUITE};

    #[test]
    fn every_kind_has_file_names_of_its_own() {
        let names: BTreeSet<&str> = assets().chain([ARCHIVE, SUITE]).collect();
        assert_eq!(names.len(), 2 * KINDS.len() + 2);
        for kind in KINDS {
            assert_eq!(kind.signature_asset, format!("{}.sig", kind.asset));
            assert!(kind.limit <= ARCHIVE_LIMIT, "{}: any asset of a release is read up to that", kind.asset);
        }
    }
}
