//! Failures about Squad Aegis bundles: exit codes, and what to try next.

use aileron_verifier::aegis::rules::{SIGN_KEY_ID, SIGN_LIFETIME};
use aileron_verifier::aegis::upload::{Examined, UploadError};
use aileron_verifier::aegis::verify::{Outcome as Verdict, SignatureError, Unverified};
use aileron_verifier::problem::{Class, Problem};
use serde_json::json;

use super::{Exit, Failure, classified};
#[cfg(unix)]
use crate::publisher::aegis::extension::TryError;
use crate::publisher::aegis::scaffold::ExtensionScaffoldError;
use crate::publisher::aegis::upload::HostError;
use crate::publisher::aegis::{AegisError, Findings};
use crate::ui::report::diagnostics::Drawing;

classified!(AegisError, ExtensionScaffoldError, HostError, SignatureError, UploadError);

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

/// The host's refusal, with our class of the signature and what to do about it.
pub(crate) fn of_gate(examined: &Examined) -> Option<Failure> {
    let message = examined.gate.refusal()?;
    let outcome = examined.verdict.outcome();
    if let Verdict::Error(error) = outcome {
        return Some(Failure::from(error).details(json!({"signature": outcome.name()})));
    }
    let next = match outcome {
        Verdict::Unverified(Unverified::Unsigned) => "sign it: aileron-pub aegis pack DIR --out ZIP --sign --key-id ID",
        Verdict::Unverified(Unverified::UntrustedKey) => {
            "add its public key to the host's trusted_signing_keys: aileron-pub aegis keys show FILE prints the line"
        }
        Verdict::Unverified(Unverified::BadSignature) => {
            "pack and sign it again: the signature is not over these files"
        }
        Verdict::Unverified(Unverified::Expired) => "sign it again under a new version: aileron-pub aegis pack --sign",
        Verdict::Unverified(Unverified::RevokedKeyId | Unverified::RevokedFingerprint) => {
            "sign it with another key, and under a new version"
        }
        Verdict::Verified | Verdict::Error(_) => "aileron-pub aegis check BUNDLE",
    };
    let failure = Failure::new(Class::SignatureFailure, Exit::Refused, message);
    Some(failure.details(json!({"signature": outcome.name()})).next(next))
}

impl From<ExtensionScaffoldError> for Failure {
    fn from(error: ExtensionScaffoldError) -> Failure {
        let exit = if error.class() == Class::UsageError { Exit::Usage } else { Exit::Failure };
        Failure::of(&error, exit)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Failure {
        const AGAIN: &str = "run the same command again: a host keeps a bundle that it has";
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            HostError::Address { .. } => fail(Exit::Usage).next("pass the host's base address, as in --to https://aegis.example.com"),
            HostError::Token { .. } => fail(Exit::Usage).next(TOKEN),
            HostError::Disk(error) => error.into(),
            HostError::TooLarge { .. } => fail(Exit::Refused).next(
                "leave architectures out, or build with -ldflags='-s -w'; where the host takes more, say so with --max-upload-size BYTES",
            ),
            HostError::WouldRefuse { why, .. } => Failure::from(why).saying(error.to_string()),
            HostError::Gate(examined) => gate_before(examined, &error),
            HostError::Unanswered { .. } => fail(Exit::Incomplete).next(format!(
                "{AGAIN}; whether this one arrived is not known"
            )),
            HostError::Redirected { to, .. } => match to {
                Some(to) => fail(Exit::Failure).next(format!("if {to} is the host, pass its base address with --to")),
                None => fail(Exit::Failure).next("pass the host's own base address with --to"),
            },
            HostError::Unauthorized { .. } => fail(Exit::Failure).next(TOKEN),
            HostError::Forbidden { .. } => fail(Exit::Failure).next("use the session token of a super admin"),
            HostError::Absent { .. } => {
                fail(Exit::NotFound).next("check the address: --to takes the host's base address, as in --to https://aegis.example.com")
            }
            HostError::Limited { wait, .. } => {
                fail(Exit::Incomplete).details(json!({"wait_seconds": wait})).next("wait, then run the same command again")
            }
            HostError::OverItsLimit { by_proxy: true, .. } => fail(Exit::Refused).next(
                "raise the limit of the proxy (nginx: client_max_body_size), or upload past it; for a smaller bundle leave architectures out",
            ),
            HostError::OverItsLimit { limit, .. } => fail(Exit::Refused)
                .details(json!({"limit": limit}))
                .next("raise plugins.max_upload_size on the host, or leave architectures out"),
            HostError::Rejected { needs_confirm: true, .. } => fail(Exit::Refused)
                .next("sign it with a key the host trusts; or pass --confirm-unsafe to have it installed unverified"),
            HostError::Rejected { said, .. } => fail(Exit::Refused).details(json!({"host_text": said})).next(rejected(said)),
            HostError::Unavailable { status, .. } if error.is_retriable() => {
                fail(Exit::Incomplete).details(json!({"status": status})).next(AGAIN)
            }
            HostError::Unavailable { status, .. } => {
                fail(Exit::Failure).details(json!({"status": status})).next("the host's log has the cause")
            }
            HostError::Unexpected { status, .. } => fail(Exit::Failure)
                .details(json!({"status": status}))
                .next("check the address: --to takes the host's base address, as in --to https://aegis.example.com"),
        }
    }
}

/// How to come by a token.
const TOKEN: &str = "log in to the host as a super admin, and put the session token into the file of --token-file (or - for standard input)";

/// The gate's refusal before anything was sent.
fn gate_before(examined: &Examined, error: &HostError) -> Failure {
    let Some(failure) = of_gate(examined) else { return Failure::of(error, Exit::Refused) };
    let next = failure.next.clone().unwrap_or_default();
    let or = "; --confirm-unsafe uploads it to a host with allow_unsafe_sideload";
    // An error that no gate lifts is not lifted by the flag either.
    let or = if matches!(examined.verdict.outcome(), Verdict::Unverified(_)) { or } else { "" };
    failure.saying(error.to_string()).next(format!("{next}{or}"))
}

/// What to do about the host's own words. aegis-bundle.md §2.2, §8.4, §11.1.
fn rejected(said: &str) -> &'static str {
    match said {
        "unsigned sideloads are disabled" => {
            "sign it, or add its public key to the host's trusted_signing_keys: `aileron-pub aegis keys show manifest.pub` prints the line"
        }
        _ if said.contains("signature rejected") => "sign it again under a new version, with a key that is not revoked",
        _ if said.starts_with("No ") => {
            "the host's max_upload_size may be smaller than the bundle: ask who runs it, or leave architectures out"
        }
        _ => "`aileron-pub aegis check BUNDLE` lists everything that is wrong",
    }
}
