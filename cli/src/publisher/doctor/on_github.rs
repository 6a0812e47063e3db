//! What GitHub says of the repository, as far as the token may see it. Reading only, in nine requests.

use std::collections::BTreeMap;

use aileron_verifier::layout::PUBLISHER_KEY;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::text::printable;
use aileron_verifier::trust::key::PublicKey;

use super::Finding;
use crate::github::{ApiError, ApiRefusal, RepositorySettings};
use crate::publisher::sign::load::KEY_VARIABLE;

/// What is known of the repository without GitHub.
pub struct Expectations<'a> {
    /// The connector's name.
    pub name: &'a Fqn,
    /// Whether CI proposes and a person signs.
    pub wants_approval: bool,
    /// The commit a release would be made from.
    pub commit: Option<&'a str>,
    /// The committed key.
    pub key: Option<PublicKey>,
    /// Variables of which one gives the OAuth client secret; none where the manifest wants none.
    pub client_secret: Vec<String>,
}

/// Everything that is asked of GitHub. It ends early where the repository cannot be seen.
///
/// # Errors
/// [`ApiError::Interrupted`] only: what else cannot be found out is a finding.
pub fn look(settings: &RepositorySettings<'_, '_>, expected: &Expectations<'_>) -> Result<Vec<Finding>, ApiError> {
    let wanted = format!("{}/{}", expected.name.owner(), expected.name.repo());
    let found = match heard(settings.repository())? {
        Ok(Some(found)) => found,
        Ok(None) => {
            let message = format!("repository {wanted} not found, or this token cannot see it");
            return Ok(vec![Finding::problem(
                "repository",
                message,
                format!("gh repo create {wanted} --public --source . --push"),
            )]);
        }
        Err(why) => return Ok(vec![unknown("repository", &why, "gh auth status")]),
    };
    let mut findings = vec![match found.permissions.as_ref().and_then(|permissions| permissions.push) {
        _ if found.full_name != wanted => Finding::problem(
            "repository",
            format!("GitHub calls it {}, the connector {wanted}: trust minds case", printable(&found.full_name)),
            "correct `name` in connector/manifest.toml",
        ),
        _ if found.archived => {
            Finding::problem("repository", format!("{wanted} is archived"), format!("gh repo unarchive {wanted}"))
        }
        Some(false) => Finding::problem(
            "repository",
            format!("this token may only read {wanted}"),
            "gh auth login, as who may write",
        ),
        Some(true) | None => Finding::ok("repository", wanted.clone()),
    }];
    findings.push(secrets(settings, expected, &wanted)?);
    findings.push(workflow_permissions(settings, &wanted)?);
    findings.extend(frozen(settings, &wanted)?);
    let branch = found.default_branch.unwrap_or_else(|| "HEAD".to_owned());
    if let Some(commit) = expected.commit {
        findings.extend(pushed(settings, commit, &branch)?);
    }
    if let Some(key) = expected.key {
        findings.push(published_key(settings, &key)?);
    }
    Ok(findings)
}

/// Names of secrets against what the workflow needs.
fn secrets(
    settings: &RepositorySettings<'_, '_>,
    expected: &Expectations<'_>,
    wanted: &str,
) -> Result<Finding, ApiError> {
    const CHECK: &str = "secrets";
    let names = match heard(settings.secret_names())? {
        Ok(names) => names,
        Err(why) => return Ok(unknown(CHECK, &why, &format!("gh secret list --repo {wanted}"))),
    };
    let has = |name: &str| names.iter().any(|known| known == name);
    Ok(match (expected.wants_approval, has(KEY_VARIABLE)) {
        (true, true) => Finding::problem(
            CHECK,
            format!(
                "{KEY_VARIABLE} is there, although a person signs: everyone who may change a workflow can sign too"
            ),
            format!("gh secret delete {KEY_VARIABLE} --repo {wanted}"),
        ),
        (false, false) => Finding::problem(
            CHECK,
            format!("there is no {KEY_VARIABLE}, and CI signs"),
            "aileron-pub keys github-secret --key FILE, or signing = \"approve\" in aileron-pub.toml",
        ),
        _ if !expected.client_secret.is_empty() && !expected.client_secret.iter().any(|name| has(name)) => {
            Finding::problem(
                CHECK,
                format!(
                    "the manifest wants a client secret, and there is none of {}",
                    expected.client_secret.join(", ")
                ),
                format!(
                    "gh secret set {} --repo {wanted}",
                    expected.client_secret.first().map_or("NAME", String::as_str)
                ),
            )
        }
        _ => Finding::ok(CHECK, if expected.wants_approval { "no signing key in CI" } else { KEY_VARIABLE }),
    })
}

/// What a workflow may that asks for nothing.
fn workflow_permissions(settings: &RepositorySettings<'_, '_>, wanted: &str) -> Result<Finding, ApiError> {
    const CHECK: &str = "permissions";
    let set = format!(
        "gh api --method PUT repos/{wanted}/actions/permissions/workflow -f default_workflow_permissions=read -F can_approve_pull_request_reviews=false"
    );
    Ok(match heard(settings.workflow_permissions())? {
        Err(why) => unknown(CHECK, &why, &format!("gh api repos/{wanted}/actions/permissions/workflow")),
        Ok(found) if found.default_workflow_permissions != "read" => {
            Finding::problem(CHECK, "a workflow that asks for nothing may write to the repository", set)
        }
        Ok(found) if found.can_approve_pull_request_reviews => {
            Finding::problem(CHECK, "workflows may approve pull requests", set)
        }
        Ok(_) => Finding::ok(CHECK, "a workflow that asks for nothing may only read"),
    })
}

/// Whether what is published, and its tag, can be changed afterwards.
fn frozen(settings: &RepositorySettings<'_, '_>, wanted: &str) -> Result<Vec<Finding>, ApiError> {
    let immutable = heard(settings.immutable_releases())?;
    let rules = heard(settings.tag_rules())?;
    let is_immutable = matches!(immutable, Ok(true));
    let releases = match immutable {
        Ok(true) => Finding::ok("releases", "immutable: what is published stays, with its tag"),
        Ok(false) => Finding::problem(
            "releases",
            "not immutable: everyone who may write can replace what is published",
            format!("gh api --method PUT repos/{wanted}/immutable-releases"),
        ),
        Err(why) => unknown("releases", &why, &format!("gh api repos/{wanted}/immutable-releases")),
    };
    let rulesets = format!("https://github.com/{wanted}/settings/rules");
    let tags = match rules {
        Ok(rules) if !rules.is_empty() => {
            let names: Vec<String> = rules.iter().map(|rules| printable(&rules.name).into_owned()).collect();
            Finding::ok("tags", format!("kept by {}", names.join(", ")))
        }
        Ok(_) if is_immutable => Finding::note(
            "tags",
            "no rules: a tag can be made before its release is",
            format!("make a tag ruleset at {rulesets}"),
        ),
        Ok(_) => Finding::problem(
            "tags",
            "no rules: everyone who may write can move the tag of a release",
            format!("make a tag ruleset at {rulesets}"),
        ),
        Err(why) => unknown("tags", &why, &rulesets),
    };
    Ok(vec![releases, tags])
}

/// The commit is there, and its workflows are the default branch's: else a workflow's own token is refused with 403
/// (cli/cli#9514).
fn pushed(settings: &RepositorySettings<'_, '_>, commit: &str, branch: &str) -> Result<Vec<Finding>, ApiError> {
    let short = commit.get(..12).unwrap_or(commit);
    match heard(settings.has_commit(commit))? {
        Ok(true) => {}
        Ok(false) => {
            return Ok(vec![Finding::problem("pushed", format!("GitHub does not have commit {short}"), "git push")]);
        }
        Err(why) => return Ok(vec![unknown("pushed", &why, "git fetch && git status")]),
    }
    let (here, there) = (heard(settings.workflows(commit))?, heard(settings.workflows(branch))?);
    let same = match (here, there) {
        (Ok(here), Ok(there)) => differing(&here, &there),
        (Err(why), _) | (_, Err(why)) => return Ok(vec![unknown("pushed", &why, "git fetch && git status")]),
    };
    Ok(vec![match same {
        None => Finding::ok("pushed", format!("commit {short}, with the workflows of {}", printable(branch))),
        Some(file) => Finding::problem(
            "pushed",
            format!(
                "{} at commit {short} is not that of {}: GitHub refuses a workflow's token the tag (403)",
                printable(&file),
                printable(branch)
            ),
            format!("merge the workflows into {}, or release with a token that has workflows=write", printable(branch)),
        ),
    }])
}

/// A workflow that only one of the two has, or that differs.
fn differing(here: &BTreeMap<String, String>, there: &BTreeMap<String, String>) -> Option<String> {
    here.keys().chain(there.keys()).find(|name| here.get(*name) != there.get(*name)).cloned()
}

/// The key that consumers fetch against the committed one.
fn published_key(settings: &RepositorySettings<'_, '_>, key: &PublicKey) -> Result<Finding, ApiError> {
    const CHECK: &str = "published key";
    Ok(match heard(settings.file(PUBLISHER_KEY))? {
        Err(why) => unknown(CHECK, &why, "git fetch && git status"),
        Ok(None) => Finding::problem(CHECK, format!("the default branch has no {PUBLISHER_KEY}"), "git push"),
        Ok(Some(bytes)) => match PublicKey::from_pem(&bytes) {
            Ok(found) if found == *key => Finding::ok(CHECK, "the committed one"),
            Ok(found) => Finding::problem(
                CHECK,
                format!("the default branch has {}, this commit {}", found.fingerprint(), key.fingerprint()),
                "git push, or git pull",
            ),
            Err(error) => {
                Finding::problem(CHECK, format!("{PUBLISHER_KEY} of the default branch: {error}"), "git push")
            }
        },
    })
}

/// An answer, or why there is none; an interruption ends the look.
fn heard<T>(answer: Result<T, ApiError>) -> Result<Result<T, ApiError>, ApiError> {
    match answer {
        Err(ApiError::Interrupted) => Err(ApiError::Interrupted),
        answer => Ok(answer),
    }
}

fn unknown(check: &'static str, why: &ApiError, command: &str) -> Finding {
    let message = match why {
        ApiError::Refused { why: ApiRefusal::Forbidden { lacks, .. }, .. } => {
            format!("this token may not ask: it lacks {lacks}")
        }
        ApiError::Refused { why: ApiRefusal::Absent, .. } => "this token may not ask".to_owned(),
        why => why.to_string(),
    };
    Finding::unknown(check, message, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli/cli#9514
    fn workflows_differ_where_one_side_lacks_a_file_or_has_another() {
        let files = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
            files.iter().map(|(name, sha)| ((*name).to_owned(), (*sha).to_owned())).collect()
        };
        for (here, there, found) in [
            (&[][..], &[][..], None),
            (&[("a", "1")], &[("a", "1")], None),
            (&[("a", "1")], &[("a", "2")], Some("a")),
            (&[("a", "1"), ("b", "1")], &[("a", "1")], Some("b")),
            (&[], &[("c", "1")], Some("c")),
        ] {
            assert_eq!(differing(&files(here), &files(there)).as_deref(), found);
        }
    }
}
