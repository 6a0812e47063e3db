//! Installed connectors, verified again and compared with what is published now.

use aileron_verifier::artifact::archive::{self, ArtifactKind, Files};
use aileron_verifier::artifact::verify::Verified;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::version::Version;
use aileron_verifier::trust::key::Fingerprint;
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::fetch::origin::{FetchError, Origin};
use crate::consumer::install::installed::{InstalledName, find};
use crate::store::{Pinned, Store, StoreError};

/// What is published now under an installed name and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It was not looked for.
    NotAsked,
    /// The content that is installed.
    Same,
    /// Other content.
    Other(ContentHash),
    /// Nothing.
    Gone,
    /// It could not be fetched or read, and why.
    Unknown(String),
}

/// One installed connector.
pub struct CheckedConnector {
    /// What is installed.
    pub pinned: Pinned,
    /// Who signed it, or why it is refused.
    pub verdict: Result<Fingerprint, StoreError>,
    /// What is published.
    pub published: Published,
    /// The newest final version, where it is newer.
    pub newer: Option<Version>,
}

/// Everything that was looked at.
pub struct CheckReport {
    /// Whether the index had to be built again from the manifests.
    pub index_rebuilt: bool,
    /// The connectors that were named, or all.
    pub connectors: Vec<CheckedConnector>,
    /// Entries whose manifest cannot be read.
    pub unreadable: Vec<ContentHash>,
}

/// Rebuilds the index where it differs from the manifests, then verifies the connectors of these names, or all of them;
/// without an `origin` nothing is fetched.
///
/// # Errors
/// [`StoreError`]: the store cannot be read, or nothing of such a name is installed. A refusal is part of the report.
pub fn check(
    store: &Store,
    ring: &Keyring,
    names: &[InstalledName],
    origin: Option<&Origin>,
) -> Result<CheckReport, StoreError> {
    let index_rebuilt = store.rebuild_index()?;
    let unreadable = store.entries()?.into_iter().filter(|(_, reference)| reference.is_none());
    let unreadable: Vec<ContentHash> = unreadable.map(|(content, _)| content).collect();
    let wanted = if names.is_empty() { store.installed()? } else { find(store, names)? };
    let one = |pinned: Pinned| CheckedConnector {
        verdict: store.verify(&pinned, ring).map(|verified| *Verified::signer(&verified)),
        published: origin.map_or(Published::NotAsked, |origin| published(origin, &pinned)),
        newer: origin.and_then(|origin| newer(origin, &pinned)),
        pinned,
    };
    Ok(CheckReport { index_rebuilt, connectors: wanted.into_iter().map(one).collect(), unreadable })
}

fn newer(origin: &Origin, pinned: &Pinned) -> Option<Version> {
    let newest = origin.newest(&pinned.reference.name).ok()?.version;
    pinned.reference.version.precedence(&newest).is_lt().then_some(newest)
}

/// The content hash of what is published, with any signature: a comparison, not a verdict.
fn published(origin: &Origin, pinned: &Pinned) -> Published {
    match origin.fetch(&pinned.reference) {
        Err(FetchError::Absent { .. }) => Published::Gone,
        Err(error) => Published::Unknown(error.to_string()),
        Ok(bytes) => match archive::read(&bytes, Some(ArtifactKind::Connector)) {
            Ok(Files::Connector { wasm, manifest, .. }) => match ContentHash::of(&[&wasm, &manifest]) {
                content if content == pinned.content => Published::Same,
                content => Published::Other(content),
            },
            Ok(Files::Action { .. }) => Published::Unknown("an action is published there".to_owned()),
            Err(error) => Published::Unknown(error.to_string()),
        },
    }
}
