//! `manifest.signed.json`: who signed what, when, and until when. aegis-bundle.md §6.

use super::canonical::{self, NotCanonicalizable, canonical};
use super::manifest::decode::{Decoder, NotDecoded};
use super::time::Instant;
use crate::text::json::tape::{Kind, Syntax, Tape};

/// Whose key signed, and from when until when it counts. Nothing here was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The label the signer gave the key. Not bound to it.
    pub key_id: String,
    /// When it was signed, as the signer says.
    pub signed_at: Instant,
    /// From when it no longer counts.
    pub expires_at: Instant,
}

/// Why a wrapper cannot be built. The texts are the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// No label.
    #[error("key_id is required")]
    NoKeyId,
    /// The zero time.
    #[error("signed_at is required")]
    NoSignedAt,
    /// The zero time.
    #[error("expires_at is required")]
    NoExpiresAt,
    /// It would never count.
    #[error("expires_at must be after signed_at")]
    NeverValid,
    /// The manifest is not JSON.
    #[error(transparent)]
    Manifest(#[from] NotCanonicalizable),
}

impl BuildError {
    /// Always `validation_error`, or `parse_error` for the manifest.
    pub fn class(&self) -> crate::problem::Class {
        use crate::problem::Class;
        match self {
            BuildError::NoKeyId | BuildError::NoSignedAt | BuildError::NoExpiresAt | BuildError::NeverValid => {
                Class::ValidationError
            }
            BuildError::Manifest(_) => Class::ParseError,
        }
    }

    /// Never: the same bytes are refused again.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// The wrapper's bytes: exactly what is signed and written. aegis-bundle.md §6.1.
///
/// # Errors
/// [`BuildError`].
pub fn build(manifest: &[u8], claims: &Claims) -> Result<Vec<u8>, BuildError> {
    let key_id = claims.key_id.trim();
    if key_id.is_empty() {
        return Err(BuildError::NoKeyId);
    }
    if claims.signed_at == Instant::ZERO {
        return Err(BuildError::NoSignedAt);
    }
    if claims.expires_at == Instant::ZERO {
        return Err(BuildError::NoExpiresAt);
    }
    if claims.expires_at <= claims.signed_at {
        return Err(BuildError::NeverValid);
    }
    let manifest = canonical(manifest)?;
    let mut wrapper = format!("{{\"expires_at\":\"{}\",\"key_id\":", claims.expires_at).into_bytes();
    canonical::text(key_id, &mut wrapper);
    wrapper.extend(b",\"manifest\":");
    wrapper.extend(manifest);
    wrapper.extend(format!(",\"signed_at\":\"{}\"}}", claims.signed_at).bytes());
    Ok(wrapper)
}

/// Why a wrapper cannot be used. The texts are the host's, up to its library's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapperError {
    /// Not an object, or a member of another type.
    #[error("invalid signed payload: {0}")]
    Malformed(String),
    /// No label.
    #[error("signed payload is missing key_id")]
    NoKeyId,
    /// No moment of signing.
    #[error("signed payload is missing signed_at")]
    NoSignedAt,
    /// No end.
    #[error("signed payload is missing expires_at")]
    NoExpiresAt,
    /// It ends before it begins.
    #[error("signed payload expires_at must be after signed_at")]
    NeverValid,
    /// Nothing was signed.
    #[error("invalid embedded manifest: invalid manifest payload: it is missing")]
    NoManifest,
}

/// A wrapper that was read: its claims, and the manifest inside in canonical form.
#[derive(Clone, Debug)]
pub struct Wrapper {
    /// Who, and how long.
    pub claims: Claims,
    /// The manifest that was signed.
    pub manifest: Vec<u8>,
}

/// Reads a wrapper in its canonical form, names in any case, unknown members let be. aegis-bundle.md §8.2, 5 to 7.
///
/// # Errors
/// [`WrapperError`].
pub fn parse(canonical_wrapper: &[u8]) -> Result<Wrapper, WrapperError> {
    let malformed = |why: NotDecoded| WrapperError::Malformed(why.to_string());
    let tape = Tape::read(canonical_wrapper, Syntax::STRICT).map_err(|why| malformed(NotDecoded::Syntax(why)))?;
    let (mut key_id, mut manifest, mut wrong) = (String::new(), None, None);
    let mut moments = [Instant::ZERO; 2];
    let mut decoder = Decoder::default();
    decoder.object(tape.root(), &["signed_at", "expires_at", "key_id", "manifest"], |decoder, at, value| match at {
        2 => decoder.text(value, &mut key_id),
        3 => manifest = Some(value),
        // `null` leaves a moment as it is; everything but a string is wrong.
        _ => match (value.kind(), value.text()) {
            (Kind::Null, _) => {}
            (_, Some(text)) => match Instant::read(&text) {
                Ok(instant) => moments[at] = instant,
                Err(why) => drop(wrong.get_or_insert_with(|| format!("{}: {why}", crate::text::quote::Quoted(&text)))),
            },
            _ => drop(wrong.get_or_insert_with(|| "a time is not a JSON string".to_owned())),
        },
    });
    decoder.finish().map_err(malformed)?;
    if let Some(why) = wrong {
        return Err(WrapperError::Malformed(why));
    }
    let [signed_at, expires_at] = moments;
    if key_id.trim().is_empty() {
        return Err(WrapperError::NoKeyId);
    }
    if signed_at == Instant::ZERO {
        return Err(WrapperError::NoSignedAt);
    }
    if expires_at == Instant::ZERO {
        return Err(WrapperError::NoExpiresAt);
    }
    if expires_at <= signed_at {
        return Err(WrapperError::NeverValid);
    }
    // Canonical already: it is a part of canonical bytes.
    let manifest = manifest.ok_or(WrapperError::NoManifest)?.raw().to_vec();
    Ok(Wrapper { claims: Claims { key_id, signed_at, expires_at }, manifest })
}
