//! Child processes: toolchains and git.
//!
//! A child sees a short list of variables and never a key, a token, or a setting that changes what a compiler emits.
//! Its output is kept up to a cap, and it dies when the run is interrupted. Not here: what a child's output means.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::environment::Environment;

/// Bytes kept of each of standard output and standard error; what follows is read and dropped.
pub const OUTPUT_CAP: usize = 4 << 20;

/// Variables a child may have, when they are set. Names ending in `*` are prefixes. artifacts.md §12.
///
/// `GOROOT` is not among them: go finds its own, and a stray one compiles with another release than the one recorded.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "XDG_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOSUMDB",
    "GOINSECURE",
    "GOTOOLCHAIN",
];

/// What programs on Windows cannot start without.
const PASSED_ON_WINDOWS: &[&str] = &[
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
];

/// The second lock: a name with one of these in it is not passed, whatever prefix let it in.
const NEVER: [&str; 6] = ["TOKEN", "SECRET", "KEY", "PASS", "CREDENTIAL", "AILERON"];

impl Environment {
    fn for_a_child(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.iter().filter(|(name, _)| name.to_str().is_some_and(is_passed))
    }

    /// The program as a path. Relative entries of `PATH` do not count: they would run what lies in a repository.
    fn find(&self, program: &str) -> Option<PathBuf> {
        let path = self.iter().find(|(name, _)| name.to_str().is_some_and(|name| is_same_name(name, "PATH")));
        std::env::split_paths(path?.1)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
            .find(|candidate| is_executable(candidate))
    }
}

fn is_passed(name: &str) -> bool {
    let allowed = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => name.get(..prefix.len()).is_some_and(|start| is_same_name(start, prefix)),
        None => is_same_name(name, pattern),
    };
    let here = if cfg!(windows) { PASSED_ON_WINDOWS } else { &[] };
    let upper = name.to_ascii_uppercase();
    PASSED.iter().chain(here).any(|pattern| allowed(pattern)) && !NEVER.iter().any(|word| upper.contains(word))
}

fn is_same_name(one: &str, other: &str) -> bool {
    if cfg!(windows) { one.eq_ignore_ascii_case(other) } else { one == other }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// What starting a child takes: the surroundings it is started from, and the flag that ends it.
#[derive(Clone, Copy)]
pub struct Spawner<'a> {
    /// Where programs are looked up and variables come from.
    pub environment: &'a Environment,
    /// Set when the run is interrupted; a running child is then ended.
    pub stop: &'a AtomicBool,
}

impl<'a> Spawner<'a> {
    /// A child to be: no arguments, no input, and of the environment what every child may have.
    pub fn command(self, program: &'static str) -> Command<'a> {
        let variables = self.environment.for_a_child().map(|(name, value)| (name.clone(), value.clone())).collect();
        Command { spawner: self, program, arguments: Vec::new(), directory: None, variables }
    }
}

/// A child process that has not started yet.
pub struct Command<'a> {
    spawner: Spawner<'a>,
    program: &'static str,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    variables: BTreeMap<OsString, OsString>,
}

/// A child that ran to its own end, well or badly.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output, up to [`OUTPUT_CAP`].
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, up to [`OUTPUT_CAP`].
    pub stderr: Vec<u8>,
}

/// Why there is no [`Finished`] child.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProcessError {
    /// No directory of `PATH` holds the program.
    #[error("{program} was not found in PATH")]
    NotFound {
        /// The program.
        program: &'static str,
    },
    /// The run was interrupted; the child and what it had started were ended.
    #[error("{program} was stopped: the run was interrupted")]
    Interrupted {
        /// The program.
        program: &'static str,
    },
    /// The system would not start it or wait for it.
    #[error("cannot run {}: {source}", .path.display())]
    Run {
        /// The program, as found.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
}

impl Command<'_> {
    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Starts it there.
    pub fn within(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Sets a variable, whatever its name.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Passes on variables that only this program may have, when they are set.
    pub fn inherit(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = self.spawner.environment.value(name) {
                self.variables.insert(name.into(), value.to_owned());
            }
        }
        self
    }

    /// Runs it to its end. A failing exit is a [`Finished`] like any other.
    ///
    /// # Errors
    /// [`ProcessError`]: not found, interrupted, or refused by the system.
    pub fn run(self) -> Result<Finished, ProcessError> {
        let Spawner { environment, stop } = self.spawner;
        let program = self.program;
        let path = environment.find(program).ok_or(ProcessError::NotFound { program })?;
        if stop.load(Ordering::SeqCst) {
            return Err(ProcessError::Interrupted { program });
        }
        let mut command = std::process::Command::new(&path);
        command.args(&self.arguments).env_clear().envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        own_group(&mut command);
        let failed = |cause| ProcessError::Run { path: path.clone(), source: Arc::new(cause) };
        let mut child = command.spawn().map_err(failed)?;
        let (stdout, stderr) = (Capture::of(child.stdout.take()), Capture::of(child.stderr.take()));
        match wait(&mut child, stop) {
            Ok(Some(status)) => Ok(Finished { status, stdout: stdout.finish(), stderr: stderr.finish() }),
            Ok(None) => Err(ProcessError::Interrupted { program }),
            Err(error) => {
                end(&mut child);
                Err(failed(error))
            }
        }
    }
}

/// The exit status, or `None` once the child was ended because `stop` was set.
fn wait(child: &mut Child, stop: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.load(Ordering::SeqCst) {
            end(child);
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Asks the child and its children to end, insists after a second, and waits for the child.
fn end(child: &mut Child) {
    signal_group(child, false);
    let patience = Instant::now() + Duration::from_secs(1);
    while Instant::now() < patience {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    signal_group(child, true);
    let _ = child.kill();
    let _ = child.wait();
}

/// A group of its own: a compiler's helpers can be ended with it, and a terminal's Ctrl-C reaches us alone.
#[cfg(unix)]
fn own_group(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn signal_group(child: &Child, insist: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if insist { Signal::KILL } else { Signal::TERM };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group being gone already is what we want.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn own_group(_: &mut std::process::Command) {}

#[cfg(not(unix))]
fn signal_group(_: &Child, _: bool) {}

/// One pipe, drained by a thread so that the child never blocks on it.
struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Capture {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Capture {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&kept);
        let reader = pipe.map(|mut pipe| {
            thread::spawn(move || {
                let mut chunk = [0; 8192];
                while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                    let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = OUTPUT_CAP.saturating_sub(kept.len());
                    kept.extend_from_slice(&chunk[..read.min(room)]);
                }
            })
        });
        Capture { kept, reader }
    }

    /// What was written. A process that outlives the child and keeps the pipe open is waited for briefly, then left alone.
    fn finish(self) -> Vec<u8> {
        let patience = Instant::now() + Duration::from_secs(2);
        if let Some(reader) = self.reader {
            while !reader.is_finished() && Instant::now() < patience {
                thread::sleep(Duration::from_millis(1));
            }
        }
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §12
    fn a_child_gets_no_secret_and_no_compiler_setting() {
        for name in [
            "AILERON_SIGNING_KEY",
            "AILERON_HOME",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GOOGLE_OAUTH_CLIENT_SECRET",
            "XDG_SESSION_TOKEN",
            "LC_KEY",
            "GOFLAGS",
            "GOWASM",
            "GOEXPERIMENT",
            "GOROOT",
            "GOENV",
            "RUSTFLAGS",
            "LD_PRELOAD",
            "SSH_AUTH_SOCK",
        ] {
            assert!(!is_passed(name), "{name}");
        }
        for name in ["PATH", "HOME", "LC_ALL", "https_proxy", "XDG_CACHE_HOME", "GOPROXY"] {
            assert!(is_passed(name), "{name}");
        }
    }

    #[cfg(unix)]
    mod on_unix {
        use super::*;
        use std::fs;
        use std::os::unix::fs::PermissionsExt;

        fn script(dir: &Path, name: &str, text: &str) {
            fs::write(dir.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn environment(path: &OsStr) -> Environment {
            [("PATH".into(), path.to_owned()), ("GITHUB_TOKEN".into(), "t0ken".into())].into_iter().collect()
        }

        #[test]
        fn the_output_and_status_of_a_child_come_back() {
            let dir = tempfile::tempdir().unwrap();
            script(dir.path(), "tool", "echo out $1 $MORE $GITHUB_TOKEN; echo err >&2; exit 3");
            let stop = AtomicBool::new(false);
            let environment = environment(dir.path().as_os_str());
            let spawner = Spawner { environment: &environment, stop: &stop };
            let finished = spawner.command("tool").args(["one"]).env("MORE", "two").run().unwrap();
            assert_eq!(finished.status.code(), Some(3));
            assert_eq!((&*finished.stdout, &*finished.stderr), (&b"out one two\n"[..], &b"err\n"[..]));
        }

        #[test]
        fn a_program_is_not_looked_for_in_relative_places() {
            let stop = AtomicBool::new(false);
            for path in ["", ".", "bin::"] {
                let environment = environment(OsStr::new(path));
                let spawner = Spawner { environment: &environment, stop: &stop };
                let error = spawner.command("sh").within(Path::new("/bin")).run().expect_err(path);
                assert!(matches!(error, ProcessError::NotFound { program: "sh" }), "{error}");
            }
        }

        #[test]
        fn an_interrupted_child_ends_with_its_children() {
            let dir = tempfile::tempdir().unwrap();
            let mark = dir.path().join("started");
            script(
                dir.path(),
                "tool",
                &format!("(while :; do /bin/cat /dev/zero; done) & : > {}; wait", mark.display()),
            );
            let stop = AtomicBool::new(false);
            let environment = environment(dir.path().as_os_str());
            let spawner = Spawner { environment: &environment, stop: &stop };
            thread::scope(|scope| {
                let run = scope.spawn(|| spawner.command("tool").run());
                while !mark.exists() {
                    thread::yield_now();
                }
                stop.store(true, Ordering::SeqCst);
                let ended = run.join().unwrap();
                assert!(matches!(ended, Err(ProcessError::Interrupted { program: "tool" })), "{ended:?}");
            });
        }

        #[test]
        fn output_past_the_cap_is_read_and_dropped() {
            let dir = tempfile::tempdir().unwrap();
            script(dir.path(), "tool", "/usr/bin/head -c 5000000 /dev/zero");
            let stop = AtomicBool::new(false);
            let environment = environment(dir.path().as_os_str());
            let finished = Spawner { environment: &environment, stop: &stop }.command("tool").run().unwrap();
            assert!(finished.status.success());
            assert_eq!(finished.stdout.len(), OUTPUT_CAP);
        }
    }
}
