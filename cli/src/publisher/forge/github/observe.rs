//! One look at the repository: what is there of this version, and of those before it.
//!
//! The list of releases is the truth as far as it goes. It may lag behind by half a minute, so drafts the journal knows are
//! asked for by number; and it ends at a cap, past which public releases are asked for by tag.

use std::collections::{BTreeMap, BTreeSet};

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::{Tag, Version};
use aileron_verifier::statement::cohort::{self, Cohort};
use aileron_verifier::statement::{Document as _, DocumentError};
use aileron_verifier::text::printable;
use aileron_verifier::text::printable::printable_within;

use super::known::{self, Known, KnownAsset};
use super::{ASSET_LIMIT, GitHubForge, route};
use crate::event::counted;
use crate::github::documents::{self, Asset, PAGE, Release, is_whole};
use crate::github::{ApiError, ApiRefusal, if_there};
use crate::publisher::forge::{ForgeError, Layout, PublishedKey, Remote, Scope, TagState};
use crate::sys::address::Address;

/// Pages that are asked for: GitHub lists no more than 10,000 releases.
const PAGES: usize = 100;
/// A list that ends after so many releases may have been cut off there. 1,000 was seen by iree-org/iree#16506.
const CAP: usize = 1000;
/// Characters of a draft's address that are shown: it holds the names of owner and repository, and is to be opened.
const ADDRESS: usize = 400;
const LAGS: &str = "GitHub's list of releases lags behind";

/// The list, and whether that is all.
pub(super) struct ListedReleases {
    releases: Vec<Release>,
    complete: bool,
}

impl GitHubForge<'_> {
    /// Drafts beside the ones in use are visible to the maintainers only, and theirs to delete.
    pub(super) fn note_leftovers(&self, scope: &Scope<'_>, listed: &ListedReleases) {
        let releases = self.releases.borrow();
        let is_left = |release: &&Release| {
            let tag = &release.tag_name;
            release.draft && releases.get(tag).is_some_and(|known| known.id != *release.id)
        };
        let page = self.page(scope.connector);
        let (foreign, empty): (Vec<&Release>, Vec<&Release>) =
            listed.releases.iter().filter(is_left).partition(|release| known::foreign(release).is_some());
        if let [first, ..] = empty.as_slice() {
            let (drafts, tag) = (counted(empty.len(), "left-over draft"), printable(&first.tag_name));
            self.client.note(format!("{drafts} can be deleted at {page}/releases, of {tag} to begin with"));
        }
        if let [first, ..] = foreign.as_slice() {
            let (drafts, tag) = (counted(foreign.len(), "other draft"), printable(&first.tag_name));
            let why = known::foreign(first).unwrap_or_default();
            self.client
                .note(format!("left alone at {page}/releases: {drafts} of this version; the one of {tag} {why}"));
        }
    }

    /// What a newer version of this tool put on drafts of this version is its own: it is neither sent nor deleted here.
    fn note_newer(&self, scope: &Scope<'_>, listed: &ListedReleases) {
        let is_of_this = |release: &&Release| scope.tags.iter().any(|tag| tag.as_str() == release.tag_name);
        for release in listed.releases.iter().filter(is_of_this) {
            if let Some(asset) = known::newer(release) {
                let (asset, tag) = (printable(asset), printable(&release.tag_name));
                self.client
                    .note(format!("left alone: the draft of {tag} holds {asset}, from a newer version of this tool"));
            }
        }
    }

    /// A draft that was asked for without an answer, and made again at once: where the list does not even show the second one,
    /// it cannot tell whether the first is there too.
    pub(super) fn note_unheard(&self, scope: &Scope<'_>, listed: &ListedReleases) {
        let releases = self.releases.borrow();
        let is_shown = |id: u64| listed.releases.iter().any(|release| *release.id == id);
        let unheard = self.unheard.borrow();
        let twice = unheard.iter().filter(|(_, twice)| **twice).map(|(tag, _)| tag);
        for tag in twice.filter(|tag| releases.get(*tag).is_some_and(|known| !is_shown(known.id))) {
            let (tag, page) = (printable(tag), self.page(scope.connector));
            self.client.note(format!(
                "an answer of GitHub was lost: an empty draft of {tag} may be left over at {page}/releases, and can be deleted"
            ));
        }
    }

    /// Every release the list shows, drafts included.
    pub(super) fn list(&self, name: &Fqn) -> Result<ListedReleases, ForgeError> {
        let mut releases = Vec::new();
        let repository = route(name);
        for page in 1..=PAGES {
            let found = self.client.read(async |crab| documents::list_releases(crab, &repository, page).await);
            let found = match found {
                // "Only the first 1000 results are available."
                Err(ApiError::Refused { why: ApiRefusal::Refused(why), .. })
                    if page > 1 && why.starts_with("HTTP 422") =>
                {
                    return Ok(ListedReleases { releases, complete: false });
                }
                found => found?,
            };
            let (count, before) = (found.len(), releases.len());
            releases.extend(found);
            if count == 0 && before >= CAP {
                return Ok(ListedReleases { releases, complete: false });
            }
            if count < PAGE {
                return Ok(ListedReleases { releases, complete: true });
            }
        }
        Ok(ListedReleases { releases, complete: false })
    }

    /// The list, once it shows what it must: a draft that was asked for and of which nothing was heard may be there unseen,
    /// and so may siblings of one that was made just now by a run whose journal is not ours. A run that only looks does not
    /// wait for that.
    fn settled_list(&self, scope: &Scope<'_>) -> Result<ListedReleases, ForgeError> {
        let listed = self.list(scope.connector)?;
        if !self.record.is_locked() {
            return Ok(listed);
        }
        let (now, lag) = (self.client.now(), self.client.lag());
        let state = self.record.state();
        let of = |tag: &str| listed.releases.iter().any(|release| release.tag_name == tag);
        let unheard = state.unheard.iter().filter(|(tag, _)| !of(tag)).map(|(_, at)| *at);
        let tags: BTreeSet<&str> = scope.tags.iter().map(Tag::as_str).collect();
        let strangers = listed.releases.iter().filter(|release| {
            tags.contains(release.tag_name.as_str())
                && state.drafts.get(&release.tag_name) != Some(&release.id.into_inner())
        });
        let made = strangers.filter_map(|release| release.created_at).map(|at| self.client.here(at.into()));
        let until = unheard.chain(made).map(|at| at.min(now) + lag).max().filter(|until| *until > now);
        drop(state);
        match until {
            Some(until) => {
                self.client.pause(until, LAGS)?;
                self.list(scope.connector)
            }
            None => Ok(listed),
        }
    }

    /// Remembers the cohort's releases: the public one of a tag, else its oldest draft that is ours to write to.
    pub(super) fn remember(&self, scope: &Scope<'_>, listed: &ListedReleases) -> Result<(), ForgeError> {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        let mut take = |release: &Release| -> Result<(), ForgeError> {
            let rank = (release.draft, known::foreign(release).is_some(), *release.id);
            let is_first = |other: &Known| rank < (other.draft, other.foreign.is_some(), other.id);
            if known.get(&release.tag_name).is_none_or(is_first) {
                known.insert(release.tag_name.clone(), self.known(scope.connector, release)?);
            }
            Ok(())
        };
        let mut shown = BTreeSet::new();
        let tags: BTreeSet<&str> = scope.tags.iter().map(Tag::as_str).collect();
        for release in listed.releases.iter().filter(|release| tags.contains(release.tag_name.as_str())) {
            take(release)?;
            shown.insert(release.tag_name.as_str());
        }
        for tag in scope.tags.iter().filter(|tag| !shown.contains(tag.as_str())) {
            if !listed.complete
                && let Some(public) = self.by_tag(scope.connector, tag)?
            {
                take(&public)?;
            } else if let Some(id) = self.made(tag.as_str())
                && let Some(draft) = self.by_id(scope.connector, id)?.filter(|draft| draft.tag_name == tag.as_str())
            {
                take(&draft)?;
            }
        }
        *self.releases.borrow_mut() = known;
        Ok(())
    }

    /// The number of a draft that was made for this tag, as far as the journal knows.
    fn made(&self, tag: &str) -> Option<u64> {
        self.record.state().drafts.get(tag).copied()
    }

    fn by_tag(&self, name: &Fqn, tag: &Tag) -> Result<Option<Release>, ForgeError> {
        let tag = tag.as_segment();
        let asked =
            self.client.read(async |crab| crab.repos(name.owner(), name.repo()).releases().get_by_tag(&tag).await);
        Ok(if_there(asked)?)
    }

    fn by_id(&self, name: &Fqn, id: u64) -> Result<Option<Release>, ForgeError> {
        let asked = self.client.read(async |crab| crab.repos(name.owner(), name.repo()).releases().get(id).await);
        Ok(if_there(asked)?)
    }

    fn latest(&self, name: &Fqn) -> Result<Option<Release>, ForgeError> {
        let asked = self.client.read(async |crab| crab.repos(name.owner(), name.repo()).releases().get_latest().await);
        Ok(if_there(asked)?)
    }

    pub(super) fn known(&self, name: &Fqn, release: &Release) -> Result<Known, ForgeError> {
        let mut assets = BTreeMap::new();
        for asset in &release.assets {
            let digest = match (is_whole(asset), asset.digest.as_deref().map(str::parse)) {
                (true, Some(Ok(digest))) => Some(digest),
                // Older Enterprise servers tell no digest.
                (true, _) => self
                    .client
                    .download(&self.asset_url(name, *asset.id), ASSET_LIMIT)?
                    .map(|bytes| ArchiveDigest::of(&[&bytes])),
                (false, _) => None,
            };
            assets.insert(asset.name.clone(), KnownAsset { id: *asset.id, digest });
        }
        let page = Some(release.html_url.to_string());
        Ok(Known {
            id: *release.id,
            upload_url: release.upload_url.clone(),
            draft: release.draft,
            immutable: release.immutable.unwrap_or_default(),
            assets,
            foreign: known::foreign(release),
            page: page.filter(|url| url.starts_with(&format!("{}/", self.addresses.server))),
        })
    }

    /// Why a draft is not ours to write to, and where it is.
    pub(super) fn foreign_text(&self, scope: &Scope<'_>, known: &Known) -> Option<String> {
        let why = known.foreign.as_ref().filter(|_| known.draft)?;
        let page = known.page.clone().unwrap_or_else(|| format!("{}/releases", self.page(scope.connector)));
        Some(format!("its draft on GitHub {why}: {}", printable_within(&page, ADDRESS)))
    }

    fn state(&self, scope: &Scope<'_>, tag: &Tag, tagged: &BTreeSet<String>) -> TagState {
        let releases = self.releases.borrow();
        let public = |tag: &str| releases.get(tag).is_some_and(|known| !known.draft);
        if !public(tag.as_str())
            && (self.record.state().burned.contains(tag.as_str()) || self.was_deleted(scope, tag, tagged))
        {
            return TagState::Burned;
        }
        let Some(known) = releases.get(tag.as_str()) else { return TagState::Absent };
        let whole = known.assets.iter().filter_map(|(name, asset)| Some((name.clone(), asset.digest?)));
        match (known.draft, self.foreign_text(scope, known)) {
            (true, Some(why)) => TagState::Unknown(why),
            (true, None) => TagState::Draft(whole.collect()),
            (false, _) => TagState::Public { assets: whole.collect(), staged: BTreeMap::new() },
        }
    }

    /// Whether an immutable release of this version stood under a tag that has none now. Releases are published connector
    /// first, so a connector that is missing beside a public action was there; and nothing but a flip makes an action's tag.
    fn was_deleted(&self, scope: &Scope<'_>, tag: &Tag, tagged: &BTreeSet<String>) -> bool {
        let releases = self.releases.borrow();
        let is_frozen = |known: &Known| !known.draft && known.immutable;
        let was_there = *tag == scope.release.tag() || tagged.contains(tag.as_str());
        was_there && releases.values().any(is_frozen)
    }

    /// A release that seems to be deleted may be missing from the list only: asked for by its tag, it is there or not.
    fn look_closer(&self, scope: &Scope<'_>, tagged: &BTreeSet<String>) -> Result<(), ForgeError> {
        for tag in scope.tags {
            let is_missing = !self.releases.borrow().contains_key(tag.as_str());
            if is_missing
                && self.was_deleted(scope, tag, tagged)
                && let Some(public) = self.by_tag(scope.connector, tag)?
            {
                let known = self.known(scope.connector, &public)?;
                self.releases.borrow_mut().insert(tag.to_string(), known);
            }
        }
        Ok(())
    }

    /// The index of a public release, if it has one.
    fn cohort(&self, name: &Fqn, release: &Release) -> Result<Option<Cohort>, ForgeError> {
        let Some(asset) = asset(release, cohort::ASSET) else { return Ok(None) };
        let Some(bytes) = self.client.download(&self.asset_url(name, *asset.id), ASSET_LIMIT)? else { return Ok(None) };
        let foreign = |error: DocumentError| ForgeError::Foreign {
            path: format!("{} of {}", cohort::ASSET, release.tag_name),
            why: error.to_string(),
        };
        Cohort::read_unverified(&bytes).map(Some).map_err(foreign)
    }

    /// The whole look. The first one also asks whether we may; later ones look at what changes.
    pub(super) fn look(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        let name = scope.connector;
        let first = !self.looked.get();
        let before = self.client.reads();
        if first {
            self.preflight(scope)?;
        }
        let listed = self.settled_list(scope)?;
        self.remember(scope, &listed)?;
        let this = &scope.release.version;
        let version = |release: &Release| -> Option<Version> {
            Tag::version_of(&release.tag_name).ok().filter(|version| release.tag_name == format!("v{version}"))
        };
        let past_the_list = match listed.complete {
            true => [None, None],
            false => [self.latest(name)?, self.by_tag(name, &scope.release.tag())?],
        };
        let public = || listed.releases.iter().chain(past_the_list.iter().flatten()).filter(|release| !release.draft);
        let others = || public().filter_map(|release| Some((version(release)?, release)));
        let order = |a: &(Version, &Release), b: &(Version, &Release)| a.0.precedence(&b.0);
        let own = public().find(|release| release.tag_name == scope.release.tag().as_str());
        let tagged = if self.is_public(scope) {
            BTreeSet::new()
        } else {
            if first {
                self.knows_commit(scope)?;
            }
            self.tags_in_place(scope)?
        };
        self.look_closer(scope, &tagged)?;
        let older = others().filter(|(version, _)| version.precedence(this).is_lt()).max_by(order);
        let highest =
            others().filter(|(version, release)| !release.prerelease && !version.is_prerelease()).max_by(order);
        if first {
            self.note_leftovers(scope, &listed);
            self.note_newer(scope, &listed);
        }
        let remote = Remote {
            states: scope.tags.iter().map(|tag| (tag.as_str().to_owned(), self.state(scope, tag, &tagged))).collect(),
            key: PublishedKey::Absent,
            key_files: BTreeMap::new(),
            cohort: own.map(|release| self.cohort(name, release)).transpose()?.flatten(),
            // The notes are the last write.
            listed: own.is_some_and(|release| release.body.as_deref().is_some_and(|body| !body.is_empty())),
            previous: older.map(|(_, release)| self.cohort(name, release)).transpose()?.flatten(),
            previous_archive: None,
            highest: highest.map(|(version, _)| version),
            layout: Layout::Releases,
            page: Address::of(self.page(name)).to_string(),
        };
        self.looked.set(true);
        self.reads_of_a_look.set(self.client.reads() - before);
        Ok(remote)
    }

    /// Whether there is nothing left to publish.
    fn is_public(&self, scope: &Scope<'_>) -> bool {
        let releases = self.releases.borrow();
        scope.tags.iter().all(|tag| releases.get(tag.as_str()).is_some_and(|known| !known.draft))
    }

    /// Asks again what is there, after an answer that was lost or surprised.
    pub(super) fn look_again(&self, scope: &Scope<'_>) -> Result<(), ForgeError> {
        self.list(scope.connector).and_then(|listed| self.remember(scope, &listed))
    }
}

fn asset<'r>(release: &'r Release, name: &str) -> Option<&'r Asset> {
    release.assets.iter().find(|asset| asset.name == name)
}
