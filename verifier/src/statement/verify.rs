//! The one home of the verdict on a statement: [`UnverifiedStatement`] goes in, [`Signed`] or the reason comes out.
//!
//! The order is part of the contract: a signature is judged before anything is read, so that no untrusted text is parsed.
//!
//! Nothing else makes a [`Signed`]:
//!
//! ```compile_fail
//! use aileron_verifier::statement::Signed;
//! use aileron_verifier::statement::cohort::Cohort;
//! let forged: Signed<Cohort> = Signed { document: todo!(), signer: todo!() };
//! ```

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

use super::document::{Document, DocumentError};
use crate::problem::{Class, contained};
use crate::trust::key::{Fingerprint, PublicKey};
use crate::trust::keyring::{Keyring, SignatureRefused};
use crate::trust::signature::{Signature, accepts};

/// A statement as it arrived: its bytes, and what is said to be its signature. It can be verified, and nothing else.
pub struct UnverifiedStatement<'a, D> {
    bytes: Cow<'a, [u8]>,
    signature: Cow<'a, [u8]>,
    kind: PhantomData<D>,
}

/// A trusted key signed exactly this document, and it speaks of what it was asked for under. Private fields;
/// [`UnverifiedStatement::verify`] is the only maker.
#[derive(Clone, Debug)]
pub struct Signed<D> {
    document: D,
    signer: Fingerprint,
}

/// Why a statement was refused.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Class `signature_failure`.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// Class `signature_failure`: not as many signatures as the kind has.
    #[error("{found} bytes of signatures, want {wanted}")]
    Length {
        /// What there is.
        found: usize,
        /// 64 for each signature.
        wanted: usize,
    },
    /// Class `signature_failure`: a trusted key signed it, and another one should have.
    #[error("signed by {found}, but it must be signed by {wanted}")]
    Signer {
        /// Who should have signed.
        wanted: Fingerprint,
        /// The trusted key that did.
        found: Fingerprint,
    },
    /// Class `signature_failure`: a key that it names has not signed it too.
    #[error("not signed by {0}, which it names")]
    Cosigner(Fingerprint),
    /// Class `validation_error`: what is signed cannot be read, or contradicts itself.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Class `fqn_mismatch`: it speaks of something else.
    #[error("this is {found}, not {wanted}")]
    Subject {
        /// What was asked for.
        wanted: String,
        /// What the signed text says.
        found: String,
    },
    /// Class `malformed_tarball`, as for an archive: judging it failed by an error of ours.
    #[error("this artifact cannot be judged, because of an error in this program: {0}")]
    Unjudged(String),
}

impl StatementError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            StatementError::Signature(refused) => refused.class(),
            StatementError::Length { .. } | StatementError::Signer { .. } | StatementError::Cosigner(_) => {
                Class::SignatureFailure
            }
            StatementError::Document(error) => error.class(),
            StatementError::Subject { .. } => Class::FqnMismatch,
            StatementError::Unjudged(_) => Class::MalformedTarball,
        }
    }

    /// What the ring said of the signature, where that is the reason.
    pub fn signature(&self) -> Option<&SignatureRefused> {
        match self {
            StatementError::Signature(refused) => Some(refused),
            _ => None,
        }
    }
}

impl<'a, D: Document> UnverifiedStatement<'a, D> {
    /// Takes the bytes of a document and of its signature. No signature is an empty one, which no key accepts.
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>, signature: impl Into<Cow<'a, [u8]>>) -> UnverifiedStatement<'a, D> {
        UnverifiedStatement { bytes: bytes.into(), signature: signature.into(), kind: PhantomData }
    }

    /// What it says, without any check: good for showing and comparing, not for trusting.
    ///
    /// # Errors
    /// [`DocumentError`], but for a contradiction.
    pub fn read_unverified(&self) -> Result<D, DocumentError> {
        D::read_unverified(&self.bytes)
    }

    /// Judges the document: a key trusted for what is wanted signed these bytes, and they speak of it.
    ///
    /// # Errors
    /// [`StatementError`], the first step that fails.
    pub fn verify(self, wanted: &D::Subject, ring: &Keyring) -> Result<Signed<D>, StatementError> {
        let judge = || {
            // 1. a trusted key signed exactly these bytes
            let (first, others) = signatures::<D>(&self.signature)?;
            let signer = ring.verify(&D::authority(wanted), &[&self.bytes], first)?;
            // 2. they read
            let document = D::read_unverified(&self.bytes)?;
            // 3. who must have signed has
            signed_by(&document.signers(), &signer, others, &self.bytes)?;
            // 4. it is what was asked for
            let found = document.subject();
            if found != *wanted {
                return Err(StatementError::Subject { wanted: wanted.to_string(), found: found.to_string() });
            }
            // 5. and says nothing that cannot be
            match document.contradiction() {
                Some(words) => Err(DocumentError::Contradiction { asset: D::KIND.asset, words }.into()),
                None => Ok(Signed { document, signer }),
            }
        };
        contained(judge, StatementError::Unjudged)
    }
}

/// The first signature and the others. A kind with one leaves its length to the ring's verdict.
fn signatures<D: Document>(all: &[u8]) -> Result<(&[u8], &[u8]), StatementError> {
    let wanted = 64 * D::SIGNATURES;
    match all.len() {
        _ if D::SIGNATURES == 1 => Ok((all, &[])),
        found if found != wanted => Err(StatementError::Length { found, wanted }),
        _ => Ok(all.split_at(64)),
    }
}

/// The trusted key that signed is the first of `signers`, and each other one signed the same bytes, in their order.
fn signed_by(signers: &[PublicKey], first: &Fingerprint, others: &[u8], bytes: &[u8]) -> Result<(), StatementError> {
    let Some((wanted, rest)) = signers.split_first() else { return Ok(()) };
    if wanted.fingerprint() != *first {
        return Err(StatementError::Signer { wanted: wanted.fingerprint(), found: *first });
    }
    let mut others = others.chunks(64);
    for key in rest {
        let signature = others.next().and_then(|bytes| Signature::from_slice(bytes).ok());
        if !signature.is_some_and(|signature| accepts(key, &[bytes], &signature)) {
            return Err(StatementError::Cosigner(key.fingerprint()));
        }
    }
    Ok(())
}

impl<D> Signed<D> {
    /// The trusted key that signed it.
    pub fn signer(&self) -> &Fingerprint {
        &self.signer
    }

    /// The document alone: what it says, without who said so.
    pub fn into_document(self) -> D {
        self.document
    }
}

impl<D> Deref for Signed<D> {
    type Target = D;
    fn deref(&self) -> &D {
        &self.document
    }
}
