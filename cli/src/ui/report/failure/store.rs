//! Failures of the store.

use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::trust::keyring::SignatureRefused;
use serde_json::json;

use super::consumer::of_verdict;
use super::{Exit, Failure, classified, private};
use crate::store::StoreError;

classified!(StoreError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let plain = Failure::of(&error, Exit::Failure);
        let fail = |exit| Failure { exit, ..plain.clone() };
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
            StoreError::NotPrivate(why) => fail(Exit::Failure).next(private::next(&why)),
            StoreError::Locked(why) => why.into(),
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
