//! Failures of the publisher wing.

use aileron_verifier::problem::{Class, Problem};
use serde_json::json;

use super::{Exit, Failure, classified};
use crate::github::Lack;
use crate::publisher::adopt::AdoptError;
use crate::publisher::build::{self, BuildError};
use crate::publisher::catalog::CatalogError;
use crate::publisher::committed_key::CommittedKeyError;
use crate::publisher::forge::ForgeError;
use crate::publisher::keys::KeysError;
use crate::publisher::keys::github_secret::SealError;
use crate::publisher::lint::Findings;
use crate::publisher::project::LoadError;
use crate::publisher::release::{self, ApprovalError, Conflict, ReleaseError};
use crate::publisher::scaffold::{ScaffoldError, SkeletonError};
use crate::publisher::sign::KeyError;
use crate::publisher::source::SourceError;
use crate::ui::report::diagnostics::{Drawing, problem_json};

classified!(
    AdoptError,
    ApprovalError,
    BuildError,
    CatalogError,
    CommittedKeyError,
    Conflict,
    ForgeError,
    KeyError,
    KeysError,
    LoadError,
    ReleaseError,
    ScaffoldError,
    SealError,
    SkeletonError,
    SourceError,
);

impl From<&LoadError> for Failure {
    fn from(error: &LoadError) -> Failure {
        match error {
            LoadError::NoManifest(_) => Failure::of(error, Exit::Policy)
                .next("change to a connector repository, name one with -C DIR, or make one with `aileron-pub init`"),
            LoadError::NotCommitted { .. } => {
                Failure::of(error, Exit::Policy).next("git add -A && git commit, in the repository's root")
            }
            LoadError::Git(error) => error.into(),
            LoadError::Disk(error) => error.into(),
        }
    }
}

impl From<ReleaseError> for Failure {
    fn from(error: ReleaseError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            ReleaseError::Load(error) => error.into(),
            ReleaseError::History(error) => error.into(),
            ReleaseError::Check(findings) | ReleaseError::Leftovers(findings) => {
                of_findings(findings, error.to_string())
            }
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
            ReleaseError::Refused { .. } | ReleaseError::IndexRefused { .. } => fail(Exit::Refused)
                .next("aileron-pub check; if it finds nothing, this is a bug of aileron-pub: please report it"),
            ReleaseError::Conflict(conflict) => conflict.into(),
            ReleaseError::Forge { cause, done, of } => Failure::from(cause)
                .saying(error.to_string())
                .details(json!({"writes_done": done, "writes_planned": of})),
            ReleaseError::Approval(error) => error.into(),
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

impl From<&ApprovalError> for Failure {
    fn from(error: &ApprovalError) -> Failure {
        let fail = |exit| Failure::of(error, exit);
        match error {
            ApprovalError::MustBeProposed => fail(Exit::Usage).next(
                "propose it: the same command with --propose and without a key; or write signing = \"ci\" in aileron-pub.toml",
            ),
            ApprovalError::NothingProposed(release) => fail(Exit::Incomplete).next(format!(
                "push the tag and let CI propose it, or run aileron-pub release v{} --propose; then run the same command again",
                release.version
            )),
            ApprovalError::AlreadyPublic(release) => {
                fail(Exit::Failure).next(format!("aileron-pub status v{}", release.version))
            }
            ApprovalError::Unreadable(_) => fail(Exit::Refused)
                .next("delete the file on the draft, find out who else writes there, then propose or approve again"),
            ApprovalError::Differs(differences) => {
                let shown = differences.iter().take(DIFFERENCES);
                let mut evidence: Vec<String> = shown
                    .map(|one| format!("  {}\n    proposed  {}\n    here      {}", one.what, one.proposed, one.here))
                    .collect();
                if differences.len() > DIFFERENCES {
                    evidence.push(format!("  and {} more", differences.len() - DIFFERENCES));
                }
                let list: Vec<_> = differences
                    .iter()
                    .map(|one| json!({"what": one.what, "proposed": one.proposed, "here": one.here}))
                    .collect();
                let only_build = differences.iter().all(|one| ["connector.wasm", "toolchain"].contains(&&*one.what));
                Failure { evidence, ..fail(Exit::Refused) }.details(json!({"differences": list})).next(
                    match only_build {
                        true => {
                            "build with the proposal's toolchain, or pass --take-build to sign the module as it was proposed"
                        }
                        false => {
                            "find out who changed the proposal; if no one did, fetch the tags and propose again from this commit"
                        }
                    },
                )
            }
            ApprovalError::Changed(_) => fail(Exit::Incomplete)
                .next("find out who else writes to the draft, then run the same command again: it begins with what is there now"),
            ApprovalError::Declined(_) => fail(Exit::Policy).next("run the same command again once it may be signed"),
            ApprovalError::Unfit { .. } => fail(Exit::Refused).next(
                "run aileron-pub approve again for what is proposed now; if it was approved for another commit, delete approval.json on the draft first",
            ),
        }
    }
}

/// Differences of a proposal that are shown.
const DIFFERENCES: usize = 20;

impl From<&Conflict> for Failure {
    fn from(conflict: &Conflict) -> Failure {
        let failure = Failure::of(conflict, Exit::Failure).details(match conflict {
            Conflict::Archive { tag, published, planned } => {
                json!({"tag": tag, "published": published, "planned": planned})
            }
            Conflict::Index { tag } => json!({"tag": tag}),
            Conflict::Foreign { tag, asset } => json!({"tag": tag, "asset": asset}),
            Conflict::Key { published, planned } => json!({"published": published, "planned": planned}),
        });
        failure.next(match conflict {
            Conflict::Archive { .. } | Conflict::Index { .. } => {
                "published versions never change: check out the commit it was made from, or release a new version"
            }
            Conflict::Foreign { .. } => "nothing published is ever changed: release a new version",
            Conflict::Key { .. } => {
                "sign with the published key; or move to this one so that users can follow, with aileron-pub keys rotate; --replace-key alone makes every user decide again"
            }
        })
    }
}

/// A draft that a person wrote in is that person's: nothing of it is overwritten.
const DRAFT_OF_OTHERS: &str = "copy what you want to keep from the draft (CHANGELOG.md goes into the notes), delete the draft on GitHub, \
    then run the same command again; or release another version";

impl From<&ForgeError> for Failure {
    fn from(error: &ForgeError) -> Failure {
        let exit = match error {
            ForgeError::NoToken | ForgeError::BadAddress(_) => Exit::Usage,
            ForgeError::Unreachable { .. } | ForgeError::Paused { .. } | ForgeError::DraftGone { .. } => {
                Exit::Incomplete
            }
            ForgeError::Interrupted => Exit::Interrupted,
            _ => Exit::Failure,
        };
        let failure = Failure::of(error, exit);
        match error {
        ForgeError::Disk(_) => {
            failure.next("make room or correct the permissions, then run the same command again: it continues")
        }
        ForgeError::Busy(_) => failure.next("wait for the other release to end, then run the same command again"),
        ForgeError::Foreign { .. } => failure.next("move the file away, or publish to another directory"),
        ForgeError::NoToken => {
            failure.next("set GH_TOKEN to a token that may write contents, run `gh auth login`, or publish to dir:PATH")
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

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Failure {
        let message = format!("{} here", release::stops(findings.errors().count()));
        of_findings(&findings, message)
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Failure {
        let fail = |exit| Failure::of(&error, exit);
        match &error {
            CatalogError::Document(problem, source) => fail(Exit::Policy)
                .saying(problem.message.clone())
                .at(problem, source.as_ref())
                .drawing(Drawing::new([(problem, source.as_ref())], &[]))
                .next("aileron-pub check, for everything that is wrong"),
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
            CatalogError::Http(_) => {
                fail(Exit::NotFound).next("push keys/publisher.pub to that branch, or name another with --branch")
            }
            CatalogError::OtherKey { served, committed, .. } => fail(Exit::Refused)
                .details(json!({"served": served, "committed": committed}))
                .next("push the committed key, or commit the one that is served"),
            CatalogError::Disk(error) => error.into(),
        }
    }
}

impl From<&BuildError> for Failure {
    fn from(error: &BuildError) -> Failure {
        let exit = if error.class() == Class::Incomplete { Exit::Interrupted } else { Exit::Failure };
        // A compiler's own words are evidence; the first line is ours.
        let failure = Failure::of(error, exit).with_lines_as_evidence(&error.to_string());
        match error {
            BuildError::Git(error) => Failure { next: Failure::from(error).next, ..failure },
            _ => failure,
        }
    }
}

impl From<&KeyError> for Failure {
    fn from(error: &KeyError) -> Failure {
        let exit = if error.class() == Class::UsageError { Exit::Usage } else { Exit::Failure };
        let failure = Failure::of(error, exit);
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
            KeyError::PairLength(32) => {
                failure.next("if it is the seed: aileron-pub aegis keys generate --from-seed FILE --out NEW")
            }
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
            KeysError::PublicKeyExists(_) | KeysError::KeychainTaken(_) => Failure::of(&error, Exit::Usage)
                .next("aileron-pub keys show; to go on to a new key: aileron-pub keys rotate VERSION --out FILE"),
            KeysError::OtherKey { signing, committed } => Failure::of(&error, Exit::Refused)
                .details(json!({"signing": signing, "committed": committed}))
                .next("give the private half of keys/publisher.pub with --key FILE"),
            KeysError::UnknownKey(_) => {
                Failure::of(&error, Exit::Usage).next("aileron-pub keys show, for the fingerprint of the key in force")
            }
            KeysError::NotASuccessor { signing, key } => Failure::of(&error, Exit::Refused)
                .details(json!({"signing": signing, "key": key}))
                .next("give the key itself or one that follows it with --key FILE"),
            KeysError::Statement { .. } => Failure::of(&error, Exit::Policy)
                .next("git checkout keys, or take the statement back from an older commit"),
            KeysError::NoPublicKey => {
                Failure::of(&error, Exit::Policy).next("aileron-pub keys generate, then commit keys/")
            }
            KeysError::NotAKey { .. } => Failure::of(&error, Exit::Policy),
        }
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Failure {
        Failure::of(&error, Exit::Failure).next("check --api-url: the key comes from that server")
    }
}

impl From<AdoptError> for Failure {
    fn from(error: AdoptError) -> Failure {
        match &error {
            AdoptError::Check(findings) => {
                of_findings(findings, error.to_string()).next("fix them, then run the same command again")
            }
            AdoptError::Build(error) => error.into(),
            AdoptError::Source(SourceError::Git(error)) | AdoptError::History(error) => error.into(),
            AdoptError::Source(SourceError::Disk(error)) | AdoptError::Disk(error) => error.into(),
            AdoptError::NotCommitted => {
                Failure::of(&error, Exit::Policy).next("commit it, or move it away; then run the same command again")
            }
            AdoptError::Scaffold(_) => {
                Failure::of(&error, Exit::Failure).next("this is a defect of aileron-pub's template: please report it")
            }
        }
    }
}

impl From<ScaffoldError> for Failure {
    fn from(error: ScaffoldError) -> Failure {
        let exit = match error.class() {
            Class::UsageError => Exit::Usage,
            Class::Incomplete => Exit::Interrupted,
            _ => Exit::Failure,
        };
        Failure::of(&error, exit)
    }
}
