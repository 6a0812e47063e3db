//! What others do meanwhile: releases, drafts, tags, names and tokens that change.

use super::*;

#[test]
fn a_token_that_expires_is_replaced_and_the_run_continued() {
    let cohort = cohort();
    for write in 0..cohort.writes() {
        let stage = Stage::new(cohort.hosted());
        let at = Timestamp((BEGAN + 60) * 1000);
        let expiring = Token::personal().expiring(Timestamp(at.0 + 1000 * write as u64));
        stage.github().tokens.insert(stage.token.clone(), expiring);
        stage.rehearsal.github().repository.private = false;
        // The clock is at the sixtieth second when the first write leaves.
        let (end, said) = ended(stage.run(cohort, |forge, world| {
            let remote = aileron_cli::publisher::forge::Forge::observe(forge, &cohort.scope()).unwrap();
            let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
            clock.sleep_until(clock.now() + Duration::from_secs(60), world.stop);
            let proven = aileron_cli::publisher::release::Proven::clone(&cohort.proven);
            aileron_cli::publisher::release::publish(proven, &remote, &cohort.request, forge, world)
        }));
        assert!(
            end == Ended::Error && said.contains("Bad credentials") && said.contains("new token"),
            "{write}: {said}"
        );
        stage.github().tokens.clear();
        stage.publish(cohort).unwrap();
        assert_public(&cohort.proven, &stage.github());
    }
}

#[test]
fn a_release_of_others_under_our_tag_is_reported_and_left_alone() {
    let cohort = cohort();
    let action = cohort.proven.actions[0].clone();
    let tag = action.tag.to_string();
    for write in 0..cohort.writes() {
        let tag = tag.clone();
        let (stage, end, said) = meanwhile(write, move |github| {
            // Unless ours is public already: then the name is taken, for the stranger.
            if github.repository.published(&tag).is_none() {
                let commit = "c".repeat(40);
                github.repository.tags.entry(tag.clone()).or_insert(TagRef::light(commit));
                stranger(
                    github,
                    &tag,
                    b"other bytes",
                    Some(aileron_verifier::name::digest::ArchiveDigest::of(&[b"other bytes"])),
                );
            }
        });
        let github = stage.github();
        let theirs = github.repository.releases.values().find(|release| release.name.as_deref() == Some("mine"));
        if let Some(theirs) = theirs {
            assert_eq!(end, Ended::Error, "write {write}: {said}");
            assert!(said.contains(&action.tag.to_string()), "{said}");
            assert_eq!(theirs.assets[0].bytes[..], b"other bytes"[..], "theirs is untouched");
        } else {
            assert_eq!(end, Ended::Well, "write {write}: {said}");
        }
    }
}

#[test]
fn a_draft_that_was_deleted_is_created_again() {
    let cohort = cohort();
    for write in 1..cohort.writes() {
        let (stage, end, said) = meanwhile(write, |github| {
            let draft = github.repository.releases.values().find(|release| release.draft).map(|release| release.id);
            draft.map(|id| github.repository.releases.remove(&id));
        });
        if end != Ended::Well {
            assert!(end == Ended::Again && said.contains("someone deleted it"), "write {write}: {end:?} {said}");
        }
        stage.publish(cohort).unwrap_or_else(|error| panic!("write {write}: {error}"));
        assert_public(&cohort.proven, &stage.github());
    }
}

#[test]
fn a_tag_that_is_moved_is_reported_with_both_commits() {
    let cohort = cohort();
    let tag = cohort.proven.tags[2].to_string();
    for write in 0..cohort.writes() {
        let moved = tag.clone();
        let (_, end, said) = meanwhile(write, move |github| {
            github.repository.tags.insert(moved, TagRef::light("d".repeat(40)));
        });
        let both = said.contains(&"d".repeat(40)) && said.contains(cohort.proven.cohort.commit.as_str());
        assert!(end == Ended::Error && both && said.contains(&tag), "write {write}: {said}");
    }
}

#[test]
fn a_repository_that_is_renamed_is_reported() {
    let cohort = cohort();
    let renamed = |github: &mut Model| {
        let former = github.repository.full_name();
        github.repository.former.push(former);
        github.repository.name = "elsewhere".to_owned();
    };
    for write in 0..cohort.writes() {
        let (stage, end, said) = meanwhile(write, renamed);
        assert!(end == Ended::Error && said.contains("renamed"), "write {write}: {said}");
        let (end, said) = ended(stage.publish(cohort));
        assert!(end == Ended::Error && said.contains("acme/elsewhere"), "write {write}, again: {said}");
        stage.github().repository.name = cohort.proven.release.name.repo().to_owned();
        stage.publish(cohort).unwrap();
        assert_public(&cohort.proven, &stage.github());
    }
}
