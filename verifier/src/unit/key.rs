//! The one vault key of a unit, and what it says. cli-unit.md §3.

use std::fmt;

use serde::Serialize;

use crate::text::quote::Quoted;

/// The vault key a unit declares: not empty, and its first segment is not empty either. cli-unit.md §3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Key(String);

/// Why a text is not a key. The texts are pinned. cli-unit.md §7.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// `CU011`.
    #[error("missing required field: key")]
    Missing,
    /// `CU012`.
    #[error("key {} is malformed: want \"<kind>/<service>\" with a non-empty first segment", Quoted(.0))]
    Malformed(String),
}

impl Key {
    /// Takes a key as a unit declares it.
    ///
    /// # Errors
    /// [`KeyError`]. Only the first segment is looked at; the stricter form is [`is_credential_ref`].
    pub fn new(text: &str) -> Result<Key, KeyError> {
        match text.find('/') {
            _ if text.is_empty() => Err(KeyError::Missing),
            None | Some(0) => Err(KeyError::Malformed(text.to_owned())),
            Some(_) => Ok(Key(text.to_owned())),
        }
    }

    /// The key, verbatim.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The credential's kind: what stands before the first `/`.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a key may stand as a credential reference: `user/<service>` or `<kind>/<service>/<identity>`. cli-unit.md §3.
pub fn is_credential_ref(key: &str) -> bool {
    let segments: Vec<&str> = key.split('/').collect();
    match segments.as_slice() {
        ["user", service] => is_segment(service, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(), b"_-"),
        [kind, service, identity] => {
            let starts = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            is_segment(kind, |byte| byte.is_ascii_lowercase(), b"_-")
                && is_segment(service, starts, b"._-")
                && is_segment(identity, starts, b"._-")
        }
        _ => false,
    }
}

/// One character that `starts` takes, then lower-case letters, digits and `extra`.
fn is_segment(text: &str, starts: impl Fn(u8) -> bool, extra: &[u8]) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || extra.contains(byte);
    text.bytes().next().is_some_and(starts) && text.as_bytes().iter().skip(1).all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli-unit.md §3
    fn a_key_has_a_first_segment_and_that_is_its_kind() {
        for (text, kind) in
            [("user/github", "user"), ("a/b/c/d", "a"), ("user/", "user"), ("api_key/stripe", "api_key")]
        {
            assert_eq!(Key::new(text).expect(text).kind(), kind);
        }
        assert_eq!(Key::new("").expect_err("empty").to_string(), "missing required field: key");
        for text in ["github", "/github", "/"] {
            assert_eq!(
                Key::new(text).expect_err(text).to_string(),
                format!("key \"{text}\" is malformed: want \"<kind>/<service>\" with a non-empty first segment")
            );
        }
    }

    #[test] // cli-unit.md §3, the two patterns
    fn a_credential_reference_is_in_the_user_namespace_or_has_three_segments() {
        for (text, expected) in [
            ("user/github", true),
            ("user/0-_", true),
            ("oauth2/github/octocat", true),
            ("o_-2/g.h/0.x_y-z", true),
            ("user/a/b", true),
            ("user/", false),
            ("user/-a", false),
            ("user/git.hub", false),
            ("user/Bad-CASE", false),
            ("user/github\n", false),
            ("oauth2/github", false),
            ("api_key/stripe", false),
            ("0auth/a/b", false),
            ("../escape/x", false),
            ("a/b/c/d", false),
            ("a//c", false),
            ("", false),
        ] {
            assert_eq!(is_credential_ref(text), expected, "{text:?}");
        }
    }
}
