//! JSON that keeps every digit it was written with.
//!
//! A number is text here. Read as a machine number, an integer beyond 64 bits or a long decimal becomes another number, and
//! nothing says so. [`Json`] therefore holds the text and is looked at one level at a time ([`Json::view`]): nothing is
//! converted, and no depth of nesting can overflow a stack. sandbox.md §5.1 ("keep them exact").

pub mod strict;
pub mod tape;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value as compact text: no white space outside of strings, everything else as it was written.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

/// A text is not one JSON value. The words are the parser's, with line and column.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotJson(#[from] serde_json::Error);

/// One level of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, as written.
    Number(Number),
    /// A string, without its escapes.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object. Of two equal keys the last one counts.
    Object(BTreeMap<String, Json>),
}

/// A number of JSON's grammar, as written. Equal are numbers of the same exact value: `1`, `1.0` and `10e-1`.
#[derive(Clone, Debug)]
pub struct Number(Box<str>);

/// Levels that are compared one by one; what lies deeper is compared as text.
const COMPARED: usize = 128;

/// Digits an integer may get when its exponent is written out.
const INTEGER_DIGITS: i64 = 1_000;

impl Json {
    /// Reads one value.
    ///
    /// # Errors
    /// [`NotJson`].
    pub fn read(text: &str) -> Result<Json, NotJson> {
        let value: Box<RawValue> = serde_json::from_str(text)?;
        let text = compact(&halves_replaced(value.get()));
        Ok(Json(RawValue::from_string(text)?))
    }

    /// `null`.
    pub fn null() -> Json {
        Json(RawValue::NULL.to_owned())
    }

    /// An object of these fields, in their order.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Json {
        let fields = fields.into_iter().map(|(name, value)| format!("{}:{}", quoted(name), value.text()));
        Json::of_parts('{', fields, '}')
    }

    /// An array of these values.
    pub fn list(items: impl IntoIterator<Item = Json>) -> Json {
        Json::of_parts('[', items.into_iter().map(|item| item.text().to_owned()), ']')
    }

    fn of_parts(open: char, parts: impl Iterator<Item = String>, close: char) -> Json {
        let text = format!("{open}{}{close}", parts.collect::<Vec<_>>().join(","));
        // Made of values that were read: always valid.
        RawValue::from_string(text).map_or_else(|_| Json::null(), Json)
    }

    /// The exact double; `None` for one that is not finite, which JSON cannot say.
    pub fn of_double(number: f64) -> Option<Json> {
        serde_json::Number::from_f64(number).map(|number| Json::from(&serde_json::Value::Number(number)))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// What it is, one level deep.
    pub fn view(&self) -> View {
        let text = self.text();
        // Valid JSON: its first byte says what it is, and each reading below succeeds.
        match text.as_bytes().first() {
            Some(b't') => View::Boolean(true),
            Some(b'f') => View::Boolean(false),
            Some(b'"') => View::Text(serde_json::from_str(text).unwrap_or_default()),
            Some(b'[') => View::List(items(text)),
            Some(b'{') => View::Object(fields(text)),
            Some(b'-' | b'0'..=b'9') => View::Number(Number(text.into())),
            _ => View::Null,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.text() == "null"
    }

    /// The field of that name, if it is an object that has one.
    pub fn field(&self, name: &str) -> Option<Json> {
        if !self.text().starts_with('{') {
            return None;
        }
        let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(self.text()).ok()?;
        fields.remove(name).map(|value| Json(value.to_owned()))
    }

    /// The item at that place, if it is an array that long.
    pub fn item(&self, index: usize) -> Option<Json> {
        if !self.text().starts_with('[') {
            return None;
        }
        let items: Vec<&RawValue> = serde_json::from_str(self.text()).ok()?;
        items.get(index).map(|value| Json((*value).to_owned()))
    }

    fn is_same(&self, other: &Json, levels: usize) -> bool {
        if self.text() == other.text() {
            return true;
        }
        if levels == 0 {
            return false;
        }
        match (self.view(), other.view()) {
            (View::Number(one), View::Number(other)) => one == other,
            (View::Text(one), View::Text(other)) => one == other,
            (View::List(one), View::List(other)) => {
                one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| one.is_same(other, levels - 1))
            }
            (View::Object(one), View::Object(other)) => {
                let pair = |((name, one), (other_name, other)): ((&String, &Json), (&String, &Json))| {
                    name == other_name && one.is_same(other, levels - 1)
                };
                one.len() == other.len() && one.iter().zip(&other).all(pair)
            }
            _ => false,
        }
    }
}

fn items(text: &str) -> Vec<Json> {
    serde_json::from_str::<Vec<Box<RawValue>>>(text).unwrap_or_default().into_iter().map(Json).collect()
}

fn fields(text: &str) -> BTreeMap<String, Json> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name, Json(value))).collect()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The same value: keys in any order, numbers by their exact value.
impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.is_same(other, COMPARED)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Json::read(value.get()).map_err(serde::de::Error::custom)
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Json {
        RawValue::from_string(value.to_string()).map_or_else(|_| Json::null(), Json)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::from(&serde_json::Value::from(text))
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::from(text.as_str())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::from(&serde_json::Value::from(value))
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Json {
        Json::from(&serde_json::Value::from(number))
    }
}

impl Number {
    /// The number as written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The integer it is, written without fraction or exponent; `None` where it is none, or longer than a thousand digits.
    pub fn integer(&self) -> Option<Cow<'_, str>> {
        if !self.0.contains(['.', 'e', 'E']) {
            return Some(Cow::Borrowed(&self.0));
        }
        let Decimal { negative, digits, exponent } = self.decimal()?;
        if digits.is_empty() {
            return Some(Cow::Borrowed("0"));
        }
        if exponent < 0 || exponent + digits.len() as i64 > INTEGER_DIGITS {
            return None;
        }
        let sign = if negative { "-" } else { "" };
        Some(Cow::Owned(format!("{sign}{digits}{}", "0".repeat(exponent as usize))))
    }

    /// The one form all spellings of a value share. `None` where the exponent is beyond every use.
    fn decimal(&self) -> Option<Decimal> {
        let (negative, rest) = self.0.strip_prefix('-').map_or((false, &*self.0), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits: String::new(), exponent: 0 });
        }
        let dropped = all.len() - all.trim_end_matches('0').len();
        let exponent: i64 = exponent.parse().ok()?;
        let exponent = exponent.checked_sub(fraction.len() as i64)?.checked_add(dropped as i64)?;
        Some(Decimal { negative, digits: digits.to_owned(), exponent })
    }
}

/// `digits × 10^exponent`, without zeros at either end of the digits; zero has none.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        let same_value = || self.decimal().zip(other.decimal()).is_some_and(|(one, other)| one == other);
        self.0 == other.0 || same_value()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A valid JSON text without white space outside of strings.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |char: &char| {
        let is_space = !in_string && char.is_ascii_whitespace();
        match (in_string, escaped, char) {
            (true, true, _) => escaped = false,
            (true, false, '\\') => escaped = true,
            (_, false, '"') => in_string = !in_string,
            _ => {}
        }
        !is_space
    };
    text.chars().filter(keep).collect()
}

/// Text of a JSON document as Go's `encoding/json` reads it: each byte that is not UTF-8 is U+FFFD, and so is each escape that
/// is half of a surrogate pair. Nothing else changes; the result need not be JSON. sandbox.md §4.1, §5.2.
pub fn as_go_reads(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.utf8_chunks().fold(String::with_capacity(bytes.len()), |mut text, chunk| {
            text.push_str(chunk.valid());
            text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
            text
        })),
    };
    match text {
        Cow::Borrowed(text) => halves_replaced(text),
        Cow::Owned(text) => Cow::Owned(halves_replaced(&text).into_owned()),
    }
}

/// A JSON text in which an escape that is half of a surrogate pair (`\ud83d` alone) is U+FFFD, as Go's reader has it:
/// no string of ours can hold one.
fn halves_replaced(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let unit = |at: usize| text.get(at..at + 6)?.strip_prefix("\\u").and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let bytes = text.as_bytes();
    let (mut replaced, mut from, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                replaced.push_str(&text[from..at]);
                replaced.push_str("\\ufffd");
                at += 6;
                from = at;
            }
            (Some(_), _) => at += 6,
            (None, _) => at += 2,
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[from..]);
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests;
