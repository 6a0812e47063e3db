//! The newest final version of a name, where a name came without one.
//!
//! A repository with 600 actions has 601 releases per version, so its list of releases is never walked: on GitHub the tags
//! that begin as this name's do are asked for, which come without pages, and then whether the highest is released. A mirror
//! says in its index which versions are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aileron_verifier::layout::{ARCHIVE, CompleteVersions, VERSIONS_LIMIT};
use aileron_verifier::name::fqn::{Fqn, Ref, Scheme};
use aileron_verifier::name::version::{Tag, Version};
use aileron_verifier::text::printable;

use crate::consumer::fetch::origin::{FetchError, Origin, OriginPlace, must_exist};
use crate::github::ReadError;
use crate::sys::address::Address;
use crate::sys::disk;
use crate::sys::http::HttpError;

/// Tags that may turn out not to be released yet before the search ends: a tag is pushed before its release is there.
const UNRELEASED: usize = 10;

impl Origin {
    /// The newest version of `name` that is no pre-release and can be fetched.
    ///
    /// # Errors
    /// [`FetchError::NoVersion`] when there is none, [`FetchError::Unlisted`] when this place cannot tell.
    pub fn newest(&self, name: &Fqn) -> Result<Ref, FetchError> {
        let (at, versions) = match &self.place {
            OriginPlace::Directory(root) => in_directory(root, name)?,
            OriginPlace::Server(base) => self.in_index(base.raw(), name)?,
            OriginPlace::Scheme if name.scheme() == Scheme::Github => return self.on_github(name),
            OriginPlace::Scheme => {
                return Err(FetchError::Unlisted {
                    name: name.clone(),
                    at: Address::of(format!("{}://", name.scheme().as_str())),
                });
            }
        };
        let newest = finals(versions).pop();
        let none = || FetchError::NoVersion { name: name.clone(), at };
        newest.map(|version| Ref { name: name.clone(), version }).ok_or_else(none)
    }

    /// The newest final versions of many names, in their order; `None` where there is none. A repository is asked once
    /// however many of its names are wanted, so whether a tag of GitHub's is released already is left to the fetch.
    ///
    /// # Errors
    /// [`FetchError`] when a place cannot tell.
    pub fn newest_of(&self, names: &[Fqn]) -> Result<Vec<Option<Ref>>, FetchError> {
        let mut repositories: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names {
            if self.place != OriginPlace::Scheme || name.scheme() != Scheme::Github {
                found.push(match self.newest(name) {
                    Ok(newest) => Some(newest),
                    Err(FetchError::NoVersion { .. }) => None,
                    Err(error) => return Err(error),
                });
                continue;
            }
            let repository = name.repository().to_string();
            if !repositories.contains_key(&repository) {
                repositories.insert(repository.clone(), self.github.tags(name, "")?);
            }
            let tags = repositories.get(&repository).into_iter().flatten();
            let versions = tags.filter_map(|tag| name.version_at(tag)).collect();
            found.push(finals(versions).pop().map(|version| Ref { name: name.clone(), version }));
        }
        Ok(found)
    }

    fn in_index(&self, base: &str, name: &Fqn) -> Result<(Address, Vec<Version>), FetchError> {
        let at = format!("{}/{}", base.trim_end_matches('/'), name.versions_path());
        let index: CompleteVersions = self.github.public_document(&at).map_err(|error| match error {
            ReadError::Http(HttpError::Absent { .. }) => {
                FetchError::Unlisted { name: name.clone(), at: Address::of(&*at) }
            }
            other => other.into(),
        })?;
        Ok((Address::of(at), index.versions))
    }

    fn on_github(&self, name: &Fqn) -> Result<Ref, FetchError> {
        let start = Tag::start(name.subpath());
        let at = Address::of(self.github.tags_address(name, &start));
        let tags = self.github.tags(name, &start).map_err(|error| match error {
            ReadError::Http(HttpError::Absent { .. }) => FetchError::NoVersion { name: name.clone(), at: at.clone() },
            other => other.into(),
        })?;
        // `v1` and `vendor/…` begin the same way: what is no version is not meant.
        let versions = tags.iter().filter_map(|tag| name.version_at(tag)).collect();
        for version in finals(versions).into_iter().rev().take(UNRELEASED) {
            let candidate = Ref { name: name.clone(), version };
            if self.github.has_asset(&candidate, ARCHIVE)? {
                return Ok(candidate);
            }
        }
        Err(FetchError::NoVersion { name: name.clone(), at })
    }
}

/// Without pre-releases, in ascending order of precedence.
fn finals(versions: Vec<Version>) -> Vec<Version> {
    let mut finals: Vec<Version> = versions.into_iter().filter(|version| !version.is_prerelease()).collect();
    finals.sort_by(Version::precedence);
    finals
}

/// The versions whose archive is there, as far as the index, if there is one, calls them complete.
fn in_directory(root: &Path, name: &Fqn) -> Result<(Address, Vec<Version>), FetchError> {
    must_exist(root)?;
    let index = root.join(name.versions_path());
    let complete: Option<BTreeSet<String>> = match disk::read_if_there(&index, VERSIONS_LIMIT)? {
        None => None,
        Some(bytes) => {
            let index = CompleteVersions::read(&bytes).map_err(|error| FetchError::Garbled {
                at: Address::of_path(&index),
                why: printable(&error.to_string()).into_owned(),
            })?;
            Some(index.versions.iter().map(ToString::to_string).collect())
        }
    };
    let place = root.join(name.downloads_path());
    let mut versions = Vec::new();
    for tag in disk::list(&place)?.unwrap_or_default().into_keys() {
        let Some(version) = tag.to_str().and_then(|tag| Tag::read(None, tag)) else {
            continue;
        };
        let listed = complete.as_ref().is_none_or(|complete| complete.contains(version.as_str()));
        if listed && place.join(&tag).join(ARCHIVE).is_file() {
            versions.push(version);
        }
    }
    Ok((Address::of_path(&place), versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrors_newest_version_is_final_whole_and_there() {
        let mirror = tempfile::tempdir().expect("a directory");
        let put = |path: &str, text: &str| {
            let path = mirror.path().join("acme/x/releases").join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        };
        for tag in ["v0.9.0", "v0.10.0", "v0.11.0", "v1.0.0-rc.1", "vendor", "latest", "actions/post/v0.9.0"] {
            put(&format!("download/{tag}/{ARCHIVE}"), "");
        }
        put("download/v2.0.0/notes", ""); // no archive
        let newest = |name: &str| {
            Origin::directory(mirror.path()).newest(&name.parse().expect(name)).map(|found| found.to_string())
        };
        assert_eq!(newest("github://acme/x").expect("one"), "github://acme/x@0.11.0");
        assert_eq!(newest("github://acme/x/actions/post").expect("one"), "github://acme/x/actions/post@0.9.0");
        put("index.json", r#"{"schema":1,"repository":"github://acme/x","versions":["0.9.0","0.10.0"]}"#);
        assert_eq!(newest("github://acme/x").expect("one"), "github://acme/x@0.10.0");
        for name in ["github://acme/y", "github://acme/x/actions/gone"] {
            assert!(matches!(newest(name), Err(FetchError::NoVersion { .. })), "{name}");
        }
        put("index.json", "<html>");
        assert!(matches!(newest("github://acme/x"), Err(FetchError::Garbled { .. })));
    }
}
