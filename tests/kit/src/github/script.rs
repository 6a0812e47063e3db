//! Faults by script: JSON lines, each a pattern of requests and what happens to them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// What a script looks like, for `--help`.
pub const HELP: &str = r#"A script is JSON lines; the first line that fits a request applies to it. Empty lines and lines starting with # are skipped.

  {"on": {"method": "POST", "path": "/releases$", "nth": 3}, "do": "status", "status": 502}

on.method   exactly this method; any without
on.path     a regular expression, found anywhere in the path with its query, as the client sent it; any without
on.nth      from the nth request that fits (1 is the first); without it, every one
on.times    for so many of them; 1 where nth is given, else all

do          status    answer with "status", "headers" {name: value} and "body" (JSON, or text)
            reset     end the connection without an answer
            stall     say nothing for "seconds" (3600), then end the connection
            truncate  announce the whole answer, send half of its body, end the connection
            lag       lists leave out releases younger than "seconds" (30), for this request

when        before    the request is not carried out (as usual for status, reset and stall)
            after     the request is carried out, only its answer is lost (truncate is always so)
            during    an upload breaks off: its asset stays behind in the state "starter""#;

/// A line that cannot be understood.
#[derive(Debug)]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of the script: {}", self.line, self.why)
    }
}

impl std::error::Error for ScriptError {}

/// Faults, and how often each was considered.
#[derive(Default)]
pub struct Script {
    rules: Vec<Rule>,
}

struct Rule {
    method: Option<String>,
    path: Option<Regex>,
    from: u64,
    times: u64,
    seen: u64,
    fault: Fault,
}

/// What happens to one request.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) action: Action,
    pub(super) when: When,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Status { status: u16, headers: BTreeMap<String, String>, body: Value },
    Reset,
    Stall(Duration),
    Truncate,
    Lag(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum When {
    Before,
    During,
    After,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    on: On,
    #[serde(rename = "do")]
    action: Name,
    when: Option<When>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
    seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct On {
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Status,
    Reset,
    Stall,
    Truncate,
    Lag,
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Script, ScriptError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let rule = |(line, text)| Rule::read(text).map_err(|why| ScriptError { line, why });
        Ok(Script { rules: lines.map(rule).collect::<Result<_, _>>()? })
    }
}

impl Rule {
    fn read(text: &str) -> Result<Rule, String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let seconds = |default| Duration::from_secs(line.seconds.unwrap_or(default));
        let action = match line.action {
            Name::Status => {
                let status = line.status.ok_or("\"do\": \"status\" needs a \"status\"")?;
                if !(200..600).contains(&status) {
                    return Err(format!("{status} is not a status"));
                }
                Action::Status { status, headers: line.headers, body: line.body }
            }
            Name::Reset => Action::Reset,
            Name::Stall => Action::Stall(seconds(3600)),
            Name::Truncate => Action::Truncate,
            Name::Lag => Action::Lag(seconds(30)),
        };
        let path = line.on.path.as_deref().map(Regex::new).transpose().map_err(|error| error.to_string())?;
        Ok(Rule {
            method: line.on.method.map(|method| method.to_ascii_uppercase()),
            path,
            from: line.on.nth.unwrap_or(1).max(1),
            times: line.on.times.unwrap_or(if line.on.nth.is_some() { 1 } else { u64::MAX }),
            seen: 0,
            fault: Fault { action, when: line.when.unwrap_or(When::Before) },
        })
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(path))
    }
}

impl Script {
    /// The fault for this request. Every rule that fits counts it, the first that is due applies.
    pub(super) fn fault(&mut self, method: &str, path: &str) -> Option<Fault> {
        let mut due = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.fits(method, path)) {
            rule.seen += 1;
            if due.is_none() && rule.seen >= rule.from && rule.seen - rule.from < rule.times {
                due = Some(rule.fault.clone());
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_counts_what_fits_and_applies_when_due() {
        let text = "# a comment\n\n{\"on\": {\"method\": \"post\", \"path\": \"/releases$\", \"nth\": 2}, \"do\": \"reset\"}\n\
                    {\"on\": {\"path\": \"assets\", \"nth\": 1, \"times\": 2}, \"do\": \"status\", \"status\": 502}";
        let mut script: Script = text.parse().unwrap();
        for (method, path, due) in [
            ("POST", "/repos/o/r/releases", false),
            ("GET", "/repos/o/r/releases", false),
            ("POST", "/repos/o/r/releases", true),
            ("POST", "/repos/o/r/releases", false),
            ("POST", "/repos/o/r/releases/1/assets?name=a", true),
            ("GET", "/repos/o/r/releases/1/assets", true),
            ("GET", "/repos/o/r/releases/1/assets", false),
        ] {
            assert_eq!(script.fault(method, path).is_some(), due, "{method} {path}");
        }
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        for (text, word) in [
            ("{}", "on"),
            ("{\"on\": {}, \"do\": \"explode\"}", "explode"),
            ("{\"on\": {}, \"do\": \"status\"}", "needs a"),
            ("{\"on\": {}, \"do\": \"status\", \"status\": 99}", "99"),
            ("{\"on\": {\"path\": \"(\"}, \"do\": \"reset\"}", "regex"),
            ("{\"on\": {\"nht\": 1}, \"do\": \"reset\"}", "nht"),
        ] {
            let error = text.parse::<Script>().err().expect(text);
            assert!(error.to_string().starts_with("line 1 ") && error.to_string().contains(word), "{error}");
        }
    }
}
