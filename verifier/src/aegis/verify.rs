//! The verdict on a signature, in the order of the norm, and the gate behind it. aegis-bundle.md §8.
//!
//! Three ways it ends: verified; not verified, where the gate decides; an error that no gate lifts.

use super::Kind;
use super::canonical::{NotCanonicalizable, canonical};
use super::envelope::{self, Claims, WrapperError};
use super::key_file::{self, KeyFileError};
use super::time::Instant;
use super::trust_store::{Revocations, TrustStore};
use crate::problem::Class;
use crate::text::quote::Quoted;
use crate::trust::signature;

/// The four metadata files as they are in a bundle; what is not there is empty.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// `manifest.json`.
    pub manifest: &'a [u8],
    /// `manifest.signed.json`.
    pub wrapper: &'a [u8],
    /// `manifest.sig`.
    pub signature: &'a [u8],
    /// `manifest.pub`.
    pub public_key: &'a [u8],
}

/// What of a host decides about a signature.
#[derive(Clone, Debug)]
pub struct HostTrust {
    /// Whose signature counts.
    pub trusted: TrustStore,
    /// What is revoked.
    pub revoked: Revocations,
    /// The host's clock.
    pub now: Instant,
    /// Seconds by which it may differ; fewer than none count as none.
    pub skew: i64,
}

/// Why a signature does not count, where the gate decides. aegis-bundle.md §8.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unverified {
    /// A signing file is missing.
    Unsigned,
    /// The key is not in the trust store, or no key.
    UntrustedKey,
    /// The signature is not this key's over this wrapper.
    BadSignature,
    /// It ended.
    Expired,
    /// The label is revoked.
    RevokedKeyId,
    /// The key is revoked.
    RevokedFingerprint,
}

/// Why a host refuses whatever its gate says. aegis-bundle.md §8.2. The texts are the host's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The wrapper is not JSON.
    #[error(transparent)]
    WrapperNotJson(NotCanonicalizable),
    /// `manifest.sig` holds no signature.
    #[error(transparent)]
    SignatureFile(KeyFileError),
    /// The wrapper cannot be used.
    #[error(transparent)]
    Wrapper(WrapperError),
    /// `manifest.json` is not JSON.
    #[error("invalid display manifest: {0}")]
    DisplayManifest(NotCanonicalizable),
    /// Another manifest was signed.
    #[error("signed payload manifest does not match bundle manifest.json")]
    Mismatch,
}

/// How a verification ended. [`verify`] is the only maker.
#[derive(Clone, Debug)]
pub struct Verdict {
    outcome: Outcome,
    claims: Option<Claims>,
    has_signature: bool,
    revoked_key: Option<String>,
    is_revoked_key_id: bool,
    is_expired: bool,
    is_wrapper_canonical: bool,
}

/// The outcome itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Trusted key, good signature, same manifest, not expired, not revoked.
    Verified,
    /// The gate decides.
    Unverified(Unverified),
    /// Refused.
    Error(SignatureError),
}

impl Outcome {
    /// The class name of §8.2.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Verified => "verified",
            Outcome::Unverified(Unverified::Unsigned) => "unsigned",
            Outcome::Unverified(Unverified::UntrustedKey) => "untrusted_key",
            Outcome::Unverified(Unverified::BadSignature) => "bad_signature",
            Outcome::Unverified(Unverified::Expired) => "expired",
            Outcome::Unverified(Unverified::RevokedKeyId) => "revoked_key_id",
            Outcome::Unverified(Unverified::RevokedFingerprint) => "revoked_fingerprint",
            Outcome::Error(SignatureError::WrapperNotJson(_) | SignatureError::Wrapper(WrapperError::Malformed(_))) => {
                "wrapper_malformed"
            }
            Outcome::Error(SignatureError::SignatureFile(_)) => "signature_file_malformed",
            Outcome::Error(SignatureError::Wrapper(
                WrapperError::NoKeyId
                | WrapperError::NoSignedAt
                | WrapperError::NoExpiresAt
                | WrapperError::NeverValid
                | WrapperError::NoManifest,
            )) => "wrapper_fields_invalid",
            Outcome::Error(SignatureError::DisplayManifest(_)) => "display_manifest_malformed",
            Outcome::Error(SignatureError::Mismatch) => "manifest_mismatch",
        }
    }
}

impl SignatureError {
    /// `parse_error` for what cannot be read, `signature_failure` for a signature over something else.
    pub fn class(&self) -> Class {
        match self {
            SignatureError::WrapperNotJson(_) | SignatureError::Wrapper(_) | SignatureError::DisplayManifest(_) => {
                Class::ParseError
            }
            SignatureError::SignatureFile(_) | SignatureError::Mismatch => Class::SignatureFailure,
        }
    }

    /// Never: the same bytes are refused again.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// Verifies signing material as a host does. aegis-bundle.md §8.2, row by row.
pub fn verify(material: &Material<'_>, host: &HostTrust) -> Verdict {
    let key = key_file::public_key(material.public_key).ok();
    let mut verdict = Verdict {
        outcome: Outcome::Verified,
        claims: None,
        has_signature: !material.signature.is_empty(),
        revoked_key: key.filter(|key| host.revoked.has_key(key)).map(|key| key.hex_fingerprint()),
        is_revoked_key_id: false,
        is_expired: false,
        is_wrapper_canonical: true,
    };
    verdict.outcome = match verdict.examine(material, host) {
        Ok(None) => Outcome::Verified,
        Ok(Some(why)) => Outcome::Unverified(why),
        Err(why) => Outcome::Error(why),
    };
    verdict
}

impl Verdict {
    fn examine(&mut self, material: &Material<'_>, host: &HostTrust) -> Result<Option<Unverified>, SignatureError> {
        if [material.wrapper, material.signature, material.public_key].iter().any(|file| file.is_empty()) {
            return Ok(Some(Unverified::Unsigned));
        }
        let Some(key) = key_file::public_key(material.public_key).ok().filter(|key| host.trusted.has(key)) else {
            return Ok(Some(Unverified::UntrustedKey));
        };
        let wrapper = canonical(material.wrapper).map_err(SignatureError::WrapperNotJson)?;
        self.is_wrapper_canonical = wrapper == material.wrapper;
        let signed = key_file::signature(material.signature).map_err(SignatureError::SignatureFile)?;
        if !signature::accepts(&key, &[&wrapper], &signed) {
            return Ok(Some(Unverified::BadSignature));
        }
        let wrapper = envelope::parse(&wrapper).map_err(SignatureError::Wrapper)?;
        let shown = canonical(material.manifest).map_err(SignatureError::DisplayManifest)?;
        if shown != wrapper.manifest {
            return Err(SignatureError::Mismatch);
        }
        self.is_expired = host.now.is_past(wrapper.claims.expires_at, host.skew);
        self.is_revoked_key_id = host.revoked.has_key_id(&wrapper.claims.key_id);
        self.claims = Some(wrapper.claims);
        Ok(if self.is_expired {
            Some(Unverified::Expired)
        } else if self.is_revoked_key_id {
            Some(Unverified::RevokedKeyId)
        } else {
            self.revoked_key.as_ref().map(|_| Unverified::RevokedFingerprint)
        })
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it is verified.
    pub fn is_verified(&self) -> bool {
        self.outcome == Outcome::Verified
    }

    /// What the wrapper says, where the host reports it: the signature is good and the manifest the one that was signed.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// Whether the wrapper's bytes are the canonical ones, as far as they were looked at. Others verify too; a publisher
    /// never writes them. aegis-bundle.md §7.1.
    pub fn is_wrapper_canonical(&self) -> bool {
        self.is_wrapper_canonical
    }

    /// The host's reason for a soft failure, which has an order of its own. aegis-bundle.md §8.3.
    pub fn reason(&self) -> Option<String> {
        let is_soft = matches!(self.outcome, Outcome::Unverified(_));
        if !is_soft || !self.has_signature {
            return None;
        }
        let key_id = self.claims.as_ref().map(|claims| Quoted(&claims.key_id));
        Some(match (&self.revoked_key, key_id, &self.claims) {
            (Some(hex), None, _) => format!("plugin signing key fingerprint {hex} is revoked"),
            (Some(hex), Some(id), _) => format!("plugin signing key fingerprint {hex} is revoked (key {id})"),
            (None, Some(id), _) if self.is_revoked_key_id => format!("plugin signature key {id} is revoked"),
            (None, Some(id), Some(claims)) if self.is_expired => {
                format!("plugin signature expired at {} (key {id})", claims.expires_at.whole_seconds())
            }
            (None, Some(id), _) => format!("plugin signature for key {id} did not verify"),
            (None, None, _) => "plugin signature did not verify".to_owned(),
        })
    }

    /// What the gate of uploads does with it. aegis-bundle.md §8.4.
    pub fn gate(&self, kind: Kind, allow_unsafe: bool, confirm_unsafe: bool) -> Gate {
        match &self.outcome {
            Outcome::Verified => Gate::Install,
            Outcome::Error(why) => Gate::Error(why.clone()),
            Outcome::Unverified(_) if allow_unsafe && confirm_unsafe => Gate::InstallUnsafe,
            Outcome::Unverified(_) if allow_unsafe => Gate::NeedsConfirm,
            Outcome::Unverified(_) => {
                let says_why = self.claims.is_some() || self.revoked_key.is_some();
                let reason = self.reason().filter(|_| says_why);
                Gate::Reject { kind, reason }
            }
        }
    }
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Installed as verified.
    Install,
    /// Installed as unsafe.
    InstallUnsafe,
    /// Refused until the uploader says that it is meant.
    NeedsConfirm,
    /// Refused.
    Reject {
        /// Which endpoint.
        kind: Kind,
        /// The reason, where the host tells one.
        reason: Option<String>,
    },
    /// Refused before the gate.
    Error(SignatureError),
}

impl Gate {
    /// What the host answers when it refuses.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Gate::Install | Gate::InstallUnsafe => None,
            Gate::NeedsConfirm => {
                Some("unsigned bundle: re-submit with ?confirm_unsafe=true to acknowledge the security risk".to_owned())
            }
            Gate::Reject { kind, reason: Some(reason) } => Some(format!("{kind} signature rejected: {reason}")),
            Gate::Reject { reason: None, .. } => Some("unsigned sideloads are disabled".to_owned()),
            Gate::Error(why) => Some(why.to_string()),
        }
    }

    /// The name the vectors have for it.
    pub fn name(&self) -> &'static str {
        match self {
            Gate::Install => "install",
            Gate::InstallUnsafe => "install_unsafe",
            Gate::NeedsConfirm => "needs_confirm",
            Gate::Reject { .. } => "reject",
            Gate::Error(_) => "rejected_before_gate",
        }
    }
}
