//! Bytes to entries. vault.md §2.7.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::labels::{ENCRYPTED, Labels, shared};
use super::malformed::Malformed;
use super::members::{self, Member, Members};
use super::{Document, Entry, Header, Slot, Stored, Unreadable};
use crate::vault::blob::Blob;

/// Kinds that most entries are of.
pub(super) const KINDS: [&str; 5] = ["api_key", "aws_sigv4", "oauth2", "secret", "user"];

/// A document of any of the forms.
pub(super) fn document(text: &str) -> Result<Document, Malformed> {
    let mut members = members::of(text, nested)?;
    version(members.take("version"))?;
    let mut blob = |member: &str| match members.take(member) {
        Some(value) => Ok(base64(value, || member.to_owned())?.filter(|blob| !blob.as_bytes().is_empty())),
        None => Ok(None),
    };
    let salt = blob("salt")?.map(|salt| salt.as_bytes().to_vec()).unwrap_or_default();
    let verification = blob("verification")?;
    let mut entries = match members.take_object("secrets") {
        Some(Member::Entries(entries)) => entries?,
        Some(Member::Null) => Vec::new(),
        Some(_) => return Err(Malformed::Member { member: "secrets".to_owned(), expected: "an object" }),
        // Entries at the top level, beside the header. vault.md §2.4, shape F.
        None => {
            let named = members.take_named_objects(|name| name.contains('/')).into_iter();
            let read = |(name, value): (Cow<'_, str>, &RawValue)| {
                let entry = entry(&name, members::entry_of(value.get(), nested)?)?;
                Ok((name.into_owned(), entry))
            };
            named.map(read).collect::<Result<Vec<_>, _>>()?
        }
    };
    if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    }
    let entries = entries.into_iter().map(|(name, entry)| Slot::new(name, entry)).collect();
    Ok(Document { header: Header { salt, verification }, entries, unknown: members.kept(), text: String::new() })
}

/// 0, 1 or absent. What else there may be one day is not guessed at.
fn version(version: Option<&RawValue>) -> Result<(), Malformed> {
    match version.map(RawValue::get) {
        None | Some("null" | "0" | "1") => Ok(()),
        Some(other) => Err(Malformed::Version(other.chars().take(40).collect())),
    }
}

/// A member of `secrets`.
fn nested(name: &str, member: Member<'_>) -> Result<Entry, Malformed> {
    let members = object(member, || name.to_owned())?;
    members.must_be_unique()?;
    entry(name, members)
}

fn entry(name: &str, mut members: Members<'_>) -> Result<Entry, Malformed> {
    let place = |member: &str| format!("{member} of {name}");
    let (value, ciphertext) = (members.take("value"), members.take("ciphertext"));
    let metadata = members.take_object("metadata").map(|metadata| object(metadata, || place("metadata")));
    let mut metadata = metadata.transpose()?.unwrap_or_default();
    let mut plain = |member: &str| match metadata.take(member) {
        Some(value) => text(value, || place(member)),
        None => Ok(Cow::Borrowed("")),
    };
    let (kind, environment) = (plain("Type")?, plain("Environment")?);
    let (kind_also, scope_also) = (plain("kind")?, plain("scope")?);
    metadata.take("encrypted");
    let mut labels = Labels::default();
    if let Some(found) = metadata.take_object("Labels") {
        let found = object(found, || place("Labels"))?.0;
        labels = Labels::of(found.len(), found.into_iter().map(|found| label(name, found)))?;
        // Said of every entry.
        labels.remove(ENCRYPTED);
    }
    let first = name.split('/').next().unwrap_or_default();
    let kind = [kind, kind_also, Cow::Borrowed(first)].into_iter().find(|kind| !kind.is_empty());
    let kind = shared(kind.unwrap_or_default(), &KINDS);
    if !scope_also.is_empty() && labels.get("scope").is_none_or(str::is_empty) {
        let scope = if kind == "oauth2" { with_spaces(&scope_also) } else { scope_also.into_owned() };
        labels.insert("scope", scope);
    }
    let stored = stored(value, ciphertext, name)?;
    let environment = environment.into_owned();
    Ok(Entry { kind, environment, labels, stored, unknown: members.kept(), unknown_metadata: metadata.kept() })
}

fn label<'a>(entry: &str, (label, value): (Cow<'a, str>, Member<'a>)) -> Result<(Cow<'a, str>, String), Malformed> {
    let member = || format!("label {label} of {entry}");
    let value = value.raw().ok_or_else(|| Malformed::Member { member: member(), expected: "a string" })?;
    let text = text(value, member)?.into_owned();
    Ok((label, text))
}

/// The entry's blob: `value` if it is a string, else `ciphertext`; two that differ are none. Base64 has to be right in both.
fn stored(value: Option<&RawValue>, ciphertext: Option<&RawValue>, name: &str) -> Result<Stored, Malformed> {
    let read = |raw: Option<&RawValue>, member: &str| {
        let raw = raw.filter(|raw| raw.get().starts_with('"'));
        raw.map(|raw| base64(raw, || format!("{member} of {name}"))).transpose().map(Option::flatten)
    };
    if let (Some(value), Some(ciphertext)) = (value, ciphertext)
        && value.get() == ciphertext.get()
        && let Some(blob) = read(Some(value), "value")?
    {
        return Ok(Stored::Blob(blob));
    }
    let why = match (read(value, "value")?, read(ciphertext, "ciphertext")?) {
        (Some(value), Some(ciphertext)) if value != ciphertext => Unreadable::Differing,
        (Some(blob), _) | (None, Some(blob)) => return Ok(Stored::Blob(blob)),
        (None, None) => Unreadable::Absent,
    };
    let named = |name: &str, raw: Option<&RawValue>| raw.map(|raw| (name.to_owned(), raw.to_owned()));
    let members = [named("value", value), named("ciphertext", ciphertext)].into_iter().flatten().collect();
    Ok(Stored::Unreadable { why, members })
}

/// Scopes separated by commas or white space, as a label has them.
fn with_spaces(scopes: &str) -> String {
    let parts = scopes.split(|char: char| char == ',' || char.is_whitespace()).filter(|scope| !scope.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// A string; `null` is an empty one, as Go reads it.
fn text(value: &RawValue, member: impl FnOnce() -> String) -> Result<Cow<'_, str>, Malformed> {
    if let Some(plain) = plain(value) {
        return Ok(Cow::Borrowed(plain));
    }
    serde_json::from_str::<Option<String>>(value.get())
        .map(|text| Cow::Owned(text.unwrap_or_default()))
        .map_err(|_| Malformed::Member { member: member(), expected: "a string" })
}

/// A string without escapes stands there as it is meant: the parser has looked at it already.
fn plain(value: &RawValue) -> Option<&str> {
    let quoted = value.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    quoted.filter(|plain| !plain.contains('\\'))
}

/// A blob in base64, or `null`.
fn base64(value: &RawValue, member: impl FnOnce() -> String) -> Result<Option<Blob>, Malformed> {
    if value.get() == "null" {
        return Ok(None);
    }
    let expected_base64 = || Malformed::Member { member: member(), expected: "base64" };
    let blob = match plain(value) {
        Some(plain) => Blob::from_base64(plain),
        None => serde_json::from_str::<String>(value.get()).ok().and_then(|text| Blob::from_base64(&text)),
    };
    blob.map(Some).ok_or_else(expected_base64)
}

/// An object, or `null` for an empty one, as Go reads it.
fn object<'a>(member: Member<'a>, name: impl FnOnce() -> String) -> Result<Members<'a>, Malformed> {
    match member {
        Member::Object(members) => Ok(members),
        Member::Null => Ok(Members::default()),
        Member::Raw(_) | Member::Entries(_) | Member::Other => {
            Err(Malformed::Member { member: name(), expected: "an object" })
        }
    }
}
