//! A crash before and after each write of propose, approve and publish: running them again arrives at the same release.

use std::sync::{Arc, Mutex};

use super::super::crash::is_write;
use super::*;

/// Every half, as often as it takes: a process that dies is started again.
fn through(stage: &Arc<Stage>, cohort: &Cohort) -> usize {
    let mut deaths = 0;
    let mut halves = vec!["publish", "approve", "propose"];
    while let Some(half) = halves.last() {
        let ended = match *half {
            "approve" => approve(stage, cohort).map(drop),
            _ => propose(stage, cohort).map(drop),
        };
        match ended {
            Ok(()) => drop(halves.pop()),
            Err(error) => {
                assert!(stage.is_dead(), "{half}: {error}");
                stage.revive();
                deaths += 1;
                assert!(deaths < 10, "{half}: {error}");
            }
        }
    }
    deaths
}

#[test]
fn dying_before_or_after_any_write_of_any_half_converges() {
    let cohort = Cohort::with_repository(3);
    let undisturbed = Stage::new(cohort.hosted());
    assert_eq!(through(&undisturbed, &cohort), 0);
    let needed = undisturbed.github().meter.usage.writes;
    assert_eq!(needed as usize, cohort.writes() + 4);
    for number in 0..needed {
        for after in [false, true] {
            let stage = Stage::new(cohort.hosted());
            let (left, what) = (Arc::new(Mutex::new(number)), format!("write {number}, after: {after}"));
            stage.script(move |call, _| {
                if !is_write(call) {
                    return Fate::Answer;
                }
                let mut left = left.lock().unwrap();
                match left.checked_sub(1) {
                    Some(less) => {
                        *left = less;
                        Fate::Answer
                    }
                    None => Fate::Dies { after },
                }
            });
            assert_eq!(through(&stage, &cohort), 1, "{what}");
            assert_public(&cohort.proven, &stage.github());
            let writes = stage.github().meter.usage.writes;
            assert!((needed..=needed + 1).contains(&writes), "{what}: {writes} writes, {needed} needed");
        }
    }
}

#[test]
fn a_run_that_may_not_wait_goes_on_from_what_is_staged() {
    let cohort = Cohort::with_repository(60);
    let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = Some(std::time::Duration::from_secs(70)));
    proposed(&stage, &cohort);
    approve(&stage, &cohort).unwrap();
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs < 20, "it comes to an end");
        match propose(&stage, &cohort) {
            Ok(Proposed::Published(_)) => break,
            Ok(Proposed::Waiting(_)) => panic!("it was approved"),
            Err(error) => assert!(error.to_string().contains("stopped because of --max-wait"), "{error}"),
        }
        let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
        clock.sleep_until(clock.now() + std::time::Duration::from_secs(600), &Default::default());
    }
    assert!(runs > 1, "{runs} runs");
    assert_public(&cohort.proven, &stage.github());
}
