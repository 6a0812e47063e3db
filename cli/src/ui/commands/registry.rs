//! The registry a verb publishes to or looks at: a directory, or GitHub with a token from where it is kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aileron_verifier::version::Version;

use super::{Context, dist};
use crate::publisher::forge::directory::Directory;
use crate::publisher::forge::github::{API, GitHub, Limits, Patience, Place, SERVER};
use crate::publisher::forge::{Forge, ForgeError};
use crate::publisher::release::{ReleaseError, World};
use crate::secret::Secret;
use crate::sys::clock;
use crate::sys::disk;
use crate::ui::args::{LimitsOf, Registry, Target};
use crate::ui::report::Failure;

/// Longest token file that is read.
const TOKEN_LIMIT: u64 = 64 * 1024;
/// How long a run waits in CI, where a job ends at six hours. artifacts.md §12.
const IN_CI: Duration = Duration::from_secs(5 * 3600);

/// Does something with the registry, and says where that was.
pub(super) fn with_forge<T>(
    target: &Target,
    version: &Version,
    repository: &Path,
    context: &Context,
    work: impl FnOnce(&dyn Forge, &World<'_>) -> Result<T, ReleaseError>,
) -> Result<(T, String), Failure> {
    let (place, token) = match &target.to {
        Registry::Directory(path) => {
            let forge = Directory::new(path.clone());
            let answer = context.with_world(|world| work(&forge, world))?;
            return Ok((answer, forge.describe()));
        }
        Registry::GitHub => (place(target, version, repository, context)?, token(target, context)?),
    };
    let limits = match target.limits {
        Some(LimitsOf::Github) => Limits::github(),
        Some(LimitsOf::None) => Limits::none(),
        None if place.api == API => Limits::github(),
        None => Limits::none(), // an Enterprise server's default
    };
    let in_ci = || context.environment.var("CI").map(|_| IN_CI);
    let longest = target.max_wait.or_else(in_ci);
    context.with_world(|world| {
        let patience = Patience { clock: &clock::Machine, stop: world.stop, listener: world.listener, longest };
        let unable = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
        let forge = GitHub::new(place, &token, limits, patience).map_err(unable)?;
        let answer = work(&forge, world)?;
        Ok((answer, forge.describe()))
    })
}

fn place(target: &Target, version: &Version, repository: &Path, context: &Context) -> Result<Place, Failure> {
    let variable = |name: &str| context.environment.var(name)?.to_str().map(str::to_owned);
    let base = |url: Option<String>, default: &str| url.as_deref().unwrap_or(default).trim_end_matches('/').to_owned();
    let meeting: PathBuf = dist(version.as_str(), repository, context)?;
    Ok(Place {
        api: base(target.api_url.clone().or_else(|| variable("GITHUB_API_URL")), API),
        server: base(variable("GITHUB_SERVER_URL"), SERVER),
        meeting,
    })
}

/// `--token-file`, `GITHUB_TOKEN`, `GH_TOKEN`.
fn token(target: &Target, context: &Context) -> Result<Secret, Failure> {
    let from_file = |path: &PathBuf| disk::read(path, TOKEN_LIMIT).map(Secret::from).map_err(Failure::from);
    let variable = |name: &&str| context.environment.secret(name).filter(|token| !token.is_blank());
    let found = match &target.token_file {
        Some(path) => Some(from_file(path)?).filter(|token| !token.is_blank()),
        None => ["GITHUB_TOKEN", "GH_TOKEN"].iter().find_map(variable),
    };
    let none = || ReleaseError::Forge { cause: ForgeError::NoToken, done: 0, of: 0 }.into();
    found.ok_or_else(none)
}
