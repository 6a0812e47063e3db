//! `dist/<version>/journal.jsonl`: what a run meant to do, what came of it, and what it waited for.
//!
//! The forge is the truth; the journal only makes the next run faster and surer. It knows drafts by number while GitHub's
//! list does not show them yet, requests that still count in the windows of the budget, and tag names that turned out to be
//! burned. Lost or damaged, it costs requests and waiting, never correctness: a line that is not understood is skipped, and
//! whatever a line says is looked up before it is believed. No line holds a secret.
//!
//! Lines are appended as they happen and made durable once per phase and before long waits. A lock beside the file keeps two
//! runs of a version apart.

#![expect(clippy::disallowed_methods, reason = "a journal is appended to, line by line")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::IntoDeserializer as _;
use serde::de::value::Error as ValueError;
use serde::{Deserialize, Serialize};

use crate::github::RequestKind;
use crate::publisher::forge::{ForgeError, Write, WriteKind};
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::lock::{self, Lock, LockError, LockPolicy, WAIT_FOR_RELEASE};

/// The journal of a version, in the directory that is its own.
pub const FILE: &str = "journal.jsonl";
/// What a run that writes holds. Not the journal itself: where locks are mandatory, no other process could read it then.
const LOCK: &str = "release.lock";
/// Longest journal that is read: a thousand releases over many runs are a few megabytes.
const LIMIT: u64 = 64 * 1024 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since 1970, by the clock of the machine that wrote it.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum JournalEvent {
    /// A run begins to write.
    Begin {
        /// `aileron-pub`'s version.
        tool: String,
        /// The repository.
        repository: String,
        /// The version.
        version: String,
        /// The commit everything is made from.
        commit: String,
    },
    /// A write is about to leave.
    Intent(WriteRecord),
    /// A request was answered, or was not.
    Answer {
        /// What it costs.
        kind: RequestKind,
        /// HTTP status; none where there was no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// `x-github-request-id`.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<String>,
        /// Why there was no answer, or GitHub's words where it refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A draft is there.
    Draft {
        /// The release's tag.
        tag: String,
        /// GitHub's number for it.
        id: u64,
    },
    /// A tag name that can never be published again.
    Burned {
        /// The tag.
        tag: String,
    },
    /// A write is done.
    Done(WriteRecord),
    /// Nothing leaves before then.
    Wait {
        /// Milliseconds since 1970.
        until: u64,
        /// The limit.
        why: String,
    },
    /// The run is over.
    End {
        /// Complete, or why not.
        how: String,
    },
}

/// A write as the journal knows it: what it does and to what, never a text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRecord")]
pub struct WriteRecord {
    /// What it does.
    pub write: WriteKind,
    /// The release's tag.
    pub tag: String,
    /// The file, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
}

impl WriteRecord {
    /// What the journal keeps of a write; `None` for one that is about no release.
    pub fn of(write: &Write) -> Option<WriteRecord> {
        let (tag, asset) = (write.tag()?.to_string(), write.asset().map(str::to_owned));
        Some(WriteRecord { write: write.kind(), tag, asset })
    }

    /// One line that names it.
    pub fn line(&self) -> String {
        self.write.line(&self.tag, self.asset.as_deref().unwrap_or_default())
    }
}

/// The record as it stands in a line.
#[derive(Deserialize)]
struct WrittenRecord {
    write: String,
    tag: Option<String>,
    asset: Option<String>,
}

impl TryFrom<WrittenRecord> for WriteRecord {
    type Error = String;

    /// Journals of version 0.1 hold the line that names a write in place of its kind; those of an interrupted release are read
    /// by the version that goes on with it.
    fn try_from(written: WrittenRecord) -> Result<WriteRecord, String> {
        let WrittenRecord { write, tag, asset } = written;
        let kind = |text: &str| {
            WriteKind::deserialize(text.into_deserializer()).map_err(|error: ValueError| error.to_string())
        };
        let (kind, about) = match write.split_once(' ') {
            None => (kind(&write)?, ""),
            Some(("draft", tag)) => (WriteKind::Draft, tag),
            Some(("publish", tag)) => (WriteKind::Flip, tag),
            Some(("stage", about)) => (WriteKind::Stage, about),
            Some(("write", about)) => {
                (WriteKind::Finish, about.strip_prefix("the notes of ").ok_or("an unknown write")?)
            }
            Some(_) => return Err("an unknown write".to_owned()),
        };
        let (told_tag, told_asset) = about.split_once(' ').map_or((about, None), |(tag, asset)| (tag, Some(asset)));
        let tag = tag.unwrap_or_else(|| told_tag.to_owned());
        Ok(WriteRecord { write: kind, tag, asset: asset.or_else(|| told_asset.map(str::to_owned)) })
    }
}

/// What earlier runs knew.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JournalState {
    /// Drafts by tag.
    pub drafts: BTreeMap<String, u64>,
    /// Names that are burned.
    pub burned: BTreeSet<String>,
    /// Requests that left, and when they were answered at the latest.
    pub requests: Vec<(SystemTime, RequestKind)>,
    /// Drafts that were asked for and of which nothing was heard, and when.
    pub unheard: BTreeMap<String, SystemTime>,
}

/// A journal that is read, and written once this run is alone.
pub struct Journal {
    directory: PathBuf,
    file: Option<File>,
    /// Lines of before the lock was had.
    waiting: Vec<Line>,
    locking: LockPolicy,
}

/// The lines of a version's journal, and how many others were not understood; `None` where there is no journal.
///
/// # Errors
/// [`DiskError`] when it is there and cannot be read.
pub fn lines(directory: &Path) -> Result<Option<(Vec<Line>, usize)>, DiskError> {
    let Some(bytes) = disk::read_if_there(&directory.join(FILE), LIMIT)? else { return Ok(None) };
    let all = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let (mut lines, mut skipped) = (Vec::new(), 0);
    for line in all {
        match serde_json::from_slice(line) {
            Ok(line) => lines.push(line),
            Err(_) => skipped += 1,
        }
    }
    Ok(Some((lines, skipped)))
}

impl JournalState {
    /// What these lines know.
    pub fn of(lines: &[Line]) -> JournalState {
        let mut state = JournalState::default();
        let mut asked: Option<(&WriteRecord, SystemTime)> = None;
        for Line { at, event } in lines {
            let at = instant(*at);
            match event {
                JournalEvent::Intent(write) => {
                    state.lost(asked.take());
                    asked = Some((write, at));
                }
                JournalEvent::Answer { kind, status, .. } => {
                    state.requests.push((at, *kind));
                    if kind.is_write() {
                        let intent = asked.take();
                        state.lost(intent.filter(|_| status.is_none_or(|status| status >= 500)));
                    }
                }
                JournalEvent::Draft { tag, id } => {
                    state.unheard.remove(tag);
                    state.drafts.insert(tag.clone(), *id);
                }
                JournalEvent::Burned { tag } => drop(state.burned.insert(tag.clone())),
                JournalEvent::Begin { .. }
                | JournalEvent::Done(_)
                | JournalEvent::Wait { .. }
                | JournalEvent::End { .. } => {}
            }
        }
        state.lost(asked);
        state
    }

    /// A write of which no answer came may have been carried out: it counts, and a draft may be there unseen.
    fn lost(&mut self, intent: Option<(&WriteRecord, SystemTime)>) {
        let Some((write, at)) = intent else { return };
        self.requests.push((at, RequestKind::Creation));
        if write.write == WriteKind::Draft {
            self.unheard.insert(write.tag.clone(), at);
        }
    }
}

impl Journal {
    /// The journal of the version that has this directory. Nothing is opened yet.
    pub fn new(directory: PathBuf) -> Journal {
        let locking = LockPolicy { wait: WAIT_FOR_RELEASE, ..LockPolicy::default() };
        Journal { directory, file: None, waiting: Vec::new(), locking }
    }

    /// The same journal, whose lock is waited for like this.
    pub fn locking(self, locking: LockPolicy) -> Journal {
        Journal { locking, ..self }
    }

    /// What is known so far. A journal that cannot be read is as good as lost.
    pub fn state(&self) -> JournalState {
        lines(&self.directory).ok().flatten().map(|(lines, _)| JournalState::of(&lines)).unwrap_or_default()
    }

    /// Keeps other runs of this version out until the guard is dropped.
    ///
    /// # Errors
    /// [`ForgeError::Busy`], or the disk's refusal.
    pub fn lock(&self, whose: &str) -> Result<Lock, ForgeError> {
        let path = self.directory.join(LOCK);
        fs::create_dir_all(&self.directory).map_err(DiskError::at(Operation::CreateDirectory, &self.directory))?;
        lock::take(&path, &self.locking).map_err(|error| match error {
            LockError::Busy { .. } => ForgeError::Busy(whose.to_owned()),
            LockError::Interrupted(_) => ForgeError::Interrupted,
            LockError::Disk(error) => error.into(),
        })
    }

    /// Begins to write, first what was held back. Under [`Journal::lock`].
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn open(&mut self) -> Result<(), DiskError> {
        let path = self.directory.join(FILE);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let mut file = file.map_err(DiskError::at(Operation::Open, &path))?;
        // A run that was killed may have left half a line, which must not swallow the next one.
        if torn(&mut file).map_err(DiskError::at(Operation::Read, &path))? {
            file.write_all(b"\n").map_err(DiskError::at(Operation::Write, &path))?;
        }
        self.file = Some(file);
        for line in std::mem::take(&mut self.waiting) {
            self.write(&line)?;
        }
        Ok(())
    }

    /// Whether lines are written down as they come.
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Appends what happened; before [`Journal::open`] it is only kept in mind.
    ///
    /// # Errors
    /// The disk's refusal: what cannot be written down is not done.
    pub fn record(&mut self, now: SystemTime, event: JournalEvent) -> Result<(), DiskError> {
        let line = Line { at: milliseconds(now), event };
        match self.file {
            Some(_) => self.write(&line),
            None => {
                self.waiting.push(line);
                Ok(())
            }
        }
    }

    fn write(&mut self, line: &Line) -> Result<(), DiskError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut bytes = serde_json::to_vec(line).unwrap_or_default();
        bytes.push(b'\n');
        file.write_all(&bytes).map_err(DiskError::at(Operation::Write, &self.directory.join(FILE)))
    }

    /// Makes the lines so far survive a power cut.
    ///
    /// # Errors
    /// The disk's refusal.
    pub fn sync(&self) -> Result<(), DiskError> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data().map_err(DiskError::at(Operation::Flush, &self.directory.join(FILE)))
    }
}

/// The instant so many milliseconds after 1970; one that no clock can hold is 1970 itself.
pub fn instant(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(UNIX_EPOCH)
}

/// Milliseconds since 1970.
pub(super) fn milliseconds(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Whether the last line has no end.
fn torn(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    std::io::Read::read_exact(file, &mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests;
