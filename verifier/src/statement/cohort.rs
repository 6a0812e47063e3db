//! The signed index of one release: all artifacts of one tag, in one small document.
//!
//! It lets a consumer check hundreds of artifacts with one download, and a second release run see that nothing is left
//! to do. Its bytes are a function of the release alone (no times), so that they are reproducible; it is signed like an
//! action, over its own bytes. artifacts.md §11.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::artifact::capability::Capabilities;
use crate::name::digest::{ArchiveDigest, ContentHash};
use crate::name::fqn::{Authority, Fqn, Ref};
use crate::name::version::Version;
use crate::problem::Waiver;
use crate::statement::document::{Document, StatementKind};
use crate::trust::key::Fingerprint;

/// The index on the connector's release. 600 actions take 300 kB.
pub const KIND: StatementKind =
    StatementKind { asset: ASSET, signature_asset: SIGNATURE_ASSET, schema: SCHEMA, limit: 16 << 20 };
/// File name of the index on the connector's release.
pub const ASSET: &str = "cohort.json";
/// File name of its signature.
pub const SIGNATURE_ASSET: &str = "cohort.json.sig";
/// The newest schema this crate writes and reads.
pub const SCHEMA: u32 = 1;

/// `cohort.json`, fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// Format version; a reader refuses a higher one.
    pub schema: u32,
    /// The repository's name.
    pub repository: Fqn,
    /// Version of everything in it.
    pub version: Version,
    /// The commit it was made from.
    pub commit: CommitId,
    /// Set when the work tree had changes the commit does not hold.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub dirty: bool,
    /// What made it.
    pub tool: Tool,
    /// What compiled the module.
    pub toolchain: Toolchain,
    /// Fingerprint of the key that signed everything in it.
    pub key: Fingerprint,
    /// The connector.
    pub connector: ConnectorEntry,
    /// The actions, sorted by name.
    pub actions: Vec<ActionEntry>,
    /// The suite, if the repository has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suite: Option<SuiteEntry>,
    /// What the connector may do.
    pub capabilities: Capabilities,
    /// Rules that were waived for this release.
    pub allowed: Vec<Waiver>,
}

/// The name of a git commit: 40 lower-case hex digits, or 64 in a repository of git's SHA-256 format. artifacts.md §11.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// A text that is no [`CommitId`]. Class `validation_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commit is 40 or 64 lower-case hex digits")]
pub struct NotACommit;

impl CommitId {
    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommitId {
    type Error = NotACommit;
    fn try_from(text: String) -> Result<CommitId, NotACommit> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && matches!(text.len(), 40 | 64) { Ok(CommitId(text)) } else { Err(NotACommit) }
    }
}

impl FromStr for CommitId {
    type Err = NotACommit;
    fn from_str(text: &str) -> Result<CommitId, NotACommit> {
        text.to_owned().try_into()
    }
}

impl From<CommitId> for String {
    fn from(commit: CommitId) -> String {
        commit.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The publishing tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What compiled the module: a toolchain, or the publisher's own prebuilt file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Toolchain {
    /// Compiled by this release.
    Built {
        /// `go`, `wat`.
        language: String,
        /// Exact version, as the toolchain prints it.
        version: String,
        /// The flags that decide the bytes.
        flags: Vec<String>,
    },
    /// Given as a file: `{"prebuilt": true}`.
    Prebuilt {
        /// Always true.
        prebuilt: True,
    },
}

impl Toolchain {
    /// What is recorded of a module that was built elsewhere.
    pub const PREBUILT: Toolchain = Toolchain::Prebuilt { prebuilt: True };
}

/// The JSON value `true`, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;
    fn try_from(value: bool) -> Result<True, &'static str> {
        value.then_some(True).ok_or("expected true")
    }
}

impl From<True> for bool {
    fn from(_: True) -> bool {
        true
    }
}

/// Digest and size of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Digest of the archive's bytes.
    pub sha256: ArchiveDigest,
    /// Their number.
    pub size: u64,
}

/// The connector's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorEntry {
    /// Name.
    pub fqn: Fqn,
    /// Release tag.
    pub tag: String,
    /// What every action of the cohort pins.
    pub content_hash: ContentHash,
    /// The archive.
    pub archive: Archive,
}

/// One action's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionEntry {
    /// Short name.
    pub name: String,
    /// Full name.
    pub fqn: Fqn,
    /// Release tag.
    pub tag: String,
    /// The archive.
    pub archive: Archive,
    /// Connector operations it may call.
    pub capabilities: Vec<String>,
    /// Whether each call waits for the user.
    pub approval: bool,
}

/// The suite's name and purpose; its members are the actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteEntry {
    /// Name.
    pub name: String,
    /// One line about it.
    pub description: String,
}

impl Cohort {
    /// Every archive of the cohort: its tag and digest, connector first.
    pub fn archives(&self) -> impl Iterator<Item = (&str, &Archive)> {
        let connector = (self.connector.tag.as_str(), &self.connector.archive);
        std::iter::once(connector).chain(self.actions.iter().map(|action| (action.tag.as_str(), &action.archive)))
    }
}

impl Document for Cohort {
    const KIND: &'static StatementKind = &KIND;

    /// The connector at the version.
    type Subject = Ref;

    fn authority(subject: &Ref) -> Authority {
        subject.name.repo_authority()
    }

    fn subject(&self) -> Ref {
        Ref { name: self.connector.fqn.clone(), version: self.version.clone() }
    }

    /// The first entry that names something the repository and version of this index do not ship; `None` when every name and
    /// tag follows from the connector's.
    fn contradiction(&self) -> Option<String> {
        let connector = &self.connector.fqn;
        if self.repository != connector.repository() {
            return Some(format!("repository is {}, the connector is {connector}", self.repository));
        }
        let expected =
            |fqn: &Fqn, tag: &str| (fqn.tag(&self.version).as_str() != tag).then(|| format!("{fqn} has tag {tag}"));
        let foreign = |action: &ActionEntry| match connector.action(&action.name) {
            Ok(name) if name == action.fqn => expected(&action.fqn, &action.tag),
            _ => Some(format!("action {} is {}", action.name, action.fqn)),
        };
        expected(connector, &self.connector.tag).or_else(|| self.actions.iter().find_map(foreign))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::document::DocumentError;

    fn sample() -> Cohort {
        let fqn: Fqn = "github://acme/x".parse().expect("name");
        Cohort {
            schema: SCHEMA,
            repository: fqn.clone(),
            version: "0.1.0".parse().expect("version"),
            commit: "0".repeat(40).parse().expect("commit"),
            dirty: false,
            tool: Tool { name: "aileron-pub".into(), version: "0.1.0".into() },
            toolchain: Toolchain::PREBUILT,
            key: crate::trust::key::PublicKey::from_bytes([1; 32]).fingerprint(),
            connector: ConnectorEntry {
                fqn,
                tag: "v0.1.0".into(),
                content_hash: ContentHash::of(&[]),
                archive: Archive { sha256: ArchiveDigest::of(&[]), size: 0 },
            },
            actions: Vec::new(),
            suite: None,
            capabilities: Capabilities::default(),
            allowed: Vec::new(),
        }
    }

    #[test] // artifacts.md §11: this key order, `dirty` only if so
    fn keys_are_written_in_the_specs_order() {
        let text = String::from_utf8(sample().render()).expect("UTF-8");
        let keys: Vec<&str> =
            text.lines().filter(|line| line.starts_with("  \"")).filter_map(|line| line.split('"').nth(1)).collect();
        let expected =
            ["schema", "repository", "version", "commit", "tool", "toolchain", "key", "connector", "actions"];
        assert_eq!(keys, [&expected[..], &["capabilities", "allowed"]].concat());
        assert!(text.ends_with("}\n") && !text.contains('\r'));
    }

    #[test]
    fn every_name_and_tag_follows_from_the_connectors() {
        assert_eq!(sample().contradiction(), None);
        let entry = |name: &str, fqn: &str, tag: &str| {
            let action = ActionEntry {
                name: name.into(),
                fqn: fqn.parse().expect("name"),
                tag: tag.into(),
                archive: Archive { sha256: ArchiveDigest::of(&[]), size: 0 },
                capabilities: Vec::new(),
                approval: false,
            };
            Cohort { actions: vec![action], ..sample() }.contradiction()
        };
        assert_eq!(entry("a", "github://acme/x/actions/a", "actions/a/v0.1.0"), None);
        assert!(entry("a", "github://acme/x/actions/b", "actions/b/v0.1.0").is_some());
        assert!(entry("a", "github://evil/x/actions/a", "actions/a/v0.1.0").is_some());
        assert!(entry("a", "github://acme/x/actions/a", "actions/a/v0.2.0").is_some());
        let elsewhere = Cohort { repository: "github://acme/y".parse().expect("name"), ..sample() };
        assert!(elsewhere.contradiction().is_some());
    }

    #[test] // artifacts.md §11
    fn a_toolchain_has_one_of_two_shapes() {
        let built =
            Toolchain::Built { language: "go".into(), version: "go1.26.8".into(), flags: vec!["-trimpath".into()] };
        for (toolchain, json) in [
            (built, r#"{"language":"go","version":"go1.26.8","flags":["-trimpath"]}"#),
            (Toolchain::PREBUILT, r#"{"prebuilt":true}"#),
        ] {
            assert_eq!(serde_json::to_string(&toolchain).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<Toolchain>(json).expect("JSON"), toolchain);
        }
        assert!(serde_json::from_str::<Toolchain>(r#"{"prebuilt":false}"#).is_err());
    }

    #[test] // artifacts.md §11: git's two object formats
    fn a_commit_is_40_or_64_lower_case_hex_digits() {
        let text = String::from_utf8(sample().render()).expect("UTF-8");
        let with = |commit: &str| Cohort::read_unverified(text.replace(&"0".repeat(40), commit).as_bytes());
        for commit in ["a1".repeat(20), "f".repeat(40), "0123456789abcdef".repeat(4), "9".repeat(64)] {
            assert_eq!(with(&commit).expect("readable").commit.as_str(), commit);
            assert!(String::from_utf8(with(&commit).expect("readable").render()).expect("UTF-8").contains(&commit));
        }
        for commit in [
            String::new(),
            "0".repeat(39),
            "0".repeat(41),
            "0".repeat(63),
            "0".repeat(65),
            "0".repeat(20),
            "A".repeat(40),
            "g".repeat(40),
            "HEAD".to_owned(),
            format!("{}\\n", "0".repeat(39)),
            format!(" {}", "0".repeat(39)),
            "é".repeat(20),
        ] {
            assert!(matches!(with(&commit), Err(DocumentError::Shape { .. })), "{commit}");
        }
    }

    #[test] // artifacts.md §11
    fn a_reader_ignores_unknown_keys_and_refuses_a_higher_schema() {
        let text = String::from_utf8(sample().render()).expect("UTF-8");
        let newer = text.replacen('{', "{\n  \"provenance\": [],", 1);
        assert_eq!(Cohort::read_unverified(newer.as_bytes()).expect("readable"), sample());
        let higher = text.replace("\"schema\": 1", "\"schema\": 2");
        assert!(matches!(Cohort::read_unverified(higher.as_bytes()), Err(DocumentError::Schema { found: 2, .. })));
    }
}
