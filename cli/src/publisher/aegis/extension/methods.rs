//! The methods of the host API: which handle they belong to, what their fields mean, what they answer. aegis-bundle.md §19.3.

use serde_json::{Map, Value, json};

use super::fields;

/// What a method's answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Nothing.
    Nothing,
    /// One text.
    Text,
    /// JSON: a list where nothing else is said.
    List,
    /// JSON: an object where nothing else is said.
    Object,
    /// The envelope of a connector.
    Envelope,
}

/// How a field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Json,
    Number,
    Flag,
    Time,
}

/// One method.
#[derive(Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// Its handle, as the host names it when it refuses: the capability is `api.` and this.
    pub handle: &'static str,
    /// What it answers.
    pub answers: Answers,
    /// Its fields, by their numbers from 1 on.
    fields: &'static [(&'static str, Shape)],
}

use Answers::{Envelope, List, Nothing, Object, Text};
use Shape::{Flag, Json, Number, Text as T, Time};

const LOG: &[(&str, Shape)] = &[("message", T), ("fields", Json), ("error", T)];
const PLAYER: &[(&str, Shape)] = &[("player_id", T)];
const ACTION: &[(&str, Shape)] = &[
    ("player_id", T),
    ("reason", T),
    ("duration_ns", Number),
    ("event_id", T),
    ("event_type", T),
    ("rule_id", T),
    ("rule_id_set", Flag),
    ("metadata", Json),
];
const KEY: &[(&str, Shape)] = &[("key", T), ("value", T)];
const ADMIN: &[(&str, Shape)] = &[("player_id", T), ("role_name", T), ("notes", T)];
const DISCORD: &[(&str, Shape)] = &[("channel_id", T), ("content", T), ("embed", Json)];

const fn row(
    name: &'static str,
    handle: &'static str,
    fields: &'static [(&'static str, Shape)],
    answers: Answers,
) -> Method {
    Method { name, handle, answers, fields }
}

/// All of them.
pub const METHODS: [Method; 36] = [
    row("LogInfo", "log", LOG, Nothing),
    row("LogWarn", "log", LOG, Nothing),
    row("LogError", "log", LOG, Nothing),
    row("LogDebug", "log", LOG, Nothing),
    row("RconSendCommand", "rcon", &[("command", T)], Text),
    row("RconBroadcast", "rcon", &[("message", T)], Nothing),
    row("RconSendWarningToPlayer", "rcon", &[("player_id", T), ("message", T)], Nothing),
    row("RconKickPlayer", "rcon", &[("player_id", T), ("reason", T)], Nothing),
    row("RconBanPlayer", "rcon", ACTION, Nothing),
    row("RconBanWithEvidence", "rcon", ACTION, Text),
    row("RconWarnPlayerWithRule", "rcon", ACTION, Nothing),
    row("RconKickPlayerWithRule", "rcon", ACTION, Nothing),
    row("RconBanPlayerWithRule", "rcon", ACTION, Nothing),
    row("RconBanWithEvidenceAndRule", "rcon", ACTION, Text),
    row("RconBanWithEvidenceAndRuleAndMetadata", "rcon", ACTION, Text),
    row("RconRemovePlayerFromSquad", "rcon", PLAYER, Nothing),
    row("RconRemovePlayerFromSquadById", "rcon", PLAYER, Nothing),
    row("ServerGetServerID", "server", &[], Text),
    row("ServerGetServerInfo", "server", &[], Object),
    row("ServerGetPlayers", "server", &[], List),
    row("ServerGetAdmins", "server", &[], List),
    row("ServerGetSquads", "server", &[], List),
    row("DatabaseGetPluginData", "database", KEY, Text),
    row("DatabaseSetPluginData", "database", KEY, Nothing),
    row("DatabaseDeletePluginData", "database", KEY, Nothing),
    row("RuleListServerRules", "rule", &[("parent_rule_id", T), ("parent_rule_id_set", Flag)], List),
    row("RuleListServerRuleActions", "rule", &[("rule_id", T)], List),
    row(
        "AdminAddTemporaryAdmin",
        "admin",
        &[("player_id", T), ("role_name", T), ("notes", T), ("expires_at", Time)],
        Nothing,
    ),
    row("AdminRemoveTemporaryAdmin", "admin", ADMIN, Nothing),
    row("AdminRemoveTemporaryAdminRole", "admin", ADMIN, Nothing),
    row("AdminGetPlayerAdminStatus", "admin", PLAYER, Object),
    row("AdminListTemporaryAdmins", "admin", &[], List),
    row("EventPublishEvent", "event", &[("event_type", T), ("data", Json), ("raw", T)], Nothing),
    row("DiscordSendMessage", "discord", DISCORD, Text),
    row("DiscordSendEmbed", "discord", DISCORD, Text),
    row(
        "ConnectorCall",
        "connector",
        &[("connector_id", T), ("v", T), ("data", Json), ("timeout_ms", Number)],
        Envelope,
    ),
];

/// The method of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

impl Method {
    /// A request as its named fields; `None` for what is no message. Later fields win over earlier ones, as protobuf has it.
    pub fn request(&self, message: &[u8]) -> Option<Map<String, Value>> {
        let mut read = Map::new();
        for (number, value) in fields::fields(message)? {
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            let Some((name, shape)) = self.fields.get(at) else { continue };
            let value = match (shape, value) {
                (Shape::Text, fields::Value::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
                (Shape::Json, fields::Value::Bytes(bytes)) => {
                    let text = || json!(String::from_utf8_lossy(bytes));
                    serde_json::from_slice(bytes).unwrap_or_else(|_| text())
                }
                (Shape::Number, fields::Value::Number(number)) => json!(number.cast_signed()),
                (Shape::Flag, fields::Value::Number(number)) => json!(number != 0),
                (Shape::Time, fields::Value::Bytes(bytes)) => {
                    let seconds = fields::fields(bytes)?.into_iter().find_map(|(number, value)| match value {
                        fields::Value::Number(seconds) if number == 1 => Some(seconds.cast_signed()),
                        _ => None,
                    });
                    json!(seconds.unwrap_or_default())
                }
                _ => return None,
            };
            read.insert((*name).to_owned(), value);
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test] // aegis-bundle.md §19.3
    fn every_method_belongs_to_the_handle_its_name_begins_with() {
        let mut names = BTreeSet::new();
        for method in &METHODS {
            assert!(names.insert(method.name), "{}", method.name);
            assert!(method.name.to_lowercase().starts_with(method.handle), "{}", method.name);
            let capability = format!("api.{}", method.handle);
            assert!(aileron_verifier::aegis::manifest::CAPABILITIES.contains(&capability.as_str()), "{capability}");
        }
    }

    #[test]
    fn a_request_is_recorded_by_the_names_of_its_fields() {
        let ban = method("RconBanPlayerWithRule").unwrap();
        let message = b"\x0a\x03abc\x12\x04spam\x18\x80\x94\xeb\xdc\x03\x38\x01\x42\x07{\"a\":1}";
        let read = Value::Object(ban.request(message).unwrap());
        let expected = json!({"player_id": "abc", "reason": "spam", "duration_ns": 1_000_000_000_i64, "rule_id_set": true, "metadata": {"a": 1}});
        assert_eq!(read, expected);
        assert_eq!(ban.request(b"\x0a\x09abc"), None);
        assert_eq!(ban.request(b"\x08\x01"), None, "a number where a text belongs");
        let until = method("AdminAddTemporaryAdmin").unwrap().request(b"\x22\x02\x08\x05").unwrap();
        assert_eq!(Value::Object(until), json!({"expires_at": 5}));
    }
}
