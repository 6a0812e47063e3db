//! Whom to trust, asked where an install needs to know: once per owner and run, after the key was fetched, and no unless
//! somebody says yes. keyring.md §7, artifacts.md §10.
//!
//! Asking is all that happens here. Whether the key verifies anything is the verifier's verdict afterwards, and no answer
//! changes it. Not here: how a question looks on a terminal ([`Console`] is the seam), exit codes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use aileron_verifier::name::fqn::{Authority, Fqn};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::fetch::origin::Origin;
use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::publisher_key::{self, Fetched, KeyFetchError};
use crate::consumer::trust::ring::{RingError, RingFile};

/// Where a person is told things, and asked for one line.
pub trait Console {
    /// Shows a text as it stands; line ends are part of it.
    ///
    /// # Errors
    /// What the system said: there is no ring that can be read.
    fn say(&mut self, text: &str) -> io::Result<()>;

    /// Shows a question without a line end and reads one line of standard input, whatever that is. `None` is its end.
    ///
    /// # Errors
    /// What the system said; the question is then not answered.
    fn ask(&mut self, question: &str) -> io::Result<Option<String>>;
}

/// Asks, and tells whether the answer is yes: `y` or `yes`, in any case, white space around it. Everything else is no, an
/// empty line and the end of input too. keyring.md §7.1.
///
/// # Errors
/// As [`Console::ask`].
pub fn consents(console: &mut dyn Console, question: &str) -> io::Result<bool> {
    let answer = console.ask(question)?.unwrap_or_default();
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What one run remembers: an owner is asked about once, and one that was declined stays declined. keyring.md §7.2.
#[derive(Debug, Default)]
pub struct TrustSession {
    trusted: BTreeSet<Authority>,
    declined: BTreeSet<Authority>,
    /// Keys that were asked about, each with the key that revoked it, if one did.
    revoked: BTreeMap<(Authority, PublicKey), Option<PublicKey>>,
}

/// How far `--yes` answers the trust question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yes {
    /// It was not given.
    Ask,
    /// It was given, and this publisher was named on the command line: the answer is yes.
    Granted,
    /// It was given, and another publisher was named: this one is asked about, and told why. artifacts.md §10.
    OfOthers,
}

/// What the trust question needs of the world.
pub struct Asking<'a> {
    /// The ring that is asked first, and that an accepted key is granted in.
    pub ring: &'a RingFile,
    /// Where keys are fetched from.
    pub origin: &'a Origin,
    /// Who is asked.
    pub console: &'a mut dyn Console,
    /// Whether the question is shown. The notice always is.
    pub yes: Yes,
    /// The only key that may be granted. A key with another fingerprint is refused before anything is asked.
    pub fingerprint: Option<Fingerprint>,
}

/// Why there is no trust to go on with. Nothing was granted; the ring is as it was. The texts are keyring.md §7's.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no place for a ring.
    #[error("cannot determine home directory; set $HOME or run `aileron keyring trust <authority>` manually")]
    NoHome,
    /// The answer was no.
    #[error("publisher {0} not trusted; aborting")]
    Declined(Authority),
    /// The answer was no before, in this run.
    #[error("publisher {0} trust previously declined this run; skipping")]
    DeclinedBefore(Authority),
    /// There is no key to ask about.
    #[error("fetch publisher key for {authority}: {why}")]
    Key {
        /// Whose.
        authority: Authority,
        /// Why not.
        why: KeyFetchError,
    },
    /// The key is not the one that was named beforehand.
    #[error("the key of {authority} has fingerprint {found}, not {wanted}; nothing was trusted")]
    OtherKey {
        /// Whose.
        authority: Authority,
        /// What `--fingerprint` says.
        wanted: Fingerprint,
        /// What was fetched.
        found: Fingerprint,
    },
    /// The ring cannot be read, or not be written.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// No question can be asked: there is no terminal.
    #[error("cannot ask whether to trust {authority}: {why}")]
    Console {
        /// About whom.
        authority: Authority,
        /// What the system said.
        why: io::Error,
    },
}

impl AskError {
    /// The failure class. An untrusted publisher is `signature_failure`, as the verdict without the key would be.
    pub fn class(&self) -> Class {
        match self {
            AskError::NoHome => TrustError::NoHome.class(),
            AskError::Declined(_) | AskError::DeclinedBefore(_) | AskError::OtherKey { .. } => Class::SignatureFailure,
            AskError::Key { why, .. } => why.class(),
            AskError::Ring(error) => error.class(),
            AskError::Console { .. } => Class::SignatureFailure,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            AskError::Key { why, .. } => why.is_retriable(),
            AskError::Ring(error) => error.is_retriable(),
            AskError::NoHome
            | AskError::Declined(_)
            | AskError::DeclinedBefore(_)
            | AskError::OtherKey { .. }
            | AskError::Console { .. } => false,
        }
    }
}

impl TrustSession {
    /// A run in which no question was asked yet.
    pub fn new() -> TrustSession {
        TrustSession::default()
    }

    /// Who revoked a key, if anybody did; looked up once.
    pub(in crate::consumer) fn revocation(
        &mut self,
        authority: &Authority,
        key: &PublicKey,
        look: impl FnOnce() -> Option<PublicKey>,
    ) -> Option<PublicKey> {
        *self.revoked.entry((authority.clone(), *key)).or_insert_with(look)
    }

    /// The ring to judge artifacts of `name` with, after asking about its publisher if no key is trusted for it.
    ///
    /// Silent when the ring has any key for the owner or for the repository: whether it is the right one is the verdict's
    /// business. A key for the repository alone does not speak for the owner's other repositories.
    ///
    /// # Errors
    /// [`AskError`]. Each of them declines the owner for the rest of the run, a failed fetch too. keyring.md §7.2.
    pub fn ensure_trusted(&mut self, name: &Fqn, asking: &mut Asking<'_>) -> Result<Keyring, AskError> {
        let (repo, owner) = (name.repo_authority(), name.owner_authority());
        if self.declined.contains(&owner) {
            return Err(AskError::DeclinedBefore(repo));
        }
        let checked = asking.ring.load_or_refuse().map_err(AskError::from).and_then(|ring| {
            if self.trusted.contains(&owner) || self.trusted.contains(&repo) {
                return Ok((ring, None));
            }
            match covering(&ring, name) {
                Some(covering) => Ok((ring, Some(covering))),
                None => Ok((asking.grant(name)?, Some(owner.clone()))),
            }
        });
        match checked {
            Ok((ring, covered)) => {
                self.trusted.extend(covered);
                Ok(ring)
            }
            Err(error) => {
                self.declined.insert(owner);
                Err(error)
            }
        }
    }
}

/// The widest authority of `name` that has a key: its owner, else its repository, else none.
fn covering(ring: &Keyring, name: &Fqn) -> Option<Authority> {
    [name.owner_authority(), name.repo_authority()].into_iter().find(|authority| !ring.exact(authority).is_empty())
}

impl Asking<'_> {
    /// Notice, fetch, question, grant: in this order, so that the question shows the key it is about.
    fn grant(&mut self, name: &Fqn) -> Result<Keyring, AskError> {
        let (repo, owner) = (name.repo_authority(), name.owner_authority());
        let unheard = |why| AskError::Console { authority: name.repo_authority(), why };
        self.console.say(&notice(&repo, &owner)).map_err(unheard)?;
        let fetched = publisher_key::fetch(name, self.origin);
        let Fetched { key, at } = fetched.map_err(|why| AskError::Key { authority: repo.clone(), why })?;
        let fingerprint = key.fingerprint();
        if let Some(wanted) = self.fingerprint.filter(|wanted| *wanted != fingerprint) {
            return Err(AskError::OtherKey { authority: repo, wanted, found: fingerprint });
        }
        let mirror =
            if self.origin.is_mirror() { format!("  Mirror: {}\n", printable(&at.to_string())) } else { String::new() };
        self.console.say(&format!("  Fingerprint: {fingerprint}\n{mirror}")).map_err(unheard)?;
        if self.yes == Yes::OfOthers {
            let why = format!("  --yes does not answer this: {owner} was not named on the command line.\n");
            self.console.say(&why).map_err(unheard)?;
        }
        let question = format!("Trust publisher {repo}? [y/N]: ");
        if self.yes != Yes::Granted && !consents(self.console, &question).map_err(unheard)? {
            return Err(AskError::Declined(repo));
        }
        let ring = self.ring.edit(|ring| {
            ring.grant(owner.clone(), key);
            ring.clone()
        })?;
        let path = self.ring.path().display();
        let granted = format!("✓ Trusted publisher {owner}\n  Fingerprint: {fingerprint}\n  Keyring: {path}\n");
        self.console.say(&granted).map_err(unheard)?;
        Ok(ring)
    }
}

/// keyring.md §7.1, word for word. It says how far the grant will reach, before it is asked for.
fn notice(repo: &Authority, owner: &Authority) -> String {
    format!(
        "\nPublisher {repo} is not yet trusted.\n  \
           Aileron will fetch keys/publisher.pub on the publisher's default branch\n  \
           and trust {owner} to verify signed installs from every connector\n  \
           this publisher ships.\n"
    )
}

#[cfg(test)]
mod tests;
