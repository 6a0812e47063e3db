//! What an extension says about itself once it runs, against what its manifest says. aegis-bundle.md §4.2, §14.1, §14.3.
//!
//! Nothing is started here: who asked the binary hands its answer over.

use super::Kind;
use super::rules;
use super::troubleshooting::Row;
use crate::problem::Rule;

/// Most levels of a configuration schema. aegis-bundle.md §1.
pub const MOST_LEVELS: usize = 10;

/// Types of a field. aegis-bundle.md §13.
pub const FIELD_TYPES: [&str; 9] =
    ["string", "int", "bool", "object", "array", "arraystring", "arrayint", "arraybool", "arrayobject"];

/// What GetDefinition answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// The id.
    pub id: String,
    /// Event types it subscribes to; a connector has none.
    pub events: Vec<String>,
    /// Connectors it calls, required and optional.
    pub connectors: Vec<String>,
    /// The fields of its configuration.
    pub fields: Vec<Field>,
}

/// One field of a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, as written.
    pub kind: String,
    /// The fields below it.
    pub nested: Vec<Field>,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The rule.
    pub rule: &'static Rule,
    /// Where the document tells of it.
    pub row: Option<Row>,
    /// What is wrong. Names in it are the extension's own: not yet made printable.
    pub message: String,
}

/// The capability without which a host drops an event of this type. aegis-bundle.md §4.2.
pub fn capability_of(event: &str) -> &'static str {
    match event {
        _ if event.starts_with("RCON_") => "events.rcon",
        _ if event.starts_with("LOG_") => "events.log",
        _ if event.starts_with("PLUGIN_") => "events.plugin",
        _ if event.starts_with("CONNECTOR_") => "events.connector",
        _ => "events.system",
    }
}

/// Whether a host delivers events of this type to a plugin with these capabilities. aegis-bundle.md §4.2.
pub fn is_delivered(event: &str, capabilities: &[String]) -> bool {
    !event.is_empty() && event != "*" && has(capabilities, capability_of(event))
}

fn has(capabilities: &[String], name: &str) -> bool {
    capabilities.iter().any(|declared| declared.trim() == name)
}

/// Levels of a schema: 1 for fields without nested ones, 0 without fields.
pub fn levels(fields: &[Field]) -> usize {
    let mut deepest = 0;
    let mut open: Vec<(&Field, usize)> = fields.iter().map(|field| (field, 1)).collect();
    while let Some((field, level)) = open.pop() {
        deepest = deepest.max(level);
        open.extend(field.nested.iter().map(|below| (below, level + 1)));
    }
    deepest
}

/// Compares a definition with the manifest's id and the capabilities of the target that runs. In the host's order: the depth
/// of the schema, then the id; what the host drops in silence follows.
pub fn compare(kind: Kind, definition: &Definition, id: &str, capabilities: &[String]) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut say = |rule, row, message| found.push(Mismatch { rule, row, message });
    let levels = levels(&definition.fields);
    if levels > MOST_LEVELS {
        let message = format!("its configuration schema has {levels} levels; a host takes {MOST_LEVELS}");
        say(rules::DEFINITION_SCHEMA, None, message);
    }
    if definition.id != id {
        let message = format!("{kind} subprocess reported id \"{}\" but manifest declares \"{id}\"", definition.id);
        say(rules::DEFINITION_ID, Some(Row::IdMismatch), message);
    }
    let mut open: Vec<&Field> = definition.fields.iter().collect();
    while let Some(field) = open.pop() {
        if !FIELD_TYPES.contains(&field.kind.as_str()) {
            let message = format!("field \"{}\" has the unknown type \"{}\"", field.name, field.kind);
            say(rules::DEFINITION_SCHEMA_TYPE, None, message);
        }
        open.extend(&field.nested);
    }
    for event in &definition.events {
        if event.is_empty() || event == "*" {
            let message = format!("a host drops the subscription \"{event}\": there are no wildcards");
            say(rules::DEFINITION_EVENTS, Some(Row::NoEvents), message);
        } else if !is_delivered(event, capabilities) {
            let message = format!("{event} is never delivered: the manifest does not list {}", capability_of(event));
            say(rules::DEFINITION_EVENTS, Some(Row::NoEvents), message);
        }
    }
    if !definition.connectors.is_empty() && !has(capabilities, "api.connector") {
        let message = format!(
            "it calls connectors ({}), and the manifest does not list api.connector",
            definition.connectors.join(", ")
        );
        say(rules::DEFINITION_CONNECTORS, None, message);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Vec<Field> {
        let nested = if levels > 1 { nested(levels - 1) } else { Vec::new() };
        vec![Field { name: format!("level{levels}"), kind: "object".into(), nested }]
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test] // aegis-bundle.md §14.1, §14.3
    fn a_definition_is_compared_with_its_manifest_as_a_host_compares_it() {
        type Case<'c> = (&'c str, Definition, &'c [&'c str], &'c [(&'c str, Option<Row>)]);
        let plain = |events: &[&str]| Definition { id: "a.b".into(), events: texts(events), ..Definition::default() };
        let table: [Case<'_>; 10] = [
            ("good", plain(&["RCON_CHAT_MESSAGE"]), &["events.rcon"], &[]),
            ("id", Definition { id: "A.b".into(), ..plain(&[]) }, &[], &[("definition.id", Some(Row::IdMismatch))]),
            ("wildcard", plain(&["*"]), &["events.rcon"], &[("definition.events", Some(Row::NoEvents))]),
            ("empty", plain(&[""]), &["events.system"], &[("definition.events", Some(Row::NoEvents))]),
            ("family", plain(&["LOG_TICK_RATE"]), &["events.rcon"], &[("definition.events", Some(Row::NoEvents))]),
            ("others", plain(&["PLAYER_CONNECTED", "PLUGIN_LOG"]), &["events.system", "events.plugin"], &[]),
            ("ten levels", Definition { fields: nested(10), ..plain(&[]) }, &[], &[]),
            ("eleven", Definition { fields: nested(11), ..plain(&[]) }, &[], &[("definition.schema", None)]),
            (
                "type",
                Definition { fields: vec![Field { kind: "date".into(), ..Field::default() }], ..plain(&[]) },
                &[],
                &[("definition.schema", None)],
            ),
            (
                "connectors",
                Definition { connectors: texts(&["c"]), ..plain(&[]) },
                &["api.log"],
                &[("definition.connectors", None)],
            ),
        ];
        for (name, definition, capabilities, expected) in table {
            let found = compare(Kind::Plugin, &definition, "a.b", &texts(capabilities));
            let found: Vec<_> = found.iter().map(|mismatch| (mismatch.rule.id(), mismatch.row)).collect();
            assert_eq!(found, expected, "{name}");
        }
        let differs = Definition { id: "x".into(), ..Definition::default() };
        let text = &compare(Kind::Connector, &differs, "y", &[])[0].message;
        assert_eq!(text, "connector subprocess reported id \"x\" but manifest declares \"y\"");
    }

    #[test] // aegis-bundle.md §4.2
    fn an_event_belongs_to_the_family_of_its_prefix() {
        for (event, capability) in [
            ("RCON_SERVER_INFO", "events.rcon"),
            ("LOG_PLAYER_DIED", "events.log"),
            ("PLUGIN_CUSTOM", "events.plugin"),
            ("CONNECTOR_X", "events.connector"),
            ("PLAYER_LIST_UPDATED", "events.system"),
            ("ENHANCED_TEAMKILL", "events.system"),
            ("rcon_x", "events.system"),
        ] {
            assert_eq!(capability_of(event), capability, "{event}");
        }
    }
}
