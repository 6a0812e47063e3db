//! Failures of installing and of the store: exit codes, evidence, and what to try next.

use std::collections::BTreeSet;

use serde_json::json;

use super::failure::{of_document, with_published_key};
use super::{Exit, Failure, of_judge};
use crate::consumer::install::error::InstallError;
use crate::consumer::verify::VerificationError;
use crate::store::StoreError;
use aileron_verifier::artifact::archive::{Kind, Malformed};
use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::problem::Rule;
use aileron_verifier::trust::keyring::SignatureRefused;

/// Most lines of what is wrong with many artifacts at once.
const LINES: usize = 20;

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Failure {
        let (class, message, retriable) = (error.class(), error.to_string(), error.is_retriable());
        let fail = |exit| Failure { retriable, ..Failure::new(class, exit, message.clone()) };
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
                match divergence {
                    Some(divergence) => with_published_key(failure, &divergence),
                    None => failure,
                }
            }
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
            InstallError::Several { first, all, rules } => {
                let failure = match (&*first, rules.is_empty()) {
                    (InstallError::Rules { .. }, false) => Failure::from(*first)
                        .next(format!("tell their publisher; to install them anyway, add {}", allowing(&rules))),
                    _ => Failure::from(*first),
                };
                let (shown, count) = (all.iter().take(LINES), all.len());
                let mut failure = Failure {
                    message: format!("{} of the artifacts cannot be installed; nothing was", count),
                    details: json!({"problems": all.clone()}),
                    evidence: shown.map(|line| format!("  {line}")).collect(),
                    place: None,
                    ..failure
                };
                if count > LINES {
                    failure = failure.evidence(format!("  … and {} more (--json lists them all)", count - LINES));
                }
                failure
            }
        }
    }
}

/// The flags that allow all of these rules, for everything of one run at once.
fn allowing(rules: &BTreeSet<&'static Rule>) -> String {
    rules.iter().map(|rule| format!("--allow {rule}")).collect::<Vec<_>>().join(" ")
}

/// Asked for as a connector, and an action, or the other way round.
fn other_kind(why: &VerifyError, what: &str) -> Option<String> {
    match why {
        VerifyError::Archive(Malformed::UnknownName { name, kind: Some(Kind::Connector) }) if name == "action.md" => {
            Some(format!("this is an action: aileron action add {what}"))
        }
        VerifyError::Archive(Malformed::UnknownName { name, kind: Some(Kind::Action) }) if name == "connector.wasm" => {
            Some(format!("this is a connector: aileron connector install {what}"))
        }
        _ => None,
    }
}

/// A verdict in the words of `verify`, but for what an installer can do about it.
pub(crate) fn of_verdict(why: VerifyError) -> Failure {
    let next = match &why {
        VerifyError::Signature(SignatureRefused::NoKey { authority }) => {
            Some(format!("aileron keyring trust {authority}, then run the same command again"))
        }
        VerifyError::Signature(_) => Some(
            "compare fingerprints with the publisher's; if the key was rotated, `aileron keyring trust` adds the new one"
                .to_owned(),
        ),
        _ => None,
    };
    let failure = of_judge(&VerificationError::Refused(why));
    match next {
        Some(next) => failure.next(next),
        None => failure,
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let (class, message) = (error.class(), error.to_string());
        let fail = |exit| Failure::new(class, exit, message.clone());
        match error {
            StoreError::Disk(_) => fail(Exit::Failure),
            StoreError::Refused { what, why } => {
                let untrusted = matches!(why, VerifyError::Signature(SignatureRefused::NoKey { .. }));
                let failure = of_verdict(why).evidence(format!("  {what}, as it is installed"));
                match untrusted {
                    true => failure,
                    false => failure.next(
                        "it was changed after it was installed, or its publisher's key was revoked: \
                         install it again, or remove it",
                    ),
                }
            }
            StoreError::NotPrivate(why) => fail(Exit::Failure).next(super::private::next(&why)),
            StoreError::Locked(why) => Failure { class, ..Failure::from(why) },
            StoreError::Unsigned { installed, .. } => fail(Exit::Refused).next(match installed {
                Some(reference) => format!("aileron action add {reference}"),
                None => "aileron action add REF, with the action's name and version".to_owned(),
            }),
            StoreError::NoConnector(_) => fail(Exit::NotFound).next("aileron connector list, for what is installed"),
            StoreError::NoAction(_) => fail(Exit::NotFound).next("aileron action list, for what is installed"),
            StoreError::OtherContent { installed, offered, .. } => fail(Exit::Refused)
                .details(json!({"installed": installed, "offered": offered}))
                .next("a published version never changes: ask its publisher; --force replaces what is installed"),
            StoreError::Taken { installed, offered } => fail(Exit::Failure)
                .details(json!({"installed": installed, "offered": offered}))
                .next("--force puts it in the other's place"),
            StoreError::Pinned { by, .. } => {
                let next = format!("aileron action remove {}, and then this again", by.join(" "));
                fail(Exit::Failure).details(json!({"pinned_by": by})).next(next)
            }
            StoreError::ConnectorMissing { needs, .. } => fail(Exit::Failure)
                .details(json!({"reference": needs.reference, "content_hash": needs.content}))
                .next(format!("aileron connector install {} --hash {}", needs.reference, needs.content)),
            StoreError::UnreadableEntry(content) => {
                fail(Exit::Refused).next(format!("rm -r the directory store/connectors/sha256/{}", content.hex()))
            }
            StoreError::NotAnAction(_) | StoreError::NotAConnector(_) => fail(Exit::Refused),
        }
    }
}
