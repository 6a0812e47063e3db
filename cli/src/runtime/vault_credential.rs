//! Credentials of the vault: the bindings that were chosen before the run, opened one request at a time. vault.md §8.2, §12, §13.

use std::collections::BTreeMap;
use std::sync::Arc;

use aileron_sandbox::credential::{BoundCredential, CredentialRefusal, CredentialRequest, Credentials, Resolving};
use aileron_verifier::artifact::manifest::{ConnectorManifest, CredentialKind};

use super::credential_source::{CredentialError, CredentialSource};
use super::oauth::{Client, ClientError, Envelope};
use super::refresh::{RefreshError, Refresher};
use crate::secret::Secret;
use crate::sys::http::Web;
use crate::sys::lock::LockPolicy;
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
    /// Connectors for which there are several and the user chose none: asked for a credential, they are refused, with these names.
    pub ambiguous: Names,
}

/// A vault that is unlocked, and what renewing its tokens needs.
#[derive(Clone)]
pub struct UnlockedVault {
    /// The file.
    pub vault: VaultFile,
    /// Who opens its entries.
    pub custodian: Arc<Custodian>,
    /// Renews tokens that end.
    pub refresher: Refresher,
}

impl UnlockedVault {
    /// The vault with this custodian; tokens are asked for through `web`. `waiting` is how locks are waited for; its clock says
    /// which token has ended, its voice passes on warnings.
    pub fn new(vault: VaultFile, custodian: Arc<Custodian>, web: Web, waiting: LockPolicy) -> UnlockedVault {
        let refresher = Refresher::new(vault.clone(), Arc::clone(&custodian), web, waiting);
        UnlockedVault { vault, custodian, refresher }
    }
}

/// The vault, and what of it may be used in this run.
pub struct VaultCredentialSource {
    selection: Selection,
    /// Absent where nothing was chosen: then no passphrase is needed.
    unlocked: Option<UnlockedVault>,
}

impl VaultCredentialSource {
    /// A source that opens the chosen bindings and no others.
    pub fn new(selection: Selection, unlocked: Option<UnlockedVault>) -> VaultCredentialSource {
        VaultCredentialSource { selection, unlocked }
    }
}

impl Drop for VaultCredentialSource {
    /// A token that was asked for is stored before the process may end.
    fn drop(&mut self) {
        if let Some(unlocked) = &self.unlocked {
            unlocked.refresher.finish();
        }
    }
}

impl CredentialSource for VaultCredentialSource {
    fn for_connector(&self, manifest: &ConnectorManifest) -> Result<Option<Arc<dyn Credentials>>, CredentialError> {
        let connector = manifest.name.value.to_string();
        let Selection { chosen, ambiguous } = &self.selection;
        Ok(match (chosen.get(&connector), &self.unlocked, ambiguous.get(&connector)) {
            (Some(names), Some(unlocked), _) => {
                let oauth2 = manifest.credential.as_ref().and_then(|credential| credential.oauth2.as_ref());
                let client = oauth2.map(Client::of);
                Some(Arc::new(Bound { unlocked: unlocked.clone(), client, names: names.clone() }))
            }
            (_, _, Some(candidates)) => Some(Arc::new(Refused(candidates.clone()))),
            _ => None,
        })
    }
}

/// There are several, and the user has chosen none.
struct Refused(Vec<String>);

impl Credentials for Refused {
    fn resolve<'a>(&'a self, _: &'a CredentialRequest) -> Resolving<'a> {
        let candidates = self.0.clone();
        Box::pin(async { Err(CredentialRefusal::NotBound { candidates }) })
    }
}

/// The bindings of one connector. The file is read for each request, and a value lives no longer than its request.
struct Bound {
    unlocked: UnlockedVault,
    /// The app of the manifest, for `oauth2`.
    client: Option<Result<Client, ClientError>>,
    names: Vec<String>,
}

impl Credentials for Bound {
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a> {
        Box::pin(self.credential(wanted))
    }
}

impl Bound {
    async fn credential(&self, wanted: &CredentialRequest) -> Result<BoundCredential, CredentialRefusal> {
        let (name, entry, value) = self.open(wanted)?;
        let secret = match wanted.kind {
            CredentialKind::ApiKey | CredentialKind::AwsSigv4 => Arc::new(value),
            CredentialKind::Oauth2 => self.access_token(&name, &value).await?,
        };
        let label = |label: &str| entry.label(label).map(str::to_owned);
        Ok(BoundCredential {
            kind: entry.kind().to_owned(),
            secret,
            region: label("region"),
            access_key_id: label("access_key_id"),
        })
    }

    /// The token, renewed first when it ends.
    async fn access_token(&self, name: &str, value: &Secret) -> Result<Arc<Secret>, CredentialRefusal> {
        let UnlockedVault { refresher, .. } = &self.unlocked;
        let refused = |error: RefreshError| error.into_refusal(name);
        let envelope = Envelope::read(value).map_err(|error| refused(error.into()))?;
        let envelope = match &self.client {
            Some(client) if refresher.is_due(&envelope) => {
                let client = client.as_ref().map_err(|error| refused((*error).into()))?;
                refresher.renewed(name, client).await.map_err(refused)?
            }
            _ => envelope,
        };
        Ok(envelope.access_token)
    }

    /// The binding that is meant, and its value.
    fn open(&self, wanted: &CredentialRequest) -> Result<(String, Entry, Secret), CredentialRefusal> {
        let UnlockedVault { vault, custodian, .. } = &self.unlocked;
        let failed = |error: VaultError| CredentialRefusal::Failed(error.to_string());
        let missing = || CredentialRefusal::EntryMissing { path: self.names.join(", ") };
        let document = vault.read().map_err(failed)?.ok_or_else(missing)?;
        if !custodian.is_of(&document) {
            return Err(failed(VaultError::Unavailable));
        }
        let found = self.names.iter().filter_map(|name| Some((name.as_str(), document.entry(name)?)));
        let (name, entry) = self.select(found.collect(), wanted.region.as_deref())?.ok_or_else(missing)?;
        if entry.kind() != wanted.kind.as_str() {
            return Err(CredentialRefusal::KindMismatch);
        }
        let value = value(name, entry, custodian).map_err(failed)?;
        Ok((name.to_owned(), entry.clone(), value))
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
