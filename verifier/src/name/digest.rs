//! SHA-256 digests with a meaning. Two values that answer different questions are two types.

use std::fmt;

use crate::text::printable;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What an action's `hash` holds until a release binds it. artifacts.md §5.
pub const PLACEHOLDER: &str = "sha256:bound-at-release";

/// The text is not `sha256:` and 64 lower-case hex digits. artifacts.md §1. Class `validation_error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not `sha256:` and 64 lower-case hex digits", printable(.0))]
pub struct NotAHash(pub String);

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 32]);

        impl $name {
            /// Digest of the concatenation of `parts`.
            pub fn of(parts: &[&[u8]]) -> $name {
                let mut hasher = Sha256::new();
                parts.iter().for_each(|part| hasher.update(part));
                $name(hasher.finalize().into())
            }

            /// The 64 hex digits, without the prefix.
            pub fn hex(&self) -> String {
                let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
                self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "sha256:{}", self.hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAHash;
            fn from_str(text: &str) -> Result<Self, NotAHash> {
                parse(text).map($name).ok_or_else(|| NotAHash(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAHash;
            fn try_from(text: String) -> Result<Self, NotAHash> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> String {
                digest.to_string()
            }
        }
    };
}

digest! {
    /// `sha256(connector.wasm ‖ manifest.toml)` over the bound bytes: a connector's identity, what an action pins.
    /// Repacking does not change it. artifacts.md §6.
    ContentHash
}

digest! {
    /// `sha256` of `aileron.tar.gz`. Answers one question only: are these the same archive bytes? artifacts.md §6.
    ArchiveDigest
}

digest! {
    /// `sha256` of one file of a proposal: a module, a manifest, an action.
    FileDigest
}

digest! {
    /// `sha256` of one blob or manifest of an OCI registry or image layout: the address it is stored under. cli-unit.md §12.4.
    BlobDigest
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let hex = text.strip_prefix("sha256:")?.as_bytes();
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §1 and §6
    fn a_hash_has_exactly_one_spelling() {
        let digest = ContentHash::of(&[b"ab", b"c"]);
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let hex = digest.hex();
        for text in [
            hex.clone(),
            format!("SHA256:{hex}"),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:{}", &hex[1..]),
            "sha256:../../x".into(),
            PLACEHOLDER.into(),
        ] {
            assert!(text.parse::<ContentHash>().is_err(), "{text}");
        }
    }
}
