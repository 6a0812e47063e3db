//! What a new repository costs beside writing the same files and committing them: `cargo bench --bench init`.
//!
//! Both are measured in one run, in turn, so the ratio holds whatever the machine. What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aileron_testkit::home::{TestHome, ok, tree};

/// Odd, so that the median is one of them.
const RUNS: usize = 15;

fn main() {
    let home = TestHome::new();
    let init = |dir: &Path, language: &str| {
        let dir = dir.to_str().expect("UTF-8").to_owned();
        let mut command = home.publisher(&["init", &dir, "--service", "tea", "--owner", "acme", "--yes"]);
        command.args(["--language", language]);
        command
    };
    println!("what                                   median    beside        ratio  at most");
    for language in ["wat", "go", "rust", "zig"] {
        let model = home.path(&format!("model-{language}"));
        ok(&mut init(&model, language));
        fs::remove_dir_all(model.join(".git")).expect("a repository");
        let (mut made, mut copied) = (Vec::new(), Vec::new());
        for run in 0..RUNS {
            let [one, other] = ["made", "copied"].map(|what| home.path(&format!("{what}-{language}-{run}")));
            made.push(timed(|| drop(ok(&mut init(&one, language)))));
            copied.push(timed(|| copy_and_commit(&home, &model, &other)));
        }
        let (made, copied) = (median(made), median(copied));
        let ratio = made.as_secs_f64() / copied.as_secs_f64();
        println!("init, {language:<30} {made:>8.1?}  {copied:>8.1?}  {ratio:>9.2}x     2.00x");
    }
}

/// The floor: the same files by hand, and the same three calls of git.
fn copy_and_commit(home: &TestHome, model: &Path, into: &PathBuf) {
    tree::copy(model, into);
    for words in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "-m", "Start"]] {
        let mut git: Command = home.command("git");
        ok(git.current_dir(into).args(words));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut runs: Vec<Duration>) -> Duration {
    runs.sort();
    runs[runs.len() / 2]
}
