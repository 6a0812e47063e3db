//! GitHub, and GitHub Enterprise: releases as drafts that hold all their assets, then published.
//!
//! | file | |
//! |---|---|
//! | `client` | requests, paced and waited for |
//! | `budget` | when the next one may leave; pure |
//! | `classify` | what an answer means; pure |
//!
//! The listing is the truth; ids learnt from it are kept between writes. A draft is not visible by its tag, so a write that
//! got no answer looks at the list again before it is repeated. What is public is never changed but for its notes.

mod budget;
mod classify;
mod client;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aileron_verifier::cohort::{self, Cohort};
use aileron_verifier::digest::ArchiveDigest;
use aileron_verifier::fqn::Fqn;
use aileron_verifier::version::{Tag, Version};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::budget::{Kind, Limits, Primary, Spent, Turn, floor, turn};
pub use self::classify::{Answer, Headers, classify};
pub use self::client::Patience;
use self::client::{Client, Content};
use super::{Asset, Estimate, Forge, ForgeError, Layout, PublishedKey, Remote, Scope, State, Write};
use crate::secret::Secret;
use crate::sys::disk::DiskError;
use crate::sys::http::{self, HttpError};

/// github.com's API.
pub const API: &str = "https://api.github.com";
/// github.com, where consumers download.
pub const SERVER: &str = "https://github.com";
/// Releases asked for at once: the most GitHub gives.
const PAGE: usize = 100;
/// No asset is longer than an archive may be. artifacts.md §7.
const ASSET_LIMIT: u64 = 64 * 1024 * 1024;
/// Pages that are asked for: GitHub lists no more than 10,000 releases.
const PAGES: usize = 100;
/// Pauses before a write that got no answer is tried again.
const AGAIN: [u64; 3] = [1, 4, 16];

/// Where GitHub is, and where its neighbours on this machine meet.
pub struct Place {
    /// Base of the API, without a slash at the end.
    pub api: String,
    /// Base of the web site, without a slash at the end.
    pub server: String,
    /// Directory on this machine that keeps two runs of one version apart.
    pub meeting: PathBuf,
}

/// A repository's releases.
pub struct GitHub<'a> {
    place: Place,
    client: Client<'a>,
    releases: RefCell<BTreeMap<String, Known>>,
    private: RefCell<bool>,
}

/// A release as the list showed it, or as a write left it.
struct Known {
    id: u64,
    upload_url: String,
    draft: bool,
    assets: BTreeMap<String, KnownAsset>,
}

struct KnownAsset {
    id: u64,
    /// `None` while it is only begun: GitHub's state `starter`.
    digest: Option<ArchiveDigest>,
}

#[derive(Deserialize)]
struct ReleaseDocument {
    id: u64,
    tag_name: String,
    upload_url: String,
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    body: Option<String>,
    #[serde(default)]
    assets: Vec<AssetDocument>,
}

#[derive(Deserialize)]
struct AssetDocument {
    id: u64,
    name: String,
    state: String,
    digest: Option<String>,
}

impl<'a> GitHub<'a> {
    /// Talks to GitHub with this token.
    ///
    /// # Errors
    /// [`ForgeError::NoToken`] when the token is none that could be sent.
    pub fn new(place: Place, token: &Secret, limits: Limits, patience: Patience<'a>) -> Result<GitHub<'a>, ForgeError> {
        let client = Client::new(token, limits, patience)?;
        Ok(GitHub { place, client, releases: RefCell::default(), private: RefCell::new(false) })
    }

    fn repository(&self, name: &Fqn) -> String {
        format!("{}/repos/{}/{}", self.place.api, name.owner(), name.repo())
    }

    /// The repository is there under this very name, and the token may write to it.
    fn preflight(&self, name: &Fqn) -> Result<(), ForgeError> {
        let wanted = format!("{}/{}", name.owner(), name.repo());
        let url = self.repository(name);
        let found = match self.client.get(&url)? {
            Answer::Absent => return Err(ForgeError::NoRepository { repository: wanted }),
            answer => done(answer, || format!("GET {url}"))?,
        };
        let full = found["full_name"].as_str().unwrap_or_default();
        if full != wanted {
            return Err(ForgeError::OtherName { wanted, found: full.to_owned() });
        }
        if found["permissions"]["push"] == false {
            return Err(ForgeError::Refused { asked: wanted, why: "the token may not write contents".to_owned() });
        }
        *self.private.borrow_mut() = found["private"] == true;
        Ok(())
    }

    /// Every release, drafts included.
    fn list(&self, name: &Fqn) -> Result<Vec<ReleaseDocument>, ForgeError> {
        let mut releases = Vec::new();
        for page in 1..=PAGES {
            let url = format!("{}/releases?per_page={PAGE}&page={page}", self.repository(name));
            let asked = || format!("GET {url}");
            let found: Vec<ReleaseDocument> = read(done(self.client.get(&url)?, asked)?, asked)?;
            let last = found.len() < PAGE;
            releases.extend(found);
            if last {
                break;
            }
        }
        Ok(releases)
    }

    /// Remembers the cohort's releases: the public one of a tag, else its oldest draft.
    fn remember(&self, scope: &Scope<'_>, listed: &[ReleaseDocument]) -> Result<(), ForgeError> {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for release in listed.iter().filter(|release| scope.tags.iter().any(|tag| tag.as_str() == release.tag_name)) {
            let better =
                known.get(&release.tag_name).is_none_or(|other| (release.draft, release.id) < (other.draft, other.id));
            if better {
                known.insert(release.tag_name.clone(), self.known(scope.connector, release)?);
            }
        }
        *self.releases.borrow_mut() = known;
        Ok(())
    }

    fn known(&self, name: &Fqn, release: &ReleaseDocument) -> Result<Known, ForgeError> {
        let mut assets = BTreeMap::new();
        for asset in &release.assets {
            let digest = match (asset.state.as_str(), asset.digest.as_deref().map(str::parse)) {
                ("uploaded", Some(Ok(digest))) => Some(digest),
                // Older Enterprise servers tell no digest.
                ("uploaded", _) => {
                    self.client.download(&self.asset_url(name, asset.id))?.map(|bytes| ArchiveDigest::of(&[&bytes]))
                }
                _ => None,
            };
            assets.insert(asset.name.clone(), KnownAsset { id: asset.id, digest });
        }
        Ok(Known { id: release.id, upload_url: release.upload_url.clone(), draft: release.draft, assets })
    }

    fn asset_url(&self, name: &Fqn, id: u64) -> String {
        format!("{}/releases/assets/{id}", self.repository(name))
    }

    fn state(&self, tag: &Tag) -> State {
        let releases = self.releases.borrow();
        let Some(known) = releases.get(tag.as_str()) else { return State::Absent };
        let whole = known.assets.iter().filter_map(|(name, asset)| Some((name.clone(), asset.digest?)));
        match known.draft {
            true => State::Draft(whole.collect()),
            false => State::Public { assets: whole.collect(), staged: BTreeMap::new() },
        }
    }

    /// The index of a public release, if it has one.
    fn cohort(&self, name: &Fqn, release: &ReleaseDocument) -> Result<Option<Cohort>, ForgeError> {
        let Some(asset) = release.assets.iter().find(|asset| asset.name == cohort::ASSET) else { return Ok(None) };
        let Some(bytes) = self.client.download(&self.asset_url(name, asset.id))? else { return Ok(None) };
        let foreign = |error: cohort::CohortError| ForgeError::Foreign {
            path: format!("{} of {}", cohort::ASSET, release.tag_name),
            why: error.to_string(),
        };
        Cohort::read(&bytes).map(Some).map_err(foreign)
    }

    /// GitHub makes the tag at the commit, so it must have been pushed.
    fn knows_commit(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        let url = format!("{}/git/commits/{}", self.repository(scope.connector), scope.commit);
        match self.client.get(&url)? {
            Answer::Absent => Err(ForgeError::NotPushed { commit: scope.commit.to_owned() }),
            answer => done(answer, || format!("GET {url}")).map(drop),
        }
    }

    /// A tag that is there already must name the commit: GitHub would publish under it wherever it points.
    fn tags_in_place(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        let version = &scope.release.version;
        for prefix in [format!("v{version}"), "actions/".to_owned()] {
            let url = format!("{}/git/matching-refs/tags/{prefix}", self.repository(scope.connector));
            let asked = || format!("GET {url}");
            let found = done(self.client.get(&url)?, asked)?;
            for found in found.as_array().into_iter().flatten() {
                let name = found["ref"].as_str().and_then(|name| name.strip_prefix("refs/tags/")).unwrap_or_default();
                let Some(tag) = scope.tags.iter().find(|tag| tag.as_str() == name) else { continue };
                let mut commit = found["object"]["sha"].as_str().unwrap_or_default().to_owned();
                if found["object"]["type"] == "tag" {
                    let url = format!("{}/git/tags/{commit}", self.repository(scope.connector));
                    let object = done(self.client.get(&url)?, || format!("GET {url}"))?;
                    commit = object["object"]["sha"].as_str().unwrap_or_default().to_owned();
                }
                if commit != scope.commit {
                    let (tag, wanted) = (tag.to_string(), scope.commit.to_owned());
                    return Err(ForgeError::TagElsewhere { tag, found: commit, wanted });
                }
            }
        }
        Ok(())
    }

    fn attempt(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        match write {
            Write::Draft { tag, pre_release } => self.draft(scope, tag, *pre_release),
            Write::Stage { tag, asset } => self.stage(scope, tag, asset),
            Write::Flip { tag, .. } => self.flip(scope, tag),
            Write::Finish { tag, notes, latest } => {
                let latest = if *latest { "true" } else { "false" };
                self.update(scope, tag, json!({"body": notes, "make_latest": latest}))
            }
            // Consumers of GitHub find the key in the repository, and the index among the connector's assets.
            Write::Key { .. } | Write::Announce { .. } => Ok(()),
        }
    }

    fn draft(&self, scope: &Scope<'_>, tag: &Tag, pre_release: bool) -> Result<(), ForgeError> {
        if self.releases.borrow().contains_key(tag.as_str()) {
            return Ok(());
        }
        let url = format!("{}/releases", self.repository(scope.connector));
        let asked = || format!("POST {url} for {tag}");
        let document = json!({
            "tag_name": tag.as_str(), "name": tag.as_str(), "target_commitish": scope.commit, "draft": true,
            "prerelease": pre_release, "make_latest": "false",
        });
        let made: ReleaseDocument = read(done(self.client.create(&url, &Content::Document(document))?, asked)?, asked)?;
        let known = self.known(scope.connector, &made)?;
        self.releases.borrow_mut().insert(tag.as_str().to_owned(), known);
        Ok(())
    }

    /// Uploads to a draft. What is there with these bytes stays; what an upload left half-done, or another build, goes.
    fn stage(&self, scope: &Scope<'_>, tag: &Tag, asset: &Asset) -> Result<(), ForgeError> {
        let (id, upload_url, there) = {
            let releases = self.releases.borrow();
            let known = releases.get(tag.as_str()).filter(|known| known.draft).ok_or_else(|| gone(tag))?;
            let there = known.assets.get(asset.name).map(|there| (there.id, there.digest));
            (known.id, known.upload_url.clone(), there)
        };
        if let Some((asset_id, digest)) = there {
            if digest == Some(asset.digest) {
                return Ok(());
            }
            let url = self.asset_url(scope.connector, asset_id);
            match self.client.delete(&url)? {
                Answer::Absent => {}
                answer => drop(done(answer, || format!("DELETE {url}"))?),
            }
            self.with_known(tag, |known| known.assets.remove(asset.name));
        }
        let address = upload_url.split('{').next().unwrap_or_default();
        let url = format!("{address}?name={}", asset.name);
        let asked = || format!("POST {} to {tag} ({id})", asset.name);
        let made: AssetDocument =
            read(done(self.client.create(&url, &Content::File(asset.bytes.clone()))?, asked)?, asked)?;
        if let Some(found) = made.digest.filter(|found| found.parse() != Ok(asset.digest)) {
            let why = format!("GitHub keeps {found}, {} was sent", asset.digest);
            return Err(ForgeError::Refused { asked: asked(), why });
        }
        let kept = KnownAsset { id: made.id, digest: Some(asset.digest) };
        self.with_known(tag, |known| known.assets.insert(asset.name.to_owned(), kept));
        Ok(())
    }

    fn flip(&self, scope: &Scope<'_>, tag: &Tag) -> Result<(), ForgeError> {
        if self.releases.borrow().get(tag.as_str()).is_some_and(|known| !known.draft) {
            return Ok(());
        }
        self.update(scope, tag, json!({"draft": false, "make_latest": "false", "target_commitish": scope.commit}))?;
        self.with_known(tag, |known| known.draft = false);
        Ok(())
    }

    fn update(&self, scope: &Scope<'_>, tag: &Tag, fields: Value) -> Result<(), ForgeError> {
        let id = self.releases.borrow().get(tag.as_str()).map(|known| known.id).ok_or_else(|| gone(tag))?;
        let url = format!("{}/releases/{id}", self.repository(scope.connector));
        match self.client.change(&url, fields)? {
            Answer::Absent => Err(gone(tag)),
            answer => done(answer, || format!("PATCH {url} of {tag}")).map(drop),
        }
    }

    fn with_known<T>(&self, tag: &Tag, work: impl FnOnce(&mut Known) -> T) -> Option<T> {
        self.releases.borrow_mut().get_mut(tag.as_str()).map(work)
    }
}

impl Forge for GitHub<'_> {
    fn describe(&self) -> String {
        self.place.server.clone()
    }

    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        let name = scope.connector;
        self.preflight(name)?;
        let listed = self.list(name)?;
        self.remember(scope, &listed)?;
        let this = &scope.release.version;
        let version = |release: &ReleaseDocument| -> Option<Version> {
            Tag::version_of(&release.tag_name).ok().filter(|version| release.tag_name == format!("v{version}"))
        };
        let public = || listed.iter().filter(|release| !release.draft);
        let others = || public().filter_map(|release| Some((version(release)?, release)));
        let order = |a: &(Version, &ReleaseDocument), b: &(Version, &ReleaseDocument)| a.0.precedence(&b.0);
        let own = public().find(|release| release.tag_name == scope.release.tag().as_str());
        if own.is_none() {
            self.knows_commit(scope)?;
            self.tags_in_place(scope)?;
        }
        let older = others().filter(|(version, _)| version.precedence(this).is_lt()).max_by(order);
        let highest =
            others().filter(|(version, release)| !release.prerelease && !version.is_prerelease()).max_by(order);
        Ok(Remote {
            states: scope.tags.iter().map(|tag| (tag.as_str().to_owned(), self.state(tag))).collect(),
            key: PublishedKey::Absent,
            cohort: own.map(|release| self.cohort(name, release)).transpose()?.flatten(),
            // The notes are the last write.
            listed: own.is_some_and(|release| release.body.as_deref().is_some_and(|body| !body.is_empty())),
            previous: older.map(|(_, release)| self.cohort(name, release)).transpose()?.flatten(),
            highest: highest.map(|(version, _)| version),
            layout: Layout::Releases,
        })
    }

    fn lock(&self) -> Result<Box<dyn Send>, ForgeError> {
        let path = self.place.meeting.join("release.lock");
        fs::create_dir_all(&self.place.meeting).map_err(DiskError::at("create directory", &self.place.meeting))?;
        let file = File::create(&path).map_err(DiskError::at("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(ForgeError::Busy(self.describe())),
            Err(fs::TryLockError::Error(cause)) => Err(DiskError::at("lock", &path)(cause).into()),
        }
    }

    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        let mut pauses = AGAIN.iter();
        loop {
            let error = match self.attempt(scope, write) {
                Err(error @ (ForgeError::Unreachable { .. } | ForgeError::Taken { .. })) => error,
                end => return end,
            };
            // It may have been carried out all the same, so the next attempt begins with what is there.
            let Some(pause) = pauses.next() else { return Err(error) };
            match self.client.pause(Duration::from_secs(*pause)) {
                Err(ForgeError::Paused { .. }) => return Err(error),
                waited => waited?,
            }
            match self.list(scope.connector).and_then(|listed| self.remember(scope, &listed)) {
                Err(ForgeError::Unreachable { .. }) => return Err(error),
                looked => looked?,
            }
        }
    }

    fn settle(&self) -> Result<(), ForgeError> {
        Ok(()) // what GitHub has answered, it keeps
    }

    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        let name = scope.connector;
        if *self.private.borrow() {
            let id = self.releases.borrow().get(tag.as_str()).and_then(|known| Some(known.assets.get(asset)?.id));
            return id.map_or(Ok(None), |id| self.client.download(&self.asset_url(name, id)));
        }
        let (server, owner, repo) = (&self.place.server, name.owner(), name.repo());
        let url = format!("{server}/{owner}/{repo}/releases/download/{}/{asset}", tag.as_segment());
        match http::get(&url, ASSET_LIMIT, http::LARGE) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(HttpError::Absent { .. }) => Ok(None),
            Err(error) if error.is_retriable() => {
                Err(ForgeError::Unreachable { asked: format!("GET {url}"), why: error.to_string() })
            }
            Err(error) => Err(ForgeError::Refused { asked: format!("GET {url}"), why: error.to_string() }),
        }
    }

    fn estimate(&self, writes: &[&Write]) -> Option<Estimate> {
        let kind = |write: &&Write| match write {
            Write::Draft { .. } | Write::Stage { .. } => Some(Kind::Creation),
            Write::Flip { .. } | Write::Finish { .. } => Some(Kind::Write),
            Write::Key { .. } | Write::Announce { .. } => None,
        };
        let (finish, limit): (SystemTime, _) = self.client.floor(writes.iter().filter_map(kind));
        Some(Estimate { finish, limit })
    }
}

/// The document of an answer, or why there is none.
fn done(answer: Answer, asked: impl Fn() -> String) -> Result<Value, ForgeError> {
    let asked = asked();
    match answer {
        Answer::Done(document) => Ok(document),
        Answer::Absent => Err(ForgeError::Refused { asked, why: "HTTP 404: Not Found".to_owned() }),
        Answer::Refused(why) => Err(ForgeError::Refused { asked, why }),
        Answer::Conflict(why) => Err(ForgeError::Taken { asked, why }),
        Answer::Unreachable(why) => Err(ForgeError::Unreachable { asked, why }),
        Answer::Limited(until) => {
            let until = crate::sys::clock::time_of_day(until);
            Err(ForgeError::Paused { until, why: "GitHub's rate limit".to_owned() })
        }
    }
}

/// An answer that broke off or is no document may still mean that the work was done.
fn read<T: serde::de::DeserializeOwned>(document: Value, asked: impl Fn() -> String) -> Result<T, ForgeError> {
    serde_json::from_value(document).map_err(|error| ForgeError::Unreachable {
        asked: asked(),
        why: format!("the answer is not understood: {error}"),
    })
}

fn gone(tag: &Tag) -> ForgeError {
    ForgeError::Refused { asked: format!("the draft of {tag}"), why: "it is not there any more".to_owned() }
}
