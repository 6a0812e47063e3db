//! The files of a bundle become one: checksums filled in the packed copy alone, signed, packed the same way everywhere, and
//! proven as a host would read it. aegis-bundle.md §2.6, §6, §7.

use std::collections::BTreeMap;
use std::path::Path;

use aileron_verifier::aegis::envelope::{self, Claims};
use aileron_verifier::aegis::lint::{self, Checksums};
use aileron_verifier::aegis::time::{GoDuration, Instant};
use aileron_verifier::aegis::zip::write::write;
use aileron_verifier::aegis::{MANIFEST, PUBLIC_KEY, SIGNATURE, WRAPPER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::check::{self, Findings};
use super::{AegisError, checksums, staging};
use crate::publisher::sign::SigningKey;

/// Whose signature a bundle gets, and for how long.
pub struct Signing<'k> {
    /// The key.
    pub key: &'k SigningKey,
    /// The label it has on hosts.
    pub key_id: &'k str,
    /// How long it counts.
    pub valid_for: GoDuration,
    /// When.
    pub now: Instant,
}

/// A bundle that was packed.
pub struct Packed {
    /// The zip file.
    pub zip: Vec<u8>,
    /// What it claims, when it is signed.
    pub claims: Option<Claims>,
    /// How many checksums were filled in.
    pub filled: usize,
    /// Warnings about it.
    pub findings: Findings,
}

/// Checks a label for a key. aegis-bundle.md §7.4.
///
/// # Errors
/// [`AegisError::KeyId`].
pub fn key_id(text: &str) -> Result<&str, AegisError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_usable = text.len() <= 64
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(allowed);
    if is_usable { Ok(text) } else { Err(AegisError::KeyId(text.to_owned())) }
}

/// Packs a staging directory. Nothing in it is changed, and signing files that lie there are made again.
///
/// # Errors
/// [`AegisError`].
pub fn pack(directory: &Path, signing: Option<&Signing<'_>>, limit: u64) -> Result<Packed, AegisError> {
    let files = staging::read(directory)?;
    if !files.contains_key(MANIFEST) {
        return Err(AegisError::NoManifest(directory.to_owned()));
    }
    pack_files(&directory.display().to_string(), files, signing, limit)
}

/// Packs files, which are called `name` in problems.
///
/// # Errors
/// [`AegisError`].
pub fn pack_files(
    name: &str,
    mut files: BTreeMap<String, Vec<u8>>,
    signing: Option<&Signing<'_>>,
    limit: u64,
) -> Result<Packed, AegisError> {
    // What was signed before is not this manifest.
    for stale in [WRAPPER, SIGNATURE, PUBLIC_KEY] {
        files.remove(stale);
    }
    let manifest = files.get(MANIFEST).map(Vec::as_slice).unwrap_or_default();
    let checked = lint::manifest(&format!("{name}/{MANIFEST}"), manifest, None, Checksums::MayBeOpen);
    let findings = check::staged(name, &files, Checksums::MayBeOpen, limit);
    if findings.errors().next().is_some() {
        return Err(AegisError::Broken { findings: Box::new(findings), step: "packing" });
    }
    let open: Vec<&String> =
        checked.targets.iter().filter(|target| target.open.is_some()).map(|target| &target.library.0).collect();
    let filled = open.len();
    if filled > 0 {
        let checksums = checksums(files.par_iter().filter(|(name, _)| open.contains(name)));
        let manifest = lint::filled(&checked, |library| checksums.get(library).cloned());
        files.insert(MANIFEST.to_owned(), manifest.into_bytes());
    }
    let claims = match signing {
        None => None,
        Some(signing) => {
            let claims = claims(signing)?;
            let wrapper = envelope::build(&files[MANIFEST], &claims)?;
            let signature = STANDARD.encode(signing.key.sign(&[&wrapper]));
            files.insert(WRAPPER.to_owned(), wrapper);
            files.insert(SIGNATURE.to_owned(), signature.into_bytes());
            files.insert(PUBLIC_KEY.to_owned(), signing.key.public().to_base64().into_bytes());
            Some(claims)
        }
    };
    let zip = write(&files)?;
    // The proof needs room of its own.
    drop(files);
    let findings = check::zip(name, &zip, limit);
    if findings.errors().next().is_some() {
        return Err(AegisError::Broken { findings: Box::new(findings), step: "packing" });
    }
    Ok(Packed { zip, claims, filled, findings })
}

fn claims(signing: &Signing<'_>) -> Result<Claims, AegisError> {
    let key_id = key_id(signing.key_id)?.to_owned();
    let signed_at = signing.now.whole_seconds();
    let expires_at = signed_at.after(signing.valid_for).filter(|_| signing.valid_for.is_positive());
    Ok(Claims { key_id, signed_at, expires_at: expires_at.ok_or(AegisError::Lifetime)? })
}
