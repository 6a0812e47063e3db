//! What a release is laid out as: the names of its files, their largest sizes, and where each lies, there and back.
//!
//! A mirror is laid out like GitHub's download addresses, whether it is a server or a directory:
//!
//! ```text
//! <owner>/<repo>/releases/download/<tag>/aileron.tar.gz     and the release's other assets; a directory keeps the tag's
//!                                                          slashes, an address writes them as %2F
//! <owner>/<repo>/releases/index.json                       which versions are complete
//! <owner>/<repo>/HEAD/keys/publisher.pub                   the publisher's key, as the default branch has it
//! <owner>/<repo>/HEAD/keys/rotation.json                   and, if there are any, what the publisher says of older keys
//! ```
//!
//! Publishing, fetching and verifying take their paths from here, so they cannot disagree. Signed documents beside the
//! archive name their own assets ([`crate::statement`]). artifacts.md §1, §7, §11, §12.

mod versions;

pub use versions::CompleteVersions;

use crate::name::fqn::{Fqn, Ref, Scheme};
use crate::name::version::Tag;

/// File name of every artifact on its release. artifacts.md §1.
pub const ARCHIVE: &str = "aileron.tar.gz";
/// File name of a suite: in a repository, and beside a connector's archive.
pub const SUITE: &str = "suite.toml";
/// What CI proposes to sign, on the draft of the connector's release; gone before anything is public.
pub const PROPOSAL: &str = "proposal.tar.gz";
/// The answer of the key's holder, beside it.
pub const APPROVAL: &str = "approval.json";
/// The publisher's public key in a repository.
pub const PUBLISHER_KEY: &str = "keys/publisher.pub";
/// Where the statement lies that names the key of [`PUBLISHER_KEY`], the successor of an older one.
pub const ROTATION: &str = "keys/rotation.json";
/// What a signature file's name ends in, beside that of what is signed.
pub const SIGNATURE_SUFFIX: &str = ".sig";
/// Directory of a repository that holds one directory for each action.
pub const ACTIONS: &str = "actions";

/// The members of an archive, which are the files of a store's entry too. artifacts.md §7.
pub mod member {
    /// A connector's module.
    pub const MODULE: &str = "connector.wasm";
    /// The other name a reader accepts for it.
    pub const OTHER_MODULE: &str = "connector.bin";
    /// A connector's manifest.
    pub const MANIFEST: &str = "manifest.toml";
    /// An action's document.
    pub const DOCUMENT: &str = "action.md";
    /// The signature over the files beside it: 64 raw bytes.
    pub const SIGNATURE: &str = "signature.sig";
}

/// Most bytes of an archive, and of any other asset of a release. artifacts.md §7.
pub const ARCHIVE_LIMIT: u64 = 64 << 20;
/// Most bytes of a key file. keyring.md §5.1.
pub const KEY_LIMIT: u64 = 64 << 10;
/// Most bytes of a suite to install.
pub const SUITE_LIMIT: u64 = 1 << 20;
/// Most bytes of an entry of the catalog.
pub const ENTRY_LIMIT: u64 = 256 << 10;
/// Most bytes of the list of complete versions.
pub const VERSIONS_LIMIT: u64 = 8 << 20;

/// Where the assets of a repository's releases lie, below the repository.
pub const DOWNLOADS: &str = "releases/download";
/// The list of complete versions, below the repository.
const VERSIONS: &str = "releases/index.json";

impl Fqn {
    /// Path of everything of its repository below a mirror's base: `<owner>/<repo>`.
    pub fn repository_path(&self) -> String {
        format!("{}/{}", self.owner(), self.repo())
    }

    /// Path of a file as the default branch has it, below a mirror's base or GitHub's host of raw files.
    pub fn head_path(&self, file: &str) -> String {
        format!("{}/HEAD/{file}", self.repository_path())
    }

    /// Path of the publisher's public key below a mirror's base: `<owner>/<repo>/HEAD/keys/publisher.pub`. artifacts.md §1.
    pub fn key_path(&self) -> String {
        self.head_path(PUBLISHER_KEY)
    }

    /// Path of the list of the repository's complete versions below a mirror's base. artifacts.md §12.
    pub fn versions_path(&self) -> String {
        format!("{}/{VERSIONS}", self.repository_path())
    }

    /// Path of the directory, below a mirror's base, in which each version of this name has a directory `v<version>`.
    pub fn downloads_path(&self) -> String {
        let below = self.subpath().map(|subpath| format!("/{subpath}")).unwrap_or_default();
        format!("{}/{DOWNLOADS}{below}", self.repository_path())
    }

    /// Path of the assets under a tag of its repository, below a mirror's base, the tag's slashes kept.
    pub fn release_path(&self, tag: &Tag) -> String {
        format!("{}/{DOWNLOADS}/{tag}", self.repository_path())
    }
}

impl Ref {
    /// Where its scheme serves the archive: [`Ref::asset_url`].
    pub fn url(&self) -> Option<String> {
        self.asset_url(ARCHIVE)
    }

    /// Where a mirror at `base` serves the archive: [`Ref::asset_url_below`].
    pub fn url_below(&self, base: &str) -> String {
        self.asset_url_below(base, ARCHIVE)
    }

    /// Path of its archive below a mirror's base: [`Ref::asset_path`].
    pub fn mirror_path(&self) -> String {
        self.asset_path(ARCHIVE)
    }

    /// Where its scheme serves an asset of its release: the tag is one percent-encoded path segment. artifacts.md §1.
    ///
    /// `None` for `local://`, which is nowhere.
    pub fn asset_url(&self, asset: &str) -> Option<String> {
        let repository = self.name.repository_path();
        Some(match self.name.scheme() {
            Scheme::Github => self.asset_url_below("https://github.com", asset),
            Scheme::Gitlab => {
                format!("https://gitlab.com/{repository}/-/releases/{}/downloads/{asset}", self.tag().as_segment())
            }
            Scheme::Hub => {
                let subpath = self.name.subpath().map(|subpath| format!("/{subpath}")).unwrap_or_default();
                format!("https://hub.aileron.dev/api/v1/{repository}{subpath}/{}/{asset}", self.version)
            }
            Scheme::Local => return None,
        })
    }

    /// Where a mirror at `base` serves an asset of its release: as GitHub does, below another host. artifacts.md §1.
    pub fn asset_url_below(&self, base: &str, asset: &str) -> String {
        let repository = format!("{}/{}", base.trim_end_matches('/'), self.name.repository_path());
        download_url(&repository, &self.tag(), asset)
    }

    /// Path of an asset of its release below a mirror's base, `/`-separated, the tag's slashes kept. artifacts.md §1.
    pub fn asset_path(&self, asset: &str) -> String {
        format!("{}/{asset}", self.name.release_path(&self.tag()))
    }

    /// What the archive at this path of a mirror is named: the way back from [`Ref::mirror_path`]. The path may begin above
    /// the mirror's base; `None` where it is no archive's path. A path has no scheme, so that one is given.
    pub fn at_mirror_path(scheme: Scheme, path: &[&str]) -> Option<Ref> {
        let area: Vec<&str> = DOWNLOADS.split('/').collect();
        let downloads = path.windows(area.len()).position(|parts| parts == area)?;
        let (owner, repo) = (path.get(downloads.checked_sub(2)?)?, path.get(downloads - 1)?);
        let (asset, tag) = path[downloads + area.len()..].split_last()?;
        let (version, subpath) = tag.split_last()?;
        if *asset != ARCHIVE {
            return None;
        }
        let subpath = subpath.iter().map(|part| format!("/{part}")).collect::<String>();
        let version = Tag::read(None, version)?;
        format!("{}://{owner}/{repo}{subpath}@{version}", scheme.as_str()).parse().ok()
    }
}

/// The directory of an action in its repository: `actions/<name>`.
pub fn action_directory(name: &str) -> String {
    format!("{ACTIONS}/{name}")
}

/// The short name of the action whose directory this is: the way back from [`action_directory`].
pub fn action_of_directory(directory: &str) -> Option<&str> {
    let name = directory.strip_prefix(ACTIONS)?.strip_prefix('/')?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Address of an asset of a release, below the repository's own address: the tag is one percent-encoded path segment.
pub fn download_url(repository: &str, tag: &Tag, asset: &str) -> String {
    format!("{repository}/{DOWNLOADS}/{}/{asset}", tag.as_segment())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["acme/x", "acme/x/actions/post", "acme/x/tools/mail", "acme/x/tools/mail/actions/post"];

    fn reference(name: &str) -> Ref {
        format!("github://{name}@1.2.3-rc.1+b").parse().expect("a Ref")
    }

    #[test] // artifacts.md §1, §11, §12
    fn every_path_of_a_release_follows_from_its_name() {
        let post = reference("acme/x/tools/mail/actions/post");
        assert_eq!(post.name.key_path(), "acme/x/HEAD/keys/publisher.pub");
        assert_eq!(post.name.versions_path(), "acme/x/releases/index.json");
        assert_eq!(post.name.downloads_path(), "acme/x/releases/download/tools/mail/actions/post");
        let below = "acme/x/releases/download/tools/mail/actions/post/v1.2.3-rc.1+b";
        assert_eq!(post.name.release_path(&post.tag()), below);
        assert_eq!(post.mirror_path(), format!("{below}/aileron.tar.gz"));
        let url =
            "acme/x/releases/download/tools%2Fmail%2Factions%2Fpost/v1.2.3-rc.1+b/cohort.json".replace("/v", "%2Fv");
        assert_eq!(post.asset_url_below("http://m/", "cohort.json"), format!("http://m/{url}"));
        assert_eq!(post.asset_url("cohort.json"), Some(format!("https://github.com/{url}")));
    }

    #[test] // artifacts.md §1
    fn an_archives_place_in_a_mirror_is_its_name() {
        for name in NAMES {
            let reference = reference(name);
            for path in [reference.mirror_path(), format!("srv/releases/{}", reference.mirror_path())] {
                let parts: Vec<&str> = path.split('/').collect();
                assert_eq!(Ref::at_mirror_path(Scheme::Github, &parts), Some(reference.clone()), "{path}");
            }
            let beside = reference.asset_path("cohort.json");
            assert_eq!(Ref::at_mirror_path(Scheme::Github, &beside.split('/').collect::<Vec<_>>()), None);
        }
        for path in ["dist/0.1.0/aileron.tar.gz", "releases/download/v1.0.0/aileron.tar.gz", "a/b/releases/download"] {
            assert_eq!(Ref::at_mirror_path(Scheme::Github, &path.split('/').collect::<Vec<_>>()), None, "{path}");
        }
    }

    #[test] // artifacts.md §1
    fn a_tag_is_a_version_of_one_name_only() {
        for name in NAMES {
            let reference = reference(name);
            for other in NAMES {
                let expected = (name == other).then(|| reference.version.clone());
                assert_eq!(
                    self::reference(other).name.version_at(reference.tag().as_str()),
                    expected,
                    "{name} {other}"
                );
            }
        }
    }

    #[test] // artifacts.md §1: a connector may lie in a subpath of its repository
    fn an_actions_short_name_is_the_last_part_below_actions() {
        for (name, short) in [
            ("acme/x", None),
            ("acme/x/actions/post", Some("post")),
            ("acme/x/tools/mail", None),
            ("acme/x/tools/mail/actions/post", Some("post")),
            ("acme/x/actions", None),
            ("acme/x/actions/a/b", None),
            ("acme/x/reactions/post", None),
            ("acme/x/actions/actions/actions", Some("actions")),
        ] {
            assert_eq!(reference(name).name.action_name(), short, "{name}");
        }
        for (directory, name) in [
            ("actions/post", Some("post")),
            ("actions/", None),
            ("actions", None),
            ("post", None),
            ("actions/a/b", None),
            ("/actions/post", None),
        ] {
            assert_eq!(action_of_directory(directory), name, "{directory}");
        }
        assert_eq!(action_of_directory(&action_directory("post")), Some("post"));
        let connector = reference("acme/x/tools/mail").name;
        assert_eq!(connector.action("post").expect("a name").action_name(), Some("post"));
    }
}
