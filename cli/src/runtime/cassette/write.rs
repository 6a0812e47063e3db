//! A cassette as a TOML document.

use aileron_sandbox::host::http::recording::RecordedResponse;
use aileron_verifier::text::json::{Json, View};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{Cassette, Exchange, Expect, ExpectedRequest};

/// Levels of nesting an inline table may have; a deeper value is written as JSON text.
const INLINE: usize = 32;

pub(super) fn document(cassette: &Cassette) -> DocumentMut {
    let args = Json::object(cassette.args.iter().map(|(name, value)| (name.as_str(), value)));
    let mut document = DocumentMut::new();
    document.insert("op", value(&cassette.op));
    document.insert("args", value(inline_or_text(&args)));
    if !cassette.exchanges.is_empty() {
        let exchanges: ArrayOfTables = cassette.exchanges.iter().map(exchange).collect();
        document.insert("exchange", Item::ArrayOfTables(exchanges));
    }
    match &cassette.expect {
        Expect::Success => {}
        Expect::Output(output) => {
            let mut expect = Table::new();
            expect.insert("output", value(inline_or_text(output)));
            document.insert("expect", Item::Table(expect));
        }
        Expect::Error(class) => {
            let mut expect = Table::new();
            expect.insert("error", value(InlineTable::from_iter([("class", class.as_str())])));
            document.insert("expect", Item::Table(expect));
        }
    }
    document
}

fn exchange(exchange: &Exchange) -> Table {
    let mut request = request(&exchange.request);
    request.decor_mut().set_prefix(""); // right below `[[exchange]]`
    let mut table = Table::new();
    table.insert("request", Item::Table(request));
    table.insert("response", Item::Table(response(&exchange.response)));
    table
}

fn request(request: &ExpectedRequest) -> Table {
    let mut table = Table::new();
    table.insert("method", value(&request.method));
    table.insert("url", value(&request.url));
    if let Some(headers) = request.headers.as_ref().filter(|headers| !headers.is_empty()) {
        table.insert("headers", value(InlineTable::from_iter(headers)));
    }
    if let Some(body) = &request.body {
        table.insert("body", value(body));
    }
    table
}

fn response(response: &RecordedResponse) -> Table {
    let mut table = Table::new();
    table.insert("status", value(i64::from(response.status)));
    if !response.headers.is_empty() {
        let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        table.insert("headers", value(InlineTable::from_iter(headers)));
    }
    match std::str::from_utf8(&response.body) {
        Ok(body) => table.insert("body", value(body)),
        Err(_) => table.insert("body_base64", value(BASE64.encode(&response.body))),
    };
    table
}

/// An inline table, or JSON text where TOML cannot say it.
fn inline_or_text(json: &Json) -> Value {
    inline(json, INLINE).unwrap_or_else(|| json.text().into())
}

/// `None` where TOML cannot say it: null, a number it would change, more levels than `levels`.
fn inline(json: &Json, levels: usize) -> Option<Value> {
    let levels = levels.checked_sub(1)?;
    Some(match json.view() {
        View::Null => return None,
        View::Boolean(is) => is.into(),
        View::Number(number) => same_in_toml(number.text())?,
        View::Text(text) => text.into(),
        View::List(list) => Value::Array(list.iter().map(|item| inline(item, levels)).collect::<Option<Array>>()?),
        View::Object(fields) => {
            let field = |(name, value): (&String, &Json)| Some((name.clone(), inline(value, levels)?));
            Value::InlineTable(fields.iter().map(field).collect::<Option<InlineTable>>()?)
        }
    })
}

/// A number in TOML, if TOML gives the same digits back.
fn same_in_toml(number: &str) -> Option<Value> {
    if let Some(integer) = number.parse::<i64>().ok().filter(|integer| integer.to_string() == number) {
        return Some(integer.into());
    }
    let float: f64 = number.parse().ok()?;
    (Json::of_double(float)?.text() == number).then(|| float.into())
}
