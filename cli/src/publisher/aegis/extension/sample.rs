//! What is sent where the author says nothing: a configuration out of the schema, a change of it, events.

use aileron_verifier::text::printable;
use serde_json::{Map, Value, json};

use super::messages::{ConfigField, ConfigSchema};

/// A configuration of the schema's defaults; a required field without one has the plainest value of its type.
pub fn configuration(schema: Option<&ConfigSchema>) -> Map<String, Value> {
    object(schema.map_or(&[], |schema| &schema.fields))
}

/// The same with what the author gives in place of some values.
pub fn configured(schema: Option<&ConfigSchema>, given: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut configuration = configuration(schema);
    configuration.extend(given.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    configuration
}

fn object(fields: &[ConfigField]) -> Map<String, Value> {
    let set = fields.iter().filter_map(|field| Some((field.name.clone(), value(field)?)));
    set.collect()
}

fn value(field: &ConfigField) -> Option<Value> {
    if let Ok(default) = serde_json::from_slice::<Value>(&field.default_json) {
        return Some(default);
    }
    if !field.required {
        return None;
    }
    if let Some(first) = options(field).into_iter().next() {
        return Some(first);
    }
    Some(match field.kind.as_str() {
        "int" => json!(1),
        "bool" => json!(true),
        "object" => Value::Object(object(&field.nested)),
        kind if kind.starts_with("array") => json!([]),
        _ => json!("try"),
    })
}

fn options(field: &ConfigField) -> Vec<Value> {
    serde_json::from_slice(&field.options_json).unwrap_or_default()
}

/// The same configuration with every plain field changed to another value that its type and options allow.
pub fn changed(configuration: &Map<String, Value>, schema: Option<&ConfigSchema>) -> Map<String, Value> {
    let mut changed = configuration.clone();
    for field in schema.map_or(&[][..], |schema| &schema.fields) {
        let now = configuration.get(&field.name);
        let options = options(field);
        let other = match (field.kind.as_str(), now) {
            _ if !options.is_empty() => options.into_iter().find(|option| Some(option) != now),
            ("string", Some(Value::String(text))) => Some(json!(format!("{text} (changed)"))),
            ("string", None) => Some(json!("changed")),
            ("int", now) => Some(json!(now.and_then(Value::as_i64).unwrap_or_default().saturating_add(1))),
            ("bool", now) => Some(json!(!now.and_then(Value::as_bool).unwrap_or_default())),
            _ => None,
        };
        if let Some(other) = other {
            changed.insert(field.name.clone(), other);
        }
    }
    changed
}

/// What an event of this type may hold. The document gives the members of a chat message; other events are guesses, which is why
/// the author can say what to send.
pub fn event(kind: &str) -> Value {
    let player =
        json!({"eos_id": "0002a10186d9414496bf20d22d3860ba", "steam_id": "76561198000000000", "player_name": "Ada"});
    let mut event = player;
    if matches!(kind, "RCON_CHAT_MESSAGE" | "LOG_ADMIN_BROADCAST") {
        event["message"] = json!("!hello");
    }
    if kind == "RCON_CHAT_MESSAGE" {
        event["chat_type"] = json!("ChatAll");
    }
    event
}

/// Where an event of this type comes from. aegis-bundle.md §4.2, §19.2.
pub fn source(kind: &str) -> &'static str {
    match aileron_verifier::aegis::definition::capability_of(kind) {
        "events.rcon" => "rcon",
        "events.log" => "log",
        "events.plugin" => "plugin",
        "events.connector" => "connector",
        _ => "system",
    }
}

/// A text of the extension on one line, short.
pub fn brief(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.lines().next().unwrap_or_default();
    aileron_verifier::text::printable_within(&printable(line), MOST).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: &str, default: &str, required: bool) -> ConfigField {
        let (name, kind, default_json) = (name.to_owned(), kind.to_owned(), default.as_bytes().to_vec());
        ConfigField { name, kind, default_json, required, ..ConfigField::default() }
    }

    #[test]
    fn a_configuration_and_its_change_fit_the_schema() {
        let tone = ConfigField { options_json: b"[\"plain\",\"loud\"]".to_vec(), ..field("tone", "string", "", true) };
        let fields = vec![
            field("trigger", "string", "\"!hello\"", false),
            field("token", "string", "", true),
            field("count", "int", "3", false),
            field("loud", "bool", "true", false),
            field("later", "string", "", false),
            field("bad", "int", "{", true),
            field("list", "arraystring", "", true),
            tone,
        ];
        let schema = ConfigSchema { fields };
        let first = configuration(Some(&schema));
        let expected = json!({"trigger": "!hello", "token": "try", "count": 3, "loud": true, "bad": 1, "list": [], "tone": "plain"});
        assert_eq!(Value::Object(first.clone()), expected);
        let second = Value::Object(changed(&first, Some(&schema)));
        let expected = json!({
            "trigger": "!hello (changed)", "token": "try (changed)", "count": 4, "loud": false, "bad": 2, "list": [],
            "tone": "loud", "later": "changed",
        });
        assert_eq!(second, expected);
        assert_eq!(configuration(None), Map::new());
    }
}
