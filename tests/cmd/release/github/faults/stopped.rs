//! Runs that stop half way, and what is said before one begins.

use super::*;

#[test]
fn a_run_that_stops_while_it_waits_leaves_no_doubt_behind() {
    let cohort = cohort();
    let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = Some(Duration::from_secs(4)));
    let (end, said) = ended(stage.publish(cohort));
    assert!(end == Ended::Again && said.contains("stopped because of --max-wait"), "{said}");
    let resumed = Stage::with(stage.github().clone(), |_| {});
    std::fs::copy(stage.journal_file(), resumed.journal_file()).unwrap();
    let clock: &dyn aileron_cli::sys::clock::Clock = &resumed.rehearsal;
    clock.sleep_until(stage.now(), &Default::default());
    resumed.publish(cohort).unwrap();
    let took = resumed.rehearsal.time().secs() - stage.rehearsal.time().secs();
    assert!(took < 15, "{took} s: a write that never left is not waited for");
}

#[test]
fn what_an_upload_left_half_done_is_sent_again() {
    let cohort = cohort();
    for write in 1..cohort.writes() {
        let stage = Stage::new(cohort.hosted());
        let mut seen = 0;
        stage.script(move |call, _| {
            seen += usize::from(is_write(call));
            if is_write(call) && seen == write + 1 { Fate::Broken } else { Fate::Answer }
        });
        stage.publish(cohort).unwrap_or_else(|error| panic!("write {write}: {error}"));
        assert_public(&cohort.proven, &stage.github());
    }
}

#[test]
fn a_strange_file_on_a_draft_stops_the_run_before_it_is_published() {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    stage.script({
        let mut seen = 0;
        move |call, _| {
            seen += usize::from(is_write(call));
            if seen == 4 { Fate::Dies { after: false } } else { Fate::Answer }
        }
    });
    assert!(stage.deliver(cohort).is_err());
    stage.revive();
    for release in stage.github().repository.releases.values_mut() {
        let mut strange = release.assets[0].clone();
        (strange.id, strange.name) = (99_999, "holiday.jpg".to_owned());
        release.assets.push(strange);
    }
    let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
    clock.sleep_until(clock.now() + Duration::from_secs(60), &Default::default());
    let state = stage.run(cohort, |forge, _| {
        let remote = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope()).unwrap();
        Ok(remote.states[cohort.proven.tags[0].as_str()].clone())
    });
    assert!(
        matches!(state.unwrap(), aileron_cli::publisher::forge::TagState::Unknown(why) if why.contains("holiday.jpg"))
    );
}

#[test]
fn the_journal_says_what_happened_and_no_secret() {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    stage.publish(cohort).unwrap();
    let text = journal_text(stage.journal.path());
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("intent"), count("done")), (cohort.writes(), cohort.writes()));
    assert_eq!((count("begin"), count("end"), count("draft")), (1, 1, cohort.proven.tags.len()));
    assert!(lines.iter().filter(|line| line["event"] == "answer").all(|line| line["request"].is_string()), "{text}");
    assert!(!text.contains(&stage.token));
}

#[test] // issue, "Preflight"
fn what_github_would_refuse_is_said_before_anything_is_built() {
    let cohort = cohort();
    let commit = cohort.proven.cohort.commit.clone();
    let said = |change: &dyn Fn(&mut Model), token: &str, answer: Option<Value>| {
        let stage = Stage::with(cohort.hosted(), |stage| stage.token = token.to_owned());
        change(&mut stage.github());
        if let Some(answer) = answer {
            stage.script(move |call, _| match is(call, REQUESTS[0]) {
                true => Fate::Instead(Response::json(200, answer.clone())),
                false => Fate::Answer,
            });
        }
        let result = stage.run(cohort, |forge, _| {
            let look = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope());
            look.map(drop).map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })
        });
        assert_eq!(stage.github().meter.usage.writes, 0);
        ended(result)
    };
    let nothing = |_: &mut Model| {};
    assert_eq!(said(&nothing, "ghp_x", None).0, Ended::Well);
    assert_eq!(said(&nothing, "ghs_x", None).0, Ended::Well);
    let touches = |github: &mut Model| github.repository.touches_workflows.extend([commit.to_string()]);
    assert_eq!(said(&touches, "ghp_x", None).0, Ended::Well, "a person's token may");
    let full = cohort.hosted().repository.full_name();
    let archived = json!({"full_name": full, "archived": true, "private": false, "permissions": {"push": true}});
    let read_only = |github: &mut Model| github.tokens.extend([("ghp_x".to_owned(), Token::personal().read_only())]);
    let unknown = |github: &mut Model| {
        github.repository.commits = aileron_cli::publisher::forge::model::Commits::These(Default::default());
    };
    for (what, (end, text), words) in [
        ("workflows", said(&touches, "ghs_x", None), ["workflow's own token", "default branch"]),
        ("archived", said(&nothing, "ghp_x", Some(archived)), ["archived", "unarchive"]),
        ("read-only", said(&read_only, "ghp_x", None), ["may not write contents", "permissions: contents: write"]),
        ("not pushed", said(&unknown, "ghp_x", None), [commit.as_str(), "git push"]),
    ] {
        assert!(end == Ended::Error && words.iter().all(|word| text.contains(word)), "{what}: {text}");
    }
}
