//! OCI registries and image layouts: where Features are published. cli-unit.md §12.4.
//!
//! | file | |
//! |---|---|
//! | `reference` | names of repositories, tags and manifests; pure |
//! | `document` | manifests as exact bytes; pure |
//! | `image` | lists of images by platform, labels of an image; pure |
//! | `plan` | which tags a version gets, and which of them move; pure |
//! | `challenge`, `upload` | how to log in, and where an upload goes on and with what; pure |
//! | `credential` | whose credential a registry gets |
//! | `session` | requests: waits, retries, logins, and where the credential goes |
//! | `client`, `layout` | a repository in a registry, and in a directory |
//! | `push` | look, plan, write, read back |
//!
//! Our own, because the registry client there is (`oci-client` 0.18) sends the credential to whatever host an upload names.
//! Not here: what a Feature is (`publisher::unit`).

mod challenge;
mod client;
pub mod credential;
mod document;
mod error;
mod image;
mod layout;
mod plan;
mod push;
mod reference;
mod session;
mod target;
mod upload;

pub use self::challenge::{Challenge, challenge};
pub use self::client::Registry;
pub use self::document::{Artifact, Blob, Descriptor, INDEX, MANIFEST, Manifest};
pub use self::error::RegistryError;
pub use self::image::{ImageConfig, Index, Platform, Published};
pub use self::layout::LayoutDirectory;
pub use self::plan::{Observed, TagPlan, TagStep, Taken, plan, tags};
pub use self::push::{Visibility, apply, confirm, plan_push, read_back};
pub use self::reference::{At, NotAReference, Reference, Repository, Tag, is_segment};
pub use self::session::Access;
pub use self::target::{Contents, Target, observe};
