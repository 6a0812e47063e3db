//! `approval.json`: signatures over what was proposed, made on the machine of the key's holder.
//!
//! It is not signed itself and need not be: each signature in it is judged where it belongs, and the signed index lists the
//! digest of every archive that comes out. What it says of itself only makes for better messages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{ProposalError, document, text};
use crate::layout;
use crate::name::digest::ArchiveDigest;
use crate::name::fqn::Ref;
use crate::statement::cohort::{CommitId, Tool};
use crate::trust::key::Fingerprint;

/// The newest schema this crate writes and reads.
const SCHEMA: u32 = 1;

/// Most bytes of the file: 10,000 signatures with their names, and the index.
pub const LIMIT: u64 = 32 << 20;

/// Signatures for a proposal, fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Format version; a reader refuses a higher one.
    pub schema: u32,
    /// The connector at the version.
    pub release: Ref,
    /// The commit everything was made from again.
    pub commit: CommitId,
    /// Digest of the proposal that was compared.
    pub proposal: ArchiveDigest,
    /// The key that signed.
    pub key: Fingerprint,
    /// What made it.
    pub tool: Tool,
    /// Over module and manifest.
    pub connector: Signature,
    /// Over each action, sorted by name.
    pub actions: Vec<SignedAction>,
    /// `cohort.json`, byte for byte.
    pub cohort: String,
    /// Over those bytes.
    pub cohort_signature: Signature,
}

/// One action's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAction {
    /// Its name at the version.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Over its bound document.
    pub signature: Signature,
}

/// 64 bytes that are said to be a signature, as padded base64. Whether a key accepts it is judged elsewhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

impl Signature {
    /// The bytes.
    pub fn bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Signature {
        Signature(bytes)
    }
}

impl TryFrom<String> for Signature {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Signature, &'static str> {
        let bytes = BASE64_STANDARD.decode(text).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Signature).ok_or("a signature is 64 bytes in base64")
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> String {
        BASE64_STANDARD.encode(signature.0)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl Approval {
    /// The newest schema, which is the one that is written.
    pub const SCHEMA: u32 = SCHEMA;

    /// The exact bytes of the file.
    pub fn render(&self) -> Vec<u8> {
        text(self)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ProposalError::Shape`] or [`ProposalError::Schema`].
    pub fn read(bytes: &[u8]) -> Result<Approval, ProposalError> {
        document(layout::APPROVAL, bytes, SCHEMA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval() -> Approval {
        let reference = |text: &str| text.parse::<Ref>().expect("a Ref");
        Approval {
            schema: SCHEMA,
            release: reference("github://acme/tea@0.1.0"),
            commit: "0123456789012345678901234567890123456789".parse().expect("a commit"),
            proposal: ArchiveDigest::of(&[b"proposal"]),
            key: "sha256:If4x36FUomFia/hUBG/SJx".parse().expect("a fingerprint"),
            tool: Tool { name: "aileron-pub".into(), version: "0.1.0".into() },
            connector: [7; 64].into(),
            actions: vec![SignedAction {
                reference: reference("github://acme/tea/actions/brew@0.1.0"),
                signature: [8; 64].into(),
            }],
            cohort: "{}\n".into(),
            cohort_signature: [9; 64].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = approval().render();
        assert_eq!(Approval::read(&bytes).expect("it reads"), approval());
        assert!(bytes.ends_with(b"}\n"));
    }

    #[test]
    fn what_is_no_answer_says_so() {
        let text = String::from_utf8(approval().render()).expect("text");
        for (old, new, words) in [
            ("\"schema\": 1", "\"schema\": 2", "approval.json has schema 2; this tool reads up to 1"),
            ("\"schema\": 1,", "", "approval.json: missing field `schema`"),
            ("BwcHBwcH", "BwcH", "approval.json: a signature is 64 bytes in base64"),
            ("BwcHBwcH", "????????", "approval.json: a signature is 64 bytes in base64"),
            ("\"release\"", "\"relaese\"", "approval.json: missing field `release`"),
            ("{", "", "approval.json: "),
        ] {
            let said = Approval::read(text.replacen(old, new, 1).as_bytes()).expect_err(old).to_string();
            assert!(said.starts_with(words), "{said}, not {words}");
        }
    }
}
