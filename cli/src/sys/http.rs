//! One request at a time, with a cap on everything a server decides: size, time, number and direction of redirects.
//!
//! A body is taken as it comes: no `Content-Encoding` is asked for, none is undone, so that nothing unpacks itself on the
//! way in and the cap counts what was sent. Not here: what an answer means, where credentials come from.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, StatusCode, Url};

use super::address::{Address, redacted};
use crate::secret::Secret;

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
    /// The server sends on to where this program does not go, or for ever.
    #[error("GET {url}: {why}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where to, or how often.
        why: String,
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
            HttpError::Absent { .. }
            | HttpError::Redirect { .. }
            | HttpError::TooLarge { .. }
            | HttpError::Scheme { .. } => false,
        }
    }
}

/// Host names to addresses; port 0 stands for the address's own.
pub type Resolver = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// What differs between this machine and a test of it. Proxies come from the environment in any case.
#[derive(Clone)]
pub struct Options {
    /// The only certificates that vouch for servers, as DER [default: the platform's; `SSL_CERT_FILE` is honoured there].
    pub roots: Option<Vec<Vec<u8>>>,
    /// Who knows the addresses of hosts [default: the system].
    pub resolver: Option<Resolver>,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a server may say nothing.
    pub idle: Duration,
    /// Total time of any fetch, where that is less than what it may take.
    pub longest: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            roots: None,
            resolver: None,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            longest: Duration::MAX,
        }
    }
}

/// The web as one run sees it: connections are kept, and made on first use.
pub struct Web {
    options: Options,
    client: OnceLock<Result<Client, String>>,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// Sent to the address's own host only; a redirect elsewhere goes without it. artifacts.md §10.
    pub token: Option<&'a Secret>,
    /// The form of answer that is wanted.
    pub accept: &'a str,
    /// Most bytes of the answer.
    pub limit: u64,
    /// Most time for all of it.
    pub total: Duration,
}

impl<'a> Request<'a> {
    /// A public file.
    pub fn public(url: &'a str, limit: u64, total: Duration) -> Request<'a> {
        Request { url, token: None, accept: "*/*", limit, total }
    }
}

impl Default for Web {
    fn default() -> Web {
        Web::new(Options::default())
    }
}

impl Web {
    /// The web through these options.
    pub fn new(options: Options) -> Web {
        Web { options, client: OnceLock::new() }
    }

    /// Fetches what is asked for.
    ///
    /// # Errors
    /// [`HttpError`]; nothing was written anywhere.
    pub fn get(&self, request: &Request<'_>) -> Result<Vec<u8>, HttpError> {
        let limit = request.limit;
        let total = request.total.min(self.options.longest);
        let idle = self.options.idle.min(total);
        let deadline = Instant::now() + total;
        let parsed =
            address(request.url).ok_or_else(|| HttpError::Scheme { url: Address::of(request.url).to_string() })?;
        let url = &Address::of(parsed.as_str()).to_string();
        let made = self.client.get_or_init(|| build(&self.options).map_err(|error| innermost(&error)));
        let client = made.as_ref().map_err(|why| HttpError::Unreachable { url: url.to_owned(), why: why.clone() })?;
        let mut asking = client.get(parsed).timeout(idle).header(ACCEPT, request.accept);
        if let Some(token) = request.token {
            let header = bearer(token).ok_or_else(|| HttpError::Unreachable {
                url: url.to_owned(),
                why: "the token holds characters that no header may have".to_owned(),
            })?;
            asking = asking.header(AUTHORIZATION, header);
        }
        let answer = asking.send().map_err(|error| failed(url, &error))?;
        let status = answer.status();
        let (url, code) = (url.to_owned(), status.as_u16());
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(HttpError::Absent { url, status: code }),
            status if status.is_redirection() => {
                let to = answer.headers().get(LOCATION).map(|to| astray(&String::from_utf8_lossy(to.as_bytes())));
                let why = to.unwrap_or_else(|| format!("HTTP {code}, and does not say where to"));
                return Err(HttpError::Redirect { url, why });
            }
            _ => return Err(HttpError::Refused { url, status: code }),
        }
        if answer.content_length().is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge { url, limit });
        }
        body(answer, url, limit, deadline)
    }
}

/// The header that carries a token, white space around the token left out; `None` where it holds what no header may have.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let bytes = zeroize::Zeroizing::new([b"Bearer ", token.expose().trim_ascii()].concat());
    let mut value = HeaderValue::from_bytes(&bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Fetches a public file: no credentials, proxies from the environment, roots from the platform.
///
/// # Errors
/// [`HttpError`]; nothing was written anywhere.
pub fn get(url: &str, limit: u64, total: Duration) -> Result<Vec<u8>, HttpError> {
    Web::default().get(&Request::public(url, limit, total))
}

/// The same stack for a client that runs in a runtime of its own, looks at redirects itself, and says who it is.
pub(crate) fn asynchronous(patience: Duration) -> Result<reqwest::Client, reqwest::Error> {
    one_tls_provider();
    let connect = Options::default().connect;
    reqwest::Client::builder().connect_timeout(connect).timeout(patience).redirect(Policy::none()).build()
}

fn one_tls_provider() {
    // Whichever thread is first installs it; that the others find one is the point.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that says who it is and follows redirects in safe directions only.
fn build(options: &Options) -> Result<Client, reqwest::Error> {
    one_tls_provider();
    let agent = concat!("aileron/", env!("CARGO_PKG_VERSION"));
    let identity = [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))];
    let mut builder = Client::builder()
        .connect_timeout(options.connect)
        .timeout(options.idle)
        .user_agent(agent)
        .default_headers(identity.into_iter().collect())
        .referer(false)
        .redirect(Policy::custom(follow));
    if let Some(resolver) = &options.resolver {
        builder = builder.dns_resolver(Arc::new(Injected(resolver.clone())));
    }
    if let Some(roots) = &options.roots {
        let roots = roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
        builder = builder.tls_certs_only(roots);
    }
    builder.build()
}

struct Injected(Resolver);

impl Resolve for Injected {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str());
        Box::pin(async move { Ok(Box::new(found?.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>) })
    }
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
            Err(error) => return Err(HttpError::Unreachable { url, why: plainly(&innermost(&error)) }),
        };
        if (bytes.len() + count) as u64 > limit {
            return Err(HttpError::TooLarge { url, limit });
        }
        if bytes.capacity() < bytes.len() + count {
            // Doubling, and from a quarter of the cap on all of it: a body at the cap must not cost twice the cap.
            let doubled = 2 * bytes.capacity() as u64;
            let wanted = if doubled > limit / 2 { limit } else { doubled };
            bytes.reserve_exact((wanted as usize).max(bytes.len() + count) - bytes.len());
        }
        bytes.extend_from_slice(&chunk[..count]);
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

/// The library drops `Authorization` when the host or the port changes; here is decided where a redirect may lead at all.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("too many redirects");
    }
    if may_be_asked(attempt.url()) {
        return attempt.follow();
    }
    let why = astray(attempt.url().as_str());
    attempt.error(why)
}

fn astray(target: &str) -> String {
    format!("redirected to {}, which is not https:// (http:// is for this machine only)", Address::of(target))
}

fn failed(url: &str, error: &reqwest::Error) -> HttpError {
    let url = url.to_owned();
    match error {
        error if error.is_redirect() => HttpError::Redirect { url, why: innermost(error) },
        error if error.is_timeout() => HttpError::Unreachable { url, why: "timed out".to_owned() },
        error => HttpError::Unreachable { url, why: plainly(&innermost(error)) },
    }
}

/// The few causes whose own words say nothing to a person.
fn plainly(cause: &str) -> String {
    match cause {
        "operation timed out" => "timed out".to_owned(),
        "end of file before message length reached" | "connection closed before message completed" => {
            "the connection ended before the whole answer had come".to_owned()
        }
        "UnknownIssuer" | "invalid peer certificate: UnknownIssuer" => {
            "the server's certificate is by an issuer this machine does not know (SSL_CERT_FILE names others)"
                .to_owned()
        }
        other => other.to_owned(),
    }
}

/// The cause a person can act on is at the end of the chain: "connection refused", "no such host". An address in it is shown
/// as an [`Address`] is.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    redacted(&cause.to_string(), &[])
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
        let get = |answers: Vec<Vec<u8>>| super::get(&serve(answers), 1000, SMALL);
        let long = get(vec![answer("200 OK", &[b'x'; 5000])]).unwrap_err();
        assert!(matches!(long, HttpError::TooLarge { limit: 1000, .. }), "{long}");
        for target in ["http://example.com/x", "file:///etc/passwd", "ftp://localhost/x"] {
            let error = get(vec![answer(&format!("302 Found\r\nLocation: {target}"), b"")]).unwrap_err();
            assert!(
                matches!(&error, HttpError::Redirect { why, .. } if why.contains(target)) && !error.is_retriable(),
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
