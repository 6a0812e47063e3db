//! What time it is, and waiting: a seam, so that tests wait hours in no time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time and lets it pass.
pub trait Clock {
    /// Now.
    fn now(&self) -> SystemTime;

    /// Returns at `until`, or soon after `stop` was set.
    fn sleep_until(&self, until: SystemTime, stop: &AtomicBool);
}

/// The machine's clock.
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, until: SystemTime, stop: &AtomicBool) {
        const SLICE: Duration = Duration::from_millis(100);
        while !stop.load(Ordering::SeqCst) {
            match until.duration_since(SystemTime::now()) {
                Ok(left) if !left.is_zero() => std::thread::sleep(left.min(SLICE)),
                _ => return,
            }
        }
    }
}

/// `22:15:03 UTC`.
pub fn time_of_day(at: SystemTime) -> String {
    let second = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

/// `22:15:03 UTC`, and the day where it is not the day of `now`: `22:15:03 UTC on 27 Nov 2026`.
pub fn moment(at: SystemTime, now: SystemTime) -> String {
    let day = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    // Later than the year 9999 there is no date to write.
    if day(at) == day(now) || day(at) > 2_932_896 {
        return time_of_day(at);
    }
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let date = httpdate::fmt_http_date(at);
    format!("{} on {}", time_of_day(at), date.get(5..16).unwrap_or_default())
}

/// `1994-11-06` and `08:49:37`, in UTC, of a moment in seconds since 1970. `None` later than the year 9999.
pub fn date_and_time(second: u64) -> Option<(String, String)> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Later there is no date to write.
    let at = (second < 253_402_300_800).then(|| UNIX_EPOCH + Duration::from_secs(second))?;
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let text = httpdate::fmt_http_date(at);
    let (day, month, year, time) = (text.get(5..7)?, text.get(8..11)?, text.get(12..16)?, text.get(17..25)?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Some((format!("{year}-{month:02}-{day}"), time.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_day_is_said() {
        let now = UNIX_EPOCH + Duration::from_secs(1_763_849_703);
        assert_eq!(moment(now + Duration::from_secs(60), now), "22:16:03 UTC");
        assert_eq!(moment(now + Duration::from_secs(7200), now), "00:15:03 UTC on 23 Nov 2025");
        assert_eq!(moment(UNIX_EPOCH + Duration::from_secs(u64::MAX >> 8), now).len(), "22:16:03 UTC".len());
    }

    #[test]
    fn a_moment_has_a_date_and_a_time() {
        let told = |second| date_and_time(second).map(|(day, time)| format!("{day} {time}"));
        assert_eq!(told(0).as_deref(), Some("1970-01-01 00:00:00"));
        assert_eq!(told(1_777_636_800).as_deref(), Some("2026-05-01 12:00:00"));
        assert_eq!((told(253_402_300_799).as_deref(), told(u64::MAX)), (Some("9999-12-31 23:59:59"), None));
    }

    #[test]
    fn a_clock_time_is_read_off_the_day() {
        assert_eq!(time_of_day(UNIX_EPOCH + Duration::from_secs(1_763_849_703)), "22:15:03 UTC");
    }

    #[test]
    fn waiting_ends_when_the_run_is_stopped() {
        let far = SystemTime::now() + Duration::from_secs(3600);
        Machine.sleep_until(far, &AtomicBool::new(true));
    }
}
