//! Refs, commits and files: what a publisher reads of git through the API.

use std::sync::Arc;

use aileron_verifier::name::digest::ArchiveDigest;
use base64::Engine as _;
use serde_json::{Value, json};

use super::{Base, GitHub, Response, TagRef};

/// Where workflows are.
pub(super) const WORKFLOWS: &str = ".github/workflows";

impl GitHub {
    /// GitHub Docs, "Get a reference": exactly this one, or 404.
    pub(super) fn git_ref(&self, base: &Base, name: &str) -> Result<Response, Response> {
        let refs = self.refs();
        let found = refs.iter().find(|(known, ..)| known == name);
        let (name, kind, sha) = found.ok_or_else(|| Response::not_found("/git/refs#get-a-reference"))?;
        Ok(Response::json(200, self.present_ref(base, name, kind, sha)))
    }

    /// GitHub Docs, "List matching references": all whose name begins so, without pages.
    pub(super) fn matching_refs(&self, base: &Base, prefix: &str) -> Response {
        let refs = self.refs();
        let matching = refs.iter().filter(|(name, ..)| name.starts_with(prefix));
        Response::json(200, matching.map(|(name, kind, sha)| self.present_ref(base, name, kind, sha)).collect())
    }

    /// GitHub Docs, "Create a reference": of a commit that is there, under a name that is free.
    pub(super) fn create_ref(&mut self, base: &Base, fields: &Value) -> Result<Response, Response> {
        let page = "/git/refs#create-a-reference";
        let name = fields["ref"].as_str().and_then(|name| name.strip_prefix("refs/")).unwrap_or_default();
        if self.refs().iter().any(|(known, ..)| known == name) {
            return Err(Response::refusal(422, "Reference already exists", page));
        }
        let address = format!("{}/repos/{}/git/refs/{name}", base.api, self.repository.full_name());
        Ok(self.point(base, name, fields, 201, page)?.with("location", address))
    }

    /// GitHub Docs, "Update a reference".
    pub(super) fn update_ref(&mut self, base: &Base, name: &str, fields: &Value) -> Result<Response, Response> {
        let page = "/git/refs#update-a-reference";
        self.changeable(name, page)?;
        self.point(base, name, fields, 200, page)
    }

    /// GitHub Docs, "Delete a reference".
    pub(super) fn delete_ref(&mut self, name: &str) -> Result<Response, Response> {
        self.changeable(name, "/git/refs#delete-a-reference")?;
        match name.split_once('/') {
            Some(("tags", tag)) => drop(self.repository.tags.remove(tag)),
            Some((_, branch)) => drop(self.repository.branches.remove(branch)),
            None => {}
        }
        Ok(Response::empty(204))
    }

    /// It is there, and no immutable release holds it (GitHub Docs, "Immutable releases").
    fn changeable(&self, name: &str, page: &str) -> Result<(), Response> {
        if !self.refs().iter().any(|(known, ..)| known == name) {
            return Err(Response::refusal(422, "Reference does not exist", page));
        }
        let release = name.strip_prefix("tags/").and_then(|tag| self.repository.published(tag));
        if release.is_some_and(|release| release.immutable) {
            let message =
                "Repository rule violations found\n\nCannot change this ref: it belongs to an immutable release.";
            return Err(Response::refusal(422, message, page));
        }
        Ok(())
    }

    fn point(
        &mut self,
        base: &Base,
        name: &str,
        fields: &Value,
        status: u16,
        page: &str,
    ) -> Result<Response, Response> {
        let sha = fields["sha"].as_str().unwrap_or_default();
        if !self.repository.knows(sha) {
            return Err(Response::refusal(422, "Object does not exist", page));
        }
        match name.split_once('/') {
            Some(("tags", tag)) => drop(self.repository.tags.insert(tag.into(), TagRef::light(sha))),
            Some(("heads", branch)) => drop(self.repository.branches.insert(branch.into(), sha.into())),
            _ => return Err(Response::refusal(422, "Reference name must start with 'refs/'.", page)),
        }
        Ok(Response::json(status, self.present_ref(base, name, "commit", sha)))
    }

    /// GitHub Docs, "Get a tag": the object of an annotated tag.
    pub(super) fn tag_object(&self, base: &Base, sha: &str) -> Result<Response, Response> {
        let mut tags = self.repository.tags.iter();
        let found = tags.find_map(|(name, tag)| Some((name, tag.target(sha)?)));
        let (name, (kind, target)) = found.ok_or_else(|| Response::not_found("/git/tags#get-a-tag"))?;
        let git = self.git_address(base);
        Ok(Response::json(
            200,
            json!({
                "node_id": format!("TA_{sha}"),
                "tag": name,
                "sha": sha,
                "url": format!("{git}/tags/{sha}"),
                "message": name,
                "tagger": {"date": "1970-01-01T00:00:00Z", "email": "octocat@example.com", "name": "octocat"},
                "object": {"type": kind, "sha": target, "url": format!("{git}/{kind}s/{target}")},
                "verification": unverified(),
            }),
        ))
    }

    /// GitHub Docs, "Get a commit", which takes branches and tags as well. Its `files` name a workflow when the commit
    /// touches one. An unknown commit is 422 "No commit found for SHA: …".
    pub(super) fn commit(&self, base: &Base, name: &str) -> Result<Response, Response> {
        let page = "/commits/commits#get-a-commit";
        let unknown = || Response::refusal(422, format!("No commit found for SHA: {name}"), page);
        let sha = self.repository.resolve(name).ok_or_else(unknown)?;
        let (api, full) = (&base.api, self.repository.full_name());
        let touched = self.repository.touches_workflows.contains(&sha).then(|| {
            json!({
                "sha": blob(sha.as_bytes()), "filename": ".github/workflows/release.yml", "status": "modified",
                "additions": 1, "deletions": 0, "changes": 1,
                "blob_url": format!("{}/{full}/blob/{sha}/.github/workflows/release.yml", base.web),
                "raw_url": format!("{}/{full}/raw/{sha}/.github/workflows/release.yml", base.web),
                "contents_url": format!("{api}/repos/{full}/contents/.github/workflows/release.yml?ref={sha}"),
            })
        });
        let files: Vec<Value> = touched.into_iter().collect();
        let mut inner = self.present_commit(base, &sha);
        if let Value::Object(inner) = &mut inner {
            inner.remove("sha");
            inner.remove("node_id");
            inner.remove("html_url");
            inner.remove("parents");
            inner.insert("comment_count".into(), json!(0));
        }
        Ok(Response::json(
            200,
            json!({
                "sha": sha,
                "node_id": format!("C_{sha}"),
                "url": format!("{api}/repos/{full}/commits/{sha}"),
                "html_url": format!("{}/{full}/commit/{sha}", base.web),
                "comments_url": format!("{api}/repos/{full}/commits/{sha}/comments"),
                "commit": inner,
                "author": self.present_owner(base),
                "committer": self.present_owner(base),
                "parents": [],
                "stats": {"total": files.len(), "additions": files.len(), "deletions": 0},
                "files": files,
            }),
        ))
    }

    /// GitHub Docs, "Get a commit object": by its full name, or 404.
    pub(super) fn git_commit(&self, base: &Base, sha: &str) -> Result<Response, Response> {
        if !self.repository.knows(sha) {
            return Err(Response::not_found("/git/commits#get-a-commit-object"));
        }
        Ok(Response::json(200, self.present_commit(base, sha)))
    }

    /// GitHub Docs, "Get repository content", of one file.
    pub(super) fn contents(&self, base: &Base, path: &str, raw: bool) -> Result<Response, Response> {
        let page = "/repos/contents#get-repository-content";
        let bytes = self.repository.files.get(path).ok_or_else(|| Response::not_found(page))?;
        if raw {
            return Ok(Response::bytes("application/vnd.github.raw; charset=utf-8", Arc::from(bytes.as_slice())));
        }
        let (full, sha, branch) = (self.repository.full_name(), blob(bytes), &self.repository.default_branch);
        let url = format!("{}/repos/{full}/contents/{path}?ref={branch}", base.api);
        let git_url = format!("{}/repos/{full}/git/blobs/{sha}", base.api);
        let html_url = format!("{}/{full}/blob/{branch}/{path}", base.web);
        Ok(Response::json(
            200,
            json!({
                "type": "file", "encoding": "base64", "size": bytes.len(), "path": path, "sha": sha,
                "name": path.rsplit('/').next(),
                "content": base64::engine::general_purpose::STANDARD.encode(bytes),
                "url": url, "git_url": git_url, "html_url": html_url,
                "download_url": format!("{}/{full}/{branch}/{path}", base.web),
                "_links": {"self": url, "git": git_url, "html": html_url},
            }),
        ))
    }

    /// GitHub Docs, "Get repository content", of the directory of workflows, at a branch or commit. Of a commit whose
    /// workflows are not the default branch's it is only known that one of them differs.
    pub(super) fn workflows(&self, base: &Base, at: Option<&str>) -> Result<Response, Response> {
        let page = "/repos/contents#get-repository-content";
        let repository = &self.repository;
        let at = at.unwrap_or(&repository.default_branch);
        let commit = repository.resolve(at);
        let differs = commit.as_ref().is_some_and(|commit| repository.touches_workflows.contains(commit));
        let below = |path: &String| path.strip_prefix(WORKFLOWS)?.strip_prefix('/').map(str::to_owned);
        let usual = repository.files.iter().filter_map(|(path, bytes)| Some((below(path)?, blob(bytes), bytes.len())));
        let mut files: Vec<(String, String, usize)> = usual.collect();
        if differs {
            files.retain(|(name, ..)| name != "release.yml");
            files.push(("release.yml".to_owned(), blob(commit.unwrap_or_default().as_bytes()), 1));
        }
        if files.is_empty() {
            return Err(Response::not_found(page));
        }
        let full = repository.full_name();
        let entry = |(name, sha, size): (String, String, usize)| {
            let path = format!("{WORKFLOWS}/{name}");
            let url = format!("{}/repos/{full}/contents/{path}?ref={at}", base.api);
            let git_url = format!("{}/repos/{full}/git/blobs/{sha}", base.api);
            let html_url = format!("{}/{full}/blob/{at}/{path}", base.web);
            json!({
                "type": "file", "name": name, "path": path, "sha": sha, "size": size,
                "url": url, "git_url": git_url, "html_url": html_url,
                "download_url": format!("{}/{full}/{at}/{path}", base.web),
                "_links": {"self": url, "git": git_url, "html": html_url},
            })
        };
        Ok(Response::json(200, files.into_iter().map(entry).collect()))
    }

    /// A file as `raw.githubusercontent.com` gives it. artifacts.md §1 (`HEAD/keys/publisher.pub`).
    pub(super) fn raw_file(&self, path: &str) -> Result<Response, Response> {
        let bytes = self.repository.files.get(path).ok_or_else(|| Response::not_found(""))?;
        Ok(Response::bytes("text/plain; charset=utf-8", Arc::from(bytes.as_slice())))
    }

    /// Name below `refs/`, kind and name of the object.
    fn refs(&self) -> Vec<(String, &'static str, &str)> {
        let branches = self.repository.branches.iter();
        let branches = branches.map(|(name, sha)| (format!("heads/{name}"), "commit", sha.as_str()));
        let tags = self.repository.tags.iter().map(|(name, tag)| match &tag.object {
            Some(object) => (format!("tags/{name}"), "tag", object.as_str()),
            None => (format!("tags/{name}"), "commit", tag.commit.as_str()),
        });
        branches.chain(tags).collect()
    }

    /// npm `@octokit/fixtures`, `git-refs`.
    fn present_ref(&self, base: &Base, name: &str, kind: &str, sha: &str) -> Value {
        let git = self.git_address(base);
        json!({
            "ref": format!("refs/{name}"),
            "node_id": format!("REF_{sha}"),
            "url": format!("{git}/refs/{name}"),
            "object": {"sha": sha, "type": kind, "url": format!("{git}/{kind}s/{sha}")},
        })
    }

    fn present_commit(&self, base: &Base, sha: &str) -> Value {
        let who = json!({"name": "octocat", "email": "octocat@example.com", "date": "1970-01-01T00:00:00Z"});
        let git = self.git_address(base);
        json!({
            "sha": sha,
            "node_id": format!("C_{sha}"),
            "url": format!("{git}/commits/{sha}"),
            "html_url": format!("{}/{}/commit/{sha}", base.web, self.repository.full_name()),
            "author": who,
            "committer": who,
            "message": "A commit",
            "tree": {"sha": blob(sha.as_bytes()), "url": format!("{git}/trees/{}", blob(sha.as_bytes()))},
            "parents": [],
            "verification": unverified(),
        })
    }

    fn git_address(&self, base: &Base) -> String {
        format!("{}/repos/{}/git", base.api, self.repository.full_name())
    }
}

fn unverified() -> Value {
    json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null})
}

/// 40 hex digits that stand for a git object we do not have.
fn blob(bytes: &[u8]) -> String {
    ArchiveDigest::of(&[bytes]).hex()[..40].to_owned()
}
