//! GitHub on a local port: the model of `aileron-cli` behind HTTP.
//!
//! The model decides everything ([`GitHub::answer`]); here are sockets, a clock, a log, faults by script, and a directory
//! that plays what was pushed. One origin serves the API (at `/` and `/api/v3`), uploads, downloads and raw files; addresses
//! in answers begin with what the client called us, be it by `Host` or, through a proxy setting, by an absolute address.
//!
//! It implements no `aileron_cli::github::Server`, since a client meets it through `Network`, which does, over a real socket;
//! where no socket is wanted, `Rehearsal` and the tests' `Stage` implement `Server` over the same model.
//!
//! hyper without a framework: routing is the model's, and a fault must be able to end a connection without an answer.

mod login;
mod script;
mod server;
mod snapshot;
mod tree;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use aileron_cli::publisher::forge::model::{GitHub, Limits, Repository, Timestamp, Token};
pub use login::{Login, USER_CODE};
pub use script::{HELP as SCRIPT_HELP, Script, ScriptError};

/// Who says what time it is.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine.
    Real,
    /// The test, by [`FakeGitHub::set_time`].
    Virtual(Timestamp),
}

/// How a fake is set up.
pub struct Options {
    /// Port 0 takes any.
    pub listen: SocketAddr,
    /// What it starts with.
    pub github: GitHub,
    /// Its time.
    pub clock: Clock,
    /// Its faults.
    pub script: Script,
    /// A directory that plays what was pushed: its commits and tags if it is a git work tree, its files in any case.
    pub tree: Option<PathBuf>,
    /// Gets a line per request.
    pub log: Option<PathBuf>,
    /// Read at the start if it is there, written before each answer to a write.
    pub state: Option<PathBuf>,
    /// Somebody who may log in by the device flow.
    pub login: Option<Login>,
}

impl Options {
    /// Any port of this machine, its clock, no faults.
    pub fn new(github: GitHub) -> Options {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Options {
            listen,
            github,
            clock: Clock::Real,
            script: Script::default(),
            tree: None,
            log: None,
            state: None,
            login: None,
        }
    }
}

/// A request that was answered, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// `GET`, …
    pub method: String,
    /// As it came, with its query.
    pub path: String,
    /// What was answered; `None` where the connection ended without an answer.
    pub status: Option<u16>,
}

/// A running fake. It stops when dropped.
pub struct FakeGitHub {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Shared {
    github: Mutex<GitHub>,
    clock: Mutex<Clock>,
    script: Mutex<Script>,
    log: Mutex<Log>,
    tree: Option<tree::Tree>,
    state: Option<PathBuf>,
    login: Mutex<Option<Login>>,
}

#[derive(Default)]
struct Log {
    entries: Vec<LogEntry>,
    file: Option<File>,
}

impl FakeGitHub {
    /// A fake on any port, with the machine's clock and without faults.
    ///
    /// # Panics
    /// When no port can be had: a fixture that cannot be made is a bug of the test.
    pub fn start(github: GitHub) -> FakeGitHub {
        FakeGitHub::with(Options::new(github)).expect("a port of this machine")
    }

    /// A fake as described.
    ///
    /// # Errors
    /// When the port is taken, or the tree, log or state cannot be used.
    pub fn with(options: Options) -> io::Result<FakeGitHub> {
        let mut github = options.github;
        if let Some(path) = &options.state {
            snapshot::load(path, &mut github).map_err(at(path))?;
        }
        let tree = options.tree.map(tree::Tree::new);
        if let Some(tree) = &tree {
            tree.push(&mut github.repository)?;
        }
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path).map_err(at(path));
        let log = Log { entries: Vec::new(), file: options.log.as_deref().map(open).transpose()? };
        let shared = Arc::new(Shared {
            github: Mutex::new(github),
            clock: Mutex::new(options.clock),
            script: Mutex::new(options.script),
            log: Mutex::new(log),
            tree,
            state: options.state,
            login: Mutex::new(options.login),
        });
        let listener = TcpListener::bind(options.listen).map_err(at(options.listen.to_string()))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        runtime.spawn(server::serve(listener, shared.clone()));
        drop(entered);
        Ok(FakeGitHub { address, shared, runtime: Some(runtime) })
    }

    /// `http://127.0.0.1:PORT`: the API's base, the server's address and the uploads' origin in one.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What GitHub holds, to look at and to change behind a client's back. No request is answered meanwhile.
    pub fn github(&self) -> MutexGuard<'_, GitHub> {
        lock(&self.shared.github)
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<LogEntry> {
        lock(&self.shared.log).entries.clone()
    }

    /// Whether somebody logged in.
    pub fn is_logged_in(&self) -> bool {
        lock(&self.shared.login).as_ref().is_some_and(Login::is_done)
    }

    /// Replaces the faults; their counts start again.
    pub fn set_script(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Stops the clock at this time.
    pub fn set_time(&self, now: Timestamp) {
        *lock(&self.shared.clock) = Clock::Virtual(now);
    }

    /// What time it is there.
    pub fn time(&self) -> Timestamp {
        self.shared.now()
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // a fake may be dropped inside somebody else's runtime
        }
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        match &*lock(&self.clock) {
            Clock::Virtual(now) => *now,
            Clock::Real => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
            }
        }
    }

    fn record(&self, entry: LogEntry) {
        let mut log = lock(&self.log);
        if let Some(file) = &mut log.file {
            let status = entry.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            // A log that cannot be written must not change what the client sees.
            let _ = writeln!(file, "{} {} {status}", entry.method, entry.path);
        }
        log.entries.push(entry);
    }
}

/// The same error, with what it is about.
fn at(what: impl AsRef<OsStr>) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", what.as_ref().display()))
}

/// A test that panicked while it held the state has failed already; others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
