//! Go's durations, as `-valid-for` takes them. aegis-bundle.md §7.3.

use std::fmt::Write as _;
use std::str::FromStr;

/// A span of time in nanoseconds, negative ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoDuration(i64);

/// A text is no duration. The words are Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Anything but numbers and units, or more than fits.
    #[error("time: invalid duration {}", quoted(.0))]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quoted(.0))]
    NoUnit(String),
    /// A unit that Go does not have; days and weeks are none.
    #[error("time: unknown unit {} in duration {}", quoted(.unit), quoted(.text))]
    Unit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Units, longest number of nanoseconds last.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// 2^63: what a negative duration may reach.
const MOST: u64 = 1 << 63;

impl GoDuration {
    /// A year of 365 days, the lifetime of a signature unless another is asked for. aegis-bundle.md §1.
    pub const DEFAULT_LIFETIME: GoDuration = GoDuration(31_536_000_000_000_000);

    /// The length.
    pub fn nanoseconds(self) -> i64 {
        self.0
    }

    /// Whether it is longer than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;
    fn from_str(text: &str) -> Result<GoDuration, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (is_negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(GoDuration(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (part, after) = term(text, rest)?;
            total = total.checked_add(part).filter(|total| *total <= MOST).ok_or_else(invalid)?;
            rest = after;
        }
        let number = if is_negative { total.wrapping_neg().cast_signed() } else { total.cast_signed() };
        if is_negative || total < MOST { Ok(GoDuration(number)) } else { Err(invalid()) }
    }
}

/// One number and its unit, in nanoseconds, and what follows.
fn term<'t>(text: &str, rest: &'t str) -> Result<(u64, &'t str), DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (whole, rest) = digits(rest);
    let (fraction, rest, has_point) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            (fraction, rest, true)
        }
        None => ("", rest, false),
    };
    if whole.is_empty() && (!has_point || fraction.is_empty()) {
        return Err(invalid());
    }
    let mut number: u64 = 0;
    for digit in whole.bytes() {
        number = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u64::from(digit - b'0')))
            .ok_or_else(invalid)?;
        if number > MOST {
            return Err(invalid());
        }
    }
    let end = rest.find(|char: char| char == '.' || char.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    if unit.is_empty() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let unknown = || DurationError::Unit { unit: unit.to_owned(), text: text.to_owned() };
    let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale).ok_or_else(unknown)?;
    let whole = number.checked_mul(scale).filter(|whole| *whole <= MOST).ok_or_else(invalid)?;
    let part = whole.checked_add(of_unit(fraction, scale)).filter(|part| *part <= MOST).ok_or_else(invalid)?;
    Ok((part, rest))
}

/// The fraction of a unit, rounded as Go's doubles round it.
fn of_unit(fraction: &str, scale: u64) -> u64 {
    let (mut number, mut divisor) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        if number > (MOST - 1) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > MOST {
            break;
        }
        number = next;
        divisor *= 10.0;
    }
    if number == 0 { 0 } else { (number as f64 * (scale as f64 / divisor)) as u64 }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()))
}

/// As Go's `time` quotes: bytes that are not printable ASCII as `\x..`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes().take(1_000) {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            // 0x7f is written as it is by Go; here nothing reaches a terminal that could move its cursor.
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => drop(write!(quoted, "\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §7.3; the expected values are Go's
    fn a_duration_has_gos_grammar() {
        for (text, nanoseconds) in [
            ("8760h", 31_536_000_000_000_000),
            ("1h30m", 5_400_000_000_000),
            (".5h", 1_800_000_000_000),
            ("1.h", 3_600_000_000_000),
            ("-1h", -3_600_000_000_000),
            ("+0", 0),
            ("100µs", 100_000),
            ("-2562047h47m16.854775808s", i64::MIN),
            ("0.100000000000000000000h", 360_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(GoDuration(nanoseconds)), "{text}");
        }
        for (text, message) in [
            ("", "time: invalid duration \"\""),
            ("8760", "time: missing unit in duration \"8760\""),
            ("365d", "time: unknown unit \"d\" in duration \"365d\""),
            ("1é", "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\""),
            ("2562047h47m16.854775808s", "time: invalid duration \"2562047h47m16.854775808s\""),
            ("99999999999999999999h", "time: invalid duration \"99999999999999999999h\""),
        ] {
            assert_eq!(text.parse::<GoDuration>().map_err(|e| e.to_string()), Err(message.into()), "{text}");
        }
    }
}
