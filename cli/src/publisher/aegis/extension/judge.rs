//! What is wrong with an answer: pure, so that any bytes can be judged. The order is that of the steps.

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::definition::{self, Definition};
use aileron_verifier::aegis::rules;
use aileron_verifier::aegis::troubleshooting::Row;
use serde_json::{Map, Value};

use super::finding::Finding;
use super::host_api::Call;
use super::messages::{CommandResult, InvokeResponse};
use super::sample::brief;

/// Statuses of an extension. aegis-bundle.md §13.
const STATUSES: [&str; 6] = ["stopped", "starting", "running", "stopping", "error", "disabled"];
/// Most findings about one definition.
const MOST_FINDINGS: usize = 40;
/// Most bytes of an answer's data that a host passes on. aegis-bundle.md §14.1.
const LONGEST_DATA: usize = 256 << 10;

/// A definition against the manifest's id and capabilities.
pub fn definition(kind: Kind, definition: &Definition, id: &str, capabilities: &[String]) -> Vec<Finding> {
    const STEP: &str = "GetDefinition";
    let mut mismatches = definition::compare(kind, definition, id, capabilities);
    let more = mismatches.len().saturating_sub(MOST_FINDINGS);
    mismatches.truncate(MOST_FINDINGS);
    let mut found: Vec<Finding> = mismatches.into_iter().map(|mismatch| Finding::of(STEP, mismatch)).collect();
    if more > 0 {
        let message = format!("{more} more things are wrong with its definition");
        found.push(Finding::warning(STEP, None, message, "correct the first ones"));
    }
    found
}

/// Calls of the host API that came faster than a host takes them.
pub fn hurried(calls: usize) -> Option<Finding> {
    (calls > 0).then(|| {
        let message =
            format!("{calls} calls of the host API came too fast: a host takes 50 a second, after a burst of 100");
        let help = "call it less often, or wait between calls";
        Finding::warning("calls of the host API", None, message, help)
    })
}

/// The status after Start.
pub fn status(status: &str) -> Option<Finding> {
    const STEP: &str = "GetStatus";
    match status {
        "running" => None,
        "starting" => Some(Finding::error(
            STEP,
            Some(Row::StuckAtStarting),
            "the status is starting after Start has returned",
            "set the status to running in Start, before it returns",
        )),
        known if STATUSES.contains(&known) => {
            let message = format!("the status is {known} after Start has returned");
            Some(Finding::error(STEP, None, message, "set the status to running in Start"))
        }
        _ => {
            let message = format!("the status is \"{}\", which no host knows", brief(status));
            Some(Finding::error(
                STEP,
                None,
                message,
                "use the SDK's constants: stopped, starting, running, stopping, error, disabled",
            ))
        }
    }
}

/// What GetConfig gives after UpdateConfig: `before` was set first, `sent` then.
pub fn configuration(before: &Map<String, Value>, sent: &Map<String, Value>, found: &[u8]) -> Option<Finding> {
    const STEP: &str = "GetConfig";
    let row = Some(Row::ConfigNotApplied);
    let found: Map<String, Value> = match serde_json::from_slice(if found.is_empty() { b"{}" } else { found }) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("GetConfig is no JSON object: {}", brief(&error.to_string()));
            return Some(Finding::error(STEP, row, message, "return the stored configuration"));
        }
    };
    let differ: Vec<&str> =
        sent.iter().filter(|(name, value)| found.get(*name) != Some(value)).map(|(name, _)| name.as_str()).collect();
    if differ.is_empty() {
        return None;
    }
    let kept = differ.iter().all(|name| found.get(*name) == before.get(*name));
    let what = if kept { "still has the old value of" } else { "has another value than was set for" };
    let message = format!("after UpdateConfig, GetConfig {what} {}", brief(&differ.join(", ")));
    Some(Finding::error(STEP, row, message, Row::ConfigNotApplied.fix()))
}

/// The first answer to an asynchronous command.
pub fn begun(id: &str, result: &CommandResult) -> Option<Finding> {
    result.execution_id.is_empty().then(|| {
        let message = format!("the command {} is async, and its answer has no execution_id", brief(id));
        Finding::warning("ExecuteCommand", None, message, "return an ExecutionID at once, and report under it")
    })
}

/// What is sent to a connector, and what is expected of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Something the author says it answers.
    OfTheAuthor,
    /// `ping`, which connectors answer as they like.
    Ping,
    /// An action that no connector has.
    UnknownAction,
    /// No data at all.
    NoData,
    /// A version that no host sends.
    OtherVersion,
}

/// A connector's answer: the envelope, or the text of an error outside of it.
pub fn invoked(request: Request, answer: &Result<InvokeResponse, String>) -> Option<Finding> {
    const STEP: &str = "Invoke";
    const ENVELOPE: &str = "return an answer with V \"1\", OK false and an Error, and nil as the Go error";
    let row = Some(Row::ConnectorTimesOut);
    let what = match request {
        Request::OfTheAuthor => "a request of tests/*.toml",
        Request::Ping => "the action ping",
        Request::UnknownAction => "an unknown action",
        Request::NoData => "a request without data",
        Request::OtherVersion => "a request of version 2",
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!(
                "{what} was answered with a Go error, which callers take for a broken connection: {}",
                brief(error)
            );
            return Some(Finding::error(STEP, row, message, ENVELOPE));
        }
    };
    if answer.v != "1" {
        let message = format!("the answer to {what} has v \"{}\", and a host refuses all but \"1\"", brief(&answer.v));
        return Some(Finding::error(STEP, row, message, "set V to \"1\" in every answer"));
    }
    if answer.data_json.len() > LONGEST_DATA {
        let message = format!(
            "the answer to {what} has {} bytes of data; a host passes on {LONGEST_DATA}",
            answer.data_json.len()
        );
        return Some(Finding::error(STEP, row, message, "answer with less data, in pages"));
    }
    let is_known = matches!(request, Request::OfTheAuthor | Request::Ping);
    if answer.ok && !is_known {
        let message = format!("{what} was answered with ok");
        return Some(Finding::warning(STEP, None, message, "answer what is not understood with OK false and an Error"));
    }
    if !answer.ok && answer.error.is_empty() {
        let message = format!("the answer to {what} is not ok, and says no error");
        return Some(Finding::warning(STEP, row, message, ENVELOPE));
    }
    if !answer.ok && request == Request::OfTheAuthor {
        let message = format!("{what} was answered with an error: {}", brief(&answer.error));
        return Some(Finding::error(STEP, None, message, "correct the connector, or the request"));
    }
    None
}

/// What the calls of a step say that a host refused.
pub fn refused(step: &str, calls: &[Call]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for call in calls {
        let Some(error) = &call.error else { continue };
        let finding = if error.ends_with(" api is unavailable") {
            let handle = error.split(' ').next().unwrap_or_default();
            let message =
                format!("{} was refused: {error}; the manifest does not list api.{handle}", brief(&call.method));
            let help = "list the capability in required_capabilities of every target, or do not call it";
            Finding { rule: Some(rules::CAPABILITY_UNDECLARED), ..Finding::error(step, None, message, help) }
        } else if error.ends_with("is not declared by this plugin") {
            let message = format!("ConnectorCall was refused: {}", brief(error));
            let rule = rules::DEFINITION_CONNECTORS;
            Finding { rule: Some(rule), ..Finding::warning(step, None, message, rule.help()) }
        } else {
            continue;
        };
        if !found.iter().any(|other| other.message == finding.message) {
            found.push(finding);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_status_after_start_is_running() {
        for (text, row) in [
            ("starting", Some(Row::StuckAtStarting)),
            ("stopped", None),
            ("error", None),
            ("", None),
            ("Running", None),
        ] {
            assert_eq!(status(text).map(|finding| finding.row), Some(row), "{text}");
        }
        assert!(status("running").is_none());
    }

    #[test]
    fn a_configuration_that_was_set_is_there_again() {
        let (before, sent) = (object(json!({"a": 1, "b": "x"})), object(json!({"a": 2, "b": "x"})));
        assert!(configuration(&before, &sent, br#"{"a":2,"b":"x","more":true}"#).is_none());
        assert!(configuration(&before, &Map::new(), b"").is_none());
        for (found, text) in [
            (&br#"{"a":1,"b":"x"}"#[..], "still has the old value of a"),
            (br#"{"a":3,"b":"x"}"#, "has another value than was set for a"),
            (b"", "has another value than was set for a, b"),
            (b"[]", "is no JSON object"),
            (b"\xff", "is no JSON object"),
        ] {
            let finding = configuration(&before, &sent, found).unwrap();
            assert!(finding.message.contains(text), "{}", finding.message);
            assert_eq!(finding.row, Some(Row::ConfigNotApplied));
        }
    }

    #[test] // aegis-bundle.md §16 row 44
    fn an_answer_of_a_connector_is_an_envelope() {
        let ok = InvokeResponse { v: "1".into(), ok: true, ..InvokeResponse::default() };
        let no = InvokeResponse { v: "1".into(), error: "unknown".into(), ..InvokeResponse::default() };
        for (request, answer) in [
            (Request::Ping, &ok),
            (Request::Ping, &no),
            (Request::UnknownAction, &no),
            (Request::NoData, &no),
            (Request::OtherVersion, &no),
            (Request::OfTheAuthor, &ok),
        ] {
            assert!(invoked(request, &Ok(answer.clone())).is_none(), "{request:?}");
        }
        let bad = |request, answer: Result<InvokeResponse, String>| invoked(request, &answer).unwrap();
        let timeouts = Some(Row::ConnectorTimesOut);
        assert_eq!(bad(Request::UnknownAction, Err("unknown action".into())).row, timeouts);
        assert_eq!(bad(Request::Ping, Ok(InvokeResponse { v: String::new(), ..ok.clone() })).row, timeouts);
        assert_eq!(
            bad(Request::Ping, Ok(InvokeResponse { data_json: vec![b'1'; LONGEST_DATA + 1], ..ok.clone() })).row,
            timeouts
        );
        assert!(bad(Request::OtherVersion, Ok(ok)).message.contains("version 2 was answered with ok"));
        assert!(
            bad(Request::NoData, Ok(InvokeResponse { error: String::new(), ..no.clone() }))
                .message
                .contains("says no error")
        );
        assert!(bad(Request::OfTheAuthor, Ok(no)).message.contains("unknown"));
    }
}
