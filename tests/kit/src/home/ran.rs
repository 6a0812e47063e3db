//! A program that ended, and what it said.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What a program said, and how it ended.
pub struct Ran {
    /// The exit code; minus the signal's number where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The only JSON document on standard output, with the fields every document has. Progress is JSON too.
    pub fn json(&self) -> Value {
        let document = self.value();
        assert_eq!(document["schema"], 1, "{self}");
        assert!(document["command"].is_string(), "{self}");
        assert_eq!(document["ok"], self.code == 0, "{self}");
        assert_eq!(document["error"].is_object(), self.code != 0, "{self}");
        for line in self.stderr.lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("progress is no JSON: {line}"));
        }
        document
    }

    /// Standard output, which holds exactly one JSON value of any kind.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    ended(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// Waits for a child whose output is piped.
pub fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let signal = || -output.status.signal().unwrap();
    let code = output.status.code().unwrap_or_else(signal);
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs what must succeed.
pub fn ok(command: &mut Command) -> Ran {
    ends(command, 0)
}

/// Runs what must end with this exit code.
pub fn ends(command: &mut Command, code: i32) -> Ran {
    let ran = run(command);
    assert_eq!(ran.code, code, "{command:?}: {ran}");
    ran
}

/// How many writes a document counts.
pub fn writes(ran: &Ran) -> u64 {
    ran.json()["writes"].as_u64().unwrap()
}

/// Strings of a JSON array.
pub fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}
