//! The journal as the requests of a run write to it: what was meant, what was asked, what came of it.

use std::cell::{Ref, RefCell};
use std::time::SystemTime;

use super::journal::{Journal, JournalEvent, JournalState, WriteRecord, milliseconds};
use crate::github::{Log, RequestKind, RequestOutcome};
use crate::publisher::forge::ForgeError;
use crate::sys::disk::DiskError;
use crate::sys::lock::Lock;

/// The journal of a run, and what earlier runs knew.
pub(super) struct Record {
    journal: RefCell<Journal>,
    state: RefCell<JournalState>,
    /// The write in hand: written down whenever a request of it is about to leave, not while it waits for its turn.
    intent: RefCell<Option<WriteRecord>>,
}

impl Record {
    pub(super) fn new(journal: Journal) -> Record {
        Record { state: RefCell::new(journal.state()), journal: RefCell::new(journal), intent: RefCell::default() }
    }

    pub(super) fn state(&self) -> Ref<'_, JournalState> {
        self.state.borrow()
    }

    /// Keeps other runs of this version out, reads what they did until now, and begins to write down what this one does.
    /// Whether they did anything since the journal was read first.
    pub(super) fn lock(&self, whose: &str, begin: JournalEvent, now: SystemTime) -> Result<(Lock, bool), ForgeError> {
        let mut journal = self.journal.borrow_mut();
        let lock = journal.lock(whose)?;
        let state = journal.state();
        let is_news = *self.state.borrow() != state;
        *self.state.borrow_mut() = state;
        journal.open()?;
        journal.record(now, begin)?;
        Ok((lock, is_news))
    }

    /// Whether this run holds the lock, and writes.
    pub(super) fn is_locked(&self) -> bool {
        self.journal.borrow().is_open()
    }

    /// What the next requests that write are for.
    pub(super) fn intend(&self, write: WriteRecord) {
        *self.intent.borrow_mut() = Some(write);
    }

    pub(super) fn made(&self, tag: &str, id: u64, now: SystemTime) -> Result<(), DiskError> {
        self.state.borrow_mut().drafts.insert(tag.to_owned(), id);
        self.keep(JournalEvent::Draft { tag: tag.to_owned(), id }, now)
    }

    pub(super) fn keep(&self, event: JournalEvent, now: SystemTime) -> Result<(), DiskError> {
        self.journal.borrow_mut().record(now, event)
    }

    pub(super) fn sync(&self) -> Result<(), DiskError> {
        self.journal.borrow().sync()
    }
}

impl Log for Record {
    fn leaves(&self, kind: RequestKind, now: SystemTime) -> Result<(), DiskError> {
        match self.intent.borrow().clone().filter(|_| kind.is_write()) {
            Some(write) => self.keep(JournalEvent::Intent(write), now),
            None => Ok(()),
        }
    }

    fn answered(&self, exchange: RequestOutcome, now: SystemTime) -> Result<(), DiskError> {
        let RequestOutcome { kind, status, request_id: request } = exchange;
        let (status, why) = match status {
            Ok(status) => (Some(status), None),
            Err(why) => (None, Some(why)),
        };
        self.keep(JournalEvent::Answer { kind, status, request, why }, now)
    }

    fn waits(&self, until: SystemTime, why: &str, now: SystemTime) -> Result<(), DiskError> {
        self.keep(JournalEvent::Wait { until: milliseconds(until), why: why.to_owned() }, now)?;
        self.sync()
    }
}
