//! What every kind of statement is: JSON with a schema number, rendered to the same bytes every time.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

use crate::name::fqn::Authority;
use crate::problem::Class;
use crate::text::printable_within;
use crate::trust::key::PublicKey;

/// Most bytes of a signature that are looked at: a longer one is none, and is refused as one.
pub const SIGNATURE_LIMIT: u64 = 1024;

/// A kind of statement: a row of [`super::KINDS`].
#[derive(Debug, PartialEq, Eq)]
pub struct StatementKind {
    /// File name on a release, or path in a repository.
    pub asset: &'static str,
    /// The same of its signatures: 64 raw bytes each.
    pub signature_asset: &'static str,
    /// The newest schema this crate writes and reads.
    pub schema: u32,
    /// Most bytes of the document.
    pub limit: u64,
}

/// A document that is signed over its own bytes.
pub trait Document: Serialize + DeserializeOwned {
    /// The row of its kind.
    const KIND: &'static StatementKind;

    /// Signatures that stand in its signature file, one after the other; the first is a trusted key's.
    const SIGNATURES: usize = 1;

    /// Whether only the bytes that [`Document::render`] gives are such a document.
    const EXACT: bool = false;

    /// What it speaks of, and is asked for under.
    type Subject: Clone + PartialEq + fmt::Display;

    /// Whose key must have signed a statement on this subject.
    fn authority(subject: &Self::Subject) -> Authority;

    /// What this one speaks of.
    fn subject(&self) -> Self::Subject;

    /// The keys that must have signed it, in the order of their signatures. None: any one that is trusted for the subject.
    fn signers(&self) -> Vec<PublicKey> {
        Vec::new()
    }

    /// The first thing in it that cannot be true of its subject, in words.
    fn contradiction(&self) -> Option<String>;

    /// The exact bytes that are signed and published: two-space indent, LF, final newline.
    fn render(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a document whose signature was not checked: good for showing and comparing, not for trusting. Unknown keys
    /// are ignored, but for a kind that is exact; a higher schema is refused.
    ///
    /// # Errors
    /// [`DocumentError`], but for a contradiction.
    fn read_unverified(bytes: &[u8]) -> Result<Self, DocumentError> {
        #[derive(serde::Deserialize)]
        struct Head {
            schema: u32,
        }
        fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8], kind: &StatementKind) -> Result<T, DocumentError> {
            serde_json::from_slice(bytes).map_err(|cause| DocumentError::Shape { asset: kind.asset, cause })
        }
        let kind = Self::KIND;
        match read::<Head>(bytes, kind)?.schema {
            found if found > kind.schema => {
                Err(DocumentError::Schema { asset: kind.asset, found, newest: kind.schema })
            }
            _ => {
                let document: Self = read(bytes, kind)?;
                match Self::EXACT && document.render() != bytes {
                    true => Err(DocumentError::Inexact { asset: kind.asset }),
                    false => Ok(document),
                }
            }
        }
    }
}

/// Why a text is not a document of its kind. Class `validation_error`.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON of this shape.
    #[error("{asset}: {}", printable_within(&.cause.to_string(), 400))]
    Shape {
        /// The document.
        asset: &'static str,
        /// What is wrong, with line and column.
        cause: serde_json::Error,
    },
    /// It says what cannot be true of its subject.
    #[error("{asset} contradicts itself: {}", printable_within(.words, 400))]
    Contradiction {
        /// The document.
        asset: &'static str,
        /// What cannot be.
        words: String,
    },
    /// It reads, and is not written as this kind is.
    #[error("{asset} is not written as it is signed: two-space indent, sorted keys, LF")]
    Inexact {
        /// The document.
        asset: &'static str,
    },
    /// Written by a newer tool.
    #[error("{asset} has schema {found}; this tool reads up to {newest}")]
    Schema {
        /// The document.
        asset: &'static str,
        /// Its schema.
        found: u32,
        /// The newest that is known.
        newest: u32,
    },
}

impl DocumentError {
    /// Always `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            DocumentError::Shape { .. }
            | DocumentError::Contradiction { .. }
            | DocumentError::Inexact { .. }
            | DocumentError::Schema { .. } => Class::ValidationError,
        }
    }
}
