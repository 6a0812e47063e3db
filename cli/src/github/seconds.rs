//! A wait that a header asks for, never longer than a day: no number of a server can overflow a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest wait that is believed: no limit of GitHub lasts longer. A server that asks for more is asked again after it.
const CEILING: u32 = 24 * 60 * 60;

/// Whole seconds, from 0 to a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(u32);

impl Seconds {
    /// `retry-after`: seconds, or the date until which to wait (RFC 9110 §10.2.3); `there` is the time of the answer, by the
    /// clock that wrote the date. Anything else is no header.
    pub fn retry_after(text: &str, there: SystemTime) -> Option<Seconds> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Seconds(text.parse().unwrap_or(CEILING).min(CEILING)));
        }
        Some(Seconds::between(there, httpdate::parse_http_date(text).ok()?))
    }

    /// From `there` until a second counted from 1970, as `x-ratelimit-reset` tells it; 0 where that has passed.
    pub fn until_reset(reset: u64, there: SystemTime) -> Seconds {
        match UNIX_EPOCH.checked_add(Duration::from_secs(reset)) {
            Some(reset) => Seconds::between(there, reset),
            None => Seconds(CEILING),
        }
    }

    fn between(from: SystemTime, until: SystemTime) -> Seconds {
        let distance = until.duration_since(from).unwrap_or_default();
        let whole = distance.as_secs().saturating_add(u64::from(distance.subsec_nanos() > 0));
        Seconds(u32::try_from(whole).unwrap_or(CEILING).min(CEILING))
    }

    /// The instant so many seconds after `now`.
    pub fn after(self, now: SystemTime) -> SystemTime {
        now + Duration::from_secs(u64::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THERE: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test] // RFC 9110 §10.2.3, §5.6.7
    fn a_wait_is_seconds_or_a_date() {
        for (text, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("86400", Some(86_400)),
            ("86401", Some(86_400)),
            ("18446744073709551615", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:41 GMT", Some(4)),
            ("Sunday, 06-Nov-94 08:49:41 GMT", Some(4)),
            ("Sun Nov  6 08:49:41 1994", Some(4)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("+7", None),
            ("7.5", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:41 GMT", None),
        ] {
            assert_eq!(Seconds::retry_after(text, at(THERE)), seconds.map(Seconds), "{text:?}");
        }
        for (reset, seconds) in [(0, 0), (THERE, 0), (THERE + 600, 600), (1 << 63, 86_400), (u64::MAX, 86_400)] {
            assert_eq!(Seconds::until_reset(reset, at(THERE)), Seconds(seconds), "{reset}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_a_wait_longer_than_a_day(text in "[0-9]{0,30}|.{0,40}", reset: u64, there in 0..(1_u64 << 40)) {
            let there = at(there);
            let asked = Seconds::retry_after(&text, there).unwrap_or_default();
            for wait in [asked, Seconds::until_reset(reset, there)] {
                prop_assert!(wait <= Seconds(CEILING));
                prop_assert!(wait.after(there) >= there);
            }
        }
    }
}
