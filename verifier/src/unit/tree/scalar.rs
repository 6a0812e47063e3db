//! What a plain scalar is: the resolution of `gopkg.in/yaml.v3` v3.0.1. cli-unit.md §2.2, D7 and D8.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::{Scalar, ScalarKind};

/// What a scalar without tag is, finer than a reader of texts needs it: a tag has to agree with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolved {
    Null,
    Boolean,
    Integer,
    Float,
    Timestamp,
    Text,
}

/// A plain scalar without tag.
pub(super) fn plain(text: &str) -> Scalar {
    let kind = match text {
        "<<" => ScalarKind::Merge,
        _ => kind_of(resolve(text)),
    };
    Scalar { text: text.to_owned(), kind }
}

/// A scalar in quotes or a block.
pub(super) fn quoted(text: String) -> Scalar {
    Scalar { text, kind: ScalarKind::Text }
}

/// A scalar with one of YAML's own tags, named without `!!`.
///
/// # Errors
/// One line: what does not fit the tag.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Scalar, String> {
    let wanted: &[Resolved] = match tag {
        "str" => return Ok(quoted(text.to_owned())),
        "binary" => return Ok(quoted(binary(text)?)),
        "merge" if text == "<<" => return Ok(Scalar { text: text.to_owned(), kind: ScalarKind::Merge }),
        "null" => &[Resolved::Null],
        "bool" => &[Resolved::Boolean],
        "int" => &[Resolved::Integer],
        "float" => &[Resolved::Float, Resolved::Integer],
        "timestamp" => &[Resolved::Timestamp],
        // Any other tag says nothing to the decoder: the text stays.
        _ => return Ok(quoted(text.to_owned())),
    };
    let resolved = resolve(text);
    if wanted.contains(&resolved) {
        return Ok(Scalar { text: text.to_owned(), kind: kind_of(resolved) });
    }
    Err(format!("a value tagged !!{tag} is not one"))
}

/// Base64 as Go's decoder takes it: line ends in between do not count, padding has to be there.
fn binary(text: &str) -> Result<String, String> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let bare: String = text.chars().filter(|char| !matches!(char, '\n' | '\r')).collect();
    let bytes = GeneralPurpose::new(&STANDARD, config).decode(bare);
    let bytes = bytes.map_err(|_| "a !!binary value contains invalid base64 data".to_owned())?;
    String::from_utf8(bytes).map_err(|_| "a !!binary value is not UTF-8".to_owned())
}

fn kind_of(resolved: Resolved) -> ScalarKind {
    match resolved {
        Resolved::Null => ScalarKind::Null,
        Resolved::Text => ScalarKind::Text,
        Resolved::Boolean | Resolved::Integer | Resolved::Float | Resolved::Timestamp => ScalarKind::Typed,
    }
}

fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Resolved::Boolean,
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Resolved::Float,
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') if is_float(text) => Resolved::Float,
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let bare = text.replace('_', "");
            if is_timestamp(text) {
                Resolved::Timestamp
            } else if is_integer(&bare) {
                Resolved::Integer
            } else if is_float(&bare) {
                Resolved::Float
            } else {
                Resolved::Text
            }
        }
        _ => Resolved::Text,
    }
}

/// What Go's `strconv` reads as an integer of 64 bits, with a prefix for another base.
fn is_integer(text: &str) -> bool {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (0, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let Ok(number) = u64::from_str_radix(digits, radix) else { return false };
    match sign {
        0 => true,
        1 => i64::try_from(number).is_ok(),
        _ => number <= 1 << 63,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    exponent_fits && mantissa_fits
}

/// `2001-12-14`, and the same with a time of day: whether the day exists is not looked at.
fn is_timestamp(text: &str) -> bool {
    let number = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let date: Vec<&str> = date.split('-').collect();
    let [year, month, day] = date.as_slice() else { return false };
    year.len() == 4
        && number(year, 4)
        && number(month, 2)
        && number(day, 2)
        && time.is_none_or(|time| time.contains(':') && time.starts_with(|char: char| char.is_ascii_digit()))
}

/// A JSON number where a text is wanted: the shortest decimal text of the 64-bit float, as Go writes it. cli-unit.md §2.1.
pub(crate) fn float_text(number: &str) -> Option<String> {
    let float: f64 = number.parse().ok().filter(|float: &f64| float.is_finite())?;
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    // Go's `%g` in its shortest form.
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return Some(format!("{mantissa}e{sign}{:02}", exponent.abs()));
    }
    Some(format!("{float}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli-unit.md §2.2, D7 and D8: yaml.v3's resolution
    fn a_plain_scalar_is_what_go_takes_it_for() {
        for (kind, texts) in [
            (ScalarKind::Null, &["", "~", "null", "Null", "NULL"][..]),
            (ScalarKind::Merge, &["<<"]),
            (
                ScalarKind::Typed,
                &[
                    "true",
                    "FALSE",
                    "1",
                    "-1",
                    "+1",
                    "0x10",
                    "0b1",
                    "0o7",
                    "017",
                    "1_000",
                    "1.",
                    ".5",
                    "1e3",
                    "08",
                    "18446744073709551615",
                    "18446744073709551616",
                    ".inf",
                    "-.INF",
                    ".NaN",
                    "2001-12-14",
                    "2001-1-2 3:4:5",
                    "2001-12-14T21:59:43Z",
                ],
            ),
            (
                ScalarKind::Text,
                &[
                    "gh",
                    "yes",
                    "No",
                    "on",
                    "nULL",
                    "tRue",
                    "0x",
                    "0xG",
                    "0b2",
                    "1.2.3",
                    "-",
                    "+",
                    ".",
                    "..",
                    "1e",
                    "_1",
                    "0xffffffffffffffffff",
                    "12:30",
                    "2001-12",
                    "inf",
                    "NaN",
                    "~x",
                    "1 2",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(plain(text).kind, kind, "{text:?}");
                assert_eq!(plain(text).text, *text);
            }
        }
    }

    #[test] // cli-unit.md §2.2, D8
    fn a_tag_has_to_fit_its_value() {
        for (tag, text, expected) in [
            ("str", "5", Some("5")),
            ("binary", "Z2g=", Some("gh")),
            ("binary", "Z2\r\ng=", Some("gh")),
            ("binary", "Z2g", None),
            ("binary", "/w==", None),
            ("int", "0x10", Some("0x10")),
            ("int", "1.5", None),
            ("float", "5", Some("5")),
            ("bool", "true", Some("true")),
            ("bool", "yes", None),
            ("null", "x", None),
            ("custom", "x", Some("x")),
        ] {
            assert_eq!(tagged(tag, text).ok().map(|scalar| scalar.text).as_deref(), expected, "!!{tag} {text}");
        }
        assert_eq!(tagged("null", "").map(|scalar| scalar.kind), Ok(ScalarKind::Null));
    }

    #[test] // cli-unit.md §2.1
    fn a_number_is_written_as_go_writes_a_float() {
        for (number, expected) in [
            ("123", "123"),
            ("1.50", "1.5"),
            ("123456789012", "1.23456789012e+11"),
            ("123456", "123456"),
            ("1234567", "1.234567e+06"),
            ("1e21", "1e+21"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-0", "-0"),
            ("1e-7", "1e-07"),
            ("1E2", "100"),
        ] {
            assert_eq!(float_text(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(float_text("1e999"), None);
    }
}
