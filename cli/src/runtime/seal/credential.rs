//! The port: where a credential comes from, asked once for each request; and the vault behind it. vault.md §8.6, §12, §13.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::runtime::oauth::{Client, Envelope};
use crate::runtime::refresh::Refresher;
use crate::secret::Secret;
use crate::sys::clock::Clock;
use crate::sys::http::Web;
use crate::sys::lock::LockPolicy;
use crate::vault::custodian::Custodian;
use crate::vault::file::{Snapshot, VaultFile, value};

/// Gives credentials by their reference. It may wait for the disk, and for a provider of tokens.
pub trait Credentials: Send + Sync + 'static {
    /// The credential; `None` where it is not there, or cannot be opened. Why not is no business of the child's.
    fn credential(&self, reference: &str) -> Option<Arc<Secret>>;
}

/// The vault, opened for this run. Its file is looked at for each request and read when it changed; an entry is opened for
/// each request, and its value lives no longer than that. A token that ends is renewed first, as for a connector's request; why
/// one cannot be renewed is said to the user, once.
pub struct VaultCredentials {
    vault: VaultFile,
    /// Everything in it is sealed still.
    seen: Mutex<Option<Arc<Snapshot>>>,
    clock: Arc<dyn Clock + Send + Sync>,
    custodian: Arc<Custodian>,
    refresher: Refresher,
    clients: BTreeMap<String, Client>,
    say: Arc<dyn Fn(String) + Send + Sync>,
    told: Mutex<BTreeSet<String>>,
}

impl VaultCredentials {
    /// The vault with this custodian. `waiting` gives the clock that says which token has ended, and the voice.
    pub fn new(vault: VaultFile, custodian: Arc<Custodian>, waiting: LockPolicy) -> VaultCredentials {
        let (say, clock, seen) = (Arc::clone(&waiting.say), Arc::clone(&waiting.clock), Mutex::default());
        let refresher = Refresher::new(vault.clone(), Arc::clone(&custodian), Web::default(), waiting);
        let (clients, told) = (BTreeMap::new(), Mutex::default());
        VaultCredentials { vault, seen, clock, custodian, refresher, clients, say, told }
    }

    /// The app that may ask for new tokens of this reference: that of the connector it belongs to. vault.md §3.2.
    #[must_use]
    pub fn renewed_by(mut self, reference: &str, client: Client) -> VaultCredentials {
        self.clients.insert(reference.to_owned(), client);
        self
    }

    /// The value as it is stored, and whether it holds tokens that can be renewed.
    pub fn stored(&self, reference: &str) -> Option<(Arc<Secret>, bool)> {
        match self.open(reference)? {
            Opened::Value(value) => Some((Arc::new(value), false)),
            Opened::Tokens(envelope) => {
                let ends = envelope.refresh_token.is_some() && envelope.expires_at.is_some();
                Some((envelope.access_token, ends))
            }
        }
    }

    /// Waits until tokens that were asked for are stored. Before the run ends.
    pub fn finish(&self) {
        self.refresher.finish();
    }

    fn open(&self, reference: &str) -> Option<Opened> {
        let now = self.clock.now();
        let seen = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.vault.snapshot(seen.take(), now).ok()?;
            Arc::clone(seen.insert(now))
        };
        let document = seen.document().filter(|document| self.custodian.is_of(document))?;
        let entry = document.entry(reference)?;
        let value = value(reference, entry, &self.custodian).ok()?;
        match entry.kind() {
            "oauth2" => Envelope::read(&value).ok().map(|envelope| Opened::Tokens(Box::new(envelope))),
            _ => Some(Opened::Value(value)),
        }
    }

    /// A token that has not ended; `None` where it cannot be had.
    fn fresh(&self, reference: &str, envelope: Envelope) -> Option<Arc<Secret>> {
        if !self.refresher.is_due(&envelope) {
            return Some(envelope.access_token);
        }
        let renewed = match self.clients.get(reference) {
            Some(client) => self.refresher.renewed_here(reference, client).map_err(|error| error.to_string()),
            None => Err("no connector that is installed says how".to_owned()),
        };
        match renewed {
            Ok(envelope) => Some(envelope.access_token),
            Err(why) => {
                self.say_once(reference, &why);
                None
            }
        }
    }

    fn say_once(&self, reference: &str, why: &str) {
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned()) {
            (self.say)(format!(
                "warning: the token of {reference} has ended and cannot be renewed, so requests for it are refused: {why}; \
                 aileron binding reauthorize {reference}"
            ));
        }
    }
}

enum Opened {
    Value(Secret),
    Tokens(Box<Envelope>),
}

impl Credentials for VaultCredentials {
    fn credential(&self, reference: &str) -> Option<Arc<Secret>> {
        let value = match self.open(reference)? {
            Opened::Value(value) => Arc::new(value),
            Opened::Tokens(envelope) => self.fresh(reference, *envelope)?,
        };
        (!value.is_blank()).then_some(value)
    }
}

#[cfg(test)]
mod tests;
