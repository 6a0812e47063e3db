//! Installed connectors by the names a person gives them, and what pins them.

use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::problem::Class;

use crate::store::{ActionFile, Pinned, Store, StoreError};

/// How an installed connector is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstalledName {
    /// One version.
    Version(Ref),
    /// Every version that is installed.
    Connector(Fqn),
}

/// Why a name does not lead to the connectors that are meant.
#[derive(Debug, thiserror::Error)]
pub enum InstalledError {
    /// The store: nothing of that name is installed, or it cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name without a version, where several are installed.
    #[error("{name} is installed in {} versions", .versions.len())]
    SeveralVersions {
        /// The name.
        name: Fqn,
        /// What is installed under it.
        versions: Vec<Ref>,
    },
}

impl InstalledError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            InstalledError::Store(error) => error.class(),
            InstalledError::SeveralVersions { .. } => Class::UsageError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            InstalledError::Store(error) => error.is_retriable(),
            InstalledError::SeveralVersions { .. } => false,
        }
    }
}

/// The installed connectors of these names, in their order; a name without a version gives every version, oldest first.
///
/// # Errors
/// [`StoreError::NoConnector`], or the store cannot be read.
pub fn find(store: &Store, names: &[InstalledName]) -> Result<Vec<Pinned>, StoreError> {
    let mut found = Vec::new();
    for name in names {
        match name {
            InstalledName::Version(reference) => {
                let content = store.content_of(reference)?;
                let content = content.ok_or_else(|| StoreError::NoConnector(reference.to_string()))?;
                found.push(Pinned { reference: reference.clone(), content });
            }
            InstalledName::Connector(name) => match store.versions_of(name)? {
                versions if versions.is_empty() => return Err(StoreError::NoConnector(name.to_string())),
                versions => found.extend(versions),
            },
        }
    }
    Ok(found)
}

/// The one installed connector of this name.
///
/// # Errors
/// [`InstalledError`].
pub fn one(store: &Store, name: &InstalledName) -> Result<Pinned, InstalledError> {
    let mut found = find(store, std::slice::from_ref(name))?;
    match (found.pop(), name) {
        (Some(last), InstalledName::Connector(name)) if !found.is_empty() => {
            let versions = found.into_iter().chain([last]).map(|pinned| pinned.reference).collect();
            Err(InstalledError::SeveralVersions { name: name.clone(), versions })
        }
        (Some(only), _) => Ok(only),
        (None, InstalledName::Connector(name)) => Err(StoreError::NoConnector(name.to_string()).into()),
        (None, InstalledName::Version(reference)) => Err(StoreError::NoConnector(reference.to_string()).into()),
    }
}

/// What may be removed under these names: one version each, and none that an installed action pins.
///
/// # Errors
/// [`InstalledError`]; [`StoreError::Pinned`].
pub fn removable(store: &Store, names: &[InstalledName]) -> Result<Vec<Pinned>, InstalledError> {
    for name in names.iter().filter(|name| matches!(name, InstalledName::Connector(_))) {
        match one(store, name) {
            Err(error @ InstalledError::SeveralVersions { .. }) => return Err(error),
            // What is not installed is reported below, in the order of the names.
            Err(InstalledError::Store(StoreError::NoConnector(_))) | Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    let found = find(store, names)?;
    let actions = store.actions()?;
    for pinned in &found {
        let by: Vec<String> = pinned_by(&actions, pinned.content).into_iter().map(str::to_owned).collect();
        if !by.is_empty() {
            return Err(StoreError::Pinned { reference: pinned.reference.clone(), by }.into());
        }
    }
    Ok(found)
}

/// The connectors to upgrade: these, which must be installed, or without names every installed one.
///
/// # Errors
/// [`StoreError::NoConnector`], or the store cannot be read.
pub fn upgradable(store: &Store, names: Vec<Fqn>) -> Result<Vec<Fqn>, StoreError> {
    if let Some(absent) = first_absent(store, &names)? {
        return Err(StoreError::NoConnector(absent.to_string()));
    }
    if !names.is_empty() {
        return Ok(names);
    }
    let mut installed: Vec<Fqn> = store.installed()?.into_iter().map(|pinned| pinned.reference.name).collect();
    installed.dedup();
    Ok(installed)
}

fn first_absent<'a>(store: &Store, names: &'a [Fqn]) -> Result<Option<&'a Fqn>, StoreError> {
    for name in names {
        if store.versions_of(name)?.is_empty() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Short names of the installed actions that pin this content.
pub fn pinned_by(actions: &[ActionFile], content: ContentHash) -> Vec<&str> {
    let pins = |action: &&ActionFile| action.needs.iter().any(|needs| needs.content == content);
    actions.iter().filter(pins).map(|action| action.name.as_str()).collect()
}
