//! Actions: `<name>.md` with its signature beside it. artifacts.md §9.
//!
//! Two files cannot be replaced in one step, and a suite has hundreds. So a batch is written aside, and one rename of its
//! directory to `commit-<24 hex>` decides: before it nothing happened, after it the files belong in place, and the
//! next process puts them there if this one cannot. Each single file is whole at any time.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::artifact::action::{Action, Pin};
use aileron_verifier::artifact::archive::{ArtifactKind, Files, MAX_DOCUMENT};
use aileron_verifier::artifact::verify::{Payload, Unverified, Verified, VerifyError, Wanted};
use aileron_verifier::layout::member::DOCUMENT;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use aileron_verifier::trust::key::Fingerprint;
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;

use super::checked::{CheckedState, CheckedWhen, Held, Memories, Memory};
use super::{LockedStore, Pinned, Store, StoreError, names};
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::private::Directory;

/// Where batches are, below the actions: small, so that looking for one costs nothing however many actions there are.
const BATCHES: &str = ".batches";
/// How the directory of a batch that is being written begins.
const WRITING: &str = "writing-";
/// How the directory of a batch that is decided begins.
const DECIDED: &str = "commit-";
/// The one memory for all actions.
const MEMORY: &str = "actions";

/// An installed action as its text says, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionFile {
    /// Its short name, which is the file's.
    pub name: String,
    /// Its name and version; `None` when the text cannot be read.
    pub reference: Option<Ref>,
    /// The connectors it pins.
    pub needs: Vec<Pinned>,
    /// What it may do.
    pub abilities: Abilities,
    /// Whether a signature lies beside it. Older runtimes install without one.
    pub signed: bool,
}

/// What an action may do: the operations it calls, and whether it asks first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Operations of its connectors, sorted.
    pub operations: BTreeSet<String>,
    /// Whether a person approves every run.
    pub asks: bool,
}

impl Abilities {
    /// Reads them off an action.
    pub fn of(action: &Action) -> Abilities {
        let operation = |name: &Fqn, operation: &str| format!("call {operation} of {name}");
        let operations = action.requires.iter().flat_map(|requirement| {
            let name = &requirement.name.value;
            requirement.capabilities.iter().map(move |one| operation(name, &one.value))
        });
        Abilities { operations: operations.collect(), asks: action.needs_approval() }
    }

    /// What this may do and `older` may not, as lines for a person.
    pub fn since(&self, older: &Abilities) -> Vec<String> {
        let silent = (older.asks && !self.asks).then(|| "run without asking you first".to_owned());
        self.operations.difference(&older.operations).cloned().chain(silent).collect()
    }
}

/// What became of one action of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledAction {
    /// The action.
    pub reference: Ref,
    /// What had its place before.
    pub before: Option<Ref>,
    /// Whether it was there already, with the same bytes.
    pub was_there: bool,
}

/// An installed action that counts as verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Name and version.
    pub reference: Ref,
    /// The trusted key that signed it.
    pub signer: Fingerprint,
    /// Whether the bytes were looked at now.
    pub check: CheckedWhen,
}

impl Store {
    /// Commits verified actions: all of them or none.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Taken`] unless `replace` is set, [`StoreError::ConnectorMissing`] when a pinned
    /// connector is not in the store. Nothing was changed then.
    pub fn put_actions(&self, artifacts: &[&Verified], replace: bool) -> Result<Vec<InstalledAction>, StoreError> {
        let documents = artifacts.iter().map(|artifact| document(artifact)).collect::<Result<Vec<_>, _>>()?;
        self.finish_batches()?;
        let mut entered = self.allowed(&documents, replace)?;
        if entered.iter().all(|entry| entry.was_there) {
            return Ok(entered);
        }
        let batches = self.batches();
        self.make(&self.actions_directory())?;
        let staging = self.staging(&batches, WRITING)?;
        for document in &documents {
            staging.write(&format!("{}.md", document.name), document.text)?;
            staging.write(&format!("{}.sig", document.name), document.signature)?;
        }
        self.sync(&staging.path)?;
        let locked = self.lock()?;
        // Asked again: since then other processes may have installed, removed, or crashed.
        self.finish_batches_within(&locked)?;
        entered = self.allowed(&documents, replace)?;
        let suffix = staging.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let decided = batches.join(suffix.replace(WRITING, DECIDED));
        self.steps.rename(&staging.path, &decided).map_err(DiskError::at(Operation::Write, &decided))?;
        self.steps.sync(&batches).map_err(DiskError::at(Operation::Flush, &batches))?;
        self.put_in_place(&decided)?;
        drop(staging);
        self.sweep(&batches, WRITING, &locked);
        // Another process's batch keeps it; the next commit makes it again.
        let _ = std::fs::remove_dir(&batches);
        Ok(entered)
    }

    fn batches(&self) -> PathBuf {
        self.actions_directory().join(BATCHES)
    }

    /// Whether each may have its place, and what has it now.
    fn allowed(&self, documents: &[Document<'_>], replace: bool) -> Result<Vec<InstalledAction>, StoreError> {
        let installed: HashSet<Pinned> = self.installed()?.into_iter().collect();
        let allowed = |document: &Document<'_>| {
            for needs in pins(document.action) {
                if !installed.contains(&needs) {
                    return Err(StoreError::ConnectorMissing { action: document.reference.clone(), needs });
                }
            }
            self.place(document, replace)
        };
        documents.iter().map(allowed).collect()
    }

    fn place(&self, document: &Document<'_>, replace: bool) -> Result<InstalledAction, StoreError> {
        let reference = document.reference.clone();
        let directory = self.actions_directory();
        let path = directory.join(format!("{}.md", document.name));
        let Some(text) = disk::read_if_there(&path, MAX_DOCUMENT)? else {
            return Ok(InstalledAction { reference, before: None, was_there: false });
        };
        let signature = disk::read_if_there(&directory.join(format!("{}.sig", document.name)), MAX_DOCUMENT)?;
        let before = parsed(text.clone()).map(|action| action.reference.value);
        if text == document.text {
            let was_there = signature.as_deref() == Some(document.signature);
            return Ok(InstalledAction { reference, before, was_there });
        }
        let upgrade = before.as_ref().is_some_and(|before| {
            before.name == reference.name && before.version.precedence(&reference.version).is_lt()
        });
        if upgrade || replace {
            Ok(InstalledAction { reference, before, was_there: false })
        } else {
            Err(StoreError::Taken { installed: before, offered: reference })
        }
    }

    /// Flushes a few files one by one, many at once.
    fn sync(&self, directory: &Path) -> Result<(), StoreError> {
        const FEW: usize = 8;
        let files = names(directory)?;
        if files.len() > FEW {
            self.steps.settle_below(directory).map_err(DiskError::at(Operation::Flush, directory))?;
            return Ok(());
        }
        for path in files.iter().map(|name| directory.join(name)) {
            self.steps.sync(&path).map_err(DiskError::at(Operation::Flush, &path))?;
        }
        self.steps.sync(directory).map_err(DiskError::at(Operation::Flush, directory))?;
        Ok(())
    }

    /// Moves a decided batch into place. Repeating it is harmless: what was moved is not there to be moved again. The
    /// signature goes first, since a runtime looks at the text alone.
    fn put_in_place(&self, decided: &Path) -> Result<(), StoreError> {
        let directory = self.actions_directory();
        let mut files = names(decided)?;
        files.sort_by_key(|name| name.ends_with(".md"));
        for name in files {
            let to = directory.join(&name);
            self.steps.rename(&decided.join(&name), &to).map_err(DiskError::at(Operation::Write, &to))?;
        }
        self.steps.sync(&directory).map_err(DiskError::at(Operation::Flush, &directory))?;
        self.steps.remove_directory(decided).map_err(DiskError::at(Operation::Remove, decided))?;
        Ok(())
    }

    /// Finishes what a killed process had decided.
    fn finish_batches(&self) -> Result<(), StoreError> {
        let decided = |name: &String| name.starts_with(DECIDED);
        if names(&self.batches())?.iter().any(decided) && self.batches_are_private() {
            let locked = self.lock()?;
            self.finish_batches_within(&locked)?;
        }
        Ok(())
    }

    /// Whether what is there was decided by this user: others could have put a batch of theirs there otherwise.
    fn batches_are_private(&self) -> bool {
        matches!(Directory::open(&self.batches()), Ok(Some(_)))
    }

    /// A live process holds the lock while its batch moves, so what is here under the lock belongs to a dead one.
    pub(super) fn finish_batches_within(&self, _: &LockedStore) -> Result<(), StoreError> {
        let batches = self.batches();
        if !self.batches_are_private() {
            return Ok(());
        }
        for name in names(&batches)?.iter().filter(|name| name.starts_with(DECIDED)) {
            self.put_in_place(&batches.join(name))?;
        }
        Ok(())
    }

    /// Every installed action, by name, as its text says.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn actions(&self) -> Result<Vec<ActionFile>, StoreError> {
        self.finish_batches()?;
        self.action_files()
    }

    /// One installed action, as its text says.
    ///
    /// # Errors
    /// [`StoreError::NoAction`] or [`StoreError::Disk`].
    pub fn action(&self, name: &str) -> Result<ActionFile, StoreError> {
        self.finish_batches()?;
        let file = if is_name(name) { self.action_file(name)? } else { None };
        file.ok_or_else(|| StoreError::NoAction(name.to_owned()))
    }

    pub(super) fn action_files(&self) -> Result<Vec<ActionFile>, StoreError> {
        let names = names(&self.actions_directory())?;
        let stems = names.iter().filter_map(|name| name.strip_suffix(".md")).filter(|name| !name.starts_with('.'));
        let stems: Vec<&str> = stems.collect();
        let files: Vec<_> = stems.into_par_iter().map(|name| self.action_file(name)).collect();
        files.into_iter().filter_map(Result::transpose).collect()
    }

    fn action_file(&self, name: &str) -> Result<Option<ActionFile>, StoreError> {
        let directory = self.actions_directory();
        let action = match disk::read_if_there(&directory.join(format!("{name}.md")), MAX_DOCUMENT) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => parsed(text),
            // A name in the list like any other; what verifies it says what is wrong.
            Err(error) if is_no_document(&error) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Some(ActionFile {
            name: name.to_owned(),
            needs: action.as_ref().map(|action| pins(action).collect()).unwrap_or_default(),
            abilities: action.as_ref().map(Abilities::of).unwrap_or_default(),
            reference: action.map(|action| action.reference.value),
            signed: directory.join(format!("{name}.sig")).is_file(),
        }))
    }

    /// Reads and verifies an installed action, whatever is remembered. What runs it takes its text from here.
    ///
    /// # Errors
    /// [`StoreError::NoAction`], [`StoreError::NotPrivate`], [`StoreError::Unsigned`], or [`StoreError::Refused`] with the
    /// verdict.
    pub fn verify_action(&self, name: &str, ring: &Keyring) -> Result<Verified, StoreError> {
        self.finish_batches()?;
        if !is_name(name) {
            return Err(StoreError::NoAction(name.to_owned()));
        }
        self.hold_action(name, self.open_actions()?.as_ref())?.verify(ring)
    }

    /// The directory of the actions; `None` where there is none.
    fn open_actions(&self) -> Result<Option<Arc<Directory>>, StoreError> {
        Ok(Directory::open(&self.actions_directory())?.map(Arc::new))
    }

    /// The two files of an installed action, open and read, when no other user could have changed them.
    fn hold_action(&self, name: &str, directory: Option<&Arc<Directory>>) -> Result<HeldAction, StoreError> {
        let names = [format!("{name}.md"), format!("{name}.sig")];
        let path = self.actions_directory().join(&names[0]);
        let directory = directory.ok_or_else(|| StoreError::NoAction(name.to_owned()))?;
        let mut held =
            Held::open(Arc::clone(directory), names.each_ref().map(String::as_str))?.map_err(
                |missing| match missing {
                    missing if missing == names[0] => StoreError::NoAction(name.to_owned()),
                    _ => {
                        let installed = self.action(name).ok().and_then(|file| file.reference);
                        StoreError::Unsigned { name: name.to_owned(), installed }
                    }
                },
            )?;
        let stamps = held.stamps()?;
        let (document, signature) = (held.read(0, MAX_DOCUMENT)?, held.read(1, MAX_DOCUMENT)?);
        let state = CheckedState::new(stamps, &[&document, &signature]);
        Ok(HeldAction { name: name.to_owned(), path, held, state, document, signature })
    }

    /// Judges these installed actions; what was judged before by the same ring and is unchanged is not verified again.
    /// Forgets everything first if `full`.
    ///
    /// # Errors
    /// [`StoreError::Disk`] when the directory cannot be listed; each verdict is its own.
    #[expect(clippy::type_complexity, reason = "a list of names and verdicts")]
    pub fn judge_actions(
        &self,
        ring: &Keyring,
        full: bool,
    ) -> Result<Vec<(ActionFile, Result<Judged, StoreError>)>, StoreError> {
        let remembered = if full { Memories::new() } else { self.recall(MEMORY) };
        let digest = ring.digest();
        let files = self.actions()?;
        // Once for all of them, and a directory that others can write is told for each.
        let directory = self.open_actions();
        let judge = |file: ActionFile| {
            let opened = match &directory {
                Ok(directory) => self.hold_action(&file.name, directory.as_ref()),
                Err(_) => self.open_actions().and_then(|directory| self.hold_action(&file.name, directory.as_ref())),
            };
            let judged = opened.and_then(|held| {
                match remembered.get(&file.name).filter(|memory| memory.holds(&digest, &held.state)) {
                    Some(memory) => {
                        let (reference, signer) = (memory.reference.clone(), memory.signer);
                        Ok((Judged { reference, signer, check: CheckedWhen::Before }, Some(memory.clone())))
                    }
                    None => self.judge_now(held, ring),
                }
            });
            match judged {
                Ok((judged, memory)) => (file, Ok(judged), memory),
                Err(error) => (file, Err(error), None),
            }
        };
        let judged: Vec<_> = files.into_par_iter().map(judge).collect();
        let memories: Memories =
            judged.iter().filter_map(|(file, _, memory)| Some((file.name.clone(), memory.clone()?))).collect();
        if memories != remembered {
            self.remember(MEMORY, &memories);
        }
        Ok(judged.into_iter().map(|(file, verdict, _)| (file, verdict)).collect())
    }

    fn judge_now(&self, action: HeldAction, ring: &Keyring) -> Result<(Judged, Option<Memory>), StoreError> {
        let (held, state) = (action.held.stamps(), action.state.clone());
        let verified = action.verify(ring)?;
        let (reference, signer) = (verified.reference().clone(), *verified.signer());
        let memory = match state.still(&held?) {
            true => Memory::of(self, &reference, &signer, ring, state),
            false => None,
        };
        Ok((Judged { reference, signer, check: CheckedWhen::Now }, memory))
    }

    /// Removes an action: its text, then its signature. Its connectors stay.
    ///
    /// # Errors
    /// [`StoreError::NoAction`] or [`StoreError::Disk`].
    pub fn remove_action(&self, name: &str) -> Result<ActionFile, StoreError> {
        let file = self.action(name)?;
        let _locked: LockedStore = self.lock()?;
        let directory = self.actions_directory();
        for name in [format!("{name}.md"), format!("{name}.sig")] {
            let path = directory.join(name);
            if path.is_file() {
                self.steps.remove_file(&path).map_err(DiskError::at(Operation::Remove, &path))?;
            }
        }
        self.steps.sync(&directory).map_err(DiskError::at(Operation::Flush, &directory))?;
        Ok(file)
    }
}

/// An installed action's files, open, and what was read from them.
struct HeldAction {
    name: String,
    /// Of the text, for messages.
    path: PathBuf,
    held: Held<2>,
    state: CheckedState,
    document: Vec<u8>,
    signature: Vec<u8>,
}

impl HeldAction {
    fn verify(self, ring: &Keyring) -> Result<Verified, StoreError> {
        let HeldAction { name, path, document, signature, .. } = self;
        let refused = |why| StoreError::Refused { what: path.display().to_string(), why };
        let files = Files::Action { document, signature };
        let wanted = Wanted { kind: Some(ArtifactKind::Action), ..Wanted::default() };
        let verified = Unverified::unpacked(files).verify(&wanted, ring).map_err(refused)?;
        match verified.payload() {
            Payload::Action(action) if action.name.value == name => Ok(verified),
            _ => {
                // Under another action's name it would be run in its place.
                let found = verified.reference().clone();
                let named = found.name.repository().action(&name);
                let wanted = Ref { name: named.unwrap_or_else(|_| found.name.clone()), version: found.version.clone() };
                Err(refused(VerifyError::Name { wanted, found }))
            }
        }
    }
}

/// Whether a text can be the name of an action's files, and leads nowhere else.
fn is_name(text: &str) -> bool {
    !text.contains(['/', '\\']) && !text.starts_with('.')
}

/// Whether what lies there cannot be an action's text, whatever is in it.
fn is_no_document(error: &DiskError) -> bool {
    use std::io::ErrorKind;
    matches!(error.cause.kind(), ErrorKind::InvalidInput | ErrorKind::IsADirectory | ErrorKind::FileTooLarge)
}

/// A verified action's bytes.
struct Document<'a> {
    reference: &'a Ref,
    name: &'a str,
    action: &'a Action,
    text: &'a [u8],
    signature: &'a [u8],
}

fn document(artifact: &Verified) -> Result<Document<'_>, StoreError> {
    match (artifact.payload(), artifact.files()) {
        (Payload::Action(action), Files::Action { document: text, signature }) => {
            let name = action.name.value.as_str();
            Ok(Document { reference: artifact.reference(), name, action, text, signature })
        }
        _ => Err(StoreError::NotAnAction(artifact.reference().clone())),
    }
}

fn parsed(text: Vec<u8>) -> Option<Action> {
    Action::parse(Source::read(DOCUMENT, text).ok()?, Stage::Artifact).document
}

/// The connectors an action pins.
pub(crate) fn pins(action: &Action) -> impl Iterator<Item = Pinned> {
    action.requires.iter().filter_map(|requirement| match requirement.hash.value {
        Pin::Hash(content) => {
            let (name, version) = (requirement.name.value.clone(), requirement.version.value.clone());
            Some(Pinned { reference: Ref { name, version }, content })
        }
        Pin::Placeholder => None,
    })
}
