//! What can be asked of GitHub, after the path was understood. Anything else answers 404 before it comes here.

use serde_json::Value;
use std::sync::Arc;

/// One request: who asks, under which addresses the forge is known to them, and what they want.
#[derive(Clone, Debug)]
pub struct Request {
    /// The bearer's text; `None` asks without a token.
    pub token: Option<String>,
    /// Addresses in the answer begin with these.
    pub base: Base,
    /// `owner/name` from the path, any case, or `#id` of `/repositories/{id}`. Empty where there is none.
    pub repository: String,
    /// What is wanted.
    pub operation: Operation,
}

/// Beginnings of the addresses in answers, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// `https://api.github.com`
    pub api: String,
    /// `https://uploads.github.com`
    pub uploads: String,
    /// `https://github.com`
    pub web: String,
}

impl Base {
    /// The real addresses.
    pub fn github() -> Base {
        Base {
            api: "https://api.github.com".into(),
            uploads: "https://uploads.github.com".into(),
            web: "https://github.com".into(),
        }
    }
}

/// How an asset is wanted. GitHub Docs, "Get a release asset".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Its description.
    Json,
    /// Its bytes, by way of a redirect.
    Bytes,
}

/// An operation of the REST API, or of the download site.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `GET /rate_limit`; costs nothing.
    RateLimit,
    /// `GET /repos/{owner}/{repo}`
    Repository,
    /// `GET …/releases`
    ListReleases {
        /// 1 to 100, 30 without.
        per_page: usize,
        /// From 1.
        page: usize,
    },
    /// `GET …/releases/{id}`
    Release(u64),
    /// `GET …/releases/tags/{tag}`
    ReleaseByTag(String),
    /// `POST /graphql` with the one query `gh` sends to find a draft: `repository.release(tagName)`
    DraftByTag(String),
    /// `GET …/releases/latest`
    LatestRelease,
    /// `POST …/releases`
    CreateRelease(Value),
    /// `PATCH …/releases/{id}`
    UpdateRelease(u64, Value),
    /// `DELETE …/releases/{id}`
    DeleteRelease(u64),
    /// `GET …/releases/{id}/assets`
    ListAssets {
        /// The release.
        release: u64,
        /// 1 to 100, 30 without.
        per_page: usize,
        /// From 1.
        page: usize,
    },
    /// `POST` to a release's `upload_url`
    Upload(Upload),
    /// An upload of which GitHub saw the head and not all of the body; the client sees no answer, or a 502.
    BrokenUpload(Upload),
    /// `GET …/releases/assets/{id}`
    Asset(u64, Accept),
    /// `PATCH …/releases/assets/{id}`
    UpdateAsset(u64, Value),
    /// `DELETE …/releases/assets/{id}`
    DeleteAsset(u64),
    /// `GET …/git/ref/{ref}`, as `tags/v1` or `heads/main`
    Ref(String),
    /// `GET …/git/matching-refs/{prefix}`
    MatchingRefs(String),
    /// `POST …/git/refs`
    CreateRef(Value),
    /// `PATCH …/git/refs/{ref}`
    UpdateRef(String, Value),
    /// `DELETE …/git/refs/{ref}`
    DeleteRef(String),
    /// `POST …/actions/workflows/{workflow}/dispatches`
    StartWorkflow {
        /// The file's name.
        workflow: String,
        /// The body.
        fields: Value,
    },
    /// `GET …/git/tags/{sha}`
    TagObject(String),
    /// `GET …/commits/{ref}`
    Commit(String),
    /// `GET …/git/commits/{sha}`
    GitCommit(String),
    /// `GET …/contents/{path}`
    Contents {
        /// Below the root.
        path: String,
        /// `Accept: application/vnd.github.raw`
        raw: bool,
        /// `?ref=`: a branch, a tag or a commit; the default branch without.
        at: Option<String>,
    },
    /// `GET …/actions/secrets/public-key`
    SecretsKey,
    /// `GET …/actions/secrets`
    Secrets {
        /// 1 to 100, 30 without.
        per_page: usize,
        /// From 1.
        page: usize,
    },
    /// `PUT …/actions/secrets/{name}`
    PutSecret(String, Value),
    /// `GET …/actions/permissions/workflow`
    WorkflowPermissions,
    /// `GET …/immutable-releases`
    ImmutableReleases,
    /// `GET …/rulesets?targets=`
    Rulesets(Option<String>),
    /// `GET /{owner}/{repo}/releases/download/{tag}/{asset}` of the web site
    Download {
        /// Decoded.
        tag: String,
        /// Decoded.
        asset: String,
    },
    /// `GET /{owner}/{repo}/HEAD/{path}` of the raw file site
    RawFile(String),
    /// Where an asset's redirect leads: its number and the signature that stands for permission.
    Stored(u64, String),
}

/// What `POST …/assets?name=…` carries.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The release.
    pub release: u64,
    /// As the client wants it.
    pub name: Option<String>,
    /// Shown instead of the name.
    pub label: Option<String>,
    /// `Content-Type`.
    pub content_type: String,
    /// The body.
    pub bytes: Arc<[u8]>,
}

impl Operation {
    /// Whether it changes something. GitHub Docs, "Rate limits for the REST API": such a request costs 5 points.
    pub fn is_write(&self) -> bool {
        matches!(
            self,
            Operation::CreateRelease(_)
                | Operation::UpdateRelease(..)
                | Operation::DeleteRelease(_)
                | Operation::Upload(_)
                | Operation::BrokenUpload(_)
                | Operation::UpdateAsset(..)
                | Operation::DeleteAsset(_)
                | Operation::CreateRef(_)
                | Operation::UpdateRef(..)
                | Operation::DeleteRef(_)
                | Operation::PutSecret(..)
                | Operation::StartWorkflow { .. }
        )
    }

    /// Whether it makes content: POST release and POST asset. artifacts.md §11, Budget.
    pub fn is_creation(&self) -> bool {
        matches!(self, Operation::CreateRelease(_) | Operation::Upload(_) | Operation::BrokenUpload(_))
    }

    /// Whether it is asked of the API, and not of the site where the public downloads.
    pub fn is_api(&self) -> bool {
        !matches!(self, Operation::Download { .. } | Operation::RawFile(_) | Operation::Stored(..))
    }

    /// Uploads are answered by another host, without rate headers. npm `@octokit/fixtures`, `release-assets`.
    pub fn is_upload(&self) -> bool {
        matches!(self, Operation::Upload(_) | Operation::BrokenUpload(_))
    }
}
