//! What an answer of GitHub means. One pure function; a 422 is read, never assumed to mean "exists".

use std::fmt;
use std::time::{Duration, SystemTime};

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable_within;
use http::HeaderMap;
use serde_json::Value;

use super::permission::{self, Lack, Offer};
use super::seconds::Seconds;
use crate::sys::address::Address;

/// How long to wait where GitHub says "wait" and not how long. GitHub Docs, "Best practices for using the REST API".
const A_WHILE: Duration = Duration::from_secs(60);
/// The shortest wait: a server that says "wait 0 seconds" is not asked in a tight loop.
const A_MOMENT: Duration = Duration::from_secs(1);
/// Characters of one part of GitHub's own words that are shown.
const WORDS: usize = 300;
/// Errors of a validation that are shown.
const REASONS: usize = 5;

/// The meaning of an answer that does not say "done". Displayed: GitHub's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiRefusal {
    /// There is no such thing, or it is not shown to this token.
    Absent,
    /// No, and asking again does not help.
    Refused(String),
    /// The token lacks something: what GitHub says, and what it lacks.
    Forbidden {
        /// GitHub's words.
        why: String,
        /// What the token lacks.
        lacks: Lack,
    },
    /// Not before then; the request was not carried out.
    Limited(SystemTime),
    /// The server is not there until then. Whether the request was carried out is not known.
    Unavailable(SystemTime, String),
    /// There was no answer that says anything about the request.
    Unreachable(String),
    /// Something with that name is there already.
    Conflict(String),
    /// The token is invalid, revoked or expired.
    BadToken(String),
    /// The repository is at another address now: this one, where it was said.
    Moved(Option<String>),
    /// The tag belonged to an immutable release that is gone.
    Burned(String),
}

impl ApiRefusal {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ApiRefusal::Limited(_) | ApiRefusal::Unavailable(..) | ApiRefusal::Unreachable(_) => Class::Incomplete,
            ApiRefusal::Absent
            | ApiRefusal::Refused(_)
            | ApiRefusal::Forbidden { .. }
            | ApiRefusal::Conflict(_)
            | ApiRefusal::BadToken(_)
            | ApiRefusal::Moved(_)
            | ApiRefusal::Burned(_) => Class::PublishFailed,
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            ApiRefusal::Limited(_) | ApiRefusal::Unavailable(..) | ApiRefusal::Unreachable(_) => true,
            ApiRefusal::Absent
            | ApiRefusal::Refused(_)
            | ApiRefusal::Forbidden { .. }
            | ApiRefusal::Conflict(_)
            | ApiRefusal::BadToken(_)
            | ApiRefusal::Moved(_)
            | ApiRefusal::Burned(_) => false,
        }
    }
}

impl fmt::Display for ApiRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiRefusal::Absent => "HTTP 404: Not Found",
            ApiRefusal::Limited(_) => "GitHub's rate limit",
            ApiRefusal::Moved(_) => "the repository has moved",
            ApiRefusal::Refused(why)
            | ApiRefusal::Forbidden { why, .. }
            | ApiRefusal::Unavailable(_, why)
            | ApiRefusal::Unreachable(why)
            | ApiRefusal::Conflict(why)
            | ApiRefusal::BadToken(why)
            | ApiRefusal::Burned(why) => why,
        })
    }
}

/// The headers that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `retry-after`, from the time of the answer on.
    pub retry_after: Option<Seconds>,
    /// `x-ratelimit-limit`.
    pub limit: Option<u64>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<u64>,
    /// `x-ratelimit-reset`, in seconds since 1970.
    pub reset: Option<u64>,
    /// `date`: what time it is there.
    pub date: Option<SystemTime>,
    /// `location`: where a redirect leads.
    pub location: Option<String>,
    /// What GitHub says about the token's rights.
    pub offer: Offer,
}

impl Headers {
    /// Those of an answer that left or came at `now`.
    pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Headers {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let number = |name: &str| text(name)?.trim().parse().ok();
        let owned = |name: &str| text(name).map(str::to_owned);
        let date = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
        Headers {
            retry_after: text("retry-after").and_then(|text| Seconds::retry_after(text, date.unwrap_or(now))),
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset"),
            date,
            location: owned("location"),
            offer: Offer {
                accepted_permissions: owned("x-accepted-github-permissions"),
                accepted_scopes: owned("x-accepted-oauth-scopes"),
                scopes: owned("x-oauth-scopes"),
                sso: owned("x-github-sso"),
            },
        }
    }

    /// When the primary window ends, by the clock of this machine: only the distance to the answer's date is the server's
    /// to tell, whose clock may differ from ours.
    pub fn resets(&self, now: SystemTime) -> Option<SystemTime> {
        Some(Seconds::until_reset(self.reset?, self.date.unwrap_or(now)).after(now))
    }
}

/// What an answer refuses; `None` where it was done.
pub fn classify(status: u16, headers: &Headers, body: &[u8], now: SystemTime) -> Option<ApiRefusal> {
    if (200..300).contains(&status) {
        return None;
    }
    let document = serde_json::from_slice(body).unwrap_or(Value::Null);
    let said = || said(status, &document, body);
    Some(match status {
        301 | 302 | 307 | 308 => ApiRefusal::Moved(headers.location.clone()),
        401 => ApiRefusal::BadToken(said()),
        404 | 410 => ApiRefusal::Absent,
        403 | 429 => match cause(status, headers, &document, now) {
            Cause::Limit(until) => ApiRefusal::Limited(until.max(now + A_MOMENT)),
            Cause::Token(lacks) => ApiRefusal::Forbidden { why: said(), lacks },
            Cause::Unknown => ApiRefusal::Refused(said()),
        },
        409 => ApiRefusal::Conflict(said()),
        422 if errors(&document).any(|error| mentions(error, "immutable release")) => ApiRefusal::Burned(said()),
        422 if errors(&document).any(|error| error["code"] == "already_exists") => ApiRefusal::Conflict(said()),
        503 if headers.retry_after.is_some() => {
            let until = headers.retry_after.unwrap_or_default().after(now);
            ApiRefusal::Unavailable(until.max(now + A_MOMENT), said())
        }
        408 | 500.. => ApiRefusal::Unreachable(said()),
        _ => ApiRefusal::Refused(said()),
    })
}

/// Why GitHub says 403 or 429.
enum Cause {
    /// A limit; nothing leaves before then.
    Limit(SystemTime),
    /// The token's rights.
    Token(Lack),
    /// Nothing that we know.
    Unknown,
}

/// GitHub Docs, "Rate limits for the REST API", "Exceeding the rate limit", and "Troubleshooting the REST API". What GitHub
/// says in words comes before the headers: `x-ratelimit-remaining` may be 0 beside any refusal.
fn cause(status: u16, headers: &Headers, document: &Value, now: SystemTime) -> Cause {
    if let Some(lacks) = permission::certainly_lacking(status, &headers.offer, document) {
        return Cause::Token(lacks);
    }
    let told = headers.retry_after.map(|seconds| seconds.after(now));
    // Told without a date, a reset that has passed by our clock is a clock that runs fast.
    let told = told.or_else(|| (headers.remaining == Some(0)).then(|| headers.resets(now)).flatten());
    match told {
        Some(until) => Cause::Limit(until),
        None if status == 429 || speaks_of_a_limit(document) => Cause::Limit(now + A_WHILE),
        None => permission::lacking(status, &headers.offer, document).map_or(Cause::Unknown, Cause::Token),
    }
}

/// Older Enterprise servers call the secondary limit abuse detection, and name it in the address of the page only.
fn speaks_of_a_limit(document: &Value) -> bool {
    const MESSAGES: [&str; 2] = ["rate limit", "abuse detection"];
    const PAGES: [&str; 4] =
        ["secondary-rate-limits", "abuse-rate-limits", "rate-limits-for-the-rest-api", "#rate-limiting"];
    let text = |name: &str| document[name].as_str().unwrap_or_default().to_ascii_lowercase();
    let (message, page) = (text("message"), text("documentation_url"));
    MESSAGES.iter().any(|words| message.contains(words)) || PAGES.iter().any(|words| page.contains(words))
}

fn errors(document: &Value) -> impl Iterator<Item = &Value> {
    document["errors"].as_array().into_iter().flatten()
}

fn mentions(error: &Value, words: &str) -> bool {
    error["message"].as_str().is_some_and(|message| message.contains(words))
}

/// GitHub's own words, in one line, and the page it points to where it refuses. A body that is no JSON is not GitHub's.
fn said(status: u16, document: &Value, body: &[u8]) -> String {
    let reason = |error: &Value| {
        let spelled = [&error["field"], &error["code"], &error["message"]];
        let words: Vec<&str> = spelled.into_iter().filter_map(Value::as_str).collect();
        words.join(" ")
    };
    let reasons: Vec<String> = errors(document).take(REASONS).map(reason).filter(|reason| !reason.is_empty()).collect();
    let mut said = format!("HTTP {status}");
    for part in document["message"].as_str().into_iter().chain(reasons.iter().map(String::as_str)) {
        said.push_str(": ");
        said.push_str(&printable_within(part, WORDS));
    }
    let page = document["documentation_url"].as_str().filter(|page| page.starts_with("https://"));
    match (status, page) {
        (403, Some(page)) => said.push_str(&format!(" (see {})", Address::of(page))),
        (400..=499, None) if document.is_null() && !body.is_empty() => {
            said.push_str(": the body is not JSON; a proxy may have answered in place of GitHub");
        }
        _ => {}
    }
    said
}

#[cfg(test)]
#[path = "classify/tests.rs"]
mod tests;
