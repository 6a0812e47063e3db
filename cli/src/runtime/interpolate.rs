//! `${args.x}` and `${step.field}` in a step's inputs. sandbox.md §10.2, 15a.
//!
//! An argument is rendered as text, and one that was not supplied stays as it is written; an entry that is nothing but such
//! a token is left out. A step's result keeps its JSON type where the token is the whole text.

use aileron_verifier::action::template::{Reference, references};
use aileron_verifier::problem::Spanned;
use aileron_verifier::toml;
use serde_json::{Map, Number, Value};

use super::arguments::Arguments;

/// A reference that names nothing: the step fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result of step \"{step}\" has no `{path}`")]
pub struct Absent {
    /// The earlier step.
    pub step: String,
    /// The path that leads nowhere in its output.
    pub path: String,
}

/// A table of inputs or preview arguments with every reference replaced.
///
/// # Errors
/// [`Absent`].
pub fn interpolate(
    inputs: &[(Spanned<String>, Spanned<toml::Value>)],
    arguments: &Arguments,
    outputs: &Map<String, Value>,
) -> Result<Arguments, Absent> {
    let scope = Scope { arguments, outputs };
    let mut filled = Arguments::new();
    for (name, value) in inputs {
        if let Some(value) = scope.value(&value.value)? {
            filled.insert(name.value.clone(), value);
        }
    }
    Ok(filled)
}

struct Scope<'a> {
    arguments: &'a Arguments,
    outputs: &'a Map<String, Value>,
}

impl Scope<'_> {
    /// `None`: left out.
    fn value(&self, value: &toml::Value) -> Result<Option<Value>, Absent> {
        Ok(Some(match value {
            toml::Value::String(text) => return self.text(text),
            toml::Value::Integer(number) => (*number).into(),
            toml::Value::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            toml::Value::Boolean(is) => (*is).into(),
            toml::Value::Datetime(text) => text.as_str().into(),
            toml::Value::List(list) => {
                let mut filled = Vec::with_capacity(list.len());
                for value in list {
                    filled.extend(self.value(&value.value)?);
                }
                Value::Array(filled)
            }
        }))
    }

    fn text(&self, text: &str) -> Result<Option<Value>, Absent> {
        let found = references(text);
        if let [(at, reference)] = found.as_slice()
            && *at == (0..text.len())
        {
            return Ok(match reference {
                Reference::Argument(name) => self.arguments.get(*name).map(|value| rendered(value).into()),
                Reference::Step { id, field } => Some(self.output(id, field)?.clone()),
                Reference::Unclosed => Some(text.into()),
            });
        }
        let (mut filled, mut from) = (String::with_capacity(text.len()), 0);
        for (at, reference) in found {
            filled.push_str(&text[from..at.start]);
            match reference {
                Reference::Step { id, field } => filled.push_str(&rendered(self.output(id, field)?)),
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

    fn output(&self, step: &str, path: &str) -> Result<&Value, Absent> {
        let absent = || Absent { step: step.to_owned(), path: path.to_owned() };
        let output = self.outputs.get(step).ok_or_else(absent)?;
        at(output, path).ok_or_else(absent)
    }
}

/// What lies at a path: `a.b`, `items.0.id` or `items[0].id`.
pub fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    // A key that really holds dots or brackets wins over taking it apart.
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let parts = path.split('.').flat_map(|part| {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        let indices = indices.trim_end_matches(']').split("][").filter(|index| !index.is_empty());
        Some(name).filter(|name| !name.is_empty()).into_iter().chain(indices)
    });
    parts.into_iter().try_fold(value, |value, part| match value {
        Value::Object(fields) => fields.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Text as it is; everything else as compact JSON.
pub fn rendered(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spanned<T>(value: T) -> Spanned<T> {
        Spanned { value, at: 0..0 }
    }

    fn filled(value: toml::Value) -> Result<Value, String> {
        let Value::Object(arguments) =
            json!({"name": "Ann", "n": 5, "list": [1, "a"], "null": null, "token": "${args.name}"})
        else {
            unreachable!()
        };
        let Value::Object(outputs) =
            json!({"find": {"id": 7, "items": [{"id": "x"}], "deep": {"er": null}, "a.b": 1}, "none": null})
        else {
            unreachable!()
        };
        let inputs = [(spanned("in".to_owned()), spanned(value))];
        interpolate(&inputs, &arguments, &outputs).map(Value::Object).map_err(|absent| absent.to_string())
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
}
