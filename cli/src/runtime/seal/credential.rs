//! The port: where a credential comes from, asked once for each request; and the vault behind it. vault.md §8.6, §13.

use std::sync::Arc;

use crate::runtime::oauth::Envelope;
use crate::secret::Secret;
use crate::vault::custodian::Custodian;
use crate::vault::document::Document;
use crate::vault::file::{VaultFile, value};

/// Gives credentials by their reference. It may wait for the disk.
pub trait Credentials: Send + Sync + 'static {
    /// The credential; `None` where it is not there, or cannot be opened. Why not is no business of the child's.
    fn credential(&self, reference: &str) -> Option<Arc<Secret>>;
}

/// The vault, opened for this run. Its file is read for each request, and a value lives no longer than that.
pub struct VaultCredentials {
    /// The file.
    pub vault: VaultFile,
    /// Who opens its entries.
    pub custodian: Arc<Custodian>,
}

impl Credentials for VaultCredentials {
    fn credential(&self, reference: &str) -> Option<Arc<Secret>> {
        let document: Document = self.vault.read().ok()??;
        if !self.custodian.is_of(&document) {
            return None;
        }
        let entry = document.entry(reference)?;
        let value = value(reference, entry, &self.custodian).ok()?;
        let value = match entry.kind() {
            "oauth2" => Envelope::read(&value).ok()?.access_token,
            _ => Arc::new(value),
        };
        (!value.is_blank()).then_some(value)
    }
}
