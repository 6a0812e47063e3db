//! SemVer 2.0.0 versions, and the tags a cohort's releases carry.
//!
//! Versions are kept as text: signed documents hold them, and two spellings are two versions. The `semver` crate is not
//! used because it stores the three numbers in 64 bits, and existing artifacts may carry longer ones (artifacts.md §1).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::text::printable;

use serde::{Deserialize, Serialize};

use crate::text::shorten;

/// The version every committed document carries until a release binds it. artifacts.md §5.
pub const PLACEHOLDER: &str = "0.0.0-dev";

/// [`PLACEHOLDER`] as a version: it is legal SemVer.
pub fn placeholder() -> Version {
    Version(PLACEHOLDER.to_owned())
}

/// A SemVer 2.0.0 version without `v`, exactly as written. artifacts.md §1.
///
/// Equality is textual (`1.0.0+a` and `1.0.0+b` differ); [`Version::precedence`] is SemVer's order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

/// The text is not a SemVer 2.0.0 version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a SemVer version: {reason}", printable(.text))]
pub struct NotSemVer {
    /// What was given.
    pub text: String,
    /// The first thing that breaks the grammar.
    pub reason: &'static str,
}

impl Version {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the committed placeholder.
    pub fn is_placeholder(&self) -> bool {
        self.0 == PLACEHOLDER
    }

    /// Whether there is a pre-release part, so that the version is not final.
    pub fn is_prerelease(&self) -> bool {
        self.parts().1.is_some()
    }

    /// SemVer precedence (§11 of SemVer 2.0.0): build metadata does not count.
    pub fn precedence(&self, other: &Version) -> Ordering {
        let (core, pre) = self.parts();
        let (other_core, other_pre) = other.parts();
        let numbers = core.split('.').zip(other_core.split('.')).map(|(a, b)| number(a, b));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| match (pre, other_pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => prerelease(a, b),
        })
    }

    fn parts(&self) -> (&str, Option<&str>) {
        let without_build = self.0.split('+').next().unwrap_or(&self.0);
        match without_build.split_once('-') {
            Some((core, pre)) => (core, Some(pre)),
            None => (without_build, None),
        }
    }
}

fn number(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn prerelease(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => (x, y),
        };
        let order = match (is_numeric(x), is_numeric(y)) {
            (true, true) => number(x, y),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

/// Longest version in bytes. It becomes part of a tag, and git takes no longer part of a name. artifacts.md §10, bounds
/// before the signature.
pub const MAX_VERSION: usize = 256;

impl FromStr for Version {
    type Err = NotSemVer;
    fn from_str(text: &str) -> Result<Self, NotSemVer> {
        let fail = |reason| Err(NotSemVer { text: shorten(text, 100).into_owned(), reason });
        if text.len() > MAX_VERSION {
            return fail("it is longer than 256 bytes");
        }
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
        let numbers: Vec<&str> = core.split('.').collect();
        if core.starts_with('v') || core.starts_with('V') {
            return fail("it starts with `v`; only tags do");
        }
        if numbers.len() != 3 {
            return fail("it needs exactly three numbers, as in 1.2.3");
        }
        for part in numbers {
            if part.is_empty() || !is_numeric(part) {
                return fail("major, minor and patch are numbers");
            }
            if part.len() > 1 && part.starts_with('0') {
                return fail("a number has a leading zero");
            }
        }
        let identifier = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        for part in pre.into_iter().flat_map(|pre| pre.split('.')) {
            if !identifier(part) {
                return fail("a pre-release identifier is empty or has characters other than letters, digits and `-`");
            }
            if is_numeric(part) && part.len() > 1 && part.starts_with('0') {
                return fail("a numeric pre-release identifier has a leading zero");
            }
        }
        if build.into_iter().flat_map(|build| build.split('.')).any(|part| !identifier(part)) {
            return fail("a build identifier is empty or has characters other than letters, digits and `-`");
        }
        Ok(Version(text.to_owned()))
    }
}

impl TryFrom<String> for Version {
    type Error = NotSemVer;
    fn try_from(text: String) -> Result<Self, NotSemVer> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tag of one release: `v<version>`, or `<subpath>/v<version>`. artifacts.md §1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The tag under which a version is released of what lies at this subpath of its repository.
    pub fn of(subpath: Option<&str>, version: &Version) -> Tag {
        Tag(format!("{}{version}", Tag::start(subpath)))
    }

    /// What every tag of what lies at this subpath begins with: `v`, or `<subpath>/v`. Other tags may begin so too.
    pub fn start(subpath: Option<&str>) -> String {
        subpath.map_or_else(|| "v".to_owned(), |subpath| format!("{subpath}/v"))
    }

    /// Reads a connector tag as people type it: `v1.2.3` or `1.2.3`.
    ///
    /// # Errors
    /// [`NotSemVer`] when what follows the optional `v` is not a version.
    pub fn version_of(text: &str) -> Result<Version, NotSemVer> {
        text.strip_prefix('v').unwrap_or(text).parse()
    }

    /// The version that this text is the tag of, for what lies at this subpath of its repository: the way back from
    /// [`Tag::of`].
    pub fn read(subpath: Option<&str>, text: &str) -> Option<Version> {
        text.strip_prefix(&Tag::start(subpath))?.parse().ok()
    }

    /// The text, slashes included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as one path segment of a URL: `/` becomes `%2F`. Its other characters stand for themselves there, `+` too.
    pub fn as_segment(&self) -> String {
        self.0.replace('/', "%2F")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("SemVer")
    }

    #[test] // SemVer 2.0.0 §11, its own example
    fn precedence_is_semvers() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.10",
            "1.2.0",
            "2.0.0",
            "99999999999999999999.0.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(version(pair[0]).precedence(&version(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert_eq!(version("1.0.0+a").precedence(&version("1.0.0+b")), Ordering::Equal);
        assert_ne!(version("1.0.0+a"), version("1.0.0+b"));
    }

    #[test] // artifacts.md §1
    fn what_semver_forbids_is_refused_with_a_reason() {
        for text in [
            "",
            "1",
            "1.0",
            "1.0.0.0",
            "v1.0.0",
            "01.0.0",
            "1.0.0-",
            "1.0.0+",
            "1.0.0-01",
            "1.0.0-a..b",
            "1.0.0-a_b",
            " 1.0.0",
            "1.0.0\n",
            "1.0.0-β",
            "-1.0.0",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test] // artifacts.md §1
    fn a_tag_carries_the_subpath() {
        let tag = |subpath: Option<&str>| Tag::of(subpath, &version("0.1.0-rc.1+build.5"));
        assert_eq!(tag(None).as_str(), "v0.1.0-rc.1+build.5");
        assert_eq!(tag(Some("actions/post")).as_segment(), "actions%2Fpost%2Fv0.1.0-rc.1+build.5");
    }
}
