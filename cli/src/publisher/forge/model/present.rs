//! Documents in GitHub's shapes. GitHub's OpenAPI description: `release`, `full-repository`, `simple-user`.

use serde_json::{Value, json};

use super::access::Caller;
use super::wire::encode;
use super::{Access, Base, GitHub, Release, assets};

/// Addresses every repository document has to name, as suffixes of the repository's own.
const ADDRESSES: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

impl GitHub {
    pub(super) fn present_release(&self, base: &Base, release: &Release) -> Value {
        let (full, id) = (self.repository.full_name(), release.id);
        let own = format!("{}/repos/{full}/releases/{id}", base.api);
        let tag = encode(&release.tag_name);
        // A draft has no tag, so nothing to pack either. GitHub's OpenAPI description: both may be null.
        let ball = |kind: &str| (!release.draft).then(|| format!("{}/repos/{full}/{kind}/{tag}", base.api));
        let assets: Vec<Value> =
            release.assets.iter().map(|asset| assets::present(self, base, release, asset)).collect();
        json!({
            "url": own,
            "assets_url": format!("{own}/assets"),
            "upload_url": format!("{}/repos/{full}/releases/{id}/assets{{?name,label}}", base.uploads),
            "html_url": format!("{}/{full}/releases/tag/{}", base.web, encode(&release.address())),
            "id": id,
            "node_id": format!("RE_{id}"),
            "author": self.present_owner(base),
            "tag_name": release.tag_name,
            "target_commitish": release.target_commitish,
            "name": release.name,
            "draft": release.draft,
            "prerelease": release.prerelease,
            "immutable": release.immutable,
            "created_at": release.created.to_string(),
            "updated_at": release.updated.to_string(),
            "published_at": release.published.map(|at| at.to_string()),
            "assets": assets,
            "tarball_url": ball("tarball"),
            "zipball_url": ball("zipball"),
            "body": release.body,
        })
    }

    /// `permissions` tells what the token may do; without a token there is no such field. GitHub Docs, "Get a repository".
    pub(super) fn present_repository(&self, base: &Base, caller: Caller) -> Value {
        let repository = &self.repository;
        let full = repository.full_name();
        let (own, web) = (format!("{}/repos/{full}", base.api), format!("{}/{full}", base.web));
        let mut document = json!({
            "id": repository.id,
            "node_id": format!("R_{}", repository.id),
            "name": repository.name,
            "full_name": full,
            "owner": self.present_owner(base),
            "private": repository.private,
            "visibility": if repository.private { "private" } else { "public" },
            "url": own,
            "html_url": web,
            "description": null,
            "fork": false,
            "clone_url": format!("{web}.git"),
            "git_url": format!("git://github.com/{full}.git"),
            "ssh_url": format!("git@github.com:{full}.git"),
            "svn_url": web,
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "default_branch": repository.default_branch,
            "archived": false,
            "disabled": false,
            "has_issues": true,
            "has_projects": true,
            "has_wiki": true,
            "has_pages": false,
            "has_discussions": false,
            "forks": 0, "forks_count": 0, "network_count": 0, "open_issues": 0, "open_issues_count": 0, "size": 0,
            "stargazers_count": 0, "subscribers_count": 0, "watchers": 0, "watchers_count": 0,
            "created_at": "1970-01-01T00:00:00Z",
            "updated_at": "1970-01-01T00:00:00Z",
            "pushed_at": "1970-01-01T00:00:00Z",
        });
        for (name, suffix) in ADDRESSES {
            document[*name] = Value::String(format!("{own}{suffix}"));
        }
        if caller.kind != super::TokenKind::Anonymous {
            let push = caller.access == Access::Write;
            document["permissions"] =
                json!({"admin": false, "maintain": false, "push": push, "triage": push, "pull": true});
        }
        document
    }

    pub(super) fn present_owner(&self, base: &Base) -> Value {
        let login = &self.repository.owner;
        let own = format!("{}/users/{login}", base.api);
        json!({
            "login": login,
            "id": 1000,
            "node_id": "U_1000",
            "avatar_url": format!("{}/avatars/1000", base.web),
            "gravatar_id": "",
            "url": own,
            "html_url": format!("{}/{login}", base.web),
            "followers_url": format!("{own}/followers"),
            "following_url": format!("{own}/following{{/other_user}}"),
            "gists_url": format!("{own}/gists{{/gist_id}}"),
            "starred_url": format!("{own}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{own}/subscriptions"),
            "organizations_url": format!("{own}/orgs"),
            "repos_url": format!("{own}/repos"),
            "events_url": format!("{own}/events{{/privacy}}"),
            "received_events_url": format!("{own}/received_events"),
            "type": "User",
            "site_admin": false,
        })
    }
}
