//! What GitHub's documents say about releases, as far as it matters here.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::statement::{self, cohort};
use aileron_verifier::text::printable;
use serde::Deserialize;

/// A release.
#[derive(Deserialize)]
pub(super) struct Release {
    pub(super) id: u64,
    pub(super) tag_name: String,
    pub(super) upload_url: String,
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) prerelease: bool,
    #[serde(default)]
    pub(super) immutable: bool,
    pub(super) body: Option<String>,
    pub(super) html_url: Option<String>,
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) assets: Vec<Asset>,
}

/// A file on a release.
#[derive(Deserialize)]
pub(super) struct Asset {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) digest: Option<String>,
}

impl Asset {
    /// Whether its bytes arrived: GitHub's state `starter` is an upload that broke off.
    pub(super) fn is_whole(&self) -> bool {
        self.state == "uploaded"
    }

    /// Whether its state is one of those that GitHub's description names. Of another one nothing is known, so the file is
    /// neither taken for whole nor deleted.
    fn is_understood(&self) -> bool {
        matches!(self.state.as_str(), "uploaded" | "starter" | "open")
    }
}

impl Release {
    pub(super) fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.name == name)
    }

    /// Why a draft is not one of this tool's, in words that follow "its draft"; `None` for one that is, and for what is public.
    ///
    /// This tool gives a release its notes when it is published, and not before: notes of a draft are somebody's own, who may
    /// want to keep them.
    pub(super) fn foreign(&self) -> Option<String> {
        let ours: Vec<&str> = statement::assets().chain([layout::ARCHIVE, layout::SUITE]).collect();
        let not_ours = |asset: &&Asset| !ours.contains(&asset.name.as_str());
        if !self.draft {
            None
        } else if let Some(asset) = self.assets.iter().find(not_ours) {
            Some(format!("holds {}, which no release of this tool has", printable(&asset.name)))
        } else if let Some(asset) = self.assets.iter().find(|asset| !asset.is_understood()) {
            let (name, state) = (printable(&asset.name), printable(&asset.state));
            Some(format!("holds {name} in the state \"{state}\", which this tool does not know"))
        } else if self.body.as_deref().is_some_and(|body| !body.trim().is_empty()) {
            Some("has notes that this tool did not write".to_owned())
        } else {
            None
        }
    }

    /// When it was made, by GitHub's clock.
    pub(super) fn created(&self) -> Option<SystemTime> {
        instant(self.created_at.as_deref()?)
    }
}

/// Reads a body as each document it could be, and asks for all that is ever asked of one.
pub(super) fn read_any(body: &[u8]) {
    for release in serde_json::from_slice::<Release>(body)
        .into_iter()
        .chain(serde_json::from_slice::<Vec<Release>>(body).into_iter().flatten())
    {
        let _ = (release.created(), release.foreign().is_some(), release.asset(cohort::ASSET).map(Asset::is_whole));
    }
}

/// A release as the list showed it, or as a write left it.
pub(super) struct Known {
    pub(super) id: u64,
    pub(super) upload_url: String,
    pub(super) draft: bool,
    /// Frozen by GitHub, its tag included.
    pub(super) immutable: bool,
    pub(super) assets: BTreeMap<String, KnownAsset>,
    /// Why a draft is not one of this tool's, in words that follow "its draft": see [`Release::foreign`].
    pub(super) foreign: Option<String>,
    /// Where a person sees it, as GitHub names it.
    pub(super) page: Option<String>,
}

pub(super) struct KnownAsset {
    pub(super) id: u64,
    /// `None` while it is only begun.
    pub(super) digest: Option<ArchiveDigest>,
}

/// `2026-02-03T04:05:06Z`, the form of every time stamp in GitHub's answers.
fn instant(text: &str) -> Option<SystemTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil, for years after the epoch.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted / 400, shifted % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::forge::model::Timestamp;

    #[test]
    fn an_instant_is_read_as_github_writes_it() {
        for second in [0, 951_782_399, 951_868_800, 1_507_651_200, 1_735_689_600, 4_107_542_399] {
            let text = Timestamp::from_secs(second).to_string();
            assert_eq!(instant(&text), Some(UNIX_EPOCH + Duration::from_secs(second)), "{text}");
        }
        for text in ["", "soon", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-02-03"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
