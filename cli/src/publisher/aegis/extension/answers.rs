//! What `tests/*.toml` says: the configuration, the events and requests that are sent, and what the host API answers.
//!
//! ```toml
//! [config]                        # over the schema's defaults
//! trigger = "!hello"
//!
//! [[event]]                       # sent when the plugin subscribes to it
//! type = "RCON_CHAT_MESSAGE"
//! data = { message = "!hello", eos_id = "0002" }
//!
//! [[invoke]]                      # sent to a connector
//! data = { action = "ping" }
//!
//! [answers]                       # by method of the host API: a text, or JSON as TOML has it
//! RconSendCommand = "pong"
//! ServerGetPlayers = [{ eos_id = "0002", name = "Ada" }]
//! ConnectorCall = { ok = true, data = { message = "pong" } }
//!
//! [failures]                      # methods that fail, with the host's words
//! RconKickPlayer = "player is not here"
//! ```

use std::collections::BTreeMap;

use aileron_verifier::text::printable;
use serde_json::{Map, Value, json};
use toml_edit::{Document, Item, TableLike, Value as Toml};

use super::methods;

/// What the files say, together. A later file adds to an earlier one, and its answers win.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// What is set over the defaults of the schema.
    pub config: Option<Map<String, Value>>,
    /// Events, with type and data.
    pub events: Vec<(String, Value)>,
    /// Requests for a connector.
    pub invokes: Vec<Value>,
    /// Answers by method.
    pub answers: BTreeMap<String, Value>,
    /// Errors by method.
    pub failures: BTreeMap<String, String>,
}

/// Why a file says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswersError {
    /// No TOML.
    #[error("{file}: not TOML: {why}")]
    Syntax {
        /// The file.
        file: String,
        /// Why, on one line.
        why: String,
    },
    /// A member that is not known, or not of its type.
    #[error("{file}: {} {what}", printable(.member))]
    Member {
        /// The file.
        file: String,
        /// Which.
        member: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Answers {
    /// Adds what a file says.
    ///
    /// # Errors
    /// [`AnswersError`]; nothing is ignored in silence.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), AnswersError> {
        let document: Document<&str> = Document::parse(text).map_err(|error| {
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            AnswersError::Syntax { file: file.to_owned(), why }
        })?;
        let wrong =
            |member: &str, what| AnswersError::Member { file: file.to_owned(), member: member.to_owned(), what };
        for (name, item) in document.as_table().iter() {
            let table = || item.as_table_like().ok_or_else(|| wrong(name, "is not a table"));
            let list = || item.as_array_of_tables().ok_or_else(|| wrong(name, "is not a list of tables: write [[…]]"));
            match name {
                "config" => self.config = Some(object(table()?)),
                "event" => {
                    for event in list()?.iter() {
                        let kind = event.get("type").and_then(Item::as_str);
                        let kind = kind.ok_or_else(|| wrong("event.type", "is missing or not a text"))?;
                        only(event, &["type", "data"]).map_err(|member| wrong(&format!("event.{member}"), UNKNOWN))?;
                        self.events.push((kind.to_owned(), event.get("data").map_or_else(|| json!({}), value)));
                    }
                }
                "invoke" => {
                    for invoke in list()?.iter() {
                        only(invoke, &["data"]).map_err(|member| wrong(&format!("invoke.{member}"), UNKNOWN))?;
                        let data = invoke.get("data").ok_or_else(|| wrong("invoke.data", "is missing"))?;
                        self.invokes.push(value(data));
                    }
                }
                "answers" | "failures" => {
                    for (method, item) in table()?.iter() {
                        let known = methods::method(method);
                        let known = known.ok_or_else(|| wrong(method, "is not a method of the host API"))?;
                        if name == "answers" {
                            self.answers.insert(known.name.to_owned(), value(item));
                        } else {
                            let text = item.as_str().ok_or_else(|| wrong(method, "must be a text: the error"))?;
                            self.failures.insert(known.name.to_owned(), text.to_owned());
                        }
                    }
                }
                _ => return Err(wrong(name, UNKNOWN)),
            }
        }
        Ok(())
    }
}

const UNKNOWN: &str = "is not a member of these files: config, event, invoke, answers, failures";

fn only<'t>(table: &'t dyn TableLike, known: &[&str]) -> Result<(), &'t str> {
    table.iter().map(|(name, _)| name).find(|name| !known.contains(name)).map_or(Ok(()), Err)
}

fn object(table: &dyn TableLike) -> Map<String, Value> {
    table.iter().map(|(name, item)| (name.to_owned(), value(item))).collect()
}

fn value(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_toml(value),
        Item::Table(table) => Value::Object(object(table)),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| Value::Object(object(table))).collect(),
    }
}

fn of_toml(value: &Toml) -> Value {
    match value {
        Toml::String(text) => json!(text.value()),
        Toml::Integer(number) => json!(number.value()),
        Toml::Float(number) => json!(number.value()),
        Toml::Boolean(truth) => json!(truth.value()),
        Toml::Datetime(time) => json!(time.value().to_string()),
        Toml::Array(list) => list.iter().map(of_toml).collect(),
        Toml::InlineTable(table) => Value::Object(object(table)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_sent_and_answered() {
        let mut answers = Answers::default();
        let text = "[config]\na = 1\n[[event]]\ntype = \"X\"\ndata = { b = [true, 1.5] }\n[[event]]\ntype = \"Y\"\n\
                    [[invoke]]\ndata = { action = \"ping\" }\n[answers]\nServerGetPlayers = [{ c = \"d\" }]\n\
                    [failures]\nRconKickPlayer = \"gone\"\n";
        answers.add("tests/a.toml", text).unwrap();
        answers.add("tests/b.toml", "[answers]\nRconSendCommand = \"pong\"\n").unwrap();
        assert_eq!(answers.config, json!({"a": 1}).as_object().cloned());
        assert_eq!(answers.events, [("X".into(), json!({"b": [true, 1.5]})), ("Y".into(), json!({}))]);
        assert_eq!(answers.invokes, [json!({"action": "ping"})]);
        assert_eq!(answers.answers["ServerGetPlayers"], json!([{"c": "d"}]));
        assert_eq!(
            (&*answers.answers["RconSendCommand"].to_string(), &*answers.failures["RconKickPlayer"]),
            ("\"pong\"", "gone")
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, expected) in [
            ("a = ", "t.toml: not TOML: "),
            ("[configs]", "t.toml: configs is not a member"),
            ("config = 1", "t.toml: config is not a table"),
            ("event = 1", "t.toml: event is not a list of tables"),
            ("[[event]]\ndata = 1", "t.toml: event.type is missing"),
            ("[[event]]\ntype = \"X\"\ndatum = 1", "t.toml: event.datum is not a member"),
            ("[[invoke]]", "t.toml: invoke.data is missing"),
            ("[answers]\nRconBann = 1", "t.toml: RconBann is not a method of the host API"),
            ("[failures]\nRconBanPlayer = 1", "t.toml: RconBanPlayer must be a text"),
        ] {
            let error = Answers::default().add("t.toml", text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
