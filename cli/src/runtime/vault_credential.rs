//! Credentials of the vault: the bindings that were chosen before the run, opened one request at a time. vault.md §8.2, §13.

use std::collections::BTreeMap;
use std::sync::Arc;

use aileron_sandbox::credential::{BoundCredential, CredentialRefusal, CredentialRequest, Credentials, Resolving};
use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};

use super::credential_source::{CredentialError, CredentialSource};
use super::oauth::Envelope;
use crate::vault::custodian::Custodian;
use crate::vault::document::Entry;
use crate::vault::error::VaultError;
use crate::vault::file::{VaultFile, value};

/// Names of bindings by connector.
pub type Names = BTreeMap<String, Vec<String>>;

/// Which bindings a run may use, decided before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// One each, or several among which the region of a request chooses.
    pub chosen: Names,
    /// Connectors for which there are several and nobody chose: asked for a credential, they are refused, with these names.
    pub ambiguous: Names,
}

/// The vault, and what of it may be used in this run.
pub struct VaultCredentialSource {
    selection: Selection,
    /// Absent where nothing was chosen: then no passphrase is needed.
    opened: Option<(VaultFile, Arc<Custodian>)>,
}

impl VaultCredentialSource {
    /// A source that opens the chosen bindings and no others.
    pub fn new(selection: Selection, opened: Option<(VaultFile, Arc<Custodian>)>) -> VaultCredentialSource {
        VaultCredentialSource { selection, opened }
    }
}

impl CredentialSource for VaultCredentialSource {
    fn for_connector(&self, manifest: &ConnectorManifest) -> Result<Option<Arc<dyn Credentials>>, CredentialError> {
        let connector = manifest.name.value.to_string();
        let Selection { chosen, ambiguous } = &self.selection;
        Ok(match (chosen.get(&connector), &self.opened, ambiguous.get(&connector)) {
            (Some(names), Some((vault, custodian)), _) => {
                let (vault, custodian) = (vault.clone(), Arc::clone(custodian));
                Some(Arc::new(Bound { vault, custodian, names: names.clone() }))
            }
            (_, _, Some(candidates)) => Some(Arc::new(Refused(candidates.clone()))),
            _ => None,
        })
    }
}

/// Nobody chose.
struct Refused(Vec<String>);

impl Credentials for Refused {
    fn resolve<'a>(&'a self, _: &'a CredentialRequest) -> Resolving<'a> {
        let candidates = self.0.clone();
        Box::pin(async { Err(CredentialRefusal::NotBound { candidates }) })
    }
}

/// The bindings of one connector. The file is read for each request, and a value lives no longer than its request.
struct Bound {
    vault: VaultFile,
    custodian: Arc<Custodian>,
    names: Vec<String>,
}

impl Credentials for Bound {
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a> {
        Box::pin(async { self.open(wanted) })
    }
}

impl Bound {
    fn open(&self, wanted: &CredentialRequest) -> Result<BoundCredential, CredentialRefusal> {
        let failed = |error: VaultError| CredentialRefusal::Failed(error.to_string());
        let missing = || CredentialRefusal::EntryMissing { path: self.names.join(", ") };
        let document = self.vault.read().map_err(failed)?.ok_or_else(missing)?;
        if !self.custodian.is_of(&document) {
            return Err(failed(VaultError::Unavailable));
        }
        let found = self.names.iter().filter_map(|name| Some((name.as_str(), document.entry(name)?)));
        let (name, entry) = self.select(found.collect(), wanted.region.as_deref())?.ok_or_else(missing)?;
        if entry.kind() != wanted.kind.as_str() {
            return Err(CredentialRefusal::KindMismatch);
        }
        let value = value(name, entry, &self.custodian).map_err(failed)?;
        let secret = match wanted.kind {
            CredentialKind::ApiKey | CredentialKind::AwsSigv4 => Arc::new(value),
            CredentialKind::Oauth2 => {
                let damaged = |why| CredentialRefusal::Failed(format!("{name}: {why}"));
                Envelope::read(&value).map_err(damaged)?.access_token
            }
        };
        let label = |label: &str| entry.label(label).map(str::to_owned);
        Ok(BoundCredential {
            kind: entry.kind().to_owned(),
            secret,
            region: label("region"),
            access_key_id: label("access_key_id"),
        })
    }

    /// The only one; of several the one of the request's region. vault.md §14.
    fn select<'d>(
        &self,
        found: Vec<(&'d str, &'d Entry)>,
        region: Option<&str>,
    ) -> Result<Option<(&'d str, &'d Entry)>, CredentialRefusal> {
        if found.len() <= 1 {
            return Ok(found.into_iter().next());
        }
        let mut of_region = found.iter().filter(|(_, entry)| region.is_some() && entry.label("region") == region);
        match (of_region.next(), of_region.next()) {
            (Some(one), None) => Ok(Some(*one)),
            _ => Err(CredentialRefusal::NotBound { candidates: self.names.clone() }),
        }
    }
}

#[cfg(test)]
mod tests;
