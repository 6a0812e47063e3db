//! What can go wrong at any request, and what people do meanwhile: it ends in success, in "run it again", or in an error that
//! says what was found and what to do. Nothing published is ever deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aileron_cli::github::Limits;
use aileron_cli::publisher::forge::model::wire::Call;
use aileron_cli::publisher::forge::model::{
    Asset, Beyond, Body, GitHub as Model, Release, Response, TagRef, Timestamp, Token,
};
use aileron_cli::publisher::release::ReleaseError;
use aileron_cli::ui::report::{Exit, Failure};
use serde_json::{Value, json};

use super::crash::is_write;
use super::stage::{BEGAN, Cohort, Fate, Stage, assert_public, journal_text};

fn cohort() -> &'static Cohort {
    static SMALL: std::sync::OnceLock<Cohort> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| Cohort::of(3))
}

/// How a run ended, in the terms a user sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ended {
    Well,
    Again,
    Error,
}

fn ended<T>(result: Result<T, ReleaseError>) -> (Ended, String) {
    let Err(error) = result else { return (Ended::Well, String::new()) };
    let failure = Failure::from(error);
    let next = failure.next.clone().unwrap_or_default();
    assert!(!failure.message.is_empty() && !next.is_empty(), "{failure:?}");
    let ended = if failure.exit == Exit::Incomplete { Ended::Again } else { Ended::Error };
    (ended, format!("{} → {next}", failure.message))
}

fn public(github: &Model) -> BTreeMap<String, Vec<(String, Option<aileron_verifier::name::digest::ArchiveDigest>)>> {
    let releases = github.repository.releases.values().filter(|release| !release.draft);
    let assets = |release: &Release| release.assets.iter().map(|asset| (asset.name.clone(), asset.digest)).collect();
    releases.map(|release| (release.tag_name.clone(), assets(release))).collect()
}

/// What is public stays, whatever happens.
fn assert_kept(before: &Model, after: &Model, what: &str) {
    let after = public(after);
    for (tag, assets) in public(before) {
        assert_eq!(after.get(&tag), Some(&assets), "{what}: {tag}");
    }
}

fn refused(status: u16, message: &str) -> Response {
    Response::json(status, json!({"message": message}))
}

const REQUESTS: [(&str, &str, &str); 10] = [
    ("the repository", "GET", "connector-weather"),
    ("the list", "GET", "/releases"),
    ("the commit", "GET", "/git/commits/"),
    ("the tags", "GET", "/git/matching-refs/"),
    ("a draft", "POST", "/releases"),
    ("an upload", "POST", "/assets"),
    ("a flip", "PATCH", "false"),
    ("the notes", "PATCH", "make_latest\":\"true"),
    ("a download", "GET", "/releases/download/"),
    ("the limits", "GET", "/rate_limit"),
];

/// Not asked of the API's budget: what comes back decides nothing there.
const OUTSIDE: [&str; 2] = ["a download", "the limits"];

fn is(call: &Call, (_, method, mark): (&str, &str, &str)) -> bool {
    let body = String::from_utf8_lossy(&call.body);
    let found = match (method, mark) {
        ("GET", "connector-weather" | "/releases") | ("POST", _) => call.path.ends_with(mark),
        ("PATCH", "false") => body.contains("\"draft\":false"),
        ("PATCH", mark) => body.contains(mark),
        _ => call.path.contains(mark),
    };
    call.method == method && found
}

/// A name, and what comes back.
type Answer = (&'static str, fn() -> Fate);

fn answers() -> Vec<Answer> {
    vec![
        ("401", || Fate::Instead(refused(401, "Bad credentials"))),
        ("403", || Fate::Instead(refused(403, "Resource not accessible by personal access token"))),
        ("403 secondary", || {
            let text = "You have exceeded a secondary rate limit.";
            Fate::Instead(refused(403, text).with("retry-after", "60"))
        }),
        ("403 primary", || {
            let limited = refused(403, "API rate limit exceeded").with("x-ratelimit-limit", "5000");
            let reset = (BEGAN + 600).to_string();
            Fate::Instead(limited.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", reset))
        }),
        ("404", || Fate::Instead(refused(404, "Not Found"))),
        ("409", || Fate::Instead(refused(409, "Conflict"))),
        ("422 invalid", || {
            let errors = json!([{"resource": "Release", "code": "invalid", "field": "tag_name"}]);
            Fate::Instead(Response::json(422, json!({"message": "Validation Failed", "errors": errors})))
        }),
        ("422 exists", || {
            let errors = json!([{"resource": "Release", "code": "already_exists", "field": "tag_name"}]);
            Fate::Instead(Response::json(422, json!({"message": "Validation Failed", "errors": errors})))
        }),
        ("429", || Fate::Instead(refused(429, "Too Many Requests"))),
        ("500", || Fate::Instead(refused(500, "Server Error"))),
        ("502", || {
            let headers = vec![("content-type", "text/html".to_owned())];
            Fate::Instead(Response { status: 502, headers, body: Body::Bytes(b"<html>"[..].into()) })
        }),
        ("200 and nonsense", || {
            let headers = vec![("content-type", "application/json".to_owned())];
            Fate::Instead(Response { status: 200, headers, body: Body::Bytes(b"{\"id\": 1"[..].into()) })
        }),
        ("307", || {
            Fate::Instead(refused(307, "Temporary Redirect").with("location", "https://api.github.com/repositories/1"))
        }),
        ("lost before", || Fate::LostBefore),
        ("lost after", || Fate::LostAfter),
        ("broken", || Fate::Broken),
    ]
}

#[test]
fn every_answer_to_every_request_ends_well_or_says_how_to_go_on() {
    let cohort = cohort();
    let mut seen: BTreeMap<(&str, &str, usize), Ended> = BTreeMap::new();
    for request in REQUESTS {
        for (name, fate) in answers() {
            for times in [1, usize::MAX] {
                let what = format!("{}: {name}, {times} times", request.0);
                let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = Some(Duration::from_secs(7200)));
                let mut count = 0;
                stage.script(move |call, _| {
                    count += usize::from(is(call, request));
                    if is(call, request) && count <= times { fate() } else { Fate::Answer }
                });
                let (end, said) = ended(stage.publish(cohort));
                seen.insert((request.0, name, times), end);
                let found =
                    ["HTTP", "http", "GitHub", "draft", "as consumers fetch it"].iter().any(|word| said.contains(word));
                assert!(end == Ended::Well || found, "{what}: {said}");
                let before = stage.github().clone();
                stage.script(|_, _| Fate::Answer);
                stage.publish(cohort).unwrap_or_else(|error| panic!("{what}: {said}; and then {error}"));
                assert_public(&cohort.proven, &stage.github());
                assert_kept(&before, &stage.github(), &what);
            }
        }
    }
    // What passes by itself is waited for; what lasts is told apart from what another run would change.
    for request in REQUESTS.map(|(name, ..)| name) {
        for passing in ["403 secondary", "429", "403 primary"] {
            if !OUTSIDE.contains(&request) {
                assert_eq!(seen[&(request, passing, 1)], Ended::Well, "{request}: {passing}");
                assert_eq!(seen[&(request, passing, usize::MAX)], Ended::Again, "{request}: {passing}");
            }
        }
        // An answer that is always lost stops nobody who looks what became of the request.
        assert_ne!(seen[&(request, "lost after", usize::MAX)], Ended::Error, "{request}");
        for lost in ["500", "502", "lost before"].into_iter().filter(|_| request != "the limits") {
            assert_eq!(seen[&(request, lost, usize::MAX)], Ended::Again, "{request}: {lost}");
        }
        if !OUTSIDE.contains(&request) {
            assert_eq!(seen[&(request, "401", 1)], Ended::Error, "{request}");
        }
    }
    for write in ["a draft", "an upload", "a flip", "the notes"] {
        for once in ["409", "500", "502", "200 and nonsense", "lost before", "lost after", "broken"] {
            let end = seen[&(write, once, 1)];
            assert!(
                end == Ended::Well || (once == "200 and nonsense" && end != Ended::Error),
                "{write}: {once}: {end:?}"
            );
        }
    }
}

/// Runs with something happening at the so-manieth write.
fn meanwhile(write: usize, happens: impl FnOnce(&mut Model) + Send + 'static) -> (Arc<Stage>, Ended, String) {
    let cohort = cohort();
    let stage = Stage::new(cohort.hosted());
    let (mut seen, mut happens) = (0, Some(happens));
    stage.script(move |call, github| {
        seen += usize::from(is_write(call));
        if seen > write
            && let Some(happens) = happens.take()
        {
            happens(github);
        }
        Fate::Answer
    });
    let (end, said) = ended(stage.publish(cohort));
    stage.script(|_, _| Fate::Answer);
    (stage, end, said)
}

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

/// A stranger's release under a tag of ours.
fn stranger(
    github: &mut Model,
    tag: &str,
    bytes: &[u8],
    digest: Option<aileron_verifier::name::digest::ArchiveDigest>,
) {
    let id = github.repository.releases.keys().max().copied().unwrap_or(0) + 500_000;
    let asset = Asset {
        id: id + 1,
        name: "aileron.tar.gz".to_owned(),
        label: None,
        state: aileron_cli::publisher::forge::model::AssetState::Uploaded,
        content_type: "application/octet-stream".to_owned(),
        size: bytes.len() as u64,
        digest,
        created: Timestamp(BEGAN * 1000),
        bytes: bytes.into(),
    };
    let release = Release {
        id,
        tag_name: tag.to_owned(),
        target_commitish: "main".to_owned(),
        name: Some("mine".to_owned()),
        body: None,
        draft: false,
        prerelease: true,
        immutable: false,
        created: Timestamp(BEGAN * 1000),
        published: Some(Timestamp(BEGAN * 1000)),
        updated: Timestamp(BEGAN * 1000),
        assets: vec![asset],
    };
    github.repository.releases.insert(id, release);
}

#[test]
fn somebody_elses_release_under_our_tag_is_found_and_left_alone() {
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
fn a_draft_somebody_deletes_is_made_anew() {
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
fn a_tag_that_is_moved_is_told_with_both_commits() {
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
fn a_repository_that_is_renamed_is_told() {
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
    for beyond in [Beyond::Refused, Beyond::Empty] {
        for write in [0, 5, cohort.writes() / 2, cohort.writes() - 1] {
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
        assert_eq!(look.unwrap(), aileron_cli::publisher::forge::State::Burned);
        assert_eq!(stage.github().meter.usage.writes, writes);
    }
}

#[test] // artifacts.md §11: a reserved immutable tag is reported before anything is built
fn a_public_immutable_release_somebody_deleted_is_seen_at_the_first_look() {
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
        assert_eq!(look.unwrap(), aileron_cli::publisher::forge::State::Burned, "{tag}");
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
        assert!(matches!(state, aileron_cli::publisher::forge::State::Public { .. }), "{tag}: {state:?}");
    }
}

#[test]
fn a_draft_nobody_needs_is_told_and_left_to_its_owner() {
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
        matches!(state.unwrap(), aileron_cli::publisher::forge::State::Unknown(why) if why.contains("holiday.jpg"))
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
