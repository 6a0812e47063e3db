//! What installing a suite of linear's size costs, and judging it again: `cargo bench --bench install`.
//!
//! 516 actions and a Go connector, from a directory mirror, input rules waived. Whole processes, as users run them, and the
//! parts of one install in this process. What the rows mean: `../README.md`.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../measured/mod.rs"]
#[expect(dead_code, reason = "shared with the other bench, which verifies directories and compares programs")]
mod measured;
#[path = "../cohort/process.rs"]
#[expect(dead_code, reason = "shared with the other bench, which verifies directories and compares programs")]
mod process;
#[path = "../cohort/repository.rs"]
#[expect(dead_code, reason = "shared with the other bench, which makes small connectors too")]
mod repository;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aileron_cli::consumer::fetch::origin::Origin;
use aileron_cli::consumer::install::Installer;
use aileron_cli::consumer::trust::prompt::Console;
use aileron_cli::consumer::trust::ring::RingFile;
use aileron_cli::store::Store;
use aileron_verifier::name::fqn::{Authority, Ref};
use aileron_verifier::rules;
use aileron_verifier::trust::keyring::Keyring;

use repository::{Connector, Repository};

/// Odd, so that the median is one of them.
const RUNS: usize = 7;

fn main() {
    let folder = tempfile::tempdir().expect("a folder to work in");
    let repository = Repository::make(&folder.path().join("large"), Connector::Go);
    let registry = folder.path().join("registry");
    process::release(process::PUBLISHER.as_ref(), &repository, &registry);
    let reference = released(&repository);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{} actions, {}; connector of {:.2} MB ({}); {cores} cores\n",
        repository.actions,
        repository.origin,
        repository.wasm_size as f64 / 1e6,
        repository.module
    );
    let bench = Bench { registry: &registry, reference: &reference, repository: &repository };
    bench.processes(folder.path());
    bench.parts(folder.path());
}

fn released(repository: &Repository) -> Ref {
    let manifest = std::fs::read_to_string(repository.root.join("connector/manifest.toml")).expect("reads");
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).expect("a name");
    format!("{name}@0.1.0").parse().expect("a Ref")
}

struct Bench<'a> {
    registry: &'a Path,
    reference: &'a Ref,
    repository: &'a Repository,
}

/// A consumer's program, and the homes it installed into.
struct Program {
    path: PathBuf,
    homes: Vec<PathBuf>,
}

impl Program {
    fn at(path: PathBuf, folder: &Path, name: &str) -> Program {
        Program { path, homes: (0..RUNS).map(|run| folder.join(format!("{name}{run}"))).collect() }
    }

    /// `arguments`, with what is installed in one of the homes.
    fn run(&self, home: usize, arguments: &[&str]) -> Duration {
        let mut command = Command::new(&self.path);
        command.args(arguments).arg("--json").env("AILERON_HOME", &self.homes[home]);
        let (output, time) = timed(|| command.output().expect("it runs"));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        time
    }
}

impl Bench<'_> {
    fn install(&self, program: &Program, home: usize) -> Duration {
        let (reference, registry) = (self.reference.to_string(), self.registry.display().to_string());
        let mut arguments = vec!["action", "add-suite", &reference, "--from", &registry, "--yes"];
        arguments.extend(rules::waivers().flat_map(|waiver| ["--allow", waiver.rule().id()]));
        program.run(home, &arguments)
    }

    /// As users run it; beside another build where one is named.
    fn processes(&self, folder: &Path) {
        let mut programs = vec![Program::at(env!("CARGO_BIN_EXE_aileron").into(), folder, "home")];
        if let Some(publisher) = std::env::var_os(process::BASELINE) {
            programs.push(Program::at(Path::new(&publisher).with_file_name("aileron"), folder, "before"));
        }
        println!("as a process, from start to exit                      median   per artifact");
        let row = |what: &str, measure: &dyn Fn(&Program, usize) -> Duration| self.row(what, &programs, measure);
        row("aileron action add-suite", &|program, run| self.install(program, run));
        row("aileron action add-suite, installed already", &|program, _| self.install(program, 0));
        let verify = ["verify", "--installed"];
        row("aileron verify --installed --full", &|program, _| program.run(0, &["verify", "--installed", "--full"]));
        // What was just written is not remembered before the file system's clock has ticked.
        std::thread::sleep(Duration::from_millis(2500));
        row("aileron verify --installed, cold", &|program, run| {
            std::fs::remove_dir_all(program.homes[run].join("cache")).expect("a memory");
            program.run(run, &verify)
        });
        row("aileron verify --installed, warm", &|program, _| program.run(0, &verify));
        row("aileron action list", &|program, _| program.run(0, &["action", "list"]));
        if self.repository.module == "Go" {
            let connector = self.reference.to_string();
            let about = ["connector", "run", &connector, "about"];
            for program in &programs {
                program.run(0, &about); // compiles it
            }
            row("aileron connector run, compiled already", &|program, _| program.run(0, &about));
        }
        println!();
    }

    /// Each run of this build follows one of the other, so that what else the machine does is shared.
    fn row(&self, what: &str, programs: &[Program], measure: &dyn Fn(&Program, usize) -> Duration) {
        let mut times = vec![Vec::new(); programs.len()];
        for run in 0..RUNS {
            for (times, program) in times.iter_mut().zip(programs).rev() {
                times.push(measure(program, run));
            }
        }
        let medians: Vec<Duration> = times.into_iter().map(median).collect();
        let before = medians.get(1).map_or_else(String::new, |before| {
            let ratio = before.as_secs_f64() / medians[0].as_secs_f64();
            format!("   before {} {ratio:>6.2} ×", milliseconds(*before))
        });
        println!("  {what:<46} {} {:>9.0} µs{before}", milliseconds(medians[0]), self.each(medians[0]));
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / (self.repository.actions + 1) as f64
    }

    /// The steps of one install in this process.
    fn parts(&self, folder: &Path) {
        let ring_file = RingFile::at(folder.join("keyring.json"));
        let ring: Keyring = ring_file
            .edit(|ring| {
                ring.grant(Authority::new(self.reference.name.owner_authority().as_str()), self.repository.public);
                ring.clone()
            })
            .expect("a ring");
        let origin = Origin::directory(self.registry);
        let (mut plans, mut commits, mut judged) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..RUNS {
            let store = Store::at(folder.join(format!("parts{run}")));
            let mut console = Silent;
            let mut installer = Installer::new(&store, &origin, &ring_file, &mut console, &|_| ());
            installer.allow = rules::waivers().collect();
            let (plan, time) = timed(|| installer.suite_of(self.reference).expect("a plan"));
            plans.push(time);
            let (receipt, time) = timed(|| plan.commit(&store, false).expect("commits"));
            assert_eq!(receipt.actions.len(), self.repository.actions);
            commits.push(time);
            let (verdicts, time) = timed(|| store.judge_actions(&ring, true).expect("judges"));
            assert!(verdicts.iter().all(|(_, verdict)| verdict.is_ok()));
            judged.push(time);
        }
        println!("in this process                                       median   per artifact");
        for (what, time) in [
            ("fetch and verify everything", median(plans)),
            ("commit: write, flush, rename", median(commits)),
            ("verify the installed actions again", median(judged)),
        ] {
            println!("  {what:<46} {} {:>9.0} µs", milliseconds(time), self.each(time));
        }
    }
}

/// No question is asked: the ring trusts the publisher.
struct Silent;

impl Console for Silent {
    fn say(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn ask(&mut self, _: &str) -> io::Result<Option<String>> {
        Ok(None)
    }
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
