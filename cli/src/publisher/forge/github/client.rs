//! Requests to the API, one after another: paced by the budget, waiting where GitHub says so, never repeated blindly.
//!
//! Retries live with whoever knows what a write means: a POST that got no answer may have been carried out.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use reqwest::blocking::Client as Http;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::budget::{self, Kind, Limits, Primary, Spent, Turn};
use super::classify::{Answer, Headers, classify};
use crate::event::{Event, Listener};
use crate::publisher::forge::ForgeError;
use crate::secret::Secret;
use crate::sys::clock::{Clock, time_of_day};
use crate::sys::http;

/// Longest answer that is read: a page of a hundred releases is far below, an asset is at most an archive.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// Waits shorter than this are not announced.
const NOTICEABLE: Duration = Duration::from_secs(5);

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
    http: Http,
    authorization: HeaderValue,
    limits: Limits,
    spent: RefCell<Spent>,
    patience: Patience<'a>,
    deadline: Option<SystemTime>,
}

/// What goes with a request.
pub(super) enum Content {
    Nothing,
    Document(Value),
    File(Arc<[u8]>),
}

impl<'a> Client<'a> {
    pub(super) fn new(token: &Secret, limits: Limits, patience: Patience<'a>) -> Result<Client<'a>, ForgeError> {
        let bytes = [b"Bearer ", token.expose().trim_ascii()].concat();
        let mut authorization = HeaderValue::from_bytes(&bytes).map_err(|_| ForgeError::NoToken)?;
        authorization.set_sensitive(true);
        let failed =
            |error: reqwest::Error| ForgeError::Unreachable { asked: "GitHub".to_owned(), why: error.to_string() };
        let http = http::client(http::LARGE).map_err(failed)?;
        let deadline = patience.longest.map(|longest| patience.clock.now() + longest);
        Ok(Client { http, authorization, limits, spent: RefCell::default(), patience, deadline })
    }

    pub(super) fn get(&self, url: &str) -> Result<Answer, ForgeError> {
        self.ask(Method::GET, Kind::Read, url, &Content::Nothing)
    }

    pub(super) fn create(&self, url: &str, content: &Content) -> Result<Answer, ForgeError> {
        self.ask(Method::POST, Kind::Creation, url, content)
    }

    pub(super) fn change(&self, url: &str, document: Value) -> Result<Answer, ForgeError> {
        self.ask(Method::PATCH, Kind::Write, url, &Content::Document(document))
    }

    pub(super) fn delete(&self, url: &str) -> Result<Answer, ForgeError> {
        self.ask(Method::DELETE, Kind::Write, url, &Content::Nothing)
    }

    /// The earliest finish of these requests from now, and the limit that decides it.
    pub(super) fn floor(&self, plan: impl IntoIterator<Item = Kind>) -> (SystemTime, Option<&'static str>) {
        budget::floor(&self.spent.borrow(), &self.limits, plan, self.patience.clock.now())
    }

    /// Lets a little time pass before something is tried again.
    pub(super) fn pause(&self, time: Duration) -> Result<(), ForgeError> {
        self.wait(self.patience.clock.now() + time, "GitHub did not answer")
    }

    /// One request, when it may leave. An answer "not now" was not carried out, so the same request follows after the wait.
    fn ask(&self, method: Method, kind: Kind, url: &str, content: &Content) -> Result<Answer, ForgeError> {
        loop {
            loop {
                let turn = budget::turn(&self.spent.borrow(), &self.limits, kind, self.patience.clock.now());
                match turn {
                    Turn::Now => break,
                    Turn::At(at, limit) => self.wait(at, limit)?,
                }
            }
            match self.once(&method, kind, url, content) {
                Answer::Limited(until) => self.wait(until, "GitHub's rate limit")?,
                answer => return Ok(answer),
            }
        }
    }

    fn once(&self, method: &Method, kind: Kind, url: &str, content: &Content) -> Answer {
        let (status, headers, body) = match self.send(method, url, content, "application/vnd.github+json") {
            Ok(answer) => answer,
            Err(why) => {
                self.spent.borrow_mut().record(self.patience.clock.now(), kind);
                return Answer::Unreachable(why);
            }
        };
        let now = self.patience.clock.now();
        let mut spent = self.spent.borrow_mut();
        spent.record(now, kind);
        if let (Some(remaining), Some(reset)) = (headers.remaining, headers.reset) {
            spent.told(Primary { remaining, reset: UNIX_EPOCH + Duration::from_secs(reset) });
        }
        classify(status, &headers, &body, now)
    }

    /// The bytes of an asset, by its API address; `None` where it is not there.
    pub(super) fn download(&self, url: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let asked = || format!("GET {url}");
        let answer = self.send(&Method::GET, url, &Content::Nothing, "application/octet-stream");
        let (status, headers, body) = answer.map_err(|why| ForgeError::Unreachable { asked: asked(), why })?;
        let now = self.patience.clock.now();
        self.spent.borrow_mut().record(now, Kind::Read);
        match classify(status, &headers, &[], now) {
            Answer::Done(_) => Ok(Some(body)),
            Answer::Absent => Ok(None),
            Answer::Limited(until) => {
                self.wait(until, "GitHub's rate limit")?;
                self.download(url)
            }
            Answer::Unreachable(why) => Err(ForgeError::Unreachable { asked: asked(), why }),
            Answer::Refused(why) | Answer::Conflict(why) => Err(ForgeError::Refused { asked: asked(), why }),
        }
    }

    fn send(
        &self,
        method: &Method,
        url: &str,
        content: &Content,
        accept: &str,
    ) -> Result<(u16, Headers, Vec<u8>), String> {
        let url = http::address(url).ok_or("not an https:// address (http:// is for this machine only)")?;
        let request = self.http.request(method.clone(), url).header(ACCEPT, accept);
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let request = match content {
            Content::Nothing => request,
            Content::Document(document) => request.header(CONTENT_TYPE, "application/json").body(document.to_string()),
            Content::File(bytes) => request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.to_vec()),
        };
        let mut answer = request.send().map_err(|error| http::innermost(&error))?;
        let (status, headers) = (answer.status().as_u16(), headers(answer.headers()));
        let mut body = Vec::new();
        let mut capped = std::io::Read::take(&mut answer, ANSWER_LIMIT);
        std::io::Read::read_to_end(&mut capped, &mut body).map_err(|error| http::innermost(&error))?;
        Ok((status, headers, body))
    }

    fn wait(&self, until: SystemTime, why: &str) -> Result<(), ForgeError> {
        let Patience { clock, stop, listener, .. } = self.patience;
        if self.deadline.is_some_and(|deadline| until > deadline) {
            return Err(ForgeError::Paused { until: time_of_day(until), why: why.to_owned() });
        }
        if until.duration_since(clock.now()).unwrap_or_default() >= NOTICEABLE {
            listener(Event::Note(format!("waiting until {} ({why})", time_of_day(until))));
        }
        clock.sleep_until(until, stop);
        if stop.load(Ordering::SeqCst) { Err(ForgeError::Interrupted) } else { Ok(()) }
    }
}

fn headers(headers: &HeaderMap) -> Headers {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
    Headers {
        retry_after: number("retry-after"),
        remaining: number("x-ratelimit-remaining"),
        reset: number("x-ratelimit-reset"),
    }
}
