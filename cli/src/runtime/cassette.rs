//! A recording as a document: what was asked for, what the network said, what came of it. sandbox.md 15a, "Cassettes".
//!
//! TOML, because people write and read these. TOML has no null and no number beyond 64 bits: where `args` or `output` hold
//! such a thing, or a number whose digits TOML would not give back, JSON text stands in place of the table, and either is
//! read. Not here: matching ([`super::recording`]); how it is written (`write`).

mod write;

use std::collections::BTreeMap;

use aileron_sandbox::host::http::recording::{RecordedRequest, RecordedResponse};
use aileron_verifier::problem::Class;
use aileron_verifier::text::json::{Json, View};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Number, Value};
use toml_edit::{Document, Item};

use super::arguments::Arguments;

/// One recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cassette {
    /// The op.
    pub op: String,
    /// Its arguments.
    pub args: Arguments,
    /// Every hop, in order.
    pub exchanges: Vec<Exchange>,
    /// What must come of it.
    pub expect: Expect,
}

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What must be asked.
    pub request: ExpectedRequest,
    /// What is then answered.
    pub response: RecordedResponse,
}

/// What a request must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRequest {
    /// Exactly.
    pub method: String,
    /// Exactly, but for what a URL can be written in several ways.
    pub url: String,
    /// These, among others; absent: any.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// Exactly, or the same JSON; absent: any.
    #[serde(default)]
    pub body: Option<String>,
}

/// What must come of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// Nothing is said about it, but it must not fail.
    Success,
    /// Exactly this output; numbers by their exact value.
    Output(Json),
    /// A failure of this class, or whose connector named this class.
    Error(String),
}

/// Why a text is no cassette.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotACassette(String);

impl NotACassette {
    /// The failure class: always `parse_error`.
    pub fn class(&self) -> Class {
        Class::ParseError
    }

    /// Never: the text stays as it is.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCassette {
    op: String,
    #[serde(default)]
    args: Option<Value>,
    #[serde(default)]
    exchange: Vec<WrittenExchange>,
    #[serde(default)]
    expect: WrittenExpect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExchange {
    request: ExpectedRequest,
    response: WrittenResponse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenResponse {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_base64: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExpect {
    #[serde(default)]
    output: Option<Value>,
    #[serde(default)]
    error: Option<WrittenError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenError {
    class: String,
}

impl Cassette {
    /// Reads a cassette.
    ///
    /// # Errors
    /// [`NotACassette`]: syntax with line and column, or which part is missing, unknown or of the wrong type.
    pub fn parse(text: &str) -> Result<Cassette, NotACassette> {
        let document = Document::parse(text).map_err(|error| NotACassette(error.to_string().trim_end().to_owned()))?;
        if let Some(number) = not_finite(document.as_item()) {
            return Err(NotACassette(format!("{number} is not a number in JSON")));
        }
        let written: WrittenCassette = serde_json::from_value(json_of(document.as_item()))
            .map_err(|error| NotACassette(format!("not a cassette: {error}")))?;
        let args = match embedded(written.args, "args")?.map(|args| args.view()) {
            None | Some(View::Null) => Arguments::new(),
            Some(View::Object(args)) => args,
            Some(_) => return Err(NotACassette("`args` is not an object".to_owned())),
        };
        let exchanges = written.exchange.into_iter().enumerate().map(|(index, written)| exchange(index, written));
        let expect = match (embedded(written.expect.output, "expect.output")?, written.expect.error) {
            (Some(_), Some(_)) => return Err(NotACassette("`expect` has both an output and an error".to_owned())),
            (Some(output), None) if output.is_null() || output.text().starts_with('{') => Expect::Output(output),
            (Some(_), None) => return Err(NotACassette("`expect.output` is not an object".to_owned())),
            (None, Some(error)) => Expect::Error(error.class),
            (None, None) => Expect::Success,
        };
        Ok(Cassette { op: written.op, args, exchanges: exchanges.collect::<Result<_, _>>()?, expect })
    }

    /// The document. [`Cassette::parse`] gives the same value back.
    pub fn text(&self) -> String {
        write::document(self).to_string()
    }
}

impl Exchange {
    /// A hop as it was recorded. Only headers that mean something to a replay are kept, and none that may authorise.
    pub fn recorded(sent: &RecordedRequest, answered: RecordedResponse) -> Exchange {
        let kept = |name: &str, names: &[&str]| names.contains(&name);
        let headers: BTreeMap<String, String> = sent
            .headers
            .iter()
            .filter(|(name, _)| kept(name, &["content-type", "accept", "x-amz-target"]))
            .cloned()
            .collect();
        let body = String::from_utf8_lossy(&sent.body).into_owned();
        let request = ExpectedRequest {
            method: sent.method.clone(),
            url: sent.url.clone(),
            headers: (!headers.is_empty()).then_some(headers),
            body: (!body.is_empty()).then_some(body),
        };
        let mut response = answered;
        response.headers.retain(|(name, _)| kept(name, &["content-type", "location"]));
        Exchange { request, response }
    }
}

fn exchange(index: usize, written: WrittenExchange) -> Result<Exchange, NotACassette> {
    let wrong = |why: &str| NotACassette(format!("exchange {}: {why}", index + 1));
    let WrittenResponse { status, headers, body, body_base64 } = written.response;
    let body = match (body, body_base64) {
        (Some(_), Some(_)) => return Err(wrong("the response has both `body` and `body_base64`")),
        (Some(body), None) => body.into_bytes(),
        (None, Some(encoded)) => {
            let encoded: String = encoded.split_whitespace().collect();
            BASE64.decode(encoded).map_err(|error| wrong(&format!("`body_base64`: {error}")))?
        }
        (None, None) => Vec::new(),
    };
    if !(100..600).contains(&status) {
        return Err(wrong(&format!("{status} is no HTTP status")));
    }
    if url::Url::parse(&written.request.url).is_err() {
        return Err(wrong(&format!("\"{}\" is no URL", written.request.url.escape_debug())));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    Ok(Exchange { request: written.request, response: RecordedResponse { status, headers, body } })
}

/// JSON text in place of a table.
fn embedded(value: Option<Value>, name: &str) -> Result<Option<Json>, NotACassette> {
    match value {
        Some(Value::String(text)) => Json::read(&text)
            .map(Some)
            .map_err(|error| NotACassette(format!("`{name}` is text, but not JSON: {error}"))),
        other => Ok(other.as_ref().map(Json::from)),
    }
}

/// The first number that TOML can say and JSON cannot: `inf` or `nan`.
fn not_finite(item: &Item) -> Option<f64> {
    match item {
        Item::None => None,
        Item::Value(value) => not_finite_value(value),
        Item::Table(table) => table.iter().find_map(|(_, item)| not_finite(item)),
        Item::ArrayOfTables(tables) => {
            tables.iter().find_map(|table| table.iter().find_map(|(_, item)| not_finite(item)))
        }
    }
}

fn not_finite_value(value: &toml_edit::Value) -> Option<f64> {
    match value {
        toml_edit::Value::Float(number) => Some(*number.value()).filter(|number| !number.is_finite()),
        toml_edit::Value::Array(list) => list.iter().find_map(not_finite_value),
        toml_edit::Value::InlineTable(table) => table.iter().find_map(|(_, value)| not_finite_value(value)),
        _ => None,
    }
}

fn json_of(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => json_of_value(value),
        Item::Table(table) => table.iter().map(|(name, item)| (name.to_owned(), json_of(item))).collect(),
        Item::ArrayOfTables(tables) => {
            let of_table = |table: &toml_edit::Table| {
                Value::Object(table.iter().map(|(name, item)| (name.to_owned(), json_of(item))).collect())
            };
            tables.iter().map(of_table).collect()
        }
    }
}

fn json_of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => Number::from_f64(*number.value()).map_or(Value::Null, Value::Number),
        toml_edit::Value::Boolean(is) => (*is.value()).into(),
        toml_edit::Value::Datetime(at) => at.value().to_string().into(),
        toml_edit::Value::Array(list) => list.iter().map(json_of_value).collect(),
        toml_edit::Value::InlineTable(table) => {
            table.iter().map(|(name, value)| (name.to_owned(), json_of_value(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests;
