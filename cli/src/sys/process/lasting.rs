//! A child that lives on while it is talked to, in a process group of its own, with an environment that is the caller's whole.
//!
//! Nothing of it is left when this process ends, however it ends: not the child, not what the child started, not the directory
//! with its sockets. A handler cannot see to that where this process is killed, and what Linux offers (a signal at the parent's
//! death) reaches neither grandchildren nor files. So a guard, a small shell script, leads the group and reads from a pipe
//! whose other end only this process has. The pipe ends with this process; then the guard removes the directory and kills its
//! group. The child joins the guard's group, so there is no moment in which it is outside, and the group's number stays taken
//! while the guard lives. A child that leaves its group on purpose is out of reach.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::sys::environment::Environment;

/// What the guard does. `read` ends without a line when the pipe does. The directory goes first, so that the child puts
/// nothing into it any more; `kill 0` ends the guard too.
const GUARD: &str = "trap '' HUP INT TERM; read -r _; cd /; rm -rf -- \"$1\"; kill -KILL 0";
/// Where the guard finds `rm`.
const GUARD_PATH: &str = "/usr/bin:/bin";

/// Most bytes of a unix socket's path. aegis-bundle.md §19.1.
const LONGEST_SOCKET: usize = 107;
/// Bytes that a socket's name below a home may have: those that go-plugin makes up have 16.
const LONGEST_NAME: usize = 24;
/// Where homes are made when the machine's own place for temporaries is too deep for a socket, or not to be used.
const PLACES: [&str; 3] = ["/tmp", "/dev/shm", "/var/tmp"];

/// The directory of a child: this user's alone, short enough for sockets, and removed with all that is in it.
#[derive(Debug)]
pub struct Home(TempDir);

impl Home {
    /// Makes one: in `TMPDIR`, or where that is too deep for a socket or cannot be written, in one of the usual places.
    ///
    /// # Errors
    /// What the system said of the last place.
    pub fn make(environment: &Environment) -> io::Result<Home> {
        let of_the_user = environment.var("TMPDIR").map(Path::new);
        let mut last = io::Error::other("there is no place for sockets that is short enough");
        for place in of_the_user.into_iter().chain(PLACES.map(Path::new)) {
            // Without links: the child is to name its sockets by the same path.
            let Ok(place) = place.canonicalize() else { continue };
            if place.as_os_str().len() + "/ae-123456/".len() + LONGEST_NAME > LONGEST_SOCKET {
                continue;
            }
            let private = std::fs::Permissions::from_mode(0o700);
            match tempfile::Builder::new().prefix("ae-").permissions(private).tempdir_in(place) {
                Ok(made) => return Ok(Home(made)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a program into it.
    ///
    /// # Errors
    /// What the system said.
    pub fn program(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?.write_all(bytes)?;
        Ok(path)
    }
}

/// A child that runs.
#[derive(Debug)]
pub struct Lasting {
    child: Child,
    guard: Child,
    /// Held open; its end is what the guard waits for.
    _line: Option<ChildStdin>,
    home: Option<Home>,
    stdout: Tail,
    stderr: Tail,
}

impl Lasting {
    /// Starts `program` in `home`, a directory that goes with it, with these variables and no others. Each line of its standard
    /// output is shown to `seen`, which is dropped at the end of the output.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(
        program: &Path,
        variables: &[(&str, &OsStr)],
        home: Home,
        seen: impl FnMut(&str) + Send + 'static,
    ) -> io::Result<Lasting> {
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "guard"]).arg(home.path()).env_clear().env("PATH", GUARD_PATH);
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut guard = guard.spawn()?;
        let line = guard.stdin.take();
        let group = Pid::from_child(&guard).as_raw_pid();
        let mut command = Command::new(program);
        command.env_clear().envs(variables.iter().copied()).current_dir(home.path()).process_group(group);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(mut child) => {
                let stdout = Tail::of(child.stdout.take(), seen);
                let stderr = Tail::of(child.stderr.take(), |_| ());
                Ok(Lasting { child, guard, _line: line, home: Some(home), stdout, stderr })
            }
            Err(error) => {
                end_group(&mut guard);
                Err(error)
            }
        }
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The last lines of its standard output, and of its standard error.
    pub fn last_lines(&self) -> (Vec<String>, Vec<String>) {
        (self.stdout.lines(), self.stderr.lines())
    }

    /// Ends it, what it started and what it left in its directory, at once; returns the last lines of its output and errors.
    pub fn end(mut self) -> (Vec<String>, Vec<String>) {
        self.finish();
        (self.stdout.whole(), self.stderr.whole())
    }

    fn finish(&mut self) {
        // Before the group: were this process killed in between, the guard would still be there.
        drop(self.home.take());
        end_group(&mut self.guard);
        let _ = self.child.wait();
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        self.finish();
    }
}

fn end_group(guard: &mut Child) {
    // Not after it was waited for: the number may be another group's by then.
    if matches!(guard.try_wait(), Ok(None)) {
        let _ = kill_process_group(Pid::from_child(guard), Signal::KILL);
        let _ = guard.wait();
    }
}

/// Most lines that are kept of a pipe.
const MOST_LINES: usize = 400;
/// Most bytes of a line; what is longer goes on as the next one.
const LONGEST_LINE: u64 = 4 << 10;

/// The last lines a pipe gave. It is drained whatever comes, so that the child never waits for us.
#[derive(Debug)]
struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    reading: Option<JoinHandle<()>>,
}

impl Tail {
    fn of(pipe: Option<impl Read + Send + 'static>, mut seen: impl FnMut(&str) + Send + 'static) -> Tail {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let reading = pipe.map(|pipe| {
            thread::spawn(move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = Vec::new();
                while pipe.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
                    seen(&text);
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push_back(text);
                    if kept.len() > MOST_LINES {
                        kept.pop_front();
                    }
                    line.clear();
                }
            })
        });
        Tail { lines, reading }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// All of them, once the child is gone.
    fn whole(&mut self) -> Vec<String> {
        // Only a process that left the group could still hold the pipe; it is not waited for.
        let patience = std::time::Instant::now() + std::time::Duration::from_millis(500);
        while self.reading.as_ref().is_some_and(|reading| !reading.is_finished())
            && std::time::Instant::now() < patience
        {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        self.lines()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;

    fn started(script: &str) -> (Lasting, mpsc::Receiver<String>) {
        let home = Home::make(&Environment::default()).expect("a directory");
        let program = home.path().join("program");
        aileron_testkit::script(&program, script);
        let (sender, receiver) = mpsc::channel();
        let seen = move |line: &str| drop(sender.send(line.to_owned()));
        (Lasting::start(&program, &[("ONLY", OsStr::new("this"))], home, seen).expect("started"), receiver)
    }

    fn is_alive(pid: &str) -> bool {
        // A zombie is not alive: its exit status has only not been collected yet.
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn it_has_the_given_environment_and_nothing_is_left_of_it_or_of_what_it_started() {
        let (lasting, lines) = started("/bin/sleep 1000 & echo $! ; echo ${ONLY}-${HOME}; touch left; echo $PWD; wait");
        let lines: Vec<String> = lines.iter().take(3).collect();
        assert_eq!(lines[1], "this-");
        assert!(is_alive(&lines[0]) && Path::new(&lines[2]).join("left").exists());
        let (stdout, _) = lasting.end();
        assert_eq!(stdout, lines);
        assert!(!is_alive(&lines[0]) && !Path::new(&lines[2]).exists());
    }

    #[test]
    fn how_it_ended_is_known_and_its_last_words_are_kept() {
        let (mut lasting, lines) = started("echo late >&2; exit 3");
        assert_eq!(lines.recv().ok(), None, "its output has ended");
        let status = loop {
            if let Some(status) = lasting.ended() {
                break status;
            }
            thread::yield_now();
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(lasting.end().1, ["late"]);
    }

    #[test] // hashicorp/terraform#22198
    fn a_home_is_short_enough_for_sockets_wherever_temporaries_are() {
        let temp = tempfile::tempdir().expect("a directory");
        let deep = temp.path().join("d".repeat(200));
        fs::create_dir(&deep).expect("a directory");
        let cases =
            [(temp.path(), true), (&deep, false), (Path::new("/nonexistent"), false), (Path::new("relative"), false)];
        for (place, is_used) in cases {
            let environment: Environment = [("TMPDIR".into(), place.into())].into_iter().collect();
            let home = Home::make(&environment).expect("a home");
            assert_eq!(home.path().starts_with(place), is_used, "{}", place.display());
            assert!(home.path().as_os_str().len() < 80);
            assert_eq!(home.path().metadata().expect("there").permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn what_cannot_be_started_leaves_no_guard() {
        let home = Home::make(&Environment::default()).expect("a directory");
        let path = home.path().to_owned();
        assert!(Lasting::start(&path.join("none"), &[], home, |_| ()).is_err());
        assert!(!path.exists());
    }
}
