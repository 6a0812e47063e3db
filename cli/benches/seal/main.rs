//! What the sealing proxy costs: `cargo bench --bench seal`.
//!
//! A gigabyte through it, TLS on both sides, beside curl that asks the same server directly; the memory that takes; and what is
//! added to a request on a connection that is there. Everything is measured in one run, so the ratios hold whatever the
//! machine. What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

mod carried;
mod warm;

use std::time::{Duration, Instant};

use aileron_cli::runtime::seal::credential::Credentials;
use aileron_cli::runtime::seal::dial::{Network, Override};
use aileron_cli::runtime::seal::proxy::{IDLE, Proxy, SealOptions};
use aileron_sandbox::host::http::Roots;
use aileron_testkit::tls::{Authority, Pieces, Reply, TlsServer};
use aileron_verifier::problem::Source;
use aileron_verifier::unit::{Effective, Layer, Origin, read_bindings};
use bytes::Bytes;

/// The host that is sealed.
const HOST: &str = "api.bench.example";
/// The host that has no entry.
const OTHER: &str = "other.bench.example";
/// Where the credential is.
const REFERENCE: &str = "user/bench";
/// The credential itself.
const TOKEN: &str = "bench-token-0123456789";
/// What is asked for when a long answer is wanted.
const LONG: &str = "/long";
/// A piece of a long answer, and how many of them make a gigabyte.
const PIECE: usize = 1_000_000;
const PIECES: u64 = 1_000;
/// A warm request, in runs. Odd, so that the median is one of them.
const RUNS: usize = 501;

fn main() {
    if let Some(mode) = carried::Mode::of_arguments() {
        return mode.run();
    }
    let authority = Authority::new();
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let server = TlsServer::start(&authority, &[HOST, OTHER], move |asked| match asked.target.as_str() {
        LONG => Reply { body: Pieces { piece: piece.clone(), left: PIECES }, ..Reply::default() },
        _ => Reply::ok("fine"),
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{} MB of answer; {cores} cores\n", PIECES * PIECE as u64 / 1_000_000);
    carried::measure(&authority, &server);
    println!();
    warm::measure(&authority, &server);
}

/// A proxy that seals [`HOST`] with [`REFERENCE`], and finds both hosts at `server`, by `authority`.
fn proxy(server: std::net::SocketAddr, authority: &[u8], credentials: std::sync::Arc<dyn Credentials>) -> Proxy {
    let document =
        format!("version: v1\nbindings:\n  - {{host: {HOST}, credential_ref: {REFERENCE}, scheme: bearer}}\n");
    let mut table = Effective::default();
    for entry in read_bindings(&Source::new("bindings.yaml", document)).expect("a binding document") {
        table.add_binding(entry, Origin::of(Layer::User, "bindings.yaml"));
    }
    let at = |host: &str| Override { host: host.to_owned(), address: server };
    let network = Network {
        roots: Roots::Only(vec![authority.to_vec()]),
        overrides: vec![at(HOST), at(OTHER)],
        ..Network::default()
    };
    let now = std::time::SystemTime::now;
    Proxy::start(SealOptions { table, credentials, network, idle: IDLE, log: None, now }).expect("a proxy")
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let made = work();
    (made, start.elapsed())
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    values[values.len() / 2]
}
