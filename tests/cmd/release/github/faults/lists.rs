//! Lists that lag or end early, clocks that are wrong.

use super::*;

#[test] // a list that is half a minute behind must not make a second draft
fn a_list_that_lags_makes_no_duplicate() {
    let cohort = cohort();
    for journal_is_lost in [false, true] {
        for write in 0..cohort.writes() {
            for (what, fate) in [
                ("dies before", (|| Fate::Dies { after: false }) as fn() -> Fate),
                ("dies after", || Fate::Dies { after: true }),
                ("is not heard of", || Fate::LostAfter),
            ] {
                let what = format!("write {write} {what}, journal lost: {journal_is_lost}");
                let stage = Stage::new(cohort.hosted());
                stage.github().listing.lag = 30_000;
                let mut seen = 0;
                stage.script(move |call, _| {
                    seen += usize::from(is_write(call));
                    if is_write(call) && seen == write + 1 { fate() } else { Fate::Answer }
                });
                let end = stage.deliver(cohort);
                let died = stage.is_dead();
                stage.revive();
                if journal_is_lost && died {
                    std::fs::remove_file(stage.journal_file()).unwrap();
                    // With nothing in the list, nothing tells that there was a run before: then it has to be given its time.
                    let now = stage.rehearsal.time();
                    let shown =
                        stage.github().repository.releases.values().any(|made| now.since(made.created) >= 30_000);
                    if !shown {
                        let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
                        clock.sleep_until(clock.now() + Duration::from_secs(30), &Default::default());
                    }
                }
                if died {
                    stage.deliver(cohort).unwrap_or_else(|error| panic!("{what}: {error}"));
                } else {
                    end.unwrap_or_else(|error| panic!("{what}: {error}"));
                }
                assert_public(&cohort.proven, &stage.github());
            }
        }
    }
}

#[test]
fn a_repository_past_the_cap_of_lists_is_released_in_and_resumed() {
    let cohort = cohort();
    let last = cohort.writes() - 1;
    for (beyond, writes) in [(Beyond::Refused, [0, last / 2]), (Beyond::Empty, [5, last])] {
        for write in writes {
            let stage = Stage::new(cohort.hosted());
            {
                let mut github = stage.github();
                for number in 0..1100 {
                    stranger(&mut github, &format!("old/v0.{number}.0"), b"x", None);
                    let last = *github.repository.releases.keys().max().unwrap();
                    let mut old = github.repository.releases.remove(&last).unwrap();
                    old.id = number + 1;
                    old.created = Timestamp(1000 * number);
                    github.repository.releases.insert(old.id, old);
                }
                github.listing.cap = 1000;
                github.listing.beyond = beyond;
            }
            let mut seen = 0;
            stage.script(move |call, github| {
                seen += usize::from(is_write(call));
                // Whatever this run makes is soon past the cap as well.
                let cap_hides_ours = seen == write + 1;
                if cap_hides_ours {
                    let count = github.repository.releases.len() as u64;
                    for release in
                        github.repository.releases.values_mut().filter(|release| release.tag_name.starts_with("old/"))
                    {
                        release.created = Timestamp((BEGAN + 3600) * 1000 + count);
                    }
                }
                if is_write(call) && cap_hides_ours { Fate::Dies { after: false } } else { Fate::Answer }
            });
            assert!(stage.deliver(cohort).is_err());
            stage.revive();
            let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
            clock.sleep_until(clock.now() + Duration::from_secs(7200), &Default::default());
            stage.deliver(cohort).unwrap_or_else(|error| panic!("{beyond:?}, write {write}: {error}"));
            let mut github = stage.github();
            github.repository.releases.retain(|_, release| !release.tag_name.starts_with("old/"));
            assert_public(&cohort.proven, &github);
        }
    }
}

#[test]
fn a_clock_that_is_wrong_costs_nothing_but_a_little_time() {
    let cohort = cohort();
    for (there, name) in [(-7200_i64, "behind"), (7200, "ahead")] {
        let stage = Stage::with(cohort.hosted(), |stage| stage.limits = Limits::none());
        // GitHub's window is used up, and by its own clock over in ten minutes.
        let mut refused_times = 0;
        let refusals = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = refusals.clone();
        let watched = Arc::downgrade(&stage);
        stage.script(move |call, _| {
            let here = i64::try_from(watched.upgrade().unwrap().rehearsal.time().secs()).unwrap();
            let over = i64::try_from(BEGAN).unwrap() + 600;
            if is_write(call) && here < over {
                refused_times += 1;
                counted.store(refused_times, std::sync::atomic::Ordering::SeqCst);
                let date = Timestamp::from_secs(u64::try_from(here + there).unwrap());
                let limited = refused(403, "API rate limit exceeded").with("x-ratelimit-limit", "5000");
                let limited = limited.with("x-ratelimit-remaining", "0").with("date", date.http_date());
                return Fate::Instead(limited.with("x-ratelimit-reset", (over + there).to_string()));
            }
            Fate::Answer
        });
        stage.deliver(cohort).unwrap();
        let took = stage.rehearsal.time().secs() - BEGAN;
        assert!((600..720).contains(&took), "{name}: {took} s");
        assert_eq!(refusals.load(std::sync::atomic::Ordering::SeqCst), 1, "{name}: asked once, then waited");
    }
}
