//! How much GitHub lets one client do. Windows slide, except the primary one, which starts with its first request.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::access::TokenKind;
use super::request::Operation;
use super::response::Response;
use super::time::Timestamp;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 3_600_000;

/// What the forge allows. `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests an hour. GitHub Docs, "Rate limits for the REST API"; release-pipeline.md §2.
    pub primary: Option<Primary>,
    /// Content creations within a minute: 80. Same page, "About secondary rate limits".
    pub creations_per_minute: Option<usize>,
    /// Content creations within an hour: 500. Same place.
    pub creations_per_hour: Option<usize>,
    /// Points within a minute: 900; a read is 1, a write 5. Same page, "Calculating points".
    pub points_per_minute: Option<u64>,
}

/// Requests an hour, by who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primary {
    /// A person's token.
    pub personal: u64,
    /// A workflow's own token, per repository.
    pub actions: u64,
    /// Without a token, per address.
    pub anonymous: u64,
}

impl Limits {
    /// github.com's.
    pub fn github() -> Limits {
        Limits {
            primary: Some(Primary { personal: 5000, actions: 1000, anonymous: 60 }),
            creations_per_minute: Some(80),
            creations_per_hour: Some(500),
            points_per_minute: Some(900),
        }
    }

    /// An Enterprise server's default. GitHub Enterprise Server Docs, "Configuring rate limits".
    pub fn none() -> Limits {
        Limits { primary: None, creations_per_minute: None, creations_per_hour: None, points_per_minute: None }
    }
}

/// What one kind of client has spent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spent {
    window: Option<Timestamp>,
    used: u64,
    creations: VecDeque<Timestamp>,
    points: VecDeque<(Timestamp, u64)>,
    last_write: Option<Timestamp>,
}

/// Everything ever asked, for tests and reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// API requests, refused ones included.
    pub requests: u64,
    /// Reads among them.
    pub reads: u64,
    /// Writes that changed something.
    pub writes: u64,
    /// Writes that made a release or an asset.
    pub creations: u64,
    /// Refusals for a limit.
    pub limited: u64,
    /// Writes less than a second after the one before. GitHub Docs, "Best practices for using the REST API", "Pause
    /// between mutative requests": advice, so they are counted and not refused.
    pub hasty_writes: u64,
    /// Downloads from the web site.
    pub downloads: u64,
}

/// The counters of a forge.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Meter {
    spent: BTreeMap<TokenKind, Spent>,
    /// Totals.
    pub usage: Usage,
}

impl Meter {
    /// Counts a request that was let in, or says why it is not. Refused requests cost primary budget and nothing else.
    pub(super) fn charge(
        &mut self,
        limits: &Limits,
        kind: TokenKind,
        now: Timestamp,
        operation: &Operation,
        request_id: &str,
    ) -> Result<(), Response> {
        self.usage.requests += 1;
        if matches!(operation, Operation::RateLimit) {
            return Ok(()); // GitHub Docs, "Rate limit": reading it does not count
        }
        let spent = self.spent.entry(kind).or_default();
        spent.turn(now);
        if limits.allowance(kind).is_some_and(|allowed| spent.used >= allowed) {
            self.usage.limited += 1;
            return Err(primary(kind, request_id));
        }
        spent.used += 1;
        let wait = spent.wait(limits, now, operation);
        if wait > 0 {
            self.usage.limited += 1;
            return Err(secondary(wait, request_id));
        }
        let points = if operation.is_write() { 5 } else { 1 };
        spent.points.push_back((now, points));
        if operation.is_creation() {
            spent.creations.push_back(now);
        }
        if operation.is_write() {
            let hasty = spent.last_write.is_some_and(|last| now.since(last) < 1000);
            self.usage.hasty_writes += u64::from(hasty);
            spent.last_write = Some(now);
        } else {
            self.usage.reads += 1;
        }
        Ok(())
    }

    /// `x-ratelimit-*`. GitHub Docs, "Rate limits for the REST API", "Checking the status of your rate limit".
    pub(super) fn headers(&self, limits: &Limits, kind: TokenKind, now: Timestamp) -> Vec<(&'static str, String)> {
        let Some((limit, used, reset)) = self.standing(limits, kind, now) else { return Vec::new() };
        vec![
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", limit.saturating_sub(used).to_string()),
            ("x-ratelimit-reset", reset.to_string()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
        ]
    }

    /// Allowed, used, and the second at which the window ends.
    pub(super) fn standing(&self, limits: &Limits, kind: TokenKind, now: Timestamp) -> Option<(u64, u64, u64)> {
        let limit = limits.allowance(kind)?;
        let spent = self.spent.get(&kind).filter(|spent| !spent.is_over(now));
        let (start, used) = spent.map_or((now, 0), |spent| (spent.window.unwrap_or(now), spent.used));
        Some((limit, used, start.plus(HOUR).0.div_ceil(1000)))
    }
}

impl Limits {
    fn allowance(&self, kind: TokenKind) -> Option<u64> {
        let primary = self.primary.as_ref()?;
        Some(match kind {
            TokenKind::Personal => primary.personal,
            TokenKind::Actions => primary.actions,
            TokenKind::Anonymous => primary.anonymous,
        })
    }
}

impl Spent {
    /// Starts a new primary window once the old one is over, and forgets what has slid out.
    fn turn(&mut self, now: Timestamp) {
        if self.is_over(now) {
            self.window = Some(now);
            self.used = 0;
        }
        while self.points.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.points.pop_front();
        }
        while self.creations.front().is_some_and(|at| now.since(*at) >= HOUR) {
            self.creations.pop_front();
        }
    }

    /// Whether a new primary window begins. The reset is told in whole seconds, so a window ends on one.
    fn is_over(&self, now: Timestamp) -> bool {
        self.window.is_none_or(|start| now.secs() >= start.plus(HOUR).0.div_ceil(1000))
    }

    /// Milliseconds until the operation fits into every sliding window; 0 is now.
    fn wait(&self, limits: &Limits, now: Timestamp, operation: &Operation) -> u64 {
        let mut wait = 0;
        if operation.is_creation() {
            for (limit, window) in [(limits.creations_per_minute, MINUTE), (limits.creations_per_hour, HOUR)] {
                let Some(limit) = limit else { continue };
                // The oldest of the last `limit` creations must have left the window.
                let blocking = self.creations.len().checked_sub(limit).and_then(|index| self.creations.get(index));
                if let Some(at) = blocking {
                    wait = wait.max(window.saturating_sub(now.since(*at)));
                }
            }
        }
        if let Some(limit) = limits.points_per_minute {
            let mut sum = if operation.is_write() { 5 } else { 1 };
            for (at, points) in self.points.iter().rev() {
                sum += points;
                if sum > limit {
                    wait = wait.max(MINUTE.saturating_sub(now.since(*at)));
                    break;
                }
            }
        }
        wait
    }
}

/// 403 with nothing remaining. GitHub Docs, "Rate limits for the REST API", "Exceeding the rate limit".
fn primary(kind: TokenKind, request_id: &str) -> Response {
    let whose = match kind {
        TokenKind::Personal => "user ID 1000",
        TokenKind::Actions => "installation ID 2000",
        TokenKind::Anonymous => "127.0.0.1",
    };
    let help = format!(
        "If you reach out to GitHub Support for help, please include the request ID {request_id} and timestamp."
    );
    let message = format!("API rate limit exceeded for {whose}. {help}");
    Response::refusal(403, message, "/using-the-rest-api/rate-limits-for-the-rest-api")
}

/// 403 with `retry-after`; the primary budget is not empty. Same page, "Exceeding the rate limit"; text as in
/// cli/cli#9586.
fn secondary(wait: u64, request_id: &str) -> Response {
    let message = format!(
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID {request_id}."
    );
    Response::refusal(403, message, "/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits")
        .with("retry-after", wait.div_ceil(1000).to_string())
}
