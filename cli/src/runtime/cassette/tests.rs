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
    let sent = RecordedRequest {
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
    let answered = RecordedResponse {
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
        let request = ExpectedRequest { method: text.clone(), url: "https://x/".into(), headers: Some(BTreeMap::from([(name.clone(), text.clone())])), body: Some(text.clone()) };
        let response = RecordedResponse { status: 200, headers: Vec::new(), body: text.clone().into_bytes() };
        let cassette = Cassette { op: text, args, exchanges: vec![Exchange { request, response }], expect: Expect::Output(value) };
        prop_assert_eq!(Cassette::parse(&cassette.text()), Ok(cassette.clone()), "{}", cassette.text());
    }
}
