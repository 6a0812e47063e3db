//! A failure as a person and a script see it: class, evidence, the next command, the exit code. artifacts.md §8.
//!
//! The wings' errors say what happened; only here is it decided what that means for the exit code and what to try next.

use std::path::Path;

use aileron_verifier::artifact::verify::VerifyError;
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::text::{printable, printable_within, shorten};
use aileron_verifier::trust::keyring::SignatureRefused;
use serde_json::{Value, json};

use super::diagnostics::{Drawing, problem_json};
use crate::consumer::fetch::origin::FetchError;
use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::prompt::{AskError, Divergence};
use crate::consumer::verify::VerificationError;
use crate::publisher::build::{self, BuildError};
use crate::publisher::catalog::CatalogError;
use crate::publisher::forge::ForgeError;
use crate::publisher::forge::github::Lack;
use crate::publisher::keys::KeysError;
use crate::publisher::lint::Findings;
use crate::publisher::project::LoadError;
use crate::publisher::release::{self, Conflict, ReleaseError};
use crate::publisher::scaffold::ScaffoldError;
use crate::publisher::sign::KeyError;
use crate::runtime::arguments::ArgumentError;
use crate::runtime::credential_source::CredentialError;
use crate::sys::disk::DiskError;
use crate::sys::git::GitError;
use crate::sys::http::HttpError;
use crate::sys::lock::LockError;
use crate::sys::process::ProcessError;

/// Most characters of a message: a name of a megabyte is cut in its middle. artifacts.md §10.
const LONGEST_MESSAGE: usize = 2_000;

/// How a process ends. artifacts.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Verification refused.
    Refused = 3,
    /// Not found, or not to be fetched.
    NotFound = 4,
    /// Not finished; the same command continues.
    Incomplete = 5,
    /// Policy: findings in the publisher's own repository.
    Policy = 6,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a command's answer is no.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The exit code.
    pub exit: Exit,
    /// One line.
    pub message: String,
    /// File and line, where there is one place.
    pub place: Option<(String, usize)>,
    /// Broken rules of documents, drawn before the rest of the evidence when a person reads it.
    pub(crate) drawn: Drawing,
    /// What a person may want to see before the next step.
    pub evidence: Vec<String>,
    /// What to try next.
    pub next: Option<String>,
    /// The evidence for scripts.
    pub details: Value,
    /// Whether the same command may succeed later.
    pub retriable: bool,
    /// Whose side it lies on, where that is not what its class says.
    pub boundary: Option<&'static str>,
    /// What is printed instead of class and message, where keyring.md pins the text. artifacts.md §8.
    pub pinned: Option<String>,
}

impl Failure {
    /// A failure with nothing but its first line.
    pub fn new(class: Class, exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            class,
            exit,
            message: shorten(&message.into(), LONGEST_MESSAGE).into_owned(),
            place: None,
            drawn: Drawing::default(),
            evidence: Vec::new(),
            next: None,
            details: json!({}),
            retriable: matches!(exit, Exit::Incomplete | Exit::Interrupted),
            boundary: None,
            pinned: None,
        }
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Class::UsageError, Exit::Usage, message)
    }

    /// Adds what to try next.
    pub fn next(self, next: impl Into<String>) -> Failure {
        Failure { next: Some(next.into()), ..self }
    }

    /// Adds a line of evidence.
    pub fn evidence(mut self, line: impl Into<String>) -> Failure {
        self.evidence.push(line.into());
        self
    }

    /// Adds broken rules, to be drawn.
    fn drawing(self, drawn: Drawing) -> Failure {
        Failure { drawn, ..self }
    }

    /// Adds evidence for scripts to what there is; a field that is there already is replaced.
    pub fn details(mut self, details: Value) -> Failure {
        match (&mut self.details, details) {
            (Value::Object(there), Value::Object(more)) => there.extend(more),
            (there, other) => *there = other,
        }
        self
    }

    /// Says where: the file and line of a problem.
    pub(crate) fn at(self, problem: &Problem, source: Option<&Source>) -> Failure {
        let line = source.map_or(1, |source| source.position(problem.at.start).0);
        Failure { place: Some((problem.file.to_string(), line)), ..self }
    }

    /// First line, evidence, next command. Message and next command are one line each, whatever they hold.
    pub fn text(&self) -> String {
        let place =
            self.place.as_ref().map(|(file, line)| format!(" ({}:{line})", printable(file))).unwrap_or_default();
        let mut text = match &self.pinned {
            Some(pinned) => format!("{pinned}\n"),
            None => format!("{}: {}{place}\n", self.class, printable_within(&self.message, LONGEST_MESSAGE)),
        };
        for line in [&self.drawn.text()].into_iter().filter(|drawn| !drawn.is_empty()).chain(&self.evidence) {
            text.push_str(line);
            text.push('\n');
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("next: {}\n", printable_within(next, LONGEST_MESSAGE)));
        }
        text
    }

    /// The `error` object of a JSON document.
    pub fn json(&self) -> Value {
        let (file, line) = self.place.clone().map_or((None, None), |(file, line)| (Some(file), Some(line)));
        json!({
            "class": self.class.as_str(),
            "boundary": self.boundary.unwrap_or(self.class.boundary()),
            "retriable": self.retriable,
            "message": self.message,
            "file": file,
            "line": line,
            "details": self.details,
            "next": self.next,
        })
    }
}

/// A failure of the sandbox: exit 1, whatever it was. sandbox.md 15a.
impl From<&aileron_sandbox::failure::Failure> for Failure {
    fn from(failure: &aileron_sandbox::failure::Failure) -> Failure {
        let class = Class::ALL.into_iter().find(|class| class.as_str() == failure.class);
        let class = class.unwrap_or(Class::ConnectorRuntimeError);
        let told = Failure {
            boundary: Some(failure.boundary),
            retriable: failure.retriable,
            details: Value::Object(failure.details.clone()),
            ..Failure::new(class, Exit::Failure, failure.message.clone())
        };
        let is_about = |name: &str| failure.details.contains_key(name);
        match class {
            Class::BindingRequired => {
                told.next("pass the credential with --credential-env NAME or --credential-file FILE")
            }
            Class::CapabilityDenied if failure.message.contains("signing inputs incomplete") => {
                told.next("pass --access-key-id ID, and --region REGION where the host does not name one")
            }
            Class::CapabilityDenied if is_about("granted") => {
                told.next("a connector reaches what [capabilities.network] hosts lists, and nothing else")
            }
            Class::ResourceLimitExceeded => told.next("--timeout TIME and --memory MIB raise the limits"),
            _ => told,
        }
    }
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Failure {
        Failure::usage(error.to_string())
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Failure {
        match &error {
            CredentialError::Unset(_) | CredentialError::Empty(_) | CredentialError::NotOneLine(_) => {
                Failure::usage(error.to_string())
            }
            CredentialError::Unwanted(_) => Failure::usage(error.to_string()).next("leave the credential out"),
            CredentialError::Disk(disk) => disk.into(),
        }
    }
}

impl From<ReleaseError> for Failure {
    fn from(error: ReleaseError) -> Failure {
        let (class, message) = (error.class(), error.to_string());
        let fail = |exit| Failure::new(class, exit, message.clone());
        match &error {
            ReleaseError::Load(error) => error.into(),
            ReleaseError::History(error) => error.into(),
            ReleaseError::Check(findings) | ReleaseError::Leftovers(findings) => of_findings(findings, message),
            ReleaseError::Dirty { changes, commit } => fail(Exit::Policy)
                .details(json!({"changes": changes, "commit": commit}))
                .next("commit or stash the changes, or pass --allow-dirty to release them and say so in cohort.json"),
            ReleaseError::TagElsewhere { tag, found, commit } => fail(Exit::Failure)
                .details(json!({"tag": tag, "tag_commit": found, "commit": commit}))
                .next(format!("check out {found}, or release another version")),
            ReleaseError::NoClientSecret { looked_at } => fail(Exit::Policy)
                .details(json!({"looked_at": looked_at}))
                .next("set one of them, or pass --client-secret-env NAME or --client-secret-file FILE"),
            ReleaseError::UnwantedClientSecret(flag) => fail(Exit::Usage).next(format!("leave {flag} out")),
            ReleaseError::BadClientSecret { .. } => fail(Exit::Policy)
                .next("store the secret again, without anything before or after it, and run the same command"),
            ReleaseError::ClientSecretNotText(_) => fail(Exit::Policy).next("store the secret as plain UTF-8 text"),
            ReleaseError::Build(error) => error.into(),
            ReleaseError::NotAModule(_) => fail(Exit::Failure).next(build::by_hand()),
            ReleaseError::NotAConnector(faults) => {
                let evidence = faults.iter().map(|fault| format!("  {}: {}", fault.rule, fault.message)).collect();
                let help = faults.first().map_or("", |fault| fault.rule.help());
                Failure { evidence, ..fail(Exit::Failure) }.next(help)
            }
            ReleaseError::Key(error) => error.into(),
            ReleaseError::NoPublisherKey => fail(Exit::Policy).next("aileron-pub keys generate, then commit keys/"),
            ReleaseError::WrongKey { signing, committed } => fail(Exit::Refused)
                .details(json!({"signing": signing, "committed": committed}))
                .next("sign with the key that belongs to keys/publisher.pub, or commit the new public key first"),
            ReleaseError::Refused { .. } => fail(Exit::Refused)
                .next("aileron-pub check; if it finds nothing, this is a bug of aileron-pub: please report it"),
            ReleaseError::Conflict(conflict) => of_conflict(conflict, fail(Exit::Failure)),
            ReleaseError::Forge { cause, done, of } => {
                let exit = match cause {
                    ForgeError::NoToken | ForgeError::BadAddress(_) => Exit::Usage,
                    ForgeError::Unreachable { .. } | ForgeError::Paused { .. } | ForgeError::DraftGone { .. } => {
                        Exit::Incomplete
                    }
                    ForgeError::Interrupted => Exit::Interrupted,
                    _ => Exit::Failure,
                };
                of_forge(cause, fail(exit)).details(json!({"writes_done": done, "writes_planned": of}))
            }
            ReleaseError::Disk(error) => error.into(),
            ReleaseError::Differs { .. } => {
                fail(Exit::Failure).next("find out who else writes to this registry, then run the release again")
            }
            ReleaseError::Unknown { .. } => fail(Exit::Failure).next(DRAFT_OF_OTHERS),
            ReleaseError::Interrupted { done, of } => fail(Exit::Interrupted)
                .details(json!({"writes_done": done, "writes_planned": of}))
                .next("run the same command again: it continues where this one stopped"),
        }
    }
}

fn of_conflict(conflict: &Conflict, failure: Failure) -> Failure {
    let failure = failure.details(match conflict {
        Conflict::Archive { tag, published, planned } => {
            json!({"tag": tag, "published": published, "planned": planned})
        }
        Conflict::Index { tag } => json!({"tag": tag}),
        Conflict::Foreign { tag, asset } => json!({"tag": tag, "asset": asset}),
        Conflict::Key { published, planned } => json!({"published": published, "planned": planned}),
    });
    match conflict {
        Conflict::Archive { .. } | Conflict::Index { .. } => failure
            .next("published versions never change: check out the commit it was made from, or release a new version"),
        Conflict::Foreign { .. } => failure.next("nothing published is ever changed: release a new version"),
        Conflict::Key { .. } => failure.next("if the key was rotated on purpose, pass --replace-key"),
    }
}

/// A draft that a person wrote in is that person's: nothing of it is overwritten.
const DRAFT_OF_OTHERS: &str = "copy what you want to keep from the draft (CHANGELOG.md goes into the notes), delete the draft on GitHub, \
    then run the same command again; or release another version";

fn of_forge(error: &ForgeError, failure: Failure) -> Failure {
    match error {
        ForgeError::Disk(_) => {
            failure.next("make room or correct the permissions, then run the same command again: it continues")
        }
        ForgeError::Busy(_) => failure.next("wait for the other release to end, then run the same command again"),
        ForgeError::Foreign { .. } => failure.next("move the file away, or publish to another directory"),
        ForgeError::NoToken => {
            failure.next("set GITHUB_TOKEN to a token that may write contents, run `gh auth login`, or publish to dir:PATH")
        }
        ForgeError::BadAddress(_) => failure.next("correct --api-url, GITHUB_API_URL or GITHUB_SERVER_URL"),
        ForgeError::BadToken { .. } => failure
            .next("get a new token (it may have expired or been revoked), then run the same command again: it continues"),
        ForgeError::ReadOnly { .. } => failure.next(
            "use a token with write access to contents; in a workflow, give the job `permissions: contents: write`",
        ),
        ForgeError::Archived { .. } => failure.next("unarchive the repository on GitHub, or publish to dir:PATH"),
        ForgeError::Workflows { .. } => failure.next(
            "merge the commit into the default branch first, or use a personal token with the `workflow` scope (fine-grained: workflows, write)",
        ),
        ForgeError::BadTag { .. } => failure.next("rename the action: its name becomes part of a tag"),
        ForgeError::Burned { .. } => failure.next("release the next version: this one can never be completed"),
        ForgeError::DraftGone { .. } => {
            failure.next("delete no drafts during a release, and run the same command again: it creates the draft again")
        }
        ForgeError::DraftOfOthers { .. } => failure.next(DRAFT_OF_OTHERS),
        ForgeError::Overtaken { .. } => {
            failure.next("find out who else publishes this version; nothing published is ever changed, so release the next one")
        }
        ForgeError::Moved { .. } => failure.next(
            "name the repository as GitHub does now, in the manifest and every action, or rename it back and run the same command again",
        ),
        ForgeError::NoRepository { .. } => {
            failure.next("make the repository on GitHub, or use a token that may see it")
        }
        ForgeError::OtherName { .. } => failure.next("correct `name` in the manifest and in every action"),
        ForgeError::NotPushed { .. } => failure.next("git push, then run the same command again"),
        ForgeError::TagElsewhere { .. } => {
            failure.next("release from the commit the tag names, or release a new version")
        }
        ForgeError::Forbidden { lacks, .. } => {
            failure.details(json!({"lacks": lacks.to_string()})).next(format!("{}, then run the same command again", granted(lacks)))
        }
        ForgeError::TokenElsewhere { .. } => failure.next(
            "check --api-url and GITHUB_API_URL; a server that names another origin for its uploads cannot be published to",
        ),
        ForgeError::Refused { .. } => {
            failure.next("look at what GitHub says and at the token's permissions, then run the same command again")
        }
        ForgeError::Taken { .. } => {
            failure.next("find out who else publishes this version, then run the same command again")
        }
        ForgeError::Unreachable { .. } | ForgeError::Paused { .. } | ForgeError::Interrupted => {
            failure.next("run the same command again: it continues where this one stopped")
        }
    }
}

/// How a token gets what it lacks.
fn granted(lacks: &Lack) -> &'static str {
    match lacks {
        Lack::SingleSignOn(_) => "authorize the token for the organization's single sign-on on GitHub",
        Lack::Scopes(_) => "give the token that scope on GitHub, or use another token that has it",
        Lack::Permissions(_) => {
            "give the token that permission (in a workflow: `permissions: contents: write` for the job; else in the token's settings on GitHub)"
        }
        Lack::Unnamed => {
            "use a token that may write contents of the repository (in a workflow: `permissions: contents: write` for the job)"
        }
    }
}

/// Findings as one failure: the first problem's place, every problem drawn.
fn of_findings(findings: &Findings, message: String) -> Failure {
    let errors: Vec<&Problem> = findings.errors().collect();
    let Some(first) = errors.first() else { return Failure::new(Class::ValidationError, Exit::Policy, message) };
    let listed = |problem: &&Problem| problem_json(problem, findings.source(problem), &findings.waived);
    Failure::new(findings.class(), Exit::Policy, message)
        .at(first, findings.source(first))
        .details(json!({"problems": errors.iter().map(listed).collect::<Vec<_>>()}))
        .drawing(drawing(&errors, findings))
        .next("aileron-pub check, for everything that is wrong")
}

/// Problems of the publisher's own files, to be drawn.
pub(crate) fn drawing(problems: &[&Problem], findings: &Findings) -> Drawing {
    Drawing::new(problems.iter().map(|problem| (*problem, findings.source(problem))), &findings.waived).listed()
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

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Failure {
        let message = format!("{} here", release::stops(findings.errors().count()));
        of_findings(&findings, message)
    }
}

impl From<&LoadError> for Failure {
    fn from(error: &LoadError) -> Failure {
        match error {
            LoadError::NoManifest(_) => Failure::new(Class::ValidationError, Exit::Policy, error.to_string())
                .next("change to a connector repository, name one with -C DIR, or make one with `aileron-pub init`"),
            LoadError::NotCommitted { .. } => Failure::new(Class::ValidationError, Exit::Policy, error.to_string())
                .next("git add -A && git commit, in the repository's root"),
            LoadError::Git(error) => error.into(),
            LoadError::Disk(error) => error.into(),
        }
    }
}

/// git's first line is part of the message, the others are evidence.
impl From<&GitError> for Failure {
    fn from(error: &GitError) -> Failure {
        let text = error.to_string();
        let mut lines = text.lines();
        let failure = Failure::new(Class::ValidationError, Exit::Policy, lines.next().unwrap_or_default());
        let failure = lines.fold(failure, |failure, line| failure.evidence(format!("  {line}")));
        match error {
            GitError::NoCommit => {
                failure.next("git add -A && git commit -m \"first commit\", in the repository's root")
            }
            GitError::NotARepository(_) => {
                failure.next("git init && git add -A && git commit -m \"first commit\", in the repository's root")
            }
            GitError::NoObject { .. } => failure
                .next("git fetch --refetch --no-filter, in the repository; it downloads what a partial clone left out"),
            GitError::Process(ProcessError::NotFound { .. }) => failure.next("install git 2.38 or newer"),
            GitError::Failed { .. } | GitError::Process(_) => failure,
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        let fail = |exit| Failure::new(error.class(), exit, error.to_string());
        match &error {
            CatalogError::Document(problem, source) => {
                let failure = Failure::new(error.class(), Exit::Policy, problem.message.clone());
                failure
                    .at(problem, source.as_ref())
                    .drawing(Drawing::new([(problem, source.as_ref())], &[]))
                    .next("aileron-pub check, for everything that is wrong")
            }
            CatalogError::NoDescription => fail(Exit::Usage).next("pass --description TEXT"),
            CatalogError::Scheme(_) => fail(Exit::Policy),
            CatalogError::Schema { fault, .. } if fault.field == "description" => {
                fail(Exit::Policy).next("pass --description TEXT, or correct the document it is from")
            }
            CatalogError::Schema { .. } | CatalogError::Yaml { .. } => {
                fail(Exit::Policy).next("correct the document the entry is made from")
            }
            CatalogError::NoKey => fail(Exit::Policy).next("aileron-pub keys generate, then commit keys/"),
            CatalogError::NotPem { .. } => fail(Exit::Policy).next("commit the key as PEM: aileron-pub keys show"),
            CatalogError::Http(error) => Failure { retriable: error.is_retriable(), ..fail(Exit::NotFound) }
                .next("push keys/publisher.pub to that branch, or name another with --branch"),
            CatalogError::OtherKey { served, committed, .. } => fail(Exit::Refused)
                .details(json!({"served": served, "committed": committed}))
                .next("push the committed key, or commit the one that is served"),
            CatalogError::Disk(error) => error.into(),
        }
    }
}

impl From<&DiskError> for Failure {
    fn from(error: &DiskError) -> Failure {
        let class = match error.doing {
            "read" | "open" | "list" | "inspect" => Class::FetchFailed,
            _ => Class::StoreUnwritable,
        };
        Failure::new(class, Exit::Failure, error.to_string())
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Failure {
        (&error).into()
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        let message = error.to_string();
        match error {
            LockError::Busy { .. } => {
                let failure = Failure::new(Class::StoreUnwritable, Exit::Failure, message);
                Failure { retriable: true, ..failure }
                    .next("run the same command again when the other one is done; --wait-lock TIME waits longer")
            }
            LockError::Interrupted(_) => Failure::new(Class::StoreUnwritable, Exit::Interrupted, message),
            LockError::Disk(error) => error.into(),
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Failure {
        let fail = |exit| Failure::new(error.class(), exit, error.to_string());
        match &error {
            TrustError::Disk(_) => fail(Exit::NotFound),
            TrustError::NoHome => fail(Exit::Failure),
            TrustError::NotPrivate(why) => fail(Exit::Failure).next(super::private::next(why)),
            TrustError::Ring(_) | TrustError::Key { .. } => fail(Exit::Failure),
        }
    }
}

/// A declined publisher is 1 (artifacts.md §10); what else stops the question follows §8.
impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        let message = error.to_string();
        let fail = |exit| Failure {
            pinned: Some(format!("error: {message}")),
            ..Failure::new(error.class(), exit, message.clone())
        };
        match &error {
            AskError::NoHome | AskError::Ring(_) | AskError::Console { .. } => fail(Exit::Failure),
            AskError::Declined(repo) => fail(Exit::Failure)
                .next(format!("aileron keyring trust --repo-only {repo}, to trust this repository only")),
            AskError::DeclinedBefore(_) => fail(Exit::Failure),
            AskError::Key { authority, why } if error.class() == Class::FetchFailed => {
                Failure { retriable: why.is_retriable(), ..fail(Exit::NotFound) }
                    .next(format!("aileron keyring trust --key-file PEM {authority}, with the key from its publisher"))
            }
            AskError::Key { .. } => fail(Exit::Refused),
            AskError::OtherKey { wanted, found, .. } => fail(Exit::Refused)
                .details(json!({"wanted": wanted, "found": found}))
                .next("ask the publisher which key is right, before anything else"),
        }
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
            match divergence.differs() {
                Some(_) => format!(
                    "compare the published key with the publisher's release notes; if the key was rotated, \
                     aileron keyring trust --fingerprint {fingerprint} {authority}"
                ),
                None => "the publisher's key has not changed and did not sign this: do not install it".to_owned(),
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
    let fail = |exit| Failure::new(error.class(), exit, error.to_string());
    match error {
        VerificationError::Refused(refusal) => of_refusal(refusal, fail(Exit::Refused)),
        VerificationError::Fetch(error) => error.into(),
        VerificationError::Disk(_) | VerificationError::Nothing(_) => fail(Exit::NotFound),
        VerificationError::NoCohort(reference) => {
            fail(Exit::NotFound).next(format!("aileron verify {reference}, for the connector only"))
        }
        VerificationError::NotYet { at, .. } => Failure { retriable: true, ..fail(Exit::NotFound) }
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
        let failure = Failure::new(error.class(), exit, error.to_string());
        let failure = Failure { retriable: error.is_retriable(), ..failure };
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
        VerifyError::Signature(refused @ SignatureRefused::NoKey { authority }) => tried(refused, failure)
            .next(format!("aileron keyring trust {authority}, or pass the publisher's key with --key PEM")),
        VerifyError::Signature(refused) => tried(refused, failure)
            .next("compare fingerprints with the publisher's; if you trust the key, pass it with --key PEM"),
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
        VerifyError::Cohort(_) => failure,
    }
}

impl From<&BuildError> for Failure {
    fn from(error: &BuildError) -> Failure {
        let exit = if error.class() == Class::Incomplete { Exit::Interrupted } else { Exit::Failure };
        // A compiler's own words are evidence; the first line is ours.
        let text = error.to_string();
        let mut lines = text.lines();
        let failure = Failure::new(error.class(), exit, lines.next().unwrap_or_default());
        lines.fold(failure, |failure, line| failure.evidence(format!("  {line}")))
    }
}

impl From<&KeyError> for Failure {
    fn from(error: &KeyError) -> Failure {
        let class = error.class();
        let exit = if class == Class::UsageError { Exit::Usage } else { Exit::Failure };
        let failure = Failure::new(class, exit, error.to_string());
        let cause = match error {
            KeyError::At { source, .. } => &**source,
            error => error,
        };
        match cause {
            KeyError::Absent { .. } => {
                failure.next("pass --key FILE, set AILERON_SIGNING_KEY, or run `aileron-pub keys generate`")
            }
            KeyError::PullRequest { .. } => failure.next(
                "sign on a pushed tag or on workflow_dispatch; on a pull request run `check`, or `build VERSION` for the hash",
            ),
            KeyError::PassphraseMissing => failure.next("set AILERON_KEY_PASSPHRASE, or run this on a terminal"),
            KeyError::NoKeychain(_) => failure.next("pass --out FILE or --print-secret instead"),
            KeyError::InWorkTree { .. } => failure.next("name a file outside the repository with --out"),
            _ => failure,
        }
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Failure {
        match &error {
            KeysError::Key(error) => error.into(),
            KeysError::Disk(error) => error.into(),
            KeysError::PublicKeyExists(_) | KeysError::KeychainTaken(_) => {
                Failure::new(error.class(), Exit::Usage, error.to_string())
                    .next("aileron-pub keys show; to rotate the key, move the old files away first")
            }
            KeysError::NoPublicKey => Failure::new(error.class(), Exit::Policy, error.to_string())
                .next("aileron-pub keys generate, then commit keys/"),
            KeysError::NotAKey { .. } => Failure::new(error.class(), Exit::Policy, error.to_string()),
        }
    }
}

impl From<ScaffoldError> for Failure {
    fn from(error: ScaffoldError) -> Failure {
        let class = error.class();
        let exit = match class {
            Class::UsageError => Exit::Usage,
            Class::Incomplete => Exit::Interrupted,
            _ => Exit::Failure,
        };
        Failure::new(class, exit, error.to_string())
    }
}

/// The directory a user would name to get here again.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
