//! One operation: fresh instance, input, limits, deadline, result. sandbox.md §1, §5, §8.
//!
//! Nothing survives from one invoke to the next. The deadline is this room's own clock: a guest in a loop yields at
//! every tick of the engine, a guest asleep or waiting for an answer is waiting in the same runtime, and dropping the call
//! ends either.

#![expect(clippy::disallowed_methods, reason = "a deadline is measured by the machine's clock")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aileron_verifier::problem::Class;
use aileron_verifier::text::json::{Json, View};
use aileron_verifier::text::printable;
use serde_json::Value;
use wasmtime::{Instance, Store, Trap};

use crate::engine::{Connector, STOP_CHECK};
use crate::failure::Failure;
use crate::host::clock::Profile;
use crate::host::log::Log;
use crate::host::spawn::Spawning;
use crate::host::stdio::{STDOUT, StdoutLimit};
use crate::host::{Exchange, GuestExit, Listener, State, StateConfig};
use crate::outcome::{self, Ended, Evidence, Output};

/// One operation to run.
pub struct Invocation {
    /// The operation's name.
    pub op: String,
    /// Its arguments.
    pub args: Args,
    /// How much it may use.
    pub limits: Limits,
    /// Real clocks and randomness, or reproducible ones.
    pub profile: Profile,
    /// What stands behind `http_request`.
    pub network: Arc<dyn Exchange>,
    /// Programs the action narrows spawning to; empty narrows nothing.
    pub spawn_subset: Vec<String>,
    /// Receives log lines as they come; they are in [`Done::log`] either way.
    pub listener: Option<Listener>,
    /// Set by a caller to stop the run; looked at every [`STOP_CHECK`], and reported like the deadline.
    pub stop: Option<&'static AtomicBool>,
    /// Sees the guest's memory when the run is over. For tests that look for what must not be there.
    #[doc(hidden)]
    pub inspect: Option<Inspector>,
}

/// Looks at the memory of a guest that has ended.
#[doc(hidden)]
pub type Inspector = Box<dyn FnOnce(&[u8]) + Send>;

impl Invocation {
    /// An operation without arguments, under the default limits.
    pub fn new(op: impl Into<String>, network: Arc<dyn Exchange>) -> Invocation {
        Invocation {
            op: op.into(),
            args: Args::default(),
            limits: Limits::default(),
            profile: Profile::Real,
            network,
            spawn_subset: Vec::new(),
            listener: None,
            stop: None,
            inspect: None,
        }
    }
}

/// What one invoke left behind.
#[derive(Debug)]
pub struct Done {
    /// The output, `None` where the guest gave none; or why it failed.
    pub result: Result<Option<Output>, Failure>,
    /// What the connector logged until then.
    pub log: Log,
}

/// The arguments of an operation: the text of one JSON object, every digit as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args(String);

/// A text is not one JSON object.
#[derive(Debug, thiserror::Error)]
#[error("arguments are one JSON object: {0}")]
pub struct NotArgs(String);

impl NotArgs {
    /// The failure class: always `usage_error`.
    pub fn class(&self) -> Class {
        Class::UsageError
    }

    /// Never: the text stays as it is.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl Args {
    /// Takes the text of a JSON object, or of `null`, which is an empty one.
    ///
    /// # Errors
    /// [`NotArgs`].
    pub fn parse(text: &str) -> Result<Args, NotArgs> {
        let value = Json::read(text).map_err(|error| NotArgs(error.to_string()))?;
        match value.view() {
            View::Object(_) => Ok(Args(value.text().to_owned())),
            View::Null => Ok(Args::default()),
            _ => Err(NotArgs(format!("this is not an object: {}", printable(text)))),
        }
    }

    /// The object, without white space between its parts.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Default for Args {
    fn default() -> Args {
        Args("{}".to_owned())
    }
}

impl From<&BTreeMap<String, Json>> for Args {
    fn from(object: &BTreeMap<String, Json>) -> Args {
        Args(Json::object(object.iter().map(|(name, value)| (name.as_str(), value))).text().to_owned())
    }
}

/// The bytes a guest reads from standard input: compact, sorted, without a newline. sandbox.md §5.1.
pub fn stdin(op: &str, args: &Args) -> Vec<u8> {
    format!("{{\"args\":{},\"op\":{}}}", args.text(), Value::from(op)).into_bytes()
}

/// What one invoke may use. sandbox.md §8.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    memory: u64,
    wall_time: Duration,
}

/// Bytes of a page of memory.
const PAGE: u64 = 64 << 10;

impl Limits {
    /// Bytes of memory when nothing else is asked for.
    pub const MEMORY: u64 = 64 << 20;
    /// The most bytes of memory anyone gets.
    pub const MEMORY_CEILING: u64 = 1 << 30;
    /// Wall time when nothing else is asked for.
    pub const WALL_TIME: Duration = Duration::from_secs(30);
    /// The longest anyone runs.
    pub const WALL_TIME_CEILING: Duration = Duration::from_secs(300);

    /// Limits as asked for: zero means the default, above the ceiling means the ceiling, bytes are rounded up to pages.
    pub fn new(memory: u64, wall_time: Duration) -> Limits {
        let memory = if memory == 0 { Limits::MEMORY } else { memory.min(Limits::MEMORY_CEILING) };
        let wall_time = if wall_time.is_zero() { Limits::WALL_TIME } else { wall_time.min(Limits::WALL_TIME_CEILING) };
        Limits { memory: memory.next_multiple_of(PAGE), wall_time }
    }

    /// Bytes of linear memory; host buffers are not counted.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Time for instantiation, guest code and host functions together.
    pub fn wall_time(&self) -> Duration {
        self.wall_time
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::new(0, Duration::ZERO)
    }
}

/// The runtime an invoke waits in, for callers that have none. One serves any number of invokes.
///
/// # Errors
/// The system refuses what a runtime needs.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs one operation to its end. Needs a tokio runtime with time and I/O.
pub async fn invoke(connector: &Connector, invocation: Invocation) -> Done {
    let deadline = Instant::now() + invocation.limits.wall_time;
    let _ticking = match connector.ticker.run() {
        Ok(ticking) => ticking,
        Err(error) => {
            let message = format!("no thread to watch the deadline: {error}");
            return Done { result: Err(Failure::new(Class::ConnectorRuntimeError, message)), log: Log::default() };
        }
    };
    let Invocation { op, args, limits, profile, network, spawn_subset, listener, stop, inspect } = invocation;
    let spawning = Spawning { policy: Arc::clone(&connector.spawn), subset: spawn_subset, sticky: None };
    let stdin = stdin(&op, &args);
    let state = State::new(StateConfig { stdin, profile, memory: limits.memory, network, spawning, listener });
    let mut store = Store::new(connector.instance.module().engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.epoch_deadline_async_yield_and_update(1);
    // One call may hand the host at most as many bytes as the guest can have.
    store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX).max(HOSTCALL_BYTES));

    let mut instance = None;
    let ended = within(deadline, stop, run(connector, &mut store, &mut instance)).await;
    let overdue = Instant::now() >= deadline;
    if let Some(inspect) = inspect {
        let memory = instance.and_then(|instance: Instance| instance.get_memory(&mut store, "memory"));
        inspect(memory.map_or(&[], |memory| memory.data(&store)));
    }

    let mut state = store.into_data();
    let result = outcome::decide(Evidence {
        ended: ended.unwrap_or(Ended::Stopped),
        overdue,
        sticky: state.http.sticky().or(state.spawning.sticky),
        growth_refused: state.limiter.growth_refused(),
        stdout: &state.stdout.take(),
        stderr: &state.stderr.take(),
        wall_time: limits.wall_time,
        memory: limits.memory,
        stdout_cap: STDOUT,
    });
    Done { result, log: state.log }
}

/// The engine's own bound on what one call may copy.
const HOSTCALL_BYTES: usize = 128 << 20;

async fn run(connector: &Connector, store: &mut Store<State>, place: &mut Option<Instance>) -> Ended {
    let instance = match connector.instance.instantiate_async(&mut *store).await {
        Ok(instance) => *place.insert(instance),
        Err(error) => return Ended::LoadFailed(error_text(&error)),
    };
    let start = match instance.get_typed_func::<(), ()>(&mut *store, "_start") {
        Ok(start) => start,
        Err(error) => return Ended::LoadFailed(error_text(&error)),
    };
    match start.call_async(store, ()).await {
        Ok(()) => Ended::Returned,
        Err(error) => match error.downcast_ref::<GuestExit>() {
            Some(GuestExit(code)) => Ended::Exited(*code),
            None if error.is::<StdoutLimit>() => Ended::StdoutLimit,
            None => Ended::Trapped(error_text(&error)),
        },
    }
}

/// The engine's text for a trap; for anything else, the error and its causes.
fn error_text(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => format!("{error:#}"),
    }
}

/// Waits for the end of the run, but not beyond the deadline nor after the caller's `stop`. `None`: it was stopped.
async fn within<T>(deadline: Instant, stop: Option<&AtomicBool>, run: impl Future<Output = T>) -> Option<T> {
    let mut run = pin!(run);
    let is_stopped = || stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
    loop {
        // Before the run is polled, the first time too: what is no longer wanted sends nothing.
        if is_stopped() {
            return None;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let slice = if stop.is_some() { left.min(STOP_CHECK) } else { left };
        if let Ok(ended) = tokio::time::timeout(slice, run.as_mut()).await {
            return Some(ended);
        }
        if Instant::now() >= deadline {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // P2, sandbox.md §5.1
    fn standard_input_is_one_compact_object() {
        for (args, expected) in [
            ("{}", r#"{"args":{},"op":"x"}"#),
            ("null", r#"{"args":{},"op":"x"}"#),
            (" { \"b\" : [ 1 , 2 ] ,\n\"a\": \" \\\" { \\\\\" } ", r#"{"args":{"b":[1,2],"a":" \" { \\"},"op":"x"}"#),
            (
                r#"{"n": 9007199254740993, "m": 123456789012345678901234567890, "d": 0.10e-5}"#,
                r#"{"args":{"n":9007199254740993,"m":123456789012345678901234567890,"d":0.10e-5},"op":"x"}"#,
            ),
        ] {
            let args = Args::parse(args).unwrap();
            assert_eq!(String::from_utf8(stdin("x", &args)).unwrap(), expected);
        }
        let op = String::from_utf8(stdin("a\"b\\\u{1}é", &Args::default())).unwrap();
        assert_eq!(op, "{\"args\":{},\"op\":\"a\\\"b\\\\\\u0001é\"}");
        for wrong in ["", "[]", "7", "\"x\"", "{}{}", "{", "{\"a\":}"] {
            assert!(Args::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn compacting_changes_nothing_but_white_space(
            keys in proptest::collection::vec("[ -~\\t\\né]{0,12}", 0..6),
            number in proptest::num::i64::ANY,
        ) {
            let value = |key: &String| Json::from(&serde_json::json!([number, key, {"nested": [null, true]}]));
            let object: BTreeMap<String, Json> = keys.into_iter().map(|key| (key.clone(), value(&key))).collect();
            let compact = serde_json::to_string(&object).unwrap();
            let pretty: serde_json::Value = serde_json::from_str(&compact).unwrap();
            let args = Args::parse(&format!("{pretty:#}")).unwrap();
            proptest::prop_assert_eq!(args.text(), compact);
            proptest::prop_assert_eq!(args, Args::from(&object));
        }
    }

    #[test] // sandbox.md §8.1
    fn limits_are_defaults_then_requests_then_ceilings() {
        let seconds = Duration::from_secs;
        for (memory, wall_time, expected) in [
            (0, Duration::ZERO, (64 << 20, seconds(30))),
            (1, Duration::from_millis(500), (65_536, Duration::from_millis(500))),
            (65_537, seconds(300), (131_072, seconds(300))),
            (u64::MAX, seconds(301), (1 << 30, seconds(300))),
        ] {
            let limits = Limits::new(memory, wall_time);
            assert_eq!((limits.memory(), limits.wall_time()), expected);
        }
    }
}
