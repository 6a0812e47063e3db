//! The ring: who may sign for which authority. v1 and v2 text to grants, grants to v2 text, and the question a ring exists
//! for: does a key trusted for this authority accept this signature?
//!
//! In memory a ring is one map from authority to keys. Which of the file's two maps an entry came from is forgotten, order
//! within an authority is kept, nothing is deduplicated (keyring.md §1.3). Not here: the file itself, fetching keys, asking.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::name::digest::ArchiveDigest;
use crate::name::fqn::Authority;
use crate::problem::Class;
use crate::text::printable_within;
use crate::text::quote::Quoted;
use crate::trust::key::{Fingerprint, PublicKey, PublicKeyError};
use crate::trust::signature::{Signature, WrongLength, accepts};

/// Grants: which keys may sign for which authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    /// No authority is empty text, and no list is empty.
    grants: BTreeMap<Authority, Vec<PublicKey>>,
    /// Trusted whoever is asked about. Never part of a file.
    everywhere: Vec<PublicKey>,
}

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

/// The encoding whose byte-order mark a text begins with. Editors add one unasked, and no JSON begins so.
fn byte_order_mark(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 5] = [
        (&[0xef, 0xbb, 0xbf], "UTF-8"),
        // The four-byte marks first: one of them begins like a two-byte mark.
        (&[0xff, 0xfe, 0, 0], "UTF-32"),
        (&[0, 0, 0xfe, 0xff], "UTF-32"),
        (&[0xff, 0xfe], "UTF-16"),
        (&[0xfe, 0xff], "UTF-16"),
    ];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, encoding)| *encoding)
}

/// Why a ring does not stand behind a signature. All are class `signature_failure`. keyring.md §2.5.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    /// Nobody was ever trusted for it.
    #[error("no signing key registered for authority {}", Quoted(.authority.as_str()))]
    NoKey {
        /// Who was asked about.
        authority: Authority,
    },
    /// There are keys, and none accepts. `tried` is evidence for the reader, not part of the verdict.
    #[error("signature does not verify against any key registered for authority {}", Quoted(.authority.as_str()))]
    NoMatch {
        /// Who was asked about.
        authority: Authority,
        /// The keys that were tried, each once, in order.
        tried: Vec<Fingerprint>,
    },
    /// There are keys, and the signature is none at all.
    #[error(transparent)]
    WrongLength(#[from] WrongLength),
}

impl SignatureRefused {
    /// Always `signature_failure`.
    pub fn class(&self) -> Class {
        match self {
            SignatureRefused::NoKey { .. } | SignatureRefused::NoMatch { .. } | SignatureRefused::WrongLength(_) => {
                Class::SignatureFailure
            }
        }
    }
}

impl Keyring {
    /// A ring without grants: what a missing file means.
    pub fn new() -> Keyring {
        Keyring::default()
    }

    /// A ring that trusts these keys for every authority, and nobody else. What `verify --key` uses.
    pub fn of_keys(keys: impl IntoIterator<Item = PublicKey>) -> Keyring {
        Keyring { grants: BTreeMap::new(), everywhere: keys.into_iter().collect() }
    }

    /// Reads `keyring.json`, version 1 or 2. `path` only names the file in messages. keyring.md §1.4.
    ///
    /// # Errors
    /// [`KeyringError`]: the first thing that is wrong, `publishers` before `owners`, authorities in byte order.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Keyring, KeyringError> {
        let path = || path.to_owned();
        let json = |detail: String, line| KeyringError::Json { path: path(), detail, line };
        if let Some(mark) = byte_order_mark(bytes) {
            return Err(json(format!("it begins with a {mark} byte-order mark; save it as UTF-8 without one"), 1));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            json(format!("invalid UTF-8 at line {line}"), line)
        })?;
        let file: File = serde_json::from_str(text).map_err(|error| json(error.to_string(), error.line()))?;
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

    /// The text of a saved ring: always version 2, always the same bytes for the same grants. keyring.md §1.6.
    pub fn render(&self) -> String {
        let (owners, publishers): (Vec<_>, Vec<_>) =
            self.grants.iter().partition(|(authority, _)| authority.is_owner_shaped());
        let mut text = "{\n  \"version\": 2,\n".to_owned();
        if !owners.is_empty() {
            text += &format!("  \"owners\": {},\n", Members(&owners));
        }
        text + &format!("  \"publishers\": {}\n}}\n", Members(&publishers))
    }

    /// Adds a key at the end of an authority's list. `false` when it was there already, or the authority is empty text.
    ///
    /// Takes any key: whoever grants trust on someone's word asks [`PublicKey::refusing_small_order`] first.
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

    /// Whether nobody is trusted for anything.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.everywhere.is_empty()
    }

    /// The small-order keys of this ring: they load, verify nothing, and deserve a warning. artifacts.md §6.
    pub fn weak(&self) -> Vec<(Authority, PublicKey)> {
        let all = self.grants.iter().flat_map(|(authority, keys)| keys.iter().map(move |key| (authority, key)));
        all.filter(|(_, key)| key.is_small_order()).map(|(authority, key)| (authority.clone(), *key)).collect()
    }

    /// Asks whether some key trusted for `authority` signed the concatenation of `payload`, and names that key.
    ///
    /// # Errors
    /// [`SignatureRefused`].
    pub fn verify(
        &self,
        authority: &Authority,
        payload: &[&[u8]],
        signature: &[u8],
    ) -> Result<Fingerprint, SignatureRefused> {
        let keys = self.keys(authority);
        if keys.is_empty() {
            return Err(SignatureRefused::NoKey { authority: authority.clone() });
        }
        let signature = Signature::from_slice(signature)?;
        match keys.iter().find(|key| accepts(key, payload, &signature)) {
            Some(key) => Ok(key.fingerprint()),
            None => {
                let mut seen = HashSet::new();
                let fingerprints = keys.iter().map(PublicKey::fingerprint);
                let tried = fingerprints.filter(|fingerprint| seen.insert(*fingerprint)).collect();
                Err(SignatureRefused::NoMatch { authority: authority.clone(), tried })
            }
        }
    }
}

/// One of the two maps, written as a save writes it.
struct Members<'a>(&'a [(&'a Authority, &'a Vec<PublicKey>)]);

impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("{}");
        }
        f.write_str("{\n")?;
        for (at, (authority, keys)) in self.0.iter().enumerate() {
            writeln!(f, "    {}: [", JsonText(authority.as_str()))?;
            for (at, key) in keys.iter().enumerate() {
                writeln!(f, "      \"{}\"{}", key.to_base64(), if at + 1 < keys.len() { "," } else { "" })?;
            }
            writeln!(f, "    ]{}", if at + 1 < self.0.len() { "," } else { "" })?;
        }
        f.write_str("  }")
    }
}

/// A JSON string as Go's encoder writes it: like serde_json's, but safe inside HTML and JavaScript too.
struct JsonText<'a>(&'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{c}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(char))?,
                char if char < ' ' => write!(f, "\\u{:04x}", u32::from(char))?,
                char => fmt::Write::write_char(f, char)?,
            }
        }
        f.write_str("\"")
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
                        _ => members.next_value::<Unknown>().map(|_| ())?,
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

/// Any value, read to its end: unlike `serde::de::IgnoredAny` it decodes the strings, so that an unpaired surrogate anywhere
/// makes the file invalid.
struct Unknown;

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unknown, D::Error> {
        deserializer.deserialize_any(Unknown)
    }
}

impl<'de> Visitor<'de> for Unknown {
    type Value = Unknown;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Unknown, E> {
        Ok(Unknown)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Unknown, A::Error> {
        while elements.next_element::<Unknown>()?.is_some() {}
        Ok(Unknown)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unknown, A::Error> {
        while members.next_entry::<String, Unknown>()?.is_some() {}
        Ok(Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    const KR: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const K0: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const K1: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_base64(text).expect(text)
    }

    fn ring(grants: &[(&str, &str)]) -> Keyring {
        let mut ring = Keyring::new();
        for (authority, text) in grants {
            assert!(ring.grant(Authority::new(*authority), key(text)));
        }
        ring
    }

    fn parse(text: &str) -> Result<Keyring, String> {
        Keyring::parse(text.as_bytes(), "k.json").map_err(|error| {
            assert_eq!(error.class(), Class::ValidationError);
            error.to_string()
        })
    }

    #[test] // keyring.md §1.6 and §1.2
    fn a_saved_ring_has_exactly_these_bytes() {
        let digest = |ring: &Keyring| -> String {
            Sha256::digest(ring.render()).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let both = ring(&[("github://acme", KR), ("github://zeta/widget", K0), ("github://zeta/widget", K1)]);
        for (ring, length, sha256) in [
            (Keyring::new(), 39, "dd931bac6f21bb0850019cc0160ed216386b4a9320061fb863d48bdb49153e21"),
            (
                ring(&[("github://acme/connector", KR)]),
                134,
                "78791834f21c3113e32fd3b32855fc06fffb5ec38c6cff3b06d854f45fb28632",
            ),
            (both, 286, "c241c1ce90145d4d1678314932e3b4fe10ab1cf622fa0878cbc65a33137c9123"),
        ] {
            assert_eq!(ring.render().len(), length);
            assert_eq!(digest(&ring), sha256);
        }
    }

    #[test] // keyring.md §1.4
    fn what_a_ring_refuses_and_how_it_says_so() {
        for (text, message) in [
            ("{not json", "keyring \"k.json\": invalid JSON: key must be a string at line 1 column 2"),
            (
                "{\n\"version\": \"1\"}",
                "keyring \"k.json\": invalid JSON: invalid type: string \"1\", expected i64 at line 2 column 14",
            ),
            (
                "{\"version\":9223372036854775808}",
                "keyring \"k.json\": invalid JSON: invalid value: integer `9223372036854775808`, expected i64 at line 1 column 30",
            ),
            ("{}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
            ("null", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
            ("{\"version\":-1}", "keyring \"k.json\": unsupported version -1 (expected 1 or 2)"),
            ("{\"version\":1,\"version\":null}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
            ("{\"VERSION\":1}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
            (
                "{\"version\":1,\"owners\":{\"a\":[],\"b\":null}}",
                "keyring \"k.json\": owner-level grants require version 2 (found 2 owners under version 1)",
            ),
            ("{\"version\":2,\"owners\":{\"\":[\"x\"]}}", "keyring \"k.json\": empty authority key"),
            (
                "{\"version\":2,\"owners\":{\"b\":[\"\"]},\"publishers\":{\"z\\\"\":[\"!\"]}}",
                "keyring \"k.json\": authority \"z\\\"\" key[0]: not valid base64",
            ),
            (
                "{\"version\":2,\"publishers\":{\"b\":[\"!\"],\"a\":[null]}}",
                "keyring \"k.json\": authority \"a\" key[0]: decoded length 0, want 32",
            ),
        ] {
            assert_eq!(parse(text), Err(message.into()), "{text}");
        }
        for text in [
            "{\"x\":\"\\ud800\",\"version\":1}",
            "{\"x\":{\"\\ud800\":1},\"version\":1}",
            "[]",
            "1",
            "{\"version\":1}x",
        ] {
            assert!(parse(text).is_err_and(|message| message.contains("invalid JSON")), "{text}");
        }
        let latin = Keyring::parse(b"{\n\"\xff\":1}", "k.json").expect_err("not UTF-8");
        assert_eq!(latin.to_string(), "keyring \"k.json\": invalid JSON: invalid UTF-8 at line 2");
    }

    #[test] // keyring.md §1.4, its table
    fn repeated_members_merge_and_unknown_ones_are_ignored() {
        let text = format!(
            r#"{{"version":9,"a/b":{{"c":[1,-1,1.5,true,null,"x"]}},"publishers":{{"a":["{K0}"],"b":["{K0}"]}},
                "publishers":{{"b":["{K1}"],"c":["{K1}","{K1}"]}},"version":1,"d":null}}"#
        );
        let read = parse(&text).expect("reads");
        assert_eq!(read.exact(&Authority::new("a")), [key(K0)]);
        assert_eq!(read.exact(&Authority::new("b")), [key(K1)]);
        assert_eq!(read.exact(&Authority::new("c")), [key(K1), key(K1)]);
        let cleared = parse(&format!(r#"{{"version":1,"publishers":{{"a":["{K0}"]}},"publishers":null}}"#));
        assert_eq!(cleared, Ok(Keyring::new()));
    }

    #[test] // keyring.md §13, V1 to V10, V14
    fn trust_is_the_union_of_both_scopes_and_nothing_wider() {
        let names = |ring: &Keyring, authority: &str| ring.keys(&Authority::new(authority)).len();
        let both = ring(&[("github://acme", K0), ("github://acme/x", K1), ("not-a-name", KR), ("local://me", KR)]);
        for (authority, count) in [
            ("github://acme/x", 2),
            ("github://acme/y", 1),
            ("github://acme/x/actions/post", 1),
            ("github://acme", 1),
            ("github://acme/", 0),
            ("github://Acme/x", 0),
            ("GitHub://acme/x", 0),
            ("gitlab://acme/x", 0),
            ("github://acme/x@1.0.0", 0),
            ("local://me/tool", 1),
            ("not-a-name", 1),
            ("", 0),
        ] {
            assert_eq!(names(&both, authority), count, "{authority}");
        }
        let everyone = Keyring::of_keys([key(KR)]);
        assert_eq!((names(&everyone, "github://who/ever"), names(&everyone, "")), (1, 0));
        assert!(!everyone.is_empty());
        assert_eq!(everyone.render(), Keyring::new().render());
    }

    #[test] // keyring.md §13, V13 and the texts of §2.5
    fn a_refusal_names_the_authority_and_the_keys_that_were_tried() {
        use base64::Engine as _;
        let signature = base64::engine::general_purpose::STANDARD
            .decode("yDoGp4VgrR4oc7Ak5LOA+gXR0qiloeREJ48Y6LwhV3JcyNqFhzYbSIItpBO2SgBdX3gS4QAIHS6aYIP74GluAA==")
            .expect("base64");
        let slack = Authority::new("github://acme/slack");
        let ask = |ring: &Keyring, signature: &[u8]| ring.verify(&slack, &[b"BIN", b"MAN"], signature);
        assert_eq!(ask(&ring(&[("github://acme", KR)]), &signature), Ok(key(KR).fingerprint()));
        let none = ask(&Keyring::new(), &signature).expect_err("no key");
        assert_eq!(none.to_string(), "no signing key registered for authority \"github://acme/slack\"");
        let wrong = ask(&ring(&[("github://acme", K1), ("github://acme/slack", K1)]), &signature).expect_err("wrong");
        assert_eq!(wrong, SignatureRefused::NoMatch { authority: slack.clone(), tried: vec![key(K1).fingerprint()] });
        assert_eq!(
            wrong.to_string(),
            "signature does not verify against any key registered for authority \"github://acme/slack\""
        );
        let short = ask(&ring(&[("github://acme", KR)]), &signature[..63]).expect_err("short");
        assert_eq!(short.to_string(), "signature is 63 bytes long, want 64");
        assert!([none, wrong, short].iter().all(|refused| refused.class() == Class::SignatureFailure));
    }

    #[test] // keyring.md §13, C20 and S7 to S9
    fn grants_come_and_go() {
        let mut ring = ring(&[("b/two", KR), ("a/one", KR), ("a/one", K0)]);
        assert!(!ring.grant(Authority::new("a/one"), key(K0)));
        assert!(!ring.grant(Authority::new(""), key(K0)));
        assert_eq!(ring.authorities().map(Authority::as_str).collect::<Vec<_>>(), ["a/one", "b/two"]);
        assert_eq!(ring.weak(), [(Authority::new("a/one"), key(K0))]);
        assert_eq!(ring.revoke_key(&key(KR).fingerprint()), 2);
        assert_eq!(ring.revoke_key(&key(KR).fingerprint()), 0);
        assert_eq!(ring.authorities().map(Authority::as_str).collect::<Vec<_>>(), ["a/one"]);
        assert!(ring.revoke(&Authority::new("a/one")));
        assert!(!ring.revoke(&Authority::new("a/one")));
        assert!(ring.is_empty());
    }

    fn authorities() -> impl Strategy<Value = String> {
        prop_oneof![
            "(github|gitlab|hub|acme)://[a-z]{1,4}(/[A-Za-z._-]{1,4}){0,2}",
            "[ -~\u{0}-\u{1f}\u{2028}\u{2029}é<>&\"\\\\]{1,12}",
            any::<String>().prop_filter("not empty", |text| !text.is_empty()),
        ]
    }

    proptest! {
        #[test]
        fn a_rendered_ring_reads_back_as_itself(
            grants in proptest::collection::vec((authorities(), any::<[u8; 32]>()), 0..12),
        ) {
            let mut ring = Keyring::new();
            for (authority, bytes) in grants {
                ring.grant(Authority::new(authority), PublicKey::from_bytes(bytes));
            }
            let text = ring.render();
            let read = Keyring::parse(text.as_bytes(), "k").expect("our own text");
            prop_assert_eq!(&read, &ring);
            prop_assert_eq!(read.render(), text);
        }

        #[test]
        fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Keyring::parse(&bytes, "k");
            let _ = PublicKey::from_text(&bytes);
        }
    }

    #[test] // keyring.md §1.4
    fn a_ring_that_begins_with_a_byte_order_mark_is_refused_by_that_name() {
        let text = "{\"version\": 2, \"publishers\": {}}";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let utf32 = |bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|one| bytes(one.into())).collect::<Vec<u8>>();
        let rows: [(&[u8], Vec<u8>, &str); 10] = [
            (b"\xef\xbb\xbf", text.into(), "UTF-8"),
            (b"\xef\xbb\xbf", Vec::new(), "UTF-8"),
            (b"\xef\xbb\xbf", b"not json".to_vec(), "UTF-8"),
            (b"\xef\xbb\xbf\xef\xbb\xbf", text.into(), "UTF-8"),
            (b"\xff\xfe", utf16(u16::to_le_bytes), "UTF-16"),
            (b"\xfe\xff", utf16(u16::to_be_bytes), "UTF-16"),
            (b"\xff\xfe", Vec::new(), "UTF-16"),
            (b"\xfe\xff", text.into(), "UTF-16"),
            (b"\xff\xfe\0\0", utf32(u32::to_le_bytes), "UTF-32"),
            (b"\0\0\xfe\xff", utf32(u32::to_be_bytes), "UTF-32"),
        ];
        for (mark, rest, encoding) in rows {
            let refused = Keyring::parse(&[mark, &rest].concat(), "k.json").expect_err("a mark");
            let expected = format!(
                "keyring \"k.json\": invalid JSON: it begins with a {encoding} byte-order mark; save it as UTF-8 without one"
            );
            assert_eq!((refused.to_string(), refused.line()), (expected, Some(1)), "{mark:?}");
        }
        for text in [text, "\n {\"version\": 2}", "{\"version\": 2, \"publishers\": {\"a://\u{feff}\": []}}"] {
            Keyring::parse(text.as_bytes(), "k.json").expect("no mark at its beginning");
        }
    }
}
