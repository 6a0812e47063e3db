//! Child processes: toolchains and git.
//!
//! A child sees a short list of variables and never a key, a token, or a setting that changes what a compiler emits.
//! Its standard output is whole or an error, never cut, and it ends when the run is interrupted. Not here: what a
//! child's output means.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::environment::Environment;

/// Bytes of standard output a child may write, unless [`Command::cap`] says another number: more is an error. Standard
/// error is for people: it is cut here, and says so.
pub const OUTPUT_CAP: usize = 4 << 20;

/// How long after a child's end its output is waited for, when another process keeps the pipe open.
const AFTER_THE_END: Duration = Duration::from_secs(5);

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
        Command { spawner: self, program, arguments: Vec::new(), directory: None, variables, cap: OUTPUT_CAP }
    }
}

/// A child process that has not started yet.
pub struct Command<'a> {
    spawner: Spawner<'a>,
    program: &'static str,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
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
    /// The directory it was to run in is not there.
    #[error("cannot run {program} in {}: there is no such directory", .directory.display())]
    NoDirectory {
        /// The program.
        program: &'static str,
        /// The directory.
        directory: PathBuf,
    },
    /// It wrote more than its caller allows. The answer is not used: a part of it could mean something else.
    #[error("the answer of {program} is longer than {cap} bytes, so it was not used")]
    TooLong {
        /// The program.
        program: &'static str,
        /// Bytes allowed.
        cap: usize,
    },
    /// It ended, and a process it started still holds its standard output: whether the answer is whole cannot be known.
    #[error("{program} ended, but a process it started keeps its output open, so the answer was not used")]
    Held {
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
            let value = stdout.ok_or_else(none).and_then(|pipe| read(&mut BufReader::with_capacity(1 << 16, pipe)));
            (value, waiter.join().unwrap_or_else(|_| Err(io::Error::other("waiting for it failed"))))
        });
        match ended.map_err(|error| failed(&path, error))? {
            Some(status) => Ok(Streamed { status, value, stderr: stderr.shown() }),
            None => Err(ProcessError::Interrupted { program }),
        }
    }

    /// The running child and the path it was found at.
    fn start(&self, stdin: Stdio) -> Result<(Child, PathBuf), ProcessError> {
        let Spawner { environment, stop } = self.spawner;
        let program = self.program;
        let path = environment.find(program).ok_or(ProcessError::NotFound { program })?;
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

fn failed(path: &Path, cause: io::Error) -> ProcessError {
    ProcessError::Run { path: path.to_owned(), source: Arc::new(cause) }
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
    kept: Arc<Mutex<Kept>>,
    reader: Option<JoinHandle<()>>,
    cap: usize,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many more there were.
    dropped: usize,
    /// The end of the pipe was seen.
    ended: bool,
}

impl Capture {
    fn of(pipe: Option<impl Read + Send + 'static>, cap: usize) -> Capture {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let reader = pipe.map(|mut pipe| {
            thread::spawn(move || {
                let mut chunk = [0; 1 << 16];
                loop {
                    let read = match pipe.read(&mut chunk) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        read => read,
                    };
                    let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    match read {
                        Ok(read @ 1..) => {
                            let room = cap.saturating_sub(kept.bytes.len()).min(read);
                            kept.bytes.extend_from_slice(&chunk[..room]);
                            kept.dropped += read - room;
                        }
                        read => {
                            kept.ended = read.is_ok();
                            break;
                        }
                    }
                }
            })
        });
        Capture { kept, reader, cap }
    }

    /// What was written. A process that outlives the child and keeps the pipe open is waited for briefly, then left alone.
    fn finish(self) -> Kept {
        let patience = Instant::now() + AFTER_THE_END;
        if let Some(reader) = self.reader {
            while !reader.is_finished() && Instant::now() < patience {
                thread::sleep(Duration::from_millis(1));
            }
        }
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of it, for a program to read.
    fn whole(self, program: &'static str) -> Result<Vec<u8>, ProcessError> {
        let cap = self.cap;
        match self.finish() {
            Kept { dropped: 1.., .. } => Err(ProcessError::TooLong { program, cap }),
            Kept { ended: false, .. } => Err(ProcessError::Held { program }),
            Kept { bytes, .. } => Ok(bytes),
        }
    }

    /// As much of it as is kept, for a person to read.
    fn shown(self) -> Vec<u8> {
        let Kept { mut bytes, dropped, .. } = self.finish();
        if dropped > 0 {
            bytes.extend_from_slice(format!("\n(cut here: {dropped} more bytes)\n").as_bytes());
        }
        bytes
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

        /// Runs a script with a cap of 1,000 bytes.
        fn capped(text: &str) -> Result<Finished, ProcessError> {
            let dir = tempfile::tempdir().unwrap();
            script(dir.path(), "tool", text);
            let stop = AtomicBool::new(false);
            let environment = environment(dir.path().as_os_str());
            Spawner { environment: &environment, stop: &stop }.command("tool").cap(1_000).run()
        }

        #[test] // artifacts.md §12
        fn an_answer_is_whole_or_an_error() {
            for (length, whole) in [
                (0, true),
                (1, true),
                (999, true),
                (1_000, true),
                (1_001, false),
                (65_536, false),
                (65_537, false),
                (1_000_000, false),
            ] {
                let told = capped(&format!("/usr/bin/head -c {length} /dev/zero"));
                match told {
                    Ok(finished) => assert!(whole && finished.stdout.len() == length, "{length}"),
                    Err(ProcessError::TooLong { program: "tool", cap: 1_000 }) => assert!(!whole, "{length}"),
                    Err(other) => panic!("{length}: {other}"),
                }
            }
            // Also of a child that fails, and of one whose helper writes on after it.
            assert!(matches!(capped("/usr/bin/head -c 2000 /dev/zero; exit 1"), Err(ProcessError::TooLong { .. })));
            let late = capped("printf one; (/bin/sleep 0.2; printf two) &").unwrap();
            assert_eq!(late.stdout, b"onetwo");
        }

        #[test]
        fn an_error_text_that_is_cut_says_so() {
            let dir = tempfile::tempdir().unwrap();
            script(dir.path(), "tool", "/usr/bin/head -c 5000000 /dev/zero >&2");
            let stop = AtomicBool::new(false);
            let environment = environment(dir.path().as_os_str());
            let finished = Spawner { environment: &environment, stop: &stop }.command("tool").run().unwrap();
            let note = format!("\n(cut here: {} more bytes)\n", 5_000_000 - OUTPUT_CAP);
            assert!(finished.status.success() && finished.stderr.ends_with(note.as_bytes()));
            assert_eq!(finished.stderr.len(), OUTPUT_CAP + note.len());
        }

        #[test]
        fn a_directory_that_is_not_there_is_not_blamed_on_the_program() {
            let stop = AtomicBool::new(false);
            let environment = environment(OsStr::new("/bin"));
            let spawner = Spawner { environment: &environment, stop: &stop };
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join("file"), "").unwrap();
            for name in ["gone", "gone/deeper", "file"] {
                let directory = temp.path().join(name);
                let error = spawner.command("sh").within(&directory).run().unwrap_err();
                let text = format!("cannot run sh in {}: there is no such directory", directory.display());
                assert_eq!(error.to_string(), text);
            }
        }

        #[test]
        fn a_stream_is_read_to_its_end_however_long_and_both_ways_at_once() {
            let stop = AtomicBool::new(false);
            let environment = environment(OsStr::new("/bin:/usr/bin"));
            let spawner = Spawner { environment: &environment, stop: &stop };
            for lines in [0, 1, 10, 1_000, 100_000, 1_000_000] {
                let input = move |pipe: &mut dyn Write| (0..lines).try_for_each(|line| writeln!(pipe, "{line}"));
                let count = |pipe: &mut dyn BufRead| Ok(pipe.lines().map_while(Result::ok).count());
                let streamed = spawner.command("cat").stream(input, count).unwrap();
                assert_eq!((streamed.status.success(), streamed.value.unwrap()), (true, lines));
            }
            // A reader that has enough ends the child, and the writer with it.
            let endless = |pipe: &mut dyn Write| loop {
                writeln!(pipe, "more")?;
            };
            let first = |pipe: &mut dyn BufRead| Ok(pipe.lines().next().unwrap().unwrap());
            assert_eq!(spawner.command("cat").stream(endless, first).unwrap().value.unwrap(), "more");
        }

        #[test]
        fn an_interrupted_stream_ends() {
            let (stop, environment) = (AtomicBool::new(false), environment(OsStr::new("/bin:/usr/bin")));
            let spawner = Spawner { environment: &environment, stop: &stop };
            let ended = spawner.command("cat").stream(
                |pipe| loop {
                    writeln!(pipe, "more")?;
                },
                |pipe| {
                    let mut line = String::new();
                    while pipe.read_line(&mut line)? > 0 {
                        line.clear();
                        stop.store(true, Ordering::SeqCst);
                    }
                    Ok(())
                },
            );
            assert!(matches!(ended, Err(ProcessError::Interrupted { program: "cat" })), "{ended:?}");
        }
    }
}
