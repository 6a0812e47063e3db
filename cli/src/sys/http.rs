//! One request at a time, with a cap on everything a server decides: size, time, number and direction of redirects.

use std::io::Read;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{StatusCode, Url};

/// Total time of one fetch, body included, for what must be small. keyring.md §5.1.
pub const SMALL: Duration = Duration::from_secs(15);
/// Total time of one archive: 64 MiB at the slowest line worth waiting for.
pub const LARGE: Duration = Duration::from_secs(300);
/// Redirects that are followed. keyring.md §5.1.
const REDIRECTS: usize = 10;

/// Why there are no bytes. Absent, refused and unreachable are three answers.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The server says it has no such thing: 404 or 410.
    #[error("GET {url}: HTTP {status}")]
    Absent {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server answered with another status.
    #[error("GET {url}: HTTP {status}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// There was no answer, or it broke off.
    #[error("GET {url}: {why}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// The answer is longer than the cap.
    #[error("GET {url}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The cap in bytes.
        limit: u64,
    },
    /// Not a URL that is fetched: https, or http to this machine.
    #[error("{url} is not an https:// URL (http:// is for this machine only)")]
    Scheme {
        /// The URL.
        url: String,
    },
}

impl HttpError {
    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            HttpError::Refused { status, .. } => *status == 429 || *status >= 500,
            HttpError::Unreachable { .. } => true,
            HttpError::Absent { .. } | HttpError::TooLarge { .. } | HttpError::Scheme { .. } => false,
        }
    }
}

/// Fetches a public file: no credentials, proxies from the environment, roots from the platform.
///
/// # Errors
/// [`HttpError`]; nothing was written anywhere.
pub fn get(url: &str, limit: u64, patience: Duration) -> Result<Vec<u8>, HttpError> {
    let began = Instant::now();
    let unreachable = |error: reqwest::Error| unreachable(url, &error);
    let parsed = address(url).ok_or_else(|| HttpError::Scheme { url: url.to_owned() })?;
    let answer = client(patience).and_then(|client| client.get(parsed).send()).map_err(unreachable)?;
    let status = answer.status();
    let (url, code) = (url.to_owned(), status.as_u16());
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(HttpError::Absent { url, status: code }),
        _ => return Err(HttpError::Refused { url, status: code }),
    }
    body(answer, url, limit, began + patience)
}

/// The same stack for a client that runs in a runtime of its own, looks at redirects itself, and says who it is.
pub(crate) fn asynchronous(patience: Duration) -> Result<reqwest::Client, reqwest::Error> {
    one_tls_provider();
    reqwest::Client::builder().timeout(patience).redirect(Policy::none()).build()
}

fn one_tls_provider() {
    // Whichever thread is first installs it; that the others find one is the point.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that says who it is and follows redirects in safe directions only.
fn client(patience: Duration) -> Result<Client, reqwest::Error> {
    one_tls_provider();
    let agent = concat!("aileron/", env!("CARGO_PKG_VERSION"));
    Client::builder().timeout(patience).user_agent(agent).redirect(Policy::custom(follow)).build()
}

/// A URL that may be asked.
pub(crate) fn address(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(may_be_asked)
}

/// Reads the body up to the cap and the deadline: a server that drips one byte a second must not be waited for.
fn body(mut answer: impl Read, url: String, limit: u64, deadline: Instant) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = match answer.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(count) => count,
            Err(error) => return Err(HttpError::Unreachable { url, why: innermost(&error) }),
        };
        bytes.extend_from_slice(&chunk[..count]);
        if bytes.len() as u64 > limit {
            return Err(HttpError::TooLarge { url, limit });
        }
        if Instant::now() > deadline {
            return Err(HttpError::Unreachable { url, why: "timed out".to_owned() });
        }
    }
}

/// https anywhere; plain http only to this machine. artifacts.md §10.
fn may_be_asked(url: &Url) -> bool {
    let loopback = || match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback())
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("too many redirects");
    }
    if may_be_asked(attempt.url()) {
        attempt.follow()
    } else {
        attempt.error("redirected to something other than https")
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> HttpError {
    HttpError::Unreachable {
        url: url.to_owned(),
        why: if error.is_timeout() { "timed out".to_owned() } else { innermost(error) },
    }
}

/// The cause a person can act on is at the end of the chain: "connection refused", "no such host".
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    /// A server that gives each caller the next answer of the list, byte for byte, and then hangs up.
    fn serve(answers: Vec<Vec<u8>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                read_request(&mut stream);
                let _ = stream.write_all(&answer); // a caller may leave before the end
            }
        });
        base
    }

    fn read_request(stream: &mut TcpStream) {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            seen.push(byte[0]);
        }
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\n").as_bytes(), b"\r\n", body].concat()
    }

    fn with_length(body: &[u8], length: usize) -> Vec<u8> {
        answer(&format!("200 OK\r\nContent-Length: {length}"), body)
    }

    #[test] // artifacts.md §10: absent, refused and unreachable are told apart
    fn an_answer_is_bytes_or_says_why_not() {
        let limit = 1000;
        let get = |answers: Vec<Vec<u8>>| get(&serve(answers), limit, SMALL);
        assert_eq!(get(vec![with_length(b"hello", 5)]).unwrap(), b"hello");
        assert!(matches!(get(vec![answer("404 Not Found", b"")]), Err(HttpError::Absent { status: 404, .. })));
        for (head, retriable) in
            [("403 Forbidden", false), ("429 Too Many", true), ("500 Oops", true), ("204 No", false)]
        {
            let error = get(vec![answer(head, b"")]).unwrap_err();
            assert!(matches!(error, HttpError::Refused { .. }) && error.is_retriable() == retriable, "{head}: {error}");
        }
        let cut = get(vec![with_length(b"hell", 5)]).unwrap_err();
        assert!(matches!(cut, HttpError::Unreachable { .. }) && cut.is_retriable(), "{cut}");
        let gone = super::get("http://127.0.0.1:1/", limit, SMALL).unwrap_err();
        assert!(matches!(gone, HttpError::Unreachable { .. }), "{gone}");
    }

    #[test] // artifacts.md §10
    fn a_server_decides_neither_size_nor_time_nor_direction() {
        let get = |answers: Vec<Vec<u8>>| get(&serve(answers), 1000, SMALL);
        let long = get(vec![answer("200 OK", &[b'x'; 5000])]).unwrap_err();
        assert!(matches!(long, HttpError::TooLarge { limit: 1000, .. }), "{long}");
        for target in ["http://example.com/x", "file:///etc/passwd", "ftp://localhost/x"] {
            let error = get(vec![answer(&format!("302 Found\r\nLocation: {target}"), b"")]).unwrap_err();
            assert!(
                error.to_string().contains("other than https") || matches!(error, HttpError::Refused { .. }),
                "{target}: {error}"
            );
        }
        let round: Vec<Vec<u8>> = (0..20)
            .map(|_| answer("302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close", b""))
            .collect();
        assert!(get(round).unwrap_err().to_string().contains("too many redirects"));
        let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and never answers
        let url = format!("http://{}", silent.local_addr().unwrap());
        let error = super::get(&url, 1000, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().ends_with("timed out"), "{error}");
        for url in ["http://example.com/", "file:///etc/passwd", "no url"] {
            assert!(matches!(super::get(url, 1000, SMALL), Err(HttpError::Scheme { .. })), "{url}");
        }
    }
}
