//! The bytes inside a private key's text: base64 to DER, and DER to a key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use zeroize::Zeroizing;

use super::{KeyError, SigningKey};

/// The key in an unencrypted PKCS#8 structure.
pub(super) fn from_der(der: &[u8]) -> Result<SigningKey, KeyError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Damaged("it is no PKCS#8 structure"))?;
    match info.algorithm.oid.as_bytes() {
        [0x2b, 0x65, 0x70] => {}
        [0x2b, 0x65, 0x6e] => return Err(KeyError::OtherAlgorithm("an X25519")),
        [0x2b, 0x65, 0x6f] => return Err(KeyError::OtherAlgorithm("an X448")),
        [0x2b, 0x65, 0x71] => return Err(KeyError::OtherAlgorithm("an Ed448")),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, ..] => return Err(KeyError::OtherAlgorithm("an RSA")),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => return Err(KeyError::OtherAlgorithm("an elliptic-curve (EC)")),
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => return Err(KeyError::OtherAlgorithm("a DSA")),
        _ => return Err(KeyError::OtherAlgorithm("another kind of")),
    }
    if info.algorithm.parameters.is_some() {
        return Err(KeyError::Damaged("ed25519 takes no algorithm parameters"));
    }
    let seed: &[u8; 32] = match info.private_key.as_bytes() {
        [4, 32, seed @ ..] => seed.try_into().ok(),
        _ => None,
    }
    .ok_or(KeyError::Damaged("an ed25519 seed has 32 bytes"))?;
    let key = SigningKey::from_seed(seed);
    match info.public_key {
        Some(public) if public.as_bytes() != Some(key.public().as_bytes()) => Err(KeyError::PublicKeyMismatch),
        _ => Ok(key),
    }
}

/// Base64, padded or not, with white space anywhere.
pub(super) fn unbase64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; packed.len()]);
    let forms = [&STANDARD, &STANDARD_NO_PAD];
    let length = forms.iter().find_map(|form| form.decode_slice(&packed, &mut bytes).ok())?;
    bytes.truncate(length);
    Some(bytes)
}
