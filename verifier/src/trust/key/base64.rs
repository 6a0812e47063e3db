//! Keys as base64: the four forms a ring may hold, and the one that is written.

use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine as _};

use super::{PublicKey, PublicKeyError};

impl PublicKey {
    /// Reads base64 as a ring holds it: four forms in turn, the first that decodes decides. keyring.md §1.5.
    ///
    /// # Errors
    /// [`PublicKeyError::NotBase64`], [`PublicKeyError::Length`].
    pub fn from_base64(text: &str) -> Result<PublicKey, PublicKeyError> {
        let bytes = decode(text.as_bytes()).ok_or(PublicKeyError::NotBase64)?;
        let length = bytes.len();
        bytes.try_into().map(PublicKey).map_err(|_| PublicKeyError::Length(length))
    }

    /// The 44 characters a ring stores: standard alphabet, padded.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

/// The byte at which padded base64 ends to be that. The words are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {0}")]
pub struct BadByte(pub usize);

/// Decodes the one spelling of keys and signatures in Aegis bundles: standard alphabet, padded; CR and LF are skipped, unused
/// bits of the last character may be anything. aegis-bundle.md §7.2.
///
/// # Errors
/// [`BadByte`].
pub fn decode_padded(text: &[u8]) -> Result<Vec<u8>, BadByte> {
    let kept: Vec<(usize, u8)> = text.iter().copied().enumerate().filter(|(_, byte)| !b"\r\n".contains(byte)).collect();
    let bytes: Vec<u8> = kept.iter().map(|(_, byte)| *byte).collect();
    PADDED.decode(&bytes).map_err(|why| {
        let at = match why {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            DecodeError::InvalidLength(length) => length & !3,
            DecodeError::InvalidPadding => bytes.len() & !3,
        };
        BadByte(kept.get(at).map_or(text.len(), |(at, _)| *at))
    })
}

/// A decoder that does not mind the unused low bits of the last character, as Go's does not.
const fn forgiving(alphabet: &alphabet::Alphabet, padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(padding);
    GeneralPurpose::new(alphabet, config)
}

/// Standard alphabet, padded.
const PADDED: GeneralPurpose = forgiving(&alphabet::STANDARD, DecodePaddingMode::RequireCanonical);

/// The four forms, in the order they are tried. keyring.md §1.5.
pub(super) const FORMS: [GeneralPurpose; 4] = [
    PADDED,
    forgiving(&alphabet::STANDARD, DecodePaddingMode::RequireNone),
    forgiving(&alphabet::URL_SAFE, DecodePaddingMode::RequireCanonical),
    forgiving(&alphabet::URL_SAFE, DecodePaddingMode::RequireNone),
];

/// The first form that decodes; CR and LF are skipped wherever they stand.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    FORMS.iter().find_map(|form| form.decode(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_base64(text).expect(text)
    }

    #[test] // keyring.md §1.5, its table, and what Go's decoder does
    fn base64_in_a_ring_has_four_forms() {
        let wanted = key(RFC);
        for text in [
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",
            "11qYAYKxCrfVS/7TyWQH\r\nOg7hcvPapiMlrwIaaPcHURo\n=\n",
        ] {
            assert_eq!(PublicKey::from_base64(text), Ok(wanted), "{text:?}");
        }
        for (text, message) in [
            ("not-base64!!!", "not valid base64"),
            ("b25seS1hLWZldy1ieXRlcw==", "decoded length 16, want 32"),
            ("", "decoded length 0, want 32"),
            ("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "decoded length 44, want 32"),
            ("-/++vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr4=", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQH Og7hcvPapiMlrwIaaPcHURo=", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\t", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo==", "not valid base64"),
        ] {
            assert_eq!(PublicKey::from_base64(text).map_err(|e| e.to_string()), Err(message.into()), "{text:?}");
        }
    }
}
