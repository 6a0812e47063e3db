//! A program of the user's on this process's own terminal, for as long as it runs: `aileron launch PROGRAM`, a login.
//!
//! It is no tool of ours but what the user would have started himself, so it gets what his shell would give it: the terminal,
//! the directory, the environment. Only variables of ours are taken out of that: the vault's passphrase is one. It stays in
//! this process's group, so that it may read from the terminal and Ctrl-Z stops both; signals that are sent to this process
//! are passed on to it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;

use super::is_executable;
use super::variables::is_for_the_users_program;
use crate::sys::environment::Environment;
use crate::sys::interrupt;

/// A program that has not started yet.
pub struct Foreground {
    path: PathBuf,
    command: Command,
}

/// Why there is no exit code.
#[derive(Debug, thiserror::Error)]
pub enum ForegroundError {
    /// There is no such program.
    #[error("{} was not found{}", printable(.0), if .0.contains('/') { "" } else { " in PATH" })]
    NotFound(String),
    /// The system would not start it or wait for it.
    #[error("cannot run {}: {cause}", .path.display())]
    Run {
        /// The program.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl ForegroundError {
    /// The failure class: the command line names what cannot be run.
    pub fn class(&self) -> Class {
        match self {
            ForegroundError::NotFound(_) | ForegroundError::Run { .. } => Class::UsageError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ForegroundError::NotFound(_) | ForegroundError::Run { .. } => false,
        }
    }
}

impl Foreground {
    /// The program of this name, found as a shell finds it: a name with a slash is a path, any other is looked for in `PATH`.
    ///
    /// # Errors
    /// [`ForegroundError::NotFound`].
    pub fn find(program: &OsStr, environment: &Environment) -> Result<Foreground, ForegroundError> {
        let is_path = Path::new(program).components().count() > 1 || program.to_string_lossy().contains('/');
        let as_path = || Some(PathBuf::from(program)).filter(|path| is_executable(path));
        let path = if is_path { as_path() } else { environment.find(program) };
        let path = path.ok_or_else(|| ForegroundError::NotFound(program.to_string_lossy().into_owned()))?;
        let mut command = Command::new(&path);
        let kept = environment.iter().filter(|(name, _)| is_for_the_users_program(&name.to_string_lossy()));
        command.env_clear().envs(kept);
        Ok(Foreground { path, command })
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = OsString>) -> Foreground {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Foreground {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn without(mut self, name: &str) -> Foreground {
        self.command.env_remove(name);
        self
    }

    /// Gives it the short list of variables that every child of ours has, instead of the user's own environment.
    pub fn with_the_short_environment(mut self, environment: &Environment) -> Foreground {
        self.command.env_clear().envs(environment.for_a_child());
        self
    }

    /// Sends its standard output to our standard error: ours is another document's.
    pub fn output_to_errors(mut self) -> Foreground {
        self.command.stdout(io::stderr());
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, and returns its exit code as a shell has it: 128 and the signal's number where a signal ended it.
    ///
    /// # Errors
    /// [`ForegroundError::Run`].
    pub fn run(mut self) -> Result<u8, ForegroundError> {
        let path = std::mem::take(&mut self.path);
        system::run(&mut self.command).map(code).map_err(|cause| ForegroundError::Run { path, cause })
    }
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1))
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::process::{Command, ExitStatus};
    use std::sync::Mutex;

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::iterator::exfiltrator::origin::Origin;
    use signal_hook::low_level::siginfo::Cause;

    use super::interrupt;

    pub(super) fn run(command: &mut Command) -> io::Result<ExitStatus> {
        // Heard before there is a child: a signal in between is passed on once there is one.
        let mut signals = SignalsInfo::<WithOrigin>::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        interrupt::passed_on();
        let mut child = command.spawn()?;
        let process = Pid::from_child(&child);
        let (handle, is_there) = (signals.handle(), Mutex::new(true));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for signal in signals.forever().filter_map(|origin| to_pass_on(&origin)) {
                    // Held meanwhile: its number is not given to another process before it was waited for.
                    let is_there = is_there.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    if *is_there {
                        let _ = kill_process(process, signal); // one that ended needs no signal
                    }
                }
            });
            let seen = until_it_ended(process);
            *is_there.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = false;
            handle.close();
            let ended = child.wait();
            seen.and(ended)
        })
    }

    /// Returns when the process has ended, and leaves it to be waited for.
    fn until_it_ended(process: Pid) -> io::Result<()> {
        loop {
            match waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Ctrl-C and Ctrl-\ of the terminal reach the program without our help; a second one would be one too many.
    fn to_pass_on(origin: &Origin) -> Option<Signal> {
        let by_a_process = matches!(origin.cause, Cause::Sent(_));
        match origin.signal {
            SIGINT if by_a_process => Some(Signal::INT),
            SIGQUIT if by_a_process => Some(Signal::QUIT),
            SIGTERM => Some(Signal::TERM),
            SIGHUP => Some(Signal::HUP),
            _ => None,
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;
    use std::process::{Command, ExitStatus};

    use super::interrupt;

    /// A console sends Ctrl-C to both.
    pub(super) fn run(command: &mut Command) -> io::Result<ExitStatus> {
        interrupt::passed_on();
        command.spawn()?.wait()
    }
}
