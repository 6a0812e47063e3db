use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<String, (usize, Broken)> {
    let tape = Tape::read(text.as_bytes(), Syntax::STRICT).map_err(|error| (error.at, error.why))?;
    Ok(outline(tape.root()))
}

/// The document in one line, made of what the tokens say.
fn outline(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Boolean => format!("{:?}", value.boolean().expect("one of the two")),
        Kind::Number => value.number().expect("a number").to_owned(),
        Kind::Text => format!("{:?}", value.text().expect("a text")),
        Kind::List => format!("[{}]", value.items().map(outline).collect::<Vec<_>>().join(", ")),
        Kind::Object => {
            let members = value.members().map(|member| format!("{}: {}", outline(member.name), outline(member.value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test] // RFC 8259
fn every_value_is_kept_as_it_was_written() {
    for (text, expected) in [
        ("null", "null"),
        (" true\r\n", "true"),
        ("-0.10e+5", "-0.10e+5"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("\"a\\u00e9\\n\\ud83d\\ude00\\/\"", "\"aé\\n😀/\""),
        ("[]", "[]"),
        ("{}", "{}"),
        ("[1, [2, {}], {\"a\": [3]}]", "[1, [2, {}], {\"a\": [3]}]"),
        ("{\"a\": 1, \"b\": {\"a\": null}, \"a\": \"x\"}", "{\"a\": 1, \"b\": {\"a\": null}, \"a\": \"x\"}"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test] // RFC 8259
fn what_is_not_json_is_refused_at_its_byte() {
    let unexpected = |found, expected| Broken::Unexpected { found, expected };
    for (text, at, why) in [
        ("", 0, Broken::End),
        ("  ", 2, Broken::End),
        ("\u{feff}{}", 0, Broken::ByteOrderMark),
        ("{} x", 3, Broken::After(b'x')),
        ("{}{}", 2, Broken::After(b'{')),
        ("[1,]", 3, unexpected(b']', "a value")),
        ("{\"a\":1,}", 7, unexpected(b'}', "a member's name")),
        ("{a:1}", 1, unexpected(b'a', "a member's name or `}`")),
        ("{\"a\" 1}", 5, unexpected(b'1', "`:`")),
        ("[1 2]", 3, unexpected(b'2', "`,` or `]`")),
        ("{\"a\":1]", 6, unexpected(b']', "`,` or `}`")),
        ("[1}", 2, unexpected(b'}', "`,` or `]`")),
        ("[", 1, Broken::End),
        ("{\"a\"", 4, Broken::End),
        ("nul", 3, Broken::End),
        ("nulx", 3, unexpected(b'x', "null, true or false")),
        ("01", 1, Broken::After(b'1')),
        ("-", 1, Broken::End),
        ("1.", 2, Broken::End),
        ("1.x", 2, unexpected(b'x', "a digit")),
        ("1e+", 3, Broken::End),
        ("+1", 0, unexpected(b'+', "a value")),
        ("NaN", 0, unexpected(b'N', "a value")),
        ("'a'", 0, unexpected(b'\'', "a value")),
        ("\"a", 2, Broken::End),
        ("\"a\n\"", 2, Broken::Control(b'\n')),
        ("\"\\x\"", 1, Broken::Escape),
        ("\"\\u12\"", 1, Broken::Escape),
        ("\"\\", 2, Broken::End),
        ("// c\n1", 0, unexpected(b'/', "a value")),
        ("1 // c", 2, Broken::After(b'/')),
    ] {
        assert_eq!(read(text), Err((at, why)), "{text}");
    }
}

#[test]
fn comments_and_trailing_commas_are_read_where_asked_and_reported() {
    let text = "// one\n{\"a\": [1, /* two */ 2,], // three\n \"b\": \"// no\",}";
    let tape = Tape::read(text.as_bytes(), Syntax::WITH_COMMENTS).expect("reads");
    assert_eq!(outline(tape.root()), "{\"a\": [1, 2], \"b\": \"// no\"}");
    let found: Vec<_> = tape.extensions().iter().map(|at| &text[at.clone()]).collect();
    assert_eq!(found, ["// one", "/* two */", ",", "// three", ","]);
    for (text, at, why) in [
        ("/* ", 0, Broken::Comment),
        ("/x", 0, Broken::Unexpected { found: b'/', expected: "a value or a comment" }),
        ("[,]", 1, Broken::Unexpected { found: b',', expected: "a value" }),
        ("[1,,]", 3, Broken::Unexpected { found: b',', expected: "a value" }),
    ] {
        let error = Tape::read(text.as_bytes(), Syntax::WITH_COMMENTS).expect_err(text);
        assert_eq!((error.at, error.why), (at, why), "{text}");
    }
}

#[test]
fn a_member_is_found_by_what_its_name_says_and_the_last_one_counts() {
    let text = r#"{"name": 1, "n\u0061me": 2, "Name": 3}"#;
    let tape = Tape::read(text.as_bytes(), Syntax::STRICT).expect("reads");
    assert_eq!(tape.root().member("name").and_then(Value::number), Some("2"));
    assert_eq!(tape.root().members().filter(|member| member.is_named("name")).count(), 2);
    assert!(tape.root().member("NAME").is_none());
    assert_eq!(&text[tape.root().member("Name").expect("there").at()], "3");
}

#[test]
fn text_that_cannot_be_told_is_replaced_as_go_replaces_it_and_said() {
    for (bytes, text, at, what) in [
        (&b"[\"a\\ud800\"]"[..], "a\u{fffd}", 3, Replaced::LoneSurrogate),
        (b"[\"\\udc00\\ud800\"]", "\u{fffd}\u{fffd}", 2, Replaced::LoneSurrogate),
        (b"[\"\\ud800\\u0041\"]", "\u{fffd}A", 2, Replaced::LoneSurrogate),
        (b"[\"\\ud800\\ud83d\\ude00\"]", "\u{fffd}😀", 2, Replaced::LoneSurrogate),
        (b"[\"ab\xff\xfe\"]", "ab\u{fffd}\u{fffd}", 4, Replaced::NotUtf8),
        // An incomplete character of three bytes: each byte begins none.
        (b"[\"\xe2\x82\"]", "\u{fffd}\u{fffd}", 2, Replaced::NotUtf8),
    ] {
        let tape = Tape::read(bytes, Syntax::STRICT).expect("reads");
        let value = tape.root().items().next().expect("one");
        assert_eq!((value.text().as_deref(), value.replaced()), (Some(text), Some((at, what))));
    }
    let tape = Tape::read(b"\"\\ufffd\xef\xbf\xbd\"", Syntax::STRICT).expect("reads");
    assert_eq!((tape.root().text().as_deref(), tape.root().replaced()), (Some("\u{fffd}\u{fffd}"), None));
}

#[test]
fn the_depth_of_a_document_costs_no_stack_and_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let small_stack = std::thread::Builder::new().stack_size(64 * 1024);
    let check = move || {
        let text = nested(10_000);
        let tape = Tape::read(text.as_bytes(), Syntax::STRICT).expect("reads");
        assert_eq!(tape.root().at(), 0..20_000);
        let error = Tape::read(nested(10_001).as_bytes(), Syntax::STRICT).map(drop);
        assert_eq!(error, Err(SyntaxError { at: 10_000, why: Broken::Depth(10_000) }));
    };
    small_stack.spawn(check).expect("a thread").join().expect("no overflow");
}

proptest! {
    #[test]
    fn it_takes_what_serde_json_takes(text in "[\\[\\]{},:\"\\\\ua0-9.eE+\\- \n/tfn*]{0,24}") {
        let theirs = serde_json::from_str::<super::super::strict::AnyValue>(&text).is_ok();
        let ours = Tape::read(text.as_bytes(), Syntax::STRICT);
        // Theirs refuses a half of a surrogate pair, which this one reports.
        prop_assert_eq!(ours.is_ok_and(|tape| tape.tokens.iter().enumerate().all(|(index, _)| {
            Value { tape: &tape, index: index as u32 }.replaced().is_none()
        })), theirs, "{}", text);
    }

    #[test]
    fn any_bytes_are_read_or_refused_inside_them(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for syntax in [Syntax::STRICT, Syntax::WITH_COMMENTS] {
            match Tape::read(&bytes, syntax) {
                Ok(tape) => prop_assert!(tape.root().at().end <= bytes.len()),
                Err(error) => prop_assert!(error.at <= bytes.len()),
            }
        }
    }
}
