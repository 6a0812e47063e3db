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
use crate::trust::key::Fingerprint;
use crate::trust::keyring::{Keyring, SignatureRefused};

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

    /// Judges the document: a key trusted for what is wanted signed these bytes, and they speak of it.
    ///
    /// # Errors
    /// [`StatementError`], the first step that fails.
    pub fn verify(self, wanted: &D::Subject, ring: &Keyring) -> Result<Signed<D>, StatementError> {
        let judge = || {
            // 1. a trusted key signed exactly these bytes
            let signer = ring.verify(&D::authority(wanted), &[&self.bytes], &self.signature)?;
            // 2. they read
            let document = D::read_unverified(&self.bytes)?;
            // 3. it is what was asked for
            let found = document.subject();
            if found != *wanted {
                return Err(StatementError::Subject { wanted: wanted.to_string(), found: found.to_string() });
            }
            // 4. and says nothing that cannot be
            match document.contradiction() {
                Some(words) => Err(DocumentError::Contradiction { asset: D::KIND.asset, words }.into()),
                None => Ok(Signed { document, signer }),
            }
        };
        contained(judge, StatementError::Unjudged)
    }
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
