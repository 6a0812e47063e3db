//! What GitHub would refuse in the middle of a release, asked for before anything is built.

use std::collections::{BTreeMap, BTreeSet};

use aileron_verifier::text::printable;
use serde::de::IgnoredAny;
use url::form_urlencoded;

use super::{GitHubForge, route};
use crate::github::documents::{AnnotatedTag, GitObject, ListedFile, ListedTag, Repository};
use crate::github::{ApiError, ApiRefusal, if_there};
use crate::publisher::forge::{ForgeError, Scope};

impl GitHubForge<'_> {
    /// The repository is there under this very name, and the token may write to it.
    pub(super) fn preflight(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        let name = scope.connector;
        let wanted = format!("{}/{}", name.owner(), name.repo());
        for tag in scope.tags {
            if let Some(why) = fault(tag.as_str()) {
                return Err(ForgeError::BadTag { tag: tag.to_string(), why });
            }
        }
        let repository = route(name);
        let found: Repository = match self.client.read(async |crab| crab.get(&repository, None::<&()>).await) {
            Err(ApiError::Refused { why: ApiRefusal::Absent, .. }) => {
                return Err(ForgeError::NoRepository { repository: wanted });
            }
            // A former name: what GitHub calls it now is asked of the address it gives, if that is GitHub's own.
            Err(ApiError::Refused { why: ApiRefusal::Moved(Some(to)), .. })
                if to.starts_with(&format!("{}/", self.addresses.api)) =>
            {
                self.client.read(async |crab| crab.get(&to, None::<&()>).await)?
            }
            found => found?,
        };
        if found.full_name != wanted {
            return Err(ForgeError::OtherName { wanted, found: found.full_name });
        }
        if found.archived {
            return Err(ForgeError::Archived { repository: wanted });
        }
        if found.permissions.is_some_and(|permissions| permissions.push == Some(false)) {
            return Err(ForgeError::ReadOnly { repository: wanted });
        }
        self.private.set(found.private);
        if let Some(branch) = found.default_branch {
            *self.default_branch.borrow_mut() = branch;
        }
        if self.of_a_workflow {
            self.compare_workflows(scope)?;
        }
        Ok(())
    }

    /// A token without the permission `workflows` may not make a tag at a commit whose workflows are not the default
    /// branch's: GitHub answers 403 "Resource not accessible by integration" to the first draft (cli/cli#9514). A workflow's
    /// own token never has it, so that is said before the build.
    pub(super) fn compare_workflows(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        let files = |at: &str| -> Result<BTreeMap<String, String>, ForgeError> {
            let directory = format!("{}/contents/.github/workflows?ref={at}", route(scope.connector));
            let listed = self.client.read(async |crab| crab.get(&directory, None::<&()>).await);
            let listed: Vec<ListedFile> = if_there(listed)?.unwrap_or_default();
            Ok(listed.into_iter().map(|file| (file.name, file.sha)).collect())
        };
        let branch: String = form_urlencoded::byte_serialize(self.default_branch.borrow().as_bytes()).collect();
        if files(scope.commit)? == files(&branch)? {
            self.same_workflows.set(true);
            return Ok(());
        }
        let whose = match self.of_a_workflow {
            true => "a workflow's own token",
            false => "a token without the permission workflows=write",
        };
        Err(ForgeError::Workflows { commit: scope.commit.to_owned(), whose })
    }

    /// GitHub makes the tag at the commit, so it must have been pushed.
    pub(super) fn knows_commit(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        let commit = format!("{}/git/commits/{}", route(scope.connector), scope.commit);
        let asked = self.client.read(async |crab| crab.get::<IgnoredAny, _, _>(&commit, None::<&()>).await);
        match if_there(asked)? {
            Some(_) => Ok(()),
            None => Err(ForgeError::NotPushed { commit: scope.commit.to_owned() }),
        }
    }

    /// A tag that is there already must name the commit: GitHub would publish under it wherever it points. Which are there.
    pub(super) fn tags_in_place(&self, scope: &Scope<'_>) -> Result<BTreeSet<String>, ForgeError> {
        let mut there = BTreeSet::new();
        let above = scope.connector.subpath().map(|subpath| format!("{subpath}/")).unwrap_or_default();
        let actions = (scope.tags.len() > 1).then(|| format!("{above}actions/")); // a connector alone has no tags there
        for prefix in [scope.release.tag().to_string()].into_iter().chain(actions) {
            let matching = format!("{}/git/matching-refs/tags/{prefix}", route(scope.connector));
            let found: Vec<ListedTag> = self.client.read(async |crab| crab.get(&matching, None::<&()>).await)?;
            for found in found {
                let Some(tag) = scope.tags.iter().find(|tag| found.tag() == Some(tag.as_str())) else { continue };
                let found = self.peeled(scope, found.object)?;
                if found != format!("commit {}", scope.commit) {
                    let (tag, wanted) = (tag.to_string(), scope.commit.to_owned());
                    return Err(ForgeError::TagElsewhere { tag, found, wanted });
                }
                there.insert(tag.to_string());
            }
        }
        Ok(there)
    }

    /// What a tag names in the end, with its kind: a tag may point to a tag, and to something that is no commit.
    fn peeled(&self, scope: &Scope<'_>, mut object: GitObject) -> Result<String, ForgeError> {
        let mut seen = BTreeSet::new();
        while object.kind == "tag" && is_object_id(&object.sha) {
            if !seen.insert(object.sha.clone()) {
                return Ok("a tag that leads back to itself".to_owned());
            }
            if seen.len() > TAGS_OF_TAGS {
                return Ok(format!("a tag behind more than {TAGS_OF_TAGS} other tags"));
            }
            let tag = format!("{}/git/tags/{}", route(scope.connector), object.sha);
            let tag: AnnotatedTag = self.client.read(async |crab| crab.get(&tag, None::<&()>).await)?;
            object = tag.object;
        }
        Ok(format!("{} {}", printable(&object.kind), printable(&object.sha)))
    }
}

/// Tags that are followed from one to the next. Each costs a request; git itself knows no limit.
const TAGS_OF_TAGS: usize = 256;

/// A name of git's two object formats.
fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What git has against a tag. `git help check-ref-format`; what our names can still break of it.
fn fault(tag: &str) -> Option<&'static str> {
    if tag.contains("..") {
        Some("two dots follow each other")
    } else if tag.split('/').any(|part| part.ends_with(".lock")) {
        Some("a part ends in .lock")
    } else if tag.split('/').any(|part| part.starts_with('.') || part.ends_with('.')) {
        Some("a part begins or ends with a dot")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn a_tag_git_would_refuse_is_known_beforehand() {
        for tag in ["actions/a..b/v1.0.0", "actions/x.lock/v1.0.0", "actions/a./v1.0.0"] {
            assert!(fault(tag).is_some(), "{tag}");
        }
        for tag in ["v1.0.0", "actions/a.b-c_d/v1.0.0-rc.1", "actions/lock/v1.0.0"] {
            assert_eq!(fault(tag), None, "{tag}");
        }
    }
}
