//! Instants: RFC 3339 as Go writes it, and as Go's parser takes it. aegis-bundle.md §6.2.

use std::fmt;

use super::GoDuration;

const DAY: i64 = 86_400;

/// A moment, to the nanosecond: years 0 to 9999, and a day around them that offsets can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

/// A text is no instant for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time: {0}")]
pub struct NotAnInstant(&'static str);

impl Instant {
    /// Go's zero time, which counts as missing.
    pub const ZERO: Instant = Instant { seconds: -62_135_596_800, nanoseconds: 0 };

    /// From seconds since 1970 and nanoseconds of the second, below 1,000,000,000.
    pub fn new(seconds: i64, nanoseconds: u32) -> Instant {
        Instant { seconds, nanoseconds: nanoseconds.min(999_999_999) }
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds of the second.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Reads what the host's parser reads.
    ///
    /// # Errors
    /// [`NotAnInstant`].
    pub fn read(text: &str) -> Result<Instant, NotAnInstant> {
        let mut rest = Rest(text.as_bytes());
        let year = rest.digits(4, "the year has four digits")?;
        rest.expect(b'-', "the date is YYYY-MM-DD")?;
        let month = rest.digits(2, "the month has two digits")?;
        rest.expect(b'-', "the date is YYYY-MM-DD")?;
        let day = rest.digits(2, "the day has two digits")?;
        rest.expect(b'T', "an upper-case T stands between date and time")?;
        let short = rest.0.get(1).is_some_and(|byte| !byte.is_ascii_digit());
        let hour = rest.digits(if short { 1 } else { 2 }, "the hour has two digits")?;
        rest.expect(b':', "the time is hh:mm:ss")?;
        let minute = rest.digits(2, "the minute has two digits")?;
        rest.expect(b':', "the time is hh:mm:ss")?;
        let second = rest.digits(2, "the second has two digits")?;
        let nanoseconds = rest.fraction();
        let offset = rest.offset()?;
        if !rest.0.is_empty() {
            return Err(NotAnInstant("something follows"));
        }
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return Err(NotAnInstant("there is no such day"));
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(NotAnInstant("there is no such time of day"));
        }
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
        Ok(Instant { seconds, nanoseconds })
    }

    /// The moment that much later; `None` past the year 9999 or before the year 0.
    pub fn after(self, duration: GoDuration) -> Option<Instant> {
        let moment = self.total() + i128::from(duration.nanoseconds());
        let seconds = i64::try_from(moment.div_euclid(1_000_000_000)).ok()?;
        let later = Instant { seconds, nanoseconds: u32::try_from(moment.rem_euclid(1_000_000_000)).ok()? };
        (0..=9999).contains(&later.civil().0).then_some(later)
    }

    /// Whether it is later than another moment and so many seconds; fewer than none count as none. aegis-bundle.md §8.2, 10.
    pub fn is_past(self, end: Instant, skew: i64) -> bool {
        self.total() > end.total() + i128::from(skew.max(0)) * 1_000_000_000
    }

    /// Without the fraction of the second, as §8.3 shows it.
    pub fn whole_seconds(self) -> Instant {
        Instant { nanoseconds: 0, ..self }
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds)
    }

    /// Year, month and day.
    fn civil(self) -> (i64, i64, i64) {
        // Days since 0000-03-01, in eras of 400 years (a public-domain method by Howard Hinnant).
        let days = self.seconds.div_euclid(DAY) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let in_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * in_year + 2) / 153;
        let of_month = in_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + i64::from(month <= 2), month, of_month)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), time) = (self.civil(), self.seconds.rem_euclid(DAY));
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)?;
        if self.nanoseconds != 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + in_year - 719_468
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What of a text is still to be read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn digits(&mut self, count: usize, why: &'static str) -> Result<i64, NotAnInstant> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(NotAnInstant(why))?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(NotAnInstant(why));
        }
        self.0 = rest;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), NotAnInstant> {
        self.0 = self.0.strip_prefix(&[byte]).ok_or(NotAnInstant(why))?;
        Ok(())
    }

    /// A point or a comma and digits; those past nine are dropped.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', digits @ ..] = self.0 else { return 0 };
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        self.0 = &digits[count..];
        let digits = digits[..count].iter().chain(std::iter::repeat(&b'0')).take(9);
        digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    /// `Z`, or a numeric offset up to 24:60, in seconds.
    fn offset(&mut self) -> Result<i64, NotAnInstant> {
        const WHY: &str = "it ends with Z or an offset like +02:00";
        let sign = match self.0 {
            [b'Z', rest @ ..] => {
                self.0 = rest;
                return Ok(0);
            }
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(NotAnInstant(WHY)),
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2, WHY)?;
        self.expect(b':', WHY)?;
        let minutes = self.digits(2, WHY)?;
        if hours > 24 || minutes > 60 {
            return Err(NotAnInstant("the offset is out of range"));
        }
        Ok(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §6.2
    fn an_instant_is_written_in_utc_without_trailing_zeros() {
        for (seconds, nanoseconds, text) in [
            (1_767_323_045, 0, "2026-01-02T03:04:05Z"),
            (1_767_323_045, 600_000_000, "2026-01-02T03:04:05.6Z"),
            (0, 1, "1970-01-01T00:00:00.000000001Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
        ] {
            let instant = Instant::new(seconds, nanoseconds);
            assert_eq!(instant.to_string(), text);
            assert_eq!(Instant::read(text), Ok(instant));
        }
        assert_eq!(Instant::read("0001-01-01T00:00:00Z"), Ok(Instant::ZERO));
    }

    #[test]
    fn every_day_of_four_centuries_is_read_as_it_was_written() {
        for day in (0..146_097).step_by(7) {
            let instant = Instant::new(day * DAY + 12_345, 0);
            assert_eq!(Instant::read(&instant.to_string()), Ok(instant));
        }
    }

    #[test] // aegis-bundle.md §8.2, 10
    fn equality_with_the_end_and_the_skew_is_not_past() {
        let end = Instant::new(100, 5);
        for (now, skew, is_past) in [
            ((400, 5), 300, false),
            ((400, 6), 300, true),
            ((100, 5), 0, false),
            ((100, 6), -7, true),
            ((100, 5), -7, false),
            ((i64::MAX, 0), i64::MAX, false),
        ] {
            assert_eq!(Instant::new(now.0, now.1).is_past(end, skew), is_past, "{now:?}");
        }
    }
}
