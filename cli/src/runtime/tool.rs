//! An action as an agent sees it: a name, a description, a JSON schema of its inputs. Pure.

use std::collections::BTreeMap;

use aileron_verifier::artifact::action::{Action, Input};
use serde_json::{Map, Value, json};

/// The name of an action as a tool's, in snake_case: `list-recent-emails` is `list_recent_emails`.
pub fn name(action: &str) -> String {
    action.replace(['-', '.'], "_")
}

/// Actions by the names of their tools. Where two would have one name, the later ones are numbered.
pub fn names(actions: impl IntoIterator<Item = String>) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for action in actions {
        let plain = name(&action);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !names.contains_key(name));
        names.insert(free.unwrap_or(plain), action);
    }
    names
}

/// What it is for, and what its publisher wrote about it.
pub fn description(action: &Action) -> String {
    let body = action.source.text.get(action.body.clone()).unwrap_or_default().trim();
    match (action.intent.value.trim(), body) {
        (intent, "") => intent.to_owned(),
        ("", body) => body.to_owned(),
        (intent, body) => format!("{intent}\n\n{body}"),
    }
}

/// The arguments it takes.
pub fn schema(inputs: &[Input]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        inputs.iter().map(|input| (input.name.value.clone(), property(input))).collect();
    // An input that is declared twice, which is waivable, is one property.
    let is_required = |name: &&String| inputs.iter().any(|input| input.required && input.name.value == **name);
    let required: Vec<&String> = properties.keys().filter(is_required).collect();
    let required = json!(required);
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if required != json!([]) {
        schema.insert("required".to_owned(), required);
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// A type that JSON schema does not have takes any value: what it may be is the connector's to say.
fn property(input: &Input) -> Value {
    let mut property = Map::new();
    if is_schema_type(&input.kind.value) {
        property.insert("type".to_owned(), json!(input.kind.value));
    }
    if let Some(items) = input.items_type.as_ref().filter(|items| is_schema_type(items)) {
        property.insert("items".to_owned(), json!({"type": items}));
    }
    if let Some(label) = &input.label {
        property.insert("title".to_owned(), json!(label));
    }
    property.insert("description".to_owned(), json!(input.description.value));
    Value::Object(property)
}

fn is_schema_type(kind: &str) -> bool {
    ["string", "integer", "number", "boolean", "array", "object"].contains(&kind)
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Spanned;

    use super::*;

    fn text(value: &str) -> Spanned<String> {
        Spanned { value: value.to_owned(), at: 0..0 }
    }

    #[test]
    fn a_name_is_snake_case() {
        for (action, tool) in [("list-recent-emails", "list_recent_emails"), ("a.b-c_d", "a_b_c_d"), ("7", "7")] {
            assert_eq!(name(action), tool);
        }
    }

    #[test]
    fn two_actions_of_one_name_are_two_tools() {
        let actions = ["a-b", "a.b", "a_b", "a_b_2", "c"].map(str::to_owned);
        let names: Vec<String> = names(actions).into_iter().map(|(tool, action)| format!("{tool}={action}")).collect();
        assert_eq!(names, ["a_b=a-b", "a_b_2=a.b", "a_b_2_2=a_b_2", "a_b_3=a_b", "c=c"]);
    }

    #[test]
    fn a_schema_says_type_description_and_what_is_required() {
        let input = |name: &str, kind: &str, required: bool, items: Option<&str>| Input {
            name: text(name),
            kind: text(kind),
            description: text("what it is"),
            required,
            label: None,
            multiline: false,
            items_type: items.map(str::to_owned),
        };
        let inputs = [
            input("id", "string", true, None),
            input("tags", "array", false, Some("string")),
            input("at", "DateTime!", false, None),
        ];
        let expected = json!({
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "what it is"},
                "tags": {"type": "array", "items": {"type": "string"}, "description": "what it is"},
                "at": {"description": "what it is"},
            },
            "required": ["id"],
            "additionalProperties": false,
        });
        assert_eq!(Value::Object(schema(&inputs)), expected);
        assert_eq!(
            Value::Object(schema(&[])),
            json!({"type": "object", "properties": {}, "additionalProperties": false})
        );
    }
}
