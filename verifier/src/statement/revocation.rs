//! A publisher's key counts no more: `keys/revoked-<id>.json` beside `keys/publisher.pub`, signed by that key or by one that
//! follows it.
//!
//! Whoever holds the key can write one, a thief too: it takes trust away and never gives any. Whether a signer other than
//! the key follows it is [`super::rotation::Succession`]'s to say. Its bytes are a function of its fields.

use serde::{Deserialize, Serialize};

use super::document::{Document, StatementKind};
use super::file_id;
use crate::name::fqn::{Authority, Fqn};
use crate::trust::key::PublicKey;

/// The statement in a repository. Its name depends on the key: [`path_of`].
pub const KIND: StatementKind = StatementKind {
    asset: "keys/revoked-KEY.json",
    signature_asset: "keys/revoked-KEY.json.sig",
    schema: SCHEMA,
    limit: 64 << 10,
};
/// The newest schema this crate writes and reads.
pub const SCHEMA: u32 = 1;

/// Where the statement on a key lies: `keys/revoked-<id>.json`.
pub fn path_of(key: &PublicKey) -> String {
    format!("keys/revoked-{}.json", file_id(key))
}

/// `keys/revoked-<id>.json`, fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The repository whose key it was.
    pub authority: Fqn,
    /// Who says so, and signed it: the key itself or a successor.
    pub by: PublicKey,
    /// The key that counts no more.
    pub key: PublicKey,
    /// Format version.
    pub schema: u32,
}

impl Document for Revocation {
    const KIND: &'static StatementKind = &KIND;
    const EXACT: bool = true;

    /// The repository.
    type Subject = Fqn;

    fn authority(subject: &Fqn) -> Authority {
        subject.repo_authority()
    }

    fn subject(&self) -> Fqn {
        self.authority.clone()
    }

    fn signers(&self) -> Vec<PublicKey> {
        vec![self.by]
    }

    fn contradiction(&self) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("schema {}", self.schema));
        }
        self.authority.subpath().is_some().then(|| format!("{} is not a repository", self.authority))
    }
}
