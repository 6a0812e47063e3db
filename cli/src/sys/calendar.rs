//! Instants as dates and times of day, in UTC: RFC 3339 where a program reads it, words where a person does.
//!
//! Not here: what time it is ([`super::clock`]), and the dates of HTTP headers, which have a form of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::{DateTime, date};

/// `2026-02-03T04:05:06Z`; of an instant outside of 1970 to 9999, the nearest one inside.
pub fn rfc3339(at: SystemTime) -> String {
    civil(at).unwrap_or(DateTime::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `22:15:03 UTC`, and the day where it is not the day of `now`: `22:15:03 UTC on 27 Nov 2026`.
pub fn moment(at: SystemTime, now: SystemTime) -> String {
    let Some(at) = civil(at) else { return "after the year 9999".to_owned() };
    let is_today = civil(now).is_some_and(|now| now.date() == at.date());
    at.strftime(if is_today { "%H:%M:%S UTC" } else { "%H:%M:%S UTC on %d %b %Y" }).to_string()
}

/// `1994-11-06` and `08:49:37` of a moment in seconds since 1970. `None` later than the year 9999.
pub fn date_and_time(second: u64) -> Option<(String, String)> {
    let at = civil(UNIX_EPOCH.checked_add(Duration::from_secs(second))?)?;
    Some((at.strftime("%Y-%m-%d").to_string(), at.strftime("%H:%M:%S").to_string()))
}

/// `None` later than the year 9999; what is earlier than 1970 counts as its beginning.
fn civil(at: SystemTime) -> Option<DateTime> {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    date(1970, 1, 1).at(0, 0, 0, 0).checked_add(since).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn another_day_is_said() {
        let now = at(1_763_849_703);
        assert_eq!(moment(now, now), "22:15:03 UTC");
        assert_eq!(moment(now + Duration::from_secs(60), now), "22:16:03 UTC");
        assert_eq!(moment(now + Duration::from_secs(7200), now), "00:15:03 UTC on 23 Nov 2025");
        assert_eq!(moment(at(u64::MAX >> 8), now), "after the year 9999");
    }

    #[test]
    fn a_moment_has_a_date_and_a_time() {
        let told = |second| date_and_time(second).map(|(day, time)| format!("{day} {time}"));
        assert_eq!(told(0).as_deref(), Some("1970-01-01 00:00:00"));
        assert_eq!(told(1_777_636_800).as_deref(), Some("2026-05-01 12:00:00"));
        assert_eq!((told(253_402_300_799).as_deref(), told(u64::MAX)), (Some("9999-12-31 23:59:59"), None));
    }

    #[test]
    fn an_instant_is_written_as_rfc_3339() {
        for (second, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_507_651_200, "2017-10-10T16:00:00Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(at(second)), text);
        }
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(at(u64::MAX >> 8)), "9999-12-31T23:59:59Z");
    }
}
