//! A terminal with a program in it, and a person who reads what it says before typing.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A program on a terminal of its own.
pub struct Terminal {
    person: File,
    child: Child,
    said: String,
}

impl Terminal {
    /// Starts a command with a terminal for its input, output and errors.
    pub fn start(command: &Command) -> Terminal {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).and_then(|()| unlockpt(&person)).expect("a terminal");
        let size = Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person, size).expect("a size");
        let name = ptsname(&person, Vec::new()).expect("a name").into_string().expect("UTF-8");
        let open = || Stdio::from(File::options().read(true).write(true).open(&name).expect("the other end"));
        // A session of its own, whose terminal it is: Ctrl-C reaches it, and nobody else.
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args()).env_clear();
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.current_dir(command.get_current_dir().expect("a directory")).env("TERM", "xterm");
        let child = session.stdin(open()).stdout(open()).stderr(open()).spawn().expect("setsid");
        Terminal { person: File::from(person), child, said: String::new() }
    }

    /// Reads until this text has come since the last one.
    pub fn until(&mut self, text: &str) {
        let from = self.said.len();
        while !self.said[from..].contains(text) {
            assert!(self.more(), "it ended without {text:?}: {}", self.said);
        }
    }

    /// Types these bytes.
    pub fn types(&mut self, bytes: &str) {
        self.person.write_all(bytes.as_bytes()).expect("the terminal takes it");
    }

    /// Its exit code, and all it said.
    pub fn end(mut self) -> (i32, String) {
        while self.more() {}
        let status = self.child.wait().expect("it was started");
        (status.code().unwrap_or(-1), self.said)
    }

    /// The window is closed: the end of its input. Returns when the program has ended.
    ///
    /// # Panics
    /// Where it has not ended after a minute.
    pub fn closes(self) {
        let Terminal { person, mut child, said } = self;
        drop(person);
        let (ended, end) = std::sync::mpsc::channel();
        let id = rustix::process::Pid::from_child(&child);
        std::thread::spawn(move || ended.send(child.wait()));
        if end.recv_timeout(std::time::Duration::from_secs(60)).is_err() {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            panic!("its terminal is gone, and it waits: {said}");
        }
    }

    /// Reads on; false at the end, which Linux reports as an error.
    ///
    /// # Panics
    /// Where nothing comes for a minute: the program waits for an answer that nobody gives.
    fn more(&mut self) -> bool {
        let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&self.person, PollFlags::IN)], Some(&minute)).expect("a terminal");
        if ready == 0 {
            let _ = self.child.kill();
            panic!("it waits: {}", self.said);
        }
        let mut buffer = [0; 4096];
        match self.person.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.said.push_str(&String::from_utf8_lossy(&buffer[..count]));
                true
            }
        }
    }
}
