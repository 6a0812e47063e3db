//! Failures about Squad Aegis bundles: exit codes, and what to try next.

use aileron_verifier::aegis::rules::{SIGN_KEY_ID, SIGN_LIFETIME};
use aileron_verifier::aegis::upload::UploadError;
use aileron_verifier::aegis::verify::SignatureError;
use aileron_verifier::problem::Problem;
use serde_json::json;

#[cfg(unix)]
use super::{Exit, Failure, classified};
#[cfg(unix)]
use crate::publisher::aegis::extension::TryError;
use crate::publisher::aegis::{AegisError, Findings};
use crate::ui::report::diagnostics::Drawing;

classified!(AegisError, SignatureError, UploadError);

impl From<AegisError> for Failure {
    fn from(error: AegisError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            AegisError::Disk(error) => error.into(),
            AegisError::NoManifest(_) => {
                fail(Exit::Policy).next("name a directory that has manifest.json and bin/, or a zip file")
            }
            AegisError::Build(error) => error.into(),
            AegisError::NoModule(_) => {
                fail(Exit::Policy).next("name the extension's repository, the directory with go.mod and manifest.json")
            }
            AegisError::NoTarget { .. } => {
                fail(Exit::Usage).next("name one of those, or add the target to manifest.json")
            }
            AegisError::NotStaging { .. } => {
                fail(Exit::Policy).next("pass another --out DIR, or remove that directory")
            }
            AegisError::Special { .. } => fail(Exit::Policy).next("put the file itself there"),
            AegisError::NameNotUtf8(_) | AegisError::TooManyFiles { .. } | AegisError::Large(_) => fail(Exit::Policy),
            AegisError::KeyId(_) => fail(Exit::Usage)
                .details(json!({"rule": SIGN_KEY_ID.id()}))
                .next("pass --key-id, as in --key-id ops-key-2026-q1"),
            AegisError::Lifetime => fail(Exit::Usage)
                .details(json!({"rule": SIGN_LIFETIME.id()}))
                .next("pass --valid-for, as in --valid-for 8760h"),
            AegisError::Wrapper(_) => fail(Exit::Policy).next("aileron-pub aegis check, for everything that is wrong"),
            AegisError::Broken { findings, .. } => of_bundle(findings, error.to_string())
                .drawing(bundle_drawing(&findings.problems.iter().collect::<Vec<_>>(), findings)),
        }
    }
}

/// Broken rules of a bundle.
pub(crate) fn of_bundle(findings: &Findings, message: String) -> Failure {
    let failure = Failure::new(findings.class(), Exit::Policy, message);
    let failure = failure.next("fix them, then run `aileron-pub aegis check` again");
    match findings.errors().next() {
        Some(first) => failure.at(first, findings.source(first)),
        None => failure,
    }
}

/// Problems of a bundle, to be drawn.
pub(crate) fn bundle_drawing(problems: &[&Problem], findings: &Findings) -> Drawing {
    let sourced = problems.iter().map(|problem| (*problem, findings.source(problem)));
    Drawing::new(sourced, &[]).listed().and_more(findings.more)
}

#[cfg(unix)]
classified!(TryError);

#[cfg(unix)]
impl From<TryError> for Failure {
    fn from(error: TryError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        let failure = match error {
            TryError::Bundle(error) => return error.into(),
            TryError::Upload(_) => {
                fail(Exit::Refused).next("aileron-pub aegis check BUNDLE, for everything that is wrong")
            }
            TryError::Repository(_) => fail(Exit::Usage).next("build it, and name the bundle or the staging directory"),
            TryError::NotHere { .. } => fail(Exit::Failure).next("try it on a Linux machine, or in a container"),
            TryError::Answers(_) => {
                fail(Exit::Policy).next("correct the file; `aileron-pub aegis try --help` lists what it may hold")
            }
            TryError::System { .. } => {
                fail(Exit::Failure).next("set TMPDIR to a short directory in which programs may run")
            }
            TryError::Interrupted => fail(Exit::Interrupted),
        };
        match error.row() {
            Some(row) => Failure {
                evidence: vec![format!("  table: {} - {}", row.symptom(), row.fix())],
                ..failure.details(json!({"row": row.name(), "symptom": row.symptom()}))
            },
            None => failure,
        }
    }
}

impl From<&UploadError> for Failure {
    fn from(error: &UploadError) -> Failure {
        Failure::of(error, Exit::Refused).next("aileron-pub aegis check BUNDLE, for everything that is wrong")
    }
}

impl From<&SignatureError> for Failure {
    fn from(error: &SignatureError) -> Failure {
        Failure::of(error, Exit::Refused).next("pack and sign it again: no setting of the host lifts this")
    }
}
