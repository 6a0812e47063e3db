//! The verdict of a starting host: the signature again, against the copy of the manifest that its database kept.
//! aegis-bundle.md §3.9, §8.5.
//!
//! PostgreSQL's `jsonb` keeps values, not bytes. Numbers are written out, of members with one name the last one stays, and
//! some strings cannot be kept at all. What a signature covers may therefore verify at the upload and never again.

use super::Kind;
use super::canonical;
use super::verify::{HostTrust, Material, verify};
use crate::text::json::tape::{self, Replaced, Syntax, Tape, Value};

/// Digits `numeric` has before and after the point.
const MOST_DIGITS: (i64, i64) = (131_072, 16_383);
/// Bytes of a copy that are made here: numbers of a few bytes may be written out to 131,072 digits each.
const MOST_BYTES: usize = 64 << 20;

/// Why a manifest cannot be kept: the upload fails with `failed to persist <kind> package state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// It is not one JSON value.
    #[error("it is not one JSON document")]
    NotJson,
    /// A string has U+0000.
    #[error("a string has \\u0000")]
    Nul,
    /// A string has half of a surrogate pair.
    #[error("a string has half of a surrogate pair")]
    Surrogate,
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A number has more digits than `numeric` keeps, or all together are too long.
    #[error("a number has too many digits")]
    Number,
}

/// The manifest as the database gives it back, in canonical form.
///
/// # Errors
/// [`NotKept`].
pub fn jsonb(manifest: &[u8]) -> Result<Vec<u8>, NotKept> {
    let tape = Tape::read(manifest, Syntax::STRICT).map_err(|_| NotKept::NotJson)?;
    strings(tape.root())?;
    let mut copy = Vec::with_capacity(manifest.len());
    // Canonical bytes are JSON again: numbers are rewritten on them, outside of strings.
    let mut form = Vec::new();
    canonical::write(tape.root(), &mut form);
    let mut rest = &form[..];
    while let Some(byte) = rest.first() {
        let length = match byte {
            b'"' => string_length(rest),
            b'-' | b'0'..=b'9' => {
                let length = rest
                    .iter()
                    .take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                    .count();
                numeric(&rest[..length], &mut copy)?;
                rest = &rest[length..];
                continue;
            }
            _ => 1,
        };
        copy.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        if copy.len() > MOST_BYTES {
            return Err(NotKept::Number);
        }
    }
    Ok(copy)
}

/// Every string must be text that PostgreSQL keeps. No recursion: a stack of values.
fn strings(root: Value<'_>) -> Result<(), NotKept> {
    let mut values = vec![root];
    while let Some(value) = values.pop() {
        if let Some((_, why)) = value.replaced() {
            return Err(match why {
                Replaced::LoneSurrogate => NotKept::Surrogate,
                Replaced::NotUtf8 => NotKept::NotUtf8,
            });
        }
        match value.kind() {
            tape::Kind::Text if value.text().is_some_and(|text| text.contains('\0')) => return Err(NotKept::Nul),
            tape::Kind::List => values.extend(value.items()),
            tape::Kind::Object => values.extend(value.members().flat_map(|member| [member.name, member.value])),
            _ => {}
        }
    }
    Ok(())
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A number as `numeric` writes it: exponents written out, places behind the point kept, no sign on zero.
fn numeric(written: &[u8], to: &mut Vec<u8>) -> Result<(), NotKept> {
    let text = std::str::from_utf8(written).map_err(|_| NotKept::NotJson)?;
    let (text, is_negative) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| NotKept::Number)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let point = whole.len() as i64;
    let point = point.checked_add(exponent).ok_or(NotKept::Number)?;
    let scale = (digits.len() as i64 - point).max(0);
    let significant = digits.trim_start_matches('0');
    // Digits before the point, as far as they are not leading zeros.
    let before = if significant.is_empty() { 0 } else { point - (digits.len() - significant.len()) as i64 };
    if before > MOST_DIGITS.0 || scale > MOST_DIGITS.1 || to.len() > MOST_BYTES {
        return Err(NotKept::Number);
    }
    if is_negative && !significant.is_empty() {
        to.push(b'-');
    }
    let digit = |place: i64| {
        let index = usize::try_from(point - 1 - place).ok();
        index.and_then(|index| digits.as_bytes().get(index)).copied().unwrap_or(b'0')
    };
    for place in (0..before.max(1)).rev() {
        to.push(digit(place));
    }
    if scale > 0 {
        to.push(b'.');
        for place in 1..=scale {
            to.push(digit(-place));
        }
    }
    Ok(())
}

/// A package as it was stored.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Which kind.
    pub kind: Kind,
    /// The four files.
    pub material: Material<'a>,
    /// Whether it was stored as verified.
    pub was_verified: bool,
    /// `plugins.allow_unsafe_sideload`, now.
    pub allow_unsafe: bool,
}

/// What a starting host makes of a package that was `ready` or waited for a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtStart {
    /// It stays.
    Ready {
        /// Whether its signature verified again.
        verified: bool,
    },
    /// State `error`, with this message. Restoring trust later does not lift it.
    Quarantined(String),
    /// It never got into the database.
    NotKept(NotKept),
}

/// Verifies a stored package again. aegis-bundle.md §8.5.
pub fn at_start(stored: &Stored<'_>, host: &HostTrust) -> AtStart {
    let copy = match jsonb(stored.material.manifest) {
        Ok(copy) => copy,
        Err(why) => return AtStart::NotKept(why),
    };
    let verdict = verify(&Material { manifest: &copy, ..stored.material }, host);
    if verdict.is_verified() {
        return AtStart::Ready { verified: true };
    }
    let has_material = [stored.material.wrapper, stored.material.signature, stored.material.public_key];
    let lost = stored.was_verified && has_material.iter().all(|file| !file.is_empty());
    match (lost, verdict.reason()) {
        (true, Some(reason)) => AtStart::Quarantined(reason),
        (true, None) => AtStart::Quarantined(cannot_verify(stored.kind)),
        (false, _) if !stored.allow_unsafe => AtStart::Quarantined(cannot_verify(stored.kind)),
        (false, _) => AtStart::Ready { verified: false },
    }
}

fn cannot_verify(kind: Kind) -> String {
    format!("{kind} signature cannot be re-verified against trusted keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(text: &str) -> String {
        jsonb(text.as_bytes()).map_or_else(|why| why.to_string(), |copy| String::from_utf8(copy).expect("UTF-8"))
    }

    #[test] // aegis-bundle.md §3.9
    fn the_database_writes_numbers_out_and_drops_repeated_members() {
        for (written, kept) in [
            ("[1, -0, 0, 12]", "[1,0,0,12]"),
            ("[1.0, 1.50, -0.0, 0.00]", "[1.0,1.50,0.0,0.00]"),
            ("[1e2, 1E+2, 1.5e1, 1.25e1, 1e-2, 12e-1, 0e5, -2e0]", "[100,100,15,12.5,0.01,1.2,0,-2]"),
            ("[0.05e1, 0.000e-2, 100e-2]", "[0.5,0.00000,1.00]"),
            (r#"{"a":1,"b":"1e2 \" -0","a":{"x":2}}"#, r#"{"a":{"x":2},"b":"1e2 \" -0"}"#),
        ] {
            assert_eq!(copy(written), kept, "{written}");
        }
    }

    #[test] // aegis-bundle.md §3.9
    fn the_database_refuses_what_it_cannot_keep() {
        for (written, why) in [
            (&br#"["\u0000"]"#[..], NotKept::Nul),
            (br#"{"\ud800":1}"#, NotKept::Surrogate),
            (b"[\"\xff\"]", NotKept::NotUtf8),
            (b"[1e131073]", NotKept::Number),
            (b"[1e-16384]", NotKept::Number),
            (b"[1e99999999999999999999]", NotKept::Number),
            (b"{} x", NotKept::NotJson),
        ] {
            assert_eq!(jsonb(written), Err(why), "{:?}", String::from_utf8_lossy(written));
        }
        let many = format!("[{}0]", "1e131000,".repeat(10_000));
        assert_eq!(jsonb(many.as_bytes()), Err(NotKept::Number), "bounded memory");
    }
}
