//! Failures of the consumer wing, but for installing: trust, fetching, verdicts.

use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::statement::StatementError;
use aileron_verifier::trust::keyring::SignatureRefused;
use serde_json::json;

use super::sys::LOCKED;
use super::{Exit, Failure, classified, private};
use crate::consumer::authority::AuthorityError;
use crate::consumer::fetch::origin::FetchError;
use crate::consumer::hub::HubError;
use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::prompt::AskError;
use crate::consumer::trust::publisher_key::KeyFetchError;
use crate::consumer::trust::ring::RingError;
use crate::consumer::trust::succession::Divergence;
use crate::consumer::trust::succession::KeySayings;
use crate::consumer::unit::UnitsError;
use crate::consumer::verify::VerificationError;
use crate::sys::http::HttpError;
use crate::sys::lock::LockError;
use crate::sys::private::Flaw;
use crate::ui::report::diagnostics::Drawing;

classified!(
    AskError,
    AuthorityError,
    FetchError,
    HubError,
    KeyFetchError,
    RingError,
    TrustError,
    UnitsError,
    VerificationError
);

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            TrustError::Disk(_) => fail(Exit::NotFound),
            TrustError::NoHome => fail(Exit::Failure),
            TrustError::NotPrivate(why) => fail(Exit::Failure).next(private::next(why)),
            TrustError::Ring(_) | TrustError::Key { .. } => fail(Exit::Failure),
        }
    }
}

impl From<UnitsError> for Failure {
    fn from(error: UnitsError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            UnitsError::NoHome => fail(Exit::Failure),
            UnitsError::Disk(_) => fail(Exit::Failure),
            UnitsError::NotPrivate(why) => fail(Exit::Failure).next(private::next(why)),
            UnitsError::Locked(LockError::Busy { .. }) => fail(Exit::Failure).next(LOCKED),
            UnitsError::Locked(LockError::Interrupted(_)) => fail(Exit::Interrupted),
            UnitsError::Locked(LockError::Disk(_)) => fail(Exit::Failure),
            UnitsError::Malformed { path, .. } => fail(Exit::Failure)
                .next(format!("remove {}, then accept the units again with `aileron unit accept`", path.display())),
            UnitsError::Layer { path, line, .. } => {
                let place = Some((path.display().to_string(), *line));
                Failure { place, ..fail(Exit::Failure) }.next(format!("fix {}, or remove it", path.display()))
            }
        }
    }
}

/// A declined publisher is 1 (artifacts.md §10); what else stops the question follows §8.
impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        let fail = |exit| Failure::pinned(&error, exit);
        match &error {
            AskError::NoHome | AskError::Ring(_) | AskError::Console { .. } => fail(Exit::Failure),
            AskError::Declined(repo) => fail(Exit::Failure)
                .next(format!("aileron keyring trust --repo-only {repo}, to trust this repository only")),
            AskError::DeclinedBefore(_) => fail(Exit::Failure),
            AskError::Key { authority, .. } if error.class() == Class::FetchFailed => fail(Exit::NotFound)
                .next(format!("aileron keyring trust --key-file PEM {authority}, with the key from its publisher")),
            AskError::Key { .. } => fail(Exit::Refused),
            AskError::OtherKey { wanted, found, .. } => fail(Exit::Refused)
                .details(json!({"wanted": wanted, "found": found}))
                .next("ask the publisher which key is right, before anything else"),
        }
    }
}

/// The ring, in `keyring`'s own words: exit 1, whatever it was. keyring.md §6.
impl From<RingError> for Failure {
    fn from(error: RingError) -> Failure {
        let failure = Failure::pinned(&error, Exit::Failure);
        match &error {
            RingError::Load { why: TrustError::NotPrivate(why), .. } if why.flaw == Flaw::WritableByOthers => {
                failure.next(format!("look through it, then chmod go-w {}", why.at.display()))
            }
            RingError::Load { why: TrustError::NotPrivate(why), .. } | RingError::NotPrivate(why) => {
                failure.next(private::next(why))
            }
            RingError::Locked(LockError::Busy { .. }) => failure.next(LOCKED),
            RingError::Locked(LockError::Interrupted(_)) => Failure { exit: Exit::Interrupted, ..failure },
            RingError::Locked(LockError::Disk(_)) => failure,
            RingError::Load { why: TrustError::Ring(why), path } => {
                Failure { place: why.line().map(|line| (path.clone(), line)), ..failure }
            }
            RingError::Load { .. } | RingError::Save(_) => failure,
        }
    }
}

/// No key to grant, and how to give one: exit 1. keyring.md §6.1.
impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Failure {
        let failure = Failure::pinned(&error, Exit::Failure);
        let (key, owner) = match &error {
            AuthorityError::Repository { why, granted, .. } => (why, granted),
            AuthorityError::Entry { why, owner, .. } => (why, owner),
            AuthorityError::Hub { why, .. } => {
                return Failure { pinned: failure.pinned.map(|text| format!("error: {why}\n{text}")), ..failure };
            }
            AuthorityError::Name { .. }
            | AuthorityError::OwnerAlone(_)
            | AuthorityError::KeyFile(_)
            | AuthorityError::NoEntry { .. } => return failure,
        };
        let key_file = format!("aileron keyring trust --key-file <path> {owner}, with the key from its publisher");
        match key {
            KeyFetchError::Absent(_) => failure.next(format!("for a private repository set GH_TOKEN; or {key_file}")),
            _ => failure.next(key_file),
        }
    }
}

/// A catalog that cannot be read: exit 1. keyring.md §9.4.
impl From<HubError> for Failure {
    fn from(error: HubError) -> Failure {
        Failure::pinned(&error, Exit::Failure)
    }
}

/// Both fingerprints beside a signature that no trusted key accepts. artifacts.md §10.
pub fn with_published_key(failure: Failure, divergence: &Divergence) -> Failure {
    let authority = &divergence.authority;
    let trusted: Vec<String> = divergence.trusted.iter().map(ToString::to_string).collect();
    let mut details = json!({"tried": divergence.trusted});
    let mut failure = Failure { evidence: Vec::new(), ..failure };
    failure = failure.evidence(format!("  trusted for {authority}: {}", trusted.join(", ")));
    let next = match &divergence.published {
        Ok(published) => {
            let fingerprint = published.key.fingerprint();
            details["published"] = json!(fingerprint);
            failure = failure.evidence(format!("  published at {}: {fingerprint}", published.at));
            if let Some(sayings) = &divergence.sayings {
                let lines = sayings.lines(&fingerprint);
                failure = lines.into_iter().fold(failure, |failure, line| failure.evidence(format!("  {line}")));
                details["rotation"] = json!(sayings.named.word());
                details["revoked"] = json!(sayings.revoked().map(|(key, _)| key).collect::<Vec<_>>());
            }
            let revoked = divergence.sayings.iter().flat_map(KeySayings::revoked).next();
            match (divergence.differs(), revoked) {
                (Some(_), Some((old, _))) => format!(
                    "aileron keyring revoke --key {old}; then compare the published key with one you got another way, and \
                     aileron keyring trust --fingerprint {fingerprint} {authority}"
                ),
                (Some(_), None) => format!(
                    "compare the published key with the publisher's release notes; if the key was rotated, \
                     aileron keyring trust --fingerprint {fingerprint} {authority}"
                ),
                (None, _) => "the publisher's key has not changed and did not sign this: do not install it".to_owned(),
            }
        }
        Err(why) => {
            failure = failure.evidence(format!("  the published key is not known: {why}"));
            "compare fingerprints with the publisher's release notes".to_owned()
        }
    };
    failure.details(details).next(next)
}

impl From<VerificationError> for Failure {
    fn from(error: VerificationError) -> Failure {
        of_judge(&error)
    }
}

/// A refusal, or nothing to judge.
pub(crate) fn of_judge(error: &VerificationError) -> Failure {
    let fail = |exit| Failure::of(error, exit);
    match error {
        VerificationError::Refused(refusal) => of_refusal(refusal, fail(Exit::Refused)),
        VerificationError::Index(refusal) => of_statement(refusal, fail(Exit::Refused)),
        VerificationError::Fetch(error) => error.into(),
        VerificationError::Disk(_) | VerificationError::Nothing(_) => fail(Exit::NotFound),
        VerificationError::NoCohort(reference) => {
            fail(Exit::NotFound).next(format!("aileron verify {reference}, for the connector only"))
        }
        VerificationError::NotYet { at, .. } => fail(Exit::NotFound)
            .evidence(format!("  looked at {at}"))
            .next("wait a few minutes, then run the same command again"),
        VerificationError::NotListed { found, listed, .. } => fail(Exit::Refused)
            .details(json!({"found": found, "listed": listed}))
            .next("do not install it before its publisher has said which archive is right"),
    }
}

/// Bytes that did not come, or are no archive at first sight.
impl From<&FetchError> for Failure {
    fn from(error: &FetchError) -> Failure {
        let exit = if error.class() == Class::FetchFailed { Exit::NotFound } else { Exit::Refused };
        let failure = Failure::of(error, exit);
        match error {
            FetchError::Absent { .. } => {
                failure.next("check the name and the version, or name another mirror with --from")
            }
            FetchError::TooLarge { .. } => {
                failure.next("fetch it from another mirror with --from, or tell its publisher")
            }
            FetchError::WebPage { .. } => {
                failure.next("sign in where the server wants it, or correct the mirror's address")
            }
            FetchError::Unlisted { name, .. } => failure.next(format!("name a version: {name}@VERSION")),
            FetchError::NoVersion { name, .. } => {
                failure.next(format!("check the name; a pre-release must be named: {name}@VERSION"))
            }
            FetchError::Garbled { .. } => failure.next("name another mirror with --from"),
            FetchError::Http(HttpError::Refused { status: 401 | 403, .. }) => {
                failure.next("the server wants to know who asks: name another mirror with --from")
            }
            FetchError::Http(error) if error.is_retriable() => {
                failure.next("check the network and HTTPS_PROXY, then run the same command again")
            }
            FetchError::Http(_) => failure.next("name another mirror with --from"),
            FetchError::Disk(_) | FetchError::Nowhere(_) => failure,
        }
    }
}

/// Somebody else's document: its problems are to be drawn, the first one's place is named.
pub(super) fn of_document(failure: Failure, problems: &[Problem], more: usize, source: &Source) -> Failure {
    let drawn = Drawing::new(problems.iter().map(|problem| (problem, Some(source))), &[]).and_more(more);
    let failure = Failure { drawn, ..failure };
    match problems.first() {
        Some(first) => failure.at(first, Some(source)),
        None => failure,
    }
}

fn of_refusal(refusal: &VerifyError, failure: Failure) -> Failure {
    match refusal {
        VerifyError::Document { problems, more, text } => of_document(failure, problems, *more, text),
        VerifyError::Identity(problem) => failure.evidence(format!("  in {}", problem.file)),
        VerifyError::Signature(refused) => of_signature(refused, failure),
        VerifyError::Hash { pinned, found } => failure
            .details(json!({"pinned": pinned, "found": found}))
            .next("do not install it before its publisher has said which hash is right"),
        VerifyError::Name { wanted, found } => failure.details(json!({"wanted": wanted, "found": found})),
        VerifyError::Archive(_) | VerifyError::Module { .. } => {
            failure.next("fetch the archive again; if it is refused again, tell its publisher")
        }
        VerifyError::Unjudged(_) => {
            failure.next("do not install it; please report this to the makers of aileron, with the archive")
        }
        VerifyError::HashOfAction(_) => failure.next("leave --hash out: only connectors have a content hash"),
    }
}

fn of_statement(refusal: &StatementError, failure: Failure) -> Failure {
    match refusal {
        StatementError::Signature(refused) => of_signature(refused, failure),
        StatementError::Signer { wanted, found } => failure.details(json!({"wanted": wanted, "found": found})),
        StatementError::Length { .. } | StatementError::Cosigner(_) => failure,
        StatementError::Subject { wanted, found } => failure.details(json!({"wanted": wanted, "found": found})),
        StatementError::Unjudged(_) => {
            failure.next("do not install it; please report this to the makers of aileron, with the archive")
        }
        StatementError::Document(_) => failure,
    }
}

fn of_signature(refused: &SignatureRefused, failure: Failure) -> Failure {
    let failure = tried(refused, failure);
    match refused {
        SignatureRefused::NoKey { authority } => {
            failure.next(format!("aileron keyring trust {authority}, or pass the publisher's key with --key PEM"))
        }
        SignatureRefused::NoMatch { .. } | SignatureRefused::WrongLength(_) => {
            failure.next("compare fingerprints with the publisher's; if you trust the key, pass it with --key PEM")
        }
    }
}

/// Which keys were tried, so that a reader can compare fingerprints.
fn tried(refused: &SignatureRefused, failure: Failure) -> Failure {
    match refused {
        SignatureRefused::NoMatch { tried, .. } => {
            let tried: Vec<String> = tried.iter().map(ToString::to_string).collect();
            failure.details(json!({"tried": tried})).evidence(format!("  tried {}", tried.join(", ")))
        }
        SignatureRefused::NoKey { .. } | SignatureRefused::WrongLength(_) => failure,
    }
}

/// What an installer can do about a signature that no trusted key accepts.
pub(super) fn after_signature(refused: Option<&SignatureRefused>) -> Option<String> {
    Some(match refused? {
        SignatureRefused::NoKey { authority } => {
            format!("aileron keyring trust {authority}, then run the same command again")
        }
        SignatureRefused::NoMatch { .. } | SignatureRefused::WrongLength(_) => {
            "compare fingerprints with the publisher's; if the key was rotated, `aileron keyring trust` adds the new one"
                .to_owned()
        }
    })
}

/// A verdict in the words of `verify`, but for what an installer can do about it.
pub(crate) fn of_verdict(why: VerifyError) -> Failure {
    let next = after_signature(why.signature());
    let failure = of_judge(&VerificationError::Refused(why));
    match next {
        Some(next) => failure.next(next),
        None => failure,
    }
}
