//! Where a cohort is published: a forge that is observed, then written to.
//!
//! The vocabulary is GitHub's (drafts that hold assets, tags that appear when a draft is published), because that is the
//! harder case; a directory plays it with a staging area and renames. A forge makes no decisions: `release/plan` decides
//! from what [`Forge::observe`] saw, and each [`Write`] is repeatable.
//!
//! [`model`] is GitHub itself as a pure state machine: what rehearsals publish into, and what the test kit serves.

pub mod directory;
mod error;
pub mod github;
pub mod model;
pub mod registry;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::name::version::{Tag, Version};
use aileron_verifier::statement::cohort::Cohort;
use serde::{Deserialize, Serialize};

pub use self::error::ForgeError;
use crate::github::Limit;
use crate::publisher::project::KeyFile;
use crate::sys::calendar::moment;

/// A file on a release.
#[derive(Clone)]
pub struct AssetFile {
    /// `aileron.tar.gz`, `cohort.json`, …
    pub name: &'static str,
    /// Its exact bytes.
    pub bytes: Arc<[u8]>,
    /// Their digest.
    pub digest: ArchiveDigest,
}

impl AssetFile {
    /// Digests the bytes.
    pub fn new(name: &'static str, bytes: Vec<u8>) -> AssetFile {
        let digest = ArchiveDigest::of(&[&bytes]);
        AssetFile { name, bytes: bytes.into(), digest }
    }
}

/// What stands under one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagState {
    /// Nothing.
    Absent,
    /// Assets that no consumer can see yet.
    Draft(BTreeMap<String, ArchiveDigest>),
    /// Assets that consumers can see. A directory may hold staged assets besides.
    Public {
        /// What consumers download.
        assets: BTreeMap<String, ArchiveDigest>,
        /// What is staged for the same tag.
        staged: BTreeMap<String, ArchiveDigest>,
    },
    /// An immutable release had the tag and was deleted: the name can never be published again.
    Burned,
    /// What stands there is nothing this tool made or may touch.
    Unknown(String),
}

/// The publisher's public key as consumers of this forge find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishedKey {
    /// None yet.
    Absent,
    /// These bytes.
    Present(Vec<u8>),
}

/// One look at the forge: everything a plan needs to know.
pub struct Remote {
    /// State of each tag that was asked for.
    pub states: BTreeMap<String, TagState>,
    /// The key at `HEAD/keys/publisher.pub`.
    pub key: PublishedKey,
    /// The files beside it, by name, where this tool is the one that puts them there.
    pub key_files: BTreeMap<String, ArchiveDigest>,
    /// The public `cohort.json` of this version, if there is one that can be read.
    pub cohort: Option<Cohort>,
    /// Whether the forge's list of releases names this version.
    pub listed: bool,
    /// Index of the newest published version before this one.
    pub previous: Option<Cohort>,
    /// Its connector's archive, where it was asked for and is the one that the index lists. A forge leaves it out.
    pub previous_archive: Option<Vec<u8>>,
    /// Highest published version that is no pre-release.
    pub highest: Option<Version>,
    /// How a release is put there.
    pub layout: Layout,
    /// Address of the repository's page, for links in notes; empty where there is none.
    pub page: String,
}

/// How a release is put on a forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Files, one by one, with the publisher's key beside them; the index is shown last.
    Files,
    /// Releases that are drafts with all their files before they are public; the notes come last.
    Releases,
}

/// What a plan costs, and when it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// When this was worked out.
    pub at: SystemTime,
    /// The earliest instant at which the last write can leave, at the pace requests have had so far.
    pub finish: SystemTime,
    /// The limit that asks for the longest wait.
    pub limit: Option<Limit>,
    /// Releases and assets to make.
    pub creations: usize,
    /// Releases to change.
    pub changes: usize,
    /// Requests that only look.
    pub reads: usize,
}

impl Estimate {
    /// The finish as people read it: a time of day, with the date where that is another day.
    pub fn done_by(&self) -> String {
        moment(self.finish, self.at)
    }
}

/// One step of publishing. Repeating it finds its own work and changes nothing.
#[derive(Clone)]
pub enum Write {
    /// Make a draft that assets can be staged on.
    Draft {
        /// The release's tag.
        tag: Tag,
        /// Shown as a pre-release, never as the latest.
        pre_release: bool,
    },
    /// Put an asset where it can be flipped from.
    Stage {
        /// The release's tag.
        tag: Tag,
        /// The file.
        asset: AssetFile,
    },
    /// Take back a file that no consumer may get, and that a release must not hold when it is shown.
    Remove {
        /// The release's tag.
        tag: Tag,
        /// The file's name.
        asset: &'static str,
    },
    /// Make staged assets of a tag visible; the index waits for [`Write::Announce`].
    Flip {
        /// The release's tag.
        tag: Tag,
        /// These, and nothing an earlier run may have left beside them.
        assets: Vec<AssetFile>,
        /// Shown as a pre-release, never as the latest.
        pre_release: bool,
        /// What a reader of the release page sees, where that is final already.
        notes: Option<String>,
    },
    /// Put the publisher's public key where consumers look for it, and what the repository says of its keys beside it.
    Key {
        /// SPKI PEM.
        pem: Vec<u8>,
        /// Statements on keys and their signatures.
        statements: Vec<KeyFile>,
    },
    /// Make the cohort's index visible and list the version: the release is complete.
    Announce {
        /// The connector's tag.
        tag: Tag,
    },
    /// Give the connector's release its notes, and make it the latest where it is.
    Finish {
        /// The connector's tag.
        tag: Tag,
        /// What a reader of the release page sees.
        notes: String,
        /// Whether this is the highest final version.
        latest: bool,
    },
}

/// What a write does, whatever it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteKind {
    /// [`Write::Draft`].
    Draft,
    /// [`Write::Stage`].
    Stage,
    /// [`Write::Remove`].
    Remove,
    /// [`Write::Flip`].
    Flip,
    /// [`Write::Key`].
    Key,
    /// [`Write::Announce`].
    Announce,
    /// [`Write::Finish`].
    Finish,
}

impl WriteKind {
    /// One line that names a write of this kind, in reports and errors.
    pub fn line(self, tag: &str, asset: &str) -> String {
        match self {
            WriteKind::Draft => format!("draft {tag}"),
            WriteKind::Finish => format!("write the notes of {tag}"),
            WriteKind::Stage => format!("stage {tag} {asset}"),
            WriteKind::Remove => format!("remove {asset} from the draft of {tag}"),
            WriteKind::Flip => format!("publish {tag}"),
            WriteKind::Key => "write the publisher's key".to_owned(),
            WriteKind::Announce => format!("announce {tag}"),
        }
    }
}

impl Write {
    /// What it does.
    pub fn kind(&self) -> WriteKind {
        match self {
            Write::Draft { .. } => WriteKind::Draft,
            Write::Stage { .. } => WriteKind::Stage,
            Write::Remove { .. } => WriteKind::Remove,
            Write::Flip { .. } => WriteKind::Flip,
            Write::Key { .. } => WriteKind::Key,
            Write::Announce { .. } => WriteKind::Announce,
            Write::Finish { .. } => WriteKind::Finish,
        }
    }

    /// The release it is about.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Write::Draft { tag, .. }
            | Write::Stage { tag, .. }
            | Write::Remove { tag, .. }
            | Write::Flip { tag, .. }
            | Write::Announce { tag }
            | Write::Finish { tag, .. } => Some(tag),
            Write::Key { .. } => None,
        }
    }

    /// The name of the file that it stages or removes.
    pub fn asset(&self) -> Option<&'static str> {
        match self {
            Write::Stage { asset, .. } => Some(asset.name),
            Write::Remove { asset, .. } => Some(asset),
            _ => None,
        }
    }

    /// One line that names it, in reports and errors.
    pub fn describe(&self) -> String {
        self.kind().line(self.tag().map_or("", Tag::as_str), self.asset().unwrap_or_default())
    }
}

/// The repository a forge publishes for, and the version in hand.
pub struct Scope<'a> {
    /// The connector's name.
    pub connector: &'a Fqn,
    /// The connector's release.
    pub release: &'a Ref,
    /// Every tag of the cohort.
    pub tags: &'a [Tag],
    /// The commit everything is made from.
    pub commit: &'a str,
}

/// How far the writes of a phase have come, and whether they go on.
pub struct WriteProgress<'a> {
    stop: &'a AtomicBool,
    advance: &'a (dyn Fn() + Sync),
    done: AtomicUsize,
}

impl<'a> WriteProgress<'a> {
    /// Nothing is done yet. `advance` hears of each write; once `stop` is set no other one begins.
    pub fn new(stop: &'a AtomicBool, advance: &'a (dyn Fn() + Sync)) -> WriteProgress<'a> {
        WriteProgress { stop, advance, done: AtomicUsize::new(0) }
    }

    /// Does one write and counts it, unless the run is to stop.
    ///
    /// # Errors
    /// What the write gives.
    pub fn step(&self, write: impl FnOnce() -> Result<(), ForgeError>) -> Result<(), ForgeError> {
        if !self.stop.load(Ordering::SeqCst) {
            write()?;
            self.done.fetch_add(1, Ordering::SeqCst);
            (self.advance)();
        }
        Ok(())
    }

    /// Writes that are done.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

/// What came of starting a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkflowStart {
    /// It runs.
    Started,
    /// The forge says no, in its own words.
    Refused(String),
    /// This forge runs none.
    None,
}

/// The workflow that releases, as `init` and `action/README.md` name it.
pub const RELEASE_WORKFLOW: &str = "release.yml";

/// A place releases are published to.
pub trait Forge {
    /// Where it is, for people.
    fn describe(&self) -> String;

    /// Looks at every tag of the cohort once.
    ///
    /// # Errors
    /// [`ForgeError`] when something could not be asked; that is never "absent".
    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError>;

    /// Keeps other releases out until dropped. Called before the first write only.
    ///
    /// # Errors
    /// [`ForgeError::Busy`], or the disk's refusal.
    fn lock(&self, scope: &Scope<'_>) -> Result<Box<dyn Send>, ForgeError>;

    /// Waits until so many flips can follow each other without a pause of the forge's making. artifacts.md §11.
    ///
    /// # Errors
    /// [`ForgeError::Paused`] or [`ForgeError::Interrupted`].
    fn before_flips(&self, _flips: usize) -> Result<(), ForgeError> {
        Ok(())
    }

    /// Looks once more after the last flip: every tag stands where the release says.
    ///
    /// # Errors
    /// [`ForgeError::TagElsewhere`], or when it could not be asked.
    fn after_flips(&self, _scope: &Scope<'_>) -> Result<(), ForgeError> {
        Ok(())
    }

    /// Keeps how a run ended, where a journal is kept.
    fn record_end(&self, _how: &str) {}

    /// Does one write.
    ///
    /// # Errors
    /// [`ForgeError`]; what was there before the write is still there.
    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError>;

    /// Does the writes of a phase: in their order, or side by side where the order does not matter to anyone.
    ///
    /// # Errors
    /// [`ForgeError`] of the first write that fails; `progress` knows how many are done.
    fn perform_all(&self, scope: &Scope<'_>, writes: &[Write], progress: &WriteProgress<'_>) -> Result<(), ForgeError> {
        writes.iter().try_for_each(|write| progress.step(|| self.perform(scope, write)))
    }

    /// Makes the writes since the last call survive a power cut: once per phase.
    ///
    /// # Errors
    /// [`ForgeError::Disk`].
    fn sync(&self) -> Result<(), ForgeError>;

    /// Fetches an asset the way a consumer does; `None` when consumers would not find it.
    ///
    /// # Errors
    /// [`ForgeError`] when it could not be asked.
    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError>;

    /// [`Forge::fetch`] of one asset of each of these tags, in their order.
    ///
    /// # Errors
    /// As [`Forge::fetch`].
    fn fetch_each(&self, scope: &Scope<'_>, tags: &[&Tag], asset: &str) -> Result<Vec<Option<Vec<u8>>>, ForgeError> {
        tags.iter().map(|tag| self.fetch(scope, tag, asset)).collect()
    }

    /// Fetches a file that is staged under a tag and that no consumer can see yet; `None` where there is none. [`Forge::observe`]
    /// was called before.
    ///
    /// # Errors
    /// [`ForgeError`] when it could not be asked.
    fn fetch_staged(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError>;

    /// Starts the workflow that goes on with a release, where the forge runs workflows and lets this run start one.
    ///
    /// # Errors
    /// [`ForgeError`] when it could not be asked; a refusal is none.
    fn start_workflow(&self, _scope: &Scope<'_>, _tag: &Tag) -> Result<WorkflowStart, ForgeError> {
        Ok(WorkflowStart::None)
    }

    /// What these writes cost and when they can be done, where the forge limits how fast.
    fn estimate(&self, stage: &[Write], flip: &[Write]) -> Option<Estimate>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // the journal keeps these words, and old journals are read
    fn a_write_is_named_by_its_kind_its_tag_and_its_file() {
        let tag: Tag = "github://acme/tea@1.0.0".parse::<Ref>().expect("a Ref").tag();
        let asset = AssetFile::new("aileron.tar.gz", vec![1]);
        let (assets, pre_release) = (vec![asset.clone()], false);
        for (write, word, line) in [
            (Write::Draft { tag: tag.clone(), pre_release }, "draft", "draft v1.0.0"),
            (Write::Stage { tag: tag.clone(), asset }, "stage", "stage v1.0.0 aileron.tar.gz"),
            (
                Write::Remove { tag: tag.clone(), asset: "proposal.tar.gz" },
                "remove",
                "remove proposal.tar.gz from the draft of v1.0.0",
            ),
            (Write::Flip { tag: tag.clone(), assets, pre_release, notes: None }, "flip", "publish v1.0.0"),
            (Write::Key { pem: Vec::new(), statements: Vec::new() }, "key", "write the publisher's key"),
            (Write::Announce { tag: tag.clone() }, "announce", "announce v1.0.0"),
            (
                Write::Finish { tag: tag.clone(), notes: String::new(), latest: true },
                "finish",
                "write the notes of v1.0.0",
            ),
        ] {
            assert_eq!(write.describe(), line);
            assert_eq!(serde_json::to_value(write.kind()).expect("a word"), word);
            let read: WriteKind = serde_json::from_value(word.into()).expect(word);
            assert_eq!(read, write.kind());
            assert_eq!(write.tag().is_some(), word != "key", "{word}");
            assert_eq!(write.asset().is_some(), ["stage", "remove"].contains(&word), "{word}");
        }
    }

    #[test]
    fn a_phase_counts_what_is_done_and_stops_where_it_is_told_or_fails() {
        let (stop, heard) = (AtomicBool::new(false), AtomicUsize::new(0));
        let advance = || {
            heard.fetch_add(1, Ordering::SeqCst);
        };
        let progress = WriteProgress::new(&stop, &advance);
        progress.step(|| Ok(())).expect("done");
        progress.step(|| Err(ForgeError::NoToken)).expect_err("what the write gives");
        assert_eq!((progress.done(), heard.load(Ordering::SeqCst)), (1, 1));
        stop.store(true, Ordering::SeqCst);
        progress.step(|| unreachable!("the run is to stop")).expect("no error");
        assert_eq!((progress.done(), heard.load(Ordering::SeqCst)), (1, 1));
    }
}
