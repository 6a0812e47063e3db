//! How a run ended becomes one result: a pure decision table. sandbox.md §5.2, §5.3, decisions C2 to C5.
//!
//! The host's own findings win over anything a guest says: first the deadline, then a host call that failed last, then a
//! refused growth of memory. A guest's words become a message and `details.connector_class`, never a class of the host.

use std::collections::BTreeMap;
use std::time::Duration;

use aileron_verifier::problem::Class;
use aileron_verifier::text::json::as_go_reads;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// How one instance ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// `_start` came back.
    Returned,
    /// The guest called `proc_exit`.
    Exited(u32),
    /// The engine stopped it; the engine's words.
    Trapped(String),
    /// It never ran: linking or instantiating failed; the reason.
    LoadFailed(String),
    /// The host stopped it because standard output outgrew its cap.
    StdoutLimit,
    /// The host stopped it because its time was over, or because the caller wanted no more.
    Stopped,
}

/// Everything the decision rests on.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// How it ended.
    pub ended: Ended,
    /// The deadline had passed when it ended, by the host's clock. Beats everything.
    pub overdue: bool,
    /// What the last `http_request` (else the last `spawn`) failed with.
    pub sticky: Option<Failure>,
    /// Some growth of memory was refused.
    pub growth_refused: bool,
    /// All of standard output, up to its cap.
    pub stdout: &'a [u8],
    /// The end of standard error.
    pub stderr: &'a [u8],
    /// What the limits were, for the messages.
    pub wall_time: Duration,
    /// Bytes of memory it could have.
    pub memory: u64,
    /// Bytes of standard output it could write.
    pub stdout_cap: usize,
}

/// What an operation gave: the text of a JSON object.
///
/// It is the guest's own, so numbers keep every digit; it is never made a tree, so no depth of nesting overflows a stack.
/// `aileron_verifier::text::Json` walks it.
#[derive(Clone, Debug)]
pub struct Output(Box<RawValue>);

impl Output {
    /// The object as the guest wrote it, white space included.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The object as the guest wrote it, to be put into a larger document without losing a digit.
    pub fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl PartialEq for Output {
    fn eq(&self, other: &Output) -> bool {
        self.text() == other.text()
    }
}

/// Decides. `None` is success without an output.
///
/// # Errors
/// [`Failure`], always of boundary `sandbox`, never retriable.
pub fn decide(evidence: Evidence<'_>) -> Result<Option<Output>, Failure> {
    if evidence.overdue || evidence.ended == Ended::Stopped {
        return Err(wall_time(evidence.wall_time));
    }
    if let Some(sticky) = evidence.sticky {
        return Err(sticky);
    }
    match evidence.ended {
        Ended::Returned | Ended::Exited(0) => match StdoutEnvelope::read(evidence.stdout) {
            Ok(StdoutEnvelope::Output(output)) => Ok(output),
            Ok(StdoutEnvelope::Error { class, message }) => Err(said(class, message)),
            Err(detail) => {
                let message = format!("connector stdout is not a valid JSON envelope: {detail}");
                Err(Failure::new(Class::ConnectorRuntimeError, message))
            }
        },
        Ended::Exited(_) | Ended::Trapped(_) if evidence.growth_refused => Err(memory(evidence.memory)),
        Ended::Exited(code) => match StdoutEnvelope::read(evidence.stdout) {
            Ok(StdoutEnvelope::Error { class, message }) => Err(said(class, message)),
            _ => {
                let message = format!("connector exited {code}; stderr: {}", tail(evidence.stderr, TAIL));
                Err(Failure::new(Class::ConnectorRuntimeError, message))
            }
        },
        Ended::Trapped(words) => Err(Failure::new(Class::ConnectorRuntimeError, words)),
        Ended::LoadFailed(words) => Err(Failure::new(Class::ConnectorLoadFailed, words)),
        Ended::StdoutLimit => {
            let message = format!("connector stdout exceeds {} bytes", evidence.stdout_cap);
            Err(Failure::new(Class::ConnectorRuntimeError, message))
        }
        Ended::Stopped => Err(wall_time(evidence.wall_time)),
    }
}

fn wall_time(limit: Duration) -> Failure {
    let configured = duration(limit);
    Failure::new(Class::ResourceLimitExceeded, format!("wall_time limit exceeded (configured: {configured})"))
        .with("limit", "wall_time")
        .with("configured", configured)
}

fn memory(limit: u64) -> Failure {
    Failure::new(Class::ResourceLimitExceeded, format!("memory limit exceeded (configured: {limit} bytes)"))
        .with("limit", "memory")
        .with("configured", limit)
}

/// A guest's own report. Whatever class it names, the host's classes stay the host's. Decision C5.
fn said(class: String, message: String) -> Failure {
    let mapped = match class == Class::ExternalApiError.as_str() {
        true => Class::ExternalApiError,
        false => Class::ConnectorRuntimeError,
    };
    Failure::new(mapped, message).with("connector_class", class)
}

/// What standard output holds. sandbox.md §5.2.
#[derive(Clone, Debug, PartialEq)]
enum StdoutEnvelope {
    Output(Option<Output>),
    Error { class: String, message: String },
}

impl StdoutEnvelope {
    /// Reads the one document. Keys match without regard to case, as the existing runtime's decoder does: an `Error` it
    /// would have reported must not pass as a success here. Text that is not Unicode is replaced, as there.
    fn read(stdout: &[u8]) -> Result<StdoutEnvelope, String> {
        let text = as_go_reads(stdout);
        if text.trim_ascii().is_empty() {
            return Ok(StdoutEnvelope::Output(None));
        }
        if is_deeper(&text, DEPTH) {
            return Err(format!("nested deeper than {DEPTH} levels"));
        }
        let fields: Option<Fields<'_>> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let fields = fields.unwrap_or_default();
        if let Some(error) = field(&fields, "error") {
            let wrong = |error: serde_json::Error| format!("error: {error}");
            let error: Fields<'_> = serde_json::from_str(error.get()).map_err(wrong)?;
            let word = |name| match field(&error, name) {
                Some(word) => serde_json::from_str(word.get()).map(Some).map_err(wrong),
                None => Ok(None),
            };
            let class = word("class")?.unwrap_or_else(|| Class::ConnectorRuntimeError.as_str().to_owned());
            return Ok(StdoutEnvelope::Error { class, message: word("message")?.unwrap_or_default() });
        }
        let Some(text) = field(&fields, "output") else { return Ok(StdoutEnvelope::Output(None)) };
        // Only to hear what is wrong with it: the object is kept as text.
        let _: BTreeMap<String, &RawValue> =
            serde_json::from_str(text.get()).map_err(|error| format!("output: {error}"))?;
        Ok(StdoutEnvelope::Output(Some(Output(text.to_owned()))))
    }
}

/// Levels of nesting that are read: Go's decoder takes as many. sandbox.md §5.2.
const DEPTH: usize = 10_000;

/// Whether objects and arrays are nested deeper than that. Looks at brackets outside of strings only.
fn is_deeper(text: &str, most: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    text.bytes().any(|byte| {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

/// An object whose values have not been looked at; of two equal keys the last one counts.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The value under that name, if there is one and it is not null.
fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    let alike = || fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    fields.get(name).or_else(alike).copied().filter(|value| value.get() != "null")
}

/// Bytes of standard error shown when a connector exits with a code. sandbox.md §8.1.
const TAIL: usize = 256;

/// The last `keep` bytes, with `...` before them when there was more; cut between characters.
pub fn tail(bytes: &[u8], keep: usize) -> String {
    let Some(mut start) = bytes.len().checked_sub(keep).filter(|start| *start > 0) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let is_inside = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    let latest = start + 3; // no character is longer than four bytes
    while start < bytes.len() && start < latest && is_inside(bytes[start]) {
        start += 1;
    }
    format!("...{}", String::from_utf8_lossy(&bytes[start..]))
}

/// A duration as the existing runtime writes it: `30s`, `500ms`, `1.5s`, `5m0s`, `1h0m0s`.
pub fn duration(time: Duration) -> String {
    let nanos = time.as_nanos();
    let decimal = |unit: u128| {
        let (whole, rest) = (nanos / unit, nanos % unit);
        if rest == 0 {
            return whole.to_string();
        }
        let digits = unit.ilog10() as usize;
        format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(1_000_000)),
        _ => {
            let (minutes, seconds) = (time.as_secs() / 60, Duration::new(time.as_secs() % 60, time.subsec_nanos()));
            let seconds = match seconds.subsec_nanos() {
                0 => format!("{}s", seconds.as_secs()),
                nanos => format!("{}.{}s", seconds.as_secs(), format!("{nanos:09}").trim_end_matches('0')),
            };
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
