//! One line of JSON for each request, on the log that the user asked for: never anything secret. sealing.md §7.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use aileron_verifier::unit::BindingEntry;
use serde_json::{Map, Value, json};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// The credential was put in.
    Injected(&'a BindingEntry),
    /// It carries a credential of somebody else.
    Foreign(&'a BindingEntry),
    /// It was not looked into.
    Passthrough,
    /// It was not passed on; why.
    Rejected(&'static str),
}

impl Kind<'_> {
    fn name(self) -> &'static str {
        match self {
            Kind::Injected(_) => "sandbox.proxy.binding_injected",
            Kind::Foreign(_) => "sandbox.proxy.foreign_token_not_swapped",
            Kind::Passthrough => "sandbox.proxy.passthrough",
            Kind::Rejected(_) => "sandbox.proxy.rejected",
        }
    }
}

/// What is said of one request. What is not known is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts<'a> {
    pub(super) method: Option<&'a str>,
    pub(super) scheme: Option<&'static str>,
    pub(super) host: Option<&'a str>,
    /// Without the query.
    pub(super) path: Option<&'a str>,
    pub(super) status: Option<u16>,
}

/// Where the lines go.
pub struct EventLog {
    session: String,
    file: Option<Mutex<Writing>>,
}

struct Writing {
    file: File,
    fault: Option<io::Error>,
}

impl EventLog {
    /// A log of this session; without a file nothing is kept.
    pub(super) fn new(session: String, file: Option<File>) -> EventLog {
        EventLog { session, file: file.map(|file| Mutex::new(Writing { file, fault: None })) }
    }

    /// Writes one line, at once and whole. A log that cannot be written stops no request.
    pub(super) fn write(&self, kind: Kind<'_>, facts: Facts<'_>) {
        let Some(writing) = &self.file else { return };
        let line = format!("{}\n", Value::Object(self.members(kind, facts)));
        let mut writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writing.file.write_all(line.as_bytes()) {
            writing.fault.get_or_insert(error);
        }
    }

    fn members(&self, kind: Kind<'_>, facts: Facts<'_>) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        put("event", json!(kind.name()));
        put("session", json!(self.session));
        if let Some(method) = facts.method {
            put("method", json!(method));
        }
        if let Kind::Injected(entry) | Kind::Foreign(entry) = kind {
            put("binding.host", json!(entry.host));
            put("binding.scheme", json!(entry.scheme.as_str()));
        }
        for (name, text) in
            [("upstream.scheme", facts.scheme), ("upstream.host", facts.host), ("upstream.path", facts.path)]
        {
            if let Some(text) = text {
                put(name, json!(text));
            }
        }
        if let Some(status) = facts.status {
            put("upstream.status", json!(status));
        }
        if let Kind::Rejected(reason) = kind {
            put("reject_reason", json!(reason));
        }
        members
    }

    /// Why lines are missing, where some are.
    pub(super) fn fault(&self) -> Option<String> {
        let writing = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        writing.fault.as_ref().map(ToString::to_string)
    }
}
