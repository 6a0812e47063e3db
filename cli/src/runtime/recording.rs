//! Recording a run, and playing a recording in place of the network. sandbox.md 15a, "Cassettes".

use std::sync::Mutex;

use aileron_sandbox::failure::Failure;
use aileron_sandbox::host::http::recording::{RecordedRequest, RecordedResponse, Recorder, Recording};
use aileron_verifier::text::json::{Json, View};
use serde_json::Value;
use url::Url;

use super::arguments::Arguments;
use super::cassette::{Cassette, Exchange, Expect, ExpectedRequest};

/// Keeps every hop of one run.
#[derive(Default)]
pub struct RunRecorder(Mutex<Vec<Exchange>>);

impl Recorder for RunRecorder {
    fn record(&self, sent: RecordedRequest, answered: RecordedResponse) {
        locked(&self.0).push(Exchange::recorded(&sent, answered));
    }
}

impl RunRecorder {
    /// What was recorded, as a cassette that expects what came of it.
    pub fn cassette(&self, op: &str, args: &Arguments, result: &Result<Json, Failure>) -> Cassette {
        let expect = match result {
            Ok(output) => Expect::Output(output.clone()),
            Err(failure) => Expect::Error(own_class(failure).unwrap_or(failure.class.as_str()).to_owned()),
        };
        let exchanges = locked(&self.0).clone();
        Cassette { op: op.to_owned(), args: args.clone(), exchanges, expect }
    }
}

/// The class that the connector named, if it named one.
fn own_class(failure: &Failure) -> Option<&str> {
    failure.details.get("connector_class").and_then(Value::as_str)
}

/// Plays a cassette's exchanges in their order.
pub struct Player {
    exchanges: Vec<Exchange>,
    state: Mutex<PlayerState>,
}

#[derive(Default)]
struct PlayerState {
    next: usize,
    fault: Option<String>,
}

impl Player {
    /// From the beginning.
    pub fn new(cassette: &Cassette) -> Player {
        Player { exchanges: cassette.exchanges.clone(), state: Mutex::default() }
    }

    /// What did not fit: a request that differs, or exchanges that were not asked for. A connector may hide the first from its
    /// result; it is wrong all the same.
    pub fn fault(&self) -> Option<String> {
        let state = locked(&self.state);
        let left = self.exchanges.get(state.next..).unwrap_or_default();
        let unused = || {
            let names: Vec<String> =
                left.iter().map(|left| format!("  {} {}\n", left.request.method, left.request.url)).collect();
            format!("{} not made:\n{}", crate::event::counted(left.len(), "recorded request"), names.concat())
        };
        state.fault.clone().or_else(|| (!left.is_empty()).then(unused))
    }
}

impl Recording for Player {
    fn answer(&self, sent: &RecordedRequest) -> Result<RecordedResponse, String> {
        let mut state = locked(&self.state);
        let number = state.next + 1;
        let fault = match self.exchanges.get(state.next) {
            None => format!("request {number} is not in the cassette:\n  {} {}\n", sent.method, sent.url),
            Some(exchange) => match differences(&exchange.request, sent) {
                differences if differences.is_empty() => {
                    state.next += 1;
                    return Ok(exchange.response.clone());
                }
                differences => format!("request {number} differs from the cassette:\n{differences}"),
            },
        };
        state.fault.get_or_insert_with(|| fault.clone());
        Err(fault.trim_end().to_owned())
    }
}

/// One pair of lines per part that differs; empty when it matches.
fn differences(asked: &ExpectedRequest, sent: &RecordedRequest) -> String {
    let mut text = String::new();
    let mut differs = |name: &str, expected: &str, found: &str| {
        text.push_str(&format!("  {name}\n    - {}\n    + {}\n", one_line(expected), one_line(found)));
    };
    if asked.method != sent.method {
        differs("method", &asked.method, &sent.method);
    }
    if !same_url(&asked.url, &sent.url) {
        differs("url", &asked.url, &sent.url);
    }
    for (name, expected) in asked.headers.iter().flatten() {
        let found =
            sent.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        if found != Some(expected) {
            differs(&format!("header {name}"), expected, found.unwrap_or("(none)"));
        }
    }
    if let Some(expected) = &asked.body {
        let found = String::from_utf8_lossy(&sent.body);
        if !same_body(expected, &found) {
            differs("body", expected, &found);
        }
    }
    text
}

fn one_line(text: &str) -> String {
    text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

fn same_url(one: &str, other: &str) -> bool {
    one == other || Url::parse(one).ok().zip(Url::parse(other).ok()).is_some_and(|(one, other)| one == other)
}

/// The order of keys in a JSON body does not matter.
fn same_body(one: &str, other: &str) -> bool {
    let json = |text: &str| Json::read(text).ok();
    one == other || json(one).zip(json(other)).is_some_and(|(one, other)| one == other)
}

/// How a result differs from what a cassette expects, one line per place; `None` when it is as expected.
pub fn compare(expect: &Expect, result: &Result<Json, Failure>) -> Option<String> {
    match (expect, result) {
        (Expect::Success, Ok(_)) => None,
        (Expect::Output(expected), Ok(output)) => {
            let mut lines = String::new();
            compare_json("output", COMPARED, expected, output, &mut lines);
            (!lines.is_empty()).then_some(lines)
        }
        (Expect::Error(class), Err(failure))
            if class == failure.class.as_str() || own_class(failure) == Some(class) =>
        {
            None
        }
        (Expect::Error(class), Err(failure)) => {
            let own = own_class(failure).map(|own| format!(" ({own})")).unwrap_or_default();
            Some(format!("  error.class\n    - {class}\n    + {}{own}: {}\n", failure.class, failure.message))
        }
        (Expect::Error(class), Ok(output)) => Some(format!("  result\n    - error {class}\n    + output {output}\n")),
        (Expect::Success | Expect::Output(_), Err(failure)) => {
            Some(format!("  result\n    - an output\n    + {}: {}\n", failure.class, failure.message))
        }
    }
}

/// Levels that are taken apart; what differs deeper is shown whole.
const COMPARED: usize = 64;

fn compare_json(path: &str, levels: usize, expected: &Json, found: &Json, lines: &mut String) {
    if expected == found {
        return;
    }
    match (expected.view(), found.view()) {
        (View::Object(expected), View::Object(found)) if levels > 0 => {
            for (name, value) in &expected {
                match found.get(name) {
                    Some(other) => compare_json(&format!("{path}.{name}"), levels - 1, value, other, lines),
                    None => lines.push_str(&format!("  {path}.{name}\n    - {value}\n    + (nothing)\n")),
                }
            }
            for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                lines.push_str(&format!("  {path}.{name}\n    - (nothing)\n    + {value}\n"));
            }
        }
        (View::List(expected), View::List(found)) if levels > 0 && expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
                compare_json(&format!("{path}[{index}]"), levels - 1, expected, found, lines);
            }
        }
        _ => lines.push_str(&format!("  {path}\n    - {expected}\n    + {found}\n")),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Class;
    use serde_json::json;

    use super::*;

    fn cassette(requests: &[(&str, &str)]) -> Cassette {
        let exchanges = requests.iter().map(|(method, url)| format!(
            "[[exchange]]\nrequest = {{ method = \"{method}\", url = \"{url}\", headers = {{ A = \"1\" }}, body = '{{\"a\":1,\"b\":2}}' }}\n\
             response = {{ status = 200, body = \"{url}\" }}\n"
        ));
        Cassette::parse(&format!("op = \"x\"\n{}", exchanges.collect::<String>())).unwrap()
    }

    fn read(text: &str) -> Json {
        Json::read(text).expect("JSON")
    }

    fn sent(method: &str, url: &str) -> RecordedRequest {
        let headers = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        RecordedRequest { method: method.into(), url: url.into(), headers, body: br#"{"b":2, "a":1}"#.to_vec() }
    }

    #[test] // sandbox.md 15a: matched in order by method, URL and, when given, body and headers
    fn exchanges_are_played_in_their_order() {
        let player = Player::new(&cassette(&[("GET", "https://h/1"), ("POST", "https://H:443/2")]));
        assert_eq!(player.answer(&sent("GET", "https://h/1")).unwrap().body, b"https://h/1");
        assert!(player.fault().unwrap().starts_with("1 recorded request not made:\n  POST https://H:443/2"));
        assert_eq!(player.answer(&sent("POST", "https://h/2")).unwrap().status, 200);
        assert_eq!(player.fault(), None);
        let more = player.answer(&sent("GET", "https://h/3")).unwrap_err();
        assert_eq!(more, "request 3 is not in the cassette:\n  GET https://h/3");
        assert_eq!(player.fault().as_deref().map(str::trim_end), Some(more.as_str()));
    }

    #[test]
    fn a_request_that_differs_says_where() {
        let player = Player::new(&cassette(&[("GET", "https://h/1")]));
        let other = RecordedRequest { headers: vec![], body: b"x\n".to_vec(), ..sent("PUT", "https://h/2") };
        let fault = player.answer(&other).unwrap_err();
        assert_eq!(
            fault,
            "request 1 differs from the cassette:\n  method\n    - GET\n    + PUT\n  url\n    - https://h/1\n    + https://h/2\n  \
             header A\n    - 1\n    + (none)\n  body\n    - {\"a\":1,\"b\":2}\n    + x\\n"
        );
        // A connector that recovers does not hide it.
        player.answer(&sent("GET", "https://h/1")).unwrap();
        assert_eq!(player.fault().as_deref().map(str::trim_end), Some(fault.as_str()));
    }

    #[test]
    fn a_result_that_differs_says_where() {
        let failure = || Failure::new(Class::ConnectorRuntimeError, "no such op").with("connector_class", "unknown_op");
        let output = |value: Value| Expect::Output(Json::from(&value));
        for (expect, result, difference) in [
            (Expect::Success, Ok(json!(null)), ""),
            (Expect::Output(read("{\"n\":1.0}")), Ok(json!({"n": 1})), ""),
            (output(json!({"a": 1, "b": [1, {"c": "d"}]})), Ok(json!({"b": [1, {"c": "d"}], "a": 1})), ""),
            (
                output(json!({"a": 1, "x": 0})),
                Ok(json!({"a": 2, "y": 0})),
                "  output.a\n    - 1\n    + 2\n  output.x\n    - 0\n    + (nothing)\n  output.y\n    - (nothing)\n    + 0\n",
            ),
            (
                output(json!({"b": [1, {"c": "d"}]})),
                Ok(json!({"b": [1, {"c": 7}]})),
                "  output.b[1].c\n    - \"d\"\n    + 7\n",
            ),
            (output(json!({"b": [1]})), Ok(json!({"b": [1, 2]})), "  output.b\n    - [1]\n    + [1,2]\n"),
            (output(json!(null)), Ok(json!({})), "  output\n    - null\n    + {}\n"),
            (Expect::Error("unknown_op".into()), Err(failure()), ""),
            (Expect::Error("connector_runtime_error".into()), Err(failure()), ""),
            (
                Expect::Error("bad_input".into()),
                Err(failure()),
                "  error.class\n    - bad_input\n    + connector_runtime_error (unknown_op): no such op\n",
            ),
            (Expect::Error("bad_input".into()), Ok(json!({})), "  result\n    - error bad_input\n    + output {}\n"),
            (Expect::Success, Err(failure()), "  result\n    - an output\n    + connector_runtime_error: no such op\n"),
        ] {
            let result = result.map(|value| Json::from(&value));
            assert_eq!(compare(&expect, &result).unwrap_or_default(), difference, "{expect:?} {result:?}");
        }
    }

    #[test]
    fn numbers_are_compared_digit_for_digit() {
        let bodies = [r#"{"a":12345678901234567890123,"b":2}"#, r#"{"a":12345678901234567890124,"b":2}"#];
        assert!(same_body(bodies[0], bodies[0]) && !same_body(bodies[0], bodies[1]));
        let expect = Expect::Output(read("{\"n\":0.12345678901234567890123}"));
        let differs = compare(&expect, &Ok(read("{\"n\":0.12345678901234567890124}")));
        let lines = "  output.n\n    - 0.12345678901234567890123\n    + 0.12345678901234567890124\n";
        assert_eq!(differs.as_deref(), Some(lines));
    }

    #[test]
    fn a_recording_plays_back() {
        let recording = RunRecorder::default();
        recording.record(
            sent("GET", "https://h/1"),
            RecordedResponse { status: 201, headers: vec![], body: b"hi".to_vec() },
        );
        let cassette = recording.cassette("x", &Arguments::new(), &Ok(read("{\"a\":null}")));
        let cassette = Cassette::parse(&cassette.text()).unwrap();
        let player = Player::new(&cassette);
        assert_eq!(player.answer(&sent("GET", "https://h/1")).unwrap().status, 201);
        assert_eq!((player.fault(), compare(&cassette.expect, &Ok(read("{\"a\":null}")))), (None, None));
    }
}
