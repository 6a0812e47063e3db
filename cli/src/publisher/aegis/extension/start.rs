//! The process: its file, its environment, its first line. aegis-bundle.md §14.1, §19.1.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::elf;
use aileron_verifier::aegis::troubleshooting::Row;
use serde_json::Value;
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use super::finding::Finding;
use super::host_api::HostApi;
use super::session::{Halt, Process, Session, Waited, is_of_a_crash};
use super::subject::Subject;
use super::wire::{self, Connection};
use super::{Trial, TryError, TryOptions, handshake};
use crate::event::Listener;
use crate::sys::process::Spawner;
use crate::sys::process::lasting::{Home, Lasting};

/// How long a host waits for the definition of what was uploaded. aegis-bundle.md §14.1.
const DEFINITION: Duration = Duration::from_secs(15);
/// What every extension has of the environment. aegis-bundle.md §14.1.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/nonexistent"),
    ("LANG", "C.UTF-8"),
    ("PLUGIN_PROTOCOL_VERSIONS", "1"),
];
/// Lines of output and of errors that are reported.
const LAST_LINES: usize = 12;

fn cookie(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Plugin => ("AEGIS_NATIVE_PLUGIN", "squad-aegis-plugin-v1"),
        Kind::Connector => ("AEGIS_NATIVE_CONNECTOR", "squad-aegis-connector-v1"),
    }
}

/// Why the file cannot be started on this machine; it is looked at, and not run. hashicorp/go-plugin#223.
pub(super) fn cannot_start(subject: &Subject) -> Option<Finding> {
    let arch = &subject.target.target_arch;
    let wrong = elf::examine(&subject.bytes, arch).into_iter().find_map(|finding| match finding {
        elf::Finding::Error(why) => Some(why),
        elf::Finding::Warning(_) => None,
    })?;
    let message = format!("{} cannot be started on linux/{arch}: {wrong}", subject.library);
    let help = "build it with CGO_ENABLED=0 GOOS=linux and the target's GOARCH, and pack it again";
    Some(Finding::error("start", Some(Row::NoTarget), message, help))
}

/// An extension that was started and has not been heard yet.
pub(super) struct Started<'a> {
    process: Process<'a>,
    home: PathBuf,
    first_line: Option<oneshot::Receiver<String>>,
    printed: Arc<Mutex<Vec<u8>>>,
    is_connected: bool,
    patience: Option<Duration>,
}

/// Starts it.
///
/// # Errors
/// [`TryError::System`].
pub(super) fn start<'a>(
    subject: &Subject,
    options: &TryOptions,
    spawner: Spawner<'a>,
    listener: Listener<'a>,
) -> Result<Started<'a>, TryError> {
    let system = |what| move |why| TryError::System { what, why };
    let home = Home::make(spawner.environment).map_err(system("make a directory for sockets"))?;
    let path = home.path().to_owned();
    let program = home.program("extension", &subject.bytes).map_err(system("write the extension"))?;
    let (sender, first_line) = oneshot::channel();
    let mut sender = Some(sender);
    let seen = move |line: &str| drop(sender.take().map(|sender| sender.send(line.to_owned())));
    let (name, value) = cookie(subject.kind);
    let mut variables: Vec<(&str, &OsStr)> =
        ENVIRONMENT.iter().map(|(name, value)| (*name, OsStr::new(*value))).collect();
    variables.push((name, OsStr::new(value)));
    variables.push(("PLUGIN_UNIX_SOCKET_DIR", path.as_os_str()));
    let lasting = Lasting::start(&program, &variables, home, seen).map_err(system("start the extension"))?;
    Ok(Started {
        process: Process { lasting, stop: spawner.stop, listener },
        home: path,
        first_line: Some(first_line),
        printed: Arc::default(),
        is_connected: false,
        patience: options.patience,
    })
}

impl<'a> Started<'a> {
    /// Waits for its first line, and connects both ways.
    pub(super) async fn connect<'s>(
        &'s mut self,
        kind: Kind,
        host: &HostApi,
        trial: &'s mut Trial,
    ) -> Result<Session<'s, 'a>, Halt> {
        let limit = self.patience.map_or(DEFINITION, |patience| patience.min(DEFINITION));
        let found = self.handshake(kind, limit).await?;
        let socket = match found {
            Ok(socket) => socket,
            Err(finding) => {
                trial.findings.push(finding);
                return Err(Halt::Found);
            }
        };
        let fault = |trial: &mut Trial, why: String| {
            let message = format!("its socket does not answer: {why}");
            trial.findings.push(Finding::error("start", None, message, "build it with the SDK's Serve"));
            Halt::Found
        };
        let connection = match Connection::to(&socket).await {
            Ok(connection) => connection,
            Err(why) => return Err(fault(trial, why)),
        };
        self.is_connected = true;
        let mut session = Session::new(&mut self.process, connection, kind, self.patience, trial);
        session.listen_to_output(Arc::clone(&self.printed));
        if kind == Kind::Plugin {
            let address = self.home.join("host");
            match UnixListener::bind(&address) {
                Ok(listener) => {
                    let host = host.clone();
                    let serving = wire::serve(listener, Arc::new(move |method, request| host.answer(method, request)));
                    session.host_listens(serving, &address);
                }
                Err(why) => return Err(fault(session.trial, why.to_string())),
            }
        }
        Ok(session)
    }

    /// The socket it names, or what is wrong with its start.
    async fn handshake(&mut self, kind: Kind, limit: Duration) -> Result<Result<PathBuf, Finding>, Halt> {
        const SERVE: &str =
            "print nothing before Serve, and let main do nothing else; log with LogAPI, or to standard error";
        let Some(first_line) = self.first_line.take() else { return Err(Halt::Found) };
        let error = |message: String, help| Ok(Err(Finding::error("start", None, message, help)));
        match self.process.within(limit, first_line).await {
            Waited::Interrupted => Err(Halt::Interrupted),
            Waited::Done(Ok(line)) => match handshake::socket(&line, &self.home) {
                Ok(socket) => Ok(Ok(socket)),
                Err(bad) => error(bad.to_string(), SERVE),
            },
            Waited::TimedOut => {
                let message = format!("it printed no handshake within {limit:?}");
                error(message, "call Serve first: what main does before it keeps the host waiting")
            }
            Waited::Done(Err(_)) | Waited::Ended(_) => {
                let ended = self.process.how_it_ended().await;
                let (_, errors) = self.process.lasting.last_lines();
                if errors.iter().any(|line| line.starts_with("This binary is a plugin")) {
                    let message = format!("it is not a {kind}: it does not take the handshake of one ({ended})");
                    return error(message, "build the other kind's manifest with it, or Serve the kind of this one");
                }
                error(format!("it ended before its handshake ({ended})"), SERVE)
            }
        }
    }

    /// Ends it and keeps its last words.
    pub(super) fn end(self, trial: &mut Trial) {
        let (stdout, stderr) = self.process.lasting.end();
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let streamed = String::from_utf8_lossy(&printed).into_owned();
        // The first line was the handshake. Without one, a finding names what was printed in its place.
        let later = stdout.into_iter().skip(if self.is_connected { 1 } else { usize::MAX });
        trial.printed = later.chain(streamed.lines().map(str::to_owned)).collect();
        let errors: Vec<String> = stderr.into_iter().filter(|line| !is_of_go_plugin(line)).collect();
        // A crash is told from its first line on: what follows are frames, the author's before the libraries'.
        let crash =
            errors.iter().position(|line| is_of_a_crash(line)).unwrap_or(errors.len().saturating_sub(LAST_LINES));
        trial.errors = errors.into_iter().skip(crash).take(LAST_LINES).collect();
        trial.printed.truncate(LAST_LINES);
    }
}

/// A line of go-plugin's own log: JSON with a level.
fn is_of_go_plugin(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|line| line.get("@level").is_some())
}
