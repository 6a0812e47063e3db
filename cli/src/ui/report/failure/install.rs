//! Failures of installing.

use std::collections::BTreeSet;

use aileron_verifier::artifact::archive::{ArtifactKind, Malformed};
use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::layout::member;
use aileron_verifier::problem::Rule;
use serde_json::json;

use super::consumer::{after_signature, of_document, of_verdict};
use super::{Exit, Failure, classified, of_judge, with_published_key};
use crate::consumer::install::consent::ConsentError;
use crate::consumer::install::error::InstallError;
use crate::consumer::install::installed::InstalledError;
use crate::consumer::trust::succession::Divergence;
use crate::consumer::verify::VerificationError;

classified!(ConsentError, InstallError, InstalledError);

/// Most lines of what is wrong with many artifacts at once.
const LINES: usize = 20;

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Failure {
        let plain = Failure::of(&error, Exit::Failure);
        let fail = |exit| Failure { exit, ..plain.clone() };
        match error {
            InstallError::Fetch(error) => (&error).into(),
            InstallError::NoIndex(_) => fail(Exit::NotFound).next(
                "ask its publisher for the index; to install an unsigned list that you trust: \
                 aileron action add-suite -f FILE",
            ),
            InstallError::Refused { what, why, divergence } => {
                let other = other_kind(&why, &what);
                let failure = of_verdict(why).evidence(format!("  {what}"));
                let failure = match other {
                    Some(next) => failure.next(next),
                    None => failure,
                };
                beside_published_key(failure, divergence.as_deref())
            }
            InstallError::Index { connector, why, divergence } => {
                let next = after_signature(why.signature());
                let failure = of_judge(&VerificationError::Index(why)).evidence(format!("  {connector}"));
                let failure = match next {
                    Some(next) => failure.next(next),
                    None => failure,
                };
                beside_published_key(failure, divergence.as_deref())
            }
            InstallError::Revoked { ref key, by, .. } => fail(Exit::Refused)
                .evidence(format!("  revoked by {by}"))
                .details(json!({"key": key, "revoked_by": by}))
                .next(format!("install a version that another key signed; aileron keyring revoke --key {key} ends trust in this one")),
            InstallError::Trust(error) => error.into(),
            InstallError::Store(error) => error.into(),
            InstallError::Disk(error) => of_judge(&VerificationError::Disk(error)),
            InstallError::Rules { problems, text, .. } => {
                let rules = problems.iter().map(|problem| problem.rule).collect();
                of_document(fail(Exit::Refused), &problems, 0, &text)
                    .next(format!("tell its publisher; to install it anyway, add {}", allowing(&rules)))
            }
            InstallError::Judged(error) => of_judge(&error),
            InstallError::OtherPin { needs, installed, .. } => fail(Exit::Failure)
                .details(json!({"pinned": needs.content, "installed": installed}))
                .next(format!("aileron connector check {}, to see which of the two is published", needs.reference)),
            InstallError::ConnectorMissing { needs, why, .. } => {
                let why = Failure::from(*why);
                fail(Exit::Failure)
                    .details(json!({"reference": needs.reference, "content_hash": needs.content, "why": why.json()}))
                    .next(format!(
                        "ask the action's publisher; aileron verify {} shows what is published",
                        needs.reference
                    ))
            }
            InstallError::SameName { .. } => {
                fail(Exit::Failure).next("leave one of them out: an action's file has its short name")
            }
            InstallError::RepositorySuite(_) => fail(Exit::Refused)
                .next("name a release of the repository instead: aileron action add-suite <repo>@<version>"),
            InstallError::Suite { problems, more, text } => of_document(fail(Exit::Refused), &problems, more, &text),
            InstallError::Several { first, all, rules } => several(*first, &all, &rules),
        }
    }
}

/// Many artifacts at once: the failure of the first, the lines of all.
fn several(first: InstallError, all: &[String], rules: &BTreeSet<&'static Rule>) -> Failure {
    let is_of_rules = matches!(first, InstallError::Rules { .. }) && !rules.is_empty();
    let mut failure = Failure::from(first);
    if is_of_rules {
        failure = failure.next(format!("tell their publisher; to install them anyway, add {}", allowing(rules)));
    }
    let shown = all.iter().take(LINES).map(|line| format!("  {line}"));
    let failure = Failure {
        message: format!("{} of the artifacts cannot be installed; nothing was", all.len()),
        details: json!({"problems": all}),
        evidence: shown.collect(),
        place: None,
        ..failure
    };
    match all.len().checked_sub(LINES) {
        Some(more) if more > 0 => failure.evidence(format!("  … and {more} more (--json lists them all)")),
        _ => failure,
    }
}

/// The flags that allow all of these rules, for everything of one run at once.
fn allowing(rules: &BTreeSet<&'static Rule>) -> String {
    rules.iter().map(|rule| format!("--allow {rule}")).collect::<Vec<_>>().join(" ")
}

fn beside_published_key(failure: Failure, divergence: Option<&Divergence>) -> Failure {
    match divergence {
        Some(divergence) => with_published_key(failure, divergence),
        None => failure,
    }
}

/// Asked for as a connector, and an action, or the other way round.
fn other_kind(why: &VerifyError, what: &str) -> Option<String> {
    match why {
        VerifyError::Archive(Malformed::UnknownName { name, kind: Some(ArtifactKind::Connector) })
            if name == member::DOCUMENT =>
        {
            Some(format!("this is an action: aileron action add {what}"))
        }
        VerifyError::Archive(Malformed::UnknownName { name, kind: Some(ArtifactKind::Action) })
            if name == member::MODULE =>
        {
            Some(format!("this is a connector: aileron connector install {what}"))
        }
        _ => None,
    }
}

impl From<InstalledError> for Failure {
    fn from(error: InstalledError) -> Failure {
        match error {
            InstalledError::SeveralVersions { ref versions, .. } => {
                let listed = versions.iter().map(|reference| format!("  {reference}"));
                listed.fold(Failure::of(&error, Exit::Usage), Failure::evidence)
            }
            InstalledError::Store(error) => error.into(),
        }
    }
}

impl From<ConsentError> for Failure {
    fn from(error: ConsentError) -> Failure {
        match error {
            ConsentError::Store(error) => error.into(),
            error @ ConsentError::Console(_) => Failure::of(&error, Exit::Failure),
        }
    }
}
