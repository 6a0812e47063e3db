//! The host's checks of a manifest, in the host's order. aegis-bundle.md §3.4 to §3.7.

use std::collections::BTreeSet;

use super::{Manifest, Target};
use crate::aegis::{Kind, path};
use crate::text::quote::Quoted;

/// Why a host refuses a manifest it could decode. The texts are the host's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A member is not there, or empty.
    #[error("{kind} manifest is missing {member}")]
    Missing {
        /// The manifest's kind.
        kind: Kind,
        /// The member.
        member: &'static str,
    },
    /// Nothing of an id or version is left on disk.
    #[error("plugin manifest {field} {} collapses to an empty runtime path segment", Quoted(.value))]
    Collapses {
        /// `plugin_id`, for connectors too, or `version`.
        field: &'static str,
        /// The value.
        value: String,
    },
    /// An id or version would have another name on disk.
    #[error("plugin manifest {field} {} is ambiguous after runtime sanitization; stored path segment would be {}", Quoted(.value), Quoted(.stored))]
    Ambiguous {
        /// `plugin_id`, for connectors too, or `version`.
        field: &'static str,
        /// The value.
        value: String,
        /// What would be stored.
        stored: String,
    },
    /// A target lacks a member.
    #[error("{kind} manifest target {index} is missing {member}")]
    TargetMissing {
        /// The manifest's kind.
        kind: Kind,
        /// The target, from 0.
        index: usize,
        /// The member.
        member: &'static str,
    },
    /// A capability is blank.
    #[error("{kind} manifest target {index} has an empty required capability")]
    BlankCapability {
        /// The manifest's kind.
        kind: Kind,
        /// The target, from 0.
        index: usize,
    },
    /// A capability is there twice.
    #[error("{kind} manifest target {index} repeats required capability {name}")]
    RepeatedCapability {
        /// The manifest's kind.
        kind: Kind,
        /// The target, from 0.
        index: usize,
        /// The capability, without blanks.
        name: String,
    },
    /// Two targets for the same host.
    #[error(
        "{kind} manifest has a duplicate target for {}/{} with min_host_api_version {} and capabilities {capabilities}",
        .target.target_os, .target.target_arch, .target.min_host_api_version
    )]
    Duplicate {
        /// The manifest's kind.
        kind: Kind,
        /// The second of the two.
        target: Target,
        /// Its capabilities, sorted.
        capabilities: String,
    },
}

impl Manifest {
    /// The host's validation: the first check that fails.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn validate(&self) -> Result<(), Invalid> {
        let kind = self.kind;
        let missing = |member| Err(Invalid::Missing { kind, member });
        let has_no_id = self.id.is_empty() || kind == Kind::Connector && self.id.trim().is_empty();
        if has_no_id {
            return missing(kind.id_member());
        }
        if self.name.is_empty() {
            return missing("name");
        }
        if self.version.is_empty() {
            return missing("version");
        }
        segment("plugin_id", &self.id, path::sanitized(&self.id))?;
        segment("version", &self.version, path::sanitized_version(&self.version))?;
        if self.targets.is_empty() {
            return missing("targets");
        }
        let mut seen = BTreeSet::new();
        for (index, target) in self.targets.iter().enumerate() {
            target.validate(kind, index)?;
            let capabilities = target.sorted_capabilities();
            let key = (&target.target_os, &target.target_arch, target.min_host_api_version, capabilities.clone());
            if !seen.insert(key) {
                return Err(Invalid::Duplicate { kind, target: target.clone(), capabilities });
            }
        }
        Ok(())
    }

    /// The id as a part of a path on the host's disk.
    pub fn id_segment(&self) -> String {
        path::sanitized(&self.id)
    }

    /// The version as a part of a path on the host's disk.
    pub fn version_segment(&self) -> String {
        path::sanitized_version(&self.version)
    }
}

impl Target {
    /// The capabilities sorted and joined, untrimmed: a part of what makes two targets equal. aegis-bundle.md §3.7.
    pub(crate) fn sorted_capabilities(&self) -> String {
        let mut names: Vec<&str> = self.required_capabilities.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.join(",")
    }

    fn validate(&self, kind: Kind, index: usize) -> Result<(), Invalid> {
        let missing = [
            (self.min_host_api_version <= 0, "min_host_api_version"),
            (self.target_os.is_empty(), "target_os"),
            (self.target_arch.is_empty(), "target_arch"),
            (self.library_path.trim().is_empty(), "library_path"),
            (self.sha256.trim().is_empty(), "sha256"),
        ];
        if let Some((_, member)) = missing.into_iter().find(|(is_missing, _)| *is_missing) {
            return Err(Invalid::TargetMissing { kind, index, member });
        }
        let mut seen = BTreeSet::new();
        for name in self.required_capabilities.iter().map(|name| name.trim()) {
            if name.is_empty() {
                return Err(Invalid::BlankCapability { kind, index });
            }
            if !seen.insert(name) {
                return Err(Invalid::RepeatedCapability { kind, index, name: name.to_owned() });
            }
        }
        Ok(())
    }
}

fn segment(field: &'static str, value: &str, stored: String) -> Result<(), Invalid> {
    if stored.is_empty() {
        Err(Invalid::Collapses { field, value: value.to_owned() })
    } else if stored != value.trim() {
        Err(Invalid::Ambiguous { field, value: value.to_owned(), stored })
    } else {
        Ok(())
    }
}
