//! Every error of the wings, variant by variant: its class, its exit code, and whether trying again may help. artifacts.md §8.
//!
//! Those that are never drawn themselves are in `undrawn`.
//!
//! The macro makes a `match` without `_` from the names in the rows, so a new variant does not compile until it has its row.

mod undrawn;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_verifier::artifact::catalog::Fault;
use aileron_verifier::artifact::module::{ModuleFault, NotAModule};
use aileron_verifier::artifact::rules;
use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::name::digest::{ArchiveDigest, BlobDigest, ContentHash};
use aileron_verifier::name::fqn::{Authority, Fqn, NameError, Ref, Scheme};
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::proposal::ProposalError;
use aileron_verifier::statement::StatementError;
use aileron_verifier::trust::key::{Fingerprint, PublicKey, PublicKeyError};
use aileron_verifier::trust::keyring::{KeyringError, SignatureRefused};
use http::Method;
use rmcp::service::ServerInitializeError;

use super::{Classified, Exit, Failure};
use crate::consumer::authority::AuthorityError;
use crate::consumer::fetch::origin::FetchError;
use crate::consumer::hub::HubError;
use crate::consumer::install::consent::ConsentError;
use crate::consumer::install::error::InstallError;
use crate::consumer::install::installed::InstalledError;
use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::prompt::AskError;
use crate::consumer::trust::publisher_key::KeyFetchError;
use crate::consumer::trust::ring::RingError;
use crate::consumer::unit::UnitsError;
use crate::consumer::verify::VerificationError;
use crate::github::Lack;
use crate::publisher::adopt::AdoptError;
use crate::publisher::build::BuildError;
use crate::publisher::catalog::CatalogError;
use crate::publisher::committed_key::CommittedKeyError;
use crate::publisher::forge::ForgeError;
use crate::publisher::forge::registry::{NotAReference, Platform, RegistryError, Taken};
use crate::publisher::keys::KeysError;
use crate::publisher::keys::github_secret::SealError;
use crate::publisher::lint::Findings;
use crate::publisher::project::LoadError;
use crate::publisher::release::{ApprovalError, Conflict, ReleaseError};
use crate::publisher::scaffold::{ScaffoldError, SkeletonError};
use crate::publisher::sign::{KeyError, KeyOrigin, OtherForm};
use crate::publisher::source::{Refusal, SourceError, TreePath};
use crate::publisher::unit::archive::ArchiveError;
use crate::publisher::unit::folder::FeatureError;
use crate::publisher::unit::published::PublishedError;
use crate::publisher::unit::scaffold::UnitScaffoldError;
use crate::runtime::arguments::ArgumentError;
use crate::runtime::authorize::AuthorizeError;
use crate::runtime::capture::error::CaptureError;
use crate::runtime::cassette::Cassette;
use crate::runtime::credential_source::CredentialError;
use crate::runtime::interpolate::Unfilled;
use crate::runtime::launch::error::LaunchError;
use crate::runtime::listener::{ListenError, WaitError};
use crate::runtime::mcp::McpError;
use crate::runtime::oauth::callback::CallbackError;
use crate::runtime::oauth::{ClientError, TokenError};
use crate::runtime::public::of_runtime;
use crate::runtime::runner::{ActionError, RunError};
use crate::runtime::seal::error::SessionError;
use crate::runtime::steps::Stopped;
use crate::store::{Pinned, StoreError};
use crate::sys::address::Address;
use crate::sys::disk::{DiskError, Operation};
use crate::sys::git::GitError;
use crate::sys::http::HttpError;
use crate::sys::lock::LockError;
use crate::sys::private::{Flaw, NotPrivate, PrivateError};
use crate::sys::process::ProcessError;
use crate::sys::process::foreground::ForegroundError;
use crate::vault::blob::OpenError;
use crate::vault::document::Malformed;
use crate::vault::error::VaultError;

/// One row: what the error says of itself, and what is drawn of it. Whatever wraps it may change the exit code only.
fn row<E: Classified>(what: &str, error: E, drawn: impl FnOnce(E) -> Failure, expected: (Class, Exit, bool)) {
    let said = (error.class(), error.is_retriable());
    is_a_message(what, &error.to_string());
    let failure = drawn(error);
    is_a_message(what, &failure.message);
    if let Some(next) = &failure.next {
        is_a_message(what, next);
    }
    assert_eq!(said, (expected.0, expected.2), "{what}");
    assert_eq!((failure.class, failure.exit, failure.retriable), expected, "{what}, as it is drawn");
}

/// A message is text for people: there is one, it starts with what it is about and not with a blank, ends without a full stop,
/// and shows no value as the program sees it.
fn is_a_message(what: &str, text: &str) {
    assert!(!text.is_empty() && text.trim_start() == text && !text.ends_with('.'), "{what}: {text:?}");
    for debug in ["Some(", "None", "Ok(", "Err(", "{ ", "Error {", "::"] {
        assert!(!text.contains(debug), "{what} shows {debug:?}: {text}");
    }
}

/// `Variant: value => class exit retriable`, for every variant of one error.
macro_rules! rows {
    ($error:ident as $drawn:expr; $($variant:ident: $value:expr => $class:ident $exit:ident $retriable:literal;)*) => {
        let _every_variant = |error: &$error| match error {
            $($error::$variant { .. } => (),)*
        };
        $(row::<$error>(
            concat!(stringify!($error), "::", stringify!($variant)),
            $value,
            $drawn,
            (Class::$class, Exit::$exit, $retriable),
        );)*
    };
}

mod aegis;

fn text() -> String {
    "x".to_owned()
}

/// A task that did not come to its end.
fn broken_task() -> tokio::task::JoinError {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("an event loop");
    let aborted = async {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        task.await
    };
    runtime.block_on(aborted).expect_err("aborted")
}

fn io_error() -> io::Error {
    io::Error::other("x")
}

fn disk(operation: Operation) -> DiskError {
    DiskError::at(operation, Path::new("x"))(io_error())
}

fn read() -> DiskError {
    disk(Operation::Read)
}

fn reference() -> Ref {
    "github://acme/tea@1.0.0".parse().expect("a Ref")
}

fn name() -> Fqn {
    reference().name
}

fn authority() -> Authority {
    Authority::new("github://acme/tea")
}

fn address() -> Address {
    Address::of("https://x.example/")
}

fn content() -> ContentHash {
    format!("sha256:{}", "0".repeat(64)).parse().expect("a hash")
}

fn digest() -> ArchiveDigest {
    ArchiveDigest::of(&[b"x"])
}

fn fingerprint() -> Fingerprint {
    PublicKey::from_bytes([1; 32]).fingerprint()
}

fn pinned() -> Pinned {
    Pinned { reference: reference(), content: content() }
}

fn not_private() -> NotPrivate {
    NotPrivate { file: "x".into(), at: "x".into(), flaw: Flaw::WritableByOthers }
}

fn no_key() -> VerifyError {
    SignatureRefused::NoKey { authority: authority() }.into()
}

fn no_key_of_index() -> StatementError {
    SignatureRefused::NoKey { authority: authority() }.into()
}

fn busy() -> LockError {
    LockError::Busy { path: "x".into(), holder: None, waited: Duration::ZERO }
}

fn unreachable() -> HttpError {
    HttpError::Unreachable { method: Method::GET, url: text(), why: text() }
}

fn absent() -> HttpError {
    HttpError::Absent { method: Method::GET, url: text(), status: 404 }
}

fn findings() -> Box<Findings> {
    let (checked, problems, sources, waived) = (None, Vec::new(), Vec::new(), Vec::new());
    Box::new(Findings { checked, problems, more: 0, sources, waived, actions: 0 })
}

fn problem() -> Problem {
    Refusal::LfsPointer.problem("x")
}

fn fault() -> ModuleFault {
    ModuleFault { rule: rules::MODULE_EXPORT, message: text() }
}

fn stopped() -> ProcessError {
    ProcessError::Interrupted { program: "go" }
}

#[test]
fn the_disk_says_whether_bytes_could_not_be_had_or_not_be_kept() {
    for operation in Operation::ALL {
        let expected = match operation {
            Operation::Read | Operation::Open | Operation::List => Class::FetchFailed,
            Operation::Inspect | Operation::Resolve | Operation::Enter => Class::FetchFailed,
            Operation::CreateDirectory | Operation::Write | Operation::Flush => Class::StoreUnwritable,
            Operation::Lock | Operation::Remove => Class::StoreUnwritable,
        };
        row(&operation.to_string(), disk(operation), Failure::from, (expected, Exit::Failure, false));
    }
}

#[test]
fn every_error_of_the_machine_has_its_class_exit_and_retriable() {
    rows! { LockError as Failure::from;
        Busy: busy() => StoreUnwritable Failure true;
        Interrupted: LockError::Interrupted("x".into()) => StoreUnwritable Interrupted true;
        Disk: disk(Operation::Lock).into() => StoreUnwritable Failure false;
    }
    rows! { GitError as |error| Failure::from(&error);
        NotARepository: GitError::NotARepository("x".into()) => ValidationError Policy false;
        NoCommit: GitError::NoCommit => ValidationError Policy false;
        Failed: GitError::Failed { verb: text(), said: text() } => ValidationError Policy false;
        NoObject: GitError::NoObject { path: text(), object: text() } => ValidationError Policy false;
        Process: ProcessError::NotFound { program: "git" }.into() => ValidationError Policy false;
    }
    rows! { ProcessError as |error| Failure::from(&BuildError::Process(error));
        NotFound: ProcessError::NotFound { program: "go" } => BuildFailed Failure false;
        Interrupted: stopped() => Incomplete Interrupted true;
        NoDirectory: ProcessError::NoDirectory { program: "go", directory: "x".into() } => BuildFailed Failure false;
        TooLong: ProcessError::TooLong { program: "go", cap: 1 } => BuildFailed Failure false;
        Held: ProcessError::Held { program: "go" } => BuildFailed Failure false;
        Run: ProcessError::Run { path: "x".into(), source: Arc::new(io_error()) } => BuildFailed Failure false;
    }
    rows! { ForegroundError as Failure::from;
        NotFound: ForegroundError::NotFound(text()) => UsageError Usage false;
        Run: ForegroundError::Run { path: "x".into(), cause: io_error() } => UsageError Usage false;
    }
    rows! { HttpError as |error| Failure::from(&FetchError::Http(error));
        Absent: absent() => FetchFailed NotFound false;
        Refused: HttpError::Refused { method: Method::GET, url: text(), status: 403 } => FetchFailed NotFound false;
        Redirect: HttpError::Redirect { method: Method::GET, url: text(), why: text() } => FetchFailed NotFound false;
        Unreachable: unreachable() => FetchFailed NotFound true;
        TooLarge: HttpError::TooLarge { method: Method::GET, url: text(), limit: 1 } => FetchFailed NotFound false;
        Scheme: HttpError::Scheme { url: text() } => FetchFailed NotFound false;
    }
    for (status, retriable) in [(429, true), (500, true), (503, true), (401, false), (418, false)] {
        assert_eq!(
            HttpError::Refused { method: Method::GET, url: text(), status }.is_retriable(),
            retriable,
            "{status}"
        );
    }
}

fn blob() -> BlobDigest {
    BlobDigest::of(&[b"x"])
}

fn not_a_reference() -> NotAReference {
    NotAReference { text: text(), why: "x" }
}

#[test] // absent, refused and unreachable are three answers
fn every_error_of_a_feature_and_its_registry_has_its_class_exit_and_retriable() {
    rows! { RegistryError as Failure::from;
        Reference: not_a_reference().into() => UsageError Usage false;
        PlainHttp: RegistryError::PlainHttp(text()) => UsageError Usage false;
        Credential: RegistryError::Credential(text()) => UsageError Usage false;
        Helper: RegistryError::Helper(ProcessError::Held { program: "x" }) => UsageError Usage false;
        Absent: RegistryError::Absent { asked: text() } => FetchFailed NotFound false;
        Login: RegistryError::Login { asked: text(), why: text(), had_credential: true } => PublishFailed Failure false;
        Refused: RegistryError::Refused { asked: text(), status: 400, why: text() } => PublishFailed Failure false;
        Unexpected: RegistryError::Unexpected { asked: text(), why: text() } => PublishFailed Failure false;
        Paused: RegistryError::Paused { asked: text(), until: text() } => Incomplete Incomplete true;
        Unreachable: RegistryError::Unreachable { asked: text(), why: text() } => Incomplete Incomplete true;
        Interrupted: RegistryError::Interrupted => Incomplete Interrupted true;
        Taken: Taken { tag: "1.2.3".parse().expect("a tag"), there: blob(), ours: blob() }.into() => PublishFailed Failure false;
        Moved: RegistryError::Moved { tag: text(), there: text(), expected: text() } => PublishFailed Failure true;
        Differs: RegistryError::Differs { what: text(), expected: text(), found: text() } => HashMismatch Refused false;
        Lock: RegistryError::Lock(LockError::Interrupted("x".into())) => StoreUnwritable Interrupted true;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { FeatureError as Failure::from;
        NoManifest: FeatureError::NoManifest("x".into()) => UsageError Usage false;
        Unfit: FeatureError::Unfit { path: "x".into(), why: text() } => ValidationError Policy false;
        Archive: ArchiveError::Missing("x").into() => MalformedTarball Policy false;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { ArchiveError as |error| Failure::from(PublishedError::from(error));
        Unreadable: ArchiveError::Unreadable(io_error()) => MalformedTarball Refused false;
        TooLarge: ArchiveError::TooLarge("x") => MalformedTarball Refused false;
        Entry: ArchiveError::Entry { path: text(), why: "x" } => MalformedTarball Refused false;
        Missing: ArchiveError::Missing("x") => MalformedTarball Refused false;
    }
    rows! { PublishedError as Failure::from;
        Registry: RegistryError::Absent { asked: text() }.into() => FetchFailed NotFound false;
        NotAFeature: PublishedError::NotAFeature { at: blob(), why: text() } => ValidationError Refused false;
        NoPlatform: PublishedError::NoPlatform { at: blob(), wanted: Platform::of_containers_here(), has: vec![text()] } => FetchFailed NotFound false;
        Image: PublishedError::Image { at: blob(), why: text() } => ValidationError Refused false;
        Archive: ArchiveError::Missing("x").into() => MalformedTarball Refused false;
        Disagree: PublishedError::Disagree { at: blob() } => ValidationError Refused false;
    }
    rows! { UnitScaffoldError as Failure::from;
        Id: UnitScaffoldError::Id(text()) => UsageError Usage false;
        Skeleton: SkeletonError::Disk(read()).into() => FetchFailed Failure false;
    }
}

#[test]
fn every_error_of_a_publishers_files_and_keys_has_its_class_exit_and_retriable() {
    rows! { SourceError as |error| Failure::from(&LoadError::from(error));
        Git: GitError::NoCommit.into() => ValidationError Policy false;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { LoadError as |error| Failure::from(&error);
        NoManifest: LoadError::NoManifest("x".into()) => ValidationError Policy false;
        NotCommitted: LoadError::NotCommitted { root: "x".into(), commit: "0".repeat(40).parse().expect("a commit") }
            => ValidationError Policy false;
        Git: LoadError::Git(GitError::NoCommit) => ValidationError Policy false;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { CommittedKeyError as |source| KeysError::NotAKey { path: "x".into(), source }.into();
        Private: CommittedKeyError::Private => ValidationError Policy false;
        Second: CommittedKeyError::Second { what: "x", at: 0..0 } => ValidationError Policy false;
        NotAKey: PublicKeyError::NoPem.into() => ValidationError Policy false;
    }
    rows! { KeysError as Failure::from;
        PublicKeyExists: KeysError::PublicKeyExists("x".into()) => UsageError Usage false;
        KeychainTaken: KeysError::KeychainTaken(text()) => UsageError Usage false;
        Disk: read().into() => FetchFailed Failure false;
        NoPublicKey: KeysError::NoPublicKey => ValidationError Policy false;
        OtherKey: KeysError::OtherKey { signing: fingerprint(), committed: fingerprint() } => SignatureFailure Refused false;
        Statement: KeysError::Statement { path: text(), why: text() } => ValidationError Policy false;
        UnknownKey: KeysError::UnknownKey(fingerprint()) => UsageError Usage false;
        NotASuccessor: KeysError::NotASuccessor { signing: fingerprint(), key: fingerprint() } => SignatureFailure Refused false;
        NotAKey: KeysError::NotAKey { path: "x".into(), source: CommittedKeyError::Private } => ValidationError Policy false;
        Key: KeyError::Empty.into() => ValidationError Failure false;
    }
    rows! { SealError as Failure::from;
        NotAKey: SealError::NotAKey => PublishFailed Failure false;
        WeakKey: SealError::WeakKey => PublishFailed Failure false;
    }
    let at = |source: KeyError| KeyError::At { origin: KeyOrigin::Environment, source: Box::new(source) };
    rows! { KeyError as |error| Failure::from(&error);
        Empty: KeyError::Empty => ValidationError Failure false;
        NotPem: KeyError::NotPem => ValidationError Failure false;
        OtherForm: KeyError::OtherForm(OtherForm::Raw) => ValidationError Failure false;
        Utf16: KeyError::Utf16 => ValidationError Failure false;
        LiteralNewlines: KeyError::LiteralNewlines => ValidationError Failure false;
        CutOff: KeyError::CutOff => ValidationError Failure false;
        SeveralBlocks: KeyError::SeveralBlocks(2) => ValidationError Failure false;
        PublicKey: KeyError::PublicKey => ValidationError Failure false;
        OpenSsh: KeyError::OpenSsh => ValidationError Failure false;
        OtherAlgorithm: KeyError::OtherAlgorithm("an RSA") => ValidationError Failure false;
        OtherBlock: KeyError::OtherBlock("x") => ValidationError Failure false;
        Damaged: KeyError::Damaged("x") => ValidationError Failure false;
        PublicKeyMismatch: KeyError::PublicKeyMismatch => ValidationError Failure false;
        PairLength: KeyError::PairLength(32) => ValidationError Failure false;
        NotASeed: KeyError::NotASeed => ValidationError Failure false;
        PassphraseMissing: KeyError::PassphraseMissing => UsageError Usage false;
        WrongPassphrase: KeyError::WrongPassphrase => ValidationError Failure false;
        Encryption: KeyError::Encryption => ValidationError Failure false;
        Random: KeyError::Random(getrandom::Error::UNSUPPORTED) => StoreUnwritable Failure false;
        NoKeychain: KeyError::NoKeychain(text()) => UsageError Usage false;
        KeychainRefused: KeyError::KeychainRefused(text()) => StoreUnwritable Failure false;
        KeychainSilent: KeyError::KeychainSilent(1) => StoreUnwritable Failure false;
        Disk: read().into() => FetchFailed Failure false;
        Exists: KeyError::Exists("x".into()) => UsageError Usage false;
        InWorkTree: KeyError::InWorkTree { path: "x".into(), tree: "x".into() } => UsageError Usage false;
        GitUnclear: KeyError::GitUnclear { path: "x".into(), tree: "x".into(), reason: text() } => UsageError Usage false;
        Absent: KeyError::Absent { environment: "not set", keychain: text() } => UsageError Usage false;
        PullRequest: KeyError::PullRequest { event: text(), why: text() } => UsageError Usage false;
        At: at(disk(Operation::Write).into()) => StoreUnwritable Failure false;
    }
}

#[test]
fn every_error_of_making_and_listing_has_its_class_exit_and_retriable() {
    rows! { SkeletonError as |error| Failure::from(ScaffoldError::from(error));
        InTheWay: SkeletonError::InTheWay { dir: "x".into(), first: "x".into() } => UsageError Usage false;
        Template: SkeletonError::Template { path: "x", source: minijinja::ErrorKind::SyntaxError.into() }
            => ValidationError Failure false;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { ScaffoldError as Failure::from;
        Owner: ScaffoldError::Owner(text()) => UsageError Usage false;
        Service: ScaffoldError::Service(text()) => UsageError Usage false;
        Publisher: ScaffoldError::Publisher(text()) => UsageError Usage false;
        OperationTwice: ScaffoldError::OperationTwice(text()) => UsageError Usage false;
        NoOperation: ScaffoldError::NoOperation => UsageError Usage false;
        PresetCredential: ScaffoldError::PresetCredential { preset: "x", credential: "y", why: "z" } => UsageError Usage false;
        ClientId: ScaffoldError::ClientId(text()) => UsageError Usage false;
        Skeleton: SkeletonError::Disk(read()).into() => FetchFailed Failure false;
        NoGit: ScaffoldError::NoGit => UsageError Usage false;
        Git: ScaffoldError::Git(ProcessError::Held { program: "git" }) => StoreUnwritable Failure false;
        GitFailed: ScaffoldError::GitFailed { step: "init", status: ExitStatus::default(), output: text() }
            => StoreUnwritable Failure false;
    }
    row(
        "an interrupted init",
        ScaffoldError::Git(stopped()),
        Failure::from,
        (Class::Incomplete, Exit::Interrupted, true),
    );
    let path = || TreePath::new("x").expect("a path");
    rows! { BuildError as |error| Failure::from(&error);
        NoSource: BuildError::NoSource { dir: "x".into(), looked_for: Vec::new(), language: None } => BuildFailed Failure false;
        Ambiguous: BuildError::Ambiguous { markers: vec!["go.mod"], languages: vec!["go"] } => BuildFailed Failure false;
        NoToolchain: BuildError::NoToolchain { program: "go", advice: "x", instead: "" } => BuildFailed Failure false;
        NoTarget: BuildError::NoTarget { compiler: text(), target: "x", command: text() } => BuildFailed Failure false;
        NoLock: BuildError::NoLock => BuildFailed Failure false;
        NotOneProgram: BuildError::NotOneProgram { file: text(), found: Vec::new(), advice: "x" } => BuildFailed Failure false;
        ForeignSetting: BuildError::ForeignSetting { file: "x".into(), setting: None } => BuildFailed Failure false;
        Failed: BuildError::Failed { program: "go", status: ExitStatus::default(), output: text() } => BuildFailed Failure false;
        Text: BuildError::Text(text()) => BuildFailed Failure false;
        Unidentified: BuildError::Unidentified { program: "go", detail: text() } => BuildFailed Failure false;
        Process: BuildError::Process(stopped()) => Incomplete Interrupted true;
        NotSource: BuildError::NotSource { path: path(), why: Refusal::LfsPointer, others: 0 } => BuildFailed Failure false;
        Git: BuildError::Git(GitError::NoCommit) => BuildFailed Failure false;
        NoDirectory: BuildError::NoDirectory("x".into()) => BuildFailed Failure false;
        ForeignSource: BuildError::ForeignSource { file: text(), module: text(), path: text() } => BuildFailed Failure false;
        Disk: read().into() => BuildFailed Failure false;
    }
    rows! { CatalogError as Failure::from;
        Document: CatalogError::Document(problem(), None) => ValidationError Policy false;
        NoDescription: CatalogError::NoDescription => UsageError Usage false;
        Scheme: CatalogError::Scheme(name()) => ValidationError Policy false;
        Schema: CatalogError::Schema { file: text(), fault: Fault { field: "fqn", message: text() } }
            => ValidationError Policy false;
        NoKey: CatalogError::NoKey => ValidationError Policy false;
        NotPem: CatalogError::NotPem { at: text(), why: CommittedKeyError::Private } => ValidationError Policy false;
        Http: unreachable().into() => FetchFailed NotFound true;
        OtherKey: CatalogError::OtherKey { at: text(), served: text(), committed: text() } => SignatureFailure Refused false;
        Yaml: CatalogError::Yaml { file: text(), why: text() } => ValidationError Policy false;
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
    }
}

#[test]
fn every_error_of_a_forge_has_its_class_exit_and_retriable() {
    rows! { ForgeError as |error| Failure::from(&error);
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
        Busy: ForgeError::Busy(text()) => PublishFailed Failure true;
        Foreign: ForgeError::Foreign { path: text(), why: text() } => PublishFailed Failure false;
        NoToken: ForgeError::NoToken => UsageError Usage false;
        BadAddress: ForgeError::BadAddress(text()) => UsageError Usage false;
        BadToken: ForgeError::BadToken { asked: text(), why: text() } => PublishFailed Failure false;
        ReadOnly: ForgeError::ReadOnly { repository: text() } => PublishFailed Failure false;
        Archived: ForgeError::Archived { repository: text() } => PublishFailed Failure false;
        Workflows: ForgeError::Workflows { commit: text(), whose: "x" } => PublishFailed Failure false;
        BadTag: ForgeError::BadTag { tag: text(), why: "x" } => PublishFailed Failure false;
        Burned: ForgeError::Burned { tag: text() } => PublishFailed Failure false;
        DraftGone: ForgeError::DraftGone { tag: text() } => Incomplete Incomplete true;
        DraftOfOthers: ForgeError::DraftOfOthers { tag: text(), why: text() } => PublishFailed Failure false;
        Overtaken: ForgeError::Overtaken { tag: text(), why: text() } => PublishFailed Failure false;
        Moved: ForgeError::Moved { asked: text() } => PublishFailed Failure false;
        NoRepository: ForgeError::NoRepository { repository: text() } => PublishFailed Failure false;
        OtherName: ForgeError::OtherName { wanted: text(), found: text() } => PublishFailed Failure false;
        NotPushed: ForgeError::NotPushed { commit: text() } => PublishFailed Failure false;
        TagElsewhere: ForgeError::TagElsewhere { tag: text(), found: text(), wanted: text() } => PublishFailed Failure false;
        Forbidden: ForgeError::Forbidden { asked: text(), why: text(), lacks: Lack::Unnamed } => PublishFailed Failure false;
        TokenElsewhere: ForgeError::TokenElsewhere { asked: text(), fault: text(), api: text() } => PublishFailed Failure false;
        Refused: ForgeError::Refused { asked: text(), why: text() } => PublishFailed Failure false;
        Taken: ForgeError::Taken { asked: text(), why: text() } => PublishFailed Failure false;
        Unreachable: ForgeError::Unreachable { asked: text(), why: text() } => Incomplete Incomplete true;
        Paused: ForgeError::Paused { until: text(), why: text() } => Incomplete Incomplete true;
        Interrupted: ForgeError::Interrupted => Incomplete Interrupted true;
    }
    let unreadable = || ProposalError::Schema { file: "approval.json", found: 2, newest: 1 };
    rows! { AdoptError as Failure::from;
        Check: AdoptError::Check(findings()) => ValidationError Policy false;
        Build: AdoptError::Build(BuildError::NoSource { dir: "x".into(), looked_for: Vec::new(), language: None }) => BuildFailed Failure false;
        Source: AdoptError::Source(SourceError::Git(GitError::NoCommit)) => ValidationError Policy false;
        History: AdoptError::History(GitError::NoCommit) => ValidationError Policy false;
        NotCommitted: AdoptError::NotCommitted => ValidationError Policy false;
        Scaffold: AdoptError::Scaffold(ScaffoldError::NoGit) => UsageError Failure false;
        Disk: AdoptError::Disk(disk(Operation::Write)) => StoreUnwritable Failure false;
    }
    rows! { ApprovalError as |error| Failure::from(&error);
        MustBeProposed: ApprovalError::MustBeProposed => UsageError Usage false;
        NothingProposed: ApprovalError::NothingProposed(reference()) => Incomplete Incomplete true;
        AlreadyPublic: ApprovalError::AlreadyPublic(reference()) => PublishFailed Failure false;
        Unreadable: unreadable().into() => ValidationError Refused false;
        Differs: ApprovalError::Differs(Vec::new()) => HashMismatch Refused false;
        Changed: ApprovalError::Changed(reference()) => Incomplete Incomplete true;
        Declined: ApprovalError::Declined(reference()) => ApprovalDenied Policy false;
        Unfit: ApprovalError::Unfit { why: text() } => HashMismatch Refused false;
    }
    rows! { Conflict as |conflict| Failure::from(&conflict);
        Archive: Conflict::Archive { tag: text(), published: digest(), planned: digest() } => PublishFailed Failure false;
        Foreign: Conflict::Foreign { tag: text(), asset: text() } => PublishFailed Failure false;
        Index: Conflict::Index { tag: text() } => PublishFailed Failure false;
        Key: Conflict::Key { published: text(), planned: text() } => PublishFailed Failure false;
    }
}

#[test]
fn every_error_of_a_release_has_its_class_exit_and_retriable() {
    let forge = |cause| ReleaseError::Forge { cause, done: 1, of: 2 };
    rows! { ReleaseError as Failure::from;
        Load: ReleaseError::Load(LoadError::NoManifest("x".into())) => ValidationError Policy false;
        History: ReleaseError::History(GitError::NoCommit) => ValidationError Policy false;
        Check: ReleaseError::Check(findings()) => ValidationError Policy false;
        Dirty: ReleaseError::Dirty { commit: text(), changes: Vec::new() } => ValidationError Policy false;
        TagElsewhere: ReleaseError::TagElsewhere { tag: text(), found: text(), commit: text() } => PublishFailed Failure false;
        NoClientSecret: ReleaseError::NoClientSecret { looked_at: Vec::new() } => ValidationError Policy false;
        UnwantedClientSecret: ReleaseError::UnwantedClientSecret("x") => UsageError Usage false;
        ClientSecretNotText: ReleaseError::ClientSecretNotText(text()) => ValidationError Policy false;
        BadClientSecret: ReleaseError::BadClientSecret { origin: text(), why: "x" } => ValidationError Policy false;
        Leftovers: ReleaseError::Leftovers(findings()) => ValidationError Policy false;
        Build: BuildError::Text(text()).into() => BuildFailed Failure false;
        NotAModule: NotAModule::Empty.into() => BuildFailed Failure false;
        NotAConnector: ReleaseError::NotAConnector(vec![fault()]) => BuildFailed Failure false;
        Key: KeyError::Empty.into() => ValidationError Failure false;
        NoPublisherKey: ReleaseError::NoPublisherKey => ValidationError Policy false;
        WrongKey: ReleaseError::WrongKey { signing: fingerprint(), committed: fingerprint() } => SignatureFailure Refused false;
        Refused: ReleaseError::Refused { reference: reference(), cause: no_key() } => SignatureFailure Refused false;
        IndexRefused: ReleaseError::IndexRefused { reference: reference(), cause: no_key_of_index() }
            => SignatureFailure Refused false;
        Conflict: Conflict::Index { tag: text() }.into() => PublishFailed Failure false;
        Forge: forge(ForgeError::Burned { tag: text() }) => PublishFailed Failure false;
        Unknown: ReleaseError::Unknown { tag: text(), why: text() } => PublishFailed Failure false;
        Approval: ApprovalError::Declined(reference()).into() => ApprovalDenied Policy false;
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
        Differs: ReleaseError::Differs { tag: text(), published: digest(), found: text() } => PublishFailed Failure false;
        Interrupted: ReleaseError::Interrupted { done: 1, of: 2 } => Incomplete Interrupted true;
    }
    for (what, error, expected) in [
        ("a client secret's file", read().into(), (Class::FetchFailed, Exit::Failure, false)),
        ("a forge that waits", forge(ForgeError::NoToken), (Class::UsageError, Exit::Usage, false)),
        ("a stopped forge", forge(ForgeError::Interrupted), (Class::Incomplete, Exit::Interrupted, true)),
        ("a stopped build", BuildError::Process(stopped()).into(), (Class::Incomplete, Exit::Interrupted, true)),
    ] {
        row(what, error, Failure::from, expected);
    }
}

#[test]
fn every_error_of_trusting_has_its_class_exit_and_retriable() {
    rows! { TrustError as Failure::from;
        Disk: read().into() => FetchFailed NotFound false;
        Ring: KeyringError::EmptyAuthority { path: text() }.into() => ValidationError Failure false;
        Key: TrustError::Key { path: "x".into(), why: text() } => ValidationError Failure false;
        NotPrivate: not_private().into() => ValidationError Failure false;
        NoHome: TrustError::NoHome => ValidationError Failure false;
    }
    rows! { UnitsError as Failure::from;
        NoHome: UnitsError::NoHome => ValidationError Failure false;
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
        NotPrivate: not_private().into() => ValidationError Failure false;
        Locked: busy().into() => StoreUnwritable Failure true;
        Malformed: UnitsError::Malformed { path: "x".into(), why: text() } => ValidationError Failure false;
        Layer: UnitsError::Layer { document: "capture", path: "x".into(), line: 1, why: text() }
            => ValidationError Failure false;
    }
    rows! { RingError as Failure::from;
        Load: RingError::Load { path: text(), why: read().into() } => FetchFailed Failure false;
        Save: disk(Operation::Write).into() => StoreUnwritable Failure false;
        NotPrivate: RingError::NotPrivate(not_private()) => ValidationError Failure false;
        Locked: busy().into() => StoreUnwritable Failure true;
    }
    rows! { AskError as Failure::from;
        NoHome: AskError::NoHome => ValidationError Failure false;
        Declined: AskError::Declined(authority()) => SignatureFailure Failure false;
        DeclinedBefore: AskError::DeclinedBefore(authority()) => SignatureFailure Failure false;
        Key: AskError::Key { authority: authority(), why: KeyFetchError::Http(unreachable()) } => FetchFailed NotFound true;
        OtherKey: AskError::OtherKey { authority: authority(), wanted: fingerprint(), found: fingerprint() }
            => SignatureFailure Refused false;
        Ring: RingError::Locked(busy()).into() => StoreUnwritable Failure true;
        Console: AskError::Console { authority: authority(), why: io_error() } => SignatureFailure Failure false;
    }
    rows! { KeyFetchError as |why| AskError::Key { authority: authority(), why }.into();
        Scheme: KeyFetchError::Scheme(Scheme::Gitlab) => ValidationError Refused false;
        Absent: KeyFetchError::Absent(absent()) => FetchFailed NotFound false;
        Http: KeyFetchError::Http(unreachable()) => FetchFailed NotFound true;
        Disk: read().into() => FetchFailed NotFound false;
        NotAKey: KeyFetchError::NotAKey { at: address(), why: PublicKeyError::NoPem } => ValidationError Refused false;
        File: TrustError::NoHome.into() => ValidationError Refused false;
    }
    let http = || KeyFetchError::Http(unreachable());
    rows! { AuthorityError as Failure::from;
        Name: AuthorityError::Name { what: text(), why: NameError::Empty } => ValidationError Failure false;
        OwnerAlone: AuthorityError::OwnerAlone(text()) => UsageError Failure false;
        KeyFile: AuthorityError::KeyFile(read().into()) => FetchFailed Failure false;
        Repository: AuthorityError::Repository { repository: authority(), granted: authority(), why: http() }
            => FetchFailed Failure true;
        Hub: AuthorityError::Hub { owner: authority(), why: HubError::NotConfigured { config: text() } }
            => UsageError Failure false;
        NoEntry: AuthorityError::NoEntry { owner: authority() } => FetchFailed Failure false;
        Entry: AuthorityError::Entry { owner: authority(), at: address(), why: http() } => FetchFailed Failure true;
    }
    rows! { HubError as Failure::from;
        NotConfigured: HubError::NotConfigured { config: text() } => UsageError Failure false;
        Config: HubError::Config { path: text(), why: text() } => ParseError Failure false;
        NotPrivate: HubError::NotPrivate(not_private()) => ValidationError Failure false;
        Clone: HubError::Clone { url: address(), why: text() } => FetchFailed Failure false;
        Read: HubError::Read { file: text(), cause: io_error() } => FetchFailed Failure false;
        Parse: HubError::Parse { file: text(), why: text() } => ParseError Failure false;
    }
}

#[test]
fn every_error_of_fetching_and_verifying_has_its_class_exit_and_retriable() {
    rows! { FetchError as |error| Failure::from(&error);
        Absent: FetchError::Absent { reference: reference(), at: address() } => FetchFailed NotFound false;
        Disk: read().into() => FetchFailed NotFound false;
        Http: FetchError::Http(unreachable()) => FetchFailed NotFound true;
        Nowhere: FetchError::Nowhere(reference()) => FetchFailed NotFound false;
        WebPage: FetchError::WebPage { reference: reference(), at: address() } => MalformedTarball Refused false;
        TooLarge: FetchError::TooLarge { reference: reference(), at: address() } => MalformedTarball Refused false;
        NoVersion: FetchError::NoVersion { name: name(), at: address() } => FetchFailed NotFound false;
        Unlisted: FetchError::Unlisted { name: name(), at: address() } => FetchFailed NotFound false;
        Garbled: FetchError::Garbled { at: address(), why: text() } => FetchFailed NotFound false;
    }
    rows! { VerificationError as Failure::from;
        Refused: no_key().into() => SignatureFailure Refused false;
        Index: no_key_of_index().into() => SignatureFailure Refused false;
        Fetch: FetchError::Http(unreachable()).into() => FetchFailed NotFound true;
        Disk: read().into() => FetchFailed NotFound false;
        Nothing: VerificationError::Nothing("x".into()) => FetchFailed NotFound false;
        NoCohort: VerificationError::NoCohort(reference()) => FetchFailed NotFound false;
        NotYet: VerificationError::NotYet { reference: reference(), at: address() } => FetchFailed NotFound true;
        NotListed: VerificationError::NotListed { reference: reference(), found: digest(), listed: digest() }
            => HashMismatch Refused false;
    }
}

#[test]
fn every_error_of_installing_has_its_class_exit_and_retriable() {
    let source = || Source::new("x", "x");
    let (problems, all, rules) = (Vec::new, || vec![text(), text()], Default::default);
    let needs = || Box::new(pinned());
    rows! { InstallError as Failure::from;
        Fetch: FetchError::Http(unreachable()).into() => FetchFailed NotFound true;
        NoIndex: InstallError::NoIndex(reference()) => FetchFailed NotFound false;
        Revoked: InstallError::Revoked { reference: reference(), key: fingerprint(), by: fingerprint() } => SignatureFailure Refused false;
        Refused: InstallError::Refused { what: text(), why: no_key(), divergence: None } => SignatureFailure Refused false;
        Index: InstallError::Index { connector: reference(), why: no_key_of_index(), divergence: None }
            => SignatureFailure Refused false;
        Trust: AskError::Declined(authority()).into() => SignatureFailure Failure false;
        Store: StoreError::NoConnector(text()).into() => ConnectorsMissing NotFound false;
        Disk: read().into() => FetchFailed NotFound false;
        Rules: InstallError::Rules { reference: reference(), problems: problems(), text: source() }
            => ValidationError Refused false;
        Judged: InstallError::Judged(VerificationError::NotYet { reference: reference(), at: address() })
            => FetchFailed NotFound true;
        OtherPin: InstallError::OtherPin { action: reference(), needs: needs(), installed: content() }
            => ConnectorsMissing Failure false;
        ConnectorMissing: InstallError::ConnectorMissing {
            action: reference(), needs: needs(), why: Box::new(InstallError::NoIndex(reference())),
        } => ConnectorsMissing Failure false;
        SameName: InstallError::SameName { first: reference(), second: reference() } => ValidationError Failure false;
        RepositorySuite: InstallError::RepositorySuite(text()) => ValidationError Refused false;
        Suite: InstallError::Suite { problems: problems(), more: 0, text: source() } => ValidationError Refused false;
        Several: InstallError::Several {
            first: Box::new(FetchError::Http(unreachable()).into()), all: all(), rules: rules(),
        } => FetchFailed NotFound true;
    }
    rows! { InstalledError as Failure::from;
        Store: StoreError::NoConnector(text()).into() => ConnectorsMissing NotFound false;
        SeveralVersions: InstalledError::SeveralVersions { name: name(), versions: Vec::new() } => UsageError Usage false;
    }
    rows! { ConsentError as Failure::from;
        Console: ConsentError::Console(io_error()) => StoreUnwritable Failure false;
        Store: StoreError::Locked(busy()).into() => StoreUnwritable Failure true;
    }
    rows! { StoreError as Failure::from;
        Disk: disk(Operation::Write).into() => StoreUnwritable Failure false;
        Refused: StoreError::Refused { what: text(), why: no_key() } => SignatureFailure Refused false;
        Unsigned: StoreError::Unsigned { name: text(), installed: None } => MalformedTarball Refused false;
        NotPrivate: not_private().into() => ValidationError Failure false;
        Locked: busy().into() => StoreUnwritable Failure true;
        NoConnector: StoreError::NoConnector(text()) => ConnectorsMissing NotFound false;
        NoAction: StoreError::NoAction(text()) => FetchFailed NotFound false;
        OtherContent: StoreError::OtherContent { reference: reference(), installed: content(), offered: content() }
            => HashMismatch Refused false;
        Taken: StoreError::Taken { installed: None, offered: reference() } => ValidationError Failure false;
        Pinned: StoreError::Pinned { reference: reference(), by: Vec::new() } => ConnectorsMissing Failure false;
        ConnectorMissing: StoreError::ConnectorMissing { action: reference(), needs: pinned() }
            => ConnectorsMissing Failure false;
        UnreadableEntry: StoreError::UnreadableEntry(content()) => MalformedTarball Refused false;
        NotAnAction: StoreError::NotAnAction(reference()) => ValidationError Refused false;
        NotAConnector: StoreError::NotAConnector(reference()) => ValidationError Refused false;
    }
    row(
        "a store that cannot be read",
        StoreError::from(read()),
        Failure::from,
        (Class::FetchFailed, Exit::Failure, false),
    );
}

#[test]
fn every_error_of_running_has_its_class_exit_and_retriable() {
    rows! { ArgumentError as Failure::from;
        NotAnObject: ArgumentError::NotAnObject(text()) => UsageError Usage false;
        NotAPair: ArgumentError::NotAPair(text()) => UsageError Usage false;
        Twice: ArgumentError::Twice(text()) => UsageError Usage false;
        Unknown: ArgumentError::Unknown { name: text(), known: Vec::new() } => UsageError Usage false;
        Missing: ArgumentError::Missing(Vec::new()) => UsageError Usage false;
        Type: ArgumentError::Type { name: text(), expected: text(), given: text() } => UsageError Usage false;
    }
    rows! { CredentialError as Failure::from;
        Unset: CredentialError::Unset(text()) => UsageError Usage false;
        Empty: CredentialError::Empty("x".into()) => UsageError Usage false;
        NotOneLine: CredentialError::NotOneLine(text()) => UsageError Usage false;
        Unwanted: CredentialError::Unwanted(text()) => UsageError Usage false;
        Disk: read().into() => FetchFailed Failure false;
    }
    rows! { AuthorizeError as Failure::from;
        Random: AuthorizeError::Random(getrandom::Error::UNSUPPORTED) => BindingFailed Failure false;
        Wait: WaitError::TimedOut.into() => BindingFailed Failure true;
        Callback: CallbackError::NoCode.into() => OauthError Failure false;
        Unreachable: unreachable().into() => BindingFailed Failure true;
        Token: TokenError::NoAccessToken.into() => OauthError Failure false;
    }
    let interrupted = AuthorizeError::Wait(WaitError::Interrupted);
    row("an interrupted wait", interrupted, Failure::from, (Class::BindingFailed, Exit::Interrupted, true));
    rows! { ClientError as Failure::from;
        SecretNotBound: ClientError::SecretNotBound => BindingFailed Failure false;
    }
    let taken = ListenError { port: 1, cause: io_error() };
    row("a port that is taken", taken, Failure::from, (Class::BindingFailed, Exit::Failure, true));
    rows! { RunError as Failure::from;
        Store: StoreError::NoConnector(text()).into() => ConnectorsMissing NotFound false;
        Load: RunError::Load(SandboxFailure::new(Class::ConnectorLoadFailed, "x"))
            => ConnectorLoadFailed Failure false;
        Credential: CredentialError::Unset(text()).into() => UsageError Usage false;
    }
    rows! { ActionError as Failure::from;
        Denied: ActionError::Denied(text()) => ApprovalDenied Policy false;
        Unattended: ActionError::Unattended(text()) => ApprovalDenied Policy false;
        NotAsked: ActionError::NotAsked(io_error()) => StoreUnwritable Failure false;
        Stopped: ActionError::Stopped(Stopped { step: text(), failure: of_runtime("x") }) => ConnectorRuntimeError Failure false;
    }
    let busy = || LockError::Busy { path: "x".into(), holder: None, waited: Duration::ZERO };
    rows! { SessionError as Failure::from;
        Listen: SessionError::Listen(io_error()) => ConnectorRuntimeError Failure true;
        NoRandom: SessionError::NoRandom(getrandom::Error::UNSUPPORTED) => ConnectorRuntimeError Failure false;
        Certificate: SessionError::Certificate(text()) => ConnectorRuntimeError Failure false;
        Roots: SessionError::Roots(text()) => ConnectorRuntimeError Failure false;
        Disk: SessionError::Disk(read()) => FetchFailed Failure false;
    }
    rows! { CaptureError as Failure::from;
        NoRuntime: CaptureError::NoRuntime => UsageError Usage false;
        NoImage: CaptureError::NoImage(text()) => UsageError Usage false;
        Start: CaptureError::Start { runtime: "docker", container: text(), said: text() } => BindingFailed Failure false;
        Login: CaptureError::Login(1) => BindingFailed Failure true;
        Token: CaptureError::Token { command: text(), said: text() } => BindingFailed Failure false;
        Empty: CaptureError::Empty => BindingFailed Failure true;
        SeveralLines: CaptureError::SeveralLines => BindingFailed Failure false;
        Binary: CaptureError::Binary => BindingFailed Failure false;
        TooLong: CaptureError::TooLong => BindingFailed Failure false;
        ConfigDir: CaptureError::ConfigDir(text()) => ValidationError Failure false;
        ConfigDirOutside: CaptureError::ConfigDirOutside(text()) => ValidationError Failure false;
        Interrupted: CaptureError::Interrupted => Incomplete Interrupted true;
        Process: CaptureError::Process(ProcessError::Held { program: "x" }) => BindingFailed Failure false;
        Foreground: CaptureError::Foreground(ForegroundError::NotFound(text())) => UsageError Usage false;
        Disk: CaptureError::Disk(read()) => FetchFailed Failure false;
    }
    rows! { LaunchError as Failure::from;
        Listen: LaunchError::Listen(io_error()) => VaultUnavailable Failure true;
        NoRandom: LaunchError::NoRandom(getrandom::Error::UNSUPPORTED) => VaultUnavailable Failure false;
        Running: LaunchError::from(busy()) => VaultUnavailable Failure false;
        NotPrivate: LaunchError::NotPrivate(PrivateError::Io { path: "x".into(), cause: io_error() }) => FetchFailed Failure false;
        Disk: LaunchError::Disk(read()) => FetchFailed Failure false;
        Lock: LaunchError::Lock(LockError::Interrupted("x".into())) => StoreUnwritable Interrupted true;
        Elsewhere: LaunchError::Elsewhere => UsageError Usage false;
        Unreachable: LaunchError::Unreachable(unreachable()) => VaultUnavailable Failure true;
        Unexpected: LaunchError::Unexpected(500) => VaultUnavailable Failure false;
        Refused: LaunchError::Refused => VaultUnavailable Failure false;
    }
    let not_spoken = || McpError::NotSpoken(Box::new(ServerInitializeError::Cancelled));
    rows! { McpError as Failure::from;
        System: McpError::System(io_error()) => ConnectorRuntimeError Failure true;
        NotSpoken: not_spoken() => UsageError Usage false;
        Broken: McpError::Broken(broken_task()) => ConnectorRuntimeError Failure false;
    }
    rows! { Unfilled as |why| Failure::from(&of_runtime(why.to_string()));
        Absent: Unfilled::Absent { step: text(), path: text() } => ConnectorRuntimeError Failure false;
        NotFinite: Unfilled::NotFinite(f64::NAN) => ConnectorRuntimeError Failure false;
    }
    let not_one = Cassette::parse("x").expect_err("not a recording");
    row("a recording that is none", not_one, Failure::from, (Class::ParseError, Exit::Policy, false));
    for class in Class::ALL {
        let failure = SandboxFailure::new(class, "x");
        row("a failure of the sandbox", failure, |failure| Failure::from(&failure), (class, Exit::Failure, false));
    }
}

#[test] // vault.md §4.1, §6.4
fn every_error_of_the_vault_has_its_class_exit_and_retriable() {
    let path = || PathBuf::from("x");
    rows! { VaultError as Failure::from;
        Rejected: VaultError::Rejected => WrongPassphrase Failure false;
        Tampered: VaultError::Tampered => VaultTampered Refused false;
        Exists: VaultError::Exists(path()) => ValidationError Failure false;
        Missing: VaultError::Missing(path()) => NoLocalVaultFile NotFound false;
        Unavailable: VaultError::Unavailable => VaultLocked Failure true;
        EmptyPassphrase: VaultError::EmptyPassphrase => ValidationError Failure false;
        NoEntry: VaultError::NoEntry(text()) => FetchFailed NotFound false;
        EntryExists: VaultError::EntryExists(text()) => ValidationError Failure false;
        Corrupt: VaultError::Corrupt { path: path(), why: Malformed::NotAnObject } => VaultUnlockFailed Refused false;
        Entry: VaultError::Entry { name: text(), why: OpenError::Authentication.into() }
            => BindingFailed Failure false;
        NoMemory: VaultError::NoMemory(64) => VaultUnlockFailed Failure false;
        NoRandom: VaultError::NoRandom(getrandom::Error::UNSUPPORTED) => VaultUnlockFailed Failure false;
        TooLong: VaultError::TooLong { path: path() } => ValidationError Failure false;
        Unsettled: VaultError::Unsettled(path()) => StoreUnwritable Failure true;
        NotPrivate: VaultError::NotPrivate(not_private()) => ValidationError Failure false;
        Unreadable: VaultError::Unreadable(disk(Operation::Read)) => VaultUnavailable Failure false;
        Disk: VaultError::Disk(disk(Operation::Write)) => StoreUnwritable Failure false;
        Locked: busy().into() => StoreUnwritable Failure true;
    }
}
