//! A registry that is a directory, laid out as [`aileron_verifier::layout`] draws it, and beside that
//! `<owner>/<repo>/.staging/<tag>/<asset>`, the tag as one name, which is gone when a release is complete.
//!
//! Any static web server over it is a mirror. A flip is a rename on one file system; the index and `cohort.json` come
//! last, so a version that is listed is whole. What needs no order among itself is done side by side: everything that is
//! staged, and after the connector's flip those of the actions. artifacts.md §1 and §12.

#![expect(clippy::disallowed_methods, reason = "a registry is a directory, whose files are moved into place in order")]

mod made;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aileron_verifier::layout::{ARCHIVE_LIMIT, CompleteVersions, DOWNLOADS, VERSIONS_LIMIT};
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::{Tag, Version};
use aileron_verifier::statement::cohort::{self, Cohort};
use aileron_verifier::statement::{Document as _, DocumentError};

use rayon::prelude::*;

use self::made::Made;
use super::{
    AssetFile, Estimate, Forge, ForgeError, Layout, PublishedKey, Remote, Scope, TagState, Write, WriteKind,
    WriteProgress,
};
use crate::publisher::project::KeyFile;
use crate::sys::disk::{self, Disk, DiskError, Operation, Steps as _};
use crate::sys::lock::{self, LockError, LockPolicy, WAIT_FOR_RELEASE};

/// A registry below one directory.
pub struct DirectoryForge {
    root: PathBuf,
    unsettled: Mutex<Vec<PathBuf>>,
    made: Made,
    waiting: LockPolicy,
}

/// Where the assets of a release that is not public yet lie, below the repository.
const STAGING: &str = ".staging";

/// What a release holds, in the registry's root. A file of ours, since anyone who can list the root could lock that.
const LOCK: &str = ".release.lock";

impl DirectoryForge {
    /// A registry at `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> DirectoryForge {
        let waiting = LockPolicy { wait: WAIT_FOR_RELEASE, ..LockPolicy::default() };
        DirectoryForge { root, unsettled: Mutex::default(), made: Made::default(), waiting }
    }

    /// The same registry, whose lock is waited for like this.
    pub fn waiting(self, waiting: LockPolicy) -> DirectoryForge {
        DirectoryForge { waiting, ..self }
    }

    fn repository(&self, name: &Fqn) -> PathBuf {
        self.root.join(name.repository_path())
    }

    fn public(&self, name: &Fqn, tag: &Tag) -> PathBuf {
        self.root.join(name.release_path(tag))
    }

    fn staging(&self, name: &Fqn, tag: &Tag) -> PathBuf {
        self.repository(name).join(STAGING).join(tag.as_segment())
    }

    fn index_path(&self, name: &Fqn) -> PathBuf {
        self.root.join(name.versions_path())
    }

    fn key_path(&self, name: &Fqn) -> PathBuf {
        self.root.join(name.key_path())
    }

    /// The list of complete versions.
    ///
    /// # Errors
    /// [`ForgeError`] when it is there and cannot be read.
    pub fn index(&self, name: &Fqn) -> Result<Option<CompleteVersions>, ForgeError> {
        let path = self.index_path(name);
        let Some(bytes) = disk::read_if_there(&path, VERSIONS_LIMIT)? else { return Ok(None) };
        let foreign = |why: String| ForgeError::Foreign { path: path.display().to_string(), why };
        let index = CompleteVersions::read(&bytes).map_err(|error| foreign(error.to_string()))?;
        match index.repository {
            Some(_) => Ok(Some(index)),
            None => Err(foreign("it does not name its repository".to_owned())),
        }
    }

    fn published_cohort(&self, name: &Fqn, version: &Version) -> Result<Option<Cohort>, ForgeError> {
        let path = self.public(name, &name.tag(version)).join(cohort::ASSET);
        let Some(bytes) = disk::read_if_there(&path, ARCHIVE_LIMIT)? else { return Ok(None) };
        let foreign =
            |error: DocumentError| ForgeError::Foreign { path: path.display().to_string(), why: error.to_string() };
        Cohort::read_unverified(&bytes).map(Some).map_err(foreign)
    }

    /// What stands under each tag. Where nothing at all is published or staged, no tag is looked for one by one.
    fn states(&self, name: &Fqn, tags: &[Tag]) -> Result<BTreeMap<String, TagState>, ForgeError> {
        let repository = self.repository(name);
        let [public, staging] = [DOWNLOADS, STAGING].map(|area| !is_absent(&repository.join(area)));
        let digests = |area: bool, directory: PathBuf| if area { digests(&directory) } else { Ok(BTreeMap::new()) };
        let state = |tag: &Tag| {
            let assets = digests(public, self.public(name, tag))?;
            let staged = digests(staging, self.staging(name, tag))?;
            Ok((tag.as_str().to_owned(), state(assets, staged)))
        };
        tags.par_iter().map(state).collect()
    }

    fn make(&self, directory: &Path) -> Result<(), DiskError> {
        self.made.make(&self.root, directory)
    }

    fn write(&self, path: PathBuf, bytes: &[u8]) -> Result<(), ForgeError> {
        if let Some(parent) = path.parent() {
            self.make(parent)?;
        }
        disk::write_beside(&path, bytes)?;
        self.wrote(path);
        Ok(())
    }

    fn wrote(&self, path: PathBuf) {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// Puts an asset out of sight. In a directory of this run it needs no temporary sibling: a file that a crash cut short
    /// has another digest, and is written again by the next run.
    fn stage(&self, name: &Fqn, tag: &Tag, asset: &AssetFile) -> Result<(), ForgeError> {
        let staging = self.staging(name, tag);
        self.make(&staging)?;
        let path = staging.join(asset.name);
        if !self.made.is_own(&staging) {
            return self.write(path, &asset.bytes);
        }
        Disk.write(&path, &asset.bytes).map_err(DiskError::at(Operation::Write, &path))?;
        self.made.put(&path);
        self.wrote(path);
        Ok(())
    }

    /// Removes a staged file. One that is not there any more was removed by an earlier run.
    fn remove(&self, name: &Fqn, tag: &Tag, asset: &str) -> Result<(), DiskError> {
        let path = self.staging(name, tag).join(asset);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.map_err(DiskError::at(Operation::Write, &path))?;
                self.made.forget(&path);
                Ok(())
            }
        }
    }

    /// Moves staged assets to where consumers look. One that is not staged any more was moved by an earlier run.
    fn flip(&self, name: &Fqn, tag: &Tag, assets: &[&str]) -> Result<(), ForgeError> {
        let (from, to) = (self.staging(name, tag), self.public(name, tag));
        if self.made.holds(&from, assets.len()) && self.move_whole(&from, &to, assets)? {
            return Ok(());
        }
        self.make(&to)?;
        for asset in assets {
            let target = to.join(asset);
            match fs::rename(from.join(asset), &target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => {
                    renamed.map_err(DiskError::at(Operation::Write, &target))?;
                    self.wrote(target);
                }
            }
        }
        Ok(())
    }

    /// Moves a directory of this run, which holds these assets and nothing else, into a place where nothing is. `false` where
    /// that cannot be done: then the files go one by one, and say why where they cannot either.
    fn move_whole(&self, from: &Path, to: &Path, assets: &[&str]) -> Result<bool, DiskError> {
        if let Some(above) = to.parent() {
            self.make(above)?;
        }
        let is_moved = fs::rename(from, to).is_ok();
        if is_moved {
            self.made.moved(from, to);
            assets.iter().for_each(|asset| self.wrote(to.join(asset)));
        }
        Ok(is_moved)
    }

    fn announce(&self, scope: &Scope<'_>, tag: &Tag) -> Result<(), ForgeError> {
        let name = scope.connector;
        // The signature first: an index without one would be refused, a signature without an index is not looked at.
        self.flip(name, tag, &[cohort::SIGNATURE_ASSET, cohort::ASSET])?;
        // Swept before the list is written, not after: a version that is listed is never looked at again, so what a kill
        // between the two left behind would stay.
        sweep(&self.repository(name).join(STAGING));
        self.made.begin(&self.root);
        for directory in [self.key_path(name), self.index_path(name)].iter().filter_map(|path| path.parent()) {
            remove_temporaries(directory);
        }
        let mut index = self.index(name)?.unwrap_or_else(|| CompleteVersions::none(name.repository()));
        if index.add(&scope.release.version) {
            self.write(self.index_path(name), &index.to_bytes())?;
        }
        Ok(())
    }
}

impl Forge for DirectoryForge {
    fn describe(&self) -> String {
        format!("dir:{}", self.root.display())
    }

    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        let name = scope.connector;
        let states = self.states(name, scope.tags)?;
        let key = match disk::read_if_there(&self.key_path(name), ARCHIVE_LIMIT)? {
            Some(bytes) => PublishedKey::Present(bytes),
            None => PublishedKey::Absent,
        };
        let versions = self.index(name)?.map(|index| index.versions).unwrap_or_default();
        let this = &scope.release.version;
        let older = versions.iter().rev().find(|version| version.precedence(this).is_lt());
        Ok(Remote {
            states,
            key,
            key_files: self.key_path(name).parent().map(digests).transpose()?.unwrap_or_default(),
            cohort: self.published_cohort(name, this)?,
            listed: versions.contains(this),
            previous: older.map(|version| self.published_cohort(name, version)).transpose()?.flatten(),
            previous_archive: None,
            highest: versions.iter().rfind(|version| !version.is_prerelease()).cloned(),
            layout: Layout::Files,
            page: String::new(),
        })
    }

    fn lock(&self, _: &Scope<'_>) -> Result<Box<dyn Send>, ForgeError> {
        fs::create_dir_all(&self.root).map_err(DiskError::at(Operation::CreateDirectory, &self.root))?;
        self.made.begin(&self.root);
        match lock::take(&self.root.join(LOCK), &self.waiting) {
            Ok(lock) => Ok(Box::new(lock)),
            Err(LockError::Busy { .. }) => Err(ForgeError::Busy(self.describe())),
            Err(LockError::Interrupted(_)) => Err(ForgeError::Interrupted),
            Err(LockError::Disk(error)) => Err(error.into()),
        }
    }

    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        let name = scope.connector;
        match write {
            Write::Stage { tag, asset } => self.stage(name, tag, asset),
            Write::Flip { tag, assets, .. } => {
                self.flip(name, tag, &assets.iter().map(|asset| asset.name).collect::<Vec<_>>())
            }
            Write::Remove { tag, asset } => Ok(self.remove(name, tag, asset)?),
            Write::Key { pem, statements } => {
                // The key last: as soon as it is there, what names it is there too.
                for KeyFile { path, bytes } in statements {
                    self.write(self.root.join(name.head_path(path)), bytes)?;
                }
                self.write(self.key_path(name), pem)
            }
            Write::Announce { tag } => self.announce(scope, tag),
            // A staging directory appears with its first file, and a directory has no page for notes.
            Write::Draft { .. } | Write::Finish { .. } => Ok(()),
        }
    }

    fn perform_all(&self, scope: &Scope<'_>, writes: &[Write], progress: &WriteProgress<'_>) -> Result<(), ForgeError> {
        let one = |write: &Write| progress.step(|| self.perform(scope, write));
        let connector = scope.release.tag();
        // No order among these: what is staged is out of sight, and an action is there as soon as its connector is.
        let is_free = |write: &Write| match write.kind() {
            WriteKind::Stage => true,
            WriteKind::Flip => write.tag() != Some(&connector),
            WriteKind::Draft | WriteKind::Remove | WriteKind::Key | WriteKind::Announce | WriteKind::Finish => false,
        };
        for run in writes.chunk_by(|one, next| is_free(one) && is_free(next)) {
            run.par_iter().try_for_each(one)?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), ForgeError> {
        let mut files = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.is_empty() {
            disk::make_durable(&self.root, &files)?;
            files.clear();
        }
        Ok(())
    }

    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        Ok(disk::read_if_there(&self.public(scope.connector, tag).join(asset), ARCHIVE_LIMIT)?)
    }

    fn fetch_each(&self, scope: &Scope<'_>, tags: &[&Tag], asset: &str) -> Result<Vec<Option<Vec<u8>>>, ForgeError> {
        tags.par_iter().map(|tag| self.fetch(scope, tag, asset)).collect()
    }

    fn fetch_staged(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        Ok(disk::read_if_there(&self.staging(scope.connector, tag).join(asset), ARCHIVE_LIMIT)?)
    }

    fn estimate(&self, _: &[Write], _: &[Write]) -> Option<Estimate> {
        None
    }
}

/// The state that these files, public and staged ones, amount to.
fn state(assets: BTreeMap<String, ArchiveDigest>, staged: BTreeMap<String, ArchiveDigest>) -> TagState {
    match (assets.is_empty(), staged.is_empty()) {
        (true, true) => TagState::Absent,
        (true, false) => TagState::Draft(staged),
        (false, _) => TagState::Public { assets, staged },
    }
}

/// Whether nothing is there. What cannot be looked at is not absent: listing it will say why.
fn is_absent(directory: &Path) -> bool {
    directory.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Digest of every file directly in a directory; none where there is no directory.
fn digests(directory: &Path) -> Result<BTreeMap<String, ArchiveDigest>, ForgeError> {
    let digest = |name: String| {
        let bytes = disk::read(&directory.join(&name), ARCHIVE_LIMIT)?;
        Ok((name, ArchiveDigest::of(&[&bytes])))
    };
    file_names(directory)?.into_iter().map(digest).collect()
}

/// Regular files directly in a directory. Hidden ones are temporaries of an interrupted write; sub-directories are other
/// tags (`v1/…` below `v1`).
fn file_names(directory: &Path) -> Result<BTreeSet<String>, ForgeError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(DiskError::at(Operation::List, directory))?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(DiskError::at(Operation::List, directory))?;
        let kind = entry.file_type().map_err(DiskError::at(Operation::List, directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_file() && !name.starts_with('.') {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Removes directories that hold nothing but empty directories and abandoned temporaries. What cannot be removed stays:
/// it is invisible to consumers.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => sweep(&entry.path()),
            _ => remove_temporary(&entry),
        }
    }
    let _ = fs::remove_dir(directory);
}

/// Removes what a killed write left directly in a directory. Called under the lock: no other release is writing there now.
fn remove_temporaries(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        remove_temporary(&entry);
    }
}

fn remove_temporary(entry: &fs::DirEntry) {
    if entry.file_name().as_encoded_bytes().starts_with(disk::TEMPORARY.as_bytes()) {
        let _ = fs::remove_file(entry.path());
    }
}
