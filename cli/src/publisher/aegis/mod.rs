//! Squad Aegis bundles: checked where they lie, packed and signed. What a host says of one is `aileron_verifier::aegis`'s.
//!
//! | file | |
//! |---|---|
//! | [`staging`] | the files of a directory, without links |
//! | [`check`] | a repository, a staging directory or a zip file against every rule |
//! | [`pack`] | a staging directory becomes a zip file, signed or not |
//! | [`scaffold`] | a new repository |
//! | [`upload`] | a zip file goes to a host |
//! | `extension` | a bundle's own binary, started and driven as a host would, when somebody asks |

pub mod check;
#[cfg(unix)]
pub mod extension;
pub mod pack;
pub mod scaffold;
pub mod staging;
pub mod upload;

use std::path::PathBuf;

use aileron_verifier::aegis::envelope::BuildError;
use aileron_verifier::aegis::zip::write::NotWritable;
use aileron_verifier::problem::Class;

pub use check::Findings;

use crate::sys::disk::DiskError;

/// Account of the keychain entry that holds the key for bundles.
pub const KEYCHAIN_ACCOUNT: &str = "squad-aegis";

/// Why a bundle was not checked or packed.
#[derive(Debug, thiserror::Error)]
pub enum AegisError {
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no `manifest.json` where one is looked for.
    #[error("there is no manifest.json in {}", .0.display())]
    NoManifest(PathBuf),
    /// Something below a staging directory is no file: it is never followed or packed.
    #[error("{} is {what}; a bundle holds files only", .path.display())]
    Special {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A name that cannot stand in a bundle.
    #[error("the name of {} is not UTF-8", .0.display())]
    NameNotUtf8(PathBuf),
    /// More files than any bundle has.
    #[error("{} has more than {most} files; a staging directory holds a bundle's files and nothing else", .path.display())]
    TooManyFiles {
        /// The staging directory.
        path: PathBuf,
        /// Most that are read.
        most: usize,
    },
    /// A label that is hard to type, or hides something.
    #[error(
        "key id {:?} is not usable: up to 64 letters, digits, `.`, `_` and `-`, starting with a letter or digit",
        aileron_verifier::text::printable(.0)
    )]
    KeyId(String),
    /// A signature that would never count.
    #[error("the lifetime must be positive, and end before the year 10000")]
    Lifetime,
    /// The wrapper cannot be built.
    #[error(transparent)]
    Wrapper(#[from] BuildError),
    /// The archive cannot be written.
    #[error("the bundle is {0}")]
    Large(#[from] NotWritable),
    /// Rules are broken.
    #[error("{} packing", crate::publisher::release::stops(.0.errors().count()))]
    Broken(Box<Findings>),
}

impl AegisError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            AegisError::Disk(error) => error.class(),
            AegisError::NoManifest(_)
            | AegisError::Special { .. }
            | AegisError::NameNotUtf8(_)
            | AegisError::TooManyFiles { .. }
            | AegisError::Large(_) => Class::ValidationError,
            AegisError::KeyId(_) | AegisError::Lifetime => Class::UsageError,
            AegisError::Wrapper(error) => error.class(),
            AegisError::Broken(findings) => findings.class(),
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        false
    }
}
