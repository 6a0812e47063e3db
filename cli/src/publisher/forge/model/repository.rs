//! One repository as GitHub holds it: what is known of git, and its releases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aileron_verifier::name::digest::ArchiveDigest;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::time::Timestamp;

/// A repository. Its fields are the world's doing (a push, a setting, a rename); releases change by requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Repository {
    /// GitHub's number for it.
    pub id: u64,
    /// Canonical spelling of the owner. GitHub compares without case and answers in this spelling.
    pub owner: String,
    /// Canonical spelling of the name.
    pub name: String,
    /// `owner/name` it had before it was renamed or moved.
    pub former: Vec<String>,
    /// Visible to those with access only.
    pub private: bool,
    /// GitHub Docs, "Immutable releases": what is published from now on is frozen.
    pub immutable: bool,
    /// Usually `main`.
    pub default_branch: String,
    /// Branch → commit.
    pub branches: BTreeMap<String, String>,
    /// Tag → what it points at.
    pub tags: BTreeMap<String, TagRef>,
    /// Commits that were pushed.
    pub commits: Commits,
    /// Commits whose `.github/workflows` differs from the default branch's (cli/cli#9514).
    pub touches_workflows: BTreeSet<String>,
    /// Files at HEAD of the default branch that can be read raw.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Releases by number; larger is younger.
    pub releases: BTreeMap<u64, Release>,
    /// Tag names that were published by an immutable release once. They can never be published again.
    pub burned: BTreeSet<String>,
    /// Workflows that were started by a request: the file's name, and the branch or tag.
    #[serde(default)]
    pub started: Vec<(String, String)>,
    /// The release someone chose as Latest. Without one GitHub decides.
    pub latest: Option<u64>,
    /// Other settings.
    #[serde(default)]
    pub settings: Settings,
}

/// Where a tag points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRef {
    /// The commit it peels to.
    pub commit: String,
    /// The tag object of an annotated tag.
    pub object: Option<String>,
    /// Tag objects between that one and the commit: a tag may point to a tag.
    #[serde(default)]
    pub behind: Vec<String>,
}

impl TagRef {
    /// A tag without an object of its own.
    pub fn light(commit: impl Into<String>) -> TagRef {
        TagRef { commit: commit.into(), object: None, behind: Vec::new() }
    }

    /// A tag that leads to the commit through these tag objects, one after the other.
    pub fn annotated(commit: impl Into<String>, objects: impl IntoIterator<Item = String>) -> TagRef {
        let mut objects = objects.into_iter();
        TagRef { commit: commit.into(), object: objects.next(), behind: objects.collect() }
    }

    /// What a tag object of this tag points to, with its kind; `None` for an object that is not on the way.
    pub fn target(&self, object: &str) -> Option<(&'static str, &str)> {
        let way: Vec<&str> = self.object.iter().chain(&self.behind).map(String::as_str).collect();
        let at = way.iter().position(|known| *known == object)?;
        Some(way.get(at + 1).map_or(("commit", self.commit.as_str()), |next| ("tag", next)))
    }
}

/// Which commits the forge has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Commits {
    /// Any 40 or 64 hex digits name one.
    Every,
    /// These.
    These(BTreeSet<String>),
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub id: u64,
    /// The tag it has, or will have once published.
    pub tag_name: String,
    /// Where the tag goes if it does not exist: a branch or a commit.
    pub target_commitish: String,
    /// Title.
    pub name: Option<String>,
    /// Notes.
    pub body: Option<String>,
    /// Seen by people with push access only; has no tag of its own yet.
    pub draft: bool,
    /// Never Latest by default.
    pub prerelease: bool,
    /// Frozen: tag, assets.
    pub immutable: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it became visible.
    pub published: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
    /// Files, in the order they came.
    pub assets: Vec<Asset>,
}

/// A file on a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its number.
    pub id: u64,
    /// The name GitHub gave it, see [`super::assets::stored_name`].
    pub name: String,
    /// Shown instead of the name.
    pub label: Option<String>,
    /// Whether the bytes arrived.
    pub state: AssetState,
    /// As the uploader said.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Computed by GitHub; none while the upload is broken.
    pub digest: Option<ArchiveDigest>,
    /// When it came.
    pub created: Timestamp,
    /// The bytes. A snapshot of the state keeps them elsewhere, by digest.
    #[serde(skip)]
    pub bytes: Arc<[u8]>,
}

/// GitHub's OpenAPI description, `release-asset.state`; `starter` per GitHub Docs, "Upload a release asset".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetState {
    /// The upload broke off; the name is taken all the same.
    Starter,
    /// All bytes are there.
    Uploaded,
    /// Named by the description, never seen by us.
    Open,
}

impl AssetState {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AssetState::Starter => "starter",
            AssetState::Uploaded => "uploaded",
            AssetState::Open => "open",
        }
    }
}

impl Repository {
    /// A public repository without releases that knows every commit.
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Repository {
        let default_branch = "main".to_owned();
        Repository {
            id: 1000,
            owner: owner.into(),
            name: name.into(),
            former: Vec::new(),
            private: false,
            immutable: false,
            branches: [(default_branch.clone(), "0".repeat(39) + "1")].into(),
            default_branch,
            tags: BTreeMap::new(),
            commits: Commits::Every,
            touches_workflows: BTreeSet::new(),
            files: BTreeMap::new(),
            releases: BTreeMap::new(),
            burned: BTreeSet::new(),
            started: Vec::new(),
            latest: None,
            settings: Settings::default(),
        }
    }

    /// `owner/name` in the canonical spelling.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Whether the forge has this commit. Only full names count, of either of git's object formats.
    pub fn knows(&self, commit: &str) -> bool {
        let full =
            matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let pushed = match &self.commits {
            Commits::Every => true,
            Commits::These(these) => these.contains(commit),
        };
        full && (pushed || self.branches.values().any(|tip| tip == commit))
    }

    /// The commit that a branch, a tag or a full commit name stands for.
    pub fn resolve(&self, commitish: &str) -> Option<String> {
        let branch = commitish.strip_prefix("refs/heads/").unwrap_or(commitish);
        let tag = commitish.strip_prefix("refs/tags/").unwrap_or(commitish);
        let named = self.branches.get(branch).or_else(|| self.tags.get(tag).map(|tag| &tag.commit));
        named.cloned().or_else(|| self.knows(commitish).then(|| commitish.to_owned()))
    }

    /// The public release of a tag. Drafts have no tag.
    pub fn published(&self, tag: &str) -> Option<&Release> {
        self.releases.values().find(|release| !release.draft && release.tag_name == tag)
    }

    /// Every draft that wants this tag.
    pub fn drafts(&self, tag: &str) -> impl Iterator<Item = &Release> {
        self.releases.values().filter(move |release| release.draft && release.tag_name == tag)
    }

    /// What the public sees: tag → asset name → digest, of whole uploads.
    pub fn visible(&self) -> BTreeMap<String, BTreeMap<String, ArchiveDigest>> {
        let whole = |asset: &Asset| asset.digest.map(|digest| (asset.name.clone(), digest));
        let assets = |release: &Release| release.assets.iter().filter_map(whole).collect();
        let public = self.releases.values().filter(|release| !release.draft);
        public.map(|release| (release.tag_name.clone(), assets(release))).collect()
    }
}

impl Release {
    /// The name GitHub's web addresses use while there is no tag.
    pub fn untagged(&self) -> String {
        format!("untagged-{}", &ArchiveDigest::of(&[b"untagged", &self.id.to_be_bytes()]).hex()[..20])
    }

    /// The tag in web addresses: a draft's is not its tag name.
    pub fn address(&self) -> String {
        if self.draft { self.untagged() } else { self.tag_name.clone() }
    }

    /// A file by its stored name.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.name == name)
    }
}
