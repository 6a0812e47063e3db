//! Requests to the API, one after another: paced by the budget, waiting where GitHub says so, written down, never repeated
//! blindly.
//!
//! Retries live with whoever knows what a write means: a POST that got no answer may have been carried out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::Method;
use http::header::HeaderValue;
use serde_json::Value;

use super::budget::{self, Kind, Limits, Primary, Spent, Turn};
use super::classify::{Answer, classify};
use super::gate::TokenGate;
use super::journal::{self, Event as Entry, Journal, Memory};
use super::seconds::Seconds;
use super::transport::{Came, Content, Transport};
use crate::event::{Event, Listener};
use crate::publisher::forge::ForgeError;
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::clock::{Clock, moment};
use crate::sys::http::HttpError;
use crate::sys::lock::Lock;

/// Waits shorter than this are neither announced nor written down.
const NOTICEABLE: Duration = Duration::from_secs(5);
/// Answers "not now" to one request that are waited for, one after the other. A server that never says anything else is not
/// there; an hour each is longer than a run may take.
const NOT_NOW: usize = 60;
const DOCUMENTS: &str = "application/vnd.github+json";
const BYTES: &str = "application/octet-stream";

/// What waiting needs of the world.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Ends waits.
    pub stop: &'a AtomicBool,
    /// Is told of waits.
    pub listener: Listener<'a>,
    /// All waits of a run together end no later than this after it began.
    pub longest: Option<Duration>,
}

pub(super) struct Client<'a> {
    transport: Transport,
    /// Where the token may go.
    gate: TokenGate,
    authorization: HeaderValue,
    limits: Limits,
    spent: RefCell<Spent>,
    patience: Patience<'a>,
    deadline: Option<SystemTime>,
    journal: RefCell<Journal>,
    memory: RefCell<Memory>,
    /// The write in hand: written down whenever a request of it is about to leave, not while it waits for its turn.
    intent: RefCell<Option<Entry>>,
    /// Requests so far, and the time their answers took.
    took: Cell<(u32, Duration)>,
    reads: Cell<usize>,
    /// How far GitHub's clock is from ours, and whether it is ahead.
    ahead: Cell<(Duration, bool)>,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        transport: Transport,
        api: &str,
        token: &Secret,
        limits: Limits,
        patience: Patience<'a>,
        journal: Journal,
    ) -> Result<Client<'a>, ForgeError> {
        let authorization = crate::sys::http::bearer(token).ok_or(ForgeError::NoToken)?;
        let now = patience.clock.now();
        let client = Client {
            transport,
            gate: TokenGate::of(api).ok_or_else(|| ForgeError::BadAddress(api.to_owned()))?,
            authorization,
            limits,
            spent: RefCell::default(),
            deadline: patience.longest.map(|longest| now + longest),
            patience,
            memory: RefCell::new(journal.memory()),
            journal: RefCell::new(journal),
            intent: RefCell::default(),
            took: Cell::default(),
            reads: Cell::default(),
            ahead: Cell::new((Duration::ZERO, true)),
        };
        client.remember_spending();
        Ok(client)
    }

    /// What earlier runs spent still counts. The primary limit is asked anew: it belongs to a token, which may be another.
    fn remember_spending(&self) {
        let now = self.now();
        let mut spent = Spent::default();
        for (at, kind) in &self.memory.borrow().requests {
            spent.record((*at).min(now), *kind); // a line from the future is a clock that was set back
        }
        *self.spent.borrow_mut() = spent;
    }

    /// Keeps other runs of this version out, reads what they did until now, and begins to write down what this one does.
    pub(super) fn lock(&self, whose: &str, begin: Entry) -> Result<Lock, ForgeError> {
        let mut journal = self.journal.borrow_mut();
        let lock = journal.lock(whose)?;
        let memory = journal.memory();
        if *self.memory.borrow() != memory {
            let primary = self.spent.borrow().primary();
            *self.memory.borrow_mut() = memory;
            self.remember_spending();
            primary.into_iter().for_each(|primary| self.spent.borrow_mut().told(primary));
        }
        journal.open()?;
        journal.record(self.now(), begin)?;
        Ok(lock)
    }

    pub(super) fn now(&self) -> SystemTime {
        self.patience.clock.now()
    }

    /// Something worth a line for the user.
    pub(super) fn note(&self, text: String) {
        (self.patience.listener)(Event::Note(text));
    }

    pub(super) fn record(&self, event: Entry) -> Result<(), ForgeError> {
        Ok(self.journal.borrow_mut().record(self.now(), event)?)
    }

    pub(super) fn sync(&self) -> Result<(), ForgeError> {
        Ok(self.journal.borrow().sync()?)
    }

    /// The number of a draft that was made for this tag, as far as the journal knows.
    pub(super) fn draft(&self, tag: &str) -> Option<u64> {
        self.memory.borrow().drafts.get(tag).copied()
    }

    /// Whether an earlier run found that this tag can never be published again.
    pub(super) fn is_burned(&self, tag: &str) -> bool {
        self.memory.borrow().burned.contains(tag)
    }

    /// Drafts that were asked for and of which nothing was heard, and when.
    pub(super) fn unheard(&self) -> BTreeMap<String, SystemTime> {
        self.memory.borrow().unheard.clone()
    }

    /// Whether this run holds the lock, and writes.
    pub(super) fn is_alone(&self) -> bool {
        self.journal.borrow().is_open()
    }

    /// So long a release may be missing from the list.
    pub(super) fn lag(&self) -> Duration {
        self.limits.lag()
    }

    /// An instant of GitHub's clock by ours. A date that no clock can hold is now.
    pub(super) fn here(&self, there: SystemTime) -> SystemTime {
        let here = match self.ahead.get() {
            (ahead, true) => there.checked_sub(ahead),
            (behind, false) => there.checked_add(behind),
        };
        here.unwrap_or_else(|| self.now())
    }

    /// What GitHub's clock shows now.
    fn there(&self) -> SystemTime {
        let there = match self.ahead.get() {
            (ahead, true) => self.now().checked_add(ahead),
            (behind, false) => self.now().checked_sub(behind),
        };
        there.unwrap_or_else(|| self.now())
    }

    /// What the next requests that write are for.
    pub(super) fn intend(&self, write: String, tag: String) {
        *self.intent.borrow_mut() = Some(Entry::Intent { write, tag });
    }

    pub(super) fn made(&self, tag: &str, id: u64) -> Result<(), ForgeError> {
        self.memory.borrow_mut().drafts.insert(tag.to_owned(), id);
        self.record(Entry::Draft { tag: tag.to_owned(), id })
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.transport.is_played()
    }

    pub(super) fn get(&self, url: &str) -> Result<Answer, ForgeError> {
        self.ask(Method::GET, Kind::Read, url, &Content::Nothing)
    }

    pub(super) fn create(&self, url: &str, content: &Content) -> Result<Answer, ForgeError> {
        self.ask(Method::POST, Kind::Creation, url, content)
    }

    pub(super) fn change(&self, url: &str, document: Value) -> Result<Answer, ForgeError> {
        self.ask(Method::PATCH, Kind::Change, url, &Content::Document(document))
    }

    pub(super) fn delete(&self, url: &str) -> Result<Answer, ForgeError> {
        self.ask(Method::DELETE, Kind::Change, url, &Content::Nothing)
    }

    /// Reads that were asked so far.
    pub(super) fn reads(&self) -> usize {
        self.reads.get()
    }

    /// The earliest finish of these requests from now, and the limit that decides it.
    pub(super) fn floor(&self, stage: &[Kind], flips: &[Kind]) -> (SystemTime, Option<&'static str>) {
        let (requests, took) = self.took.get();
        let pace = took.checked_div(requests).unwrap_or_default();
        budget::floor(&self.spent.borrow(), &self.limits, stage, flips, pace, self.now())
    }

    /// Returns once so many flips can follow each other. Uploads are answered without a word on the primary limit, and others
    /// may spend of it, so it is asked for; that costs nothing (GitHub Docs, "Get rate limit status for the authenticated
    /// user"). A server without limits says 404.
    pub(super) fn open_window(&self, api: &str, flips: u64) -> Result<(), ForgeError> {
        let came = self.once(&Method::GET, Kind::Free, &format!("{api}/rate_limit"), &Content::Nothing, DOCUMENTS)?;
        let document = came.ok().filter(|came| came.status == 200);
        let document = document.and_then(|came| serde_json::from_slice::<Value>(&came.body).ok()).unwrap_or_default();
        let number = |name: &str| document["resources"]["core"][name].as_u64();
        if let (Some(limit), Some(remaining), Some(reset)) = (number("limit"), number("remaining"), number("reset")) {
            let reset = Seconds::until_reset(reset, self.there()).after(self.now());
            self.spent.borrow_mut().told(Primary { limit, remaining, reset });
        }
        let turn = budget::opening(&self.spent.borrow(), flips, self.now());
        match turn {
            Turn::Now => Ok(()),
            Turn::At(at, why) => self.wait(at, why),
        }
    }

    /// Lets some time pass before something is looked at or tried again.
    pub(super) fn pause(&self, until: SystemTime, why: &str) -> Result<(), ForgeError> {
        if until > self.now() { self.wait(until, why) } else { Ok(()) }
    }

    /// One request, when it may leave. An answer "not now" was not carried out, so the same request follows after the wait.
    fn ask(&self, method: Method, kind: Kind, url: &str, content: &Content) -> Result<Answer, ForgeError> {
        for _ in 0..NOT_NOW {
            loop {
                let turn = budget::turn(&self.spent.borrow(), &self.limits, kind, self.now());
                match turn {
                    Turn::Now => break,
                    Turn::At(at, limit) => self.wait(at, limit)?,
                }
            }
            let came = self.once(&method, kind, url, content, DOCUMENTS)?;
            let answer = match came {
                Ok(came) => classify(came.status, &came.headers, &came.body, self.now()),
                Err(why) => Answer::Unreachable(why),
            };
            match answer {
                Answer::Limited(until) => self.wait(until, "GitHub's rate limit")?,
                Answer::Unavailable(until, why) => {
                    self.wait(until, "GitHub is not available")?;
                    if kind.is_write() {
                        return Ok(Answer::Unreachable(why)); // it may have been carried out: whoever asked looks first
                    }
                }
                answer => return Ok(answer),
            }
        }
        Ok(Answer::Unreachable(format!("GitHub asked {NOT_NOW} times in a row to wait")))
    }

    /// One request, now. What it cost and what came of it is written down.
    fn once(
        &self,
        method: &Method,
        kind: Kind,
        url: &str,
        content: &Content,
        accept: &'static str,
    ) -> Result<Result<Came, String>, ForgeError> {
        // Before anything is written down: a request that never leaves has not been tried.
        let url = self.gate.judge(url).map_err(|fault| ForgeError::TokenElsewhere {
            asked: format!("{method} {}", Address::of(url)),
            fault: fault.to_string(),
            api: self.gate.api(),
        })?;
        if kind.is_write()
            && let Some(intent) = self.intent.borrow().clone()
        {
            self.record(intent)?;
        }
        let left = self.now();
        let came = self.transport.send(method, url.as_str(), &self.authorization, content, accept, left);
        let now = self.now();
        let (requests, took) = self.took.get();
        let took = took.saturating_add(now.duration_since(left).unwrap_or_default());
        self.took.set((requests.saturating_add(1), took));
        self.reads.set(self.reads.get() + usize::from(kind == Kind::Read));
        if let Some(there) = came.as_ref().ok().and_then(|came| came.headers.date) {
            let ahead = there.duration_since(now).map(|ahead| (ahead, true));
            self.ahead.set(ahead.unwrap_or_else(|behind| (behind.duration(), false)));
        }
        {
            let mut spent = self.spent.borrow_mut();
            spent.record(now, kind);
            if let Ok(came) = &came
                && let (Some(limit), Some(remaining), Some(reset)) =
                    (came.headers.limit, came.headers.remaining, came.headers.resets(now))
            {
                spent.told(Primary { limit, remaining, reset });
            }
        }
        let entry = match &came {
            Ok(came) => Entry::Answer { kind, status: Some(came.status), request: came.request_id.clone(), why: None },
            Err(why) => Entry::Answer { kind, status: None, request: None, why: Some(why.clone()) },
        };
        self.record(entry)?;
        Ok(came)
    }

    /// The bytes of an asset, by its API address; `None` where it is not there. GitHub sends whoever asks on to its storage,
    /// which knows no token: the address it names is the permission.
    pub(super) fn download(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, ForgeError> {
        let asked = || format!("GET {}", Address::of(url));
        for _ in 0..NOT_NOW {
            let came = self.once(&Method::GET, Kind::Read, url, &Content::Nothing, BYTES)?;
            let came = came.map_err(|why| ForgeError::Unreachable { asked: asked(), why })?;
            if let (301 | 302 | 303 | 307 | 308, Some(location)) = (came.status, &came.headers.location) {
                return match self.transport.fetch(location, limit) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(HttpError::Absent { .. }) => Ok(None),
                    // The address of the storage is a permission: it is nobody's to read in a message.
                    Err(error) if error.is_retriable() => Err(ForgeError::Unreachable {
                        asked: asked(),
                        why: "GitHub's storage did not answer".to_owned(),
                    }),
                    Err(_) => Err(ForgeError::Refused { asked: asked(), why: "GitHub's storage refused".to_owned() }),
                };
            }
            // Bytes are no document to be read, a refusal is.
            let body: &[u8] = if came.status < 300 { &[] } else { &came.body };
            match classify(came.status, &came.headers, body, self.now()) {
                Answer::Done(_) => return Ok(Some(came.body)),
                Answer::Absent => return Ok(None),
                Answer::Limited(until) => self.wait(until, "GitHub's rate limit")?,
                Answer::Unavailable(until, _) => self.wait(until, "GitHub is not available")?,
                answer => return Err(super::refusal(answer, asked())),
            }
        }
        Err(ForgeError::Unreachable { asked: asked(), why: format!("GitHub asked {NOT_NOW} times in a row to wait") })
    }

    /// A file as the public gets it.
    pub(super) fn visit(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        self.transport.fetch(url, limit)
    }

    fn wait(&self, until: SystemTime, why: &str) -> Result<(), ForgeError> {
        let Patience { clock, stop, .. } = self.patience;
        if self.deadline.is_some_and(|deadline| until > deadline) {
            return Err(ForgeError::Paused { until: moment(until, clock.now()), why: why.to_owned() });
        }
        if until.duration_since(clock.now()).unwrap_or_default() >= NOTICEABLE {
            self.note(format!("waiting until {} ({why})", moment(until, clock.now())));
            self.record(Entry::Wait { until: journal::milliseconds(until), why: why.to_owned() })?;
            self.sync()?;
        }
        clock.sleep_until(until, stop);
        if stop.load(Ordering::SeqCst) { Err(ForgeError::Interrupted) } else { Ok(()) }
    }
}
