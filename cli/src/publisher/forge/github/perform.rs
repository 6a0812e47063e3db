//! One write: what it finds done already it leaves, what it cannot hear of it looks for before it is repeated.

use std::time::Duration;

use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Tag;
use serde_json::{Value, json};

use super::classify::Answer;
use super::documents::{Asset as AssetDocument, KnownAsset, Release};
use super::journal::Event;
use super::transport::Content;
use super::{GitHub, done, read};
use crate::publisher::forge::{Asset, ForgeError, Scope, Write};
use crate::sys::address::Address;

/// Seconds between looks after a write that got no answer; together longer than the list lags behind.
const AGAIN: [u64; 4] = [1, 4, 16, 20];

impl GitHub<'_> {
    pub(super) fn carry_out(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        let Some(tag) = tag(write) else { return Ok(()) };
        let mut pauses = AGAIN.iter();
        loop {
            self.client.intend(write.describe(), tag.to_string());
            let asked_at = self.client.now();
            let error = match self.attempt(scope, write) {
                Ok(()) => return self.client.record(Event::Done { write: write.describe() }),
                Err(
                    error @ (ForgeError::Unreachable { .. } | ForgeError::Taken { .. } | ForgeError::DraftGone { .. }),
                ) => error,
                Err(ForgeError::Burned { tag }) => {
                    self.client.record(Event::Burned { tag: tag.clone() })?;
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
                    Err(ForgeError::Paused { .. }) => return Err(error),
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
            Write::Flip { tag, assets, pre_release, notes } => {
                let mut fields = json!({
                    "draft": false, "make_latest": "false", "target_commitish": scope.commit, "name": tag.as_str(),
                    "prerelease": pre_release,
                });
                if let Some(notes) = notes {
                    fields["body"] = json!(notes);
                }
                self.flip(scope, tag, assets, fields)
            }
            Write::Finish { tag, notes, latest } => {
                let latest = if *latest { "true" } else { "false" };
                self.update(scope, tag, json!({"body": notes, "make_latest": latest}))
            }
            // Consumers of GitHub find the key in the repository, and the index among the connector's assets.
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
        let why = self.releases.borrow().get(tag.as_str()).and_then(|known| self.told(scope, known));
        why.map_or(Ok(()), |why| Err(ForgeError::DraftOfOthers { tag: tag.to_string(), why }))
    }

    fn draft(&self, scope: &Scope<'_>, tag: &Tag, pre_release: bool) -> Result<(), ForgeError> {
        if self.releases.borrow().contains_key(tag.as_str()) {
            return self.may_write_to(scope, tag);
        }
        let url = format!("{}/releases", self.repository(scope.connector));
        let asked = || format!("POST {} for {tag}", Address::of(&*url));
        let document = json!({
            "tag_name": tag.as_str(), "name": tag.as_str(), "target_commitish": scope.commit, "draft": true,
            "prerelease": pre_release, "make_latest": "false",
        });
        let answer = match self.client.create(&url, &Content::Document(document))? {
            Answer::Burned(_) => return Err(ForgeError::Burned { tag: tag.to_string() }),
            answer => answer,
        };
        let made: Release = read(done(answer, asked)?, asked)?;
        let was_unheard =
            self.unheard.borrow().contains_key(tag.as_str()) || self.client.unheard().contains_key(tag.as_str());
        if was_unheard && self.client.lag().is_zero() {
            self.unheard.borrow_mut().insert(tag.to_string(), true);
        }
        let known = self.known(scope.connector, &made)?;
        self.releases.borrow_mut().insert(tag.as_str().to_owned(), known);
        self.client.made(tag.as_str(), made.id)
    }

    /// Uploads to a draft. What is there with these bytes stays; what an upload left half-done, or another build, goes.
    fn stage(&self, scope: &Scope<'_>, tag: &Tag, asset: &Asset) -> Result<(), ForgeError> {
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
            let url = self.asset_url(scope.connector, asset_id);
            match self.client.delete(&url)? {
                Answer::Absent => {}
                answer => drop(done(answer, || format!("DELETE {}", Address::of(&*url)))?),
            }
            self.with_known(tag, |known| known.assets.remove(asset.name));
        }
        let address = upload_url.split('{').next().unwrap_or_default();
        let url = format!("{address}?name={}", asset.name);
        let asked = || format!("POST {} for {tag}", Address::of(&*url));
        let answer = match self.client.create(&url, &Content::File(asset.bytes.clone()))? {
            Answer::Absent => return Err(gone(tag)),
            answer => answer,
        };
        let made: AssetDocument = read(done(answer, asked)?, asked)?;
        // A digest of another kind says nothing; the recheck fetches the bytes.
        let kept = made.digest.as_deref().and_then(|digest| digest.parse().ok());
        if let Some(found) = kept.filter(|found: &ArchiveDigest| *found != asset.digest) {
            let why = format!("GitHub keeps {found}, {} was sent", asset.digest);
            return Err(ForgeError::Refused { asked: asked(), why });
        }
        let kept = KnownAsset { id: made.id, digest: Some(asset.digest) };
        self.with_known(tag, |known| known.assets.insert(asset.name.to_owned(), kept));
        Ok(())
    }

    /// Makes a draft public. One that is public already must be ours, byte for byte.
    fn flip(&self, scope: &Scope<'_>, tag: &Tag, assets: &[Asset], fields: Value) -> Result<(), ForgeError> {
        let public = self.releases.borrow().get(tag.as_str()).filter(|known| !known.draft).map(|known| {
            let found = |asset: &Asset| known.assets.get(asset.name).and_then(|there| there.digest);
            assets.iter().try_for_each(|asset| overtaken(tag, asset, found(asset)))
        });
        if let Some(verdict) = public {
            return verdict;
        }
        self.may_write_to(scope, tag)?;
        self.update(scope, tag, fields)?;
        self.with_known(tag, |known| known.draft = false);
        Ok(())
    }

    fn update(&self, scope: &Scope<'_>, tag: &Tag, fields: Value) -> Result<(), ForgeError> {
        let id = self.releases.borrow().get(tag.as_str()).map(|known| known.id).ok_or_else(|| gone(tag))?;
        let url = format!("{}/releases/{id}", self.repository(scope.connector));
        match self.client.change(&url, fields)? {
            Answer::Absent => Err(gone(tag)),
            Answer::Burned(_) => Err(ForgeError::Burned { tag: tag.to_string() }),
            answer => {
                // Something in between may say 200 and know nothing of releases: believed is what GitHub describes.
                let asked = || format!("PATCH {} of {tag}", Address::of(&*url));
                read::<Release>(done(answer, asked)?, asked).map(drop)
            }
        }
    }

    fn with_known<T>(&self, tag: &Tag, work: impl FnOnce(&mut super::documents::Known) -> T) -> Option<T> {
        self.releases.borrow_mut().get_mut(tag.as_str()).map(work)
    }
}

/// The release a write is about; none for writes that GitHub needs none of.
fn tag(write: &Write) -> Option<&Tag> {
    match write {
        Write::Draft { tag, .. } | Write::Stage { tag, .. } | Write::Flip { tag, .. } | Write::Finish { tag, .. } => {
            Some(tag)
        }
        Write::Key { .. } | Write::Announce { .. } => None,
    }
}

/// Somebody published under this tag meanwhile: the same bytes are as good as ours, others are not ours to touch.
fn overtaken(tag: &Tag, asset: &Asset, found: Option<ArchiveDigest>) -> Result<(), ForgeError> {
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
