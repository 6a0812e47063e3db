//! The host's side: calls of the host API are written down, answered from the author's files or with nothing in particular, and
//! refused where the manifest does not declare the handle, in the host's words. aegis-bundle.md §4.2, §14.1, §19.3.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message as _;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tonic::Status;

use super::answers::Answers;
use super::messages::{Config, InvokeResponse};
use super::methods::{self, Answers as Shape, Method};

/// Most bytes of one request. aegis-bundle.md §14.1.
const LONGEST_PAYLOAD: usize = 1 << 20;
/// Most bytes of a connector request's data. aegis-bundle.md §14.1.
const LONGEST_INVOKE: usize = 256 << 10;
/// Most bytes of a stored key, and of a value. aegis-bundle.md §14.1.
const LONGEST_KEY: usize = 256;
const LONGEST_VALUE: usize = 64 << 10;
/// Most calls that are kept, and bytes of their requests: more are only counted.
const MOST_CALLS: usize = 1_000;
const MOST_KEPT: usize = 1 << 20;
/// Most keys that are stored here.
const MOST_STORED: usize = 1_000;
/// Calls a second, and how many at once after a rest. aegis-bundle.md §14.1.
const RATE: f64 = 50.0;
const BURST: f64 = 100.0;

/// One call of the host API.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method, as the extension spelled it.
    pub method: String,
    /// Its fields.
    pub request: Map<String, Value>,
    /// Why it was refused, or failed.
    pub error: Option<String>,
}

/// What a plugin may call, and what it called.
#[derive(Clone, Debug)]
pub struct HostApi(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capabilities: Vec<String>,
    answers: Answers,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Connectors the definition names.
    connectors: Vec<String>,
    calls: Vec<Call>,
    /// Bytes of their requests.
    kept: usize,
    more: usize,
    /// When the last call was, and how many more could have come then.
    rate: Option<(Instant, f64)>,
    hurried: usize,
    stored: BTreeMap<String, String>,
}

impl State {
    /// Counts a call, and whether a host would have made it wait.
    fn count(&mut self, now: Instant) {
        let (before, left) = self.rate.unwrap_or((now, BURST));
        let left = (left + now.duration_since(before).as_secs_f64() * RATE).min(BURST);
        let is_hurried = left < 1.0;
        self.hurried += usize::from(is_hurried);
        self.rate = Some((now, if is_hurried { left } else { left - 1.0 }));
    }
}

impl HostApi {
    /// The host of a plugin with these capabilities.
    pub fn new(capabilities: &[String], answers: Answers) -> HostApi {
        let capabilities = capabilities.iter().map(|name| name.trim().to_owned()).collect();
        HostApi(Arc::new(Shared { capabilities, answers, state: Mutex::default() }))
    }

    /// What the definition says: only these connectors may be called.
    pub fn allow_connectors(&self, connectors: Vec<String>) {
        self.state().connectors = connectors;
    }

    /// The calls so far, and how many more there were.
    pub fn calls(&self) -> (Vec<Call>, usize) {
        let state = self.state();
        (state.calls.clone(), state.more)
    }

    /// How many calls came faster than a host takes them. They were answered all the same.
    pub fn hurried(&self) -> usize {
        self.state().hurried
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call.
    ///
    /// # Errors
    /// What a host answers instead.
    pub fn answer(&self, name: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
        let Some(method) = methods::method(name) else {
            return Err(Status::unimplemented(format!("unknown method {name}")));
        };
        let read = method.request(request);
        let answered = match &read {
            None => Err("the request is no message of this method".to_owned()),
            Some(read) => self.decide(method, read, request.len()),
        };
        let mut state = self.state();
        state.count(Instant::now());
        if state.calls.len() < MOST_CALLS && state.kept + request.len() <= MOST_KEPT {
            state.kept += request.len();
            let error = answered.as_ref().err().cloned();
            state.calls.push(Call { method: name.to_owned(), request: read.unwrap_or_default(), error });
        } else {
            state.more += 1;
        }
        answered.map_err(Status::unknown)
    }

    fn decide(&self, method: &Method, request: &Map<String, Value>, size: usize) -> Result<Vec<u8>, String> {
        let declared = |name: &str| self.0.capabilities.iter().any(|capability| capability == name);
        if !declared(&format!("api.{}", method.handle)) {
            return Err(format!("{} api is unavailable", method.handle));
        }
        if size > LONGEST_PAYLOAD {
            return Err(format!("payload of {size} bytes exceeds the limit of {LONGEST_PAYLOAD}"));
        }
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        if method.answers == Shape::Envelope && !self.state().connectors.iter().any(|id| id == text("connector_id")) {
            return Err(format!("connector {} is not declared by this plugin", text("connector_id")));
        }
        if method.answers == Shape::Envelope && text("v") != "1" {
            return Err(format!("connector request version {:?} is not \"1\"", text("v")));
        }
        if method.answers == Shape::Envelope
            && request.get("data").is_some_and(|data| data.to_string().len() > LONGEST_INVOKE)
        {
            return Err(format!("connector request exceeds {LONGEST_INVOKE} bytes"));
        }
        if let Some(error) = self.0.answers.failures.get(method.name) {
            return Err(error.clone());
        }
        if method.handle == "database" && !self.0.answers.answers.contains_key(method.name) {
            return self.stored(method.name, text("key"), text("value"));
        }
        Ok(encode(method.answers, self.0.answers.answers.get(method.name)))
    }

    /// Keys and values for this one run.
    fn stored(&self, method: &str, key: &str, value: &str) -> Result<Vec<u8>, String> {
        if key.len() > LONGEST_KEY || value.len() > LONGEST_VALUE {
            return Err(format!("keys have at most {LONGEST_KEY} bytes and values {LONGEST_VALUE}"));
        }
        let mut state = self.state();
        match method {
            "DatabaseSetPluginData" if state.stored.len() >= MOST_STORED && !state.stored.contains_key(key) => {
                return Err(format!("this recorder stores {MOST_STORED} keys"));
            }
            "DatabaseSetPluginData" => drop(state.stored.insert(key.to_owned(), value.to_owned())),
            "DatabaseDeletePluginData" => drop(state.stored.remove(key)),
            _ => return Ok(bytes(state.stored.get(key).map_or("", |value| value))),
        }
        Ok(Vec::new())
    }
}

/// A message of one field of bytes, or of text: they are the same on the wire.
fn bytes(text: &str) -> Vec<u8> {
    Config { config_json: text.as_bytes().to_vec() }.encode_to_vec()
}

fn encode(shape: Shape, given: Option<&Value>) -> Vec<u8> {
    match (shape, given) {
        (Shape::Nothing, _) => Vec::new(),
        (Shape::Text, Some(Value::String(text))) => bytes(text),
        (Shape::Text, Some(other)) => bytes(&other.to_string()),
        (Shape::Text, None) => bytes("try"),
        (Shape::List, None) => bytes("[]"),
        (Shape::Object, None) => bytes("{}"),
        (Shape::List | Shape::Object, Some(value)) => bytes(&value.to_string()),
        (Shape::Envelope, given) => {
            let given = given.cloned().unwrap_or_else(|| json!({"ok": true}));
            let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
            let data = given.get("data").map(Value::to_string).unwrap_or_default();
            let ok = given["ok"].as_bool().unwrap_or_default();
            InvokeResponse { v: "1".to_owned(), ok, data_json: data.into_bytes(), error: text("error") }.encode_to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        bytes(text)
    }

    fn host(capabilities: &[&str], toml: &str) -> HostApi {
        let mut answers = Answers::default();
        answers.add("tests/x.toml", toml).unwrap();
        HostApi::new(&capabilities.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), answers)
    }

    #[test] // aegis-bundle.md §16 row 42, §4.2
    fn row_42_a_plugin_that_declares_only_the_log_reaches_only_the_log() {
        let host = host(&["api.log"], "");
        for method in &methods::METHODS {
            let answer = host.answer(method.name, &[]);
            match method.handle {
                "log" => assert!(answer.is_ok(), "{}", method.name),
                other => {
                    let refusal = answer.unwrap_err();
                    assert_eq!(refusal.message(), format!("{other} api is unavailable"), "{}", method.name);
                }
            }
        }
        assert_eq!(host.calls().0.len(), methods::METHODS.len());
    }

    #[test]
    fn answers_come_from_the_authors_files_and_what_is_stored_is_there_again() {
        let capabilities = ["api.rcon", "api.server", "api.database", "api.connector"];
        let toml = "[answers]\nRconSendCommand = \"pong\"\nServerGetPlayers = [{ name = \"Ada\" }]\n\
                    ConnectorCall = { ok = false, error = \"busy\" }\n[failures]\nRconKickPlayer = \"not here\"\n";
        let host = host(&capabilities, toml);
        assert_eq!(host.answer("RconSendCommand", &text("ListPlayers")).unwrap(), text("pong"));
        assert_eq!(host.answer("ServerGetPlayers", &[]).unwrap(), text("[{\"name\":\"Ada\"}]"));
        assert_eq!(host.answer("ServerGetSquads", &[]).unwrap(), text("[]"));
        assert_eq!(host.answer("RconKickPlayer", &[]).unwrap_err().message(), "not here");
        assert_eq!(host.answer("RconBanEverybody", &[]).unwrap_err().code(), tonic::Code::Unimplemented);
        let stored = [text("k"), b"\x12\x01v".to_vec()].concat();
        assert_eq!(host.answer("DatabaseSetPluginData", &stored).unwrap(), b"");
        assert_eq!(host.answer("DatabaseGetPluginData", &text("k")).unwrap(), text("v"));
        host.answer("DatabaseDeletePluginData", &text("k")).unwrap();
        assert_eq!(host.answer("DatabaseGetPluginData", &text("k")).unwrap(), b"");
        assert!(host.answer("DatabaseSetPluginData", &text(&"k".repeat(257))).is_err());
        // A connector that the definition does not name is refused; one that it names answers. aegis-bundle.md §4.2.
        let call = [text("a.b"), b"\x12\x011".to_vec()].concat();
        assert_eq!(
            host.answer("ConnectorCall", &call).unwrap_err().message(),
            "connector a.b is not declared by this plugin"
        );
        host.allow_connectors(vec!["a.b".into()]);
        let answer = InvokeResponse::decode(&host.answer("ConnectorCall", &call).unwrap()[..]).unwrap();
        assert_eq!((&*answer.v, answer.ok, &*answer.error), ("1", false, "busy"));
        assert_eq!(host.calls().0.iter().filter(|call| call.error.is_some()).count(), 3);
    }

    #[test] // aegis-bundle.md §14.1
    fn calls_that_are_too_fast_are_counted() {
        let (mut state, start) = (State::default(), Instant::now());
        for _ in 0..103 {
            state.count(start);
        }
        assert_eq!(state.hurried, 3);
        for call in 1..=100 {
            state.count(start + std::time::Duration::from_millis(call * 20));
        }
        assert_eq!(state.hurried, 3, "fifty a second are not");
    }

    #[test]
    fn bounds_of_a_host_hold() {
        let host = host(&["api.log"], "");
        let long = text(&"x".repeat(LONGEST_PAYLOAD));
        assert!(host.answer("LogInfo", &long).unwrap_err().message().contains("exceeds the limit"));
        for _ in 0..MOST_CALLS + 5 {
            let _ = host.answer("LogInfo", &[]);
        }
        assert_eq!((host.calls().0.len(), host.calls().1), (MOST_CALLS, 6));
    }
}
