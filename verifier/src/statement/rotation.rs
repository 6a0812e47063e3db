//! A publisher's key is followed by another one, and both signed that: `keys/rotation.json` beside `keys/publisher.pub`.
//!
//! It is evidence, never a grant: who stole the old key can write one too. Its bytes are a function of its fields (LF,
//! two-space indent, sorted keys), and its signature file holds the old key's signature and then the new one's, 64 bytes
//! each. Older statements of the same publisher lie beside it, so that nobody is stranded who slept through one: see
//! [`Succession`].

use serde::{Deserialize, Serialize};

use super::document::{Document, StatementKind};
use super::file_id;
use super::verify::{Signed, StatementError, UnverifiedStatement};
use crate::layout::ROTATION;
use crate::name::fqn::{Authority, Fqn};
use crate::name::version::Version;
use crate::trust::key::PublicKey;
use crate::trust::keyring::Keyring;

/// The statement in a repository.
pub const KIND: StatementKind =
    StatementKind { asset: ROTATION, signature_asset: "keys/rotation.json.sig", schema: SCHEMA, limit: 64 << 10 };
/// The newest schema this crate writes and reads.
pub const SCHEMA: u32 = 1;
/// Rotations that are followed from one key to the next. Each costs a consumer two requests.
pub const LONGEST: usize = 16;

/// Where the older statement lies that made `new` the successor of another key: `keys/rotation-<id>.json`. The newest one
/// is [`ROTATION`]; from there the way back is known, key by key.
pub fn path_to(new: &PublicKey) -> String {
    format!("keys/rotation-{}.json", file_id(new))
}

/// `keys/rotation.json`, fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The repository whose key it is.
    pub authority: Fqn,
    /// The first version that the new key signs.
    pub first_version: Version,
    /// The successor.
    pub new: PublicKey,
    /// The key that is followed.
    pub old: PublicKey,
    /// Format version.
    pub schema: u32,
}

impl Document for Rotation {
    const KIND: &'static StatementKind = &KIND;
    const SIGNATURES: usize = 2;
    const EXACT: bool = true;

    /// The repository.
    type Subject = Fqn;

    fn authority(subject: &Fqn) -> Authority {
        subject.repo_authority()
    }

    fn subject(&self) -> Fqn {
        self.authority.clone()
    }

    fn signers(&self) -> Vec<PublicKey> {
        vec![self.old, self.new]
    }

    fn contradiction(&self) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("schema {}", self.schema));
        }
        if self.authority.subpath().is_some() {
            return Some(format!("{} is not a repository", self.authority));
        }
        (self.old == self.new).then(|| "a key does not follow itself".to_owned())
    }
}

/// A way from one key to another, each step signed by both of its keys.
#[derive(Clone, Debug)]
pub struct Succession(Vec<Signed<Rotation>>);

impl Succession {
    /// Follows statements, the oldest first, from a key.
    ///
    /// # Errors
    /// [`StatementError`] of the first one that does not follow from the key before it.
    pub fn follow<'a>(
        from: PublicKey,
        statements: impl IntoIterator<Item = UnverifiedStatement<'a, Rotation>>,
        repository: &Fqn,
    ) -> Result<Succession, StatementError> {
        let (mut at, mut steps) = (from, Vec::new());
        for statement in statements {
            let mut ring = Keyring::new();
            ring.grant(repository.repo_authority(), at);
            let step = statement.verify(repository, &ring)?;
            at = step.new;
            steps.push(step);
        }
        Ok(Succession(steps))
    }

    /// Every key that follows, the newest last.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.0.iter().map(|step| step.new)
    }

    /// Whether this key is one of them.
    pub fn names(&self, key: &PublicKey) -> bool {
        self.keys().any(|known| known == *key)
    }

    /// Number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first version that the newest key signs.
    pub fn first_version(&self) -> Option<&Version> {
        self.0.last().map(|step| &step.first_version)
    }
}
