//! Which target a host takes, or why none. aegis-bundle.md §4.3.

use std::collections::BTreeSet;

use super::{CAPABILITIES, Target};
use crate::aegis::HOST_API_VERSION;

/// Why a host finds no target. The texts are the host's, `plugin` for connectors too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// There are none.
    #[error("plugin manifest is missing targets")]
    Missing,
    /// None for this system.
    #[error("plugin does not support host OS {0}")]
    Os(String),
    /// None for this architecture.
    #[error("plugin does not support host architecture {arch} on {os}")]
    Arch {
        /// The host's system.
        os: String,
        /// The host's architecture.
        arch: String,
    },
    /// Some want a newer API, others a capability that is not there.
    #[error("plugin has no compatible target for {os}/{arch}: requires host API version >= {version} and capabilities {} (host API version is 1)", .capabilities.join(", "))]
    Both {
        /// The host's system.
        os: String,
        /// The host's architecture.
        arch: String,
        /// The smallest version that would do.
        version: i64,
        /// What is missing, sorted.
        capabilities: Vec<String>,
    },
    /// All want a newer API.
    #[error("plugin requires host API version >= {0}, but host provides 1")]
    Version(i64),
    /// All want a capability that is not there.
    #[error("plugin requires unsupported host capabilities: {}", .0.join(", "))]
    Capabilities(Vec<String>),
}

/// The target that a host of this system and architecture, in Go's names, takes.
///
/// # Errors
/// [`NoTarget`].
pub fn select<'t>(targets: &'t [Target], os: &str, arch: &str) -> Result<&'t Target, NoTarget> {
    if targets.is_empty() {
        return Err(NoTarget::Missing);
    }
    let of_os: Vec<&Target> = targets.iter().filter(|target| target.target_os == os).collect();
    if of_os.is_empty() {
        return Err(NoTarget::Os(os.to_owned()));
    }
    let here: Vec<&Target> = of_os.into_iter().filter(|target| target.target_arch == arch).collect();
    if here.is_empty() {
        return Err(NoTarget::Arch { os: os.to_owned(), arch: arch.to_owned() });
    }
    let (usable, newer): (Vec<&Target>, Vec<&Target>) =
        here.into_iter().partition(|target| target.min_host_api_version <= HOST_API_VERSION);
    let (fitting, lacking): (Vec<&Target>, Vec<&Target>) =
        usable.into_iter().partition(|target| missing(target).next().is_none());
    // The first of equals stays, as `min_by` keeps it: ties keep the manifest's order.
    let rank = |target: &&Target| {
        (
            std::cmp::Reverse((target.min_host_api_version, target.required_capabilities.len())),
            target.library_path.clone(),
        )
    };
    if let Some(best) = fitting.into_iter().min_by_key(rank) {
        return Ok(best);
    }
    let capabilities: BTreeSet<&str> = lacking.iter().flat_map(|target| missing(target)).collect();
    let capabilities = capabilities.into_iter().map(str::to_owned).collect();
    Err(match newer.iter().map(|target| target.min_host_api_version).min() {
        Some(version) if lacking.is_empty() => NoTarget::Version(version),
        Some(version) => NoTarget::Both { os: os.to_owned(), arch: arch.to_owned(), version, capabilities },
        None => NoTarget::Capabilities(capabilities),
    })
}

fn missing(target: &Target) -> impl Iterator<Item = &str> {
    let names = target.required_capabilities.iter().map(|name| name.trim());
    names.filter(|name| !name.is_empty() && !CAPABILITIES.contains(name))
}
