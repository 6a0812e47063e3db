//! Errors about Squad Aegis bundles.

use aileron_verifier::aegis::Kind::Plugin;
use aileron_verifier::aegis::canonical::{NotCanonicalizable, canonical};
use aileron_verifier::aegis::envelope::{self, WrapperError};
use aileron_verifier::aegis::key_file::KeyFileError;
use aileron_verifier::aegis::manifest::{Invalid, Manifest, NoTarget, Target};
use aileron_verifier::aegis::upload::UploadError;
use aileron_verifier::aegis::verify::SignatureError;
use aileron_verifier::aegis::zip::write::NotWritable;
use aileron_verifier::aegis::zip::{NotAZip, ReadError};
use aileron_verifier::problem::Class;

use super::{Exit, Failure, disk, row, text};
#[cfg(unix)]
use crate::publisher::aegis::extension::TryError;
#[cfg(unix)]
use crate::publisher::aegis::extension::answers::Answers;
use crate::publisher::aegis::{AegisError, check};
use crate::publisher::build::BuildError;
use crate::sys::disk::Operation;

fn not_json() -> NotCanonicalizable {
    canonical(b"").expect_err("no JSON")
}

#[test] // aegis-bundle.md §2.2, §8.2
fn every_refusal_of_an_aegis_host_has_its_class_exit_and_retriable() {
    let kind = Plugin;
    rows! { UploadError as |error| Failure::from(&error);
        NotAZip: UploadError::NotAZip { kind, why: NotAZip::Format } => MalformedTarball Refused false;
        TooManyEntries: UploadError::TooManyEntries { kind, count: 257 } => MalformedTarball Refused false;
        UnsafePath: UploadError::UnsafePath { kind, name: text() } => MalformedTarball Refused false;
        Link: UploadError::Link { kind, name: text() } => MalformedTarball Refused false;
        Repeated: UploadError::Repeated { kind, name: "manifest.sig" } => MalformedTarball Refused false;
        Misplaced: UploadError::Misplaced { kind, metadata: "manifest.sig", name: text() } => MalformedTarball Refused false;
        NoManifest: UploadError::NoManifest(kind) => MalformedTarball Refused false;
        EntrySize: UploadError::EntrySize { name: text(), limit: 1 } => MalformedTarball Refused false;
        TotalSize: UploadError::TotalSize(1) => MalformedTarball Refused false;
        Open: UploadError::Open { name: text(), why: ReadError::Method } => MalformedTarball Refused false;
        Read: UploadError::Read { name: text(), why: ReadError::Checksum } => MalformedTarball Refused false;
        NotAManifest: Manifest::decode(b"", kind).expect_err("no manifest").into() => ParseError Refused false;
        NoTarget: NoTarget::Missing.into() => ValidationError Refused false;
        PartlySigned: UploadError::PartlySigned(kind) => MalformedTarball Refused false;
        NoLibrary: UploadError::NoLibrary(text()) => MalformedTarball Refused false;
        NoBinary: UploadError::NoBinary => MalformedTarball Refused false;
        NoLibraryPath: UploadError::NoLibraryPath(Target::default()) => ValidationError Refused false;
        Invalid: Invalid::Missing { kind, member: "name" }.into() => ValidationError Refused false;
        NotLinux: UploadError::NotLinux(kind) => ValidationError Refused false;
        Reserved: UploadError::Reserved { kind, id: text() } => ValidationError Refused false;
        Checksum: UploadError::Checksum { kind, manifest: text(), library: text() } => HashMismatch Refused false;
    }
    rows! { SignatureError as |error| Failure::from(&error);
        WrapperNotJson: SignatureError::WrapperNotJson(not_json()) => ParseError Refused false;
        SignatureFile: SignatureError::SignatureFile(KeyFileError::SignatureLength(63)) => SignatureFailure Refused false;
        Wrapper: SignatureError::Wrapper(WrapperError::NoKeyId) => ParseError Refused false;
        DisplayManifest: SignatureError::DisplayManifest(not_json()) => ParseError Refused false;
        Mismatch: SignatureError::Mismatch => SignatureFailure Refused false;
    }
}

#[test]
fn every_error_of_packing_an_aegis_bundle_has_its_class_exit_and_retriable() {
    let broken = || Box::new(check::zip("x.zip", b"", 1));
    rows! { AegisError as Failure::from;
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
        NoManifest: AegisError::NoManifest("x".into()) => ValidationError Policy false;
        NoModule: AegisError::NoModule("x".into()) => ValidationError Policy false;
        NoTarget: AegisError::NoTarget { wanted: text(), there: text() } => UsageError Usage false;
        NotStaging: AegisError::NotStaging { path: "x".into(), entry: text() } => ValidationError Policy false;
        Build: BuildError::NoLock.into() => BuildFailed Failure false;
        Special: AegisError::Special { path: "x".into(), what: "a link" } => ValidationError Policy false;
        NameNotUtf8: AegisError::NameNotUtf8("x".into()) => ValidationError Policy false;
        TooManyFiles: AegisError::TooManyFiles { path: "x".into(), most: 1 } => ValidationError Policy false;
        KeyId: AegisError::KeyId(text()) => UsageError Usage false;
        Lifetime: AegisError::Lifetime => UsageError Usage false;
        Wrapper: envelope::BuildError::NoKeyId.into() => ValidationError Policy false;
        Large: NotWritable::Large.into() => ValidationError Policy false;
        Broken: AegisError::Broken { findings: broken(), step: "packing" } => ValidationError Policy false;
    }
}

#[cfg(unix)]
#[test]
fn every_error_of_trying_an_extension_has_its_class_exit_and_retriable() {
    let bad_answers = || Answers::default().add("tests/x.toml", "=").expect_err("not TOML");
    rows! { TryError as Failure::from;
        Bundle: AegisError::NoManifest("x".into()).into() => ValidationError Policy false;
        Upload: UploadError::NotLinux(Plugin).into() => ValidationError Refused false;
        Repository: TryError::Repository("x".into()) => UsageError Usage false;
        NotHere: TryError::NotHere { os: "windows", arch: "x86_64" } => UsageError Failure false;
        Answers: bad_answers().into() => ParseError Policy false;
        System: TryError::System { what: "start it", why: super::io_error() } => ConnectorLoadFailed Failure false;
        Interrupted: TryError::Interrupted => Incomplete Interrupted true;
    }
    let refused = Failure::from(TryError::from(UploadError::NoTarget(NoTarget::Os("linux".into()))));
    assert_eq!(refused.details["row"], "no_matching_target");
}
