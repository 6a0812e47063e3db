//! The requests of one run, one after another: octocrab's typed ones, and under them, in this order, the budget that waits,
//! the log that writes down, and who answers.
//!
//! Nothing is repeated blindly: retries live with the code that knows what a write means, since a POST that got no answer may have
//! been carried out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, Request, Response};
use octocrab::Octocrab;

use super::budget::{self, PrimaryWindow, RateUsage, Slot};
use super::classify::{ApiRefusal, Headers, classify};
use super::documents::{self, Asset};
use super::error::ApiError;
use super::gate::TokenGate;
use super::limits::{Limit, Limits, RequestKind};
use super::log::{Log, RequestOutcome};
use super::seconds::Seconds;
use super::server::{AGENT, Server};
use super::typed::TypedRequests;
use crate::event::{Event, Listener};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::calendar::moment;
use crate::sys::clock::Clock;
use crate::sys::http::HttpError;

/// Waits shorter than this are neither announced nor written down.
const NOTICEABLE: Duration = Duration::from_secs(5);
/// Answers "not now" to one request that are waited for, one after the other. A server that never says anything else is not
/// there; an hour each is longer than a run may take.
const NOT_NOW: usize = 60;
const DOCUMENTS: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// The version of the API that its documents are read by.
const VERSION: (&str, HeaderValue) = ("x-github-api-version", HeaderValue::from_static("2022-11-28"));

/// How a run waits.
#[derive(Clone, Copy)]
pub struct WaitPolicy<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Ends waits.
    pub stop: &'a AtomicBool,
    /// Is told of waits.
    pub listener: Listener<'a>,
    /// All waits of a run together end no later than this after it began.
    pub longest: Option<Duration>,
}

/// The API as one run sees it.
pub struct Client<'a> {
    server: Arc<dyn Server>,
    typed: TypedRequests,
    /// Where the token may go.
    gate: TokenGate,
    api: String,
    authorization: HeaderValue,
    limits: Limits,
    usage: RefCell<RateUsage>,
    waiting: WaitPolicy<'a>,
    deadline: Option<SystemTime>,
    log: Rc<dyn Log + 'a>,
    /// What was asked last, as messages show it.
    asked: RefCell<String>,
    /// Requests so far, and the time their answers took.
    took: Cell<(u32, Duration)>,
    reads: Cell<usize>,
    /// How far GitHub's clock is from ours, and whether it is ahead.
    ahead: Cell<(Duration, bool)>,
}

impl<'a> Client<'a> {
    /// Asks the API at this base, with this token.
    ///
    /// # Errors
    /// [`ApiError::NoToken`] when the token is none that could be sent, [`ApiError::BadAddress`] where it may not go.
    pub fn new(
        server: Arc<dyn Server>,
        api: &str,
        token: &Secret,
        limits: Limits,
        waiting: WaitPolicy<'a>,
        log: Rc<dyn Log + 'a>,
    ) -> Result<Client<'a>, ApiError> {
        Ok(Client {
            server,
            typed: TypedRequests::new()?,
            gate: TokenGate::of(api).ok_or_else(|| ApiError::BadAddress(Address::of(api).to_string()))?,
            api: api.to_owned(),
            authorization: crate::sys::http::bearer(token).ok_or(ApiError::NoToken)?,
            limits,
            usage: RefCell::default(),
            deadline: waiting.longest.map(|longest| waiting.clock.now() + longest),
            waiting,
            log,
            asked: RefCell::default(),
            took: Cell::default(),
            reads: Cell::default(),
            ahead: Cell::new((Duration::ZERO, true)),
        })
    }

    /// What earlier runs asked still counts. The primary limit is not remembered: it belongs to a token, which may be another.
    pub fn remember(&self, requests: &[(SystemTime, RequestKind)]) {
        let now = self.now();
        let mut usage = RateUsage::default();
        for (at, kind) in requests {
            usage.record((*at).min(now), *kind); // a line from the future is a clock that was set back
        }
        if let Some(primary) = self.usage.borrow().primary() {
            usage.update(primary);
        }
        *self.usage.borrow_mut() = usage;
    }

    /// What time it is.
    pub fn now(&self) -> SystemTime {
        self.waiting.clock.now()
    }

    /// Something worth a line for the user.
    pub fn note(&self, text: String) {
        (self.waiting.listener)(Event::Note(text));
    }

    /// So long a release may be missing from the list.
    pub fn lag(&self) -> Duration {
        self.limits.lag()
    }

    /// An instant of GitHub's clock by ours. A date that no clock can hold is now.
    pub fn here(&self, there: SystemTime) -> SystemTime {
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

    /// Whether a fake of GitHub answers, and no network is behind this.
    pub fn is_fake(&self) -> bool {
        self.server.is_fake()
    }

    /// What was asked last: `GET https://…`.
    pub fn asked(&self) -> String {
        self.asked.borrow().clone()
    }

    /// Asks for documents.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn read<T>(&self, work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<T>) -> Result<T, ApiError> {
        self.ask(RequestKind::Read, work)
    }

    /// Makes a release.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn create<T>(&self, work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<T>) -> Result<T, ApiError> {
        self.ask(RequestKind::Creation, work)
    }

    /// Changes or deletes something.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn change<T>(&self, work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<T>) -> Result<T, ApiError> {
        self.ask(RequestKind::Change, work)
    }

    /// Puts a file on a release, at the address that the release names for it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn upload(&self, url: &str, bytes: Arc<[u8]>) -> Result<Asset, ApiError> {
        let url = self.judged(&Method::POST, url)?;
        let request = Request::post(&url).header(CONTENT_TYPE, BYTES).body(Bytes::from_owner(bytes));
        let request = request.map_err(|error| ApiError::unreachable(asked(&Method::POST, &url), error.to_string()))?;
        self.ask(RequestKind::Creation, async |crab| documents::upload(crab, request).await)
    }

    /// Reads that were asked so far.
    pub fn reads(&self) -> usize {
        self.reads.get()
    }

    /// The earliest finish of these requests from now, and the limit that decides it.
    pub fn earliest_finish(&self, stage: &[RequestKind], flips: &[RequestKind]) -> (SystemTime, Option<Limit>) {
        let (requests, took) = self.took.get();
        let pace = took.checked_div(requests).unwrap_or_default();
        budget::earliest_finish(&self.usage.borrow(), &self.limits, stage, flips, pace, self.now())
    }

    /// Returns once so many requests can follow each other. Uploads are answered without a word on the primary limit, and
    /// others may spend of it, so it is asked for; that costs nothing (GitHub Docs, "Get rate limit status for the
    /// authenticated user"). A server without limits says 404.
    ///
    /// # Errors
    /// [`ApiError`], but not where GitHub does not say what is left.
    pub fn open_window(&self, requests: u64) -> Result<(), ApiError> {
        let told = self.typed.run(
            async |crab| crab.ratelimit().get().await,
            |request| {
                let (request, asked) = self.addressed(request)?;
                let response = self.recorded(RequestKind::Free, &request, &asked)?;
                let headers = Headers::read(response.headers(), self.now());
                match classify(response.status().as_u16(), &headers, response.body(), self.now()) {
                    None => Ok(response),
                    Some(why) => Err(ApiError::Refused { asked, why }),
                }
            },
            || self.asked(),
        );
        match told {
            Ok(told) => {
                let core = told.resources.core;
                let reset = Seconds::until_reset(core.reset, self.there()).after(self.now());
                let (limit, remaining) = (core.limit as u64, core.remaining as u64);
                self.usage.borrow_mut().update(PrimaryWindow { limit, remaining, reset });
            }
            Err(ApiError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        let slot = budget::opening(&self.usage.borrow(), requests, self.now());
        match slot {
            Slot::Now => Ok(()),
            Slot::At(at, why) => self.wait(at, &why.to_string()),
        }
    }

    /// Lets some time pass before something is looked at or tried again.
    ///
    /// # Errors
    /// [`ApiError::Paused`] or [`ApiError::Interrupted`].
    pub fn pause(&self, until: SystemTime, why: &str) -> Result<(), ApiError> {
        if until > self.now() { self.wait(until, why) } else { Ok(()) }
    }

    fn ask<T>(
        &self,
        kind: RequestKind,
        work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<T>,
    ) -> Result<T, ApiError> {
        self.typed.run(work, |request| self.paced(kind, request), || self.asked())
    }

    /// The budget: one request, when it may leave. An answer "not now" was not carried out, so the same request follows after
    /// the wait.
    fn paced(&self, kind: RequestKind, request: Request<Bytes>) -> Result<Response<Bytes>, ApiError> {
        let (request, asked) = self.addressed(request)?;
        let unreachable = |why: String| ApiError::unreachable(&asked, why);
        for _ in 0..NOT_NOW {
            loop {
                let slot = budget::next_slot(&self.usage.borrow(), &self.limits, kind, self.now());
                match slot {
                    Slot::Now => break,
                    Slot::At(at, limit) => self.wait(at, &limit.to_string())?,
                }
            }
            let response = self.recorded(kind, &request, &asked)?;
            let headers = Headers::read(response.headers(), self.now());
            match classify(response.status().as_u16(), &headers, response.body(), self.now()) {
                None => return Ok(response),
                Some(ApiRefusal::Limited(until)) => self.wait(until, "GitHub's rate limit")?,
                Some(ApiRefusal::Unavailable(until, why)) => {
                    self.wait(until, "GitHub is not available")?;
                    if kind.is_write() {
                        return Err(unreachable(why)); // it may have been carried out: the caller looks first
                    }
                }
                Some(why) => return Err(ApiError::Refused { asked: asked.clone(), why }),
            }
        }
        Err(unreachable(format!("GitHub asked {NOT_NOW} times in a row to wait")))
    }

    /// The log: one request, now. What it cost and what came of it is written down.
    fn recorded(&self, kind: RequestKind, request: &Request<Bytes>, asked: &str) -> Result<Response<Bytes>, ApiError> {
        let left = self.now();
        self.log.leaves(kind, left)?;
        let came = self.server.answer(request);
        let now = self.now();
        let (requests, took) = self.took.get();
        let took = took.saturating_add(now.duration_since(left).unwrap_or_default());
        self.took.set((requests.saturating_add(1), took));
        self.reads.set(self.reads.get() + usize::from(kind == RequestKind::Read));
        self.usage.borrow_mut().record(now, kind);
        let request_id = came.as_ref().ok().and_then(|came| came.headers().get("x-github-request-id"));
        let request_id = request_id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let status = came.as_ref().map(|came| came.status().as_u16()).map_err(String::clone);
        if let Ok(came) = &came {
            let headers = Headers::read(came.headers(), left);
            if let Some(there) = headers.date {
                let ahead = there.duration_since(now).map(|ahead| (ahead, true));
                self.ahead.set(ahead.unwrap_or_else(|behind| (behind.duration(), false)));
            }
            if let (Some(limit), Some(remaining), Some(reset)) = (headers.limit, headers.remaining, headers.resets(now))
            {
                self.usage.borrow_mut().update(PrimaryWindow { limit, remaining, reset });
            }
        }
        self.log.answered(RequestOutcome { kind, status, request_id }, now)?;
        came.map_err(|why| ApiError::unreachable(asked, why))
    }

    /// The request as it leaves: at a whole address that may have the token, with the token; and what is asked, in words.
    fn addressed(&self, mut request: Request<Bytes>) -> Result<(Request<Bytes>, String), ApiError> {
        let to = match (request.uri().authority(), request.uri().path_and_query()) {
            (None, Some(path)) => format!("{}{path}", self.api),
            _ => request.uri().to_string(),
        };
        let url = self.judged(request.method(), &to)?;
        let asked = asked(request.method(), &url);
        self.asked.borrow_mut().clone_from(&asked);
        *request.uri_mut() = url.parse().map_err(|_| ApiError::unreachable(&asked, "is not a valid address"))?;
        let headers = request.headers_mut();
        headers.remove(CONTENT_LENGTH); // the transport counts
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.entry(ACCEPT).or_insert(DOCUMENTS);
        headers.insert(VERSION.0, VERSION.1);
        headers.insert(AUTHORIZATION, self.authorization.clone());
        Ok((request, asked))
    }

    /// An address that may have the token, in the one spelling that is asked. Judged before anything is written down: a request
    /// that never leaves has not been tried.
    fn judged(&self, method: &Method, url: &str) -> Result<String, ApiError> {
        let judged = self.gate.judge(url).map_err(|fault| ApiError::TokenElsewhere {
            asked: asked(method, url),
            fault: fault.to_string(),
            api: self.gate.api(),
        });
        Ok(judged?.to_string())
    }

    /// The bytes of an asset, by its API address; `None` where it is not there. GitHub redirects to its storage,
    /// which knows no token: the address it names is the permission.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn download(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, ApiError> {
        let request = Request::get(url).header(ACCEPT, BYTES).body(Bytes::new());
        let request = request.map_err(|error| ApiError::unreachable(asked(&Method::GET, url), error.to_string()))?;
        let (request, asked) = self.addressed(request)?;
        for _ in 0..NOT_NOW {
            let response = self.recorded(RequestKind::Read, &request, &asked)?;
            let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            if let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status().as_u16(), location) {
                return match self.server.download(location, limit) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(HttpError::Absent { .. }) => Ok(None),
                    // The address of the storage is a permission: it is shown in no message.
                    Err(error) if error.is_retriable() => {
                        Err(ApiError::unreachable(asked, "GitHub's storage did not answer"))
                    }
                    Err(_) => {
                        let why = ApiRefusal::Refused("GitHub's storage refused".to_owned());
                        Err(ApiError::Refused { asked, why })
                    }
                };
            }
            let headers = Headers::read(response.headers(), self.now());
            match classify(response.status().as_u16(), &headers, response.body(), self.now()) {
                None => return Ok(Some(response.into_body().into())),
                Some(ApiRefusal::Absent) => return Ok(None),
                Some(ApiRefusal::Limited(until)) => self.wait(until, "GitHub's rate limit")?,
                Some(ApiRefusal::Unavailable(until, _)) => self.wait(until, "GitHub is not available")?,
                Some(why) => return Err(ApiError::Refused { asked, why }),
            }
        }
        Err(ApiError::unreachable(asked, format!("GitHub asked {NOT_NOW} times in a row to wait")))
    }

    /// A file as the public gets it.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn visit(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        self.server.download(url, limit)
    }

    fn wait(&self, until: SystemTime, why: &str) -> Result<(), ApiError> {
        let WaitPolicy { clock, stop, .. } = self.waiting;
        if self.deadline.is_some_and(|deadline| until > deadline) {
            return Err(ApiError::Paused { until: moment(until, clock.now()), why: why.to_owned() });
        }
        if until.duration_since(clock.now()).unwrap_or_default() >= NOTICEABLE {
            self.note(format!("waiting until {} ({why})", moment(until, clock.now())));
            self.log.waits(until, why, clock.now())?;
        }
        clock.sleep_until(until, stop);
        if stop.load(Ordering::SeqCst) { Err(ApiError::Interrupted) } else { Ok(()) }
    }
}

/// What is asked, in words.
fn asked(method: &Method, url: &str) -> String {
    format!("{method} {}", Address::of(url))
}
