//! Which tags a version gets, and what of it is still to be written. Pure. cli-unit.md §12.4.
//!
//! The exact tag comes first and is never changed. `X.Y`, `X` and `latest` follow it, upwards only: each moves when no higher
//! version of its range is published.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use aileron_verifier::name::digest::BlobDigest;
use aileron_verifier::name::version::Version;

use super::reference::Tag;

/// What stands in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Every tag's name.
    pub names: Vec<String>,
    /// What each tag of this version names now, where it names anything.
    pub tags: BTreeMap<Tag, BlobDigest>,
}

/// What happens to one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagStep {
    /// It names this artifact already.
    There,
    /// It is new.
    Create,
    /// It names another artifact, of a lower version, and is changed.
    Move(BlobDigest),
    /// It stays: this version of its range is higher.
    Leave(Version),
}

/// What a push does to the tags, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPlan {
    /// Each tag and what happens to it; the exact version first.
    pub steps: Vec<(Tag, TagStep)>,
}

/// The exact tag names another artifact, and is not changed. Class `publish_failed`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tag} is published with other content: {there} is there, {ours} would be pushed")]
pub struct Taken {
    /// The tag.
    pub tag: Tag,
    /// What it names.
    pub there: BlobDigest,
    /// What it would name.
    pub ours: BlobDigest,
}

impl TagPlan {
    /// The tags that are written.
    pub fn writes(&self) -> impl Iterator<Item = (&Tag, &TagStep)> {
        let is_write = |step: &TagStep| matches!(step, TagStep::Create | TagStep::Move(_));
        self.steps.iter().filter(move |(_, step)| is_write(step)).map(|(tag, step)| (tag, step))
    }

    /// The tags that name the artifact once the plan is done.
    pub fn ours(&self) -> impl Iterator<Item = &Tag> {
        self.steps.iter().filter(|(_, step)| !matches!(step, TagStep::Leave(_))).map(|(tag, _)| tag)
    }
}

/// The tags of `X.Y.Z`, the exact one first; `None` where the version is not three numbers.
pub fn tags(version: &Version) -> Option<Vec<Tag>> {
    let [major, minor, _] = numbers(version.as_str())?;
    let names = [version.as_str().to_owned(), format!("{major}.{minor}"), major.to_owned(), "latest".to_owned()];
    names.iter().map(|name| name.parse().ok()).collect()
}

/// The numbers of `X.Y.Z`; `None` for any other text.
fn numbers(text: &str) -> Option<[&str; 3]> {
    let version: Version = text.parse().ok()?;
    let parts: Vec<&str> = text.split('.').collect();
    (!version.is_prerelease() && !text.contains('+')).then(|| parts.try_into().ok()).flatten()
}

/// What is to be done with the tags of a version.
///
/// # Errors
/// [`Taken`].
pub fn plan(version: &Version, tags: &[Tag], ours: BlobDigest, observed: &Observed) -> Result<TagPlan, Taken> {
    let mut steps = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let there = observed.tags.get(tag).copied();
        let step = match (there, at) {
            (Some(there), _) if there == ours => TagStep::There,
            (Some(there), 0) => return Err(Taken { tag: tag.clone(), there, ours }),
            (there, at) => match higher(version, at, &observed.names) {
                Some(higher) if at > 0 => TagStep::Leave(higher),
                _ => there.map_or(TagStep::Create, TagStep::Move),
            },
        };
        steps.push((tag.clone(), step));
    }
    // A shorter tag that names this artifact although a higher version is there stays as it is: only that version's own push
    // moves it.
    Ok(TagPlan { steps })
}

/// The highest published version above `version` in the range of its tag number `at`: 1 for `X.Y`, 2 for `X`, 3 for all.
fn higher(version: &Version, at: usize, names: &[String]) -> Option<Version> {
    let own = numbers(version.as_str())?;
    let shared = 3usize.saturating_sub(at);
    let in_range = |name: &&String| numbers(name).is_some_and(|found| found[..shared] == own[..shared]);
    let versions = names.iter().filter(in_range).filter_map(|name| name.parse::<Version>().ok());
    versions.filter(|found| found.precedence(version) == Ordering::Greater).max_by(|a, b| a.precedence(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(text: &str) -> BlobDigest {
        BlobDigest::of(&[text.as_bytes()])
    }

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    fn told(plan: &TagPlan) -> String {
        let step = |(tag, step): &(Tag, TagStep)| match step {
            TagStep::There => format!("{tag} there"),
            TagStep::Create => format!("{tag} new"),
            TagStep::Move(_) => format!("{tag} moves"),
            TagStep::Leave(higher) => format!("{tag} stays at {higher}"),
        };
        plan.steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }

    #[test] // cli-unit.md §12.4
    fn tags_move_upwards_only_and_the_exact_one_never() {
        for (names, there, expected) in [
            (&[][..], &[][..], "1.2.3 new, 1.2 new, 1 new, latest new"),
            (
                &["1.2.2", "1.2", "1", "latest"],
                &[("1.2", "old"), ("1", "old"), ("latest", "old")],
                "1.2.3 new, 1.2 moves, 1 moves, latest moves",
            ),
            (
                &["1.2.10"],
                &[("1.2", "old")],
                "1.2.3 new, 1.2 stays at 1.2.10, 1 stays at 1.2.10, latest stays at 1.2.10",
            ),
            (&["1.3.0"], &[("1.2", "old")], "1.2.3 new, 1.2 moves, 1 stays at 1.3.0, latest stays at 1.3.0"),
            (&["2.0.0", "1.2.2"], &[], "1.2.3 new, 1.2 new, 1 new, latest stays at 2.0.0"),
            (&["10.0.0", "9.0.0"], &[], "1.2.3 new, 1.2 new, 1 new, latest stays at 10.0.0"),
            // What is no version of three numbers takes no part.
            (
                &["1.2.4-rc.1", "1.2.4+b", "v1.2.4", "2", "nightly", "01.2.4", "1.2.4.5"],
                &[],
                "1.2.3 new, 1.2 new, 1 new, latest new",
            ),
            (
                &["1.2.3"],
                &[("1.2.3", "ours"), ("1.2", "ours"), ("1", "ours"), ("latest", "ours")],
                "1.2.3 there, 1.2 there, 1 there, latest there",
            ),
            // A push that died between two tags.
            (
                &["1.2.3", "1.2"],
                &[("1.2.3", "ours"), ("1.2", "ours"), ("1", "old")],
                "1.2.3 there, 1.2 there, 1 moves, latest new",
            ),
        ] {
            let observed = Observed {
                names: names.iter().map(|name| (*name).to_owned()).collect(),
                tags: there.iter().map(|(tag, what)| (tag.parse().expect("a tag"), digest(what))).collect(),
            };
            let version = version("1.2.3");
            let tags = tags(&version).expect("three numbers");
            let plan = plan(&version, &tags, digest("ours"), &observed).expect("no conflict");
            assert_eq!(told(&plan), expected, "{names:?}");
        }
    }

    #[test]
    fn another_digest_under_the_exact_tag_is_a_conflict() {
        let observed =
            Observed { names: vec!["1.2.3".into()], tags: [("1.2.3".parse().expect("a tag"), digest("old"))].into() };
        let version = version("1.2.3");
        let taken = plan(&version, &tags(&version).expect("tags"), digest("ours"), &observed).expect_err("taken");
        assert_eq!((taken.there, taken.ours, taken.tag.as_str()), (digest("old"), digest("ours"), "1.2.3"));
    }

    #[test]
    fn only_three_numbers_have_tags() {
        for text in ["1.2.3-rc.1", "1.2.3+b", "0.0.0-dev"] {
            assert_eq!(tags(&version(text)), None, "{text}");
        }
        let names: Vec<String> = tags(&version("0.0.1")).expect("tags").iter().map(ToString::to_string).collect();
        assert_eq!(names, ["0.0.1", "0.0", "0", "latest"]);
    }

    proptest! {
        #[test]
        fn in_whatever_order_versions_are_published_the_short_tags_end_at_the_highest(
            order in prop::collection::vec((0u8..3, 0u8..3, 0u8..4), 1..12)
        ) {
            let mut observed: BTreeMap<Tag, (Version, BlobDigest)> = BTreeMap::new();
            for (x, y, z) in &order {
                let version = version(&format!("{x}.{y}.{z}"));
                let ours = digest(version.as_str());
                let now = Observed {
                    names: observed.keys().map(ToString::to_string).collect(),
                    tags: observed.iter().map(|(tag, (_, digest))| (tag.clone(), *digest)).collect(),
                };
                let plan = plan(&version, &tags(&version).expect("tags"), ours, &now).expect("the same content each time");
                let written: Vec<Tag> = plan.writes().map(|(tag, _)| tag.clone()).collect();
                for tag in written {
                    observed.insert(tag, (version.clone(), ours));
                }
            }
            let highest = |start: &str| order.iter().map(|(x, y, z)| version(&format!("{x}.{y}.{z}")))
                .filter(|version| version.as_str().starts_with(start)).max_by(|a, b| a.precedence(b)).expect("one");
            for (tag, (version, _)) in &observed {
                let start = match tag.as_str() { "latest" => String::new(), tag if tag.matches('.').count() == 2 => tag.to_owned(), tag => format!("{tag}.") };
                prop_assert_eq!(version, &highest(&start), "{}", tag);
            }
        }
    }
}
