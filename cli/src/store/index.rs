//! `index/connectors.json`: which content a name and version stand for. A cache of what the manifests say.
//!
//! It is believed only where it can be: an index that names content which is not there, or misses content which is, is made
//! again from the manifests. One that lies about names is found out when the entry is opened, because the signed manifest
//! is asked for its name then.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aileron_verifier::artifact::archive::MAX_DOCUMENT;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::layout::member::MANIFEST;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;

use super::{LockedStore, Pinned, Store, StoreError, names};
use crate::sys::disk::{Readers, Replace, TEMPORARY};
use crate::sys::private::{Directory, PrivateError, PrivateFile};

/// An index longer than this is none: it holds a line per connector.
const LIMIT: u64 = 16 * 1024 * 1024;

/// `"<FQN>@<version>"` to `"sha256:<hex>"`, keys in byte order.
pub(super) type Index = BTreeMap<String, ContentHash>;

impl Store {
    fn index_path(&self) -> PathBuf {
        self.home.join("store/index/connectors.json")
    }

    /// What is installed, by name and version.
    ///
    /// # Errors
    /// [`StoreError::Disk`] when the store cannot be listed.
    pub fn installed(&self) -> Result<Vec<Pinned>, StoreError> {
        let pinned =
            |(reference, content): (String, ContentHash)| Some(Pinned { reference: reference.parse().ok()?, content });
        Ok(self.index()?.into_iter().filter_map(pinned).collect())
    }

    /// The content installed under this name and version.
    ///
    /// # Errors
    /// As [`Store::installed`].
    pub fn content_of(&self, reference: &Ref) -> Result<Option<ContentHash>, StoreError> {
        Ok(self.index()?.get(&reference.to_string()).copied())
    }

    /// The index as it should be: the file where it agrees with what lies in the store, else one made from the manifests.
    pub(super) fn index(&self) -> Result<Index, StoreError> {
        let written = self.written_index()?;
        let there = self.contents()?;
        match written {
            Some(index) if agrees(&index, &there) => Ok(index),
            written => Ok(self.told_by_manifests(&there, &written.unwrap_or_default())),
        }
    }

    /// Changes the index, and writes it where the file says something else.
    pub(super) fn reindex(&self, change: impl FnOnce(&mut Index), locked: &LockedStore) -> Result<(), StoreError> {
        let mut index = self.index()?;
        change(&mut index);
        if self.written_index()?.as_ref() != Some(&index) {
            self.write_index(&index, locked)?;
        }
        Ok(())
    }

    /// Makes the file say what the manifests say. Returns whether it said something else.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn rebuild_index(&self) -> Result<bool, StoreError> {
        if !self.home.join("store").is_dir() {
            return Ok(false);
        }
        let locked = self.lock()?;
        let written = self.written_index()?;
        let kept = written.clone().unwrap_or_default();
        let index = self.told_by_manifests(&self.contents()?, &kept);
        let differs = written.as_ref() != Some(&index) && !(written.is_none() && index.is_empty());
        if differs {
            self.write_index(&index, &locked)?;
        }
        Ok(differs)
    }

    /// `None` where there is no file, one that is no index, or one that others could have written.
    fn written_index(&self) -> Result<Option<Index>, StoreError> {
        let mut file = match PrivateFile::open(&self.index_path()) {
            Ok(Some(file)) => file,
            Ok(None) | Err(PrivateError::NotPrivate(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes = file.read(LIMIT)?;
        let index: Option<Index> = serde_json::from_slice(&bytes).ok();
        Ok(index.filter(|index| index.keys().all(|key| key.parse::<Ref>().is_ok())))
    }

    fn write_index(&self, index: &Index, _: &LockedStore) -> Result<(), StoreError> {
        let path = self.index_path();
        let directory = path.with_file_name("");
        self.make(&directory)?;
        let mut bytes = serde_json::to_vec_pretty(index).unwrap_or_default();
        bytes.push(b'\n');
        let replace = Replace { steps: &*self.steps, temporary: TEMPORARY, readers: Readers::All, durable: true };
        replace.sweep(&directory);
        Ok(replace.put(&path, &bytes)?)
    }

    /// Content hashes of all entries, sorted.
    pub(super) fn contents(&self) -> Result<Vec<ContentHash>, StoreError> {
        let names = names(&self.connectors().join("sha256"))?;
        Ok(names.iter().filter_map(|name| format!("sha256:{name}").parse().ok()).collect())
    }

    /// Name and version an entry's manifest claims; `None` where it cannot be read, or others could have written it.
    pub(super) fn claimed(&self, content: ContentHash) -> Option<Ref> {
        claimed(&Directory::open(&self.connectors().join("sha256")).ok()??, content)
    }

    /// Of two entries with one name and version the one that `before` names stays, else the first.
    fn told_by_manifests(&self, there: &[ContentHash], before: &Index) -> Index {
        let mut index = Index::new();
        let Ok(Some(entries)) = Directory::open(&self.connectors().join("sha256")) else { return index };
        for content in there {
            let Some(reference) = claimed(&entries, *content) else { continue };
            let key = reference.to_string();
            if before.get(&key) == Some(content) || !index.contains_key(&key) {
                index.insert(key, *content);
            }
        }
        index
    }
}

fn claimed(entries: &Directory, content: ContentHash) -> Option<Ref> {
    let bytes = entries.directory(&content.hex()).ok()??.file(MANIFEST).ok()??.read(MAX_DOCUMENT).ok()?;
    let source = Source::read(MANIFEST, bytes).ok()?;
    let manifest = ConnectorManifest::parse(source, Stage::Artifact).document?;
    Some(Ref { name: manifest.name.value, version: manifest.version.value })
}

fn agrees(index: &Index, there: &[ContentHash]) -> bool {
    let mut named: Vec<ContentHash> = index.values().copied().collect();
    named.sort_unstable();
    named.dedup();
    named == there
}
