//! A whole process, measured: how long it takes, and how much memory it holds at most. Shared by the benches.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Reads a child's peak from the system; there is no safe way to do that from here.
const TIME: &str = "/usr/bin/time";

/// What a process took.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) time: Duration,
    /// Most bytes resident; none where it cannot be measured.
    pub(crate) peak: Option<u64>,
}

impl Spent {
    /// The median of the times, and the highest peak.
    pub(crate) fn median(runs: impl IntoIterator<Item = Spent>) -> Spent {
        let mut all: Vec<Spent> = runs.into_iter().collect();
        let peak = all.iter().filter_map(|spent| spent.peak).max();
        all.sort_by_key(|spent| spent.time);
        Spent { time: all[all.len() / 2].time, peak }
    }
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
