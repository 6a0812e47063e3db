//! The port through which a run gets its credential. A source knows one place: a flag, nowhere, a vault.

use std::path::PathBuf;
use std::sync::Arc;

use aileron_sandbox::credential::Credentials;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::Class;

use crate::sys::disk::DiskError;

/// Where the credential of a connector comes from: given by hand, the vault, or nowhere.
pub trait CredentialSource {
    /// The credential for the connector of this manifest; `None` where there is none to give.
    ///
    /// # Errors
    /// [`CredentialError`]: one was named, and it cannot be used.
    fn for_connector(&self, manifest: &ConnectorManifest) -> Result<Option<Arc<dyn Credentials>>, CredentialError>;
}

/// No connector gets a credential.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

impl CredentialSource for NoCredentials {
    fn for_connector(&self, _: &ConnectorManifest) -> Result<Option<Arc<dyn Credentials>>, CredentialError> {
        Ok(None)
    }
}

/// Why there is none, although one was named.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The variable is not set, or empty.
    #[error("${0} is not set")]
    Unset(String),
    /// The file holds nothing.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// It could not be sent.
    #[error("{0} holds a line break or NUL in the middle: no header may")]
    NotOneLine(String),
    /// The connector has no use for one.
    #[error("{0} declares no credential")]
    Unwanted(String),
    /// The file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl CredentialError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            CredentialError::Unset(_)
            | CredentialError::Empty(_)
            | CredentialError::NotOneLine(_)
            | CredentialError::Unwanted(_) => Class::UsageError,
            CredentialError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            CredentialError::Unset(_)
            | CredentialError::Empty(_)
            | CredentialError::NotOneLine(_)
            | CredentialError::Unwanted(_) => false,
            CredentialError::Disk(error) => error.is_retriable(),
        }
    }
}
