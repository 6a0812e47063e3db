//! What a guest asks for, read as Go's `encoding/json` reads it. sandbox.md §4.1.
//!
//! Connectors were written against that decoder: keys match in any case, `null` is the default, unknown keys are
//! ignored, and a known key of the wrong type makes the whole envelope malformed. Text that is not UTF-8 becomes U+FFFD.

use std::fmt;

use aileron_verifier::text::json::as_go_reads;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// One request envelope. Empty text is the same as absence everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Sent as it is written; empty means `GET`.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// In the order they came; a later one of the same name replaces the earlier.
    pub headers: Vec<(String, String)>,
    /// Sent as UTF-8; empty means none.
    pub body: String,
    /// Kind of the credential to attach; empty means none.
    pub credential: String,
}

impl Envelope {
    /// Reads one JSON document. `null` is an empty envelope.
    ///
    /// # Errors
    /// What is wrong with it and where, for people.
    pub fn decode(bytes: &[u8]) -> Result<Envelope, String> {
        if let Some(at) = raw_control(bytes) {
            return Err(format!("control character in a string at byte {at}"));
        }
        let document: Option<Envelope> =
            serde_json::from_str(&as_go_reads(bytes)).map_err(|error| error.to_string())?;
        Ok(document.unwrap_or_default())
    }
}

/// Where a string holds a control character that is not escaped: reading strings as bytes, to take what is not Unicode,
/// the parser lets it pass.
fn raw_control(bytes: &[u8]) -> Option<usize> {
    let (mut in_string, mut escaped) = (false, false);
    bytes.iter().position(|byte| {
        match (in_string, escaped, byte) {
            (true, false, 0..0x20) => return true,
            (true, false, b'\\') => escaped = true,
            (_, false, b'"') => in_string = !in_string,
            _ => escaped = false,
        }
        false
    })
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Envelope, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Text(key)) = map.next_key()? {
            // A `null` leaves what an earlier spelling of the same key said, as in Go.
            let mut text = |field: &mut String| {
                map.next_value::<Option<Text>>().map(|value| value.into_iter().for_each(|Text(value)| *field = value))
            };
            let read = match folded(&key).as_str() {
                "method" => text(&mut envelope.method),
                "url" => text(&mut envelope.url),
                "body" => text(&mut envelope.body),
                "credential" => text(&mut envelope.credential),
                "headers" => map.next_value::<Option<Headers>>().map(|headers| match headers {
                    Some(Headers(headers)) => envelope.headers.extend(headers),
                    None => envelope.headers.clear(),
                }),
                _ => map.next_value::<IgnoredAny>().map(drop),
            };
            read.map_err(|error| A::Error::custom(format_args!("{}: {error}", key.escape_debug())))?;
        }
        Ok(envelope)
    }
}

/// Lower case, and the two letters outside ASCII that Go counts as equal to one inside.
fn folded(key: &str) -> String {
    key.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// A JSON string; what is not Unicode in it, lone surrogates included, is replaced.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }
}

/// An object from string to string; a `null` in it is an empty value.
struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some((Text(name), value)) = map.next_entry::<Text, Option<Text>>()? {
            headers.push((name, value.map(|Text(value)| value).unwrap_or_default()));
        }
        Ok(Headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test] // sandbox.md §4.1
    fn an_envelope_is_read_as_go_reads_it() {
        let url = |url: &str| Envelope { url: url.into(), ..Envelope::default() };
        let rows: Vec<(&[u8], Envelope)> = vec![
            (b"null", Envelope::default()),
            (b" {} \n", Envelope::default()),
            (b"{\"url\":\"u\"}", url("u")),
            (b"{\"URL\":\"u\",\"Unknown\":[1,{\"a\":null}]}", url("u")),
            (b"{\"url\":\"u\",\"Url\":null}", url("u")),
            (b"{\"url\":\"u\",\"URL\":\"v\"}", url("v")),
            (b"{\"url\":null,\"method\":null,\"headers\":null,\"body\":null,\"credential\":null}", url("")),
            (b"{\"url\":\"a\\u00e9\\ud83d\\ude00\\/\\\"\"}", url("a\u{e9}\u{1f600}/\"")),
            (b"{\"url\":\"a\xffb\"}", url("a\u{fffd}b")),
            (
                "{\"method\":\"get\",\"url\":\"u\",\"header\u{17f}\":{\"A\":\"1\",\"a\":\"2\",\"B\":null},\"BODY\":\"b\",\"credential\":\"oauth2\"}"
                    .as_bytes(),
                Envelope {
                    method: "get".into(),
                    headers: headers(&[("A", "1"), ("a", "2"), ("B", "")]),
                    body: "b".into(),
                    credential: "oauth2".into(),
                    ..url("u")
                },
            ),
            (b"{\"headers\":{\"a\":\"1\"},\"HEADERS\":{\"b\":\"2\"}}", Envelope { headers: headers(&[("a", "1"), ("b", "2")]), ..url("") }),
            (b"{\"headers\":{\"a\":\"1\"},\"HEADERS\":null}", url("")),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Envelope::decode(bytes), Ok(expected), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test] // sandbox.md §4.1
    fn what_is_not_unicode_becomes_one_replacement_character_each() {
        for (body, expected) in [
            (&b"\\ud83d"[..], "\u{fffd}"),
            (b"\\ude00", "\u{fffd}"),
            (b"a\\ud800b", "a\u{fffd}b"),
            (b"\\ud800\\ud800", "\u{fffd}\u{fffd}"),
            (b"\\ude00\\ud83d", "\u{fffd}\u{fffd}"),
            (b"\\ud83d\\ude00", "\u{1f600}"),
            (b"\\ud83d\\ud83d\\ude00", "\u{fffd}\u{1f600}"),
            (b"\\uD83D\\u0041", "\u{fffd}A"),
            (b"\\\\ud83d", "\\ud83d"),
            (b"\\\"\\ud83d\\\\", "\"\u{fffd}\\"),
            (b"\xff", "\u{fffd}"),
            (b"\xe2\x82", "\u{fffd}\u{fffd}"),
            (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"caf\xc3\xa9", "caf\u{e9}"),
        ] {
            let document = [b"{\"url\":\"u\",\"body\":\"", body, b"\"}"].concat();
            assert_eq!(Envelope::decode(&document).unwrap().body, expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test] // sandbox.md §4.1: a wrong type for any known key is a malformed envelope
    fn a_malformed_envelope_says_what_is_wrong() {
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "expected an object"),
            ("\"x\"", "expected an object"),
            ("7", "expected an object"),
            ("{\"url\":\"u\"} x", "trailing"),
            ("{\"url\":\"u\"", "EOF"),
            ("{\"url\":\"u\",}", "trailing comma"),
            ("{'url':'u'}", "key must be a string"),
            ("{\"url\":7}", "url: invalid type: integer `7`, expected a string"),
            ("{\"url\":[104]}", "expected a string"),
            ("{\"method\":true}", "method: invalid type: boolean `true`"),
            ("{\"body\":{}}", "body: invalid type: map"),
            ("{\"credential\":[]}", "credential: invalid type: sequence"),
            ("{\"headers\":[]}", "headers: invalid type: sequence, expected an object of strings"),
            ("{\"headers\":{\"n\":1}}", "headers: invalid type: integer `1`, expected a string"),
            ("{\"url\":\"\\x\"}", "invalid escape"),
            ("{\"url\":\"\n\"}", "control character"),
        ] {
            let error = Envelope::decode(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert!(Envelope::decode(deep.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40), json in "[{}\\[\\]\":,a-zA-Z0-9\\\\ ]{0,40}") {
            let _ = (Envelope::decode(&bytes), Envelope::decode(json.as_bytes()));
        }
    }
}
