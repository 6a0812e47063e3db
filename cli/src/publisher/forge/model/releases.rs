//! Drafts, publishing, editing, deleting.

use serde_json::{Map, Value, json};

use super::access::Caller;
use super::latest::MakeLatest;
use super::response::{already_exists, custom, invalid, missing};
use super::{Base, GitHub, Release, Response, TagRef, Timestamp, TokenKind};

const CREATE: &str = "/releases/releases#create-a-release";
const UPDATE: &str = "/releases/releases#update-a-release";
const GET: &str = "/releases/releases#get-a-release";
const BY_TAG: &str = "/releases/releases#get-a-release-by-tag-name";
const DELETE: &str = "/releases/releases#delete-a-release";
const RESOURCE: &str = "Release";

/// Characters in a release's notes. artifacts.md §11; release-pipeline.md §2, marked unverified there.
pub const BODY_LIMIT: usize = 125_000;

/// What a request wants a release to be.
#[derive(Default)]
struct Wanted {
    tag_name: Option<String>,
    target_commitish: Option<String>,
    name: Option<Option<String>>,
    body: Option<Option<String>>,
    draft: Option<bool>,
    prerelease: Option<bool>,
    latest: Option<MakeLatest>,
}

impl GitHub {
    /// A draft is there only for those who may push. GitHub Docs, "List releases".
    pub(super) fn release(&self, base: &Base, caller: Caller, id: u64) -> Result<Response, Response> {
        let release = self.repository.releases.get(&id).filter(|release| !release.draft || caller.sees_drafts());
        let release = release.ok_or_else(|| Response::not_found(GET))?;
        Ok(Response::json(200, self.present_release(base, release)))
    }

    /// "Get a published release with the specified tag." GitHub Docs, "Get a release by tag name": never a draft.
    pub(super) fn release_by_tag(&self, base: &Base, tag: &str) -> Result<Response, Response> {
        let release = self.repository.published(tag).ok_or_else(|| Response::not_found(BY_TAG))?;
        Ok(Response::json(200, self.present_release(base, release)))
    }

    /// GraphQL does find drafts by tag (cli/cli, `pkg/cmd/release/shared/fetch.go`, which asks it for nothing else). What is
    /// not there is an error beside a `null`, with status 200.
    pub(super) fn draft_by_tag(&self, caller: Caller, tag: &str) -> Response {
        let draft = self.repository.drafts(tag).last().filter(|_| caller.sees_drafts());
        let release = self.repository.published(tag).or(draft);
        let document = release.map(|release| json!({"databaseId": release.id, "isDraft": release.draft}));
        Response::json(200, json!({"data": {"repository": {"release": document}}}))
    }

    /// GitHub Docs, "Create a release". A draft may repeat a tag, published or not: the check is for publishing.
    pub(super) fn create_release(
        &mut self,
        now: Timestamp,
        base: &Base,
        caller: Caller,
        fields: &Value,
    ) -> Result<Response, Response> {
        let wanted = read(fields, CREATE)?;
        let tag_name = wanted.tag_name.clone().filter(|tag| !tag.is_empty());
        let tag_name = tag_name.ok_or_else(|| Response::invalid(vec![missing(RESOURCE, "tag_name")], CREATE))?;
        let target = wanted.target_commitish.clone().filter(|target| !target.is_empty());
        let mut release = Release {
            id: self.next_id,
            tag_name,
            target_commitish: target.unwrap_or_else(|| self.repository.default_branch.clone()),
            name: wanted.name.clone().flatten(),
            body: wanted.body.clone().flatten(),
            draft: true,
            prerelease: wanted.prerelease.unwrap_or(false),
            immutable: false,
            created: now,
            published: None,
            updated: now,
            assets: Vec::new(),
        };
        self.check(caller, &release, CREATE)?;
        if !wanted.draft.unwrap_or(false) {
            self.publish(now, &mut release, wanted.latest, CREATE)?;
        }
        let id = self.next_id();
        let answer = Response::json(201, self.present_release(base, &release))
            .with("location", format!("{}/repos/{}/releases/{id}", base.api, self.repository.full_name()));
        self.repository.releases.insert(id, release);
        Ok(answer)
    }

    /// GitHub Docs, "Update a release"; publishing is `draft: false`.
    pub(super) fn update_release(
        &mut self,
        now: Timestamp,
        base: &Base,
        caller: Caller,
        id: u64,
        fields: &Value,
    ) -> Result<Response, Response> {
        let Some(old) = self.repository.releases.get(&id) else { return Err(Response::not_found(UPDATE)) };
        let wanted = read(fields, UPDATE)?;
        let mut release = old.clone();
        let tag_name = wanted.tag_name.filter(|tag| !tag.is_empty()).unwrap_or_else(|| old.tag_name.clone());
        let moved = tag_name != old.tag_name;
        if old.immutable && (moved || wanted.draft == Some(true)) {
            // GitHub Docs, "Immutable releases": the tag cannot be moved or deleted; title and notes can be edited.
            let why = custom(RESOURCE, Some("tag_name"), "tag_name cannot be changed for an immutable release");
            return Err(Response::invalid(vec![why], UPDATE));
        }
        release.tag_name = tag_name;
        release.target_commitish = wanted.target_commitish.unwrap_or(release.target_commitish);
        release.name = wanted.name.unwrap_or(release.name);
        release.body = wanted.body.unwrap_or(release.body);
        release.prerelease = wanted.prerelease.unwrap_or(release.prerelease);
        release.updated = now;
        self.check(caller, &release, UPDATE)?;
        match wanted.draft {
            Some(false) if release.draft => self.publish(now, &mut release, wanted.latest, UPDATE)?,
            Some(true) if !release.draft => {
                (release.draft, release.published) = (true, None);
                self.forget_latest(id);
            }
            _ => {
                if !release.draft && moved {
                    self.free(&release, UPDATE)?;
                    self.make_tag(&release, UPDATE)?;
                }
                self.set_latest(&release, wanted.latest, UPDATE)?;
            }
        }
        let answer = Response::json(200, self.present_release(base, &release));
        self.repository.releases.insert(id, release);
        Ok(answer)
    }

    /// GitHub Docs, "Delete a release": the tag stays. A deleted immutable release keeps its tag name for ever ("Immutable
    /// releases"; microsoft/hve-core#554).
    pub(super) fn delete_release(&mut self, id: u64) -> Result<Response, Response> {
        self.repository.releases.remove(&id).ok_or_else(|| Response::not_found(DELETE))?;
        self.forget_latest(id);
        Ok(Response::empty(204))
    }

    /// What every release must keep, draft or not.
    fn check(&self, caller: Caller, release: &Release, page: &str) -> Result<(), Response> {
        let mut reasons = Vec::new();
        if !well_formed(&release.tag_name) {
            // yegor256/rultor#856
            reasons.push(custom(RESOURCE, Some("tag_name"), "tag_name is not a valid tag"));
            reasons.push(custom(RESOURCE, Some("tag_name"), "tag_name is not well-formed"));
        }
        if release.body.as_ref().is_some_and(|body| body.chars().count() > BODY_LIMIT) {
            let message = format!("body is too long (maximum is {BODY_LIMIT} characters)");
            reasons.push(custom(RESOURCE, Some("body"), &message));
        }
        let tagged = self.repository.tags.contains_key(&release.tag_name);
        let target = self.repository.resolve(&release.target_commitish);
        if !tagged && target.is_none() {
            // jreleaser/jreleaser#1421; "Unused if the Git tag already exists" (GitHub Docs, "Create a release")
            reasons.push(invalid(RESOURCE, "target_commitish"));
        }
        if !reasons.is_empty() {
            return Err(Response::invalid(reasons, page));
        }
        // cli/cli#9514, googleapis/release-please-action#878: a workflow's token has no `workflows` permission, so it may
        // not make a tag at a commit that changes one.
        let refused = target.is_some_and(|commit| self.repository.touches_workflows.contains(&commit));
        if !tagged && refused && caller.kind == TokenKind::Actions {
            return Err(Response::refusal(403, "Resource not accessible by integration", page));
        }
        Ok(())
    }

    /// Makes the draft visible: the tag appears here, and Latest moves unless told otherwise.
    fn publish(
        &mut self,
        now: Timestamp,
        release: &mut Release,
        latest: Option<MakeLatest>,
        page: &str,
    ) -> Result<(), Response> {
        self.free(release, page)?;
        (release.draft, release.published) = (false, Some(now));
        if let Err(refusal) = self.set_latest(release, latest.or(Some(MakeLatest::Default)), page) {
            (release.draft, release.published) = (true, None);
            return Err(refusal);
        }
        self.make_tag(release, page)?;
        if self.repository.immutable {
            release.immutable = true;
            self.repository.burned.insert(release.tag_name.clone());
        }
        Ok(())
    }

    /// 422 when the tag name belongs to another published release (`already_exists`: aws/aperf#51), or belonged to an
    /// immutable one (github-community-projects/ospo-reusable-workflows#83).
    fn free(&self, release: &Release, page: &str) -> Result<(), Response> {
        let other = self.repository.published(&release.tag_name).filter(|other| other.id != release.id);
        if other.is_some() {
            return Err(Response::invalid(vec![already_exists(RESOURCE, "tag_name")], page));
        }
        if self.repository.burned.contains(&release.tag_name) {
            let rules = "pre_receive Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n";
            let reasons = vec![
                custom(RESOURCE, Some("pre_receive"), rules),
                custom(RESOURCE, Some("tag_name"), "tag_name was used by an immutable release"),
                custom(RESOURCE, None, "Published releases must have a valid tag"),
            ];
            return Err(Response::invalid(reasons, page));
        }
        Ok(())
    }

    /// "Specifies the commitish value that determines where the Git tag is created from … Unused if the Git tag already
    /// exists." GitHub Docs, "Create a release".
    fn make_tag(&mut self, release: &Release, page: &str) -> Result<(), Response> {
        if self.repository.tags.contains_key(&release.tag_name) {
            return Ok(());
        }
        let commit = self.repository.resolve(&release.target_commitish);
        let commit = commit.ok_or_else(|| Response::invalid(vec![invalid(RESOURCE, "target_commitish")], page))?;
        self.repository.tags.insert(release.tag_name.clone(), TagRef::light(commit));
        Ok(())
    }
}

impl Caller {
    /// "Information about drafts is available to users with push access." GitHub Docs, "List releases".
    pub(super) fn sees_drafts(self) -> bool {
        self.access == super::Access::Write
    }
}

/// 400 for what is no object, 422 for a field of another type. GitHub Docs, "Troubleshooting the REST API".
fn read(fields: &Value, page: &str) -> Result<Wanted, Response> {
    let Value::Object(fields) = fields else { return Err(Response::refusal(400, "Problems parsing JSON", page)) };
    let wrong = |field: &str| Response::invalid(vec![invalid(RESOURCE, field)], page);
    let latest = match text(fields, "make_latest").map_err(|()| wrong("make_latest"))?.flatten().as_deref() {
        None => None,
        Some("true") => Some(MakeLatest::Yes),
        Some("false") => Some(MakeLatest::No),
        Some("legacy") => Some(MakeLatest::Legacy),
        Some(_) => return Err(wrong("make_latest")),
    };
    Ok(Wanted {
        tag_name: text(fields, "tag_name").map_err(|()| wrong("tag_name"))?.flatten(),
        target_commitish: text(fields, "target_commitish").map_err(|()| wrong("target_commitish"))?.flatten(),
        name: text(fields, "name").map_err(|()| wrong("name"))?,
        body: text(fields, "body").map_err(|()| wrong("body"))?,
        draft: flag(fields, "draft").map_err(|()| wrong("draft"))?,
        prerelease: flag(fields, "prerelease").map_err(|()| wrong("prerelease"))?,
        latest,
    })
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<Option<String>>, ()> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
        Some(_) => Err(()),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, ()> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(()),
    }
}

/// `git help check-ref-format`, and no 40 hex digits ("Sorry, branch or tag names consisting of 40 hex characters are not
/// allowed").
fn well_formed(tag: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let hex = tag.len() == 40 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let strange = tag.contains(forbidden) || tag.contains("..") || tag.contains("@{") || tag == "@";
    let edges = tag.ends_with('.') || tag.starts_with('-');
    !hex && !strange && !edges && tag.split('/').all(part)
}
