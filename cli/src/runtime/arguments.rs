//! What stands on a command line becomes the JSON arguments of an op. sandbox.md 15a.

use aileron_verifier::action::Input;
use serde_json::{Map, Value};

/// Arguments by name.
pub type Arguments = Map<String, Value>;

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

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Arguments of an op, whose types nobody declares: `--args` is one JSON object; the value of `--arg` is JSON where it is
/// some, else text.
///
/// # Errors
/// [`ArgumentError`].
pub fn untyped(object: Option<&str>, pairs: &[String]) -> Result<Arguments, ArgumentError> {
    let value = |_: &str, text: &str| Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    gathered(object, pairs, value)
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
    let arguments = gathered(object, pairs, |name, text| converted(declared(name)?, text))?;
    for (name, value) in &arguments {
        let input = declared(name)?;
        let is_left_out = value.is_null() && !input.required;
        if !is_left_out && !is_of(&input.kind.value, value) {
            return Err(mismatch(input, value.to_string()));
        }
    }
    let missing = inputs.iter().filter(|input| input.required && !arguments.contains_key(&input.name.value));
    let missing: Vec<String> = missing.map(|input| input.name.value.clone()).collect();
    if missing.is_empty() { Ok(arguments) } else { Err(ArgumentError::Missing(missing)) }
}

fn gathered(
    object: Option<&str>,
    pairs: &[String],
    value: impl Fn(&str, &str) -> Result<Value, ArgumentError>,
) -> Result<Arguments, ArgumentError> {
    let mut arguments = match object {
        Some(text) => serde_json::from_str::<Option<Arguments>>(text)
            .map_err(|error| ArgumentError::NotAnObject(error.to_string()))?
            .unwrap_or_default(),
        None => Arguments::new(),
    };
    let mut seen = std::collections::HashSet::new();
    for pair in pairs {
        let (name, text) = pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            // What follows may be private; the name alone says which one is meant.
            ArgumentError::NotAPair(pair.chars().take(40).collect())
        })?;
        if !seen.insert(name) {
            return Err(ArgumentError::Twice(name.to_owned()));
        }
        arguments.insert(name.to_owned(), value(name, text)?);
    }
    Ok(arguments)
}

fn converted(input: &Input, text: &str) -> Result<Value, ArgumentError> {
    let kind = input.kind.value.as_str();
    match kind {
        "integer" | "number" | "boolean" | "array" | "object" => serde_json::from_str(text)
            .ok()
            .filter(|value| is_of(kind, value))
            .ok_or_else(|| mismatch(input, format!("\"{}\"", text.escape_debug()))),
        _ => Ok(Value::from(text)),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn mismatch(input: &Input, given: String) -> ArgumentError {
    let kind = input.kind.value.as_str();
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    ArgumentError::Type { name: input.name.value.clone(), expected: format!("{article} {kind}"), given }
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Spanned;
    use serde_json::json;

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

    fn given(object: Option<&str>, pairs: &[&str]) -> Result<Value, String> {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        typed(&inputs(), object, &pairs).map(Value::Object).map_err(|error| error.to_string())
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
            (Some("[]"), &[], "--args is not a JSON object: invalid type: sequence, expected a map at line 1 column 0"),
        ] {
            assert_eq!(given(object, pairs), Err(message.to_owned()));
        }
    }

    #[test]
    fn an_undeclared_argument_is_json_where_it_is_some() {
        let pairs = ["n=7", "s=seven", "q=\"7\"", "l=[1,{}]", "e="].map(str::to_owned);
        let expected = json!({"n": 7, "s": "seven", "q": "7", "l": [1, {}], "e": ""});
        assert_eq!(untyped(None, &pairs).map(Value::Object), Ok(expected));
        assert_eq!(untyped(None, &[]).map(Value::Object), Ok(json!({})));
    }
}
