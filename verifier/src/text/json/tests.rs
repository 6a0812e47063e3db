use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> Json {
    Json::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn number(text: &str) -> Number {
    match read(text).view() {
        View::Number(number) => number,
        other => panic!("{other:?}"),
    }
}

#[test] // sandbox.md §5.1
fn a_text_is_kept_but_for_white_space_between_its_parts() {
    for (text, kept) in [
        (" { \"a\" : [ 1 , 2.50 , 1E400 ] }\n", r#"{"a":[1,2.50,1E400]}"#),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-0.12345678901234567890123e-7", "-0.12345678901234567890123e-7"),
        (r#""a b\" c\\" "#, r#""a b\" c\\""#),
        (r#"["\u00e9", "é", "\/"]"#, r#"["\u00e9","é","\/"]"#),
        (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
    ] {
        assert_eq!(read(text).text(), kept);
    }
    for text in ["", "{", "1 2", "+1", "01", "NaN", "'a'", "{a:1}", "[1,]", "\"\u{1}\""] {
        assert!(Json::read(text).is_err(), "{text}");
    }
}

#[test] // the existing runtime's reader: a half of a pair becomes U+FFFD
fn half_a_surrogate_pair_is_the_replacement_character() {
    for (text, expected) in [
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\ud83d\ude00""#, "😀"),
        (r#""a\ude00b""#, "a\u{fffd}b"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (r#""\ud83dx\u0041""#, "\u{fffd}xA"),
        (r#""\\ud800""#, "\\ud800"),
        (r#""\ud800\\""#, "\u{fffd}\\"),
    ] {
        assert_eq!(read(text).view(), View::Text(expected.into()), "{text}");
    }
    assert_eq!(
        read(r#"{"\ud800":{"k":"\udfff"}}"#).field("\u{fffd}").map(|value| value.text().to_owned()).as_deref(),
        Some(r#"{"k":"\ufffd"}"#)
    );
}

#[test]
fn a_view_shows_one_level() {
    let value = read(r#"{"n":1.50,"t":"x\n","l":[null,true],"o":{},"n":2}"#);
    assert_eq!(value.field("n").map(|n| n.text().to_owned()).as_deref(), Some("2"), "the last one counts");
    assert_eq!(value.field("t").map(|t| t.view()), Some(View::Text("x\n".into())));
    assert_eq!(value.field("l").and_then(|l| l.item(1)).map(|b| b.view()), Some(View::Boolean(true)));
    assert!(value.field("l").and_then(|l| l.item(0)).is_some_and(|n| n.is_null()));
    assert!(value.field("x").is_none() && value.item(0).is_none());
    // What serde_json would take for a number of its own is an object like any other.
    let odd = read(r#"{"$serde_json::private::Number":"1"}"#);
    assert!(matches!(odd.view(), View::Object(fields) if fields.len() == 1));
    let odd = read(r#"{"$serde_json::private::RawValue":"1"}"#);
    assert!(matches!(odd.view(), View::Object(fields) if fields.len() == 1));
}

#[test]
fn values_are_equal_by_what_they_say() {
    for (one, other, same) in [
        ("1", "1.0", true),
        ("1e3", "1000", true),
        ("-0", "0.0e9", true),
        ("0.1", "1E-1", true),
        ("12345678901234567890123", "12345678901234567890124", false),
        ("0.12345678901234567890123", "0.12345678901234567890124", false),
        ("1e400", "10E+399", true),
        ("1e99999999999999999999", "1e99999999999999999998", false),
        ("1", "\"1\"", false),
        (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#, true),
        (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
        (r#""\u0041""#, "\"A\"", true),
        ("[1,2]", "[2,1]", false),
        ("null", "false", false),
    ] {
        assert_eq!(read(one) == read(other), same, "{one} {other}");
    }
}

#[test]
fn an_integer_is_written_out_exactly() {
    for (text, integer) in [
        ("7", Some("7")),
        ("-0", Some("-0")),
        ("1e3", Some("1000")),
        ("1.0", Some("1")),
        ("-1.2e1", Some("-12")),
        ("0.0", Some("0")),
        ("1.5", None),
        ("1e-1", None),
        ("10e-1", Some("1")),
        ("1e999999", None),
        ("1e99999999999999999999", None),
        ("123456789012345678901234", Some("123456789012345678901234")),
    ] {
        assert_eq!(number(text).integer().as_deref(), integer, "{text}");
    }
}

#[test]
fn no_depth_of_nesting_is_too_deep() {
    let deep = format!("{}1.50{}", "[".repeat(100_000), "]".repeat(100_000));
    let value = read(&deep);
    assert_eq!(value.text(), deep);
    assert_eq!(value.clone(), value);
    assert_eq!(value.item(0).map(|item| item.text().len()), Some(deep.len() - 2));
    let other = read(&deep.replace("1.50", "1.51"));
    assert_ne!(value, other);
}

#[test]
fn parts_make_a_whole() {
    let number = read("1.50");
    let whole =
        Json::object([("a\"b", &number), ("l", &Json::list([Json::null(), "x".into(), true.into(), 7.into()]))]);
    assert_eq!(whole.text(), r#"{"a\"b":1.50,"l":[null,"x",true,7]}"#);
    assert_eq!(serde_json::to_string(&whole).expect("a text"), whole.text());
    assert_eq!(Json::of_double(0.1).map(|json| json.text().to_owned()).as_deref(), Some("0.1"));
    assert!(Json::of_double(f64::NAN).is_none() && Json::of_double(f64::INFINITY).is_none());
}

proptest! {
    #[test]
    fn every_double_is_the_same_double_again(bits in any::<u64>()) {
        let double = f64::from_bits(bits);
        prop_assume!(double.is_finite());
        let text = Json::of_double(double).expect("finite").text().to_owned();
        prop_assert_eq!(text.parse::<f64>().expect("a number").to_bits(), double.to_bits());
    }

    #[test]
    fn digits_are_kept(digits in "-?[1-9][0-9]{0,399}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?") {
        let value = read(&format!(" {digits} "));
        prop_assert_eq!(value.text(), digits);
    }

    #[test]
    fn what_serde_json_reads_is_the_same_value(text in "[ \\[\\]{}\":,a\\\\u0-9dDfFeE.tn-]{0,60}") {
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
            let ours = read(&text);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(ours.text()).expect("valid"), value);
        }
    }

    #[test]
    fn a_value_of_serde_json_is_itself(text in "\\PC{0,20}", n in any::<i64>()) {
        let value = json!({&*text: [n, text, null, {"a": text}]});
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(Json::from(&value).text()).expect("valid"), value);
    }
}
