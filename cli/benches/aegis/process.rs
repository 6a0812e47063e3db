//! Whole processes: how long they take, and how much memory they hold at most.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Reads a child's peak from the system; there is no safe way to do that from here.
const TIME: &str = "/usr/bin/time";
const PUBLISHER: &str = env!("CARGO_BIN_EXE_aileron-pub");

/// What a process took.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) time: Duration,
    /// Most bytes resident; none where it cannot be measured.
    pub(crate) peak: Option<u64>,
}

impl Spent {
    /// The median of the times, and the highest peak.
    pub(crate) fn median(runs: usize, mut run: impl FnMut() -> Spent) -> Spent {
        let mut all: Vec<Spent> = (0..runs).map(|_| run()).collect();
        let peak = all.iter().filter_map(|spent| spent.peak).max();
        all.sort_by_key(|spent| spent.time);
        Spent { time: all[runs / 2].time, peak }
    }
}

/// `aegis build --keep-symbols`.
pub(crate) fn build(repository: &Path, out: &Path) {
    let mut command = Command::new(PUBLISHER);
    command.args(["aegis", "build", "--keep-symbols", "--quiet", "--out"]).args([out, repository]);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `aegis pack --sign`.
pub(crate) fn pack(dist: &Path, zip: &Path, key: &Path) -> Spent {
    let _ = fs::remove_file(zip);
    spent(PUBLISHER.as_ref(), |command| {
        command.args(["aegis", "pack", "--sign", "--key-id", "bench", "--json", "--key"]).args([key, dist]);
        command.arg("--out").arg(zip)
    })
}

/// `aegis verify`.
pub(crate) fn verify(zip: &Path, public: &str) -> Spent {
    spent(PUBLISHER.as_ref(), |command| command.args(["aegis", "verify", "--json", "--trust", public]).arg(zip))
}

/// What starting the program costs.
pub(crate) fn nothing() -> Spent {
    spent(PUBLISHER.as_ref(), |command| command.arg("--version"))
}

/// Runs a program that must succeed.
pub(crate) fn spent(program: &OsStr, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Spent {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("peak");
    let mut command = match Path::new(TIME).is_file() {
        true => {
            let mut command = Command::new(TIME);
            command.args(["-f", "%M", "-o"]).arg(&report).arg(program);
            command
        }
        false => Command::new(program),
    };
    let start = Instant::now();
    let output = arguments(&mut command).output().expect("it runs");
    let time = start.elapsed();
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    let kibibytes = fs::read_to_string(report).ok().and_then(|text| text.trim().parse::<u64>().ok());
    Spent { time, peak: kibibytes.map(|kibibytes| kibibytes * 1024) }
}
