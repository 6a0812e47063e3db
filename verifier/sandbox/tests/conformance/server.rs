//! A small HTTP/1.1 server on a local port: remembers every request, answers as it is told, keeps connections open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Heard {
    /// Every value of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }
}

/// What goes back: the status line's end, more header lines, the body.
pub struct Reply {
    pub status: &'static str,
    pub headers: String,
    pub body: Vec<u8>,
}

pub fn reply(status: &'static str, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, headers: String::new(), body: body.into() }
}

/// Serves until the process ends.
pub struct Server {
    pub port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&heard));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || serve(&stream, &*answer, &log));
            }
        });
        Server { port, heard }
    }

    /// `host:port`, as a manifest grants it.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

/// Answers requests of one connection until it closes. A client that hangs up is nobody's failure.
fn serve(stream: &TcpStream, answer: &dyn Fn(&Heard) -> Reply, log: &Mutex<Vec<Heard>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let (line, headers) = lines.split_first()?;
        let headers: Vec<_> = headers
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut heard = Heard { line: line.clone(), headers, body: Vec::new() };
        let length = heard.header("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
        heard.body.resize(length, 0);
        reader.read_exact(&mut heard.body).ok()?;
        log.lock().unwrap().push(heard.clone());
        let Reply { status, headers, body } = answer(&heard);
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}
