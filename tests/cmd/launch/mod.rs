//! `launch`: the vault is opened once; a program, or other terminals, run actions with it.

mod dialogue;
pub(crate) mod leaks;
mod program;
mod terminals;
mod unauthorized;

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Mutex;

use aileron_testkit::home::{Ran, TestHome, ended};
use rustix::process::Signal;
use serde_json::Value;

use crate::release::directory::signal;
use crate::run::running::{SECRET, api_key, asking, installed};
use crate::run::server::Server;
use crate::vault::PASSPHRASE;
use crate::vault::running::{CONNECTOR, bind};

/// A connector that asks this service with a credential of the vault; `tea-ping` runs at once, `tea-about` wants approval.
pub(crate) fn home(service: &Server) -> TestHome {
    let home = TestHome::new();
    {
        let repository = home.scaffold("tea", "wat");
        let action = repository.read("actions/tea-about/action.md");
        let (front, body) = action.split_once("\n+++\n\n").unwrap();
        let more =
            "[[inputs]]\nname = \"why\"\ntype = \"string\"\ndescription = \"Why\"\n[approval]\nrequired = true\n";
        repository.write("actions/tea-about/action.md", &format!("{front}\n{more}+++\n\n{body}"));
        let host = format!("127.0.0.1:{}", service.port());
        asking(&repository, &format!("http://{host}/me"), "api_key", &api_key(&host));
        installed(&repository, &home.path("registry"));
    }
    home.write("passphrase.txt", format!("{PASSPHRASE}\n"));
    bind(&home, &[("api_key/tea/home", CONNECTOR, SECRET)]);
    home
}

/// Keeps the usual port for this process, so that no test meets the server of another one where its own was before. Whether it
/// is kept: another program on this machine may have it.
fn usual_port_is_taken() -> bool {
    static TAKEN: Mutex<Option<TcpListener>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap();
    *taken = taken.take().or_else(|| TcpListener::bind(("127.0.0.1", 8721)).ok());
    taken.is_some()
}

/// `aileron launch` with these arguments, whose passphrase is in a file.
pub(crate) fn launch(home: &TestHome, program: &[&str]) -> Command {
    usual_port_is_taken();
    let mut command = home.consumer(&["launch", "--passphrase-file", "passphrase.txt"]);
    command.args(program);
    command
}

/// An `aileron launch` that serves. It does not outlive its test.
pub(crate) struct Launched {
    child: Option<Child>,
    errors: BufReader<ChildStderr>,
    pub(crate) port: u16,
    token: String,
}

impl Launched {
    /// One without a program.
    pub(crate) fn start(home: &TestHome) -> Launched {
        Launched::serving(home, &mut launch(home, &[]))
    }

    fn serving(home: &TestHome, command: &mut Command) -> Launched {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let port = listening(&mut errors);
        let announced = std::fs::read_to_string(home.home().join(".aileron/launch.json")).unwrap();
        let announced: Value = serde_json::from_str(&announced).unwrap();
        assert_eq!(announced["address"], format!("http://127.0.0.1:{port}/v1"));
        assert_eq!(announced["pid"], child.id());
        Launched { child: Some(child), errors, port, token: announced["token"].as_str().unwrap().to_owned() }
    }

    /// The next line on its standard error.
    pub(crate) fn line(&mut self) -> String {
        line(&mut self.errors)
    }

    /// Ends it as a person would, or otherwise.
    pub(crate) fn end(mut self, with: Signal) -> Ran {
        let child = self.child.take().unwrap();
        signal(&child, with);
        let mut stderr = String::new();
        self.errors.read_to_string(&mut stderr).unwrap();
        Ran { stderr, ..ended(child) }
    }

    /// A request with these lines of its head beside the first, as they are; `TOKEN` and `PORT` stand for ours.
    pub(crate) fn send(&self, first: &str, head: &[&str], body: &[u8]) -> Came {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut text = format!("{first} HTTP/1.1\r\n");
        for line in head {
            text += &(line.replace("TOKEN", &self.token).replace("PORT", &self.port.to_string()) + "\r\n");
        }
        if !head.iter().any(|line| line.to_lowercase().starts_with("content-length")) && !body.is_empty() {
            text += &format!("content-length: {}\r\n", body.len());
        }
        let _ = stream.write_all(&[text.as_bytes(), b"\r\n", body].concat()); // it may answer before it has read all
        Came::read(stream)
    }

    /// A request that is let in.
    pub(crate) fn ask(&self, first: &str, body: &str) -> Came {
        self.send(first, &["host: 127.0.0.1:PORT", "authorization: Bearer TOKEN"], body.as_bytes())
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An answer.
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) head: String,
    body: String,
}

impl Came {
    fn read(mut stream: TcpStream) -> Came {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Came { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.head, self.body))
    }
}

/// Reads up to the line that says where it listens.
pub(crate) fn listening(errors: &mut impl std::io::BufRead) -> u16 {
    loop {
        let line = line(errors);
        if let Some(address) = line.strip_prefix("✓ Listening on http://localhost:") {
            return address.trim_end().trim_end_matches("/v1").parse().unwrap();
        }
    }
}

fn line(errors: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    assert_ne!(errors.read_line(&mut line).unwrap(), 0, "it ended");
    line
}
