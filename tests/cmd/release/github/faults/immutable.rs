//! Immutable releases, burned tags and drafts without a release.

use super::*;

#[test]
fn immutable_releases_are_published_and_a_burned_tag_is_never_tried_twice() {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    stage.github().repository.immutable = true;
    stage.publish(cohort).unwrap();
    assert_public(&cohort.proven, &stage.github());
    assert!(stage.github().repository.releases.values().all(|release| release.immutable));
    assert_eq!(stage.deliver(cohort).unwrap().writes, 0);

    for number in [0, 2] {
        let tag = cohort.proven.tags[number].to_string();
        let stage = Stage::new(cohort.hosted());
        stage.github().repository.burned.insert(tag.clone());
        let (end, said) = ended(stage.publish(cohort));
        assert!(end == Ended::Error && said.contains(&tag) && said.contains("next version"), "{said}");
        assert_eq!(public(&stage.github()).len(), number, "nothing after the burned one is public");
        let writes = stage.github().meter.usage.writes;
        // Known now, before anything is built.
        let look = stage.run(cohort, |forge, _| {
            let remote = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope());
            Ok(remote.unwrap().states[&tag].clone())
        });
        assert_eq!(look.unwrap(), aileron_cli::publisher::forge::TagState::Burned);
        assert_eq!(stage.github().meter.usage.writes, writes);
    }
}

#[test] // artifacts.md §11: a reserved immutable tag is reported before anything is built
fn a_deleted_immutable_release_is_seen_at_the_first_look() {
    let cohort = cohort();
    for number in 0..cohort.proven.tags.len() {
        let stage = Stage::new(cohort.hosted());
        stage.github().repository.immutable = true;
        stage.publish(cohort).unwrap();
        let tag = cohort.proven.tags[number].to_string();
        stage.github().repository.releases.retain(|_, release| release.tag_name != tag);
        std::fs::remove_file(stage.journal_file()).unwrap();
        let writes = stage.github().meter.usage.writes;
        let look = stage.run(cohort, |forge, _| {
            let remote = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope());
            Ok(remote.unwrap().states[&tag].clone())
        });
        assert_eq!(look.unwrap(), aileron_cli::publisher::forge::TagState::Burned, "{tag}");
        assert_eq!(stage.github().meter.usage.writes, writes);
    }
}

#[test]
fn a_public_release_the_list_does_not_show_yet_is_not_taken_for_deleted() {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    stage.github().repository.immutable = true;
    stage.publish(cohort).unwrap();
    stage.github().listing.lag = stage.rehearsal.time().0 - BEGAN * 1000 - 3000; // the connector is shown, and little else
    std::fs::remove_file(stage.journal_file()).unwrap();
    let states = stage.run(cohort, |forge, _| {
        let remote = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope());
        Ok(remote.unwrap().states)
    });
    for (tag, state) in states.unwrap() {
        assert!(matches!(state, aileron_cli::publisher::forge::TagState::Public { .. }), "{tag}: {state:?}");
    }
}

#[test]
fn a_draft_that_is_not_needed_is_reported_and_left_to_its_owner() {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    stage.publish(cohort).unwrap();
    let tag = cohort.proven.tags[1].to_string();
    stranger(&mut stage.github(), &tag, b"mine", None);
    for release in stage.github().repository.releases.values_mut().filter(|release| release.id > 500_000) {
        release.draft = true;
    }
    assert_eq!(stage.publish(cohort).unwrap().writes, 0);
    let notes = stage.notes.lock().unwrap();
    assert!(
        notes.iter().any(|note| note.contains("1 left-over draft can be deleted") && note.contains(&tag)),
        "{notes:?}"
    );
    assert!(stage.github().repository.releases.values().any(|release| release.draft), "it is still there");
}
