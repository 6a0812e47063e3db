//! A recording as a document: what was asked for, what the network said, what came of it. sandbox.md 15a, "Cassettes".
//!
//! TOML, because people write and read these. TOML has no null and no number beyond 64 bits: where `args` or `output` hold
//! such a thing, or a number whose digits TOML would not give back, JSON text stands in place of the table, and either is
//! read. Not here: matching, which is [`super::tape`]'s.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aileron_sandbox::host::http::tape::{Answered, Sent};
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
    pub request: Asked,
    /// What is then answered.
    pub response: Answered,
}

/// What a request must look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
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
    /// A failure of this class, or of this class in the connector's own words.
    Error(String),
}

/// Why a text is no cassette.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotACassette(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
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
    request: Asked,
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
        let written: Written = serde_json::from_value(json_of(document.as_item()))
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
        let args = Json::object(self.args.iter().map(|(name, value)| (name.as_str(), value)));
        let mut text = format!("op = {}\nargs = {}\n", quoted(&self.op), table(&args));
        for Exchange { request, response } in &self.exchanges {
            let _ = write!(
                text,
                "\n[[exchange]]\n[exchange.request]\nmethod = {}\nurl = {}\n",
                quoted(&request.method),
                quoted(&request.url)
            );
            let headers = request.headers.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
            headers_line(&mut text, headers.collect());
            if let Some(body) = &request.body {
                let _ = writeln!(text, "body = {}", quoted(body));
            }
            let _ = write!(text, "\n[exchange.response]\nstatus = {}\n", response.status);
            headers_line(
                &mut text,
                response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            );
            let _ = match std::str::from_utf8(&response.body) {
                Ok(body) => writeln!(text, "body = {}", quoted(body)),
                Err(_) => writeln!(text, "body_base64 = \"{}\"", BASE64.encode(&response.body)),
            };
        }
        match &self.expect {
            Expect::Success => {}
            Expect::Output(output) => {
                let _ = write!(text, "\n[expect]\noutput = {}\n", table(output));
            }
            Expect::Error(class) => {
                let _ = write!(text, "\n[expect]\nerror = {{ class = {} }}\n", quoted(class));
            }
        }
        text
    }
}

impl Exchange {
    /// A hop as it was heard. Only headers that mean something to a replay are kept, and none that may authorise.
    pub fn recorded(sent: &Sent, answered: Answered) -> Exchange {
        let kept = |name: &str, names: &[&str]| names.contains(&name);
        let headers: BTreeMap<String, String> = sent
            .headers
            .iter()
            .filter(|(name, _)| kept(name, &["content-type", "accept", "x-amz-target"]))
            .cloned()
            .collect();
        let body = String::from_utf8_lossy(&sent.body).into_owned();
        let request = Asked {
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
    Ok(Exchange { request: written.request, response: Answered { status, headers, body } })
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

/// An inline table, or JSON text where TOML cannot say it.
fn table(value: &Json) -> String {
    inline(value, INLINE).unwrap_or_else(|| quoted(value.text()))
}

/// Levels of nesting an inline table may have; a deeper value is written as JSON text.
const INLINE: usize = 32;

fn inline(value: &Json, levels: usize) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    Some(match value.view() {
        View::Null => return None,
        View::Boolean(is) => is.to_string(),
        View::Number(number) => same_in_toml(number.text())?,
        View::Text(text) => quoted(&text),
        View::List(list) => {
            let items: Option<Vec<_>> = list.iter().map(|item| inline(item, levels)).collect();
            format!("[{}]", items?.join(", "))
        }
        View::Object(fields) if fields.is_empty() => "{}".to_owned(),
        View::Object(fields) => {
            let field = |(name, value): (&String, &Json)| Some(format!("{} = {}", key(name), inline(value, levels)?));
            format!("{{ {} }}", fields.iter().map(field).collect::<Option<Vec<_>>>()?.join(", "))
        }
    })
}

/// A number in TOML, if TOML gives the same digits back.
fn same_in_toml(number: &str) -> Option<String> {
    if number.parse::<i64>().is_ok_and(|integer| integer.to_string() == number) {
        return Some(number.to_owned());
    }
    let float: f64 = number.parse().ok()?;
    let again = Json::of_double(float)?;
    (again.text() == number).then(|| format!("{float:?}"))
}

fn headers_line(text: &mut String, headers: Vec<(&str, &str)>) {
    if !headers.is_empty() {
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
        let _ = writeln!(text, "headers = {{ {} }}", headers.join(", "));
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { escaped(name) }
}

/// The most readable of TOML's ways to write a text.
fn quoted(text: &str) -> String {
    let is_plain =
        |allowed: &[char]| text.chars().all(|character| !character.is_control() || allowed.contains(&character));
    if !text.contains(['"', '\\', '\n']) && is_plain(&[]) {
        format!("\"{text}\"")
    } else if !text.contains(['\'', '\n']) && is_plain(&['\t']) {
        format!("'{text}'")
    } else if !text.contains("'''") && !text.ends_with('\'') && is_plain(&['\t', '\n']) {
        format!("'''\n{text}'''")
    } else {
        escaped(text)
    }
}

fn escaped(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const WRITTEN: &str = r#"
op = "get_item"
args = { id = 7, tags = ["a"] }

[[exchange]]
[exchange.request]
method = "GET"
url = "https://api.example.com/items/7"
headers = { Accept = "application/json" }

[exchange.response]
status = 200
headers = { Content-Type = "application/json" }
body = '{"id":7}'

[[exchange]]
request = { method = "POST", url = "https://api.example.com/x", body = "b" }
response = { status = 204, body_base64 = "/w==" }

[expect.output]
id = 7
when = 2026-01-01T00:00:00Z
"#;

    #[test] // sandbox.md 15a
    fn a_cassette_is_read_as_it_is_written() {
        let cassette = Cassette::parse(WRITTEN).unwrap();
        assert_eq!(
            (cassette.op.as_str(), serde_json::to_value(&cassette.args).unwrap()),
            ("get_item", json!({"id": 7, "tags": ["a"]}))
        );
        let [first, second] = cassette.exchanges.as_slice() else { panic!("{cassette:?}") };
        assert_eq!(first.request.headers, Some(BTreeMap::from([("Accept".to_owned(), "application/json".to_owned())])));
        assert_eq!(first.response.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!((first.response.status, first.response.body.as_slice()), (200, &br#"{"id":7}"#[..]));
        assert_eq!((second.request.body.as_deref(), second.response.body.as_slice()), (Some("b"), &[0xff][..]));
        let expected = Json::from(&json!({"id": 7, "when": "2026-01-01T00:00:00Z"}));
        assert_eq!(cassette.expect, Expect::Output(expected));
        assert_eq!(Cassette::parse(&cassette.text()), Ok(cassette));
    }

    #[test]
    fn an_expectation_is_an_output_or_an_error_or_nothing() {
        let expect = |text: &str| Cassette::parse(&format!("op = \"x\"\n{text}")).map(|cassette| cassette.expect);
        for (text, expected) in [
            ("", Expect::Success),
            ("[expect]", Expect::Success),
            ("expect.output = {}", Expect::Output(Json::from(&json!({})))),
            ("expect.output = \"null\"", Expect::Output(Json::null())),
            ("expect.output = '{\"a\":null}'", Expect::Output(Json::from(&json!({"a": null})))),
            ("[expect]\nerror = { class = \"unknown_op\" }", Expect::Error("unknown_op".into())),
        ] {
            assert_eq!(expect(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_cassette_says_why() {
        for (text, reason) in [
            ("", "missing field `op`"),
            ("op = 7", "invalid type: integer `7`, expected a string"),
            ("op = \"x\"\nops = 1", "unknown field `ops`"),
            ("op = \"x\"\nargs = [1]", "`args` is not an object"),
            ("op = \"x\"\nargs = 'x'", "`args` is text, but not JSON"),
            ("op = \"x\"\nexpect.output = 1", "`expect.output` is not an object"),
            ("op = \"x\"\nexpect = { output = {}, error = { class = \"x\" } }", "both an output and an error"),
            (
                "op = \"x\"\n[[exchange]]\nrequest = { method = \"GET\", url = \"x\" }\nresponse = { status = 200 }",
                "exchange 1: \"x\" is no URL",
            ),
            (
                "op = \"x\"\n[[exchange]]\nrequest = { method = \"GET\", url = \"https://x\" }\nresponse = { status = 99 }",
                "exchange 1: 99 is no HTTP status",
            ),
            (
                "op = \"x\"\n[[exchange]]\nrequest = { method = \"GET\", url = \"https://x\" }\nresponse = { status = 200, body = \"\", body_base64 = \"\" }",
                "both `body` and `body_base64`",
            ),
            (
                "op = \"x\"\n[[exchange]]\nrequest = { method = \"GET\", url = \"https://x\" }\nresponse = { status = 200, body_base64 = \"?\" }",
                "`body_base64`",
            ),
            ("op = ", "line 1"),
        ] {
            let error = Cassette::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}\n{error}");
        }
    }

    #[test] // sandbox.md 15a: secrets never recorded
    fn a_recording_keeps_no_header_that_may_authorise() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sent = Sent {
            method: "GET".into(),
            url: "https://a.example/".into(),
            headers: vec![
                pair("authorization", "Basic s3cret"),
                pair("cookie", "s3cret"),
                pair("x-api-key", "s3cret"),
                pair("accept", "a/b"),
            ],
            body: Vec::new(),
        };
        let answered = Answered {
            status: 200,
            headers: vec![pair("set-cookie", "s3cret"), pair("content-type", "a/b")],
            body: b"hi".to_vec(),
        };
        let cassette = Cassette {
            op: "x".into(),
            args: Arguments::new(),
            exchanges: vec![Exchange::recorded(&sent, answered)],
            expect: Expect::Success,
        };
        let text = cassette.text();
        assert!(!text.contains("s3cret") && text.contains("accept = \"a/b\""), "{text}");
    }

    #[test] // numbers keep their digits, in TOML where it can say them
    fn a_recorded_number_is_the_same_number_again() {
        for (number, in_toml) in [
            ("7", true),
            ("-9223372036854775808", true),
            ("9223372036854775808", false),
            ("123456789012345678901234", false),
            ("-0", false),
            ("1.5", true),
            ("1.50", false),
            ("0.1", true),
            ("1e3", false),
            ("0.12345678901234567890123", false),
            ("1E400", false),
            ("5e-324", true),
        ] {
            let value = Json::read(&format!("{{\"n\":[{number}]}}")).unwrap();
            let View::Object(args) = value.view() else { panic!("an object") };
            let expect = Expect::Output(value.clone());
            let cassette = Cassette { op: "x".into(), args, exchanges: Vec::new(), expect };
            let text = cassette.text();
            assert_eq!(text.contains("args = { n = "), in_toml, "{text}");
            let again = Cassette::parse(&text).unwrap();
            assert_eq!(again.args["n"].text(), format!("[{number}]"));
            assert!(matches!(again.expect, Expect::Output(again) if again.text() == value.text()));
        }
        for number in ["inf", "-inf", "nan"] {
            let error = Cassette::parse(&format!("op = \"x\"\nargs = {{ n = [{number}] }}")).unwrap_err().to_string();
            assert!(error.ends_with("is not a number in JSON"), "{error}");
        }
        let error = Cassette::parse("op = \"x\"\nargs = { n = 9223372036854775808 }").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    proptest! {
        #[test]
        fn every_text_survives_the_round_trip(text in "([ -~]|['\"\\\\\n\r\t]|\\PC|[\\x00-\\x1f\\x7f]){0,40}", number in any::<f64>(), name in "\\PC{0,8}") {
            let number = if number.is_finite() { json!(number) } else { json!(null) };
            let value = Json::from(&json!({&*name: text, "n": [number, {"deep": [text, true]}], "i": i64::MIN}));
            let View::Object(args) = value.view() else { unreachable!() };
            let request = Asked { method: text.clone(), url: "https://x/".into(), headers: Some(BTreeMap::from([(name.clone(), text.clone())])), body: Some(text.clone()) };
            let response = Answered { status: 200, headers: Vec::new(), body: text.clone().into_bytes() };
            let cassette = Cassette { op: text, args, exchanges: vec![Exchange { request, response }], expect: Expect::Output(value) };
            prop_assert_eq!(Cassette::parse(&cassette.text()), Ok(cassette.clone()), "{}", cassette.text());
        }
    }
}
