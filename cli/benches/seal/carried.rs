//! A long answer: how fast it comes, and what memory the proxy holds meanwhile.
//!
//! The proxy is a process of its own, this program once more, so that its memory is its own: without the server's, and without
//! the 64 MiB that opening a vault takes once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use aileron_cli::runtime::seal::credential::Credentials;
use aileron_cli::secret::Secret;
use aileron_testkit::tls::{Authority, TlsServer};

use crate::{HOST, LONG, OTHER, PIECE, PIECES, REFERENCE, TOKEN, median, proxy};

/// How often each way is measured; odd.
const RUNS: usize = 5;
/// What a run may reach at most of curl's own speed, and hold at most, in MB.
const LEAST: f64 = 0.4;
const MOST: f64 = 40.0;

/// This program as the proxy.
pub(crate) struct Mode {
    server: SocketAddr,
    authority: PathBuf,
}

impl Mode {
    /// `--proxy ADDRESS AUTHORITY`.
    pub(crate) fn of_arguments() -> Option<Mode> {
        let mut arguments = std::env::args().skip_while(|argument| argument != "--proxy").skip(1);
        let server = arguments.next()?.parse().expect("an address");
        Some(Mode { server, authority: arguments.next().expect("the server's authority").into() })
    }

    /// Says where it is and whose certificates it shows, and once standard input ends, the most memory it had.
    pub(crate) fn run(self) {
        let authority = std::fs::read(&self.authority).expect("reads");
        let proxy = proxy(self.server, &authority, Arc::new(Fixed));
        std::fs::write(self.authority.with_extension("run"), proxy.authority()).expect("writes");
        println!("{}", String::from_utf8_lossy(proxy.url().expose()));
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        println!("{}", peak());
    }
}

struct Fixed;

impl Credentials for Fixed {
    fn credential(&self, reference: &str) -> Option<Arc<Secret>> {
        (reference == REFERENCE).then(|| Arc::new(Secret::from(TOKEN.to_owned())))
    }
}

/// The proxy's process.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    url: String,
    authority: Vec<u8>,
}

impl Running {
    fn start(server: &TlsServer, authority: &Authority, folder: &std::path::Path) -> Running {
        let place = folder.join("authority.der");
        std::fs::write(&place, authority.der()).expect("writes");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--proxy", &server.address().to_string()])
            .arg(&place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut url = String::new();
        lines.read_line(&mut url).expect("it says where it is");
        let authority = std::fs::read(place.with_extension("run")).expect("its authority");
        Running { child, lines, url: url.trim().to_owned(), authority }
    }

    /// Ends it; its peak in MB, 0 where the system does not tell.
    fn end(mut self) -> f64 {
        drop(self.child.stdin.take());
        let mut told = String::new();
        self.lines.read_line(&mut told).expect("it says its peak");
        self.child.wait().expect("it ended");
        told.trim().parse::<f64>().expect("a number") * 1024.0 / 1e6
    }
}

/// Curl directly, through a tunnel that is not looked into, and through one that is; in turn.
pub(crate) fn measure(authority: &Authority, server: &TlsServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let theirs = authority.write(&folder.path().join("theirs.pem"));
    let running = Running::start(server, authority, folder.path());
    let ours = folder.path().join("ours.pem");
    std::fs::write(&ours, pem(&running.authority)).expect("writes");
    let direct = || {
        let to = format!("{OTHER}:443:{}", server.address());
        speed(curl(OTHER).arg("--cacert").arg(&theirs).args(["--connect-to", &to]))
    };
    let tunnelled = || speed(curl(OTHER).arg("--cacert").arg(&theirs).env("HTTPS_PROXY", &running.url));
    let sealed = || speed(curl(HOST).arg("--cacert").arg(&ours).env("HTTPS_PROXY", &running.url));
    let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(direct());
        two.push(tunnelled());
        three.push(sealed());
    }
    let (one, two, three) = (median(one), median(two), median(three));
    let peak = running.end();
    println!("curl, one long answer                   MB/s    ratio  at least");
    println!("  directly                          {:>8.0}", one / 1e6);
    println!("  tunnelled, never decrypted        {:>8.0} {:>7.2}x", two / 1e6, two / one);
    println!("  sealed, TLS on both sides         {:>8.0} {:>7.2}x     {LEAST}x", three / 1e6, three / one);
    println!("peak memory of the proxy: {peak:.1} MB, less than {MOST} MB");
}

/// The whole answer, thrown away.
fn curl(host: &str) -> Command {
    let mut command = Command::new("curl");
    let write = "%{size_download} %{speed_download}";
    command.args(["--silent", "--show-error", "--fail", "--http1.1", "--output", "/dev/null", "--write-out", write]);
    command.arg(format!("https://{host}{LONG}")).env_remove("NO_PROXY").env_remove("no_proxy");
    command
}

/// Bytes a second, as curl has it.
fn speed(command: &mut Command) -> f64 {
    let output = command.output().expect("curl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let (size, speed) = told.split_once(' ').expect("two numbers");
    assert_eq!(size.parse(), Ok(PIECES * PIECE as u64), "all of it came");
    speed.trim().parse().expect("a number")
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("text")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// The most memory this process has had, in KiB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
