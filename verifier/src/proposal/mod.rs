//! A proposal and its answer: how a release is prepared where the signing key is not.
//!
//! CI makes everything that a release signs and puts it on a draft as [`crate::layout::PROPOSAL`]. The holder of the key makes
//! it again, compares, and answers with [`crate::layout::APPROVAL`]: signatures over the bytes of their own machine. Both files
//! lie where a stolen token can write, so neither decides anything: what is read here is compared with what was made
//! elsewhere, and every signature is judged by [`crate::artifact::verify`] like any other.
//!
//! | room | one line |
//! |---|---|
//! | [`archive`] | `proposal.tar.gz`: strict reader and deterministic writer, side by side |
//! | [`approval`] | `approval.json` |

pub mod approval;
pub mod archive;

use serde::de::DeserializeOwned;

use crate::artifact::archive::Malformed;
use crate::problem::Class;
use crate::text::printable_within;

pub use approval::Approval;
pub use archive::{Proposal, ProposalIndex};

/// Why bytes are no proposal, or no answer to one.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// Class `malformed_tarball`: the archive breaks a rule that holds for every archive.
    #[error("{file}: {cause}")]
    Malformed {
        /// The file.
        file: &'static str,
        /// The rule.
        cause: Malformed,
    },
    /// Class `parse_error`: not JSON of this shape.
    #[error("{file}: {}", printable_within(&.cause.to_string(), 400))]
    Shape {
        /// The document.
        file: &'static str,
        /// What is wrong, with line and column.
        cause: serde_json::Error,
    },
    /// Class `validation_error`: written by a newer tool.
    #[error("{file} has schema {found}; this tool reads up to {newest}")]
    Schema {
        /// The document.
        file: &'static str,
        /// Its schema.
        found: u32,
        /// The newest that is known.
        newest: u32,
    },
    /// Class `validation_error`: it does not hold together.
    #[error("{file} contradicts itself: {}", printable_within(.words, 400))]
    Contradiction {
        /// The file.
        file: &'static str,
        /// What cannot be.
        words: String,
    },
}

impl ProposalError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            ProposalError::Malformed { cause, .. } => cause.class(),
            ProposalError::Shape { .. } => Class::ParseError,
            ProposalError::Schema { .. } | ProposalError::Contradiction { .. } => Class::ValidationError,
        }
    }
}

/// Reads a document with a schema number. Unknown keys are ignored; a higher schema is refused.
fn document<D: DeserializeOwned>(file: &'static str, bytes: &[u8], newest: u32) -> Result<D, ProposalError> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: u32,
    }
    let shape = |cause| ProposalError::Shape { file, cause };
    match serde_json::from_slice::<Head>(bytes).map_err(shape)?.schema {
        found if found > newest => Err(ProposalError::Schema { file, found, newest }),
        _ => serde_json::from_slice(bytes).map_err(shape),
    }
}

/// The one text of a document: two-space indent, LF, final newline.
fn text(document: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
