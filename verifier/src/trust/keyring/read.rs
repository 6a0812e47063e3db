//! A ring's text to grants. keyring.md §1.4.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::Keyring;
use crate::name::fqn::Authority;
use crate::problem::Class;
use crate::text::json::strict::{self, AnyValue, NotStrict};
use crate::text::printable_within;
use crate::text::quote::Quoted;
use crate::trust::key::{PublicKey, PublicKeyError};

/// Why a ring's text was refused. keyring.md §1.4, whose messages these are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Not JSON, or JSON of another shape.
    #[error("keyring {}: invalid JSON: {}", Quoted(.path), printable_within(.detail, 400))]
    Json {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        detail: String,
        /// The line, from 1.
        line: usize,
    },
    /// A schema version this program does not know; an absent one counts as 0.
    #[error("keyring {}: unsupported version {version} (expected 1 or 2)", Quoted(.path))]
    Version {
        /// The file.
        path: String,
        /// The version it claims.
        version: i64,
    },
    /// Owner grants in a v1 file.
    #[error("keyring {}: owner-level grants require version 2 (found {count} owners under version 1)", Quoted(.path))]
    OwnersUnderV1 {
        /// The file.
        path: String,
        /// How many owners it lists.
        count: usize,
    },
    /// An authority of no characters.
    #[error("keyring {}: empty authority key", Quoted(.path))]
    EmptyAuthority {
        /// The file.
        path: String,
    },
    /// An element of a key list that is no key.
    #[error("keyring {}: authority {} key[{index}]: {reason}", Quoted(.path), Quoted(.authority.as_str()))]
    Key {
        /// The file.
        path: String,
        /// Whose list.
        authority: Authority,
        /// Position in that list, from 0.
        index: usize,
        /// What is wrong with the element.
        reason: PublicKeyError,
    },
}

impl KeyringError {
    /// The line that is no JSON, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            KeyringError::Json { line, .. } => Some(*line),
            KeyringError::Version { .. }
            | KeyringError::OwnersUnderV1 { .. }
            | KeyringError::EmptyAuthority { .. }
            | KeyringError::Key { .. } => None,
        }
    }

    /// Always `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            KeyringError::Json { .. }
            | KeyringError::Version { .. }
            | KeyringError::OwnersUnderV1 { .. }
            | KeyringError::EmptyAuthority { .. }
            | KeyringError::Key { .. } => Class::ValidationError,
        }
    }
}

impl Keyring {
    /// Reads `keyring.json`, version 1 or 2. `path` only names the file in messages. keyring.md §1.4.
    ///
    /// # Errors
    /// [`KeyringError`]: the first thing that is wrong, `publishers` before `owners`, authorities in byte order.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Keyring, KeyringError> {
        let path = || path.to_owned();
        let json = |NotStrict { detail, line }| KeyringError::Json { path: path(), detail, line };
        let file: File = strict::read(bytes).map_err(json)?;
        if ![1, 2].contains(&file.version) {
            return Err(KeyringError::Version { path: path(), version: file.version });
        }
        if file.version == 1 && !file.owners.is_empty() {
            return Err(KeyringError::OwnersUnderV1 { path: path(), count: file.owners.len() });
        }
        let mut ring = Keyring::new();
        for (authority, keys) in file.publishers.into_iter().chain(file.owners) {
            if authority.is_empty() {
                return Err(KeyringError::EmptyAuthority { path: path() });
            }
            let authority = Authority::new(authority);
            for (index, key) in keys.iter().enumerate() {
                let key = PublicKey::from_base64(key).map_err(|reason| KeyringError::Key {
                    path: path(),
                    authority: authority.clone(),
                    index,
                    reason,
                })?;
                ring.grants.entry(authority.clone()).or_default().push(key);
            }
        }
        Ok(ring)
    }
}

type Grants = BTreeMap<String, Vec<String>>;

/// The file as JSON. Reading it by hand, since repeated members have a meaning here: maps merge, of a version the last wins.
#[derive(Default)]
struct File {
    version: i64,
    owners: Grants,
    publishers: Grants,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<File, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = File;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a keyring object")
            }
            fn visit_unit<E>(self) -> Result<File, E> {
                Ok(File::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<File, A::Error> {
                let mut file = File::default();
                while let Some(name) = members.next_key::<String>()? {
                    match name.as_str() {
                        "version" => file.version = members.next_value::<Option<i64>>()?.unwrap_or(0),
                        "owners" => merge(&mut file.owners, members.next_value()?),
                        "publishers" => merge(&mut file.publishers, members.next_value()?),
                        _ => members.next_value::<AnyValue>().map(|_| ())?,
                    }
                }
                Ok(file)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A repeated map adds its members and replaces those of the same name; a later `null` clears, as in Go.
fn merge(grants: &mut Grants, more: Option<BTreeMap<String, Option<Vec<Option<String>>>>>) {
    match more {
        None => grants.clear(),
        // A null list has no keys; a null element reads as empty text, which is no key.
        Some(more) => grants.extend(more.into_iter().map(|(authority, keys)| {
            (authority, keys.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect())
        })),
    }
}
