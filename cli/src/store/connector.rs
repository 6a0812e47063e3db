//! Connectors: content-addressed entries that are whole or not there.

use std::path::PathBuf;
use std::sync::Arc;

use aileron_verifier::artifact::archive::{ArtifactKind, Files, MAX_DOCUMENT, MAX_MODULE, Malformed};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::verify::{Payload, Unverified, Verified, VerifyError, Wanted};
use aileron_verifier::layout::member::{MANIFEST, MODULE, SIGNATURE};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use aileron_verifier::trust::key::Fingerprint;
use aileron_verifier::trust::keyring::Keyring;

use super::checked::{CheckedState, CheckedWhen, Held, Memories, Memory};
use super::{LockedStore, Pinned, Store, StoreError, names};
use crate::sys::disk::{DiskError, Operation};
use crate::sys::private::{Directory, Stamp};

const MEMBERS: [&str; 3] = [MODULE, MANIFEST, SIGNATURE];
/// How the directory of an unfinished entry begins. artifacts.md §9.
const INSTALLING: &str = "install-";
/// How the directory of an entry on its way out begins.
const REMOVING: &str = "remove-";

/// A connector in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreEntry {
    /// What it is.
    pub pinned: Pinned,
    /// Where it lies.
    pub directory: PathBuf,
    /// Whether it was there already, with the same bytes.
    pub was_there: bool,
}

/// A connector that counts as verified by the ring it was opened with.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub pinned: Pinned,
    /// The trusted key that signed it.
    pub signer: Fingerprint,
    /// The bound manifest.
    pub manifest: ConnectorManifest,
    /// Whether the bytes were looked at now.
    pub check: CheckedWhen,
    /// Where it lies.
    pub directory: PathBuf,
}

impl Opened {
    /// The module's file. For its bytes ask [`Store::verify`], which proves them again: a file may change after
    /// it was opened.
    pub fn module_path(&self) -> PathBuf {
        self.directory.join(MODULE)
    }
}

impl Store {
    /// Commits a verified connector. Nothing of the store changes before this.
    ///
    /// Written aside, flushed, renamed; losing a race against the same content is success. An entry with the same address
    /// and other bytes (damaged, or signed again) gets these, file by file, each of them whole.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::OtherContent`] when the name and version are installed with other content, and
    /// `replace` is not set.
    pub fn put_over(&self, artifact: &Verified, replace: bool) -> Result<StoreEntry, StoreError> {
        let (Some(content), Files::Connector { wasm, manifest, signature }) = (artifact.content(), artifact.files())
        else {
            return Err(StoreError::NotAConnector(artifact.reference().clone()));
        };
        let pinned = Pinned { reference: artifact.reference().clone(), content };
        self.refuse_other_content(&pinned, replace)?;
        let directory = self.entry_directory(content);
        let entry = |was_there| StoreEntry { pinned: pinned.clone(), directory: directory.clone(), was_there };
        let members: [(&str, &[u8]); 3] = [(MODULE, wasm), (MANIFEST, manifest), (SIGNATURE, signature)];
        if self.changed(content, &members)?.is_empty() {
            let locked = self.lock()?;
            self.enter(&pinned, replace, &locked)?;
            return Ok(entry(true));
        }
        let staging = self.staging(&self.connectors().join("tmp"), INSTALLING)?;
        for (name, bytes) in members {
            staging.write(name, bytes)?;
            let path = staging.path.join(name);
            self.steps.sync(&path).map_err(DiskError::at(Operation::Flush, &path))?;
        }
        self.steps.sync(&staging.path).map_err(DiskError::at(Operation::Flush, &staging.path))?;
        let sha256 = self.connectors().join("sha256");
        let locked = self.lock()?;
        self.refuse_other_content(&pinned, replace)?;
        self.make(&sha256)?;
        let was_there = match directory.is_dir() {
            true => {
                let changed = self.changed(content, &members)?;
                for name in &changed {
                    let to = directory.join(name);
                    self.steps.rename(&staging.path.join(name), &to).map_err(DiskError::at(Operation::Write, &to))?;
                }
                self.steps.sync(&directory).map_err(DiskError::at(Operation::Flush, &directory))?;
                changed.is_empty()
            }
            false => {
                self.steps.rename(&staging.path, &directory).map_err(DiskError::at(Operation::Write, &directory))?;
                false
            }
        };
        self.steps.sync(&sha256).map_err(DiskError::at(Operation::Flush, &sha256))?;
        self.enter(&pinned, replace, &locked)?;
        let tmp = self.connectors().join("tmp");
        drop(staging);
        self.sweep(&tmp, INSTALLING, &locked);
        self.sweep(&tmp, REMOVING, &locked);
        Ok(entry(was_there))
    }

    /// [`Store::put_over`] that never replaces other content under the same name and version.
    ///
    /// # Errors
    /// As [`Store::put_over`].
    pub fn put(&self, artifact: &Verified) -> Result<StoreEntry, StoreError> {
        self.put_over(artifact, false)
    }

    fn refuse_other_content(&self, offered: &Pinned, replace: bool) -> Result<(), StoreError> {
        match self.content_of(&offered.reference)? {
            Some(installed) if installed != offered.content && !replace => Err(StoreError::OtherContent {
                reference: offered.reference.clone(),
                installed,
                offered: offered.content,
            }),
            _ => Ok(()),
        }
    }

    fn enter(&self, pinned: &Pinned, replace: bool, locked: &LockedStore) -> Result<(), StoreError> {
        let key = pinned.reference.to_string();
        let mut before = None;
        self.reindex(|index| before = index.insert(key, pinned.content), locked)?;
        match before.filter(|before| replace && *before != pinned.content) {
            // What was replaced goes, unless an action still pins it.
            Some(before) if self.pinned_by(before)?.is_empty() => self.take_out(before, locked),
            _ => Ok(()),
        }
    }

    /// Opens an entry: verified by this ring now, or before and unchanged since. artifacts.md §9.
    ///
    /// # Errors
    /// [`StoreError::NoConnector`], [`StoreError::NotPrivate`], or [`StoreError::Refused`] with the verdict.
    pub fn open(&self, wanted: &Pinned, ring: &Keyring) -> Result<Opened, StoreError> {
        let mut entry = self.look(wanted)?;
        let opened = |manifest, signer, check| {
            let directory = self.entry_directory(wanted.content);
            Opened { pinned: wanted.clone(), signer, manifest, check, directory }
        };
        let hex = wanted.content.hex();
        let remembered = self.recall(&hex).remove(&hex).filter(|memory| memory.reference == wanted.reference);
        if let Some(memory) = remembered {
            let documents = entry.documents()?;
            if memory.holds(&ring.digest(), &documents.state)
                && let Ok(source) = Source::read(MANIFEST, documents.manifest)
                && let Some(manifest) = ConnectorManifest::parse(source, Stage::Artifact).document
            {
                return Ok(opened(manifest, memory.signer, CheckedWhen::Before));
            }
            entry = self.look(wanted)?;
        }
        let verified = self.verify_entry(entry, wanted, ring)?;
        match verified.payload() {
            Payload::Connector { manifest, .. } => {
                Ok(opened((**manifest).clone(), *verified.signer(), CheckedWhen::Now))
            }
            Payload::Action(_) => Err(StoreError::NotAConnector(wanted.reference.clone())),
        }
    }

    /// Reads, hashes and verifies an entry, whatever is remembered, and remembers it. What runs it takes the bytes from here.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn verify(&self, wanted: &Pinned, ring: &Keyring) -> Result<Verified, StoreError> {
        self.verify_entry(self.look(wanted)?, wanted, ring)
    }

    fn verify_entry(&self, mut entry: EntryFiles, wanted: &Pinned, ring: &Keyring) -> Result<Verified, StoreError> {
        let Documents { state, manifest, signature } = entry.documents()?;
        let wasm = entry.0.read(0, MAX_MODULE)?;
        let files = Files::Connector { wasm, manifest, signature };
        let question = Wanted {
            reference: Some(wanted.reference.clone()),
            kind: Some(ArtifactKind::Connector),
            content: Some(wanted.content),
        };
        let refused = |why| StoreError::Refused { what: wanted.reference.to_string(), why };
        let hex = wanted.content.hex();
        let verified = Unverified::unpacked(files).verify(&question, ring).map_err(|why| {
            self.forget(&hex);
            refused(why)
        })?;
        if state.still(&entry.stamps()?)
            && let Some(memory) = Memory::of(self, verified.reference(), verified.signer(), ring, state)
        {
            self.remember(&hex, &Memories::from([(hex.clone(), memory)]));
        }
        Ok(verified)
    }

    /// The entry's files, open, when they are there and no other user could have changed them.
    fn look(&self, wanted: &Pinned) -> Result<EntryFiles, StoreError> {
        let Some(directory) = self.entry(wanted.content)? else {
            return Err(StoreError::NoConnector(wanted.reference.to_string()));
        };
        Held::open(Arc::new(directory), MEMBERS)?.map(EntryFiles).map_err(|name| {
            let member = MEMBERS.into_iter().find(|member| *member == name).unwrap_or(MODULE);
            let why = VerifyError::Archive(Malformed::Missing { kind: ArtifactKind::Connector, member });
            StoreError::Refused { what: wanted.reference.to_string(), why }
        })
    }

    /// The directory of an entry, which is not a link; `None` where there is none.
    fn entry(&self, content: ContentHash) -> Result<Option<Directory>, StoreError> {
        match Directory::open(&self.connectors().join("sha256"))? {
            Some(entries) => Ok(entries.directory(&content.hex())?),
            None => Ok(None),
        }
    }

    /// Members that are not there, private and with exactly these bytes.
    fn changed<'a>(&self, content: ContentHash, members: &[(&'a str, &[u8])]) -> Result<Vec<&'a str>, StoreError> {
        let directory = self.entry(content)?;
        let same = |name: &str, bytes: &[u8]| {
            let file = directory.as_ref().and_then(|directory| directory.file(name).ok().flatten());
            file.and_then(|mut file| file.read(bytes.len() as u64).ok()).is_some_and(|found| found == bytes)
        };
        Ok(members.iter().filter(|(name, bytes)| !same(name, bytes)).map(|(name, _)| *name).collect())
    }

    /// Every installed version of a connector, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn versions_of(&self, name: &Fqn) -> Result<Vec<Pinned>, StoreError> {
        let mut versions: Vec<Pinned> =
            self.installed()?.into_iter().filter(|pinned| pinned.reference.name == *name).collect();
        versions.sort_by(|a, b| {
            let (a, b) = (&a.reference.version, &b.reference.version);
            a.precedence(b).then_with(|| a.as_str().cmp(b.as_str()))
        });
        Ok(versions)
    }

    /// Every entry, also those whose manifest cannot be read: content hash, and the name it claims.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn entries(&self) -> Result<Vec<(ContentHash, Option<Ref>)>, StoreError> {
        Ok(self.contents()?.into_iter().map(|content| (content, self.claimed(content))).collect())
    }

    /// Removes a connector that no installed action pins.
    ///
    /// # Errors
    /// [`StoreError::Pinned`], [`StoreError::NoConnector`] or [`StoreError::Disk`].
    pub fn remove(&self, pinned: &Pinned) -> Result<(), StoreError> {
        if !self.entry_directory(pinned.content).is_dir() {
            return Err(StoreError::NoConnector(pinned.reference.to_string()));
        }
        let locked = self.lock()?;
        self.finish_batches_within(&locked)?;
        let by = self.pinned_by(pinned.content)?;
        if !by.is_empty() {
            return Err(StoreError::Pinned { reference: pinned.reference.clone(), by });
        }
        self.take_out(pinned.content, &locked)
    }

    /// Out of the store in one step, then out of the index, then off the disk.
    fn take_out(&self, content: ContentHash, locked: &LockedStore) -> Result<(), StoreError> {
        let directory = self.entry_directory(content);
        let tmp = self.connectors().join("tmp");
        let aside = tmp.join(format!("{REMOVING}{}", &content.hex()[..24]));
        self.make(&tmp)?;
        if aside.is_dir() {
            self.steps.remove_directory(&aside).map_err(DiskError::at(Operation::Remove, &aside))?;
        }
        self.steps.rename(&directory, &aside).map_err(DiskError::at(Operation::Remove, &directory))?;
        self.reindex(|index| index.retain(|_, found| *found != content), locked)?;
        self.forget(&content.hex());
        self.steps.remove_directory(&aside).map_err(DiskError::at(Operation::Remove, &aside))?;
        Ok(())
    }
}

/// Module, manifest and signature of one entry, open.
struct EntryFiles(Held<3>);

/// What is read of an entry at every open.
struct Documents {
    state: CheckedState,
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

impl EntryFiles {
    fn documents(&mut self) -> Result<Documents, StoreError> {
        let stamps = self.stamps()?;
        let (manifest, signature) = (self.0.read(1, MAX_DOCUMENT)?, self.0.read(2, MAX_DOCUMENT)?);
        Ok(Documents { state: CheckedState::new(stamps, &[&manifest, &signature]), manifest, signature })
    }

    /// Of the files, and of the directory, which holds nothing else.
    fn stamps(&self) -> Result<Vec<Stamp>, StoreError> {
        let mut stamps = self.0.stamps()?;
        stamps.extend(self.0.directory().stamp());
        Ok(stamps)
    }
}

impl Store {
    /// Names of the installed actions that pin this content.
    pub(super) fn pinned_by(&self, content: ContentHash) -> Result<Vec<String>, StoreError> {
        let pins = |file: &super::ActionFile| file.needs.iter().any(|needs| needs.content == content);
        Ok(self.action_files()?.into_iter().filter(pins).map(|file| file.name).collect())
    }

    /// Whether anything lies in the store at all.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.contents()?.is_empty() && names(&self.actions_directory())?.is_empty())
    }
}
