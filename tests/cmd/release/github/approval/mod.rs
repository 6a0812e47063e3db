//! A release in two halves: proposed where no key is, approved where it is, published by the next run.

mod attacker;
mod crash;

use std::sync::Arc;

use aileron_cli::publisher::forge::model::{Asset, GitHub as Model, Release, TagRef};
use aileron_cli::publisher::forge::{AssetFile, Forge, WorkflowStart, Write};
use aileron_cli::publisher::release::{
    self, Approved, Proposed, Receipt, ReleaseError, ReleaseRequest, Review, SecretSource, World,
};
use aileron_verifier::artifact::archive::{Files, read};
use aileron_verifier::layout::{APPROVAL, PROPOSAL};

use super::stage::{Cohort, Fate, Stage, assert_public};

/// A section that changes a module's bytes and nothing else of it.
const CUSTOM_SECTION: &[u8] = &[0, 3, 1, b'x', 0];

/// The request of a machine without a key.
fn of_ci(cohort: &Cohort) -> ReleaseRequest {
    ReleaseRequest { key: None, ..of_maintainer(cohort) }
}

/// The request of the machine with the key.
fn of_maintainer(cohort: &Cohort) -> ReleaseRequest {
    let it = &cohort.request;
    ReleaseRequest {
        repository: it.repository.clone(),
        version: it.version.clone(),
        waived: it.waived.clone(),
        dirty: it.dirty,
        wasm: it.wasm.clone(),
        key: it.key.clone(),
        client_secret: SecretSource::Default,
        replace_key: false,
    }
}

fn propose(stage: &Arc<Stage>, cohort: &Cohort) -> Result<Proposed, ReleaseError> {
    stage.run(cohort, |forge, world| release::propose(&of_ci(cohort), forge, world))
}

fn approve(stage: &Arc<Stage>, cohort: &Cohort) -> Result<Approved, ReleaseError> {
    approve_with(stage, cohort, |forge, world| release::approve(&of_maintainer(cohort), false, &|_| true, forge, world))
}

fn approve_with<T>(
    stage: &Arc<Stage>,
    cohort: &Cohort,
    work: impl FnOnce(&dyn Forge, &World<'_>) -> Result<T, ReleaseError>,
) -> Result<T, ReleaseError> {
    stage.run(cohort, |forge, world| work(forge, world))
}

/// What is published, or the writes of a proposal that waits.
fn published(stage: &Arc<Stage>, cohort: &Cohort) -> Result<Receipt, usize> {
    match propose(stage, cohort).unwrap_or_else(|error| panic!("{error}")) {
        Proposed::Published(receipt) => Ok(*receipt),
        Proposed::Waiting(waiting) => Err(waiting.writes),
    }
}

/// Proposes, and waits. The writes.
fn proposed(stage: &Arc<Stage>, cohort: &Cohort) -> usize {
    published(stage, cohort).err().expect("it waits")
}

/// The draft of the connector.
fn draft(github: &mut Model) -> &mut Release {
    github.repository.releases.values_mut().find(|release| release.tag_name == "v0.1.0").expect("a draft")
}

fn asset<'r>(release: &'r mut Release, name: &str) -> Option<&'r mut Asset> {
    release.assets.iter_mut().find(|asset| asset.name == name)
}

fn assert_nothing_public(stage: &Stage, what: &str) {
    let github = stage.github();
    assert!(github.repository.releases.values().all(|release| release.draft), "{what}: something is public");
    assert!(github.repository.tags.is_empty(), "{what}: a tag was made");
}

#[test]
fn what_is_approved_is_published_as_if_one_run_had_made_it() {
    let cohort = Cohort::with_repository(5);
    let stage = Stage::new(cohort.hosted());
    assert_eq!(published(&stage, &cohort).err(), Some(2), "a draft and a file");
    assert_eq!(published(&stage, &cohort).err(), Some(0), "proposed before");
    assert_nothing_public(&stage, "proposed");
    assert_eq!(stage.github().meter.usage.writes, 2);
    assert_eq!(approve(&stage, &cohort).unwrap().writes, 1);
    assert_eq!(approve(&stage, &cohort).unwrap().writes, 0, "approved before: the same signatures over the same bytes");
    assert_eq!(stage.github().meter.usage.writes, 3);
    let receipt = published(&stage, &cohort).unwrap_or_else(|_| panic!("it waits"));
    // One draft is there already, and two files are taken off it.
    assert_eq!(receipt.writes, cohort.writes() - 1 + 2);
    assert_public(&cohort.proven, &stage.github());
    assert_eq!(published(&stage, &cohort).map(|receipt| receipt.writes), Ok(0), "complete");
    assert_eq!(stage.github().meter.usage.writes as usize, cohort.writes() + 4, "2 to propose, 1 to approve");
}

#[test] // jshttp/cookie#264, ossf/package-manager-best-practices#13
fn a_token_that_only_proposes_publishes_nothing_however_often_it_runs() {
    let cohort = Cohort::with_repository(2);
    let stage = Stage::new(cohort.hosted());
    for _ in 0..5 {
        assert!(published(&stage, &cohort).is_err());
    }
    assert_nothing_public(&stage, "proposed five times");
    assert_eq!(stage.github().repository.releases.len(), 1);
}

#[test] // softprops/action-gh-release#641
fn neither_file_is_there_when_the_first_release_becomes_public() {
    let cohort = Cohort::with_repository(3);
    let stage = Stage::new(cohort.hosted());
    stage.github().repository.immutable = true;
    proposed(&stage, &cohort);
    approve(&stage, &cohort).unwrap();
    stage.script(|call, github| {
        let flips = call.method == "PATCH" && String::from_utf8_lossy(&call.body).contains("\"draft\":false");
        if flips {
            let files = draft(github).assets.iter().map(|asset| asset.name.clone()).collect::<Vec<_>>();
            assert!(!files.iter().any(|name| [PROPOSAL, APPROVAL].contains(&name.as_str())), "{files:?}");
        }
        Fate::Answer
    });
    assert!(published(&stage, &cohort).is_ok());
    assert_public(&cohort.proven, &stage.github());
}

#[test]
fn a_release_by_key_takes_a_proposal_off_its_draft() {
    let cohort = Cohort::with_repository(2);
    let stage = Stage::new(cohort.hosted());
    proposed(&stage, &cohort);
    assert_eq!(stage.publish(&cohort).unwrap().writes, cohort.writes() - 1 + 1);
    assert_public(&cohort.proven, &stage.github());
}

#[test] // sigstore/cosign#2049
fn a_module_that_is_built_otherwise_here_is_signed_only_where_that_is_asked_for() {
    let cohort = Cohort::with_repository(2);
    let stage = Stage::new(cohort.hosted());
    let other = cohort.home().path("other.wasm");
    let Ok(Files::Connector { wasm, .. }) = read(&cohort.proven.connector.archive.bytes, None) else {
        panic!("it reads")
    };
    std::fs::write(&other, [&wasm[..], CUSTOM_SECTION].concat()).unwrap();
    let ci = ReleaseRequest { wasm: Some(other), ..of_ci(&cohort) };
    let proposed = stage.run(&cohort, |forge, world| release::propose(&ci, forge, world)).unwrap();
    let Proposed::Waiting(waiting) = proposed else { panic!("it waits") };
    let refused = approve(&stage, &cohort).err().expect("the modules differ").to_string();
    assert!(refused.contains("2 differences; nothing was signed"), "{refused}");
    assert!(asset(draft(&mut stage.github()), APPROVAL).is_none());
    let shown = std::cell::RefCell::new(None);
    let agree = |review: &Review| {
        let taken = review.taken.as_ref().expect("it is not built here");
        *shown.borrow_mut() = Some((taken.same_module, taken.proposed != taken.here));
        true
    };
    let approved = approve_with(&stage, &cohort, |forge, world| {
        release::approve(&of_maintainer(&cohort), true, &agree, forge, world)
    });
    let approved = approved.unwrap();
    assert_eq!(*shown.borrow(), Some((false, true)), "both toolchains were shown");
    assert_eq!((approved.proven.content, &approved.proven.cohort.toolchain), (waiting.content, &waiting.toolchain));
    assert!(published(&stage, &cohort).is_ok());
    assert_public(&approved.proven, &stage.github());
}

#[test]
fn an_answer_of_no_signs_and_writes_nothing() {
    let cohort = Cohort::with_repository(2);
    let stage = Stage::new(cohort.hosted());
    proposed(&stage, &cohort);
    let declined = approve_with(&stage, &cohort, |forge, world| {
        release::approve(&of_maintainer(&cohort), false, &|_| false, forge, world)
    });
    assert!(declined.err().unwrap().to_string().ends_with("was not approved; nothing was signed"));
    assert_eq!(stage.github().meter.usage.writes, 2);
}

#[test]
fn the_commit_is_the_one_that_the_tag_names_here_whatever_is_checked_out() {
    let cohort = Cohort::with_repository(2);
    let stage = Stage::new(cohort.hosted());
    proposed(&stage, &cohort);
    let git = |args: &[&str]| {
        let done = std::process::Command::new("git").arg("-C").arg(&cohort.request.repository).args(args).output();
        assert!(done.as_ref().is_ok_and(|done| done.status.success()), "git {args:?}: {done:?}");
    };
    git(&["tag", "v0.1.0"]);
    git(&["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "next"]);
    std::fs::write(cohort.request.repository.join("connector/manifest.toml"), "in the middle of the next one").unwrap();
    assert_eq!(approve(&stage, &cohort).unwrap().writes, 1);
    git(&["tag", "-f", "v0.1.0", "HEAD"]);
    let moved = approve(&stage, &cohort).err().unwrap();
    assert!(moved.to_string().contains("1 difference; nothing was signed"), "{moved}");
}

#[test]
fn the_workflow_that_publishes_is_started_where_the_token_may() {
    let cohort = Cohort::with_repository(1);
    let stage = Stage::new(cohort.hosted());
    proposed(&stage, &cohort);
    let started = || {
        approve_with(&stage, &cohort, |forge, world| {
            let approved = release::approve(&of_maintainer(&cohort), false, &|_| true, forge, world)?;
            release::start_publishing(&approved, forge)
        })
        .unwrap()
    };
    let refused = |words: &str| WorkflowStart::Refused(words.to_owned());
    assert_eq!(started(), refused("HTTP 404: Not Found"), "there is no such workflow");
    let file = ".github/workflows/release.yml".to_owned();
    stage.github().repository.files.insert(file.clone(), b"on: push".to_vec());
    assert_eq!(started(), refused("HTTP 422: Workflow does not have 'workflow_dispatch' trigger"));
    let with_input = b"on: {workflow_dispatch: {inputs: {version: {\nrequired: true\n}}}}".to_vec();
    stage.github().repository.files.insert(file.clone(), with_input);
    assert_eq!(started(), refused("HTTP 422: Required input 'version' not provided"));
    stage.github().repository.files.insert(file, b"on: [workflow_dispatch]".to_vec());
    assert_eq!(started(), refused("HTTP 422: No ref found for: v0.1.0"));
    let commit = cohort.proven.cohort.commit.as_str().to_owned();
    stage.github().repository.tags.insert("v0.1.0".to_owned(), TagRef::light(commit));
    assert_eq!(started(), WorkflowStart::Started);
    assert_eq!(stage.github().repository.started, [("release.yml".to_owned(), "v0.1.0".to_owned())]);
}

#[test] // artifacts.md §11, Budget
fn publishing_517_artifacts_takes_no_longer_than_a_release_by_key() {
    let cohort = Cohort::large();
    let length = |stage: &Arc<Stage>, publish: &dyn Fn()| {
        let began = stage.now();
        publish();
        assert_public(&cohort.proven, &stage.github());
        stage.now().duration_since(began).unwrap().as_secs_f64()
    };
    let by_key = Stage::new(cohort.hosted());
    let by_key = length(&by_key, &|| drop(by_key.publish(cohort).unwrap()));
    let in_halves = Stage::new(cohort.hosted());
    let proposal = AssetFile::new(PROPOSAL, vec![1; 3_000_000]);
    let approval = AssetFile::new(APPROVAL, vec![1; 400_000]);
    in_halves
        .run(cohort, |forge, _| {
            let tag = cohort.proven.release.tag();
            let failed = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
            let _lock = forge.lock(&cohort.scope()).map_err(failed)?;
            forge.observe(&cohort.scope()).map_err(failed)?;
            for write in [
                Write::Draft { tag: tag.clone(), pre_release: false },
                Write::Stage { tag: tag.clone(), asset: proposal.clone() },
                Write::Stage { tag, asset: approval.clone() },
            ] {
                forge.perform(&cohort.scope(), &write).map_err(failed)?;
            }
            Ok(())
        })
        .unwrap();
    let in_halves = length(&in_halves, &|| drop(in_halves.publish(cohort).unwrap()));
    assert!(in_halves <= by_key * 1.05, "{in_halves} s, {by_key} s by key");
}
