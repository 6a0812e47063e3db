//! What a Squad Aegis bundle costs: `cargo bench --bench aegis`.
//!
//! The hello plugin of the tests for two architectures, symbols kept, packed and signed, and verified, as whole processes,
//! beside what the host's scripts call for it. Everything is measured in one run, so the ratios hold whatever the machine.
//! What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

mod baseline;
#[path = "../measured/mod.rs"]
mod measured;
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aileron_verifier::aegis::zip::Archive;
use sha2::{Digest as _, Sha256};

use measured::Spent;

/// Odd, so that the median is one of them.
const RUNS: usize = 7;
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
/// A key that is public: a seed of 1 to 32 and its public key.
const PAIR: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";
const PUBLIC: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let dist = stage(root);
    baseline::prepare(root);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let size = |path: &Path| std::fs::metadata(path).expect("it is there").len();
    let executables: u64 = ARCHITECTURES.iter().map(|arch| size(&dist.join(format!("bin/linux-{arch}/hello")))).sum();
    println!("hello for {}, {executables} bytes; {cores} cores\n", ARCHITECTURES.join(" and "));
    println!("what                                          median    peak memory     ratio  wanted");

    let zip = root.join("ours.zip");
    let ours = Spent::median((0..RUNS).map(|_| process::pack(&dist, &zip, &root.join("pair"))));
    let theirs = Spent::median((0..RUNS).map(|_| baseline::pack(root, &dist)));
    let ratio = theirs.time.as_secs_f64() / ours.time.as_secs_f64();
    row("zip -r, sha256sum, openssl", &theirs, None, "");
    row("aegis pack --sign", &ours, Some(ratio), ">= 3, peak < 100 MB");
    let growth = 100.0 * (size(&zip) as f64 / size(&root.join("theirs.zip")) as f64 - 1.0);
    println!("{:<40} {:>11} {growth:>+24.2} %  <= 2 %", "  size of the zip, against zip -r", size(&zip));

    let ours = Spent::median((0..RUNS).map(|_| process::verify(&zip, PUBLIC)));
    let theirs = Spent::median((0..RUNS).map(|_| baseline::verify(root, &zip)));
    let ratio = theirs.time.as_secs_f64() / ours.time.as_secs_f64();
    row("unzip -p | sha256sum, openssl", &theirs, None, "");
    let most = format!(">= 2.5, peak <= {:.1} MB", (size(&zip) as f64 + 16e6) / 1e6);
    row("aegis verify", &ours, Some(ratio), &most);

    let bytes = std::fs::read(&zip).expect("it is there");
    let (alone, inside) = (median(RUNS, || alone(&bytes)), median(RUNS, || inside(&bytes)));
    println!("{:<40} {}", "inflate, then SHA-256, in this process", milliseconds(alone));
    let ratio = inside.as_secs_f64() / alone.as_secs_f64();
    println!("{:<40} {} {:>22.2} ×  <= 1.25", "verify in this process", milliseconds(inside), ratio);
    row("aegis try", &Spent::median((0..RUNS).map(|_| process::trial(&zip))), None, "<= 1500 ms");
    let start = Spent::median((0..RUNS).map(|_| process::nothing()));
    row("aileron-pub --version", &start, None, "what starting costs");
}

/// A staging directory of the plugin, built with its symbols from a repository that brings its SDK along.
fn stage(root: &Path) -> PathBuf {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/kit/go");
    let repository = root.join("repository");
    std::fs::create_dir(&repository).expect("a directory");
    let copy = |from: PathBuf, to: &str| {
        let copied = Command::new("cp").arg("-R").args([from, repository.join(to)]).status().expect("cp");
        assert!(copied.success());
    };
    copy(kit.join("sdk"), "sdk");
    copy(kit.join("extensions/go.sum"), "go.sum");
    copy(kit.join("extensions/hello-plugin/main.go"), "main.go");
    let module =
        std::fs::read_to_string(kit.join("extensions/go.mod")).expect("go.mod").replace("=> ../sdk", "=> ./sdk");
    std::fs::write(repository.join("go.mod"), module).expect("writes");
    std::fs::write(repository.join("manifest.json"), manifest()).expect("writes");
    let git = Command::new("git").args(["init", "-q"]).current_dir(&repository).status().expect("git");
    assert!(git.success());
    std::fs::write(root.join("pair"), PAIR).expect("writes");
    let dist = root.join("dist");
    process::build(&repository, &dist);
    // The author's manifest, whose checksums packing fills in.
    std::fs::write(dist.join("manifest.json"), manifest()).expect("writes");
    dist
}

fn manifest() -> String {
    let target = |arch: &&str| {
        format!(
            r#"{{"min_host_api_version":1,"required_capabilities":["api.log","api.rcon","events.rcon"],"target_os":"linux","target_arch":"{arch}","sha256":"REPLACE_WITH_BINARY_SHA256","library_path":"bin/linux-{arch}/hello"}}"#
        )
    };
    let targets: Vec<String> = ARCHITECTURES.iter().map(target).collect();
    format!(
        r#"{{"plugin_id":"com.example.plugins.hello","name":"Hello","version":"0.1.0","targets":[{}]}}"#,
        targets.join(",")
    )
}

/// What a verdict cannot do without: the library inflated whole, then hashed.
fn alone(zip: &[u8]) {
    let archive = Archive::read(zip).expect("a zip");
    let entry = archive.entries().iter().find(|entry| entry.name.ends_with(b"amd64/hello")).expect("the library");
    let body = usize::try_from(entry.offset).expect("small") + 30 + entry.name.len();
    let packed = &zip[body..body + usize::try_from(entry.packed).expect("small")];
    let mut unpacked = vec![0; usize::try_from(entry.unpacked).expect("small")];
    let mut inflate = flate2::Decompress::new(false);
    inflate.decompress(packed, &mut unpacked, flate2::FlushDecompress::Finish).expect("deflate data");
    std::hint::black_box(Sha256::digest(&unpacked));
}

/// The host's verdict.
fn inside(zip: &[u8]) {
    use aileron_verifier::aegis::time::Instant as Moment;
    use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
    use aileron_verifier::aegis::upload::{Host, examine};
    use aileron_verifier::aegis::verify::HostTrust;
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let now = Moment::new(i64::try_from(since).expect("small"), 0);
    let host = Host {
        trust: HostTrust { trusted: TrustStore::read(PUBLIC), revoked: Revocations::default(), now, skew: 300 },
        os: "linux".to_owned(),
        arch: "amd64".to_owned(),
        max_upload_size: 0,
        allow_unsafe: false,
        confirm_unsafe: false,
    };
    let examined = examine(zip, aileron_verifier::aegis::Kind::Plugin, &host).expect("a bundle");
    assert!(examined.verdict.is_verified());
}

fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..runs).map(time).collect();
    times.sort_unstable();
    times[runs / 2]
}

fn row(what: &str, spent: &Spent, ratio: Option<f64>, wanted: &str) {
    let peak = spent.peak.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} ×"));
    println!("{what:<40} {} {peak:>14} {ratio:>9}  {wanted}", milliseconds(spent.time));
}

fn milliseconds(time: Duration) -> String {
    format!("{:>9.1} ms", time.as_secs_f64() * 1e3)
}
