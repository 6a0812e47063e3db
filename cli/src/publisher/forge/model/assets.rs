//! Files on releases: uploading, names, digests, downloading.

use std::sync::Arc;

use aileron_verifier::name::digest::ArchiveDigest;
use serde_json::{Value, json};

use super::access::Caller;
use super::listing::paged;
use super::response::{already_exists, custom, missing};
use super::wire::encode;
use super::{Accept, Asset, AssetState, Base, GitHub, Release, Response, Timestamp, Upload};

const RESOURCE: &str = "ReleaseAsset";
const GET: &str = "/releases/assets#get-a-release-asset";
const DELETE: &str = "/releases/assets#delete-a-release-asset";

/// The name an asset gets: "GitHub renames asset filenames that have special characters, non-alphanumeric characters, and
/// leading or trailing periods" (GitHub Docs, "Upload a release asset"). Runs of such characters become one period
/// (travis-ci/dpl#821); `+`, `-` and `_` stay (github/rest-api-description#2968). What becomes of leading periods is not
/// documented: here they go.
pub fn stored_name(name: &str) -> String {
    let mut stored = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() || "+-_".contains(c) { c } else { '.' };
        if c != '.' || !stored.ends_with('.') {
            stored.push(c);
        }
    }
    stored.trim_matches('.').to_owned()
}

impl GitHub {
    /// GitHub Docs, "Upload a release asset".
    pub(super) fn upload(
        &mut self,
        now: Timestamp,
        base: &Base,
        upload: &Upload,
        request_id: &str,
    ) -> Result<Response, Response> {
        let name = self.accept(upload, request_id)?;
        let digest = ArchiveDigest::of(&[&upload.bytes]);
        let asset = self.keep(now, upload, name, AssetState::Uploaded, Some(digest), upload.bytes.clone());
        let document =
            self.repository.releases.get(&upload.release).map(|release| present(self, base, release, &asset));
        Ok(Response::json(201, document.unwrap_or_default()).with("location", address(self, base, asset.id)))
    }

    /// "If an upstream failure occurs, you will receive 502 Bad Gateway. This may leave an empty asset with a state of
    /// `starter`. It can be safely deleted." Same page. Its name is taken until then.
    pub(super) fn broken_upload(
        &mut self,
        now: Timestamp,
        upload: &Upload,
        request_id: &str,
    ) -> Result<Response, Response> {
        let name = self.accept(upload, request_id)?;
        self.keep(now, upload, name, AssetState::Starter, None, Arc::from([]));
        Err(Response::refusal(502, "Bad Gateway", ""))
    }

    /// The name it will have, or why it is refused.
    fn accept(&self, upload: &Upload, request_id: &str) -> Result<String, Response> {
        let release = self.repository.releases.get(&upload.release).ok_or_else(|| Response::not_found(""))?;
        if release.immutable {
            // concourse/github-release-resource#151 shows the whole body.
            return Err(refused("Cannot upload assets to an immutable release.", None, request_id));
        }
        let refused = |error: Value| refused("Validation Failed", Some(error), request_id);
        let name = upload.name.as_deref().map(stored_name).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| refused(missing(RESOURCE, "name")))?;
        let size = upload.bytes.len() as u64;
        // The docs give the bounds ("About releases"); the wording of these three is from memory of reports.
        if size == 0 {
            return Err(refused(custom(RESOURCE, Some("size"), "size must be greater than or equal to 1")));
        }
        if size >= self.asset_limits.bytes {
            let message = format!("size must be less than {}", self.asset_limits.bytes);
            return Err(refused(custom(RESOURCE, Some("size"), &message)));
        }
        if release.assets.len() >= self.asset_limits.per_release {
            let message = format!("file_count limited to {} assets per release", self.asset_limits.per_release);
            return Err(refused(custom(RESOURCE, Some("file_count"), &message)));
        }
        if release.asset(&name).is_some() {
            // npm `@octokit/fixtures`, `release-assets-conflict`
            return Err(refused(already_exists(RESOURCE, "name")));
        }
        Ok(name)
    }

    fn keep(
        &mut self,
        now: Timestamp,
        upload: &Upload,
        name: String,
        state: AssetState,
        digest: Option<ArchiveDigest>,
        bytes: Arc<[u8]>,
    ) -> Asset {
        let asset = Asset {
            id: self.next_id(),
            name,
            label: upload.label.clone().filter(|label| !label.is_empty()),
            state,
            content_type: upload.content_type.clone(),
            size: bytes.len() as u64,
            digest,
            created: now,
            bytes,
        };
        if let Some(release) = self.repository.releases.get_mut(&upload.release) {
            release.assets.push(asset.clone());
            release.updated = now;
        }
        asset
    }

    /// GitHub Docs, "List release assets".
    pub(super) fn list_assets(
        &self,
        base: &Base,
        caller: Caller,
        release: u64,
        per_page: usize,
        page: usize,
    ) -> Result<Response, Response> {
        let page_of_docs = "/releases/assets#list-release-assets";
        let found = self.repository.releases.get(&release).filter(|release| !release.draft || caller.sees_drafts());
        let found = found.ok_or_else(|| Response::not_found(page_of_docs))?;
        let address = format!("{}/repositories/{}/releases/{release}/assets", base.api, self.repository.id);
        Ok(paged(&found.assets, per_page, page, &address, |asset| present(self, base, found, asset)))
    }

    /// GitHub Docs, "Get a release asset": its description, or with `application/octet-stream` a redirect to its bytes.
    pub(super) fn asset(&self, base: &Base, caller: Caller, id: u64, accept: Accept) -> Result<Response, Response> {
        let (release, asset) = self.find(id).ok_or_else(|| Response::not_found(GET))?;
        if release.draft && !caller.sees_drafts() {
            return Err(Response::not_found(GET));
        }
        match accept {
            Accept::Json => Ok(Response::json(200, present(self, base, release, asset))),
            Accept::Bytes if asset.state == AssetState::Uploaded => Ok(redirect(base, asset)),
            Accept::Bytes => Err(Response::not_found(GET)),
        }
    }

    /// GitHub Docs, "Update a release asset": name and label.
    pub(super) fn update_asset(&mut self, base: &Base, id: u64, fields: &Value) -> Result<Response, Response> {
        let page = "/releases/assets#update-a-release-asset";
        let (release, _) = self.find(id).ok_or_else(|| Response::not_found(page))?;
        let (release_id, immutable) = (release.id, release.immutable);
        let name = fields["name"].as_str().map(stored_name);
        let taken = |asset: &Asset| asset.id != id && Some(&asset.name) == name.as_ref();
        if release.assets.iter().any(taken) {
            return Err(Response::invalid(vec![already_exists(RESOURCE, "name")], page));
        }
        if immutable {
            return Err(Response::refusal(422, "Cannot edit assets of an immutable release.", page));
        }
        let release = self.repository.releases.get_mut(&release_id).ok_or_else(|| Response::not_found(page))?;
        for asset in release.assets.iter_mut().filter(|asset| asset.id == id) {
            asset.name = name.clone().unwrap_or_else(|| asset.name.clone());
            asset.label = fields["label"].as_str().map(str::to_owned).or_else(|| asset.label.clone());
        }
        self.asset(base, Caller { kind: super::TokenKind::Personal, access: super::Access::Write }, id, Accept::Json)
    }

    /// GitHub Docs, "Delete a release asset"; "Immutable releases": its assets cannot be deleted.
    pub(super) fn delete_asset(&mut self, id: u64) -> Result<Response, Response> {
        let (release, _) = self.find(id).ok_or_else(|| Response::not_found(DELETE))?;
        if release.immutable {
            return Err(Response::refusal(422, "Cannot delete asset from an immutable release.", DELETE));
        }
        let release = release.id;
        if let Some(release) = self.repository.releases.get_mut(&release) {
            release.assets.retain(|asset| asset.id != id);
        }
        Ok(Response::empty(204))
    }

    /// The public's address of an asset. A draft has none, whatever the token; a private repository none here either.
    /// artifacts.md §1 and §11.
    pub(super) fn download(&self, base: &Base, tag: &str, name: &str) -> Result<Response, Response> {
        let release = match tag {
            // GitHub Docs, "Linking to releases": `/releases/latest/download/…`
            "latest" if self.repository.published(tag).is_none() => self.latest(),
            tag => self.repository.published(tag),
        };
        let asset = release.and_then(|release| release.asset(name)).filter(|asset| asset.state == AssetState::Uploaded);
        asset.map(|asset| redirect(base, asset)).ok_or_else(|| Response::not_found(""))
    }

    /// The bytes behind a redirect. The signature in the address is the permission; no token is looked at.
    pub(super) fn stored(&self, id: u64, signature: &str) -> Result<Response, Response> {
        let (_, asset) = self.find(id).ok_or_else(|| Response::not_found(""))?;
        if sign(asset) != signature {
            return Err(Response::refusal(403, "Signature not valid", ""));
        }
        Ok(Response::bytes("application/octet-stream", asset.bytes.clone())
            .with("content-disposition", format!("attachment; filename={}", asset.name)))
    }

    fn find(&self, id: u64) -> Option<(&Release, &Asset)> {
        let mut releases = self.repository.releases.values();
        releases.find_map(|release| Some((release, release.assets.iter().find(|asset| asset.id == id)?)))
    }
}

fn sign(asset: &Asset) -> String {
    ArchiveDigest::of(&[b"signed address", &asset.id.to_be_bytes()]).hex()
}

fn redirect(base: &Base, asset: &Asset) -> Response {
    let location = format!("{}/github-production-release-asset/{}?sig={}", base.web, asset.id, sign(asset));
    Response::empty(302).with("location", location)
}

fn address(github: &GitHub, base: &Base, id: u64) -> String {
    format!("{}/repos/{}/releases/assets/{id}", base.api, github.repository.full_name())
}

/// The upload host's refusals have a shape of their own. npm `@octokit/fixtures`, `release-assets-conflict`.
fn refused(message: &str, error: Option<Value>, request_id: &str) -> Response {
    let mut body =
        json!({"message": message, "request_id": request_id, "documentation_url": "https://docs.github.com/rest"});
    if let Some(error) = error {
        body["errors"] = json!([error]);
    }
    Response::json(422, body)
}

/// GitHub's OpenAPI description, `release-asset`.
pub(super) fn present(github: &GitHub, base: &Base, release: &Release, asset: &Asset) -> Value {
    let (full, tag) = (github.repository.full_name(), encode(&release.address()));
    json!({
        "url": address(github, base, asset.id),
        "id": asset.id,
        "node_id": format!("RA_{}", asset.id),
        "name": asset.name,
        "label": asset.label,
        "uploader": github.present_owner(base),
        "content_type": asset.content_type,
        "state": asset.state.as_str(),
        "size": asset.size,
        "digest": asset.digest.map(|digest| digest.to_string()),
        "download_count": 0,
        "created_at": asset.created.to_string(),
        "updated_at": asset.created.to_string(),
        "browser_download_url": format!("{}/{full}/releases/download/{tag}/{}", base.web, encode(&asset.name)),
    })
}
