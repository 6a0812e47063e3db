//! GitHub's documents: octocrab's models, and in one place what they and its requests lack.
//!
//! | lacking | here |
//! |---|---|
//! | its `Repository` has a hundred fields, a surprise in any of which would stop a release | [`Repository`]: the five that are read |
//! | its `Ref` and `GitTag` know four kinds of objects: of another one, it could not be said what a tag leads to | [`ListedTag`], [`AnnotatedTag`] |
//! | its `Content` is a file with its text; a listed directory has none | [`ListedFile`] |
//! | its `Page` prints what it does not understand in a `Link` header to the terminal | [`list_releases`]: a page is a list |
//! | its upload asks for the release once more before each file | [`upload`] |
//! | its models say nothing of what a state means | [`is_whole`], [`is_understood`] |

use bytes::Bytes;
use http::Request;
pub use octocrab::models::RateLimit;
pub use octocrab::models::repos::{Asset, Release};
use octocrab::{FromResponse as _, Octocrab};
use serde::Deserialize;
use serde_json::Value;

/// Releases asked for at once: the most GitHub gives.
pub const PAGE: usize = 100;

/// What is read of a repository.
#[derive(Debug, Deserialize)]
pub struct Repository {
    /// `owner/name` as GitHub spells it.
    pub full_name: String,
    /// Nothing can be written there any more.
    #[serde(default)]
    pub archived: bool,
    /// Shown to those with access only.
    #[serde(default)]
    pub private: bool,
    /// The branch that `HEAD` names.
    pub default_branch: Option<String>,
    /// What the token may do, where GitHub says so.
    pub permissions: Option<Permissions>,
}

/// What a token may do with a repository.
#[derive(Debug, Deserialize)]
pub struct Permissions {
    /// Write contents.
    pub push: Option<bool>,
}

/// A tag by its name.
#[derive(Debug, Deserialize)]
pub struct ListedTag {
    /// `refs/tags/v1.0.0`.
    #[serde(rename = "ref")]
    pub name: String,
    /// What it leads to.
    #[serde(default)]
    pub object: GitObject,
}

impl ListedTag {
    /// The tag itself; `None` where this is a reference of another kind.
    pub fn tag(&self) -> Option<&str> {
        self.name.strip_prefix("refs/tags/")
    }
}

/// An annotated tag: an object that leads to another one.
#[derive(Debug, Deserialize)]
pub struct AnnotatedTag {
    /// What it leads to.
    #[serde(default)]
    pub object: GitObject,
}

/// An object of git's by its kind and name, as they were told: both are empty where the document does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct GitObject {
    /// `commit`, `tag`, …
    pub kind: String,
    /// Its name.
    pub sha: String,
}

impl From<Value> for GitObject {
    fn from(object: Value) -> GitObject {
        let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        GitObject { kind: text("type"), sha: text("sha") }
    }
}

/// A file of a listed directory.
#[derive(Debug, Deserialize)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// Git's digest of its contents.
    pub sha: String,
}

/// One page of a repository's releases, drafts included, counted from 1.
pub(crate) async fn list_releases(crab: &Octocrab, repository: &str, page: usize) -> octocrab::Result<Vec<Release>> {
    crab.get(format!("{repository}/releases?per_page={PAGE}&page={page}"), None::<&()>).await
}

/// Puts a file on a release; the request goes to the address that the release names for it. A refusal does not come this far:
/// who carries the request has read the status.
pub(super) async fn upload(crab: &Octocrab, request: Request<Bytes>) -> octocrab::Result<Asset> {
    Asset::from_response(crab.execute(request).await?).await
}

/// Whether an asset's bytes arrived: GitHub's state `starter` is an upload that broke off.
pub fn is_whole(asset: &Asset) -> bool {
    asset.state == "uploaded"
}

/// Whether an asset's state is one of those that GitHub's description names. Of another one nothing is known, so the file is
/// neither taken for whole nor deleted.
pub fn is_understood(asset: &Asset) -> bool {
    matches!(asset.state.as_str(), "uploaded" | "starter" | "open")
}

/// Reads a body as each document it could be, and asks for all that is ever asked of one.
pub(super) fn read_any(body: &[u8]) {
    let one = serde_json::from_slice::<Release>(body).into_iter();
    for release in one.chain(serde_json::from_slice::<Vec<Release>>(body).into_iter().flatten()) {
        let _ = release.assets.iter().filter(|asset| is_whole(asset) && is_understood(asset)).count();
    }
    let _ = (serde_json::from_slice::<Repository>(body), serde_json::from_slice::<Vec<ListedTag>>(body));
    let _ = (serde_json::from_slice::<AnnotatedTag>(body), serde_json::from_slice::<RateLimit>(body));
    let _ = serde_json::from_slice::<Vec<ListedFile>>(body);
}
