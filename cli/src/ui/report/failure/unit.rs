//! Failures of Features and of the registries they are published in.

use serde_json::{Value, json};

use super::{Exit, Failure, classified};
use crate::event::counted;
use crate::publisher::forge::registry::RegistryError;
use crate::publisher::unit::archive::ArchiveError;
use crate::publisher::unit::folder::FeatureError;
use crate::publisher::unit::published::PublishedError;
use crate::publisher::unit::scaffold::UnitScaffoldError;
use crate::ui::report::diagnostics::{Drawing, problem_json};
use aileron_verifier::problem::{Class, Problem, Severity, Source};

classified!(ArchiveError, FeatureError, PublishedError, RegistryError, UnitScaffoldError);

/// Errors in a Feature, which keep it from being packed. `source` is `None` where the manifest is no text.
pub(crate) fn of_feature(problems: &[Problem], source: Option<&Source>) -> Failure {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.rule.severity() == Severity::Error).collect();
    let listed: Vec<Value> = problems.iter().map(|problem| problem_json(problem, source, &[])).collect();
    let class = errors.first().map_or(Class::ValidationError, |problem| problem.rule.class());
    let message = format!("{} in the Feature: it is not packed", counted(errors.len(), "error"));
    let failure = Failure::new(class, Exit::Policy, message)
        .drawing(Drawing::new(errors.iter().map(|problem| (*problem, source)), &[]).listed())
        .details(json!({"problems": listed}))
        .next("fix them, then run the same command again");
    match errors.first() {
        Some(first) => failure.at(first, source),
        None => failure,
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Failure {
        if let RegistryError::Lock(error) = error {
            return error.into();
        }
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            RegistryError::Reference(_) => fail(Exit::Usage).next("write it as ghcr.io/OWNER/ID"),
            RegistryError::PlainHttp(_) => fail(Exit::Usage).next("leave --plain-http out"),
            RegistryError::Credential(_) => fail(Exit::Usage),
            RegistryError::Helper(_) => fail(Exit::Usage).next("pass --username NAME and --password-file FILE instead"),
            RegistryError::Absent { .. } => fail(Exit::NotFound).next("check the name and the tag"),
            RegistryError::Login { had_credential: false, .. } => fail(Exit::Failure).next(
                "pass --username NAME and --password-file FILE, or log in with docker login; for ghcr.io GITHUB_TOKEN does",
            ),
            RegistryError::Login { .. } => fail(Exit::Failure).next(
                "the credential may not write there: ghcr.io wants write:packages (in a workflow: permissions: packages: write)",
            ),
            RegistryError::Refused { status, .. } => fail(Exit::Failure).details(json!({"status": status})),
            RegistryError::Unexpected { .. } => fail(Exit::Failure),
            RegistryError::Paused { until, .. } => fail(Exit::Incomplete)
                .details(json!({"until": until}))
                .next("run the same command again then: it goes on where it stopped"),
            RegistryError::Unreachable { .. } => {
                fail(Exit::Incomplete).next("run the same command again: it goes on where it stopped")
            }
            RegistryError::Interrupted => {
                fail(Exit::Interrupted).next("run the same command again: it goes on where it stopped")
            }
            RegistryError::Taken(taken) => fail(Exit::Failure)
                .details(json!({"tag": taken.tag.as_str(), "there": taken.there, "ours": taken.ours}))
                .next("a published version is never changed: raise `version` in devcontainer-feature.json"),
            RegistryError::Moved { tag, there, expected } => fail(Exit::Failure)
                .details(json!({"tag": tag, "there": there, "expected": expected}))
                .next("somebody else pushes at the same time: find out who, then run the same command again"),
            RegistryError::Differs { what, expected, found } => fail(Exit::Refused)
                .details(json!({"what": what, "expected": expected, "found": found}))
                .next("nobody should install it: ask who runs the registry, or publish elsewhere"),
            RegistryError::Lock(_) | RegistryError::Disk(_) => fail(Exit::Failure),
        }
    }
}

impl From<FeatureError> for Failure {
    fn from(error: FeatureError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            FeatureError::NoManifest(_) => {
                fail(Exit::Usage).next("name a Feature's folder, or make one with `aileron-pub unit init ID`")
            }
            FeatureError::Unfit { .. } | FeatureError::Archive(_) => fail(Exit::Policy),
            FeatureError::Disk(_) => fail(Exit::Failure),
        }
    }
}

impl From<PublishedError> for Failure {
    fn from(error: PublishedError) -> Failure {
        let failure = Failure::of(&error, Exit::Refused);
        match error {
            PublishedError::Registry(error) => error.into(),
            PublishedError::NotAFeature { .. } | PublishedError::Image { .. } | PublishedError::Archive(_) => failure,
            PublishedError::NoPlatform { ref has, .. } => {
                let failure = Failure { exit: Exit::NotFound, ..failure };
                match has.first() {
                    Some(first) => failure.next(format!("--platform {first} reads another one of them")),
                    None => failure.next("check the name and the tag"),
                }
            }
            PublishedError::Disagree { .. } => failure.next("do not use it: ask its publisher, who can push it again"),
        }
    }
}

impl From<UnitScaffoldError> for Failure {
    fn from(error: UnitScaffoldError) -> Failure {
        let exit = if error.class() == Class::UsageError { Exit::Usage } else { Exit::Failure };
        Failure::of(&error, exit)
    }
}
