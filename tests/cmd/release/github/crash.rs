//! A process that crashes at any write, and the next one that finds what it left. issue: "crash matrix".
//!
//! A crash at every write of a cohort, before and after it, with every rerun carried to its end, on a cohort of 9 releases; and
//! every seventh of a cohort of 31, which has to wait for a window of GitHub's limits in between. A rerun looks at every
//! release twice, so the same over 517 releases is an hour of work. With linear's 517 releases (pages of lists included)
//! chains of lives have to arrive at the same place: one that ends at random writes, and one in which two lives end at
//! every write, before it and after it. Of the latter a sample is taken here;
//! `AILERON_EVERY_WRITE=1 cargo test --release --test cmd every_write` leaves out none.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aileron_cli::publisher::forge::model::wire::Call;
use aileron_cli::publisher::forge::model::{GitHub as Model, Timestamp};
use aileron_cli::publisher::release::Proven;
use serde_json::Value;

use super::stage::{Cohort, Fate, Stage, assert_public};

/// The world at the instant a write was about to be carried out.
#[derive(Clone)]
struct Instant {
    github: Model,
    journal: Vec<u8>,
    now: SystemTime,
    call: Call,
}

/// What becomes of the journal when a machine crashes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Journal {
    Kept,
    Torn,
    Lost,
}

pub(crate) fn is_write(call: &Call) -> bool {
    call.method != "GET"
}

/// Whenever something is about to become public it is whole, and the connector is there before its actions: a consumer who
/// installs at this instant gets everything, or is told that it is not public yet.
fn assert_installable(proven: &Proven, call: &Call, github: &Model) {
    let fields: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    if call.method != "PATCH" || fields["draft"] != false {
        return;
    }
    let id: u64 = call.path.rsplit('/').next().unwrap().parse().unwrap();
    let release = &github.repository.releases[&id];
    let artifact = proven.artifacts().find(|artifact| artifact.tag.as_str() == release.tag_name).unwrap();
    let connector = proven.release.tag();
    let beside = proven.beside_connector().filter(|_| artifact.tag == connector);
    for asset in std::iter::once(&artifact.archive).chain(beside) {
        let found = release.asset(asset.name).and_then(|found| found.digest);
        assert_eq!(found, Some(asset.digest), "{} is about to be public without {}", release.tag_name, asset.name);
    }
    let connector_is_there = github.repository.published(connector.as_str()).is_some();
    assert!(artifact.tag == connector || connector_is_there, "{} before its connector", release.tag_name);
}

/// The world before each write of an undisturbed run.
fn instants(cohort: &Cohort, immutable: bool) -> Vec<Instant> {
    let stage = Stage::new(cohort.hosted());
    stage.github().repository.immutable = immutable;
    let seen: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let (kept, watched) = (seen.clone(), Arc::downgrade(&stage));
    stage.script(move |call, github| {
        if is_write(call) {
            let stage = watched.upgrade().unwrap();
            let journal = fs::read(stage.journal_file()).unwrap();
            let (github, now) = (github.clone(), stage.now());
            kept.lock().unwrap().push(Instant { github, journal, now, call: call.clone() });
        }
        Fate::Answer
    });
    assert_eq!(stage.deliver(cohort).unwrap().writes, cohort.writes());
    assert_public(&cohort.proven, &stage.github());
    stage.script(|_, _| Fate::Answer);
    drop(stage);
    Arc::into_inner(seen).unwrap().into_inner().unwrap()
}

/// A machine on which a run crashed at that instant, before the write was carried out or after.
fn died(cohort: &Cohort, at: &Instant, after: bool, journal: Journal) -> Arc<Stage> {
    let mut github = at.github.clone();
    if after {
        let now = at.now.duration_since(UNIX_EPOCH).unwrap();
        let answer = github.answer(Timestamp(u64::try_from(now.as_millis()).unwrap()), &at.call);
        assert!(answer.status < 300, "{answer:?}");
    }
    let stage = Stage::begun_at(github, at.now + Duration::from_secs(1));
    match journal {
        Journal::Kept => fs::write(stage.journal_file(), &at.journal).unwrap(),
        Journal::Torn => fs::write(stage.journal_file(), &at.journal[..at.journal.len() - 20]).unwrap(),
        Journal::Lost => {}
    }
    watch(cohort, &stage);
    stage
}

/// Looks at every request whether what becomes public is whole.
fn watch(cohort: &Cohort, stage: &Arc<Stage>) {
    let proven = cohort.shared();
    stage.script(move |call, github| {
        assert_installable(&proven, call, github);
        Fate::Answer
    });
}

fn assert_converged(cohort: &Cohort, stage: &Arc<Stage>, deaths: u64, what: &dyn std::fmt::Display) {
    assert_public(&cohort.proven, &stage.github());
    let usage = stage.github().meter.usage.clone();
    let needed = cohort.writes() as u64;
    assert!((needed..=needed + deaths).contains(&usage.writes), "{what}: {} writes, {needed} needed", usage.writes);
    assert_eq!((usage.limited, usage.hasty_writes), (0, 0), "{what}");
}

#[test] // artifacts.md §11: re-running after any interruption converges
fn dying_before_or_after_any_write_converges() {
    die_at_every(&Cohort::of(8), 1);
    die_at_every(&Cohort::of(30), 7);
}

fn die_at_every(cohort: &Cohort, stride: usize) {
    let instants = instants(cohort, false);
    assert_eq!(instants.len(), cohort.writes());
    for (index, at) in instants.iter().enumerate().step_by(stride) {
        for after in [false, true] {
            let journals = match index % 4 {
                0 => &[Journal::Kept, Journal::Lost][..],
                2 => &[Journal::Kept, Journal::Torn][..],
                _ => &[Journal::Kept][..],
            };
            for journal in journals {
                let what = format!("write {index}, after: {after}, journal {journal:?}");
                let stage = died(cohort, at, after, *journal);
                let public = stage.deliver(cohort).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(
                    public.writes,
                    cohort.writes() - index - usize::from(after),
                    "{what}: exactly what is missing"
                );
                assert_converged(cohort, &stage, 0, &what);
            }
        }
    }
    // And when nothing is missing, nothing is written.
    let last = instants.last().unwrap();
    let stage = died(cohort, last, true, Journal::Kept);
    assert_eq!(stage.deliver(cohort).unwrap().writes, 0);
}

/// Small, seeded, and the same everywhere: a failing number can be tried again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Below `sides`.
    pub(crate) fn throw(&mut self, sides: usize) -> usize {
        // Steele, Lea and Flood, "Fast splittable pseudorandom number generators": SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}

/// Crashes at the nth write from now.
fn dies_at(cohort: &Cohort, stage: &Arc<Stage>, write: usize, after: bool) {
    let (mut seen, proven) = (0, cohort.shared());
    stage.script(move |call, github| {
        assert_installable(&proven, call, github);
        seen += usize::from(is_write(call));
        if is_write(call) && seen > write { Fate::Dies { after } } else { Fate::Answer }
    });
}

#[test]
fn dying_again_in_the_rerun_converges_too() {
    const SAMPLES: usize = 250;
    let cohort = Cohort::of(4);
    let instants = instants(&cohort, true); // where nothing published can be corrected
    let mut dice = Dice(4);
    let mut died_twice = 0;
    for sample in 0..SAMPLES {
        let (first, after_first) = (dice.throw(instants.len() - 1), dice.throw(2) == 1);
        let left = instants.len() - first - usize::from(after_first);
        let (second, after_second) = (dice.throw(left), dice.throw(2) == 1);
        let journal = [Journal::Kept, Journal::Kept, Journal::Kept, Journal::Torn, Journal::Lost][dice.throw(5)];
        let what = format!("sample {sample}: {first} {after_first}, {second} {after_second}, {journal:?}");
        let stage = died(&cohort, &instants[first], after_first, journal);
        dies_at(&cohort, &stage, second, after_second);
        assert!(stage.deliver(&cohort).is_err(), "{what}");
        died_twice += usize::from(stage.is_dead());
        stage.revive();
        watch(&cohort, &stage);
        stage.deliver(&cohort).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_converged(&cohort, &stage, 0, &what);
    }
    assert_eq!(died_twice, SAMPLES);
}

#[test]
fn a_chain_of_short_lives_publishes_five_hundred_releases() {
    let cohort = Cohort::large();
    let stage = Stage::new(cohort.hosted());
    let mut dice = Dice(517);
    let mut lives = 0;
    loop {
        lives += 1;
        dies_at(cohort, &stage, dice.throw(300), dice.throw(2) == 1);
        let ended = stage.deliver(cohort);
        if !stage.is_dead() {
            ended.unwrap();
            break;
        }
        stage.revive();
    }
    assert!(lives > 6, "{lives}");
    watch(cohort, &stage);
    assert_converged(cohort, &stage, 0, &"the chain");
    assert_eq!(stage.deliver(cohort).unwrap().writes, 0);
}

#[test]
fn a_life_that_ends_before_and_one_that_ends_after_every_write_of_five_hundred_releases() {
    let stride = if std::env::var_os("AILERON_EVERY_WRITE").is_some() { 1 } else { 193 };
    let cohort = Cohort::large();
    let half = cohort.writes() / 2;
    let lives = std::thread::scope(|scope| {
        let first = scope.spawn(|| lives_between(cohort, 0, half, stride));
        lives_between(cohort, half, cohort.writes(), stride) + first.join().unwrap()
    });
    assert!(lives >= 2 * (cohort.writes() / stride), "{lives}");
}

/// An undisturbed run up to a write; from there on every life ends at the next write that is its turn: one before it is
/// carried out, one after. The last run finds nothing missing, nothing twice and nothing public that is not whole.
fn lives_between(cohort: &Cohort, begin: usize, end: usize, stride: usize) -> usize {
    let stage = Stage::new(cohort.hosted());
    let mut lives = 0;
    let mut life = |writes: usize, after: bool, carried: usize| {
        dies_at(cohort, &stage, writes, after);
        assert!(stage.deliver(cohort).is_err() && stage.is_dead(), "the life ends at a write");
        stage.revive();
        assert_eq!(stage.github().meter.usage.writes, carried as u64, "no write is repeated");
        lives += 1;
    };
    if begin > 0 {
        life(begin - 1, true, begin);
    }
    let mut done = begin;
    while done + stride <= end {
        life(stride - 1, false, done + stride - 1);
        life(0, true, done + stride);
        done += stride;
    }
    watch(cohort, &stage);
    assert_eq!(stage.deliver(cohort).unwrap().writes, cohort.writes() - done);
    assert_converged(cohort, &stage, 0, &format_args!("lives between {begin} and {end}"));
    lives
}
