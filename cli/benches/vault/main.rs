//! What the vault costs beside what it cannot do without: `cargo bench --bench vault`.
//!
//! Unlocking beside the derivation alone, listing beside starting a process, one change beside writing and flushing its bytes,
//! a run by `aileron launch` beside one with a credential by hand.
//! Everything is measured in one run, so the ratios hold whatever the machine. What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aileron_cli::secret::Secret;
use aileron_cli::vault::custodian::Custodian;
use aileron_cli::vault::document::{Document, Entry};
use aileron_cli::vault::file::VaultFile;
use aileron_testkit::home::{TestHome, api_key, asking, installed};
use aileron_testkit::scripted::{Answer, Scripted};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Odd, so that the median is one of them; many, because a flush takes now half, now twice its usual time.
const RUNS: usize = 31;
/// What a long-used vault may hold.
const ENTRIES: usize = 1_000;
const PASSPHRASE: &str = "correct horse battery staple";

fn main() {
    // A process of its own that unlocks and tells its peak.
    if let Some(path) = std::env::args_os().skip_while(|argument| argument != "--unlock").nth(1) {
        VaultFile::at(path.into()).unlock(&passphrase()).expect("opens");
        println!("{}", peak());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder to work in");
    let home = folder.path().join(".aileron");
    let vault = VaultFile::at(home.join("secrets.json"));
    let custodian = vault.create(&passphrase()).expect("a vault");
    vault.change(Some(&custodian), |document| fill(document, &custodian)).expect("entries");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let size = std::fs::metadata(vault.path()).expect("there").len();
    println!("{ENTRIES} entries, {:.2} MB; {cores} cores\n", size as f64 / 1e6);
    println!("what                                            median    beside        ratio  at most");
    unlocking(&vault);
    listing(&home);
    changing(&vault, &custodian, folder.path());
    launched();
    let told = Command::new(std::env::current_exe().expect("this program")).arg("--unlock").arg(vault.path()).output();
    let kibibytes: u64 = String::from_utf8_lossy(&told.expect("it runs").stdout).trim().parse().expect("a number");
    println!("peak of a process that unlocks: {:.1} MiB, at most {} MiB", kibibytes as f64 / 1024.0, 64 + 24);
}

fn passphrase() -> Secret {
    Secret::from(PASSPHRASE.to_owned())
}

fn fill(document: &mut Document, custodian: &Custodian) -> Result<(), aileron_cli::vault::error::VaultError> {
    for number in 0..ENTRIES {
        let entry = Entry::new("api_key", custodian.seal(&Secret::from(vec![b'k'; 40]))?);
        let entry = entry.with_label("connector_fqn", &format!("github://acme/aileron-connector-s{number}"));
        document.put(format!("api_key/s{number}/work"), entry.with_label("created_at", "1777636800"));
    }
    Ok(())
}

/// The derivation alone: the same crate, the same threads, memory that is made and wiped the same way.
fn unlocking(vault: &VaultFile) {
    let document = vault.read().expect("reads").expect("there");
    let derive = || {
        let params = Params::new(64 << 10, 3, 4, Some(32)).expect("parameters");
        let mut memory = vec![Block::new(); params.block_count()];
        let mut key = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let salt = &document.header().salt;
        argon2.hash_password_into_with_memory(PASSPHRASE.as_bytes(), salt, &mut key, &mut memory).expect("derives");
        std::hint::black_box(key);
    };
    let unlock = || drop(vault.unlock(&passphrase()).expect("opens"));
    row("unlock, beside Argon2id alone", unlock, derive, 1.05);
}

/// Needs no key: a process that reads the file, beside one that reads nothing.
fn listing(home: &Path) {
    let aileron = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_aileron")).args(arguments).env("AILERON_HOME", home).output();
        assert!(output.expect("it runs").status.success(), "{arguments:?}");
    };
    row("binding list, beside --version", || aileron(&["binding", "list"]), || aileron(&["--version"]), 2.0);
}

/// One entry changed, beside writing and flushing that many bytes.
fn changing(vault: &VaultFile, custodian: &Custodian, folder: &Path) {
    let bytes = std::fs::read(vault.path()).expect("reads");
    let write = || {
        let mut file = File::create(folder.join("bare")).expect("a file");
        file.write_all(&bytes).and_then(|()| file.sync_all()).expect("writes");
    };
    let put = || {
        let change = |document: &mut Document| {
            document.put("secret/tea", Entry::new("secret", custodian.seal(&passphrase())?));
            Ok(())
        };
        vault.change(Some(custodian), change).expect("puts");
    };
    row("put, beside write and fsync of its bytes", put, write, 3.0);
    let document = vault.read().expect("reads").expect("there");
    for (what, part) in [
        ("  of a put: reading all entries", &(|| drop(vault.read().expect("reads"))) as &dyn Fn()),
        ("  of a put: rendering them", &|| drop(std::hint::black_box(document.render()))),
        ("  of a put: the lock", &|| vault.check_writable().expect("is writable")),
    ] {
        println!("{what:<44} {:>10}", milliseconds(median((0..RUNS).map(|_| timed(part)).collect())));
    }
}

/// An action whose connector sends a credential: run by `aileron launch`, which has it from the vault, beside one that is given
/// by hand. Two processes each time, the module compiled already.
fn launched() {
    const KEY: &str = "tea-key-0123456789";
    let service = Scripted::start(|_| Answer::ok("{}"));
    let home = TestHome::new();
    let host = service.address().to_string();
    let repository = home.scaffold("tea", "wat");
    asking(&repository, &format!("http://{host}/"), "api_key", &api_key(&host));
    installed(&repository, &home.path("registry"));
    let vault = VaultFile::at(home.home().join(".aileron/secrets.json"));
    let custodian = vault.create(&passphrase()).expect("a vault");
    let bind = |document: &mut Document| {
        let entry = Entry::new("api_key", custodian.seal(&Secret::from(KEY.to_owned()))?);
        document.put("api_key/tea/home", entry.with_label("connector_fqn", "github://acme/aileron-connector-tea"));
        Ok(())
    };
    vault.change(Some(&custodian), bind).expect("binds");
    home.write("passphrase.txt", PASSPHRASE);
    home.write("key.txt", KEY);
    let mut launch = home.command("aileron");
    launch.args(["launch", "--passphrase-file", "passphrase.txt"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut launch = launch.spawn().expect("it starts");
    let mut lines = BufReader::new(launch.stderr.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("Listening on"))), "it listens");
    let run = |line: &str| drop(home.ok(line));
    row(
        "action run by launch, beside one by hand",
        || run("aileron action run tea-ping"),
        || run("aileron action run tea-ping --credential-file key.txt"),
        1.5,
    );
    launch.kill().expect("it ends");
    launch.wait().expect("it ended");
}

/// Both alternate, so that what else the machine does is shared.
fn row(what: &str, ours: impl Fn(), bare: impl Fn(), at_most: f64) {
    let (mut times, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        times.push(timed(&ours));
        beside.push(timed(&bare));
    }
    let (time, bare) = (median(times), median(beside));
    let ratio = time.as_secs_f64() / bare.as_secs_f64();
    println!("{what:<44} {:>10} {:>10}  {ratio:>9.2}x    {at_most}x", milliseconds(time), milliseconds(bare));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn timed(work: impl Fn()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The most memory this process has had, in KiB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
