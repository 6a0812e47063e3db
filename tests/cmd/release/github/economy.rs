//! What a release costs, and when it is over.

use std::time::{Duration, SystemTime};

use aileron_cli::github::Limits;
use aileron_cli::publisher::forge::Forge as _;
use aileron_cli::publisher::forge::model::wire::Call;
use aileron_cli::publisher::release;

use super::stage::{Cohort, Fate, Stage, assert_public};

/// The plan's estimate, before anything is written.
fn estimate(stage: &std::sync::Arc<Stage>, cohort: &Cohort) -> aileron_cli::publisher::forge::Estimate {
    let estimate = stage.run(cohort, |forge, _| {
        let remote = forge.observe(&cohort.scope()).unwrap();
        let plan = release::planned(release::Proven::clone(&cohort.proven), &remote, &cohort.request)?;
        assert_eq!(plan.writes(), cohort.writes());
        Ok(forge.estimate(&plan.stage, &plan.flip).unwrap())
    });
    estimate.unwrap()
}

fn seconds(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from).unwrap_or_default().as_secs_f64()
}

#[test] // issue, "Economy"
fn five_hundred_releases_cost_three_writes_each_and_end_when_the_plan_says() {
    let cohort = Cohort::large();
    let releases = cohort.proven.tags.len();
    assert_eq!(releases, 517);
    for (token, hours) in [("ghp_a_person", 2.0..2.3), ("ghs_a_workflow", 2.0..3.3)] {
        let stage = Stage::with(cohort.hosted(), |stage| stage.token = token.to_owned());
        let began = stage.now();
        let planned = estimate(&stage, cohort);
        assert_eq!((planned.creations, planned.changes), (2 * releases + 3, releases + 1));
        assert_eq!(stage.github().meter.usage.writes, 0, "a plan writes nothing");
        let reads = stage.github().meter.usage.reads;

        let receipt = stage.publish(cohort).unwrap();
        assert_public(&cohort.proven, &stage.github());
        assert!(receipt.writes <= 3 * releases + 4, "{} writes", receipt.writes);
        let usage = stage.github().meter.usage.clone();
        assert_eq!((usage.writes, usage.limited, usage.hasty_writes), (receipt.writes as u64, 0, 0), "{token}");
        let reads = usage.reads - reads;
        assert!(reads <= 12, "{token}: {reads} reads");

        let (floor, took) = (seconds(began, planned.finish), seconds(began, stage.now()));
        assert!((floor..=floor * 1.05).contains(&took), "{token}: took {took} s, the floor is {floor} s");
        assert!(hours.contains(&(took / 3600.0)), "{token}: {} h", took / 3600.0);
        assert!(stage.notes.lock().unwrap().iter().any(|note| note.contains("waiting until")), "waits are told");

        let second = stage.publish(cohort).unwrap();
        assert_eq!((second.writes, stage.github().meter.usage.writes), (0, usage.writes), "{token}");
    }
}

#[test] // artifacts.md §11: half a cohort is never public for an hour
fn the_flips_stay_within_one_window_of_a_workflows_token() {
    let cohort = Cohort::large();
    let stage = Stage::with(cohort.hosted(), |stage| stage.token = "ghs_a_workflow".to_owned());
    // Another workflow of the repository spends most of the window in which the last file is staged.
    let uploads = 2 * cohort.proven.tags.len() + cohort.proven.beside_connector().count();
    let (mut made, watched) = (0, std::sync::Arc::downgrade(&stage));
    stage.script(move |call, github| {
        made += usize::from(call.method == "POST");
        if call.method == "POST" && made == uploads {
            let look = Call {
                method: "GET".to_owned(),
                path: call.path.split("/releases").next().unwrap().replace("/api/uploads", ""),
                body: [][..].into(),
                ..call.clone()
            };
            let now = watched.upgrade().unwrap().rehearsal.time();
            for _ in 0..700 {
                assert_eq!(github.answer(now, &look).status, 200);
            }
        }
        Fate::Answer
    });
    stage.deliver(cohort).unwrap();
    let github = stage.github();
    let times: Vec<_> = github.repository.releases.values().filter_map(|release| release.published).collect();
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(last.since(*first) < 600_000, "{} s between the first flip and the last", last.since(*first) / 1000);
    assert_eq!(github.meter.usage.limited, 0);
}

#[test]
fn a_run_that_may_not_wait_says_so_and_the_next_one_keeps_the_windows() {
    let cohort = Cohort::large();
    let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = Some(Duration::from_secs(1800)));
    let began = stage.now();
    let mut runs = 0;
    loop {
        runs += 1;
        match stage.deliver(cohort) {
            Ok(_) => break,
            Err(error) => assert!(error.to_string().contains("stopped because of --max-wait"), "{error}"),
        }
        assert!(runs < 20, "it comes to an end");
        // The next job of the schedule.
        let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
        clock.sleep_until(clock.now() + Duration::from_secs(600), &Default::default());
    }
    assert!(runs > 2, "{runs} runs");
    assert_public(&cohort.proven, &stage.github());
    let usage = stage.github().meter.usage.clone();
    assert_eq!((usage.writes, usage.limited), (cohort.writes() as u64, 0), "what the run before spent still counts");
    assert!(seconds(began, stage.now()) < 3.5 * 3600.0);
}

#[test]
fn a_server_without_limits_is_not_waited_for() {
    let cohort = Cohort::of(3);
    let mut github = cohort.hosted();
    github.limits = aileron_testkit::github::Limits::none();
    let stage = Stage::with(github, |stage| stage.limits = Limits::none());
    let began = stage.now();
    stage.publish(&cohort).unwrap();
    assert_eq!(stage.now(), began);
}

#[test] // artifacts.md §11, "Notes"
fn notes_say_everything_once_and_stay_below_githubs_limit() {
    let cohort = Cohort::large();
    let notes = |proven: release::Proven| {
        let stage = Stage::new(cohort.hosted());
        let plan = stage.run(cohort, |forge, _| {
            let remote = forge.observe(&cohort.scope()).unwrap();
            release::planned(proven, &remote, &cohort.request)
        });
        let last = plan.unwrap().flip.pop();
        let Some(aileron_cli::publisher::forge::Write::Finish { notes, .. }) = last else {
            panic!("the notes come last")
        };
        notes
    };
    let proven = || release::Proven::clone(&cohort.proven);
    let usual = notes(proven());
    assert!(usual.chars().count() < 125_000);
    for said in [proven().content.to_string(), proven().signer().to_string(), proven().cohort.commit.to_string()] {
        assert!(usual.contains(&said), "{said}");
    }
    for action in &proven().actions {
        assert!(usual.contains(&action.archive.digest.to_string()) && usual.contains(&action.reference.to_string()));
    }
    let many = |count: usize| {
        let actions = proven().actions.iter().cycle().take(count).cloned().collect();
        notes(cohort.prove(release::Packed { actions, ..release::Packed::clone(&proven()) }))
    };
    let shortened = many(1200);
    assert!(shortened.chars().count() < 125_000 && !shortened.contains(" more: "), "rows are shortened first");
    let cut = many(9000);
    assert!(
        cut.chars().count() < 125_000 && cut.contains(" more: all of them are in `suite.toml`"),
        "then the table is cut"
    );
    assert!(cut.chars().count() > 100_000, "and no more than it must");
}

#[test] // artifacts.md §11, "Recheck"; Enterprise servers answer below a path
fn private_repositories_and_enterprise_servers_are_published_to() {
    let cohort = Cohort::of(3);
    let mut github = cohort.hosted();
    github.repository.private = true;
    let stage = Stage::with(github, |stage| stage.api = "https://ghe.example.com/api/v3".to_owned());
    stage.script(|call, _| {
        assert!(
            call.origin == "https://ghe.example.com" && call.path.starts_with("/api/") || call.method == "GET",
            "{call:?}"
        );
        Fate::Answer
    });
    stage.publish(&cohort).unwrap();
    assert_public(&cohort.proven, &stage.github());
    assert_eq!(stage.publish(&cohort).unwrap().writes, 0);
}
