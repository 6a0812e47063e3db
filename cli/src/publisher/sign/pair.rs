//! A private key as Squad Aegis has it: padded standard base64 of the seed and the public key behind it, 88 characters in one
//! line. aegis-bundle.md §7.2.
//!
//! The host's tool does not check that the two halves belong together, and with a mixed pair signs what no key verifies. Here
//! they are compared before anything is signed.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::{KeyError, SigningKey};
use crate::secret::Secret;

/// Padded, with unused bits of the last character let be, as the host's tool has it.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The key in a pair; `None` where the text is in another form, which is for others to name.
pub(super) fn read(text: &Secret) -> Option<Result<SigningKey, KeyError>> {
    let bytes = decode(text.expose())?;
    if bytes.starts_with(b"-----BEGIN ") {
        return None;
    }
    let Some((seed, public)) = bytes.split_first_chunk::<32>().filter(|(_, public)| public.len() == 32) else {
        return Some(Err(KeyError::PairLength(bytes.len())));
    };
    let key = SigningKey::from_seed(seed);
    Some(if key.public().as_bytes() == public { Ok(key) } else { Err(KeyError::PublicKeyMismatch) })
}

/// The key of a seed alone. Only where the user says that it is one: 32 bytes may as well be a public key, and a key made of
/// that is everybody's.
pub(super) fn read_seed(text: &Secret) -> Result<SigningKey, KeyError> {
    let bytes = decode(text.expose()).ok_or(KeyError::NotASeed)?;
    let seed = bytes.split_first_chunk::<32>().filter(|(_, rest)| rest.is_empty());
    seed.map(|(seed, _)| SigningKey::from_seed(seed)).ok_or(KeyError::NotASeed)
}

/// The bytes; blanks around the text and line ends in it do not count, everything else does.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.bytes().filter(|byte| !b"\r\n".contains(byte)));
    if packed.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new(vec![0; packed.len()]);
    let length = PADDED.decode_slice(&packed, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// See [`SigningKey::to_pair`].
pub(super) fn write(key: &SigningKey) -> Secret {
    let mut pair = Zeroizing::new([0; 64]);
    pair[..32].copy_from_slice(key.seed());
    pair[32..].copy_from_slice(key.public().as_bytes());
    let mut text = Zeroizing::new(vec![0; 88]);
    let written = STANDARD.encode_slice(&pair[..], &mut text).unwrap_or(0);
    text.truncate(written);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";

    fn said(text: &str) -> String {
        match read(&Secret::from(text.to_owned())) {
            None => "another form".to_owned(),
            Some(Ok(key)) => key.public().to_base64(),
            Some(Err(error)) => error.to_string(),
        }
    }

    #[test] // aegis-bundle.md §7.2
    fn a_pair_is_read_with_the_tolerances_of_the_hosts_tool() {
        let public = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
        let inner = format!("{}\n{}\r\n", &PAIR[..44], &PAIR[44..]);
        for text in [PAIR, &format!(" \t\r\n{PAIR} \r\n"), &inner] {
            assert_eq!(said(text), public, "{text:?}");
        }
        let key = read(&Secret::from(PAIR.to_owned())).expect("a pair").expect("a key");
        assert_eq!(key.to_pair().expose(), PAIR.as_bytes());
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        for (text, words) in [
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "has 32 bytes, want 64"),
            (hex, "has 96 bytes, want 64"),
            (
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8prLrhQbzK8LIuGpTTTQvHNh5SbQv+EsiXlLyTIpZt1w==",
                "belongs to another key",
            ),
            (PAIR.trim_end_matches('='), "another form"),
            (&PAIR.replace('/', "_"), "another form"),
            (&PAIR.replacen("C", " C", 1), "another form"),
            ("", "another form"),
            ("-----BEGIN PRIVATE KEY-----", "another form"),
        ] {
            assert!(said(text).contains(words), "{text:?}: {}", said(text));
        }
    }

    #[test] // aegis-bundle.md §7.2
    fn a_seed_is_read_where_it_is_said_to_be_one_and_written_as_a_pair() {
        let seed = |text: &str| read_seed(&Secret::from(text.to_owned())).map(|key| key.to_pair().expose().to_vec());
        let same = seed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").expect("a seed");
        assert_eq!(same, PAIR.as_bytes());
        for text in [PAIR, "", "AAEC", "-----BEGIN PRIVATE KEY-----"] {
            assert!(matches!(seed(text), Err(KeyError::NotASeed)), "{text:?}");
        }
    }

    #[test] // PEM in base64 is for `pkcs8`
    fn base64_of_pem_is_another_form() {
        let key = SigningKey::generate().expect("random numbers");
        assert!(read(&key.to_base64_of_pem()).is_none() && read(&key.to_pem()).is_none());
        let mixed =
            [&key.to_pair().expose()[..43], &SigningKey::generate().expect("random numbers").to_pair().expose()[43..]]
                .concat();
        assert!(matches!(read(&Secret::from(mixed)), Some(Err(KeyError::PublicKeyMismatch))));
    }
}
