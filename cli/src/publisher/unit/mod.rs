//! Features that carry a CLI-capability unit: made, packed, published, read back. cli-unit.md §12.
//!
//! | file | |
//! |---|---|
//! | `scaffold` | a new Feature |
//! | `folder` | a Feature as its author has it: a folder with `devcontainer-feature.json` and `install.sh` |
//! | `archive` | the same as one file, written the same each time, and read from anybody |
//! | `artifact` | what of it a registry stores; the list of a collection |
//! | `collection` | whether that list may take the place of the published one |
//! | `image` | the label of an image in a registry or an image layout |
//! | `published` | a Feature read from a registry or an image layout |
//!
//! Not here: what a unit may say (the verifier's `unit`), and requests (`forge::registry`).

pub mod archive;
pub mod artifact;
pub mod collection;
pub mod folder;
pub mod image;
pub mod published;
pub mod scaffold;

pub use aileron_verifier::unit::MANIFEST;

/// What installs it.
pub const INSTALL: &str = "install.sh";

/// Most bytes of a manifest. cli-unit.md §12: an annotation and a label have to hold it.
pub const MANIFEST_LIMIT: u64 = 1 << 20;
/// Most bytes of all files of a Feature, packed or not.
pub const FEATURE_LIMIT: u64 = 64 << 20;
/// Most files and directories of a Feature.
pub const MOST_FILES: usize = 10_000;
