//! `${args.x}` and `${step.field}` in a step's inputs. sandbox.md §10.2, 15a.
//!
//! An argument is rendered as text, and one that was not supplied stays as it is written; an entry that is nothing but such
//! a token is left out. A step's result keeps its JSON type where the token is the whole text.

use aileron_verifier::artifact::action::template::{Reference, references};
use aileron_verifier::problem::{Class, Spanned};
use aileron_verifier::text::json::{Json, View};
use aileron_verifier::text::toml;

use super::arguments::Arguments;

/// Outputs of earlier steps by their ids.
pub type Outputs = std::collections::BTreeMap<String, Json>;

/// An input that cannot be filled: the step fails.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfilled {
    /// A reference that names nothing.
    #[error("the result of step \"{step}\" has no `{path}`")]
    Absent {
        /// The earlier step.
        step: String,
        /// The path that leads nowhere in its output.
        path: String,
    },
    /// A number of the document that JSON cannot say.
    #[error("an input of the step is {0}, which is not a number in JSON")]
    NotFinite(f64),
}

impl Unfilled {
    /// The failure class: the step fails.
    pub fn class(&self) -> Class {
        match self {
            Unfilled::Absent { .. } | Unfilled::NotFinite(_) => Class::ConnectorRuntimeError,
        }
    }

    /// Never: the same arguments fill the same inputs.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// A table of inputs or preview arguments with every reference replaced.
///
/// # Errors
/// [`Unfilled`].
pub fn interpolate(
    inputs: &[(Spanned<String>, Spanned<toml::Value>)],
    arguments: &Arguments,
    outputs: &Outputs,
) -> Result<Arguments, Unfilled> {
    let values = Values { arguments, outputs };
    let mut filled = Arguments::new();
    for (name, value) in inputs {
        if let Some(value) = values.value(&value.value)? {
            filled.insert(name.value.clone(), value);
        }
    }
    Ok(filled)
}

struct Values<'a> {
    arguments: &'a Arguments,
    outputs: &'a Outputs,
}

impl Values<'_> {
    /// `None`: left out.
    fn value(&self, value: &toml::Value) -> Result<Option<Json>, Unfilled> {
        Ok(Some(match value {
            toml::Value::String(text) => return self.text(text),
            toml::Value::Integer(number) => (*number).into(),
            toml::Value::Float(number) => Json::of_double(*number).ok_or(Unfilled::NotFinite(*number))?,
            toml::Value::Boolean(is) => (*is).into(),
            toml::Value::Datetime(text) => text.as_str().into(),
            toml::Value::List(list) => {
                let mut filled = Vec::with_capacity(list.len());
                for value in list {
                    filled.extend(self.value(&value.value)?);
                }
                Json::list(filled)
            }
        }))
    }

    fn text(&self, text: &str) -> Result<Option<Json>, Unfilled> {
        let found = references(text);
        if let [(at, reference)] = found.as_slice()
            && *at == (0..text.len())
        {
            return Ok(match reference {
                Reference::Argument(name) => self.arguments.get(*name).map(|value| rendered(value).into()),
                Reference::Step { id, field } => Some(self.output(id, field)?),
                Reference::Unclosed => Some(text.into()),
            });
        }
        let (mut filled, mut from) = (String::with_capacity(text.len()), 0);
        for (at, reference) in found {
            filled.push_str(&text[from..at.start]);
            match reference {
                Reference::Step { id, field } => filled.push_str(&rendered(&self.output(id, field)?)),
                Reference::Argument(name) if self.arguments.contains_key(name) => {
                    filled.push_str(&rendered(&self.arguments[name]));
                }
                Reference::Argument(_) | Reference::Unclosed => filled.push_str(&text[at.clone()]),
            }
            from = at.end;
        }
        filled.push_str(&text[from..]);
        Ok(Some(filled.into()))
    }

    fn output(&self, step: &str, path: &str) -> Result<Json, Unfilled> {
        let absent = || Unfilled::Absent { step: step.to_owned(), path: path.to_owned() };
        let output = self.outputs.get(step).ok_or_else(absent)?;
        at(output, path).ok_or_else(absent)
    }
}

/// What is at a path: `a.b`, `items.0.id` or `items[0].id`.
pub fn at(value: &Json, path: &str) -> Option<Json> {
    // A key that really holds dots or brackets wins over taking it apart.
    if let Some(found) = value.field(path) {
        return Some(found);
    }
    let parts = path.split('.').flat_map(|part| {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        let indices = indices.trim_end_matches(']').split("][").filter(|index| !index.is_empty());
        Some(name).filter(|name| !name.is_empty()).into_iter().chain(indices)
    });
    let mut found = value.clone();
    for part in parts {
        found = found.field(part).or_else(|| found.item(part.parse().ok()?))?;
    }
    Some(found)
}

/// Text as it is; everything else as compact JSON.
pub fn rendered(value: &Json) -> String {
    match value.view() {
        View::Text(text) => text,
        _ => value.text().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spanned<T>(value: T) -> Spanned<T> {
        Spanned { value, at: 0..0 }
    }

    fn fields(value: &Value) -> Arguments {
        match Json::from(value).view() {
            View::Object(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    fn filled(value: toml::Value) -> Result<Value, String> {
        let arguments =
            fields(&json!({"name": "Ann", "n": 5, "list": [1, "a"], "null": null, "token": "${args.name}"}));
        let outputs = json!({"find": {"id": 7, "items": [{"id": "x"}], "deep": {"er": null}, "a.b": 1}, "none": null});
        let inputs = [(spanned("in".to_owned()), spanned(value))];
        let filled = interpolate(&inputs, &arguments, &fields(&outputs)).map_err(|unfilled| unfilled.to_string())?;
        Ok(serde_json::to_value(filled).expect("JSON"))
    }

    #[test] // sandbox.md §10.2, 15a
    fn a_reference_is_replaced_by_what_it_names() {
        for (text, expected) in [
            ("plain ${x} ${}", json!("plain ${x} ${}")),
            ("${args.name}", json!("Ann")),
            ("${args.n}", json!("5")),
            ("${args.list}", json!("[1,\"a\"]")),
            ("Hi ${args.name}, ${args.n}x ${args.null}", json!("Hi Ann, 5x null")),
            ("Hi ${args.missing}!", json!("Hi ${args.missing}!")),
            ("${args.token}", json!("${args.name}")), // what is put in is not looked at again
            ("${find.id}", json!(7)),
            ("#${find.id}", json!("#7")),
            ("${find.items[0].id}${find.items.0.id}", json!("xx")),
            ("${find.items}", json!([{"id": "x"}])),
            ("${find.deep.er}", json!(null)),
            ("${find.a.b}", json!(1)),
        ] {
            assert_eq!(filled(toml::Value::String(text.into())), Ok(json!({"in": expected})), "{text}");
        }
    }

    #[test] // sandbox.md 15a
    fn an_entry_that_is_nothing_but_an_argument_not_supplied_is_left_out() {
        let text = |text: &str| toml::Value::String(text.into());
        assert_eq!(filled(text("${args.missing}")), Ok(json!({})));
        let list = ["a", "${args.missing}", "${args.name}"].map(|value| spanned(text(value)));
        assert_eq!(filled(toml::Value::List(list.into())), Ok(json!({"in": ["a", "Ann"]})));
        assert_eq!(filled(text("${args.missing}${args.missing}")), Ok(json!({"in": "${args.missing}${args.missing}"})));
    }

    #[test] // sandbox.md 15a: a missing path fails the step
    fn a_path_that_leads_nowhere_is_a_failure() {
        for (text, message) in [
            ("${find.nope}", "the result of step \"find\" has no `nope`"),
            ("x${find.items[1].id}", "the result of step \"find\" has no `items[1].id`"),
            ("${find.id.more}", "the result of step \"find\" has no `id.more`"),
            ("${none.x}", "the result of step \"none\" has no `x`"),
            ("${later.x}", "the result of step \"later\" has no `x`"),
        ] {
            assert_eq!(filled(toml::Value::String(text.into())), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_values_keep_their_type() {
        for (value, expected) in [
            (toml::Value::Integer(i64::MAX), json!(i64::MAX)),
            (toml::Value::Float(1.5), json!(1.5)),
            (toml::Value::Boolean(true), json!(true)),
            (toml::Value::Datetime("2026-01-01".into()), json!("2026-01-01")),
        ] {
            assert_eq!(filled(value), Ok(json!({"in": expected})));
        }
    }
    #[test] // sandbox.md §5.1: numbers stay exact
    fn numbers_keep_their_digits_on_the_way() {
        let read = |text: &str| Json::read(text).expect("JSON");
        let big = "[1.50,18446744073709551617,1E400,0.12345678901234567890123]";
        let arguments = Arguments::from([("big".to_owned(), read(big))]);
        let outputs = Outputs::from([("find".to_owned(), read(&format!("{{\"big\":{big}}}")))]);
        for (text, expected) in [
            ("${args.big}", format!("{:?}", big)),
            ("n=${args.big}", format!("{:?}", format!("n={big}"))),
            ("${find.big}", big.to_owned()),
            ("${find.big[0]}", "1.50".to_owned()),
            ("${find.big.1}", "18446744073709551617".to_owned()),
            ("n=${find.big[2]}", "\"n=1E400\"".to_owned()),
        ] {
            let inputs = [(spanned("in".to_owned()), spanned(toml::Value::String(text.into())))];
            let filled = interpolate(&inputs, &arguments, &outputs).expect("filled");
            assert_eq!(filled["in"].text(), expected, "{text}");
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let message = filled(toml::Value::Float(number)).expect_err("JSON has no such number");
            assert!(message.ends_with("which is not a number in JSON"), "{message}");
        }
    }
}
