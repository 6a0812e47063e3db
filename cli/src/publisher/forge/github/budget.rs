//! When may the next request leave? Windows and counts of release-pipeline.md §2. No clock in here: time is a parameter.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A GET: 1 point.
    Read,
    /// A PATCH or DELETE: 5 points.
    Write,
    /// A POST of a release or an asset: 5 points, and counted as content.
    Creation,
}

impl Kind {
    fn points(self) -> u32 {
        if self == Kind::Read { 1 } else { 5 }
    }
}

/// How much the forge allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    spacing: Duration,
    per_minute: usize,
    per_hour: usize,
    points: u32,
}

impl Limits {
    /// github.com's: a second between writes, 80 creations a minute, 500 an hour, 900 points a minute.
    pub fn github() -> Limits {
        Limits { spacing: Duration::from_secs(1), per_minute: 80, per_hour: 500, points: 900 }
    }

    /// None but the ones the forge tells in its answers.
    pub fn none() -> Limits {
        Limits { spacing: Duration::ZERO, per_minute: usize::MAX, per_hour: usize::MAX, points: u32::MAX }
    }
}

/// Requests of the last hour, and what the forge said is left.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    requests: VecDeque<(SystemTime, Kind)>,
    primary: Option<Primary>,
}

/// The primary limit as the last answer told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Requests left in this window.
    pub remaining: u64,
    /// When the window ends.
    pub reset: SystemTime,
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Yes.
    Now,
    /// From then on, because of this limit.
    At(SystemTime, &'static str),
}

impl Spent {
    /// Remembers a request that was answered at `now`: the forge counted it no later than that.
    pub fn record(&mut self, now: SystemTime, kind: Kind) {
        self.requests.push_back((now, kind));
        while self.requests.front().is_some_and(|(at, _)| *at + HOUR <= now) {
            self.requests.pop_front();
        }
    }

    /// Remembers what the forge said is left.
    pub fn told(&mut self, primary: Primary) {
        self.primary = Some(primary);
    }
}

/// When the next request of this kind may leave: the latest instant any limit asks for.
pub fn turn(spent: &Spent, limits: &Limits, kind: Kind, now: SystemTime) -> Turn {
    let mut waits: Vec<(SystemTime, &'static str)> = Vec::new();
    if let Some(primary) = spent.primary.filter(|primary| primary.remaining == 0) {
        waits.push((primary.reset, "requests an hour"));
    }
    let recent = || spent.requests.iter().rev();
    if kind != Kind::Read {
        let last = recent().find(|(_, kind)| *kind != Kind::Read);
        waits.extend(last.map(|(at, _)| (*at + limits.spacing, "a second between writes")));
    }
    if kind == Kind::Creation {
        let creations = || recent().filter(|(_, kind)| *kind == Kind::Creation);
        for (most, window, name) in
            [(limits.per_minute, MINUTE, "80 creations a minute"), (limits.per_hour, HOUR, "500 creations an hour")]
        {
            // The oldest of the last `most` creations must have left the window.
            let blocking = most.checked_sub(1).and_then(|index| creations().nth(index));
            waits.extend(blocking.map(|(at, _)| (*at + window, name)));
        }
    }
    let mut points = kind.points();
    for (at, kind) in recent().take_while(|(at, _)| *at + MINUTE > now) {
        points = points.saturating_add(kind.points());
        if points > limits.points {
            waits.push((*at + MINUTE, "900 points a minute"));
            break;
        }
    }
    match waits.into_iter().filter(|(at, _)| *at > now).max() {
        Some((at, limit)) => Turn::At(at, limit),
        None => Turn::Now,
    }
}

/// The earliest instant at which the last of these requests can leave, and the limit that asks for the longest wait.
pub fn floor(
    spent: &Spent,
    limits: &Limits,
    plan: impl IntoIterator<Item = Kind>,
    now: SystemTime,
) -> (SystemTime, Option<&'static str>) {
    let (mut spent, mut now) = (spent.clone(), now);
    let mut binding: Option<(Duration, &'static str)> = None;
    for kind in plan {
        if let Turn::At(at, limit) = turn(&spent, limits, kind, now) {
            let wait = at.duration_since(now).unwrap_or_default();
            binding = binding.max(Some((wait, limit)));
            now = at;
        }
        spent.record(now, kind);
        spent.primary = spent.primary.and_then(|left| {
            let remaining = left.remaining.saturating_sub(1);
            (left.reset > now).then_some(Primary { remaining, ..left })
        });
    }
    (now, binding.map(|(_, limit)| limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn seconds(plan: Vec<Kind>) -> u64 {
        let (end, _) = floor(&Spent::default(), &Limits::github(), plan, UNIX_EPOCH);
        end.duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test] // release-pipeline.md §2
    fn the_strictest_window_decides() {
        assert_eq!(seconds(vec![]), 0);
        assert_eq!(seconds(vec![Kind::Creation]), 0);
        assert_eq!(seconds(vec![Kind::Write; 10]), 9); // a second between writes
        assert_eq!(seconds(vec![Kind::Creation; 500]), 499); // 60 a minute at most anyway
        assert_eq!(seconds(vec![Kind::Creation; 501]), 3600); // the first of 500 must be an hour old
        assert_eq!(seconds(vec![Kind::Read; 901]), 60); // 900 points
        let close = Limits { spacing: Duration::ZERO, ..Limits::github() };
        let (end, limit) = floor(&Spent::default(), &close, [Kind::Creation; 81], UNIX_EPOCH);
        assert_eq!((end, limit), (UNIX_EPOCH + MINUTE, Some("80 creations a minute")));
        let (end, _) = floor(&Spent::default(), &Limits::none(), [Kind::Creation; 2000], UNIX_EPOCH);
        assert_eq!(end, UNIX_EPOCH);
    }

    #[test]
    fn an_empty_primary_budget_waits_for_its_reset() {
        let mut spent = Spent::default();
        let reset = UNIX_EPOCH + Duration::from_secs(1000);
        spent.told(Primary { remaining: 2, reset });
        let (end, limit) = floor(&spent, &Limits::none(), [Kind::Write; 3], UNIX_EPOCH);
        assert_eq!((end, limit), (reset, Some("requests an hour")));
    }
}
