//! What is sent to have an action run, one JSON object:
//!
//! ```json
//! {"args": {"id": "7"}, "binding": "api_key/tea/work", "timeout": "10s", "memory": 64, "deterministic": false}
//! ```
//!
//! Every member may be missing. There is none for approving or for private addresses: who holds the vault decides about both.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The run that is asked for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The arguments, an object; numbers are passed on digit for digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Box<RawValue>>,
    /// Bindings to use, where several are for a connector: one, or one for each of several connectors.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    pub binding: Names,
    /// End an operation after this long, as `--timeout` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// MiB of memory, as `--memory` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Clocks that stand still, and the same randomness every time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deterministic: bool,
}

/// One name, or several.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several, or none.
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Names {
        Names::Several(Vec::new())
    }
}

impl Names {
    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        }
    }

    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl RunRequest {
    /// Reads a request's body; no body is a request without arguments.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8]) -> Result<RunRequest, serde_json::Error> {
        match body.trim_ascii() {
            b"" => Ok(RunRequest::default()),
            // A list would be taken for the members in their order.
            [b'[', ..] => Err(serde::de::Error::custom("it is an array, not an object")),
            body => serde_json::from_slice(body),
        }
    }

    /// As it is sent.
    pub fn render(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written_digit_for_digit() {
        let text = r#"{"args":{"n":1.50,"big":123456789012345678901},"binding":["a","b"],"timeout":"10s","memory":64}"#;
        let request = RunRequest::read(text.as_bytes()).expect("reads");
        assert_eq!(request.render(), text);
        assert_eq!(RunRequest::read(b" \n").expect("reads").render(), "{}");
        let one = RunRequest::read(br#"{"binding":"a"}"#).expect("reads");
        assert_eq!((one.binding.as_slice(), one.deterministic), (&["a".to_owned()][..], false));
    }

    #[test] // what the caller may not decide is not silently left out
    fn nobody_approves_or_opens_the_network_from_outside() {
        for body in [r#"{"approve":true}"#, r#"{"allow_private":["x"]}"#, "[]", "{", "null", r#"{"memory":"64"}"#] {
            assert!(RunRequest::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
