//! One call after the other, each under the limit a host gives it, and what became of the process meanwhile.

use std::future::Future;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::troubleshooting::Row;
use prost::Message;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::finding::Finding;
use super::messages::{ConnInfo, StdioData};
use super::sample::brief;
use super::wire::Connection;
use super::{Step, Trial};
use crate::event::{Event, Listener};
use crate::sys::process::lasting::Lasting;

/// The number under which the broker is told of the host API.
pub(super) const BROKER_ID: u32 = 1;
/// Most bytes of output after the handshake that are kept.
const MOST_PRINTED: usize = 64 << 10;
/// How often the process and the flag of an interrupt are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long waiting is not worth a word.
const QUIET: Duration = Duration::from_secs(2);
/// How long a host waits for the process to go after it was asked to.
const SHUTDOWN: Duration = Duration::from_secs(2);
/// How long a process that closed its connection may take to end.
const ENDING: Duration = Duration::from_secs(1);

/// Why the steps end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// A finding says it: what would follow is not worth asking.
    Found,
    /// The run was interrupted.
    Interrupted,
}

/// The process, and the flag that ends the run.
pub(super) struct Process<'a> {
    pub(super) lasting: Lasting,
    pub(super) stop: &'a AtomicBool,
    /// Told of what takes long.
    pub(super) listener: Listener<'a>,
}

/// How waiting for something ended.
pub(super) enum Waited<T> {
    Done(T),
    TimedOut,
    Ended(ExitStatus),
    Interrupted,
}

impl Process<'_> {
    /// Waits for something for as long as the process runs, the user is patient, and `limit` says.
    pub(super) async fn within<F: Future>(&mut self, limit: Duration, wanted: F) -> Waited<F::Output> {
        let until = Instant::now() + limit;
        let mut tick = tokio::time::interval(TICK);
        tokio::pin!(wanted);
        loop {
            tokio::select! {
                biased;
                done = &mut wanted => return Waited::Done(done),
                () = tokio::time::sleep_until(until) => return Waited::TimedOut,
                _ = tick.tick() => {
                    if self.stop.load(Ordering::SeqCst) {
                        return Waited::Interrupted;
                    }
                    if let Some(status) = self.lasting.ended() {
                        return Waited::Ended(status);
                    }
                }
            }
        }
    }

    /// How it ended, for one that has closed its pipes.
    pub(super) async fn how_it_ended(&mut self) -> String {
        match self.within(ENDING, std::future::pending::<()>()).await {
            Waited::Ended(status) => status.to_string(),
            _ => "it closed its output".to_owned(),
        }
    }
}

/// The line with which Go's runtime begins the report of a crash.
pub(super) fn is_of_a_crash(line: &str) -> bool {
    line.starts_with("panic: ") || line.starts_with("fatal error: ")
}

/// An extension that answers.
pub(super) struct Session<'s, 'a> {
    process: &'s mut Process<'a>,
    connection: Connection,
    service: &'static str,
    patience: Option<Duration>,
    pub(super) trial: &'s mut Trial,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Session<'_, '_> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl<'s, 'a> Session<'s, 'a> {
    pub(super) fn new(
        process: &'s mut Process<'a>,
        connection: Connection,
        kind: Kind,
        patience: Option<Duration>,
        trial: &'s mut Trial,
    ) -> Session<'s, 'a> {
        let service = match kind {
            Kind::Plugin => "squadaegis.pluginrpc.v1.Plugin",
            Kind::Connector => "squadaegis.connectorrpc.v1.Connector",
        };
        Session { process, connection, service, patience, trial, tasks: Vec::new() }
    }

    /// Keeps what it prints from now on; it would wait for a reader otherwise.
    pub(super) fn listen_to_output(&mut self, printed: Arc<Mutex<Vec<u8>>>) {
        let connection = self.connection.clone();
        self.tasks.push(tokio::spawn(async move {
            let Ok(mut pieces) = connection.listen("plugin.GRPCStdio/StreamStdio").await else { return };
            while let Ok(Some(piece)) = pieces.message().await {
                keep(&printed, &piece);
            }
        }));
    }

    /// Tells its broker where the host API is.
    pub(super) fn host_listens(&mut self, serving: JoinHandle<()>, address: &Path) {
        let network = "unix".to_owned();
        let told = ConnInfo { service_id: BROKER_ID, network, address: address.display().to_string() };
        let telling = self.connection.announce("plugin.GRPCBroker/StartStream", told.encode_to_vec());
        self.tasks.extend([serving, telling]);
    }

    /// A host's limit, or the user's where that is shorter.
    pub(super) fn limit(&self, of_the_host: Duration) -> Duration {
        self.patience.map_or(of_the_host, |patience| patience.min(of_the_host))
    }

    /// Adds a step to the report.
    pub(super) fn step(&mut self, name: impl Into<String>, outcome: impl Into<String>, since: Instant) {
        self.trial.steps.push(Step { name: name.into(), outcome: outcome.into(), took: since.elapsed() });
    }

    /// Adds a finding to the report.
    pub(super) fn found(&mut self, finding: Finding) {
        self.trial.findings.push(finding);
    }

    /// One call. `None` when the limit passed, which the caller judges; the call goes on. An error the extension answered
    /// with is its text.
    ///
    /// # Errors
    /// [`Halt`]: the process is gone, which is a finding, or the run was interrupted.
    pub(super) async fn ask_within<T: Message + Default>(
        &mut self,
        step: &str,
        method: &str,
        request: &impl Message,
        limit: Duration,
    ) -> Result<Option<Result<T, String>>, Halt> {
        let (connection, path) = (self.connection.clone(), format!("{}/{method}", self.service));
        let request = request.encode_to_vec();
        // A task of its own: a call that is given up is not cancelled, as it is not on a host.
        let mut call = tokio::spawn(async move { connection.call(&path, request).await });
        let mut waited = self.process.within(limit.min(QUIET), &mut call).await;
        if matches!(waited, Waited::TimedOut) && limit > QUIET {
            (self.process.listener)(Event::Note(format!("waiting for {step}, up to {limit:?}")));
            waited = self.process.within(limit - QUIET, &mut call).await;
        }
        let answer = match waited {
            Waited::Interrupted => return Err(Halt::Interrupted),
            Waited::TimedOut => return Ok(None),
            Waited::Ended(status) => return Err(self.gone(step, &status.to_string())),
            Waited::Done(answer) => answer,
        };
        match answer {
            Ok(Ok(bytes)) => match T::decode(&bytes[..]) {
                Ok(answer) => Ok(Some(Ok(answer))),
                Err(error) => Ok(Some(Err(format!("its answer cannot be read: {error}")))),
            },
            Ok(Err(status)) => {
                // A process that dies takes the connection along first.
                let is_of_the_connection = std::error::Error::source(&status).is_some();
                if is_of_the_connection
                    && let Waited::Ended(status) = self.process.within(ENDING, std::future::pending::<()>()).await
                {
                    return Err(self.gone(step, &status.to_string()));
                }
                if self.process.stop.load(Ordering::SeqCst) {
                    return Err(Halt::Interrupted);
                }
                Ok(Some(Err(status.message().to_owned())))
            }
            Err(_) => Ok(Some(Err("the call was given up".to_owned()))),
        }
    }

    /// One call that must return within a host's limit; where it does not, that is a finding with this row, and the end.
    ///
    /// # Errors
    /// As [`Session::ask_within`].
    pub(super) async fn ask<T: Message + Default>(
        &mut self,
        step: &str,
        method: &str,
        request: &impl Message,
        (of_the_host, row): (Duration, Option<Row>),
    ) -> Result<Result<T, String>, Halt> {
        let limit = self.limit(of_the_host);
        let since = Instant::now();
        match self.ask_within(step, method, request, limit).await? {
            Some(answer) => Ok(answer),
            None => {
                self.step(step, format!("no answer within {limit:?}"), since);
                let host = if limit == of_the_host { String::new() } else { format!("; a host waits {of_the_host:?}") };
                let message = format!("{method} did not return within {limit:?}{host}");
                let help = row.map_or("let it return promptly, also while other calls run", Row::fix);
                self.found(Finding::error(step, row, message, help));
                Err(Halt::Found)
            }
        }
    }

    fn gone(&mut self, step: &str, ended: &str) -> Halt {
        let (_, errors) = self.process.lasting.last_lines();
        let why = errors.iter().rev().find(|line| is_of_a_crash(line)).map(|line| format!(": {}", brief(line)));
        let message = format!("the process ended meanwhile ({ended}){}", why.unwrap_or_default());
        let help = "recover from panics in goroutines of your own, and never call os.Exit; what it wrote last is below";
        self.found(Finding::error(step, None, message, help));
        Halt::Found
    }

    /// Asks it to go, as a host does, and gives it the time a host gives it.
    ///
    /// # Errors
    /// [`Halt::Interrupted`].
    pub(super) async fn shut_down(&mut self) -> Result<(), Halt> {
        let since = Instant::now();
        let connection = self.connection.clone();
        // Its answer is the end of the connection as often as not.
        tokio::spawn(async move { connection.call("plugin.GRPCController/Shutdown", Vec::new()).await });
        let limit = self.limit(SHUTDOWN);
        match self.process.within(limit, std::future::pending::<()>()).await {
            Waited::Interrupted => Err(Halt::Interrupted),
            Waited::Ended(_) => {
                self.step("exit", "ok", since);
                Ok(())
            }
            _ => {
                self.step("exit", format!("still running after {limit:?}"), since);
                let message = format!("the process goes on {limit:?} after it was asked to end; a host kills it");
                let help = "let main return when Serve does, and end every goroutine in Stop";
                self.found(Finding::warning("exit", None, message, help));
                Ok(())
            }
        }
    }
}

/// Keeps a piece of output, up to a bound.
fn keep(printed: &Mutex<Vec<u8>>, message: &[u8]) {
    if let Ok(StdioData { data, .. }) = StdioData::decode(message) {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_PRINTED.saturating_sub(printed.len()).min(data.len());
        printed.extend_from_slice(&data[..room]);
    }
}
