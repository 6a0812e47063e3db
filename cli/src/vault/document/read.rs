//! Bytes to entries. vault.md §2.7.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Document, Entry, Header, Stored, Unknown, Unreadable};
use crate::vault::blob::Blob;

/// Why a file is not read as a vault. It is then never written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not text.
    #[error("byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// Not JSON. The parser's words, with line and column.
    #[error("{0}")]
    NotJson(String),
    /// JSON, and not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A version that is not known here: what it means is not known either.
    #[error("unsupported version {0}; use a newer aileron")]
    Version(String),
    /// A member that is not what it has to be.
    #[error("{member} is not {expected}")]
    Member {
        /// Which, with where it stands.
        member: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Longer than any vault is read.
    #[error("longer than {} MiB", crate::vault::LIMIT >> 20)]
    TooLong,
    /// The salt is missing or too short: entries can be listed, and no key can be derived.
    #[error("{0}")]
    Salt(&'static str),
}

pub(super) fn document(bytes: &[u8]) -> Result<Document, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|error| Malformed::NotUtf8(error.valid_up_to()))?;
    let whole: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    let mut members = Members::of(whole)?.ok_or(Malformed::NotAnObject)?;
    version(members.take("version").as_deref())?;
    let salt = members.take("salt").map(|salt| base64(&salt, "salt")).transpose()?.flatten();
    let verification = members.take("verification").map(|blob| base64(&blob, "verification")).transpose()?.flatten();
    let verification = verification.filter(|blob| !blob.as_bytes().is_empty());
    let salt = salt.map(|salt| salt.as_bytes().to_vec()).unwrap_or_default();
    let mut entries = BTreeMap::new();
    let mut unknown = Unknown::new();
    match members.take("secrets") {
        Some(secrets) => {
            for (name, value) in object(&secrets, "secrets")?.0 {
                entries.insert(name.clone(), entry(&name, &value)?);
            }
            unknown = members.0;
        }
        // Entries at the top level, beside the header. vault.md §2.4, shape F.
        None => {
            for (name, value) in members.0 {
                match name.contains('/') && value.get().starts_with('{') {
                    true => drop(entries.insert(name.clone(), entry(&name, &value)?)),
                    false => unknown.push((name, value)),
                }
            }
        }
    }
    Ok(Document { header: Header { salt, verification }, entries, unknown })
}

/// 0, 1 or absent. What else there may be one day is not guessed at.
fn version(version: Option<&RawValue>) -> Result<(), Malformed> {
    match version.map(RawValue::get) {
        None | Some("null" | "0" | "1") => Ok(()),
        Some(other) => Err(Malformed::Version(other.chars().take(40).collect())),
    }
}

fn entry(name: &str, value: &RawValue) -> Result<Entry, Malformed> {
    let place = |member: &str| format!("{member} of {name}");
    let mut members = object(value, name)?;
    let (value, ciphertext) = (members.take("value"), members.take("ciphertext"));
    let metadata = members.take("metadata").map(|metadata| object(&metadata, &place("metadata")));
    let mut metadata = metadata.transpose()?.unwrap_or_default();
    let mut plain = |member: &str| match metadata.take(member) {
        Some(value) => text(&value, &place(member)),
        None => Ok(String::new()),
    };
    let (kind, environment) = (plain("Type")?, plain("Environment")?);
    let also = [plain("kind")?, plain("scope")?, plain("encrypted")?];
    let [kind_also, scope_also, _] = also;
    let mut labels = BTreeMap::new();
    if let Some(found) = metadata.take("Labels") {
        for (label, value) in object(&found, &place("Labels"))?.0 {
            labels.insert(label.clone(), text(&value, &place(&format!("label {label}")))?);
        }
    }
    let first = name.split('/').next().unwrap_or_default();
    let kind =
        [kind.as_str(), &kind_also, first].into_iter().find(|kind| !kind.is_empty()).unwrap_or_default().to_owned();
    if !scope_also.is_empty() && labels.get("scope").is_none_or(String::is_empty) {
        let scope = if kind == "oauth2" { with_spaces(&scope_also) } else { scope_also };
        labels.insert("scope".to_owned(), scope);
    }
    let stored = stored(value, ciphertext, name)?;
    Ok(Entry { kind, environment, labels, stored, unknown: members.0, unknown_metadata: metadata.0 })
}

/// The entry's blob: `value` if it is a string, else `ciphertext`; two that differ are none. Base64 has to be right in both.
fn stored(value: Option<Box<RawValue>>, ciphertext: Option<Box<RawValue>>, name: &str) -> Result<Stored, Malformed> {
    let read = |raw: &Option<Box<RawValue>>, member: &str| {
        let raw = raw.as_ref().filter(|raw| raw.get().starts_with('"'));
        raw.map(|raw| base64(raw, &format!("{member} of {name}"))).transpose().map(Option::flatten)
    };
    let why = match (read(&value, "value")?, read(&ciphertext, "ciphertext")?) {
        (Some(value), Some(ciphertext)) if value != ciphertext => Unreadable::Differing,
        (Some(blob), _) | (None, Some(blob)) => return Ok(Stored::Blob(blob)),
        (None, None) => Unreadable::Absent,
    };
    let named = |name: &str, raw: Option<Box<RawValue>>| raw.map(|raw| (name.to_owned(), raw));
    let members = [named("value", value), named("ciphertext", ciphertext)].into_iter().flatten().collect();
    Ok(Stored::Unreadable { why, members })
}

/// Scopes separated by commas or white space, as a label has them.
fn with_spaces(scopes: &str) -> String {
    let parts = scopes.split(|char: char| char == ',' || char.is_whitespace()).filter(|scope| !scope.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// A string; `null` is an empty one, as Go reads it.
fn text(value: &RawValue, member: &str) -> Result<String, Malformed> {
    serde_json::from_str::<Option<String>>(value.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| Malformed::Member { member: member.to_owned(), expected: "a string" })
}

/// A blob in base64, or `null`.
fn base64(value: &RawValue, member: &str) -> Result<Option<Blob>, Malformed> {
    let refused = || Malformed::Member { member: member.to_owned(), expected: "base64" };
    let text = serde_json::from_str::<Option<String>>(value.get()).map_err(|_| refused())?;
    text.map(|text| Blob::from_base64(&text).ok_or_else(refused)).transpose()
}

/// An object, or `null` for an empty one, as Go reads it.
fn object(value: &RawValue, member: &str) -> Result<Members, Malformed> {
    match (Members::of(value)?, value.get()) {
        (Some(members), _) => Ok(members),
        (None, "null") => Ok(Members::default()),
        (None, _) => Err(Malformed::Member { member: member.to_owned(), expected: "an object" }),
    }
}

fn not_json(error: serde_json::Error) -> Malformed {
    Malformed::NotJson(error.to_string())
}

/// The members of an object, in their order, each name once.
#[derive(Default)]
struct Members(Unknown);

impl Members {
    /// `None` where the value is no object.
    fn of(value: &RawValue) -> Result<Option<Members>, Malformed> {
        match value.get().starts_with('{') {
            true => serde_json::from_str(value.get()).map(Some).map_err(not_json),
            false => Ok(None),
        }
    }

    /// Takes a known member: of exactly this name, else of this name in another case. Spellings beside the one that counts
    /// go with it: the existing runtime takes the last of them, and would find something else than what is written.
    fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let exact = self.0.iter().position(|(found, _)| found == name);
        let at = exact.or_else(|| self.0.iter().position(|(found, _)| found.eq_ignore_ascii_case(name)))?;
        let (_, value) = self.0.remove(at);
        self.0.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        Some(value)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut members, mut names) = (Unknown::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    // Which of two is meant cannot be known, and one would be lost at the next write.
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("{name:?} stands here twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
