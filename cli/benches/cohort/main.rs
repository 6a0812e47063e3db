//! What a cohort of linear's size costs, beside the shell loop this tool replaces: `cargo bench --bench cohort`.
//!
//! Everything is measured in one run, so the ratios hold whatever the machine. The product's own functions are called,
//! none is rebuilt here. What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../measured/mod.rs"]
mod measured;
mod parts;
mod process;
mod repository;
mod shell;

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use aileron_cli::consumer::fetch::origin::Origin;
use aileron_cli::consumer::verify::{self, Subject};
use aileron_cli::publisher::release::{self, Proven, SignedBy};
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::trust::keyring::Keyring;

use measured::Spent;
use repository::{Connector, Repository};

/// Runs of everything that takes milliseconds; odd, so that the median is one of them.
const RUNS: usize = 15;
/// Runs of the shell loop, which takes seconds.
const SHELL_RUNS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a folder to work in");
    let small = Repository::make(&folder.path().join("small"), Connector::Text);
    let large = Repository::make(&folder.path().join("large"), Connector::Go);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{} actions, {}; {cores} cores\n", small.actions, small.origin);

    making(&small);
    verifying(&large, folder.path());
    approving(&large, folder.path());
    comparing(&small, folder.path());
    println!("{}", parts::table(&small));
}

/// Bind, hash, sign, pack and prove, beside a loop that binds, signs and packs.
fn making(repository: &Repository) {
    let rounds: Vec<Round> = (0..RUNS).map(|_| Round::run(repository)).collect();
    let loops: Vec<Duration> = (0..SHELL_RUNS).map(|_| shell::run(repository)).collect();
    shell::archives(repository).for_each(|archive| {
        let ring = Keyring::of_keys([repository.public]);
        Unverified::new(archive).verify(&Wanted::default(), &ring).expect("the loop's archives verify as well");
    });
    let of = |part: fn(&Round) -> Duration| median(rounds.iter().map(part));
    let shell = median(loops);
    let made = of(|round| round.made());
    let whole = of(|round| round.ready + round.made());
    println!("making the cohort                                     median   per action     ratio");
    for (what, time) in [
        ("bash: sed, openssl, tar for each action", shell),
        ("bind, hash, sign, pack, prove", made),
        ("  the same, repository read and checked first", whole),
    ] {
        let each = time.as_secs_f64() * 1e6 / repository.actions as f64;
        let ratio = shell.as_secs_f64() / time.as_secs_f64();
        println!("  {what:<46} {} {each:>9.0} µs {ratio:>8.0} ×", milliseconds(time));
    }
    println!();
    for (what, time) in [
        ("read (git included), check", of(|round| round.ready)),
        ("bind and hash", of(|round| round.bind)),
        ("sign", of(|round| round.sign)),
        ("pack", of(|round| round.pack)),
        ("prove", of(|round| round.prove)),
    ] {
        println!("    {what:<44} {}", milliseconds(time));
    }
    println!();
}

/// One pass of the pipeline, up to where a registry would be written.
struct Round {
    ready: Duration,
    bind: Duration,
    sign: Duration,
    pack: Duration,
    prove: Duration,
}

impl Round {
    fn run(repository: &Repository) -> Round {
        let request = repository.request();
        repository.with_world(|world| {
            let (ready, ready_in) = timed(|| release::ready(&request, world).expect("a repository without faults"));
            let (key, unlock) = timed(|| release::unlock(&ready, &request, world).expect("the committed key"));
            let (bound, bind_in) = timed(|| release::bind(ready, &request, world).expect("binds"));
            let built = release::build(bound, &request, world).expect("a prebuilt module");
            let (pinned, pin_in) = timed(|| release::pin(built, world).expect("pins"));
            let (signed, sign) = timed(|| release::sign(pinned, SignedBy::Key(key), world).expect("signs"));
            let (packed, pack) = timed(|| release::pack(signed, world).expect("packs"));
            let (proven, prove) = timed(|| release::prove(packed, world).expect("proves"));
            assert_eq!(proven.artifacts().count(), repository.actions + 1);
            Round { ready: ready_in, bind: bind_in + pin_in, sign: unlock + sign, pack, prove }
        })
    }

    fn made(&self) -> Duration {
        self.bind + self.sign + self.pack + self.prove
    }
}

/// `verify` of a whole cohort with a connector of the usual size: in this process, and as users run it.
fn verifying(repository: &Repository, folder: &Path) {
    let registry = folder.join("registry");
    let release = process::release(process::PUBLISHER.as_ref(), repository, &registry);
    let proven: Proven = repository.with_world(|world| release::make(&repository.request(), world).expect("a cohort"));
    let archives = proven.artifacts().count();
    let ring = Keyring::of_keys([repository.public]);
    let subject = Subject::Directory(registry.clone());
    let judge = || verify::verify(&subject, None, &Origin::directory("."), &ring, &|_| ()).expect("archives");
    let inside = median((0..RUNS).map(|_| {
        let (judged, time) = timed(judge);
        assert_eq!(judged.iter().filter(|verification| verification.verdict.is_ok()).count(), archives);
        time
    }));
    let outside = Spent::median((0..RUNS).map(|_| process::verify(repository, &registry)));
    println!("{archives} archives, connector of {:.2} MB ({})", repository.wasm_size as f64 / 1e6, repository.module);
    println!("                                                      median    peak memory");
    println!("  {:<46} {}", "verify them in this process", milliseconds(inside));
    println!("  {:<46} {} {}", "aileron verify DIR", milliseconds(outside.time), memory(outside.peak));
    println!(
        "  {:<46} {} {}\n",
        "aileron-pub release, into an empty directory",
        milliseconds(release.time),
        memory(release.peak)
    );
}

/// `approve` beside `pack`, as users run them, both with a module that is built already.
fn approving(repository: &Repository, folder: &Path) {
    let registry = folder.join("proposed");
    let proposed = process::propose(repository, &registry);
    let (mut packed, mut approved) = (Vec::new(), Vec::new());
    for number in 0..RUNS {
        packed.push(process::pack(repository, &folder.join(format!("packed-{number}"))));
        // Not the registry of the run before, in which the approval is there already.
        let fresh = folder.join(format!("proposed-{number}"));
        process::propose(repository, &fresh);
        approved.push(process::approve(repository, &fresh));
    }
    let (pack, approve) = (Spent::median(packed), Spent::median(approved));
    println!("as a process, from start to exit                      median    peak memory     ratio");
    println!("  {:<46} {} {}", "aileron-pub pack", milliseconds(pack.time), memory(pack.peak));
    let ratio = approve.time.as_secs_f64() / pack.time.as_secs_f64();
    println!("  {:<46} {} {} {ratio:>8.2} ×", "aileron-pub approve", milliseconds(approve.time), memory(approve.peak));
    let (time, peak) = (milliseconds(proposed.time), memory(proposed.peak));
    println!("  {:<46} {time} {peak}\n", "aileron-pub release --propose");
}

/// Whole processes of another build and of this one, in turn, so that both meet the machine in the same state.
fn comparing(repository: &Repository, folder: &Path) {
    let Some(baseline) = std::env::var_os(process::BASELINE) else { return };
    println!("as a process, from start to exit                    baseline    this build     ratio");
    // No registry is removed before the end: ext4 does not give out the inodes of files that were just removed, and looks
    // at each of them, so that a run would pay for the removal of the one before.
    let registries = std::cell::Cell::new(0);
    let release = |program: &OsStr| {
        registries.set(registries.get() + 1);
        process::release(program, repository, &folder.join(format!("compared-{}", registries.get()))).time
    };
    let check = |program: &OsStr| process::check(program, repository, None).time;
    let check_version = |program: &OsStr| process::check(program, repository, Some("v0.1.0")).time;
    compared("aileron-pub check", &baseline, check);
    compared("aileron-pub check v0.1.0", &baseline, check_version);
    compared("aileron-pub release, into an empty directory", &baseline, release);
    println!();
}

fn compared(what: &str, baseline: &OsStr, run: impl Fn(&OsStr) -> Duration) {
    let pairs: Vec<_> = (0..RUNS).map(|_| (run(baseline), run(process::PUBLISHER.as_ref()))).collect();
    let before = median(pairs.iter().map(|(before, _)| *before));
    let after = median(pairs.iter().map(|(_, after)| *after));
    let ratio = before.as_secs_f64() / after.as_secs_f64();
    println!("  {what:<46} {} {} {ratio:>8.2} ×", milliseconds(before), milliseconds(after));
}

fn memory(peak: Option<u64>) -> String {
    peak.map_or("  (no /usr/bin/time)".to_owned(), |bytes| format!("{:>11.1} MB", bytes as f64 / 1e6))
}

fn milliseconds(time: Duration) -> String {
    format!("{:>9.1} ms", time.as_secs_f64() * 1e3)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let made = work();
    (made, start.elapsed())
}

fn median(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort();
    times[times.len() / 2]
}
