//! Drafts that somebody wrote in are told and left alone; drafts that a lost answer left behind are told too.

use std::time::Duration;

use aileron_cli::github::Limits;
use aileron_cli::publisher::forge::model::{Asset, AssetState, GitHub as Model, Release, Response, Timestamp};
use aileron_cli::publisher::release::ReleaseError;
use aileron_cli::ui::report::{Exit, Failure};
use serde_json::{Value, json};

use super::crash::is_write;
use super::stage::{BEGAN, Cohort, Fate, Stage, assert_public};

fn cohort() -> &'static Cohort {
    static SMALL: std::sync::OnceLock<Cohort> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| Cohort::of(2))
}

/// A draft that a person made, an hour ago or in an hour.
fn draft(id: u64, tag: &str, body: Option<&str>, files: &[&str]) -> Release {
    let created = Timestamp((BEGAN - 3600) * 1000);
    let asset = |(number, name): (usize, &&str)| Asset {
        id: id + 1 + number as u64,
        name: (*name).to_owned(),
        label: None,
        state: AssetState::Uploaded,
        content_type: "application/octet-stream".to_owned(),
        size: 1,
        digest: Some(aileron_verifier::name::digest::ArchiveDigest::of(&[b"x"])),
        created,
        bytes: b"x"[..].into(),
    };
    Release {
        id,
        tag_name: tag.to_owned(),
        target_commitish: "main".to_owned(),
        name: Some("Big news".to_owned()),
        body: body.map(str::to_owned),
        draft: true,
        prerelease: false,
        immutable: false,
        created,
        published: None,
        updated: created,
        assets: files.iter().enumerate().map(asset).collect(),
    }
}

fn failure<T>(result: Result<T, ReleaseError>) -> Failure {
    result.err().map(Failure::from).expect("a failure")
}

#[test]
fn a_draft_with_something_of_its_author_is_told_with_its_address_and_left_alone() {
    let cohort = cohort();
    for number in 0..cohort.proven.tags.len() {
        let tag = cohort.proven.tags[number].to_string();
        for (body, files, words) in [
            (Some("Highlights of this release"), &[][..], "has notes that this tool did not write"),
            (Some(" \n written by hand"), &[], "has notes that this tool did not write"),
            (Some("- [x] todo"), &["aileron.tar.gz"], "has notes that this tool did not write"),
            (Some("."), &["aileron.tar.gz", "cohort.json"], "has notes that this tool did not write"),
            (None, &["holiday.jpg"], "holds holiday.jpg, which no release of this tool has"),
            (Some(""), &["aileron.tar.gz", "sbom.json"], "holds sbom.json, which no release of this tool has"),
            (Some("both"), &["a.zip"], "holds a.zip, which no release of this tool has"),
        ] {
            // Where GitHub names no address on its own server, the list of releases is named.
            let is_enterprise = files.len() != 1;
            let stage = Stage::with(cohort.hosted(), |stage| {
                if is_enterprise {
                    stage.api = "https://ghe.example/api/v3".to_owned();
                }
            });
            let theirs = draft(4711, &tag, body, files);
            stage.github().repository.releases.insert(4711, theirs.clone());
            let failure = failure(stage.publish(cohort));
            let page = match is_enterprise {
                true => format!("https://ghe.example/acme/aileron-connector-weather/releases/tag/{}", theirs.address()),
                false => "https://github.com/acme/aileron-connector-weather/releases".to_owned(),
            };
            assert!(failure.message.contains(words) && failure.message.contains(&tag), "{failure:?}");
            assert!(failure.message.contains(&page), "{page}: {failure:?}");
            assert!(failure.next.as_deref().is_some_and(|next| next.contains("delete the draft")), "{failure:?}");
            assert_eq!(failure.exit, Exit::Failure);
            let github = stage.github();
            assert_eq!(github.repository.releases.values().collect::<Vec<_>>(), [&theirs], "nothing was touched");
            assert_eq!(github.meter.usage.writes, 0);
        }
    }
}

#[test]
fn an_empty_draft_under_our_tag_is_used() {
    let cohort = cohort();
    for body in [None, Some(""), Some(" \r\n\t ")] {
        let stage = Stage::new(cohort.hosted());
        let tag = cohort.proven.tags[1].to_string();
        stage.github().repository.releases.insert(4711, draft(4711, &tag, body, &[]));
        stage.publish(cohort).unwrap();
        assert_public(&cohort.proven, &stage.github());
    }
}

#[test]
fn notes_that_are_written_while_a_run_waits_for_an_answer_are_not_overwritten() {
    let cohort = cohort();
    let mut told = 0;
    for write in 0..cohort.writes() {
        let stage = Stage::new(cohort.hosted());
        let mut seen = 0;
        stage.script(move |call, github| {
            seen += usize::from(is_write(call));
            if !is_write(call) || seen != write + 1 {
                return Fate::Answer;
            }
            for release in github.repository.releases.values_mut().filter(|release| release.draft) {
                release.body = Some("written by hand".to_owned());
            }
            Fate::LostBefore // so that the run looks again
        });
        let result = stage.publish(cohort);
        let github = stage.github();
        let kept = github.repository.releases.values().filter(|release| release.draft).collect::<Vec<_>>();
        let Err(error) = result else {
            assert!(kept.is_empty(), "write {write}: nothing is left");
            continue;
        };
        told += 1;
        let failure = Failure::from(error);
        assert!(failure.message.contains("has notes that this tool did not write"), "write {write}: {failure:?}");
        assert!(kept.iter().any(|draft| draft.body.as_deref() == Some("written by hand")), "write {write}");
    }
    assert!(told > 3, "{told} runs met such a draft");
}

#[test]
fn a_draft_beside_ours_is_told_and_ours_is_published() {
    let cohort = cohort();
    for (id, body, words) in [
        (1, Some("by hand"), "left alone at https://github.com/acme/aileron-connector-weather/releases: 1 other draft"),
        (900_000, Some("by hand"), "the one of actions/"),
        (900_000, None, "1 left-over draft can be deleted"),
    ] {
        let stage = Stage::new(cohort.hosted());
        let tag = cohort.proven.tags[1].to_string();
        let theirs = draft(id, &tag, body, &[]);
        let (mut seen, inserted) = (0, theirs.clone());
        stage.script(move |call, github| {
            seen += usize::from(is_write(call));
            if seen == cohort.writes() - 2 {
                github.repository.releases.insert(id, inserted.clone());
                return Fate::Dies { after: false };
            }
            Fate::Answer
        });
        assert!(stage.publish(cohort).is_err());
        stage.revive();
        stage.publish(cohort).unwrap_or_else(|error| panic!("{id}: {error}"));
        let mut github = stage.github();
        let left = github.repository.releases.remove(&id).unwrap();
        assert!(left.draft && left.body == theirs.body && left.name == theirs.name, "{left:?}");
        assert_public(&cohort.proven, &github);
        let notes = stage.notes.lock().unwrap();
        assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:?}");
    }
}

#[test]
fn an_empty_draft_that_a_lost_answer_left_behind_is_told_whatever_the_limits() {
    let cohort = cohort();
    for (lag, limits) in [(30_000, Limits::none()), (0, Limits::none()), (30_000, Limits::github())] {
        for dies in [false, true] {
            for number in 0..cohort.proven.tags.len() {
                let tag = cohort.proven.tags[number].to_string();
                let stage = Stage::with(cohort.hosted(), |stage| stage.limits = limits);
                stage.github().listing.lag = lag;
                let (mut seen, lost) = (0, tag.clone());
                stage.script(move |call, _| {
                    let fields: Value = serde_json::from_slice(&call.body).unwrap_or_default();
                    let is_draft = call.method == "POST" && fields["tag_name"] == json!(lost);
                    seen += usize::from(is_draft);
                    match (is_draft && seen == 1, dies) {
                        (false, _) => Fate::Answer,
                        (true, false) => Fate::LostAfter,
                        (true, true) => Fate::Dies { after: true },
                    }
                });
                let what = format!("lag {lag}, {limits:?}, dies: {dies}, {tag}");
                let result = stage.deliver(cohort);
                if dies {
                    assert!(result.is_err(), "{what}");
                    stage.revive();
                    stage.deliver(cohort).unwrap_or_else(|error| panic!("{what}: {error}"));
                } else {
                    result.unwrap_or_else(|error| panic!("{what}: {error}"));
                }
                let drafts = stage.github().repository.drafts(&tag).count();
                let notes = stage.notes.lock().unwrap();
                let is_told = |note: &String| {
                    note.contains(&tag) && note.contains("can be deleted") && note.contains("/releases")
                };
                assert_eq!(notes.iter().any(is_told), drafts > 0, "{what}: {drafts} left, {notes:?}");
                assert!(limits == Limits::none() && lag > 0 || drafts == 0, "{what}");
            }
        }
    }
}

#[test]
fn a_file_in_an_unknown_state_is_reported() {
    let cohort = cohort();
    for state in ["quarantined", "", "Uploaded", "deleted\u{1b}[2J"] {
        let stage = Stage::new(cohort.hosted());
        stage.script(|call, _| {
            if is_write(call) && call.path.ends_with("/assets") { Fate::Dies { after: true } } else { Fate::Answer }
        });
        assert!(stage.publish(cohort).is_err());
        stage.revive();
        let clock: &dyn aileron_cli::sys::clock::Clock = &stage.rehearsal;
        clock.sleep_until(clock.now() + Duration::from_secs(60), &Default::default());
        let watched = std::sync::Arc::downgrade(&stage);
        stage.script(move |call, github: &mut Model| {
            if call.method != "GET" || !call.path.ends_with("/releases") {
                return Fate::Answer;
            }
            let stage = watched.upgrade().unwrap();
            let mut listed = github.answer(stage.rehearsal.time(), call).document().clone();
            for release in listed.as_array_mut().unwrap() {
                for asset in release["assets"].as_array_mut().unwrap() {
                    asset["state"] = json!(state);
                }
            }
            Fate::Instead(Response::json(200, listed))
        });
        let writes = stage.github().meter.usage.writes;
        let failure = failure(stage.publish(cohort));
        assert!(failure.message.contains("which this tool does not know"), "{failure:?}");
        assert!(!failure.message.contains('\u{1b}'), "{failure:?}");
        assert_eq!(stage.github().meter.usage.writes, writes, "nothing was deleted or sent again");
    }
}

#[test]
fn a_file_of_a_newer_version_of_this_tool_is_told_and_left_alone() {
    let cohort = cohort();
    let tag = cohort.proven.connector.tag.to_string();
    let files = ["rotation.statement.json", "rotation.statement.json.sig"];
    let mut hosted = cohort.hosted();
    hosted.repository.releases.insert(500_000, draft(500_000, &tag, None, &files));
    let stage = Stage::new(hosted);
    stage.publish(cohort).unwrap();
    let github = stage.github();
    let release = github.repository.published(&tag).unwrap();
    assert_eq!(release.id, 500_000, "the draft was used as it was");
    for file in files {
        assert!(release.assets.iter().any(|asset| asset.name == file && asset.bytes.as_ref() == b"x"), "{file}");
    }
    let notes = stage.notes.lock().unwrap();
    let told = |note: &&String| note.contains(files[0]) && note.contains(&tag) && note.contains("left alone");
    assert_eq!(notes.iter().filter(told).count(), 1, "{notes:?}");
}
