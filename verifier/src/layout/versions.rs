//! `releases/index.json`: which versions of a repository are complete. artifacts.md §12.
//!
//! A release into a registry writes it last, so a version that is listed is whole; a consumer
//! that asks a mirror for the newest version reads it. A mirror of another make may say less: only the versions must be there.

use serde::{Deserialize, Serialize};

use crate::name::fqn::Fqn;
use crate::name::version::Version;

/// The list of a repository's complete versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteVersions {
    /// Format version, 1.
    #[serde(default = "schema")]
    schema: u32,
    /// The repository's name; what this tool writes has it.
    #[serde(default)]
    pub repository: Option<Fqn>,
    /// In SemVer order, oldest first, as far as this tool wrote it.
    pub versions: Vec<Version>,
}

fn schema() -> u32 {
    1
}

impl CompleteVersions {
    /// The list of a repository that has published nothing.
    pub fn none(repository: Fqn) -> CompleteVersions {
        CompleteVersions { schema: schema(), repository: Some(repository), versions: Vec::new() }
    }

    /// Reads the document of any tool.
    ///
    /// # Errors
    /// [`serde_json::Error`] where it is no such list.
    pub fn read(bytes: &[u8]) -> Result<CompleteVersions, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Adds a version in its place. `false` where it is listed already.
    pub fn add(&mut self, version: &Version) -> bool {
        if self.versions.contains(version) {
            return false;
        }
        self.versions.push(version.clone());
        self.versions.sort_by(|a, b| a.precedence(b).then_with(|| a.as_str().cmp(b.as_str())));
        true
    }

    /// The document, ending in a line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_semver_order_and_comes_back_as_it_was_written() {
        let mut list = CompleteVersions::none("github://acme/x".parse().expect("a name"));
        for version in ["0.10.0", "0.9.0", "0.10.0-rc.1", "0.10.0+b", "0.10.0+a"] {
            assert!(list.add(&version.parse().expect(version)), "{version}");
        }
        assert!(!list.add(&"0.9.0".parse().expect("a version")), "it is listed already");
        let order: Vec<&str> = list.versions.iter().map(Version::as_str).collect();
        assert_eq!(order, ["0.9.0", "0.10.0-rc.1", "0.10.0", "0.10.0+a", "0.10.0+b"]);
        let bytes = list.to_bytes();
        let start = b"{\n  \"schema\": 1,\n  \"repository\": \"github://acme/x\",\n  \"versions\": [\n    \"0.9.0\",\n";
        assert!(bytes.starts_with(start) && bytes.ends_with(b"]\n}\n"), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(CompleteVersions::read(&bytes).expect("it reads"), list);
    }

    #[test]
    fn a_mirror_of_another_make_may_say_less_but_not_something_else() {
        let few = CompleteVersions::read(br#"{"versions":["0.1.0"],"more":1}"#).expect("a list");
        assert_eq!((few.repository, few.versions.len()), (None, 1));
        for bad in [r#"{}"#, r#"{"versions":["v1"]}"#, r#"{"versions":[],"repository":"acme"}"#, "<html>", ""] {
            CompleteVersions::read(bad.as_bytes()).expect_err(bad);
        }
    }
}
