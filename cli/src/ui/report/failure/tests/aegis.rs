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

use super::{Exit, Failure, address, disk, row, text};
#[cfg(unix)]
use crate::publisher::aegis::extension::TryError;
#[cfg(unix)]
use crate::publisher::aegis::extension::answers::Answers;
use crate::publisher::aegis::scaffold::ExtensionScaffoldError;
use crate::publisher::aegis::upload::HostError;
use crate::publisher::aegis::upload::before::{ExpectedHost, check as before};
use crate::publisher::aegis::{AegisError, check};
use crate::publisher::build::BuildError;
use crate::publisher::scaffold::SkeletonError;
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

#[test]
fn every_error_of_a_new_extension_has_its_class_exit_and_retriable() {
    let problem = || Box::new(check::zip("x.zip", b"", 1).problems[0].clone());
    rows! { ExtensionScaffoldError as Failure::from;
        Manifest: ExtensionScaffoldError::Manifest(problem()) => UsageError Usage false;
        Text: ExtensionScaffoldError::Text { what: "name", text: text() } => UsageError Usage false;
        Skeleton: SkeletonError::InTheWay { dir: "x".into(), first: "y".into() }.into() => UsageError Usage false;
    }
}

#[test] // aegis-bundle.md §11.2
fn every_end_of_an_upload_has_its_class_exit_and_retriable() {
    let url = address;
    rows! { HostError as Failure::from;
        Address: HostError::Address { given: url(), why: "x" } => UsageError Usage false;
        Token: HostError::Token { file: "x".into(), why: "x" } => UsageError Usage false;
        Disk: disk(Operation::Read).into() => FetchFailed Failure false;
        TooLarge: HostError::TooLarge { kind: Plugin, size: 2, limit: 1 } => ValidationError Refused false;
        WouldRefuse: HostError::WouldRefuse { system: text(), why: UploadError::NoBinary } => MalformedTarball Refused false;
        Gate: unsigned() => SignatureFailure Refused false;
        Unanswered: HostError::Unanswered { url: url(), why: text() } => Incomplete Incomplete true;
        Redirected: HostError::Redirected { url: url(), status: 302, to: None } => PublishFailed Failure false;
        Unauthorized: HostError::Unauthorized { url: url() } => PublishFailed Failure false;
        Forbidden: HostError::Forbidden { url: url(), said: None } => PublishFailed Failure false;
        Absent: HostError::Absent { url: url(), status: 404 } => FetchFailed NotFound false;
        Limited: HostError::Limited { url: url(), wait: 6 } => RateLimited Incomplete true;
        OverItsLimit: HostError::OverItsLimit { url: url(), limit: Some(1), by_proxy: false } => PublishFailed Refused false;
        Rejected: HostError::Rejected { url: url(), said: text(), needs_confirm: false } => PublishFailed Refused false;
        Unavailable: HostError::Unavailable { url: url(), status: 500, said: None } => PublishFailed Failure false;
        Unexpected: HostError::Unexpected { url: url(), status: 200, what: text() } => PublishFailed Failure false;
    }
    let rejected = |said: &str, needs_confirm| HostError::Rejected { url: url(), said: said.to_owned(), needs_confirm };
    for (error, class, exit) in [
        (rejected("plugin signature rejected: x", false), Class::SignatureFailure, Exit::Refused),
        (rejected("unsigned bundle", true), Class::SignatureFailure, Exit::Refused),
        (HostError::Unavailable { url: url(), status: 503, said: None }, Class::Incomplete, Exit::Incomplete),
    ] {
        let failure = Failure::from(error);
        assert_eq!((failure.class, failure.exit), (class, exit), "{}", failure.message);
    }
}

/// The gate's answer to a bundle without a signature.
fn unsigned() -> HostError {
    let library = b"executable";
    let sha256 = aileron_verifier::name::digest::BlobDigest::of(&[library]).to_string();
    let manifest = serde_json::json!({
        "plugin_id": "org.example.plugins.toy", "name": "Toy", "version": "1.0.0",
        "targets": [{
            "min_host_api_version": 1, "target_os": "linux", "target_arch": "amd64", "library_path": "bin/toy",
            "sha256": sha256.trim_start_matches("sha256:"),
        }],
    });
    let files = [("manifest.json", manifest.to_string().into_bytes()), ("bin/toy", library.to_vec())];
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes)).into();
    let zip = aileron_verifier::aegis::zip::write::write(&files).expect("small");
    let now = aileron_verifier::aegis::time::Instant::new(0, 0);
    let host = ExpectedHost { trusted: None, now, skew: 0, system: None, max_upload_size: 0, confirm_unsafe: false };
    before(&zip, Plugin, &host).expect_err("it is not signed")
}

#[cfg(unix)]
#[test]
fn every_error_of_trying_an_extension_has_its_class_exit_and_retriable() {
    let bad_answers = || Answers::default().add("tests/x.toml", "=").expect_err("not TOML");
    rows! { TryError as Failure::from;
        Bundle: AegisError::NoManifest("x".into()).into() => ValidationError Policy false;
        Upload: UploadError::NotLinux(Plugin).into() => ValidationError Refused false;
        NotHere: TryError::NotHere { os: "windows", arch: "x86_64" } => UsageError Failure false;
        Answers: bad_answers().into() => ParseError Policy false;
        System: TryError::System { what: "start it", why: super::io_error() } => ConnectorLoadFailed Failure false;
        Interrupted: TryError::Interrupted => Incomplete Interrupted true;
    }
    let refused = Failure::from(TryError::from(UploadError::NoTarget(NoTarget::Os("linux".into()))));
    assert_eq!(refused.details["row"], "no_matching_target");
}
