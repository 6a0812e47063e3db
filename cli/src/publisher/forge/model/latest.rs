//! Which release is Latest. GitHub Docs, "Create a release" (`make_latest`) and "Get the latest release".

use super::response::custom;
use super::{Base, GitHub, Release, Response};
use aileron_verifier::name::version::Version;

/// `make_latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MakeLatest {
    /// `true`.
    Yes,
    /// Not said, of a release being published: `true` where that is possible.
    Default,
    /// `false`.
    No,
    /// GitHub decides by date and version.
    Legacy,
}

impl GitHub {
    /// "The latest release is the most recent non-prerelease, non-draft release."
    pub(super) fn latest_release(&self, base: &Base) -> Result<Response, Response> {
        let release = self.latest().ok_or_else(|| Response::not_found("/releases/releases#get-the-latest-release"))?;
        Ok(Response::json(200, self.present_release(base, release)))
    }

    /// The release that is Latest: the one that was chosen, else the one with the highest version among the plain
    /// `v<SemVer>` tags, else the youngest.
    pub fn latest(&self) -> Option<&Release> {
        let releases = &self.repository.releases;
        let eligible = |release: &&Release| !release.draft && !release.prerelease;
        let chosen = self.repository.latest.and_then(|id| releases.get(&id)).filter(eligible);
        let version = |release: &Release| release.tag_name.trim_start_matches('v').parse::<Version>().ok();
        let by_rank = |a: &&Release, b: &&Release| match (version(a), version(b)) {
            (Some(a), Some(b)) => a.precedence(&b),
            (a, b) => a.is_some().cmp(&b.is_some()).then(std::cmp::Ordering::Equal),
        };
        let ranked =
            || releases.values().filter(eligible).max_by(|a, b| by_rank(a, b).then(a.published.cmp(&b.published)));
        chosen.or_else(ranked)
    }

    /// 422 for a draft or pre-release that is to be Latest: "Latest release cannot be draft or prerelease."
    /// (kaito-project/kaito#1680, getsentry/craft#583). A new draft may ask for it, which is then without effect
    /// (openclaw/openclaw#139297).
    pub(super) fn set_latest(
        &mut self,
        release: &Release,
        wanted: Option<MakeLatest>,
        page: &str,
    ) -> Result<(), Response> {
        let eligible = !release.draft && !release.prerelease;
        match wanted {
            Some(MakeLatest::Yes) if !eligible => {
                let why = custom("Release", None, "Latest release cannot be draft or prerelease.");
                return Err(Response::invalid(vec![why], page));
            }
            Some(MakeLatest::Yes | MakeLatest::Default) if eligible => self.repository.latest = Some(release.id),
            Some(MakeLatest::Legacy) if eligible => self.repository.latest = None,
            Some(_) => self.forget_latest(release.id),
            None if !eligible => self.forget_latest(release.id),
            None => {}
        }
        Ok(())
    }

    pub(super) fn forget_latest(&mut self, id: u64) {
        if self.repository.latest == Some(id) {
            self.repository.latest = None;
        }
    }
}
