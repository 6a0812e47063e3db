//! What `keyring trust` names as an authority, and its key. keyring.md §5.3, §6.1.

use std::path::PathBuf;

use aileron_verifier::name::fqn::{Authority, Fqn, NameError};
use aileron_verifier::problem::Class;

use crate::consumer::fetch::origin::Origin;
use crate::consumer::hub::{self, HubError};
use crate::consumer::trust::publisher_key::{self, Fetched, KeyFetchError};
use crate::sys::address::Address;
use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

/// Which authority is to be trusted, and where its key is looked for.
pub struct TrustRequest<'a> {
    /// `github://owner` or `github://owner/repository`, as written.
    pub authority: &'a str,
    /// Only the repository, not everything its owner publishes.
    pub repo_only: bool,
    /// A file that holds the key: nothing is fetched.
    pub key_file: Option<PathBuf>,
    /// The catalog in which a bare owner is looked up.
    pub catalog: Option<&'a str>,
    /// Where keys are fetched from.
    pub origin: &'a Origin,
}

/// An authority, and the key to grant to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// What the grant goes under.
    pub authority: Authority,
    /// The key, and where it was read.
    pub fetched: Fetched,
    /// The repository it was fetched from; none for a file's and a catalog's.
    pub repository: Option<Fqn>,
}

/// Why there is no key to grant. The texts are keyring.md §6.1's.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Not a name.
    #[error("parse {what}: {why}")]
    Name {
        /// What was parsed, as written.
        what: String,
        /// Why not.
        why: NameError,
    },
    /// `--repo-only` with an owner.
    #[error("--repo-only needs a repository, as in {0}/<repo>")]
    OwnerAlone(String),
    /// The key file cannot be used.
    #[error("{0}")]
    KeyFile(KeyFetchError),
    /// The repository's key could not be fetched.
    #[error("fetch publisher key for {repository}: {why}")]
    Repository {
        /// The repository.
        repository: Authority,
        /// What the grant would go under.
        granted: Authority,
        /// Why not.
        why: KeyFetchError,
    },
    /// The catalog could not be read.
    #[error("query Hub for publisher {owner}; {}", instead(.owner))]
    Hub {
        /// The owner.
        owner: Authority,
        /// Why not.
        why: HubError,
    },
    /// The catalog lists no connector of this owner with a key.
    #[error("no Hub entry with a publisher key for {owner}; {}", instead(.owner))]
    NoEntry {
        /// The owner.
        owner: Authority,
    },
    /// The key an entry points to could not be fetched.
    #[error("fetch publisher key from {at} (Hub key_url for {owner}): {why}")]
    Entry {
        /// The owner.
        owner: Authority,
        /// Where the entry points to.
        at: Address,
        /// Why not.
        why: KeyFetchError,
    },
}

fn instead(owner: &Authority) -> String {
    format!("trust via a specific connector, e.g. keyring trust {owner}/<repo>")
}

impl AuthorityError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            AuthorityError::Name { .. } => Class::ValidationError,
            AuthorityError::OwnerAlone(_) => Class::UsageError,
            AuthorityError::KeyFile(why)
            | AuthorityError::Repository { why, .. }
            | AuthorityError::Entry { why, .. } => why.class(),
            AuthorityError::Hub { why, .. } => why.class(),
            AuthorityError::NoEntry { .. } => Class::FetchFailed,
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            AuthorityError::KeyFile(why)
            | AuthorityError::Repository { why, .. }
            | AuthorityError::Entry { why, .. } => why.is_retriable(),
            AuthorityError::Hub { why, .. } => why.is_retriable(),
            AuthorityError::Name { .. } | AuthorityError::OwnerAlone(_) | AuthorityError::NoEntry { .. } => false,
        }
    }
}

impl TrustRequest<'_> {
    /// The authority the grant goes under, and its key: from the file, from the repository, or for a bare owner from the
    /// first connector the catalog lists for exactly this owner.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn find(&self, environment: &Environment, spawner: Spawner<'_>) -> Result<FoundKey, AuthorityError> {
        let (name, authority) = self.parsed()?;
        if let Some(path) = &self.key_file {
            let key = publisher_key::from_file(path).map_err(AuthorityError::KeyFile)?;
            let fetched = Fetched { key, at: Address::of_path(path) };
            return Ok(FoundKey { authority, fetched, repository: None });
        }
        let fetched = match &name {
            Some(name) => publisher_key::fetch(name, self.origin).map_err(|why| AuthorityError::Repository {
                repository: name.repo_authority(),
                granted: authority.clone(),
                why,
            })?,
            None => self.through_hub(&authority, environment, spawner)?,
        };
        Ok(FoundKey { authority, fetched, repository: name })
    }

    /// The repository, where one is named, and the authority.
    fn parsed(&self) -> Result<(Option<Fqn>, Authority), AuthorityError> {
        let invalid = |what: String| move |why| AuthorityError::Name { what, why };
        let Some(owner) = bare_owner(self.authority) else {
            let what = format!("authority {}", self.authority);
            let name = Fqn::parse_local(self.authority).map_err(invalid(what))?;
            let authority = if self.repo_only { name.repo_authority() } else { name.owner_authority() };
            return Ok((Some(name), authority));
        };
        let name = Fqn::parse_local(&format!("{owner}/_")).map_err(invalid(format!("owner authority {owner}")))?;
        if self.repo_only {
            return Err(AuthorityError::OwnerAlone(owner.to_owned()));
        }
        Ok((None, name.owner_authority()))
    }

    fn through_hub(
        &self,
        owner: &Authority,
        environment: &Environment,
        spawner: Spawner<'_>,
    ) -> Result<Fetched, AuthorityError> {
        let source = hub::CatalogSource::choose(self.catalog, environment);
        let catalog = source.and_then(|source| source.read(spawner));
        let catalog = catalog.map_err(|why| AuthorityError::Hub { owner: owner.clone(), why })?;
        let (entry, name) =
            catalog.with_key_of(owner).ok_or_else(|| AuthorityError::NoEntry { owner: owner.clone() })?;
        hub::key_of(entry, Some(&name), self.origin).map_err(|why| AuthorityError::Entry {
            owner: owner.clone(),
            at: Address::of(&*entry.key_url),
            why,
        })
    }
}

/// `github://owner`, with or without slashes behind it. keyring.md §2.4.
fn bare_owner(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let owner = rest.trim_end_matches('/');
    (!owner.is_empty() && !owner.contains('/')).then(|| text.trim_end_matches('/'))
}
