//! When may the next request leave? Windows and counts of release-pipeline.md §2. No clock in here: time is a parameter.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::limits::{Limit, Limits, RequestKind};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Requests of the last hour, and what the forge said is left.
#[derive(Clone, Debug, Default)]
pub struct RateUsage {
    requests: VecDeque<(SystemTime, RequestKind)>,
    primary: Option<PrimaryWindow>,
}

/// The primary limit as the last answer told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimaryWindow {
    /// Requests a window allows.
    pub limit: u64,
    /// Requests left in this window.
    pub remaining: u64,
    /// When the window ends.
    pub reset: SystemTime,
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Yes.
    Now,
    /// From then on, because of this limit.
    At(SystemTime, Limit),
}

impl RateUsage {
    /// Remembers a request that was answered at `now`: the forge counted it no later than that.
    pub fn record(&mut self, now: SystemTime, kind: RequestKind) {
        if kind == RequestKind::Free {
            return;
        }
        self.requests.push_back((now, kind));
        while self.requests.front().is_some_and(|(at, _)| *at + HOUR <= now) {
            self.requests.pop_front();
        }
        // Uploads are answered without a word on the primary limit, and count all the same.
        self.primary = self.primary.map(|left| match left.reset <= now {
            true => PrimaryWindow { remaining: left.limit.saturating_sub(1), reset: now + HOUR, ..left },
            false => PrimaryWindow { remaining: left.remaining.saturating_sub(1), ..left },
        });
    }

    /// What the forge said is left, if it said anything.
    pub fn primary(&self) -> Option<PrimaryWindow> {
        self.primary
    }

    /// Remembers what the forge said is left.
    pub fn update(&mut self, primary: PrimaryWindow) {
        self.primary = Some(primary);
    }
}

/// When so many flips can begin: the primary window covers them all, or has just begun. Before that half a cohort would be
/// public until the next window. artifacts.md §11.
pub fn opening(usage: &RateUsage, flips: u64, now: SystemTime) -> Slot {
    match usage.primary.filter(|primary| primary.reset > now) {
        // What a few reads took from a fresh window does not make it an old one.
        Some(left) if left.remaining < flips && left.remaining < left.limit - left.limit / 20 => {
            Slot::At(left.reset, Limit::Window)
        }
        _ => Slot::Now,
    }
}

/// When the next request of this kind may leave: the latest instant any limit asks for.
pub fn next_slot(usage: &RateUsage, limits: &Limits, kind: RequestKind, now: SystemTime) -> Slot {
    let mut waits: Vec<(SystemTime, Limit)> = Vec::new();
    if let Some(primary) = usage.primary.filter(|primary| primary.remaining == 0) {
        waits.push((primary.reset, Limit::Primary));
    }
    let recent = || usage.requests.iter().rev();
    if kind.is_write() {
        let last = recent().find(|(_, kind)| kind.is_write());
        waits.extend(last.map(|(at, _)| (*at + limits.spacing, Limit::Spacing(limits.spacing))));
    }
    if kind == RequestKind::Creation {
        let creations = || recent().filter(|(_, kind)| *kind == RequestKind::Creation);
        for (most, window, limit) in [
            (limits.per_minute, MINUTE, Limit::CreationsPerMinute(limits.per_minute)),
            (limits.per_hour, HOUR, Limit::CreationsPerHour(limits.per_hour)),
        ] {
            // The oldest of the last `most` creations must have left the window.
            let blocking = most.checked_sub(1).and_then(|index| creations().nth(index));
            waits.extend(blocking.map(|(at, _)| (*at + window, limit)));
        }
    }
    let mut points = kind.points();
    for (at, kind) in recent().take_while(|(at, _)| *at + MINUTE > now) {
        points = points.saturating_add(kind.points());
        if points > limits.points {
            waits.push((*at + MINUTE, Limit::Points(limits.points)));
            break;
        }
    }
    match waits.into_iter().filter(|(at, _)| *at > now).max() {
        Some((at, limit)) => Slot::At(at, limit),
        None => Slot::Now,
    }
}

/// The earliest instant at which the last of these requests can leave, and the limit that asks for the longest wait. Each
/// request takes `pace`; the flips begin at their [`opening`].
pub fn earliest_finish(
    usage: &RateUsage,
    limits: &Limits,
    stage: &[RequestKind],
    flips: &[RequestKind],
    pace: Duration,
    now: SystemTime,
) -> (SystemTime, Option<Limit>) {
    let (mut usage, mut now) = (usage.clone(), now);
    let mut binding: Option<(Duration, Limit)> = None;
    let mut pass = |slot: Slot, now: &mut SystemTime| {
        if let Slot::At(at, limit) = slot {
            let wait = at.duration_since(*now).unwrap_or_default();
            binding = binding.max(Some((wait, limit)));
            *now = at;
        }
    };
    for (index, kind) in stage.iter().chain(flips).enumerate() {
        if index == stage.len() {
            pass(opening(&usage, flips.len() as u64, now), &mut now);
        }
        pass(next_slot(&usage, limits, *kind, now), &mut now);
        now += pace;
        usage.record(now, *kind);
    }
    (now, binding.map(|(_, limit)| limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn seconds(plan: Vec<RequestKind>) -> u64 {
        let (end, _) =
            earliest_finish(&RateUsage::default(), &Limits::github(), &plan, &[], Duration::ZERO, UNIX_EPOCH);
        end.duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test] // release-pipeline.md §2
    fn the_strictest_window_decides() {
        assert_eq!(seconds(vec![]), 0);
        assert_eq!(seconds(vec![RequestKind::Creation]), 0);
        assert_eq!(seconds(vec![RequestKind::Change; 10]), 9); // a second between writes
        assert_eq!(seconds(vec![RequestKind::Creation; 500]), 499); // 60 a minute at most anyway
        assert_eq!(seconds(vec![RequestKind::Creation; 501]), 3600); // the first of 500 must be an hour old
        assert_eq!(seconds(vec![RequestKind::Read; 901]), 60); // 900 points
        let close = Limits { spacing: Duration::ZERO, ..Limits::github() };
        let (end, limit) = earliest_finish(
            &RateUsage::default(),
            &close,
            &[RequestKind::Creation; 81],
            &[],
            Duration::ZERO,
            UNIX_EPOCH,
        );
        assert_eq!((end, limit), (UNIX_EPOCH + MINUTE, Some(Limit::CreationsPerMinute(80))));
        let none = Limits::none();
        let (end, _) = earliest_finish(
            &RateUsage::default(),
            &none,
            &[RequestKind::Creation; 2000],
            &[],
            Duration::ZERO,
            UNIX_EPOCH,
        );
        assert_eq!(end, UNIX_EPOCH);
        let slow = Duration::from_millis(2500); // a second between writes is over before the answer is there
        let (end, _) =
            earliest_finish(&RateUsage::default(), &Limits::github(), &[RequestKind::Change; 4], &[], slow, UNIX_EPOCH);
        assert_eq!(end, UNIX_EPOCH + slow * 4 + Duration::from_secs(3));
    }

    #[test]
    fn an_empty_primary_budget_waits_for_its_reset() {
        let mut usage = RateUsage::default();
        let reset = UNIX_EPOCH + Duration::from_secs(1000);
        usage.update(PrimaryWindow { limit: 1000, remaining: 2, reset });
        let (end, limit) =
            earliest_finish(&usage, &Limits::none(), &[RequestKind::Change; 3], &[], Duration::ZERO, UNIX_EPOCH);
        assert_eq!((end, limit), (reset, Some(Limit::Primary)));
    }

    #[test] // artifacts.md §11
    fn flips_begin_in_a_window_that_covers_them_or_is_fresh() {
        let reset = UNIX_EPOCH + Duration::from_secs(1000);
        let opens = |remaining, flips| {
            let mut usage = RateUsage::default();
            usage.update(PrimaryWindow { limit: 1000, remaining, reset });
            matches!(opening(&usage, flips, UNIX_EPOCH), Slot::Now)
        };
        assert!(opens(518, 518) && !opens(517, 518), "the window covers every flip");
        assert!(opens(990, 1500) && !opens(500, 1500), "no window covers so many: a fresh one will do");
        assert_eq!(opening(&RateUsage::default(), 2000, UNIX_EPOCH), Slot::Now, "nothing is known of a limit");
        // 1,555 writes with a workflow's token: staging ends in the second window, and there the flips fit too.
        let mut usage = RateUsage::default();
        usage.update(PrimaryWindow { limit: 1000, remaining: 990, reset: UNIX_EPOCH + HOUR });
        let (stage, flips) = ([RequestKind::Creation; 1037], [RequestKind::Change; 518]);
        let (end, limit) = earliest_finish(&usage, &Limits::github(), &stage, &flips, Duration::ZERO, UNIX_EPOCH);
        let hours = end.duration_since(UNIX_EPOCH).unwrap().as_secs_f64() / 3600.0;
        assert!((2.0..2.5).contains(&hours), "{hours} hours, {limit:?}");
    }
}
