//! Squad Aegis bundles: checked where they lie, packed and signed. What a host says of one is `aileron_verifier::aegis`'s.
//!
//! | file | |
//! |---|---|
//! | [`staging`] | the files of a directory, without links |
//! | [`check`] | a repository, a staging directory or a zip file against every rule |
//! | [`go_sources`] | the Go files of a repository |
//! | [`build`] | a repository becomes the files of a bundle |
//! | [`pack`] | the files of a bundle become a zip file, signed or not |
//! | [`earlier`] | what a host does with a bundle of a version that it has |
//! | [`scaffold`] | a new repository |
//! | [`upload`] | a zip file goes to a host |
//! | `extension` | a bundle's own binary, started and driven as a host would, when somebody asks |

pub mod build;
pub mod check;
pub mod earlier;
#[cfg(unix)]
pub mod extension;
pub mod go_sources;
pub mod pack;
pub mod scaffold;
pub mod staging;
pub mod upload;

use std::collections::BTreeMap;
use std::path::PathBuf;

use aileron_verifier::aegis::envelope;
use aileron_verifier::aegis::zip::write::NotWritable;
use aileron_verifier::problem::Class;
use rayon::iter::ParallelIterator;

pub use check::Findings;

use crate::publisher::build::BuildError;
use crate::publisher::source::SourceError;
use crate::sys::disk::DiskError;

/// Account of the keychain entry that holds the key for bundles.
pub const KEYCHAIN_ACCOUNT: &str = "squad-aegis";

/// Checksums of files by name, as a manifest has them. Each file is hashed on a core of its own.
fn checksums<'f>(files: impl ParallelIterator<Item = (&'f String, &'f Vec<u8>)>) -> BTreeMap<&'f str, String> {
    use sha2::Digest as _;
    let hex = |bytes: &[u8]| sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    files.map(|(name, bytes)| (name.as_str(), hex(bytes))).collect()
}

/// Why a bundle was not checked or packed.
#[derive(Debug, thiserror::Error)]
pub enum AegisError {
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no `manifest.json` where one is looked for.
    #[error("there is no manifest.json in {}", .0.display())]
    NoManifest(PathBuf),
    /// Nothing can be built without a module.
    #[error("there is no go.mod in {}", .0.display())]
    NoModule(PathBuf),
    /// A target that the manifest does not have.
    #[error("manifest.json has no target {:?}; it has {there}", aileron_verifier::text::printable(.wanted))]
    NoTarget {
        /// The one that was asked for.
        wanted: String,
        /// Those that it has.
        there: String,
    },
    /// A directory that is to be replaced holds more than a staging directory does.
    #[error("{} has {:?}, which is not of a staging directory; nothing in it is touched", .path.display(), aileron_verifier::text::printable(.entry))]
    NotStaging {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        entry: String,
    },
    /// It does not compile, or cannot.
    #[error(transparent)]
    Build(#[from] BuildError),
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
    Wrapper(#[from] envelope::BuildError),
    /// The archive cannot be written.
    #[error("the bundle is {0}")]
    Large(#[from] NotWritable),
    /// Rules are broken.
    #[error("{} {step}", crate::publisher::release::stops(.findings.errors().count()))]
    Broken {
        /// All of them.
        findings: Box<Findings>,
        /// What is stopped: `packing`.
        step: &'static str,
    },
}

impl From<SourceError> for AegisError {
    fn from(error: SourceError) -> AegisError {
        BuildError::from(error).into()
    }
}

impl AegisError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            AegisError::Disk(error) => error.class(),
            AegisError::Build(error) => error.class(),
            AegisError::NoTarget { .. } => Class::UsageError,
            AegisError::NoManifest(_)
            | AegisError::NoModule(_)
            | AegisError::NotStaging { .. }
            | AegisError::Special { .. }
            | AegisError::NameNotUtf8(_)
            | AegisError::TooManyFiles { .. }
            | AegisError::Large(_) => Class::ValidationError,
            AegisError::KeyId(_) | AegisError::Lifetime => Class::UsageError,
            AegisError::Wrapper(error) => error.class(),
            AegisError::Broken { findings, .. } => findings.class(),
        }
    }

    /// Whether the same command may succeed later, with nothing changed by the user.
    pub fn is_retriable(&self) -> bool {
        match self {
            AegisError::Disk(error) => error.is_retriable(),
            AegisError::Build(error) => error.is_retriable(),
            AegisError::NoManifest(_)
            | AegisError::NoModule(_)
            | AegisError::NoTarget { .. }
            | AegisError::NotStaging { .. }
            | AegisError::Special { .. }
            | AegisError::NameNotUtf8(_)
            | AegisError::TooManyFiles { .. }
            | AegisError::KeyId(_)
            | AegisError::Lifetime
            | AegisError::Wrapper(_)
            | AegisError::Large(_)
            | AegisError::Broken { .. } => false,
        }
    }
}
