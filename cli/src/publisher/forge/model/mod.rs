//! What GitHub does, as a pure state machine.
//!
//! [`GitHub`] holds one repository, the tokens it knows and what they have spent; [`GitHub::handle`] takes the time and a
//! request and gives the answer. No network, no clock, no randomness: the same requests at the same times give the same
//! answers. A rehearsal publishes into it with a virtual clock, and the test kit puts an HTTP face on it.
//!
//! | file | rules |
//! |---|---|
//! | `request`, `wire` | what can be asked; a path understood |
//! | `access`, `limits` | who may, and how often |
//! | `releases`, `latest`, `listing` | drafts, publishing, immutability; Latest; pages, caps and lag |
//! | `assets` | uploads, names, digests, downloads |
//! | `git`, `workflows` | refs, commits, files; starting a workflow |
//! | `settings` | secrets of workflows, what workflows may, rules on tags |
//! | `response`, `present` | refusals and documents in GitHub's shapes |
//!
//! Every rule names its source. "GitHub Docs" means the page of that title on docs.github.com; `owner/repo#n` is a public
//! report of what GitHub answered. What rests on neither says so.

pub mod access;
pub mod assets;
mod git;
mod latest;
pub mod limits;
mod listing;
mod present;
mod releases;
pub mod repository;
pub mod request;
pub mod response;
pub mod settings;
pub mod time;
pub mod wire;
mod workflows;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::access::{Access, Token, TokenKind};
pub use self::limits::{Limits, Meter, Primary, Usage};
pub use self::releases::BODY_LIMIT;
pub use self::repository::{Asset, AssetState, Commits, Release, Repository, TagRef};
pub use self::request::{Accept, Base, Operation, Request, Upload};
pub use self::response::{Body, Response};
pub use self::settings::{Settings, TagRules};
pub use self::time::Timestamp;
use access::Caller;

/// GitHub, with one repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GitHub {
    /// The repository.
    pub repository: Repository,
    /// Tokens by their text. A text that is not here is what its prefix says, see [`GitHub::token`].
    pub tokens: BTreeMap<String, Token>,
    /// Texts that are refused: 401.
    pub revoked: std::collections::BTreeSet<String>,
    /// How much is allowed.
    pub limits: Limits,
    /// What was spent.
    pub meter: Meter,
    /// How the list of releases behaves.
    pub listing: Listing,
    /// Bounds of assets.
    pub asset_limits: AssetLimits,
    next_id: u64,
}

/// How the list of releases differs from the truth. artifacts.md §11, "Observe".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// No release beyond this many is listed. 1,000 was seen by iree-org/iree#16506, 10,000 by MeltanoLabs/tap-github#182.
    pub cap: usize,
    /// What a page beyond the cap is.
    pub beyond: Beyond,
    /// A release younger than so many milliseconds is not listed yet.
    pub lag: u64,
}

/// What is answered beyond the cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beyond {
    /// 422 "Only the first 1000 results are available."
    Refused,
    /// An empty page, as if that were all.
    Empty,
}

/// GitHub Docs, "About releases", "Storage and bandwidth quotas".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetLimits {
    /// An asset is smaller than this: 2 GiB.
    pub bytes: u64,
    /// Assets on one release: 1,000.
    pub per_release: usize,
}

impl GitHub {
    /// github.com with one repository.
    pub fn new(repository: Repository) -> GitHub {
        GitHub {
            repository,
            tokens: BTreeMap::new(),
            revoked: std::collections::BTreeSet::new(),
            limits: Limits::github(),
            meter: Meter::default(),
            listing: Listing { cap: 10_000, beyond: Beyond::Refused, lag: 0 },
            asset_limits: AssetLimits { bytes: 2 << 30, per_release: 1000 },
            next_id: 1001,
        }
    }

    /// What a token's text opens: what was registered, nothing when revoked, else by prefix: `ghs_` is a workflow's token
    /// (GitHub Docs, "About authentication to GitHub", "GitHub's token formats"), anything else a person's.
    pub fn token(&self, text: &str) -> Option<Token> {
        if text.is_empty() || self.revoked.contains(text) {
            return None;
        }
        let by_prefix = || if text.starts_with("ghs_") { Token::actions() } else { Token::personal() };
        Some(self.tokens.get(text).cloned().unwrap_or_else(by_prefix))
    }

    /// Answers a request.
    pub fn handle(&mut self, now: Timestamp, request: &Request) -> Response {
        let id = self.request_id();
        let is_api = request.operation.is_api();
        let answer = if is_api { self.api(now, request, &id) } else { self.web(request) };
        let answer = answer.unwrap_or_else(|refusal| refusal);
        if is_api && request.operation.is_write() && answer.status < 300 {
            self.meter.usage.writes += 1;
            self.meter.usage.creations += u64::from(request.operation.is_creation());
        }
        self.finish(now, request, answer, id)
    }

    fn api(&mut self, now: Timestamp, request: &Request, request_id: &str) -> Result<Response, Response> {
        let caller = self.caller(now, request.token.as_deref())?;
        self.meter.charge(&self.limits, caller.kind, now, &request.operation, request_id)?;
        if matches!(request.operation, Operation::RateLimit) {
            return Ok(self.rate_limit(caller, now));
        }
        self.locate(request, caller)?;
        if request.operation.is_write() {
            may_write(caller)?;
        }
        let base = &request.base;
        match &request.operation {
            Operation::RateLimit | Operation::Download { .. } | Operation::RawFile(_) | Operation::Stored(..) => {
                Err(Response::not_found(""))
            }
            Operation::Repository => Ok(Response::json(200, self.present_repository(base, caller))),
            Operation::ListReleases { per_page, page } => self.list_releases(now, base, caller, *per_page, *page),
            Operation::Release(id) => self.release(base, caller, *id),
            Operation::ReleaseByTag(tag) => self.release_by_tag(base, tag),
            Operation::DraftByTag(tag) => Ok(self.draft_by_tag(caller, tag)),
            Operation::LatestRelease => self.latest_release(base),
            Operation::CreateRelease(fields) => self.create_release(now, base, caller, fields),
            Operation::UpdateRelease(id, fields) => self.update_release(now, base, caller, *id, fields),
            Operation::DeleteRelease(id) => self.delete_release(*id),
            Operation::ListAssets { release, per_page, page } => {
                self.list_assets(base, caller, *release, *per_page, *page)
            }
            Operation::Upload(upload) => self.upload(now, base, upload, request_id),
            Operation::BrokenUpload(upload) => self.broken_upload(now, upload, request_id),
            Operation::Asset(id, accept) => self.asset(base, caller, *id, *accept),
            Operation::UpdateAsset(id, fields) => self.update_asset(base, *id, fields),
            Operation::DeleteAsset(id) => self.delete_asset(*id),
            Operation::Ref(name) => self.git_ref(base, name),
            Operation::MatchingRefs(prefix) => Ok(self.matching_refs(base, prefix)),
            Operation::CreateRef(fields) => self.create_ref(base, fields),
            Operation::UpdateRef(name, fields) => self.update_ref(base, name, fields),
            Operation::DeleteRef(name) => self.delete_ref(name),
            Operation::StartWorkflow { workflow, fields } => self.start_workflow(workflow, fields),
            Operation::TagObject(sha) => self.tag_object(base, sha),
            Operation::Commit(name) => self.commit(base, name),
            Operation::GitCommit(sha) => self.git_commit(base, sha),
            Operation::SecretsKey => self.secrets_key(caller),
            Operation::Secrets { per_page, page } => self.secrets(now, caller, *per_page, *page),
            Operation::PutSecret(name, body) => self.put_secret(caller, name, body),
            Operation::WorkflowPermissions => self.workflow_permissions(caller),
            Operation::ImmutableReleases => self.immutable_releases(caller),
            Operation::Rulesets(targets) => Ok(self.rulesets(base, targets.as_deref())),
            Operation::Contents { path, at, .. } if path == git::WORKFLOWS => self.workflows(base, at.as_deref()),
            Operation::Contents { path, raw, .. } => self.contents(base, path, *raw),
        }
    }

    /// The download site knows no token: a private repository's files come through the API. artifacts.md §11, "Recheck".
    fn web(&mut self, request: &Request) -> Result<Response, Response> {
        self.meter.usage.downloads += 1;
        if let Operation::Stored(id, signature) = &request.operation {
            return self.stored(*id, signature);
        }
        self.locate(request, Caller { kind: TokenKind::Anonymous, access: Access::Public })?;
        match &request.operation {
            Operation::Download { tag, asset } => self.download(&request.base, tag, asset),
            Operation::RawFile(path) => self.raw_file(path),
            _ => Err(Response::not_found("")),
        }
    }

    /// 401 `Bad credentials` for a wrong, revoked or expired token. GitHub Docs, "Troubleshooting the REST API".
    fn caller(&self, now: Timestamp, token: Option<&str>) -> Result<Caller, Response> {
        let Some(text) = token else {
            return Ok(Caller { kind: TokenKind::Anonymous, access: Access::Public });
        };
        match self.token(text) {
            Some(token) if token.expires.is_none_or(|at| now < at) => {
                Ok(Caller { kind: token.kind, access: token.access })
            }
            _ => Err(Response::refusal(401, "Bad credentials", "")),
        }
    }

    /// The repository by any spelling of its name. A former name redirects: 301, and 307 for what is not a read, both to
    /// `/repositories/{id}` (GitHub Docs, "Best practices for using the REST API", "Follow redirects"). A private
    /// repository is not there for those without access (GitHub Docs, "Troubleshooting the REST API", "404 Not Found").
    fn locate(&self, request: &Request, caller: Caller) -> Result<(), Response> {
        let hidden = self.repository.private && caller.access < Access::Read;
        let full = self.repository.full_name();
        let asked = &request.repository;
        if !hidden && (asked.eq_ignore_ascii_case(&full) || *asked == format!("#{}", self.repository.id)) {
            return Ok(());
        }
        if hidden || !self.repository.former.iter().any(|former| former.eq_ignore_ascii_case(asked)) {
            return Err(Response::not_found(""));
        }
        let status = if request.operation.is_write() { 307 } else { 301 };
        let location = match request.operation.is_api() {
            true => {
                format!("{}/repositories/{}{}", request.base.api, self.repository.id, wire::below(&request.operation))
            }
            false => format!("{}/{full}{}", request.base.web, wire::below(&request.operation)),
        };
        let word = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
        let body = serde_json::json!({"message": word, "url": location, "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects"});
        Err(Response::json(status, body).with("location", location))
    }

    fn rate_limit(&self, caller: Caller, now: Timestamp) -> Response {
        let standing = self.meter.standing(&self.limits, caller.kind, now);
        let Some((limit, used, reset)) = standing else {
            // GitHub Enterprise Server Docs, "Rate limit": without limits the address answers so.
            return Response::refusal(404, "Rate limiting is not enabled.", "/rate-limit/rate-limit");
        };
        let core =
            serde_json::json!({"limit": limit, "used": used, "remaining": limit.saturating_sub(used), "reset": reset});
        let search = serde_json::json!({"limit": 30, "used": 0, "remaining": 30, "reset": now.secs() + 60});
        let body = serde_json::json!({"resources": {"core": core, "search": search}, "rate": core});
        Response::json(200, body)
    }

    fn finish(&self, now: Timestamp, request: &Request, mut answer: Response, id: String) -> Response {
        if request.operation.is_api() {
            if !request.operation.is_upload() && answer.status != 401 {
                let kind =
                    self.caller(now, request.token.as_deref()).map_or(TokenKind::Anonymous, |caller| caller.kind);
                answer.headers.extend(self.meter.headers(&self.limits, kind, now));
            }
            answer.headers.push(("x-github-media-type", "github.v3; format=json".to_owned()));
        }
        answer.headers.push(("x-github-request-id", id));
        answer.headers.push(("date", now.http_date()));
        answer
    }

    fn request_id(&self) -> String {
        let number = self.meter.usage.requests + self.meter.usage.downloads;
        format!("0A1B:{:05X}:{:06X}:{:06X}:{:08X}", number % 0xF_FFFF, number * 7, number * 11, number + 0x6000_0000)
    }

    fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

/// No token: 401. A token that may only read: 403 (GitHub Docs, "Troubleshooting the REST API", "Resource not accessible").
fn may_write(caller: Caller) -> Result<(), Response> {
    match (caller.kind, caller.access) {
        (_, Access::Write) => Ok(()),
        (TokenKind::Anonymous, _) => Err(Response::refusal(401, "Requires authentication", "")),
        (TokenKind::Actions, _) => Err(Response::refusal(403, "Resource not accessible by integration", "")),
        (TokenKind::Personal, _) => Err(Response::refusal(403, "Resource not accessible by personal access token", "")),
    }
}
