//! What people compare instead of a key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::PublicKey;
use crate::text::printable;

impl PublicKey {
    /// What people compare. keyring.md §3.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = STANDARD.encode(Sha256::digest(self.0));
        let mut text = [0; Fingerprint::DIGITS];
        text.copy_from_slice(&digest.as_bytes()[..Fingerprint::DIGITS]);
        Fingerprint(text)
    }

    /// The whole SHA-256 of the 32 bytes in lower-case hex: what the revocation file of an Aegis host names a key by.
    /// aegis-bundle.md §10.1.
    pub fn hex_fingerprint(&self) -> String {
        Sha256::digest(self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `sha256:` and the first 22 characters of the base64 of the SHA-256 of the 32 raw key bytes: 132 bits. keyring.md §3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; Fingerprint::DIGITS]);

/// The text is not `sha256:` and 22 base64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a key fingerprint: `sha256:` and 22 base64 characters", printable(.0))]
pub struct NotAFingerprint(pub String);

impl Fingerprint {
    const DIGITS: usize = 22;
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = text.strip_prefix("sha256:").and_then(|digits| <[u8; 22]>::try_from(digits.as_bytes()).ok());
        digits
            .filter(|digits| digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)))
            .map(Fingerprint)
            .ok_or_else(|| NotAFingerprint(text.to_owned()))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;
    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_base64(text).expect(text)
    }

    #[test] // keyring.md §3, its table and its wrong answers
    fn a_fingerprint_is_of_the_raw_bytes() {
        for (text, fingerprint) in [
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256:Zmh6rfhivXdsj8GLjp+OIA"),
            ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "sha256:cs1uhCLEB/ttCYaQ8RMLfe"),
            (RFC, "sha256:If4x36FUomFia/hUBG/SJx"),
            ("zQ+XqDem9XdybaOJylROIREFydn3+R52NFDRauN6M4w=", "sha256:7HuX6+WdhIEmmwPDZyZ3WR"),
        ] {
            assert_eq!(key(text).fingerprint().to_string(), fingerprint);
            assert_eq!(fingerprint.parse(), Ok(key(text).fingerprint()));
            assert_eq!(fingerprint.len(), 29);
        }
        assert_eq!(
            key("A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=").hex_fingerprint(),
            "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c"
        );
        for text in ["sha256:none", "sha256:If4x36FUomFia_hUBG_SJx", "If4x36FUomFia/hUBG/SJx", ""] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
