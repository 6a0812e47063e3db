//! JSON of a file that people edit and that decides something: no byte-order mark, no byte that is not UTF-8, no half of a
//! surrogate pair, and what is wrong is said with its line.
//!
//! Go's reader is more polite ([`super::as_go_reads`]); where two readers would see two documents, this one refuses.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why a text is not this JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct NotStrict {
    /// What is wrong, with line and column where the parser knows them.
    pub detail: String,
    /// The line, from 1.
    pub line: usize,
}

/// Reads one document.
///
/// # Errors
/// [`NotStrict`].
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotStrict> {
    if let Some(mark) = byte_order_mark(bytes) {
        let detail = format!("it begins with a {mark} byte-order mark; save it as UTF-8 without one");
        return Err(NotStrict { detail, line: 1 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        NotStrict { detail: format!("invalid UTF-8 at line {line}"), line }
    })?;
    serde_json::from_str(text).map_err(|error| NotStrict { detail: error.to_string(), line: error.line() })
}

/// The encoding whose byte-order mark a text begins with. Editors add one unasked, and no JSON begins so.
fn byte_order_mark(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 5] = [
        (&[0xef, 0xbb, 0xbf], "UTF-8"),
        // The four-byte marks first: one of them begins like a two-byte mark.
        (&[0xff, 0xfe, 0, 0], "UTF-32"),
        (&[0, 0, 0xfe, 0xff], "UTF-32"),
        (&[0xff, 0xfe], "UTF-16"),
        (&[0xfe, 0xff], "UTF-16"),
    ];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, encoding)| *encoding)
}

/// Any value, read to its end and forgotten: unlike `serde::de::IgnoredAny` it decodes the strings, so that an unpaired
/// surrogate anywhere makes the file invalid.
pub struct AnyValue;

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AnyValue, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = AnyValue;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_bool<E>(self, _: bool) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_i64<E>(self, _: i64) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_u64<E>(self, _: u64) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_f64<E>(self, _: f64) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<AnyValue, E> {
        Ok(AnyValue)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<AnyValue, A::Error> {
        while elements.next_element::<AnyValue>()?.is_some() {}
        Ok(AnyValue)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AnyValue, A::Error> {
        while members.next_entry::<String, AnyValue>()?.is_some() {}
        Ok(AnyValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_could_read_as_two_documents_is_refused_with_its_line() {
        for (bytes, detail, line) in [
            (&b"\xef\xbb\xbf{}"[..], "it begins with a UTF-8 byte-order mark; save it as UTF-8 without one", 1),
            (b"{\n\"\xff\": 1}", "invalid UTF-8 at line 2", 2),
            (b"{\n\n\"a\": \"\\ud800\"}", "unexpected end of hex escape at line 3 column 13", 3),
            (b"{} {}", "trailing characters at line 1 column 4", 1),
        ] {
            assert_eq!(read::<AnyValue>(bytes).err(), Some(NotStrict { detail: detail.into(), line }));
        }
        assert!(read::<AnyValue>(b" {\"a\": [null, true, -1, 1.5, \"\\ud83d\\ude00\"]}\n").is_ok());
    }
}
