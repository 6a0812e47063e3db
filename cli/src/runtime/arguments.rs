//! `--arg` and `--args` become the JSON arguments of an op. sandbox.md 15a.

use std::collections::BTreeMap;

use aileron_verifier::artifact::action::Input;
use aileron_verifier::problem::Class;
use aileron_verifier::text::json::{Json, View};
use aileron_verifier::text::printable;

/// Arguments by name, each digit for digit as it was given.
pub type Arguments = BTreeMap<String, Json>;

/// Why a command line gives no arguments. All of it is a usage error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// `--args` is not one JSON object.
    #[error("--args is not a JSON object: {0}")]
    NotAnObject(String),
    /// `--arg` without `=`.
    #[error("--arg {0} is not of the form name=value")]
    NotAPair(String),
    /// `--arg` twice for one name.
    #[error("--arg {0} is given twice")]
    Twice(String),
    /// No such input.
    #[error("the action has no input \"{name}\"; it has {}", listed(.known))]
    Unknown {
        /// What was given.
        name: String,
        /// What is declared.
        known: Vec<String>,
    },
    /// A required input is missing.
    #[error("the action needs {}", listed(.0))]
    Missing(Vec<String>),
    /// A value is not of the declared type.
    #[error("{name} must be {expected}: {given} is not")]
    Type {
        /// The input.
        name: String,
        /// Its type, with an article.
        expected: String,
        /// What was given, as JSON or as written.
        given: String,
    },
}

impl ArgumentError {
    /// The failure class: always `usage_error`.
    pub fn class(&self) -> Class {
        match self {
            ArgumentError::NotAnObject(_)
            | ArgumentError::NotAPair(_)
            | ArgumentError::Twice(_)
            | ArgumentError::Unknown { .. }
            | ArgumentError::Missing(_)
            | ArgumentError::Type { .. } => Class::UsageError,
        }
    }

    /// Never: the command line stays as it is.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Arguments of an op, whose types are not declared: `--args` is one JSON object; the value of `--arg` is JSON where it is
/// some, else text.
///
/// # Errors
/// [`ArgumentError`].
pub fn untyped(object: Option<&str>, pairs: &[String]) -> Result<Arguments, ArgumentError> {
    gathered(object, pairs, |_, text| Ok(Json::read(text).unwrap_or_else(|_| Json::from(text))))
}

/// The first `--arg` whose value [`untyped`] took for JSON and not for text, as the text it could have been: what to type
/// where the connector wanted text.
pub fn as_text(pairs: &[String]) -> Option<String> {
    pairs.iter().find_map(|pair| {
        let (name, text) = pair.split_once('=')?;
        let value = Json::read(text).ok()?;
        let is_scalar = matches!(value.view(), View::Number(_) | View::Boolean(_) | View::Null);
        is_scalar.then(|| format!("--arg '{name}=\"{}\"'", value.text()))
    })
}

/// Arguments of an action: `--arg` is converted by the declared type, and both ways of giving them are held against the
/// declaration. An input of a type outside the list (a waived rule) takes what it is given.
///
/// # Errors
/// [`ArgumentError`].
pub fn typed(inputs: &[Input], object: Option<&str>, pairs: &[String]) -> Result<Arguments, ArgumentError> {
    let declared = |name: &str| {
        inputs.iter().find(|input| input.name.value == name).ok_or_else(|| ArgumentError::Unknown {
            name: name.to_owned(),
            known: inputs.iter().map(|input| input.name.value.clone()).collect(),
        })
    };
    let mut arguments = gathered(object, pairs, |name, text| converted(declared(name)?, text))?;
    for (name, value) in &mut arguments {
        let input = declared(name)?;
        if value.is_null() && !input.required {
            continue;
        }
        *value =
            of_kind(&input.kind.value, value).ok_or_else(|| mismatch(input, printable(value.text()).into_owned()))?;
    }
    let missing = inputs.iter().filter(|input| input.required && !arguments.contains_key(&input.name.value));
    let missing: Vec<String> = missing.map(|input| input.name.value.clone()).collect();
    if missing.is_empty() { Ok(arguments) } else { Err(ArgumentError::Missing(missing)) }
}

fn gathered(
    object: Option<&str>,
    pairs: &[String],
    value: impl Fn(&str, &str) -> Result<Json, ArgumentError>,
) -> Result<Arguments, ArgumentError> {
    let mut arguments = match object {
        Some(text) => object_of(text)?,
        None => Arguments::new(),
    };
    let mut seen = std::collections::HashSet::new();
    for pair in pairs {
        let (name, text) = pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            // What follows may be private; the name is enough to say which one is meant.
            ArgumentError::NotAPair(pair.chars().take(40).collect())
        })?;
        if !seen.insert(name) {
            return Err(ArgumentError::Twice(name.to_owned()));
        }
        arguments.insert(name.to_owned(), value(name, text)?);
    }
    Ok(arguments)
}

fn object_of(text: &str) -> Result<Arguments, ArgumentError> {
    let value = Json::read(text).map_err(|error| ArgumentError::NotAnObject(error.to_string()))?;
    let found = match value.view() {
        View::Object(fields) => return Ok(fields),
        View::Null => return Ok(Arguments::new()),
        View::List(_) => "it is an array",
        View::Text(_) => "it is a string",
        View::Number(_) => "it is a number",
        View::Boolean(_) => "it is a boolean",
    };
    Err(ArgumentError::NotAnObject(found.to_owned()))
}

fn converted(input: &Input, text: &str) -> Result<Json, ArgumentError> {
    match input.kind.value.as_str() {
        kind @ ("integer" | "number" | "boolean" | "array" | "object") => Json::read(text)
            .ok()
            .and_then(|value| of_kind(kind, &value))
            .ok_or_else(|| mismatch(input, format!("\"{}\"", printable(text)))),
        _ => Ok(Json::from(text)),
    }
}

/// The value, if it is of that type. An integer that is written with an exponent or a fraction (`1e3`, `2.0`) is passed on
/// as the integer it is, which every connector can read; all else stays as it was written.
fn of_kind(kind: &str, value: &Json) -> Option<Json> {
    let is_of = match (kind, value.view()) {
        ("integer", View::Number(number)) => return Json::read(&number.integer()?).ok(),
        ("string", View::Text(_))
        | ("number", View::Number(_))
        | ("boolean", View::Boolean(_))
        | ("array", View::List(_))
        | ("object", View::Object(_)) => true,
        ("string" | "integer" | "number" | "boolean" | "array" | "object", _) => false,
        _ => true,
    };
    is_of.then(|| value.clone())
}

fn mismatch(input: &Input, given: String) -> ArgumentError {
    let kind = input.kind.value.as_str();
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    ArgumentError::Type { name: input.name.value.clone(), expected: format!("{article} {kind}"), given }
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Spanned;
    use serde_json::{Value, json};

    use super::*;

    fn inputs() -> Vec<Input> {
        let text = |value: &str| Spanned { value: value.to_owned(), at: 0..0 };
        let input = |(name, kind, required): (&str, &str, bool)| Input {
            name: text(name),
            kind: text(kind),
            description: text("d"),
            required,
            label: None,
            multiline: false,
            items_type: None,
        };
        [("text", "string", true), ("count", "integer", false), ("ratio", "number", false), ("on", "boolean", false)]
            .into_iter()
            .chain([("list", "array", false), ("map", "object", false), ("odd", "DateTime!", false)])
            .map(input)
            .collect()
    }

    fn json(arguments: &Arguments) -> Value {
        serde_json::to_value(arguments).expect("JSON")
    }

    fn given(object: Option<&str>, pairs: &[&str]) -> Result<Value, String> {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        typed(&inputs(), object, &pairs).map(|arguments| json(&arguments)).map_err(|error| error.to_string())
    }

    #[test] // sandbox.md 15a: `--arg k=v` converts by the declared type
    fn an_argument_is_of_the_type_its_input_declares() {
        let pairs = ["text=7", "count=7", "ratio=1e2", "on=true", "list=[1]", "map={\"a\":null}", "odd=2020"];
        let expected =
            json!({"text": "7", "count": 7, "ratio": 1e2, "on": true, "list": [1], "map": {"a": null}, "odd": "2020"});
        assert_eq!(given(None, &pairs), Ok(expected));
        assert_eq!(given(None, &["text=a=b=c"]), Ok(json!({"text": "a=b=c"})));
        assert_eq!(given(None, &["text="]), Ok(json!({"text": ""})));
        assert_eq!(given(Some("{\"text\":\"x\",\"count\":null}"), &[]), Ok(json!({"text": "x", "count": null})));
        assert_eq!(given(Some("{\"text\":\"x\"}"), &["text=y"]), Ok(json!({"text": "y"})));
    }

    #[test] // sandbox.md 15a: an unknown or missing argument is exit 2
    fn arguments_are_held_against_the_declaration() {
        for (object, pairs, message) in [
            (None, &[][..], "the action needs text"),
            (None, &["texts=x"], "the action has no input \"texts\"; it has text, count, ratio, on, list, map, odd"),
            (None, &["text=x", "count=1.5"], "count must be an integer: \"1.5\" is not"),
            (None, &["text=x", "on=yes"], "on must be a boolean: \"yes\" is not"),
            (None, &["text=x", "list={}"], "list must be an array: \"{}\" is not"),
            (None, &["text=x", "text=y"], "--arg text is given twice"),
            (None, &["text"], "--arg text is not of the form name=value"),
            (None, &["=x"], "--arg =x is not of the form name=value"),
            (Some("{\"text\":7}"), &[], "text must be a string: 7 is not"),
            (Some("{\"text\":null}"), &[], "text must be a string: null is not"),
            (Some("[]"), &[], "--args is not a JSON object: it is an array"),
        ] {
            assert_eq!(given(object, pairs), Err(message.to_owned()));
        }
    }

    #[test]
    fn an_undeclared_argument_is_json_where_it_is_some() {
        let pairs = ["n=7", "s=seven", "q=\"7\"", "l=[1,{}]", "e="].map(str::to_owned);
        let expected = json!({"n": 7, "s": "seven", "q": "7", "l": [1, {}], "e": ""});
        assert_eq!(untyped(None, &pairs).map(|arguments| json(&arguments)), Ok(expected));
        assert_eq!(untyped(None, &[]).map(|arguments| json(&arguments)), Ok(json!({})));
    }

    #[test] // sandbox.md §5.1: numbers stay exact
    fn a_number_is_passed_on_digit_for_digit_or_refused() {
        const REFUSED: Option<&str> = None;
        for (kind, written, passed) in [
            ("count", "9007199254740993", Some("9007199254740993")),
            ("count", "18446744073709551615", Some("18446744073709551615")),
            ("count", "18446744073709551617", Some("18446744073709551617")),
            ("count", "-9223372036854775809", Some("-9223372036854775809")),
            ("count", "123456789012345678901234", Some("123456789012345678901234")),
            ("count", "1e3", Some("1000")),
            ("count", "1E+3", Some("1000")),
            ("count", "1.0", Some("1")),
            ("count", "-2.50e1", Some("-25")),
            ("count", "-0", Some("-0")),
            ("count", "0e5", Some("0")),
            ("count", "1e-3", REFUSED),
            ("count", "1.5", REFUSED),
            ("count", "1e999999", REFUSED),
            ("count", "1e99999999999999999999", REFUSED),
            ("count", "+1", REFUSED),
            ("count", "007", REFUSED),
            ("count", "NaN", REFUSED),
            ("count", "Infinity", REFUSED),
            ("count", "0x10", REFUSED),
            ("count", "\"7\"", REFUSED),
            ("count", "", REFUSED),
            ("ratio", "0.12345678901234567890123", Some("0.12345678901234567890123")),
            ("ratio", "1.10", Some("1.10")),
            ("ratio", "1e400", Some("1e400")),
            ("ratio", "5e-324", Some("5e-324")),
            ("ratio", "-0.0", Some("-0.0")),
            ("ratio", "340282366920938463463374607431768211456", Some("340282366920938463463374607431768211456")),
            ("ratio", ".5", REFUSED),
            ("ratio", "1.", REFUSED),
            ("text", "00340433950281289025", Some("\"00340433950281289025\"")),
            ("text", "1.10", Some("\"1.10\"")),
        ] {
            let pairs = ["text=x".to_owned(), format!("{kind}={written}")];
            let pairs = if kind == "text" { &pairs[1..] } else { &pairs[..] };
            let found = typed(&inputs(), None, pairs).ok();
            assert_eq!(found.as_ref().map(|found| found[kind].text()), passed, "{kind}={written}");
            if kind != "text" {
                let object = format!("{{\"text\":\"x\",\"{kind}\":{written}}}");
                let found = typed(&inputs(), Some(&object), &[]).ok();
                assert_eq!(found.as_ref().map(|found| found[kind].text()), passed, "{object}");
            }
        }
        let list = untyped(Some("{\"l\":[1.50, 18446744073709551617, {\"d\": 1E400}]}"), &[]).expect("an object");
        assert_eq!(list["l"].text(), "[1.50,18446744073709551617,{\"d\":1E400}]");
    }

    #[test]
    fn a_value_that_could_have_been_text_is_offered_as_text() {
        let hint = |pairs: &[&str]| as_text(&pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>());
        assert_eq!(hint(&["name=Ann", "id=42"]).as_deref(), Some("--arg 'id=\"42\"'"));
        assert_eq!(hint(&["on=true"]).as_deref(), Some("--arg 'on=\"true\"'"));
        assert_eq!(hint(&["id=042", "s=\"42\"", "l=[1]"]), None);
    }
}
