//! Child processes: toolchains and git, in [`foreground`] the program that a user launches, and in `lasting` one that is talked to.
//!
//! A child sees a short list of variables and never a key, a token, or a setting that changes what a compiler emits.
//! Its standard output is whole or an error, never cut, and it ends when the run is interrupted. Not here: what a
//! child's output means.

mod capture;
mod error;
pub mod foreground;
#[cfg(unix)]
pub mod lasting;
mod variables;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::capture::Capture;
pub use self::error::ProcessError;
use self::variables::{is_passed, is_same_name};
use super::environment::Environment;
use crate::secret::Secret;
use zeroize::Zeroizing;

/// Bytes of standard output a child may write, unless [`Command::cap`] says another number: more is an error. Standard
/// error is for people: it is cut here, and says so.
pub const OUTPUT_CAP: usize = 4 << 20;

impl Environment {
    fn for_a_child(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.iter().filter(|(name, _)| name.to_str().is_some_and(is_passed))
    }

    /// The program as a path. Relative entries of `PATH` do not count: they would run what lies in a repository.
    pub(crate) fn find(&self, program: impl AsRef<OsStr>) -> Option<PathBuf> {
        let path = self.iter().find(|(name, _)| name.to_str().is_some_and(|name| is_same_name(name, "PATH")));
        let mut program = program.as_ref().to_owned();
        program.push(std::env::consts::EXE_SUFFIX);
        std::env::split_paths(path?.1)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(&program))
            .find(|candidate| is_executable(candidate))
    }
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
        Command {
            spawner: self,
            program,
            arguments: Vec::new(),
            directory: None,
            file: None,
            variables,
            cap: OUTPUT_CAP,
        }
    }

    /// Starts a command that a library put together, with what every child may have and `more` of the environment, and without
    /// input or output. It is not ended with the run: it belongs to the user, not to us.
    ///
    /// # Errors
    /// What the system said.
    pub fn adopt(self, mut command: std::process::Command, more: &[&str]) -> io::Result<Child> {
        command.env_clear().envs(self.environment.for_a_child());
        command.envs(more.iter().filter_map(|name| Some((name, self.environment.value(name)?))));
        if let Some(path) = self.environment.value("PATH") {
            // Relative entries do not count, as for every child.
            let absolute = std::env::split_paths(path).filter(|directory| directory.is_absolute());
            command.env("PATH", std::env::join_paths(absolute).map_err(io::Error::other)?);
        }
        own_group(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}

/// A child process that has not started yet.
pub struct Command<'a> {
    spawner: Spawner<'a>,
    program: &'static str,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    file: Option<PathBuf>,
    variables: BTreeMap<OsString, OsString>,
    cap: usize,
}

/// A child that ran to its own end, well or badly.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error: up to [`OUTPUT_CAP`] bytes, with a last line that says so when it was more.
    pub stderr: Vec<u8>,
}

/// A child that ran to its own end while its standard output was read.
#[derive(Debug)]
pub struct Streamed<T> {
    /// How it ended.
    pub status: ExitStatus,
    /// What the reader made of standard output.
    pub value: io::Result<T>,
    /// What it wrote to standard error, as in [`Finished`].
    pub stderr: Vec<u8>,
}

/// A child that ran to its own end and printed a secret.
pub struct Printed {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to standard output.
    pub secret: Secret,
    /// What it wrote to standard error, as in [`Finished`].
    pub stderr: Vec<u8>,
}

/// Most bytes of a secret that a child prints.
pub const SECRET_CAP: usize = 64 << 10;

impl Command<'_> {
    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Starts this file, which is found, instead of the program that `PATH` has under the name.
    pub fn found_at(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
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

    /// Allows this many bytes of standard output instead of [`OUTPUT_CAP`].
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Runs it to its end. A failing exit is a [`Finished`] like any other.
    ///
    /// # Errors
    /// [`ProcessError`]: not found, interrupted, refused by the system, or an answer that is not whole.
    pub fn run(self) -> Result<Finished, ProcessError> {
        let (program, cap) = (self.program, self.cap);
        let (mut child, path) = self.start(Stdio::null())?;
        let (stdout, stderr) = (Capture::of(child.stdout.take(), cap), Capture::of(child.stderr.take(), OUTPUT_CAP));
        match wait(&mut child, self.spawner.stop) {
            Ok(Some(status)) => Ok(Finished { status, stdout: stdout.whole(program)?, stderr: stderr.shown() }),
            Ok(None) => Err(ProcessError::Interrupted { program }),
            Err(error) => {
                end(&mut child);
                Err(failed(&path, error))
            }
        }
    }

    /// Runs it to its end; `input` writes its standard input while `read` takes its standard output as it comes, however
    /// long. `read` ends the child by returning: what is not read by then is not wanted.
    ///
    /// # Errors
    /// [`ProcessError`]: not found, interrupted, or refused by the system.
    pub fn stream<T>(
        self,
        input: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
        read: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
    ) -> Result<Streamed<T>, ProcessError> {
        let (program, stop) = (self.program, self.spawner.stop);
        let (mut child, path) = self.start(Stdio::piped())?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = Capture::of(child.stderr.take(), OUTPUT_CAP);
        let (value, ended) = thread::scope(|scope| {
            scope.spawn(move || {
                let mut pipe = BufWriter::new(stdin?);
                // A child that ended early breaks the pipe; how it ended says more than that.
                input(&mut pipe).and_then(|()| pipe.flush()).ok()
            });
            let waiter = scope.spawn(|| {
                let ended = wait(&mut child, stop);
                if ended.is_err() {
                    end(&mut child);
                }
                ended
            });
            let none = || io::Error::other("there is no standard output");
            let value =
                stdout.ok_or_else(none).and_then(|pipe| read(&mut BufReader::with_capacity(STREAM_BUFFER, pipe)));
            (value, waiter.join().unwrap_or_else(|_| Err(io::Error::other("waiting for it failed"))))
        });
        match ended.map_err(|error| failed(&path, error))? {
            Some(status) => Ok(Streamed { status, value, stderr: stderr.shown() }),
            None => Err(ProcessError::Interrupted { program }),
        }
    }

    /// Runs it to its end; what it prints, of at most [`SECRET_CAP`] bytes, is kept in memory that is wiped, and nowhere else.
    ///
    /// # Errors
    /// As [`Command::run`].
    pub fn print_secret(self) -> Result<Printed, ProcessError> {
        let program = self.program;
        let Streamed { status, value, stderr } = self.stream(
            |_| Ok(()),
            |pipe| {
                // Every read is at least as long as the reader's own buffer, which is then passed by: no copy stays in it.
                let mut bytes = Zeroizing::new(vec![0; SECRET_CAP + 1 + STREAM_BUFFER]);
                let mut length = 0;
                loop {
                    match pipe.read(&mut bytes[length..]) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Ok(read @ 1..) if length + read <= SECRET_CAP => length += read,
                        Ok(0) => break,
                        Ok(_) => return Ok(None),
                        Err(error) => return Err(error),
                    }
                }
                bytes.truncate(length);
                Ok(Some(Secret::from(bytes)))
            },
        )?;
        match value {
            Ok(Some(secret)) => Ok(Printed { status, secret, stderr }),
            Ok(None) => Err(ProcessError::TooLong { program, cap: SECRET_CAP }),
            Err(_) => Err(ProcessError::Held { program }),
        }
    }

    /// The running child and the path it was found at.
    fn start(&self, stdin: Stdio) -> Result<(Child, PathBuf), ProcessError> {
        let Spawner { environment, stop } = self.spawner;
        let program = self.program;
        let path = self.file.clone().or_else(|| environment.find(program)).ok_or(ProcessError::NotFound { program })?;
        if stop.load(Ordering::SeqCst) {
            return Err(ProcessError::Interrupted { program });
        }
        let mut command = std::process::Command::new(&path);
        command.args(&self.arguments).env_clear().envs(&self.variables);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        own_group(&mut command);
        match (command.spawn(), &self.directory) {
            (Ok(child), _) => Ok((child, path)),
            // The system has one word for a program and for a directory that are not there.
            (Err(_), Some(directory)) if !directory.is_dir() => {
                Err(ProcessError::NoDirectory { program, directory: directory.clone() })
            }
            (Err(cause), _) => Err(failed(&path, cause)),
        }
    }
}

/// Bytes of a stream that are read ahead.
const STREAM_BUFFER: usize = 1 << 16;

fn failed(path: &Path, cause: io::Error) -> ProcessError {
    ProcessError::Run { path: path.to_owned(), source: Arc::new(cause) }
}

/// How long an interrupt may go unnoticed while a child runs.
const INTERRUPT_CHECK: Duration = Duration::from_millis(20);

/// The exit status, or `None` once the child was ended because `stop` was set.
fn wait(child: &mut Child, stop: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    let mut exit = Exit::of(child);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.load(Ordering::SeqCst) {
            end(child);
            return Ok(None);
        }
        exit.pause();
    }
}

/// Waits for a child's exit in steps of at most [`INTERRUPT_CHECK`].
///
/// Most children here are git's: they run for a few milliseconds, so noticing their exit late would double their cost. Linux
/// reports it through a file descriptor of the process; elsewhere, or where there is no such descriptor, the steps are sleeps
/// that begin short.
struct Exit {
    #[cfg(target_os = "linux")]
    process: Option<rustix::fd::OwnedFd>,
    sleep: Duration,
}

impl Exit {
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only Linux has a descriptor of a process"))]
    fn of(child: &Child) -> Exit {
        Exit {
            #[cfg(target_os = "linux")]
            process: {
                use rustix::process::{Pid, PidfdFlags, pidfd_open};
                pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
            },
            sleep: Duration::from_millis(1),
        }
    }

    /// Returns when the child has exited, and after [`INTERRUPT_CHECK`] at the latest.
    fn pause(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(process) = &self.process {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let step = Timespec { tv_sec: 0, tv_nsec: INTERRUPT_CHECK.subsec_nanos().into() };
            match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&step)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => return,
                Err(_) => self.process = None,
            }
        }
        thread::sleep(self.sleep);
        self.sleep = (self.sleep * 2).min(INTERRUPT_CHECK);
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

#[cfg(test)]
mod tests;
