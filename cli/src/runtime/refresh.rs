//! A new access token for an oauth2 binding whose token ends. vault.md §12.
//!
//! ```text
//! lock of this binding, for all processes ─► read it again ─► not due any more: another one renewed it, use that
//!   │ due
//!   ├─ its op has ended meanwhile: nothing is sent
//!   └─ one request ─► new tokens ─► stored ─► used         from here on neither a deadline nor Ctrl-C cuts it short:
//!        └─ invalid_grant ─► read it once more              the provider may have ended the old refresh token already
//! ```
//!
//! A refresh runs in a thread of its own, because the op that wants the token may reach its deadline in the middle of it.
//! The owner of the [`Refresher`] waits for what was begun: [`Refresher::finish`].
//!
//! Not here: whether a token is due, what is sent and what an answer means ([`oauth`](super::oauth)).

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use aileron_sandbox::credential::CredentialRefusal;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::oauth::{Client, ClientError, Envelope, NotAnEnvelope};
use super::token_endpoint::{self, EndpointError};
use crate::sys::http::Web;
use crate::sys::interrupt;
use crate::sys::lock::LockPolicy;
use crate::vault::custodian::Custodian;
use crate::vault::error::VaultError;
use crate::vault::file::{VaultFile, value};

/// How long the lock of a binding is waited for: another process has it for one request and one write.
const LOCK: Duration = token_endpoint::TOTAL.saturating_add(STORE);
/// How long the lock of the vault is waited for when there is a token to store. Longer than elsewhere, since it would be lost.
const STORE: Duration = Duration::from_secs(30);
/// After this long the user is told what is waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// The vault, its key, and the way to providers.
#[derive(Clone)]
pub struct Refresher(Arc<Shared>);

struct Shared {
    vault: VaultFile,
    custodian: Arc<Custodian>,
    web: Web,
    /// Its clock tells whether a token is due; its voice says what went wrong beside the answer.
    waiting: LockPolicy,
    begun: Begun,
}

/// Why there is no fresh token. It reaches a user as a [`CredentialRefusal`] only, which has the class.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The vault, or the lock of the binding.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The binding was revoked meanwhile.
    #[error("it is not in the vault any more")]
    Revoked,
    /// The entry is damaged.
    #[error(transparent)]
    NotAnEnvelope(#[from] NotAnEnvelope),
    /// The connector that is installed has no client that could ask.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Tokens of one provider are not sent to another one. vault.md §3.2.
    #[error("its token_url is not the one of the installed connector, {0}")]
    OtherEndpoint(String),
    /// The provider refused, or could not be asked.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The op does not wait for it any more.
    #[error("nothing waits for it any more")]
    GivenUp,
    /// The system gives no thread.
    #[error("no thread to renew it in: {0}")]
    NoThread(io::ErrorKind),
}

impl RefreshError {
    /// The same for the connector's request. vault.md §13.2.
    pub fn into_refusal(self, binding: &str) -> CredentialRefusal {
        let failed = |retriable| CredentialRefusal::RefreshFailed {
            binding: binding.to_owned(),
            why: self.to_string(),
            retriable,
        };
        match &self {
            RefreshError::Vault(VaultError::Locked(error)) => failed(error.is_retriable()),
            RefreshError::Vault(error) => CredentialRefusal::Failed(error.to_string()),
            RefreshError::NotAnEnvelope(why) => CredentialRefusal::Failed(format!("{binding}: {why}")),
            RefreshError::Revoked => CredentialRefusal::EntryMissing { path: binding.to_owned() },
            RefreshError::Endpoint(error) => failed(error.is_retriable()),
            RefreshError::Client(_) | RefreshError::OtherEndpoint(_) => failed(false),
            RefreshError::GivenUp | RefreshError::NoThread(_) => failed(true),
        }
    }
}

impl Refresher {
    /// For the bindings of this vault. `waiting` gives the clock, the flag that ends the waiting for a lock, and the voice for
    /// warnings.
    pub fn new(vault: VaultFile, custodian: Arc<Custodian>, web: Web, waiting: LockPolicy) -> Refresher {
        Refresher(Arc::new(Shared { vault, custodian, web, waiting, begun: Begun::default() }))
    }

    /// Whether the token has to be renewed before it is used.
    pub fn is_due(&self, envelope: &Envelope) -> bool {
        envelope.is_due(self.0.now())
    }

    /// The tokens of this binding, renewed unless another process did so meanwhile. Dropping the future gives up, but for what
    /// was sent already.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn renewed(&self, name: &str, client: &Client) -> Result<Envelope, RefreshError> {
        let waits = Arc::new(AtomicBool::new(true));
        let _gives_up = GivesUp(Arc::clone(&waits));
        let (answer, answered) = oneshot::channel();
        let refresh =
            Refresh { shared: Arc::clone(&self.0), name: name.to_owned(), client: client.clone(), is_wanted: waits };
        let started = thread::Builder::new().name("refresh".to_owned()).spawn(move || {
            // The op may be gone: then the vault has the token, and the next op finds it there.
            let _ = answer.send(refresh.run());
        });
        started.map_err(|error| RefreshError::NoThread(error.kind()))?;
        answered.await.unwrap_or(Err(RefreshError::NoThread(io::ErrorKind::Other)))
    }

    /// [`Refresher::renewed`] in this thread, which waits.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn renewed_here(&self, name: &str, client: &Client) -> Result<Envelope, RefreshError> {
        let (shared, is_wanted) = (Arc::clone(&self.0), Arc::new(AtomicBool::new(true)));
        Refresh { shared, name: name.to_owned(), client: client.clone(), is_wanted }.run()
    }

    /// Waits until what was sent is answered and stored; nothing is begun after that. Before a process ends.
    pub fn finish(&self) {
        self.0.begun.finish(&*self.0.waiting.say);
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.waiting.clock.now()).unwrap_or(Timestamp::MAX)
    }
}

/// Dropped with the future that waits.
struct GivesUp(Arc<AtomicBool>);

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// One refresh of one binding.
struct Refresh {
    shared: Arc<Shared>,
    name: String,
    client: Client,
    is_wanted: Arc<AtomicBool>,
}

/// What became of the new tokens.
enum Stored {
    /// They are in the vault.
    Kept,
    /// Others are there: a program that takes no lock was first, or the user authorized again.
    Overtaken,
    /// The user revoked the binding.
    Revoked,
}

impl Refresh {
    /// The walk of the drawing above.
    fn run(&self) -> Result<Envelope, RefreshError> {
        let Shared { vault, waiting, web, begun, .. } = &*self.shared;
        let _lock = vault.lock_binding(&self.name, LockPolicy { wait: LOCK, ..waiting.clone() })?;
        let envelope = self.read()?;
        let form = match envelope.refresh() {
            Some(form) if envelope.is_due(self.shared.now()) => form,
            _ => return Ok(envelope),
        };
        if envelope.token_url != self.client.token_url {
            return Err(RefreshError::OtherEndpoint(self.client.token_url.clone()));
        }
        let _begun = begun.begin(&self.name, &self.is_wanted).ok_or(RefreshError::GivenUp)?;
        let _hold = interrupt::hold();
        match token_endpoint::request(&envelope.token_url, &form, web) {
            Ok(answer) => self.keep(&envelope, envelope.renewed(answer, self.shared.now())),
            Err(EndpointError::Token(error)) if error.is_invalid_grant() => {
                let found = self.read()?;
                let is_newer = !found.has_refresh_token_of(&envelope) && !found.is_due(self.shared.now());
                if is_newer { Ok(found) } else { Err(EndpointError::Token(error).into()) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the vault has now. What an entry of the shortest form lacks comes from the manifest. vault.md §7.1.
    fn read(&self) -> Result<Envelope, RefreshError> {
        let Shared { vault, custodian, .. } = &*self.shared;
        let document = vault.lockable()?;
        if !custodian.is_of(&document) {
            return Err(VaultError::Unavailable.into());
        }
        let entry = document.entry(&self.name).ok_or(RefreshError::Revoked)?;
        Ok(Envelope::read(&value(&self.name, entry, custodian)?)?.completed(&self.client))
    }

    /// Stores what came. Tokens that cannot be stored are used once: the op has done nothing wrong. vault.md §12.
    fn keep(&self, old: &Envelope, renewed: Envelope) -> Result<Envelope, RefreshError> {
        let Shared { vault, custodian, waiting, .. } = &*self.shared;
        let patient = LockPolicy { wait: STORE, stop: interrupt::never(), ..waiting.clone() };
        let plaintext = renewed.write();
        let stored = vault.clone().waiting(patient).change(Some(custodian), |document| {
            let Some(entry) = document.entry(&self.name).cloned() else { return Ok(Stored::Revoked) };
            let found = value(&self.name, &entry, custodian).ok().and_then(|value| Envelope::read(&value).ok());
            if !found.is_some_and(|found| found.has_refresh_token_of(old)) {
                return Ok(Stored::Overtaken);
            }
            document.put(self.name.clone(), entry.with_blob(custodian.seal(&plaintext)?));
            Ok(Stored::Kept)
        });
        match stored {
            Ok(Stored::Revoked) => return Err(RefreshError::Revoked),
            Ok(Stored::Kept | Stored::Overtaken) => {}
            Err(error) => (waiting.say)(format!(
                "warning: the new tokens of {name} could not be stored: {error}; if the next refresh is refused, run aileron \
                 binding reauthorize {name}",
                name = self.name
            )),
        }
        Ok(renewed)
    }
}

/// How many refreshes are between their request and their storing.
#[derive(Default)]
struct Begun {
    running: Mutex<Running>,
    changed: Condvar,
}

#[derive(Default)]
struct Running {
    names: Vec<String>,
    is_closed: bool,
}

impl Begun {
    /// `None` when nothing waits for it any more.
    fn begin(&self, name: &str, is_wanted: &AtomicBool) -> Option<Ends<'_>> {
        let mut running = self.running();
        if running.is_closed || !is_wanted.load(Ordering::SeqCst) {
            return None;
        }
        running.names.push(name.to_owned());
        Some(Ends { begun: self, name: name.to_owned() })
    }

    fn finish(&self, say: &(dyn Fn(String) + Send + Sync)) {
        let mut running = self.running();
        running.is_closed = true;
        let mut is_told = false;
        while let Some(name) = running.names.first() {
            let name = name.clone();
            let (next, waited) = self.changed.wait_timeout(running, SILENCE).unwrap_or_else(PoisonError::into_inner);
            running = next;
            if waited.timed_out() && !is_told {
                is_told = true;
                say(format!("waiting for the new token of {name}, to store it"));
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of one, however it comes.
struct Ends<'a> {
    begun: &'a Begun,
    name: String,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let mut running = self.begun.running();
        if let Some(at) = running.names.iter().position(|name| *name == self.name) {
            running.names.remove(at);
        }
        self.begun.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
