//! One write: what it finds done already it leaves, what it cannot hear of it looks for before it is repeated.

use std::time::Duration;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;
use octocrab::Octocrab;
use octocrab::repos::releases::MakeLatest;

use super::GitHubForge;
use super::journal::{JournalEvent, WriteRecord};
use super::known::{Known, KnownAsset};
use crate::github::documents::Release;
use crate::github::{ApiError, ApiRefusal, if_there};
use crate::publisher::forge::{AssetFile, ForgeError, Scope, Write};

/// Seconds between looks after a write that got no answer; together longer than the list lags behind.
const AGAIN: [u64; 4] = [1, 4, 16, 20];

impl GitHubForge<'_> {
    pub(super) fn carry_out(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        // Consumers of GitHub find the key in the repository, and the index among the connector's assets.
        let (Some(record), Some(tag)) = (WriteRecord::of(write), write.tag()) else { return Ok(()) };
        if matches!(write, Write::Announce { .. }) {
            return Ok(());
        }
        let mut pauses = AGAIN.iter();
        loop {
            self.record.intend(record.clone());
            let asked_at = self.client.now();
            let error = match self.attempt(scope, write) {
                Ok(()) => return Ok(self.record.keep(JournalEvent::Done(record), self.client.now())?),
                Err(
                    error @ (ForgeError::Unreachable { .. } | ForgeError::Taken { .. } | ForgeError::DraftGone { .. }),
                ) => error,
                Err(ForgeError::Burned { tag }) => {
                    self.record.keep(JournalEvent::Burned { tag: tag.clone() }, self.client.now())?;
                    return Err(ForgeError::Burned { tag });
                }
                Err(error) => return Err(self.explained(scope, error)),
            };
            // It may have been carried out all the same, so the next attempt begins with what is there.
            if matches!(write, Write::Draft { .. }) {
                self.unheard.borrow_mut().entry(tag.to_string()).or_default();
            }
            loop {
                let Some(pause) = pauses.next() else { return Err(error) };
                match self.client.pause(self.client.now() + Duration::from_secs(*pause), "GitHub did not answer") {
                    Err(ApiError::Paused { .. }) => return Err(error),
                    waited => waited?,
                }
                match self.look_again(scope) {
                    Err(ForgeError::Unreachable { .. }) => return Err(error),
                    looked => looked?,
                }
                let there = self.releases.borrow().contains_key(tag.as_str());
                match (write, &error) {
                    (Write::Draft { .. }, _) if there || self.client.now() >= asked_at + self.client.lag() => break,
                    (Write::Draft { .. }, _) => {} // the list may not show it yet: a second draft would stay for ever
                    (_, ForgeError::DraftGone { .. }) if !there => return Err(error),
                    _ => break,
                }
            }
        }
    }

    fn attempt(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        match write {
            Write::Draft { tag, pre_release } => self.draft(scope, tag, *pre_release),
            Write::Stage { tag, asset } => self.stage(scope, tag, asset),
            Write::Remove { tag, asset } => self.remove(scope, tag, asset),
            Write::Flip { tag, assets, pre_release, notes } => {
                self.flip(scope, tag, assets, *pre_release, notes.as_deref())
            }
            Write::Finish { tag, notes, latest } => {
                let latest = if *latest { MakeLatest::True } else { MakeLatest::False };
                let id = self.id(tag)?;
                let (owner, repo) = (scope.connector.owner(), scope.connector.repo());
                self.update(tag, async |crab| {
                    crab.repos(owner, repo).releases().update(id).body(notes).make_latest(latest).send().await
                })
            }
            Write::Key { .. } | Write::Announce { .. } => Ok(()),
        }
    }

    /// Why a write was refused: workflow files are blamed only where they were seen to differ. A personal token's are not
    /// compared before the first refusal that may be about them.
    fn explained(&self, scope: &Scope<'_>, error: ForgeError) -> ForgeError {
        let ForgeError::Forbidden { asked, why, lacks } = error else { return error };
        if lacks.may_be_workflows() && !self.same_workflows.get() {
            // What could not be compared is not blamed, and not ruled out.
            if let Err(differ @ ForgeError::Workflows { .. }) = self.compare_workflows(scope) {
                return differ;
            }
        }
        let lacks = if self.same_workflows.get() { lacks.without_workflows() } else { lacks };
        ForgeError::Forbidden { asked, why, lacks }
    }

    /// A draft that somebody else wrote in is not written to.
    fn may_write_to(&self, scope: &Scope<'_>, tag: &Tag) -> Result<(), ForgeError> {
        let why = self.releases.borrow().get(tag.as_str()).and_then(|known| self.foreign_text(scope, known));
        why.map_or(Ok(()), |why| Err(ForgeError::DraftOfOthers { tag: tag.to_string(), why }))
    }

    fn draft(&self, scope: &Scope<'_>, tag: &Tag, pre_release: bool) -> Result<(), ForgeError> {
        if self.releases.borrow().contains_key(tag.as_str()) {
            return self.may_write_to(scope, tag);
        }
        let (owner, repo, title) = (scope.connector.owner(), scope.connector.repo(), tag.as_str());
        let made = self.client.create(async |crab| {
            let releases = crab.repos(owner, repo);
            let releases = releases.releases();
            let draft = releases.create(title).name(title).target_commitish(scope.commit).draft(true);
            draft.prerelease(pre_release).make_latest(MakeLatest::False).send().await
        });
        let made = made.map_err(|error| burned_or(tag, error.about(format_args!("for {tag}"))))?;
        let was_unheard =
            self.unheard.borrow().contains_key(tag.as_str()) || self.record.state().unheard.contains_key(tag.as_str());
        if was_unheard && self.client.lag().is_zero() {
            self.unheard.borrow_mut().insert(tag.to_string(), true);
        }
        let known = self.known(scope.connector, &made)?;
        self.releases.borrow_mut().insert(tag.as_str().to_owned(), known);
        Ok(self.record.made(tag.as_str(), *made.id, self.client.now())?)
    }

    /// Uploads to a draft. What is there with these bytes stays; what an upload left half-done, or another build, goes.
    fn stage(&self, scope: &Scope<'_>, tag: &Tag, asset: &AssetFile) -> Result<(), ForgeError> {
        self.may_write_to(scope, tag)?;
        let (upload_url, there) = {
            let releases = self.releases.borrow();
            let known = releases.get(tag.as_str()).ok_or_else(|| gone(tag))?;
            let there = known.assets.get(asset.name).map(|there| (there.id, there.digest));
            if !known.draft {
                return overtaken(tag, asset, there.and_then(|(_, digest)| digest));
            }
            (known.upload_url.clone(), there)
        };
        if let Some((asset_id, digest)) = there {
            if digest == Some(asset.digest) {
                return Ok(());
            }
            self.delete(scope, tag, asset.name, asset_id)?;
        }
        let address = upload_url.split('{').next().unwrap_or_default();
        let url = format!("{address}?name={}", asset.name);
        let made = if_there(self.client.upload(&url, asset.bytes.clone()));
        let made = made.map_err(|error| error.about(format_args!("for {tag}")))?.ok_or_else(|| gone(tag))?;
        // A digest of another kind says nothing; the recheck fetches the bytes.
        let kept = made.digest.as_deref().and_then(|digest| digest.parse().ok());
        if let Some(found) = kept.filter(|found: &ArchiveDigest| *found != asset.digest) {
            let why = format!("GitHub keeps {found}, {} was sent", asset.digest);
            return Err(ForgeError::Refused { asked: format!("{} for {tag}", self.client.asked()), why });
        }
        let kept = KnownAsset { id: *made.id, digest: Some(asset.digest) };
        self.with_known(tag, |known| known.assets.insert(asset.name.to_owned(), kept));
        Ok(())
    }

    /// Takes a file off a draft. One that is gone was removed by an earlier run, or by a person.
    fn remove(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<(), ForgeError> {
        self.may_write_to(scope, tag)?;
        let draft = |known: &Known| Some((known.draft, known.assets.get(asset)?.id));
        let found = self.releases.borrow().get(tag.as_str()).and_then(draft);
        match found {
            None => Ok(()),
            Some((true, id)) => self.delete(scope, tag, asset, id),
            Some((false, _)) => {
                let why = format!("somebody else published it meanwhile, with {asset}, which no release may hold");
                Err(ForgeError::Overtaken { tag: tag.to_string(), why })
            }
        }
    }

    fn delete(&self, scope: &Scope<'_>, tag: &Tag, asset: &str, id: u64) -> Result<(), ForgeError> {
        let (owner, repo) = (scope.connector.owner(), scope.connector.repo());
        let deleted = self.client.change(async |crab| crab.repos(owner, repo).release_assets().delete(id).await);
        if_there(deleted)?;
        self.with_known(tag, |known| known.assets.remove(asset));
        Ok(())
    }

    /// Makes a draft public. One that is public already must be ours, byte for byte.
    fn flip(
        &self,
        scope: &Scope<'_>,
        tag: &Tag,
        assets: &[AssetFile],
        pre_release: bool,
        notes: Option<&str>,
    ) -> Result<(), ForgeError> {
        let public = self.releases.borrow().get(tag.as_str()).filter(|known| !known.draft).map(|known| {
            let found = |asset: &AssetFile| known.assets.get(asset.name).and_then(|there| there.digest);
            assets.iter().try_for_each(|asset| overtaken(tag, asset, found(asset)))
        });
        if let Some(verdict) = public {
            return verdict;
        }
        self.may_write_to(scope, tag)?;
        let (id, title) = (self.id(tag)?, tag.as_str());
        let (owner, repo) = (scope.connector.owner(), scope.connector.repo());
        self.update(tag, async |crab| {
            let releases = crab.repos(owner, repo);
            let releases = releases.releases();
            let mut public = releases.update(id).draft(false).make_latest(MakeLatest::False).prerelease(pre_release);
            public = public.target_commitish(scope.commit).name(title);
            if let Some(notes) = notes {
                public = public.body(notes);
            }
            public.send().await
        })?;
        self.with_known(tag, |known| known.draft = false);
        Ok(())
    }

    /// Changes a release. Something in between may say 200 and know nothing of releases: believed is what GitHub describes.
    fn update(
        &self,
        tag: &Tag,
        work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<Release>,
    ) -> Result<(), ForgeError> {
        match if_there(self.client.change(work)) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(gone(tag)),
            Err(error) => Err(burned_or(tag, error.about(format_args!("of {tag}")))),
        }
    }

    fn id(&self, tag: &Tag) -> Result<u64, ForgeError> {
        self.releases.borrow().get(tag.as_str()).map(|known| known.id).ok_or_else(|| gone(tag))
    }

    fn with_known<T>(&self, tag: &Tag, work: impl FnOnce(&mut Known) -> T) -> Option<T> {
        self.releases.borrow_mut().get_mut(tag.as_str()).map(work)
    }
}

/// Somebody published under this tag meanwhile: the same bytes are as good as ours, others are not ours to touch.
fn overtaken(tag: &Tag, asset: &AssetFile, found: Option<ArchiveDigest>) -> Result<(), ForgeError> {
    if found == Some(asset.digest) {
        return Ok(());
    }
    let found = found.map_or_else(|| format!("no {}", asset.name), |digest| format!("{} {digest}", asset.name));
    let why = format!("somebody else published it meanwhile, with {found}; this release has {}", asset.digest);
    Err(ForgeError::Overtaken { tag: tag.to_string(), why })
}

fn gone(tag: &Tag) -> ForgeError {
    ForgeError::DraftGone { tag: tag.to_string() }
}

/// A tag that GitHub never gives out again, or what else it says.
fn burned_or(tag: &Tag, error: ApiError) -> ForgeError {
    match error {
        ApiError::Refused { why: ApiRefusal::Burned(_), .. } => ForgeError::Burned { tag: tag.to_string() },
        error => error.into(),
    }
}
