//! How much GitHub allows, as numbers; every text about them is made from these. release-pipeline.md §2.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// A GET: 1 point.
    Read,
    /// A PATCH or DELETE: 5 points.
    Change,
    /// A POST of a release or an asset: 5 points, and counted as content.
    Creation,
    /// A look at the limits themselves.
    Free,
}

impl RequestKind {
    /// Its points. GitHub Docs, "Rate limits for the REST API", "Calculating points".
    pub(super) fn points(self) -> u32 {
        match self {
            RequestKind::Free => 0,
            RequestKind::Read => 1,
            RequestKind::Change | RequestKind::Creation => 5,
        }
    }

    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        matches!(self, RequestKind::Change | RequestKind::Creation)
    }
}

/// How much a server allows. Displayed: `a second between writes, 80 creations a minute, 500 an hour, 900 points a minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) spacing: Duration,
    pub(super) per_minute: usize,
    pub(super) per_hour: usize,
    pub(super) points: u32,
    pub(super) lag: Duration,
}

impl Limits {
    /// github.com's. Its list of releases may be half a minute behind.
    pub const fn github() -> Limits {
        let (spacing, lag) = (Duration::from_secs(1), Duration::from_secs(35));
        Limits { spacing, per_minute: 80, per_hour: 500, points: 900, lag }
    }

    /// None but the ones the server tells in its answers; a server of one's own shows what it has.
    pub const fn none() -> Limits {
        let (spacing, lag) = (Duration::ZERO, Duration::ZERO);
        Limits { spacing, per_minute: usize::MAX, per_hour: usize::MAX, points: u32::MAX, lag }
    }

    /// So long a release may be missing from the list, with something to spare.
    pub fn lag(&self) -> Duration {
        self.lag
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Limits::none() {
            return f.write_str("none");
        }
        let (spacing, minute) = (Limit::Spacing(self.spacing), Limit::CreationsPerMinute(self.per_minute));
        write!(f, "{spacing}, {minute}, {} an hour, {}", self.per_hour, Limit::Points(self.points))
    }
}

/// One limit, as a reader is told of it. Of two that ask for the same wait, the greater one is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Releases and assets made within an hour.
    CreationsPerHour(usize),
    /// Releases and assets made within a minute.
    CreationsPerMinute(usize),
    /// Points within a minute.
    Points(u32),
    /// Time between two writes.
    Spacing(Duration),
    /// Requests an hour, as the server tells what is left.
    Primary,
    /// The same, where every flip is to fit into one window.
    Window,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::CreationsPerHour(most) => write!(f, "{most} creations an hour"),
            Limit::CreationsPerMinute(most) => write!(f, "{most} creations a minute"),
            Limit::Points(most) => write!(f, "{most} points a minute"),
            Limit::Spacing(spacing) if *spacing == Duration::from_secs(1) => f.write_str("a second between writes"),
            Limit::Spacing(spacing) => write!(f, "{} s between writes", spacing.as_secs_f32()),
            Limit::Primary => f.write_str("requests an hour"),
            Limit::Window => f.write_str("requests an hour: every release is to become public within one window"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_come_from_the_numbers() {
        let github = "a second between writes, 80 creations a minute, 500 an hour, 900 points a minute";
        assert_eq!(Limits::github().to_string(), github);
        let close = Limits { per_hour: 7, spacing: Duration::from_millis(1500), ..Limits::github() };
        assert_eq!(close.to_string(), "1.5 s between writes, 80 creations a minute, 7 an hour, 900 points a minute");
        assert_eq!(Limits::none().to_string(), "none");
    }
}
